"""DS18B20, DS18S20, DS1822 and MAX31850 on a 1-Wire line: registers, EEPROM, alarms, supply.

[chips.soil]
kind = "ds18x20"
pin = "P3"                  # any number of tables may have the same one
model = "ds18b20"           # or "ds18s20", "ds1822", "max31850"
serial = 0x70E41AC          # or rom = "28ac410e07000074"; by default made from the table's name
temperature_c = 12.5        # the truth, see emulator/chips/plugging.py
bits = 12                   # resolution set in the EEPROM
th = 75                     # alarm limits set in the EEPROM
tl = 70
parasite = false            # true: lives on the data line
clone = ""                  # "b", "d" or "e": of that family of clones
supply_pin = "P11"
absent = false              # and the other faults of emulator/chips/part.py

Between commands the part ignores the line until the next reset. While it converts, with a supply
of its own, read slots give 0, then 1. One that lives on the line answers nothing meanwhile, and
starts anew if the line is not driven high from 10 us after the command until it is done.

Written against Maxim's data sheets DS18B20 (19-7487), DS18S20 and DS1822, and against
github.com/cpetrich/counterfeit_DS18B20 for byte 6 after a conversion (16 less the last four bits)
and for the clones of a DS18B20, whose families `clone` has: "b" keeps byte 6 until it is
overwritten by a third byte for the registers; "d" has 25 Cel after power-on, takes 0.5 s at any
resolution and does not convert while it lives on the data line; "e" has byte 6 after power-on as
after a conversion. From memory only: the typical conversion times (0.8 of the greatest), currents
between typical and greatest, and all of the MAX31850.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.onewire import FEED_WITHIN_US, OneWirePart, Talk, crc8, rom_of
from emulator.chips.options import Truth, option, refuse, truth

LINE = ("ds18x20", {"data_pin": "P3"})
INTERFACE = "1-Wire"
KEYS = {"data_pin": "pin", "rom": "rom"}
PIN = "P3"

CONVERT, READ, WRITE, COPY, RECALL, READ_SUPPLY = 0x44, 0xBE, 0x4E, 0x48, 0xB8, 0xB4

_CONVERT_MA = 1.2
_WRITE_MA = 1.2
_COPY_MS = (7.0, 10.0)
_TYPICAL = 0.8
_OWN_CEL = 25.0  # of a MAX31850 itself


@dataclass(frozen=True)
class Model:
    family: int
    start: bytes  # registers 0 and 1 after power-on
    registers: int  # that can be written, from number 2 on
    max_ms: float  # of a conversion, at the highest resolution
    least: float
    greatest: float


MODELS = {
    "ds18b20": Model(0x28, b"\x50\x05", 3, 750.0, -55, 125),
    "ds1822": Model(0x22, b"\x50\x05", 3, 750.0, -55, 125),
    "ds18s20": Model(0x10, b"\xaa\x00", 2, 750.0, -55, 125),
    "max31850": Model(0x3B, b"\x00\x00", 0, 100.0, -270, 1372),
}


# Registers 5 to 7 after power-on, by family of clones; "" for a genuine part
CLONES = {"": "ff0c10", "b": "ff0c10", "d": "7e8166", "e": "ff1010"}
_CLONE_D_START = b"\x90\x01"
_CLONE_D_MS = 525.0


@dataclass(eq=False)
class Ds18x20(OneWirePart):
    """One part: `attach` it to a pin and `power` it.

    eeprom    TH, TL and configuration as they outlive a loss of the supply
    open_wire the thermocouple of a MAX31850 is broken
    mute      read slots give 1 also while it converts
    told      scratchpads to be told as they are instead of its own, one for each reading
    """

    power_up_ms = (2.0, 5.0)
    standby_ma = 0.00075

    temperature_c: Truth = truth(21.4, swing=2.0)
    model: str = option("ds18b20", allowed=MODELS)
    bits: int = option(12, least=9, most=12)
    th: int = option(75, least=-128, most=127)
    tl: int = option(70, least=-128, most=127)
    clone: str = option("", allowed=CLONES)
    open_wire: bool = option(False)
    mute: bool = option(False)
    told: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conversions = 0  # begun; for tests
        super().__post_init__()
        self.rom = self.rom or rom_of(self.traits.family, zlib.crc32(self.name.encode()))

    @cached_property
    def traits(self) -> Model:
        return MODELS[self.model]

    @cached_property
    def eeprom(self) -> bytearray:
        return bytearray((self.th & 0xFF, self.tl & 0xFF, (self.bits - 9) << 5 | 0x1F))

    def forget(self) -> None:
        super().forget()
        self.alarm = False
        self._must_be_fed = False
        start = _CLONE_D_START if self.clone == "d" else self.traits.start
        self.scratchpad = bytearray(start + b"\xff\xff\xff" + bytes.fromhex(CLONES[self.clone]))
        if self.traits.family == 0x3B:
            self.scratchpad[2:] = bytes((0, 0, 0xF0, 0xFF, 0xFF, 0xFF))
        self._recall()

    def _recall(self) -> None:
        count = self.traits.registers
        self.scratchpad[2 : 2 + count] = self.eeprom[:count]

    # Functions

    def function(self) -> Talk:
        command = yield from self.receive(8)
        if command == CONVERT:
            self._start_conversion()
            yield from self._until_ready()
        elif command == READ:
            yield from self._tell()
        elif command == WRITE:
            for place in range(2, 2 + self.traits.registers):
                value = yield from self.receive(8)
                self.scratchpad[place] = value & 0x60 | 0x1F if place == 4 else value
                if place == 4 and self.clone == "b":
                    self.scratchpad[6] = value
        elif command == COPY:
            count = self.traits.registers
            self.eeprom[:count] = self.scratchpad[2 : 2 + count]
            self.convert("write", _WRITE_MA, _COPY_MS)
            yield from self._until_ready()
        elif command == RECALL:
            self._recall()
            yield from self._until_ready()
        elif command == READ_SUPPLY:
            while True:
                yield int(not self.parasite)

    def _until_ready(self) -> Talk:
        while not self.parasite:
            yield lambda: int(self.mute or not self.busy)

    def _tell(self) -> Talk:
        data = bytes(self.scratchpad)
        data = self.told.pop(0) if self.told else data + bytes((crc8(data),))
        yield from self.send(self.damaged(data))

    # Conversion

    def conversion_ms(self) -> float:
        """The greatest time at the resolution that is set."""
        if self.clone == "d":
            return _CLONE_D_MS
        lower = 3 - (self.scratchpad[4] >> 5 & 3) if self.traits.registers == 3 else 0
        return self.traits.max_ms / 2**lower

    def _start_conversion(self) -> None:
        self.conversions += 1
        most_ms = self.conversion_ms()
        self.convert("convert", _CONVERT_MA, (most_ms * _TYPICAL, most_ms), self._measure)
        if self.parasite:
            self.later_us(FEED_WITHIN_US, self._look_for_food)

    def _look_for_food(self) -> None:
        if self.fed_us is None:
            self.interrupt_supply()
        else:
            self._must_be_fed = True

    def starved(self) -> None:
        if self._must_be_fed:
            self.later_us(0, self.interrupt_supply)

    def _measure(self) -> None:
        self._must_be_fed = False
        if self.clone == "d" and self.parasite:
            return
        celsius = self.temperature_c(self.seconds())
        celsius = min(max(celsius, self.traits.least), self.traits.greatest)
        if self.traits.family == 0x3B:
            self._thermocouple(celsius)
        elif self.traits.family == 0x10:
            self._half_degrees(celsius)
        else:
            step = 2 ** (3 - (self.scratchpad[4] >> 5 & 3))  # of 1/16 Cel
            raw = math.floor(celsius * 16 / step + 0.5) * step
            self.scratchpad[:2] = (raw & 0xFFFF).to_bytes(2, "little")
            if self.clone in ("", "e"):
                self.scratchpad[6] = 0x10 - (raw & 0x0F)
        if self.traits.registers:
            high, low = struct.unpack_from("2b", self.scratchpad, 2)
            self.alarm = not low < math.floor(celsius) < high

    def _half_degrees(self, celsius: float) -> None:
        """Half degrees, and how many of 16 counts remain to the next whole one: the whole degrees
        and the counts give celsius + 1/4."""
        sixteenths = math.floor(celsius * 16 + 0.5)
        half = math.floor((sixteenths + 4) / 8)  # rounded, as the counter is ahead by 1/4
        self.scratchpad[:2] = (half & 0xFFFF).to_bytes(2, "little")
        self.scratchpad[6] = 16 - (sixteenths + 4) % 16

    def _thermocouple(self, celsius: float) -> None:
        raw = math.floor(celsius * 4 + 0.5) * 4 | int(self.open_wire)
        own = math.floor(_OWN_CEL * 16 + 0.5) * 16 | int(self.open_wire)  # the cold junction
        self.scratchpad[:2] = (raw & 0xFFFF).to_bytes(2, "little")
        self.scratchpad[2:4] = own.to_bytes(2, "little")


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """Make the part of this table and hang it on its pin."""
    chip = plugging.made(Ds18x20, board, name, table)
    chip.rom = _rom(name, table, chip)
    chip.attach(plugging.pin(board, name, table, "pin", PIN))
    plugging.supply(board, name, table, chip.power)


def _rom(name: str, table: dict[str, Any], chip: Ds18x20) -> bytes:
    family = chip.traits.family
    if "rom" in table:
        text = table.pop("rom")
        try:
            rom = bytes.fromhex(text)
        except (TypeError, ValueError):
            rom = b""
        if len(rom) != 8 or crc8(rom) or rom[0] != family:
            allowed = f"16 hex digits that begin with {family:02x} and end in their checksum"
            refuse(name, "rom", text, allowed)
        return rom
    if "serial" in table:
        return rom_of(family, plugging.value(name, table, "serial", 0, most=2**48 - 1))
    return chip.rom
