"""I2C sensors on a line that disturbs answers and a supply that breaks down at any time.

What a reading gives is the truth, or None and a cause. Where there is no checksum, disturbances
are left out: two or more answers that agree on a wrong bit are rare, but they occur.
"""

from __future__ import annotations

import random

import pytest

from emulator.chips.ads1115 import Ads1115
from emulator.chips.bme280 import Bme280
from emulator.chips.bme680 import Bme680
from emulator.chips.ina219 import Ina219
from emulator.chips.scd4x import Scd4x
from emulator.chips.scd30 import Scd30
from emulator.chips.sht4x import Sht4x
from emulator.chips.si7021 import Si7021
from emulator.chips.tsl2561 import Tsl2561
from emulator.chips.veml7700 import Veml7700

READINGS = 40


def always(value):
    return lambda seconds: value


AIR = always(21.5), always(44.25)
AIR_VALUES = (21.5, 0.02), (44.25, 0.1)
CO2 = always(640.0), *AIR
CO2_VALUES = (640, 1), *AIR_VALUES
# driver, address, chip, further arguments, (value, tolerance) of each field, checksums
CASES = {
    "si7021": ("si7021", 0x40, lambda b: Si7021(b, *AIR, noise=(0, 0)), "", AIR_VALUES, True),
    "sht20": (
        "si7021", 0x40, lambda b: Si7021(b, *AIR, "sht20", noise=(0, 0)), "", AIR_VALUES, True,
    ),
    "sht4x": ("sht4x", 0x44, lambda b: Sht4x(b, *AIR, repeatability=0), "", AIR_VALUES, True),
    "scd30": ("scd30", 0x61, lambda b: Scd30(b, *CO2), "", CO2_VALUES, True),
    "scd40": ("scd4x", 0x62, lambda b: Scd4x(b, *CO2, "scd40"), "", CO2_VALUES, True),
    "scd41": ("scd4x", 0x62, lambda b: Scd4x(b, *CO2, "scd41"), "", CO2_VALUES, True),
    "scd41 periodic": (
        "scd4x", 0x62, lambda b: Scd4x(b, *CO2), ", mode='periodic'", CO2_VALUES, True,
    ),
    "bme280": (
        "bme280", 0x76, lambda b: Bme280(b, always(1000), *AIR), "", ((1000, 0.2), *AIR_VALUES),
        False,
    ),
    "bme680": (
        "bme680", 0x77, lambda b: Bme680(b, always(1000), *AIR, always(80_000)), "",
        ((1000, 0.2), *AIR_VALUES, (80_000, 400)), False,
    ),
    "tsl2561": (
        "tsl2561", 0x39, lambda b: Tsl2561(b, always(318), always(0.3)), "", ((318, 8),), False,
    ),
    "veml7700": ("veml7700", 0x10, lambda b: Veml7700(b, always(318)), "", ((318, 1),), False),
    "ina219": (
        "ina219", 0x40, lambda b: Ina219(b, always(3700), always(120)), "",
        ((3700, 4), (120, 0.2), (444, 1)), False,
    ),
    "ads1115": (
        "ads1115", 0x48, lambda b: Ads1115(b, [always(1250)] * 4), "", ((1250, 0.1),), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("trouble", ["once", "twice", "conversions"])
def test_a_reading_is_true_or_none(node, case, trouble):
    driver, address, make, more, expected, checksums = CASES[case]
    chip = node.attach(make(node.board), "P11", address)
    rng = random.Random(case + trouble)
    expression = f'{driver}.get_reading("P9", "P10", vcc_pin="P11"{more}), {driver}.last_cause'
    node.value(expression, driver)
    begin_us = node.board.clock.now_us
    node.value(expression, driver)
    took_us = node.board.clock.now_us - begin_us

    def break_down():
        if chip.powered:
            chip.interrupt_supply()

    for number in range(READINGS):
        chip.lateness = rng.random()
        if trouble == "conversions":
            chip.brown_out = rng.randrange(3)
            chip.corrupt_rate = rng.choice([0.05, 0.3]) if checksums else 0.0
        for _ in range(("once", "twice").index(trouble) + 1 if trouble != "conversions" else 0):
            node.board.clock.schedule(rng.randrange(took_us), break_down)
        reading, cause = node.value(expression, driver)
        values = reading if isinstance(reading, tuple) else (reading,)
        for value, (true, tolerance) in zip(values, expected, strict=True):
            if value is None:
                assert cause is not None, number
            else:
                assert value == pytest.approx(true, abs=tolerance), (number, cause)
        assert node.pins.level("P11") == 0
        chip.brown_out = 0
        node.board.clock.advance(30_000_000)
