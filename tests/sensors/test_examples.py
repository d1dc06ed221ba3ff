"""The examples as they stand, for half a minute each."""

from __future__ import annotations

import pytest

from emulator.chips.analog import Level


@pytest.mark.parametrize(("connected", "line"), [(True, "24.23 Cel, 54.8 %RH"),
                                                 (False, "no reading: absent")])  # fmt: skip
def test_si7021_simple(node, connected, line):
    if connected:
        node.si7021()
    assert node.example("si7021_simple.py") == [line] * 3


@pytest.mark.parametrize(("level", "line"), [(1792, "3584 mV"), (0, "no reading: under_range")])
def test_analog_generic_simple(node, level, line):
    node.adc.sources["P16"] = Level(node.board, level)
    node.adc.noise_counts = 0
    assert node.example("analog_generic_simple.py") == [line] * 3
