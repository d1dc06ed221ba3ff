"""The three sensors for light in one run, on chips that a scenario has wired."""

from __future__ import annotations

import pytest

from emulator.board.faults import Fault
from emulator.chips import wiring
from tests.device import Node

CHIPS = {
    "roof": {
        "kind": "tsl2561",
        "light_lx": {"mean": 5000, "swing": 0},
        "infrared": 0.1,
        "model": "tsl2561cs",
        "address": 0x29,
    },
    "lamp": {"kind": "bh1750", "light_lx": [[0, 500.0], [60, 500.0]]},
    "door": {"kind": "veml7700", "light_lx": {"mean": 7, "swing": 0}, "supply_pin": "P22"},
    "si7021": {"kind": "none"},
    "battery": {"kind": "none"},
}
PROGRAM = """
import sensors
from utils import timing
PINS = {"sda_pin": "P9", "scl_pin": "P10"}
LINES = (
    ("tsl2561", dict(PINS, address=0x29, name="roof")),
    ("bh1750", dict(PINS)),
    ("veml7700", dict(PINS, vcc_pin="P22")),
)
problems = sensors.check(LINES)
watch = timing.Stopwatch()
found = [(item.name, item.value, item.unit, item.exponent, item.cause)
         for item in sensors.measure(LINES)]
took_ms = watch.elapsed_ms()
"""


def test_they_are_measured_at_the_same_time(node):
    wiring.wire(node.board, CHIPS)
    result = node.variables(PROGRAM)
    assert result["problems"] == []
    roof, lamp, door = result["found"]
    assert roof == ("roof", pytest.approx(50_000, rel=0.03), "lx", -1, None)
    assert lamp == ("lx", pytest.approx(5000, abs=9), "lx", -1, None)
    assert door == ("lx2", pytest.approx(70, abs=1), "lx", -1, None)
    assert result["took_ms"] < 240  # the VEML7700 alone takes 220, all after each other 500


def test_one_that_fails_leaves_the_others_alone(node):
    wiring.wire(node.board, {**CHIPS, "lamp": {**CHIPS["lamp"], "absent": True}})
    found = node.variables(PROGRAM)["found"]
    assert [cause for *_, cause in found] == [None, "absent", None]


@pytest.mark.both_runtimes
@pytest.mark.parametrize("after_ms", [30, 80])
def test_a_bus_that_hangs_for_good_is_given_up(tmp_path, runtime, after_ms):
    """Whoever is half way then leaves the bus alone, and does not try to switch its chip off."""
    hang = Fault("i2c", "stuck", match="not yet")
    node = Node(tmp_path, [hang], runtime)
    wiring.wire(node.board, CHIPS)
    node.pins.on_change(
        "P22",
        lambda on: (
            on and node.board.clock.schedule_ms(after_ms, lambda: setattr(hang, "match", ""))
        ),
    )
    found, took_ms = node.ask(PROGRAM + "show(found)\nshow(took_ms)\n")
    node.vm.shutdown()
    assert [item[-1] for item in found] == ["stuck"] * 3
    assert took_ms < 15000  # two waited for it, each 5 s and one for every byte
    assert node.pins.level("P22") == 0
