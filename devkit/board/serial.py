"""The UARTs 0 and 1 of the device (2 is the modem's): buffers that a scenario feeds and reads.

Source: Pycom firmware 1.20.2.r4 (machuart.c).
"""

from __future__ import annotations

from collections.abc import Callable

from devkit.board.board import Board, Service


class Serial(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.received: dict[int, bytearray] = {0: bytearray(), 1: bytearray()}
        self.sent: dict[int, bytearray] = {0: bytearray(), 1: bytearray()}
        # What hangs on the other end: called with all that the device sends.
        self.peers: dict[int, Callable[[bytes], object]] = {}
        self._open: dict[int, tuple[int, int]] = {}  # id -> (baud, bits per character)
        self._limit = 4096

    def feed(self, uart_id: int, data: bytes) -> None:
        """Bytes arrive at the device; what does not fit is lost."""
        ring = self.received[uart_id]
        ring += data[: max(0, self._limit - len(ring))]

    def on_reset(self, cause: int) -> None:
        self._open.clear()
        for ring in self.received.values():
            ring.clear()

    def do_open(self, uart_id: int, baud: int, char_bits: int, rx_bytes: int) -> None:
        if uart_id not in self.received:
            raise OSError("resource not available")
        self._open[uart_id] = (baud, char_bits)
        self._limit = rx_bytes

    def do_close(self, uart_id: int) -> None:
        self._open.pop(uart_id, None)

    def do_any(self, uart_id: int) -> int:
        self._check(uart_id)
        return len(self.received[uart_id])

    def do_read(self, uart_id: int, count: int) -> bytes:
        self._check(uart_id)
        ring = self.received[uart_id]
        data = bytes(ring if count < 0 else ring[:count])
        del ring[: len(data)]
        return data

    def do_readline(self, uart_id: int) -> bytes:
        end = self.received[uart_id].find(b"\n") + 1
        return self.do_read(uart_id, end or -1)

    def do_write(self, uart_id: int, data: bytes) -> int:
        baud, char_bits = self._check(uart_id)
        self.board.spend_us(len(data) * char_bits * 1_000_000 // baud)
        self.sent[uart_id] += data
        peer = self.peers.get(uart_id)
        if peer is not None:
            peer(data)
        return len(data)

    def _check(self, uart_id: int) -> tuple[int, int]:
        opened = self._open.get(uart_id)
        if opened is None:
            raise OSError("UART not Initialized!")
        return opened
