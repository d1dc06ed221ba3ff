"""The data wire of SDI-12 and the transceiver between it and the board.

The transceiver sends while its direction pin is 1 and receives while it is 0: what the board says
with the pin at 0 reaches nobody, what a probe says with the pin at 1 is lost. Without a direction
pin both go through always, and the board hears itself. A break may come from the UART or from the
pin itself, driven low by hand. Two probes that talk at once turn each other's bits to 0, since a
space (5 V, a 0 of the UART) wins on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from emulator.board.board import Board
from emulator.board.framing import EVEN, Framing, Symbol
from emulator.board.serial import Serial

FRAMING = Framing(1200, 7, EVEN)
CHAR_US = FRAMING.char_us
Pins = tuple[str, str, str | None]
DEFAULT_PINS: Pins = ("P3", "P4", "P8")


class Listener(Protocol):
    """A probe. `character` gets None for what it cannot read."""

    @property
    def holds_down(self) -> bool: ...
    def character(self, value: int | None, start_us: int) -> None: ...
    def space(self, duration_us: int) -> None: ...


@dataclass
class _Said:
    """A character of a probe on the wire."""

    levels: list[int]
    start_us: int
    end_us: int


class Wire:
    """The wire at these pins of the board: transmit, receive, direction or None."""

    def __init__(self, board: Board, pins: Pins = DEFAULT_PINS) -> None:
        self.probes: list[Listener] = []
        self._board = board
        self._tx, self._rx, self._direction = pins
        self._sends = self._direction is None
        self._turned_us = 0  # when the direction was last changed
        self._low_us: int | None = None  # the pin is driven low since then
        self._said: _Said | None = None  # the last character of a probe
        serial = board.services["serial"]
        assert isinstance(serial, Serial)
        self._serial = serial
        serial.listen(self._tx, self)
        of_board: Any = board.services["pins"]
        of_board.on_level(self._tx, self._driven)
        if self._direction is not None:
            of_board.on_level(self._direction, self._turn)

    @classmethod
    def of(cls, board: Board, pins: Pins = DEFAULT_PINS) -> Wire:
        """The wire at these pins; the same one for all that hang on it."""
        wires = _WIRES.setdefault(board, {})
        if pins not in wires:
            wires[pins] = cls(board, pins)
        return wires[pins]

    # from the board

    def character(self, symbol: Symbol, start_us: int) -> None:
        if self._held():
            return
        if self._direction is None:
            self._serial.arrive(self._rx, symbol)
        if not self._sends or self._turned_us > start_us:
            return
        value, sound = FRAMING.read(symbol)
        self._board.trace.add("sdi12", f"> {chr(value)!r}" if sound else "> unreadable")
        for probe in self.probes:
            probe.character(value if sound else None, start_us)

    def space(self, start_us: int) -> None:
        if self._direction is None:  # the board's receiver takes it for a character of zeros
            self._serial.arrive(self._rx, Symbol(FRAMING.baud, (0,) * 9))
        if not self._sends or self._held():
            return
        begin_us = start_us if self._direction is None else max(start_us, self._turned_us)
        duration_us = self._board.clock.now_us - begin_us
        self._board.trace.add("sdi12", f"> break of {duration_us / 1000:.1f} ms")
        for probe in self.probes:
            probe.space(duration_us)

    def _driven(self, level: int | None, at_us: int) -> None:
        """The pin is an output at this level, or none any more."""
        if level == 0:
            self._low_us = at_us
        elif self._low_us is not None:
            low_us, self._low_us = self._low_us, None
            self.space(low_us)

    def _turn(self, level: int | None, at_us: int) -> None:
        self._sends = level == 1
        self._turned_us = at_us
        if not self._sends and self._held():
            zeros = Symbol(FRAMING.baud, (0,) * 9)
            self._board.clock.schedule(CHAR_US, lambda: self._serial.arrive(self._rx, zeros))

    def _held(self) -> bool:
        return any(probe.holds_down for probe in self.probes)

    # from the probes

    def say(self, symbol: Symbol) -> None:
        """A probe begins a character now."""
        now_us = self._board.clock.now_us
        said = self._said
        if said is not None and now_us < said.end_us:
            said.levels = [
                one & other for one, other in zip(said.levels, symbol.levels, strict=True)
            ]
            return
        self._said = said = _Said(list(symbol.levels), now_us, now_us + CHAR_US)
        baud = symbol.baud
        self._board.clock.schedule(CHAR_US, lambda: self._end(said, baud))

    def _end(self, said: _Said, baud: int) -> None:
        sending = self._direction is not None and self._sends
        late = self._direction is not None and self._turned_us > said.start_us
        if sending or late or self._held():
            return
        symbol = Symbol(baud, tuple(said.levels))
        value, sound = FRAMING.read(symbol)
        self._board.trace.add("sdi12", f"< {chr(value)!r}" if sound else "< unreadable")
        self._serial.arrive(self._rx, symbol)


_WIRES: WeakKeyDictionary[Board, dict[Pins, Wire]] = WeakKeyDictionary()
