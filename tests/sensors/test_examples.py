"""The examples as they stand, for half a minute each."""

from __future__ import annotations

import pytest

from devkit.chips.analog import Level

from .conftest import ROOT


def run_for_25_s(node, name):
    node.board.clock.schedule_ms(25_000, node.stop)
    outcome = node.vm.run_script(ROOT / "examples" / name)
    assert outcome.kind == "reset"
    return "".join(node.printed).splitlines()


@pytest.mark.parametrize(("connected", "line"), [(True, "24.23 Cel, 54.8 %RH"),
                                                 (False, "no reading: absent")])  # fmt: skip
def test_si7021_simple(node, connected, line):
    if connected:
        node.si7021()
    printed = run_for_25_s(node, "si7021_simple.py")
    assert [text for text in printed if "WARNING" not in text] == [line] * 3


@pytest.mark.parametrize(("level", "line"), [(1792, "3584 mV"), (0, "no reading: under_range")])
def test_analog_generic_simple(node, level, line):
    node.adc.sources["P16"] = Level(node.board, level)
    node.adc.noise_counts = 0
    printed = run_for_25_s(node, "analog_generic_simple.py")
    assert [text for text in printed if "WARNING" not in text] == [line] * 3
