"""The wire between the ESP32 and the modem: 921600 8N1 with RTS/CTS.

The board's end is a 2048-byte ring with `write`, `read`, `flush`, `waiting`, `set_rts`: that of
the firmware's driver and of the serial console. A UART that a program has opened on the same pins
is a `tap`: it sends by `hear`, and gets what the modem says in runs, when it is ready for them.
The modem's end is `on_bytes` (bytes from the board arrive there), `emit`, and `set_cts`.
While the board has RTS released (high) the modem keeps what it wants to say; it says it when RTS
is asserted (docs/emulation.md). Bytes that do not fit into the ring are held as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from emulator.board.board import Board
from emulator.board.constants import CODE, COMPARABLE, constant
from emulator.board.framing import Framing

RING_BYTES = 2048
BAUD = constant(921_600, "baud", CODE, "1.20.2.r4 boards/GPY/mpconfigboard.h")
# 8N1
BITS_PER_BYTE = constant(10, "bit", CODE, "8N1, 1.20.2.r4 lteppp.c, connect_lte_uart")
_PASSWORD = re.compile(rb'(\+CGAUTH=[^"\r]*"[^"\r]*",")[^"\r]*', re.IGNORECASE)


# a silence of the board after which its next bytes are another exchange
GAP_US = constant(20_000, "us", COMPARABLE, "public drivers leave as much between two commands")


class Tap(Protocol):
    """A UART of a program on the modem's pins."""

    framing: Framing

    @property
    def run_bytes(self) -> int: ...
    @property
    def ready(self) -> bool: ...
    def arrive(self, characters: bytes) -> None: ...


def traceable(data: bytes) -> bytes:
    """The bytes as the trace may show them: without the password of an access point."""
    return _PASSWORD.sub(rb"\1***", data)


class Uart:
    def __init__(self, board: Board, baud: int = BAUD) -> None:
        self._board = board
        self.baud = baud
        self.rts = False  # asserted, as the modem sees it
        self.cts = True  # asserted: the board may send
        self.tx_cut = False  # what the board sends does not get to the modem
        self.rx_cut = False  # what the modem says does not get to the board
        self._driven = False  # what the driver does to RTS
        self._forced: bool | None = None
        self.ring = bytearray()
        self.on_bytes: Callable[[bytes], None] = lambda data: None
        self.on_rts: Callable[[bool], None] = lambda level: None  # the modem's end
        self.on_driven: Callable[[bool], None] = lambda level: None  # the board's end
        self.on_cts: Callable[[], None] = lambda: None
        self.tap: Tap | None = None
        self.exchanges = 0  # of the tap: bytes sent after an answer or a silence
        self.on_talk: Callable[[bytes, bytes], None] = lambda asked, said: None
        self.host_bytes = 0  # totals since power-on, both directions
        self.modem_bytes = 0
        self.modem_baud = BAUD  # the loader of a modem without firmware talks at another rate
        self._held = bytearray()
        self._running = False  # a run is on its way to the tap
        self._quiet = True  # the modem has spoken since the tap has
        self._heard_us = 0  # when the last bytes of the tap came
        self._asked, self._said = b"", b""  # in the exchange with the tap
        self._line_free_us = 0  # when the byte now on its way to the host has arrived

    def byte_time_us(self, count: int) -> int:
        return count * BITS_PER_BYTE * 1_000_000 // self.baud

    # host side

    def write(self, data: bytes) -> None:
        """Send to the modem; the host spends the transmission time."""
        self.host_bytes += len(data)
        self._board.trace.add_bytes("at>", traceable(data))
        self._board.spend_us(self.byte_time_us(len(data)))
        self.deliver(data)

    def deliver(self, data: bytes) -> None:
        """All of `data` has left the board."""
        if self.tx_cut:
            self._board.trace.add("power", f"{len(data)} bytes do not get to the modem")
        else:
            self._deliver(data, self.baud)

    def hear(self, data: bytes, framing: Framing) -> None:
        """These bytes of a UART of a program have just arrived."""
        now_us = self._board.clock.now_us
        sent_us = len(data) * framing.char_us
        if self._quiet or now_us - sent_us - self._heard_us > GAP_US:
            self.exchanges += 1
            self._asked, self._said = b"", b""
        self._asked += data
        self._quiet, self._heard_us = False, now_us
        self.host_bytes += len(data)
        self._board.trace.add_bytes("at>", traceable(data))
        # sent although CTS is released, or in other characters than the modem's: noise
        sound = self.cts and framing == Framing(framing.baud)
        self._deliver(data, framing.baud if sound else 0)

    def _deliver(self, data: bytes, baud: int) -> None:
        if baud == self.modem_baud:
            self.on_bytes(bytes(data))
        else:
            self._board.trace.add("power", f"modem does not hear {len(data)} bytes")

    def read(self, limit: int = RING_BYTES) -> bytes:
        data = bytes(self.ring[:limit])
        del self.ring[:limit]
        self._fill()
        return data

    def flush(self) -> None:
        """Drop what has been received and not read: that is what the firmware does."""
        self.ring.clear()
        self._fill()

    def waiting(self) -> int:
        return len(self.ring)

    def set_rts(self, level: bool) -> None:
        self._driven = level
        self.on_driven(level)
        self._show_rts()

    def force_rts(self, level: bool | None) -> None:
        """The pin is driven by somebody else; None: by the driver again."""
        before = self.rts
        self._forced = level
        if before != (self._driven if level is None else level):
            self._show_rts()

    def _show_rts(self) -> None:
        self.rts = self._driven if self._forced is None else self._forced
        self.on_rts(self.rts)
        if self.rts:
            self._release()

    # modem side

    def set_cts(self, asserted: bool) -> None:
        if asserted != self.cts:
            self.cts = asserted
            self.on_cts()

    def emit(self, data: bytes) -> None:
        """Say `data` to the host; each chunk arrives whole when its last byte has been sent."""
        if not data:
            return
        if not self.rts or self.tap is not None:
            self._held += data
            self.pump()
            return
        self.modem_bytes += len(data)
        now_us = self._board.clock.now_us
        self._line_free_us = max(self._line_free_us, now_us) + self.byte_time_us(len(data))
        if self.rx_cut:
            return
        chunk = bytes(data)
        self._board.clock.schedule(self._line_free_us - now_us, lambda: self._arrive(chunk))

    @property
    def holds(self) -> bool:
        """Something was said that the board does not let pass."""
        return bool(self._held)

    def take_held(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held

    def pump(self) -> None:
        """Say the next run to the tap, if it is ready for it."""
        tap = self.tap
        if tap is None or self._running or not (self.rts and self._held and tap.ready):
            return
        run = bytes(self._held[: tap.run_bytes])
        del self._held[: len(run)]
        self._running = True
        self.modem_bytes += len(run)
        self._board.clock.schedule(self.byte_time_us(len(run)), lambda: self._ran(run))

    def line_break(self) -> None:
        """The UART of a program takes a break for a NUL."""
        if self.tap is not None and self.rts:
            self.tap.arrive(b"\0")

    def _ran(self, run: bytes) -> None:
        self._running, self._quiet = False, True
        self._board.trace.add_bytes("at<", traceable(run))
        self._said = (self._said + run)[-RING_BYTES:]
        self.on_talk(self._asked, self._said)
        if not self.rx_cut:
            self.ring += run[: RING_BYTES - len(self.ring)]  # the driver hears it as well
        if self.tap is not None:
            self.tap.arrive(self._as_heard(run, self.tap.framing.baud))
        self.pump()

    def _as_heard(self, chunk: bytes, baud: int) -> bytes:
        """Noise to who listens at another rate."""
        return chunk if baud == self.modem_baud else b"\xff" * (1 + len(chunk) // 8)

    def _arrive(self, chunk: bytes) -> None:
        chunk = self._as_heard(chunk, self.baud)
        self._board.trace.add_bytes("at<", traceable(chunk))
        self._held += chunk
        self._fill()

    def _fill(self) -> None:
        room = RING_BYTES - len(self.ring)
        if room > 0 and self._held and self.rts and self.tap is None:
            self.ring += self._held[:room]
            del self._held[:room]

    def _release(self) -> None:
        if self.tap is not None:
            self.pump()
            return
        held, self._held = bytes(self._held), bytearray()
        self.emit(held)
