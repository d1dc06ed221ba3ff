"""I2C buses with chips plugged in by address. Buses 0 and 1 are hardware, bus 2 is bit-banged.

A chip is any object with `write(data: bytes) -> None` and `read(n: int) -> bytes`, which may raise
`Nack`. `attach(0, 0x40, chip)` wires it; bus None wires it to every bus,
and with `pins` only those that are opened on these two. What is written to address 0 goes to each
chip that has a method `general_call(data: bytes)`.

A chip may also have `stretch_us() -> int`, for how long it would hold the clock now: a transfer
takes that much longer, or is broken off where the bus is less patient, and never gets to the chip.
One with `repeated_start = False` does not take a read that follows a write without a stop, one
with `most_khz` none of a bus that is faster.
While a chip has `stuck` set, addresses that nobody has are acknowledged and read as zeros.

Fault point "i2c", subjects "read 0x40", "write 0x40": do = "nack" (bus error at once), "stuck"
(the bus error comes after the driver's time-out), "corrupt" (one bit of what is read is wrong).
Source: Pycom firmware 1.20.2.r4 (machine_i2c.c).
"""

from __future__ import annotations

import contextlib
import math
from typing import Any, NoReturn, Protocol

from emulator.board.board import Board, Service
from emulator.board.constants import CODE, ESTIMATE, constant

BUS_ERROR = "I2C bus error"
SOFT_BUS = 2
# building and running a command list
DRIVER_US = constant(60, "us", ESTIMATE, "building and running a command list; no source found")
STUCK_BASE_US = constant(5_000_000, "us", CODE, "1.20.2.r4 machine_i2c.c")
STUCK_PER_BYTE_US = constant(1_000_000, "us", CODE, "1.20.2.r4 machine_i2c.c")
# a hardware bus waits so long: 32000 cycles of 80 MHz (i2c.c, Pycom's ESP-IDF)
STRETCH_US = constant(400, "us", CODE, "i2c.c of Pycom's ESP-IDF: 32000 cycles of 80 MHz")
SOFT_STRETCH_US = constant(10_000, "us", CODE, "1.20.2.r4 machine_i2c.c, software bus")
GENERAL_CALL = 0
DEFAULT_PINS = ("P9", "P10")


class Nack(Exception):
    """The chip does not acknowledge."""


class Chip(Protocol):
    def write(self, data: bytes) -> None: ...
    def read(self, n: int) -> bytes: ...


class I2c(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._chips: dict[tuple[int | tuple[str, str] | None, int], Chip] = {}
        self._baud: dict[int, int] = {}
        self._held: set[int] = set()  # buses whose last write had no stop
        self._pins: dict[int, tuple[str, str]] = {}

    def attach(
        self, bus: int | None, address: int, chip: Chip, pins: tuple[str, str] | None = None
    ) -> None:
        """Wire a chip to a bus by its number, or to the two pins (SDA, SCL) of whichever bus."""
        self._chips[bus if pins is None else pins, address] = chip

    def detach(self, bus: int | None, address: int, pins: tuple[str, str] | None = None) -> None:
        self._chips.pop((bus if pins is None else pins, address), None)

    def on_reset(self, cause: int) -> None:
        self._baud.clear()

    # the device

    def do_open(self, bus: int, baud: int, pins: list[str] | None) -> None:
        if baud <= 0:
            raise ValueError("invalid argument(s) value")
        self._baud[bus] = baud
        self._pins[bus] = (pins[0], pins[1]) if pins else DEFAULT_PINS
        lines: Any = self.board.services.get("pins")
        if lines is not None:
            for name in self._pins[bus]:
                lines.use(name, "out")

    def do_close(self, bus: int) -> None:
        self._baud.pop(bus, None)

    def do_write(self, bus: int, address: int, data: bytes, stop: bool) -> int:
        self._transfer(bus, address, "write", len(data))
        self._write(bus, address, data)
        if not stop:
            self._held.add(bus)
        return len(data)

    def do_read(self, bus: int, address: int, count: int) -> bytes:
        if count <= 0:
            raise ValueError("invalid argument(s) value")
        corrupt = self._transfer(bus, address, "read", count)
        data = self._read(bus, address, count)
        return bytes([data[0] ^ 0x04]) + data[1:] if corrupt else data

    def do_write_read(self, bus: int, address: int, data: bytes, count: int) -> bytes:
        """Write, repeated start, read."""
        self.do_write(bus, address, data, False)
        return self.do_read(bus, address, count)

    def do_scan(self, bus: int) -> list[int]:
        """Hardware probes by an empty write from 0x08 to 0x78, the soft bus by a read to 0x77."""
        self._speed(bus)
        found = []
        for address in range(0x08, 0x78 if bus == SOFT_BUS else 0x79):
            self._spend(bus, 0)
            try:
                chip = self._chip(bus, address)
                if bus == SOFT_BUS:
                    chip.read(1)
                else:
                    chip.write(b"")
                found.append(address)
            except Nack:
                continue
        return found

    # one transfer

    def _chip(self, bus: int, address: int) -> Chip:
        places = (bus, self._pins.get(bus), None)
        for place in places:
            chip = self._chips.get((place, address))
            if chip is not None:
                return chip
        if any(_holds(chip) for (place, _), chip in self._chips.items() if place in places):
            return _HeldLine()
        raise Nack

    def _speed(self, bus: int) -> int:
        baud = self._baud.get(bus)
        if baud is None:
            raise OSError("resource not available")
        return baud

    def _spend(self, bus: int, count: int) -> None:
        bits = 9 * (1 + count) + 2  # address and bytes with their acknowledge, start and stop
        self.board.spend_us(DRIVER_US + bits * 1_000_000 // self._speed(bus))

    def _transfer(self, bus: int, address: int, verb: str, count: int) -> bool:
        """Spend the time of a transfer and strike faults; True if what is read is to be wrong."""
        self._speed(bus)
        corrupt = False
        for fault in self.board.faults.due("i2c", f"{verb} 0x{address:02x}"):
            if fault.do == "stuck":
                self.board.spend_us(STUCK_BASE_US + STUCK_PER_BYTE_US * count)
                self._fail(verb, address)
            if fault.do == "nack":
                self._spend(bus, 0)
                self._fail(verb, address)
            corrupt = corrupt or fault.do == "corrupt"
        self._stretch(bus, verb, address)
        self._spend(bus, count)
        return corrupt

    def _stretch(self, bus: int, verb: str, address: int) -> None:
        """What a chip holds the clock for, and whether it can follow: repeated start, speed."""
        try:
            chip = self._chip(bus, address)
        except Nack:
            return
        stretch_us = chip.stretch_us() if hasattr(chip, "stretch_us") else 0
        limit_us = SOFT_STRETCH_US if bus == SOFT_BUS else STRETCH_US
        self.board.spend_us(min(stretch_us, limit_us))
        again = bus in self._held
        self._held.discard(bus)
        unfit = again and not getattr(chip, "repeated_start", True)
        unfit = unfit or self._speed(bus) > 1000 * getattr(chip, "most_khz", math.inf)
        if stretch_us > limit_us or unfit:
            self._spend(bus, 0)
            self._fail(verb, address)

    def _write(self, bus: int, address: int, data: bytes) -> None:
        try:
            if address == GENERAL_CALL:
                self._call_all(bus, data)
            else:
                self._chip(bus, address).write(data)
        except Nack:
            self._fail("write", address)
        self.board.trace.add("i2c", f"write 0x{address:02x} {data.hex(' ')}".rstrip())

    def _call_all(self, bus: int, data: bytes) -> None:
        """Write to address 0: to all chips that have a method `general_call`."""
        places = (bus, self._pins.get(bus), None)
        taken = False
        for (place, _), chip in self._chips.items():
            if place in places and hasattr(chip, "general_call"):
                with contextlib.suppress(Nack):
                    chip.general_call(data)
                    taken = True
        if not taken:
            raise Nack

    def _read(self, bus: int, address: int, count: int) -> bytes:
        try:
            data = self._chip(bus, address).read(count)
        except Nack:
            self._fail("read", address)
        self.board.trace.add("i2c", f"read 0x{address:02x} {data.hex(' ')}")
        return data

    def _fail(self, verb: str, address: int) -> NoReturn:
        self.board.trace.add("i2c", f"{verb} 0x{address:02x} no acknowledge")
        raise OSError(BUS_ERROR)


def _holds(chip: Chip) -> bool:
    """True if this chip has the fault that it holds the data line down."""
    return bool(getattr(chip, "stuck", False) and getattr(chip, "powered", True))


class _HeldLine:
    """Whoever is not there, while a chip holds the data line down: acknowledges, reads zeros."""

    def write(self, data: bytes) -> None:
        pass

    def read(self, n: int) -> bytes:
        return bytes(n)
