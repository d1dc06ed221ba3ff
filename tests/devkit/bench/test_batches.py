"""A batch is measured whole: its sleep, and each of its measurements."""

from __future__ import annotations

from devkit.bench import batches
from devkit.bench.measure import Conditions
from emulator.driver.profile import DEFAULT
from emulator.emulator import DEEPSLEEP_MA

NOW = Conditions(1, DEFAULT, "mpy")
SLEEP_MJ = 3.7 * DEEPSLEEP_MA * 900


def test_one_batch_sends_once_and_costs_its_sleep_too() -> None:
    row = batches.row(4, NOW, seeds=1)
    assert (row["send_every"], row["seeds"]) == (4, 1)
    assert row["sent"] == row["delivered"] > 0
    assert row["energy_mj"] < batches.row(1, NOW, seeds=1)["energy_mj"] / 2


def test_a_cycle_that_only_measures_is_short_and_its_radio_off() -> None:
    row = batches.measuring_row(NOW, seeds=1)
    assert (row["radio_on_ms"], row["air_bytes"], row["at_exchanges"], row["sent"]) == (0, 0, 0, 0)
    assert SLEEP_MJ < row["energy_mj"] < 0.16 * row["awake_ms"] + 1.1 * SLEEP_MJ
    assert row["awake_ms"] <= 2000
