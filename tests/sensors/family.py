"""Every driver on its emulated chip, whose truths stay: what tests over the family share."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from devkit.sensors.catalogue import Entry, entries
from emulator.chips.part import Part
from emulator.chips.wiring import DEFAULT, wire
from tests.device import Node

ON_I2C = [name for name, entry in entries().items() if entry.interface == "I2C"]
SUPPLY = "P11"
SWITCH = {"battery": "enable_pin"}  # the key of a chip that names its supply pin
# Truths that a chip takes from its table itself, and what makes its noise
TRUTHS = {
    "ads1115": {"ain0_mv": 1250},
    "hx711": {"load_kg": 12.3},
    "sdi12": {"moisture_percent": 24.5, "temperature_c": 14.6, "conductivity_us_cm": 134},
}
QUIET = {name: {"noise_mv": 0.0} for name in ("battery", "gl55", "voltage")}
QUIET["hx711"] = {"noise_counts": 0}
QUIET["scd30"] = {"measuring": True}  # as one that was started once
NOISE = {"si7021": ("noise", (0.0, 0.0)), "sht4x": ("repeatability", 0.0)}  # attributes

# The share by which two good readings differ, where it is more than rounding
TOLERANCE = {"bh1750": 0.003, "tsl2561": 0.03}

Reading = tuple[tuple[Any, ...], str | None]


def plug(node: Node, entry: Entry, **options: Any) -> None:
    """Wire this chip alone; it has started long ago."""
    chips: dict[str, dict[str, Any]] = {name: {"kind": "none"} for name in DEFAULT}
    chips[entry.kind] = {"kind": entry.kind, **entry.wiring, **options}
    wire(node.board, chips)
    node.board.clock.advance(5_000_000)


def _truths(driver: str, kind: str) -> Iterator[tuple[str, float]]:
    module = importlib.import_module(f"emulator.chips.{kind}")
    for part in vars(module).values():
        if (
            isinstance(part, type)
            and issubclass(part, Part)
            and part.__module__ == module.__name__
        ):
            yield from (
                (each.name, each.metadata["truth"][0])
                for each in fields(part)
                if "truth" in each.metadata
            )
    yield from TRUTHS.get(driver, {}).items()


def values_of(reading: Any) -> tuple[Any, ...]:
    """Also of a driver with one value."""
    return tuple(reading) if isinstance(reading, tuple) else (reading,)


class Member:
    """A driver and its chip, on a switched supply unless it is to be always on.

    more: arguments of the driver. options: of the chip, its faults among them.
    """

    def __init__(
        self,
        node: Node,
        driver: str,
        switched: bool = True,
        more: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.node, self.driver, self.entry = node, driver, entries()[driver]
        kind = self.entry.kind
        supply = {SWITCH.get(driver, "supply_pin"): SUPPLY if switched else ""}
        steady = {
            name: {"mean": mean, "swing": 0, "noise": 0} for name, mean in _truths(driver, kind)
        }
        plug(node, self.entry, **supply | steady | QUIET.get(kind, {}) | options)
        node.adc.noise_counts = 0
        self.arguments = self.entry.arguments | {"vcc_pin": SUPPLY if switched else None}
        self.arguments |= more or {}
        if driver in NOISE:
            setattr(self.chip, *NOISE[driver])

    @property
    def chip(self) -> Any:
        """That of a driver on I2C."""
        [chip] = self.node.i2c._chips.values()
        return chip

    def read(self, times: int = 1) -> list[Reading]:
        """Values and cause of so many readings by one program; the time of the last is kept."""
        told = self.node.variables(
            f"import utime\nfrom sensors import {self.driver} as driver\nfound = []\n"
            f"for _ in range({times}):\n"
            "    begin = utime.ticks_us()\n"
            f"    reading = driver.get_reading(**{self.arguments!r})\n"
            "    took_us = utime.ticks_diff(utime.ticks_us(), begin)\n"
            "    found.append((reading, driver.last_cause))\n"
        )
        self.took_ms = told["took_us"] / 1000
        return [(values_of(reading), cause) for reading, cause in told["found"]]

    def assert_off(self) -> None:
        """The supply is off and the bus given back."""
        assert self.node.pins.level(SUPPLY) == 0
        assert self.node.board.meter.state(self.entry.kind) == "off"
        with pytest.raises(OSError, match="resource"):
            self.node.i2c.do_read(0, 0x40, 1)

    def good(self) -> tuple[Any, ...]:
        """The values of a reading without trouble, as others are to be."""
        [(values, cause)] = self.read()
        assert cause is None
        return self.like(values)

    def like(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """These values, within what good readings differ by."""
        share = TOLERANCE.get(self.driver, 0.0002)
        return tuple(pytest.approx(value, rel=share) for value in values)
