"""Characters on a serial wire: what one end writes is sampled by the other with its own framing.

sent = Framing(1200, 7, EVEN).symbol(0x30)
Framing(1200, 7, EVEN).read(sent)      # (0x30, True)
Framing(1200, 8).read(sent)            # (0x30 with the parity as bit 7, True)
Framing(9600, 8).read(sent)            # (something, False)
"""

from __future__ import annotations

from dataclasses import dataclass

EVEN, ODD = 2, 3  # UART.EVEN, UART.ODD
_BAUD_TOLERANCE = 0.04  # further apart, a character of ten bits is sampled wrongly


@dataclass(frozen=True)
class Symbol:
    """One character on a wire: the levels after the start bit, lowest data bit first, without the
    stop bits; the line is 1 afterwards. A break has levels of 0 only."""

    baud: int
    levels: tuple[int, ...]

    def at(self, bits: float, baud: int) -> int:
        """The level so many bits of another baud rate after the end of the start bit."""
        # Counted in bits of the sender, from the beginning of its start bit.
        index = int((bits + 1) * self.baud / baud) - 1
        if index < 0:
            return 0
        return self.levels[index] if index < len(self.levels) else 1


@dataclass(frozen=True)
class Framing:
    """How one end writes and reads characters. `parity` is None, EVEN or ODD."""

    baud: int = 9600
    bits: int = 8
    parity: int | None = None
    stop: float = 1

    @property
    def char_bits(self) -> int:
        return 1 + self.bits + (1 if self.parity else 0) + int(self.stop + 0.5)

    @property
    def char_us(self) -> int:
        return round(self.char_bits * 1_000_000 / self.baud)

    def symbol(self, value: int) -> Symbol:
        levels = [value >> bit & 1 for bit in range(self.bits)]
        if self.parity:
            levels.append((sum(levels) + (self.parity == ODD)) & 1)
        return Symbol(self.baud, tuple(levels))

    def read(self, symbol: Symbol) -> tuple[int, bool]:
        """Sample a character in the middle of this end's bits: (value, whether it is sound)."""
        count = self.bits + (1 if self.parity else 0)
        levels = [symbol.at(bit + 0.5, self.baud) for bit in range(count + 1)]
        value = sum(level << bit for bit, level in enumerate(levels[: self.bits]))
        sound = levels[-1] == 1 and abs(symbol.baud - self.baud) <= _BAUD_TOLERANCE * self.baud
        if self.parity and (sum(levels[:count]) + (self.parity == ODD)) & 1:
            sound = False
        return value, sound
