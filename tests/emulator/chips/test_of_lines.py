"""The chips that the lines of a configuration read: plugged without a word in the scenario."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from devkit.application import REFERENCE
from devkit.sensors.catalogue import entries
from emulator.chips.ds18x20 import rom_of
from emulator.chips.of_lines import tables
from emulator.chips.wiring import wire
from tests.device import Node

SHT4X = ("sht4x", {"sda_pin": "P9", "scl_pin": "P10"})
SOIL = ("ds18x20", {"data_pin": "P3"})


def measured(node: Node, lines: tuple[Any, ...], **scenario: dict[str, Any]) -> list[str | None]:
    """The cause of each measurement with the chips of these lines."""
    wire(node.board, scenario, tables({"_SENSORS": lines}, scenario))
    node.board.clock.advance(5_000_000)
    program = f"sensors.measure({lines!r})"
    return [item.cause for item in node.value(program, "_lines\nimport sensors")]


@pytest.mark.parametrize("driver", entries())
def test_a_line_of_each_driver_is_read(node: Node, driver: str) -> None:
    entry = entries()[driver]
    assert set(measured(node, ((driver, entry.arguments),))) == {None}


@pytest.mark.parametrize(
    "lines",
    [
        (("sht4x", {**SHT4X[1], "address": 0x45, "vcc_pin": "P11"}), SHT4X),
        (("ina219", SHT4X[1]),),  # at the address of the default Si7021
        (("dht", {"data_pin": "P4", "dht_model": "DHT11"}),),
        (("scd4x", {**SHT4X[1], "model": "scd40"}),),
        (("ds18x20", {"data_pin": "P3", "rom": "28ac410e07000074"}),
         ("ds18x20", {"data_pin": "P3", "rom": rom_of(0x28, 7).hex()})),
        (("analog_generic", {"data_pin": "P15"}), ("analog_generic", {"data_pin": "P13"})),
        (("hx711", {"data_pin": "P22", "clock_pin": "P23"}),
         ("hx711", {"data_pin": "P22", "clock_pin": "P23", "gain": 32})),
        (("sdi12", {"drv_in_pin": "P3", "rcv_out_pin": "P4", "probe": "teros12"}),),
    ],
    ids=lambda lines: lines[0][0],
)  # fmt: skip
def test_what_the_line_says_counts(node: Node, lines: tuple[Any, ...]) -> None:
    assert set(measured(node, lines)) == {None}


def test_the_scenario_takes_precedence(node: Node) -> None:
    lines = (SHT4X, SOIL, ("si7021", SHT4X[1]))
    scenario = {
        "sht4x": {"kind": "none"},
        "elsewhere": {"kind": "ds18x20", "pin": "P4"},
        "si7021": {"humidity_rh": 20.0},
    }
    assert measured(node, lines, **scenario) == ["absent", "absent", "absent", None, None]


def test_the_battery_is_where_boot_looks_for_it() -> None:
    fields = {"_BATTERY_PIN": "P13", "_BATTERY_DIVIDER": 3}
    line = ("analog_generic", {"data_pin": "P13", "divider": 3})
    found = tables({**fields, "_SENSORS": (line,)}, {})
    battery = {"kind": "battery", "pin": "P13", "top_ohm": 200_000, "bottom_ohm": 100_000}
    assert found == {"battery": battery, "si7021": {"kind": "none"}}


@pytest.mark.parametrize(
    "lines", [None, 5, (5,), (("si7021", None),), (("warp", {}),), (("si7021", {"sda_pin": 7}),)]
)
def test_mistakes_plug_nothing(lines: Any) -> None:
    assert set(tables({"_SENSORS": lines}, {})) == {"si7021", "battery"}


def test_lines_that_config_offers_as_comments_measure(node: Node) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    offered = [ast.literal_eval(line) for line in re.findall(r"^    # (\(.*\)),$", text, re.M)]
    assert len(offered) == 3
    assert set(measured(node, tuple(offered))) == {None}
