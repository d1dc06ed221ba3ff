"""Loops that look and never sleep: what a look costs the longer nothing else happens.

`while not lora.has_joined(): pass` asks 50,000 times a second. Nothing that is looked at changes
but by an event on the clock, so that most of these calls see nothing. The first ones take the time
of any call. Behind them a look takes as long as many would, at most a 4096th of what the loop has
lasted so far, and ends at the next event: what the event changes is seen as early as ever. What no
event tells of, a time that is waited for, is seen later by that share.

Which calls only look, each service says (`looks` of emulator/board/board.py), and which only set
something (`sets`): in `led(button())` these take their usual time, and count if they change the
value. Any other call, a printed text, and data that a look hands over begin anew. Calls are what
both runtimes count alike.
"""

from __future__ import annotations

from typing import Any

from emulator.board.clock import Clock
from emulator.board.constants import ESTIMATE, constant

FREE_LOOKS = 200_000  # calls of a loop, without any other, that take their usual time
SHARE = 4096  # of what the loop has lasted since, for one look
# the same, at most: no watchdog that is fed in the loop may bite
MOST_US = constant(50_000, "us", ESTIMATE, "chosen: what a look may take in a loop that polls")


class Polling:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._looks = 0
        self._since_us = 0  # when looks began to take longer
        self._ended_us = 0  # of the last call of the loop
        self._settings: dict[tuple[Any, ...], Any] = {}  # made in the loop

    def restart(self) -> None:
        """The program has been given something: it does not wait any more."""
        self._looks = 0
        if self._settings:
            self._settings.clear()

    def set(self, name: str, args: tuple[Any, ...]) -> None:
        """A setting is made, whose value is the last argument: nothing new if it was so before."""
        self._go_on()
        key = (name, *args[:-1])
        same = key in self._settings and self._settings[key] == args[-1]
        self._settings[key] = args[-1]
        self._looks = self._looks + 1 if same else 0

    def ended(self) -> None:
        """A call of the loop is over, with whatever time it took by itself."""
        self._ended_us = self._clock.now_us

    def _go_on(self) -> None:
        """Begin anew if time has passed since the last call of the loop: every other call takes
        some, and so does a printed text or a long computation."""
        if self._clock.now_us != self._ended_us:
            self.restart()

    def charge_us(self, own_us: int) -> int:
        """What the look that begins now costs."""
        self._go_on()
        now_us = self._clock.now_us
        self._looks += 1
        if self._looks <= FREE_LOOKS:
            self._since_us = now_us
            return own_us
        share_us = min((now_us - self._since_us) // SHARE, MOST_US)
        if share_us <= own_us:
            return own_us
        event_us = self._clock.next_us()
        if event_us is not None:
            share_us = min(share_us, event_us - now_us)
        # whole calls, so that the program sees the event at the instant it would have
        return max(1, -(-share_us // own_us)) * own_us
