"""For the tests of BME280 and BME680: recorded words, all of them in one program."""

from __future__ import annotations

from typing import Any

import pytest


class Selector:
    """A byte written to this address chooses which words the chip gives."""

    ADDRESS = 0x20

    def __init__(self, chip: Any) -> None:
        self.chip = chip

    def write(self, data: bytes) -> None:
        self.chip.choose(data[0])

    def power(self, on: bool) -> None:
        pass


def all_vectors(node: Any, kind: str, recorded: Any, address: int, more: str = "") -> list[Any]:
    """Read every vector with one program; what it has shown. `more` is run behind them."""
    node.attach(recorded, None, address)
    node.i2c.attach(None, Selector.ADDRESS, Selector(recorded), ("P9", "P10"))
    return node.ask(f"""
from machine import I2C
from sensors import {kind}
for number in range({len(recorded.vectors)}):
    i2c = I2C(0, I2C.MASTER, pins=("P9", "P10"))
    i2c.writeto({Selector.ADDRESS}, bytes((number,)))
    i2c.deinit()
    show(({kind}.get_reading("P9", "P10", address={address}), {kind}.last_cause))
{more}""")


def near(values: Any, tolerances: Any) -> tuple[Any, ...]:
    return tuple(
        pytest.approx(value, abs=tolerance)
        for value, tolerance in zip(values, tolerances, strict=True)
    )
