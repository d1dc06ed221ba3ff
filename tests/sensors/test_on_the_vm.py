"""On a real MicroPython: what the contract relies on (generators, turns, released buses), and that
no run of a driver depends on which runtime it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devkit.sensors.catalogue import drivers
from tests.device import Node

from .family import Member

PROGRAM = """
import sensors
from machine import I2C
from sensors import si7021

lines = (
    ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}),
    ("si7021", {"sda_pin": "P21", "scl_pin": "P22"}),
    ("analog_generic", {"data_pin": "P16", "divider": 2, "name": "battery"}),
)
show(sensors.check(lines))
found = sensors.measure(lines)
show([(item.name, item.value, item.cause, item.line) for item in found])
show([list(record) for record in sensors.statuses(found)])
show(list(si7021.get_reading("P9", "P10", vcc_pin="P11")))
chip = si7021.Si7021(I2C(0, I2C.MASTER, pins=("P9", "P10")))
show([chip.read(), chip.cause])
show(raised(si7021.get_reading, "P9", "P9"))
"""


@pytest.mark.both_runtimes
def test_a_run_of_sensors(node):
    node.si7021(vcc_pin="P11")
    node.adc.sources["P16"] = lambda: 1792
    node.adc.noise_counts = 0
    problems, found, statuses, reading, absent, error = node.ask(PROGRAM)
    assert problems == []
    assert found == [
        ["t", 2423, None, 0],
        ["h", 548, None, 0],
        ["t2", None, "absent", 1],
        ["h2", None, "absent", 1],
        ["battery", pytest.approx(3584, abs=3), None, 2],
    ]
    assert statuses == [["t2_e", "absent", 0, None]]
    assert reading == [24.23, pytest.approx(54.79, abs=0.03)]
    assert absent == [None, "absent"]  # the supply is off again
    assert error[0] == "ValueError"
    assert "P9 is used twice" in error[1]


def measured(node: Node, driver: str) -> tuple[Any, ...]:
    """What a run of this driver gives and logs, and all that happened on the board, and when."""
    line = (driver, Member(node, driver).arguments)
    run = f"[(item.name, item.value, item.cause) for item in sensors.measure(({line!r},))]"
    found = node.value(run, f"{driver}\nimport sensors")
    happened = [
        (entry.at_us, entry.kind, "" if entry.kind == "print" else entry.text)  # a dict's order
        for entry in node.board.trace.entries
    ]
    return found, node.log, happened


@pytest.mark.both_runtimes
@pytest.mark.parametrize("driver", drivers())
def test_a_run_is_to_the_microsecond_what_it_is_on_cpython(
    make_node: Callable[..., Node], tmp_path: Path, driver: str
) -> None:
    here = Node(tmp_path / "flash", [])
    expected = measured(here, driver)
    here.close()
    assert {cause for _, _, cause in expected[0]} == {None}
    assert measured(make_node(), driver) == expected
