"""A 1-Wire master of the tests' own, whose every pulse has the width that a test wants."""

from __future__ import annotations

from emulator.board.board import Board
from emulator.board.pins import OPEN_DRAIN, OUT, Pins


class Master:
    """Drives P3 of a board; widths in us."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.pins = Pins(board)
        board.plug("pins", self.pins)
        self.pins.do_init("P3", OPEN_DRAIN, None, 1)
        self.one_us, self.zero_us, self.read_us, self.sample_us = 5, 65, 2, 12
        self.slot_us = 70

    def wait(self, duration_us: int) -> None:
        self.board.clock.advance(duration_us)

    def pulse(self, low_us: int) -> None:
        self.pins.do_write("P3", 0)
        self.wait(low_us)
        self.pins.do_write("P3", 1)

    def reset(self, low_us: int = 480) -> list[int]:
        """The edges of the line after the release: (us, level) each, for 480 us."""
        self.pulse(low_us)
        edges = []
        level = 1
        for at_us in range(480):
            if self.pins.level("P3") != level:
                level = 1 - level
                edges.append(at_us)
            self.wait(1)
        return edges

    def write_bit(self, bit: int) -> None:
        low_us = self.one_us if bit else self.zero_us
        self.pulse(low_us)
        self.wait(max(1, self.slot_us - low_us))

    def read_bit(self) -> int:
        self.pulse(self.read_us)
        self.wait(self.sample_us - self.read_us)
        bit = self.pins.level("P3")
        self.wait(self.slot_us - self.sample_us)
        return bit

    def write(self, data: bytes) -> None:
        for byte in data:
            for place in range(8):
                self.write_bit(byte >> place & 1)

    def read(self, count: int) -> bytes:
        return bytes(sum(self.read_bit() << place for place in range(8)) for _ in range(count))

    def ask(self, command: bytes, count: int = 0) -> bytes:
        """Reset, write, read; without a presence pulse the answer is empty."""
        if not self.reset():
            return b""
        self.write(command)
        return self.read(count)

    def feed(self, on: bool) -> None:
        self.pins.do_init("P3", OUT if on else OPEN_DRAIN, None, 1)
