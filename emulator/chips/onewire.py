"""A part on a 1-Wire line, as it sees the line: falls, widths, ROM commands.

Each part watches its pin by itself and pulls it low by itself (`Pins.on_level`, `Pins.hold_low`),
so that parts on one pin make the wired AND of a real line: all selected ones answer at once, and
each takes a written bit by its own clock.

    class Switch(OneWirePart):
        def function(self):
            command = yield from self.receive(8)
            yield from self.send(b"\\x55")

A dialogue is a generator: it yields what the part does in the next slot, which is LISTEN (the
generator is sent the bit) or a bit, or a callable that gives the bit when the slot begins. A reset
begins it anew. What comes after its end is ignored until then.

Times in us, by the data sheet of the DS18B20 (19-7487, AC characteristics); each may be set:

    reset_us     a low of at least this is a reset (480)
    presence_us  (from the release to the presence pulse, its length): 15-60, 60-240
    sample_us    a low shorter than this is a written 1; parts look 15 to 60 after the fall
    hold_us      for so long after the fall a part holds a 0 that is read: 15 to 60
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import KW_ONLY, dataclass
from typing import Any

from emulator.board.pins import Pins
from emulator.chips import part
from emulator.chips.options import option
from emulator.chips.part import Part, mirrored

LISTEN = None
Slot = int | Callable[[], int] | None
Talk = Generator[Slot, int, Any]

READ_ROM, MATCH_ROM, SKIP_ROM, SEARCH, ALARM_SEARCH = 0x33, 0x55, 0xCC, 0xF0, 0xEC

FEED_WITHIN_US = 10  # after the end of the command that needs it


def crc8(data: bytes) -> int:
    """The checksum of 1-Wire parts: that of other makers, of bits in the order of the line."""
    return mirrored(part.crc8(bytes(mirrored(byte) for byte in data)))


def rom_of(family: int, serial: int) -> bytes:
    """A ROM with its checksum."""
    head = bytes((family, *serial.to_bytes(6, "little")))
    return head + bytes((crc8(head),))


@dataclass(eq=False)
class OneWirePart(Part):
    """Base of the parts: give `function`.

    alarm     it answers an alarm search
    parasite  it has no supply but the line
    fed       the line is driven high, since this instant; None: by the resistor only
    """

    _: KW_ONLY
    parasite: bool = option(False)
    rom: bytes = b""
    reset_us: int = 480
    presence_us: tuple[int, int] = (30, 120)
    sample_us: int = 30
    hold_us: int = 30

    # before there is a line
    _stuck = False
    _pins = None
    _pin = ""

    def __post_init__(self) -> None:
        self.alarm = False
        self.fed_us: int | None = None
        self.resets = 0  # seen; for tests
        self._slot: Slot = LISTEN
        super().__post_init__()

    def attach(self, pin: str) -> None:
        """Hang on the pin, which gets the pull-up resistor that such a line has."""
        pins = self.board.services["pins"]
        assert isinstance(pins, Pins)
        self._pins, self._pin = pins, pin
        pins.pull_up(pin)
        pins.on_level(pin, self._edge)
        self._hold(self._stuck)

    # For the part to override

    def function(self) -> Talk:
        """What follows the ROM command that selected this part."""
        raise NotImplementedError

    def starved(self) -> None:
        """The line fell, or was no longer driven high."""

    # Supply

    def started(self) -> None:
        self._awake = True

    def forget(self) -> None:
        self._awake = False
        self._talk: Talk | None = None
        self._fell_us: int | None = None
        self._hold(self._stuck)

    @property  # type: ignore[misc]
    def stuck(self) -> bool:
        return self._stuck

    @stuck.setter
    def stuck(self, on: bool) -> None:
        self._stuck = on
        self._hold(on)

    # The line

    def _hold(self, on: bool) -> None:
        if self._pins is not None:
            self._pins.hold_low(self._pin, self.name, on or self._stuck)

    def _edge(self, pulled: int | None, at_us: int) -> None:
        was_fed = self.fed_us is not None
        self.fed_us = at_us if pulled == 1 else None
        if was_fed or pulled == 0:
            self.starved()
        if not self._awake or not self.here():
            return
        if pulled == 0:
            self._fell_us = at_us
            self._begin_slot()
        elif self._fell_us is not None:
            width_us = at_us - self._fell_us
            self._fell_us = None
            if width_us >= self.reset_us:
                self._reset()
            else:
                self._end_slot(int(width_us < self.sample_us))

    def _reset(self) -> None:
        self.resets += 1
        self._hold(False)
        self._talk = self._dialogue()
        self._slot = next(self._talk)
        wait_us, length_us = self.presence_us
        self.later_us(wait_us, lambda: self._hold(True))
        self.later_us(wait_us + length_us, lambda: self._hold(False))

    def _begin_slot(self) -> None:
        if self._talk is None or self._slot is LISTEN:
            return
        bit = self._slot() if callable(self._slot) else self._slot
        if not bit:
            self._hold(True)
            self.later_us(self.hold_us, lambda: self._hold(False))

    def _end_slot(self, bit: int) -> None:
        if self._talk is not None:
            try:
                self._slot = self._talk.send(bit)
            except StopIteration:
                self._talk = None

    # The dialogue

    def _dialogue(self) -> Talk:
        command = yield from self.receive(8)
        if command == READ_ROM:
            yield from self.send(self.rom)
        elif command == MATCH_ROM:
            for bit in bits_of(self.rom):
                if (yield LISTEN) != bit:
                    return
        elif command == SEARCH or (command == ALARM_SEARCH and self.alarm):
            for bit in bits_of(self.rom):
                yield bit
                yield 1 - bit
                if (yield LISTEN) != bit:
                    return
        elif command != SKIP_ROM:
            return
        yield from self.function()

    def receive(self, count: int) -> Generator[Slot, int, int]:
        """So many bits, the lowest first, as a number."""
        value = 0
        for place in range(count):
            value |= (yield LISTEN) << place
        return value

    def send(self, data: bytes) -> Talk:
        for bit in bits_of(data):  # noqa: UP028 - a list cannot be sent the bits of the slots
            yield bit


def bits_of(data: bytes) -> list[int]:
    """In the order of the line."""
    return [byte >> place & 1 for byte in data for place in range(8)]
