"""The wire between the ESP32 and the modem: 921600 8N1 with RTS/CTS, a 2048-byte receive ring.

The host side (`write`, `read`, `flush`, `waiting`, `set_rts`) is used by the firmware's driver and
by the serial console; the modem side is `on_bytes` (bytes from the host arrive there) and `emit`.
While the host holds RTS low the modem keeps what it wants to say and says it when RTS rises
(docs/emulation.md). Bytes that do not fit into the ring are held by RTS/CTS as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from emulator.board.board import Board
from emulator.board.constants import CODE, constant

RING_BYTES = 2048
BAUD = constant(921_600, "baud", CODE, "1.20.2.r4 boards/GPY/mpconfigboard.h")
# 8N1
BITS_PER_BYTE = constant(10, "bit", CODE, "8N1, 1.20.2.r4 lteppp.c, connect_lte_uart")
_PASSWORD = re.compile(rb'(\+CGAUTH=[^"\r]*"[^"\r]*",")[^"\r]*', re.IGNORECASE)


def traceable(data: bytes) -> bytes:
    """The bytes as the trace may show them: without the password of an access point."""
    return _PASSWORD.sub(rb"\1***", data)


class Uart:
    def __init__(self, board: Board, baud: int = BAUD) -> None:
        self._board = board
        self.baud = baud
        self.rts = False  # as the modem sees it
        self.tx_cut = False  # what the board sends does not get to the modem
        self.rx_cut = False  # what the modem says does not get to the board
        self._driven = False  # what the driver does to RTS
        self._forced: bool | None = None
        self.ring = bytearray()
        self.on_bytes: Callable[[bytes], None] = lambda data: None
        self.on_rts: Callable[[bool], None] = lambda level: None  # the modem's end
        self.on_driven: Callable[[bool], None] = lambda level: None  # the board's end
        self.host_bytes = 0  # totals since power-on, both directions
        self.modem_bytes = 0
        self.modem_baud = BAUD  # the loader of a modem without firmware talks at another rate
        self._held = bytearray()
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
            self.on_bytes(bytes(data))

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

    def emit(self, data: bytes) -> None:
        """Say `data` to the host; each chunk arrives whole when its last byte has been sent."""
        if not data:
            return
        if not self.rts:
            self._held += data
            return
        self.modem_bytes += len(data)
        now_us = self._board.clock.now_us
        self._line_free_us = max(self._line_free_us, now_us) + self.byte_time_us(len(data))
        if self.rx_cut:
            return
        chunk = bytes(data)
        self._board.clock.schedule(self._line_free_us - now_us, lambda: self._arrive(chunk))

    def _arrive(self, chunk: bytes) -> None:
        if self.baud != self.modem_baud:
            chunk = b"\xff" * (1 + len(chunk) // 8)  # noise to who listens at another rate
        self._board.trace.add_bytes("at<", traceable(chunk))
        self._held += chunk
        self._fill()

    def _fill(self) -> None:
        room = RING_BYTES - len(self.ring)
        if room > 0 and self._held and self.rts:
            self.ring += self._held[:room]
            del self._held[:room]

    def _release(self) -> None:
        held, self._held = bytes(self._held), bytearray()
        self.emit(held)
