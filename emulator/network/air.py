"""What carries packets between the board and the network, and how real sockets are watched.

`Air` is the modem's radio (emulator/modem/radio.py) or that of the Wi-Fi station.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from emulator.board.clock import Clock, Timer

# Bytes of headers around a payload (RFC 791, 8200, 768, 9293)
UDP_HEADERS = {"IP": 28, "IPV6": 48}
TCP_HEADERS = {"IP": 40, "IPV6": 60}

# What became of a packet: True, it has arrived; False, it was on the air and got lost; None, it
# never left the radio
Done = Callable[[bool | None], None]


class Air(Protocol):
    def send(self, l3_bytes: int, done: Done) -> None:
        """Take a packet up; `done` tells, later, what became of it."""

    def downlink(self, l3_bytes: int, done: Done) -> None:
        """Take a packet down."""


class Watch:
    """Looks at real sockets as virtual time passes: often at first, then now and then.

    `look(wait_s)` says whether something had come. Real programs need real time: the first looks
    give them a few milliseconds each.
    """

    SOON_MS = (100, 200, 400, 800, 1600)
    SOON_WAIT_S = 0.002
    LATER_MS = 1_000
    LATER_LOOKS = 120
    RARELY_MS = 10_000
    PACED_MS = 50  # where virtual time is real time

    def __init__(self, clock: Clock, look: Callable[[float], bool]) -> None:
        self._clock = clock
        self._timer = Timer(clock)
        self._look = look
        self._looks = 0

    def start(self) -> None:
        """Begin anew: something was sent, something came."""
        self._looks = 0
        self._plan()

    def stop(self) -> None:
        self._timer.stop()

    def _plan(self) -> None:
        delay_ms = self.LATER_MS
        if self._looks < len(self.SOON_MS):
            delay_ms = self.SOON_MS[self._looks]
        elif self._looks > self.LATER_LOOKS:
            delay_ms = self.RARELY_MS
        if self._clock.pace is not None:
            delay_ms = min(delay_ms, self.PACED_MS)
        self._timer.start_ms(delay_ms, self._due)

    def _due(self) -> None:
        self._looks += 1
        soon = self._looks <= len(self.SOON_MS) and self._clock.pace is None
        found = self._look(self.SOON_WAIT_S if soon else 0.0)
        if not self._timer.running:  # `look` has not started us anew
            if found:
                self._looks = 0
            self._plan()
