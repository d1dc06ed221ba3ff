"""A batch is measured whole: its sleep, and each of its measurements."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devkit.bench import batches
from devkit.bench.cases import RESUMED
from devkit.bench.runs import Conditions
from emulator.driver.profile import DEFAULT
from emulator.emulator import DEEPSLEEP_MA

NOW = Conditions(1, DEFAULT, "mpy", seeds=1)
SLEEP_MJ = 3.7 * DEEPSLEEP_MA * 900


def test_one_batch_sends_once_and_costs_its_sleep_too() -> None:
    row = batches.row(4, NOW)
    assert row["beaten_seeds"] == 0 and row["floor_energy_mj"] < row["energy_mj"]
    assert (row["send_every"], row["seeds"]) == (4, 1)
    assert row["sent"] == row["delivered"] > 0
    assert row["energy_mj"] < batches.row(1, NOW)["energy_mj"] / 2


def test_a_cycle_that_only_measures_is_short_and_its_radio_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "MEASURING_SEEDS", 1)
    row = batches.measuring_row(NOW)
    assert (row["radio_on_ms"], row["air_bytes"], row["at_exchanges"], row["sent"]) == (0, 0, 0, 0)
    assert SLEEP_MJ < row["energy_mj"] < 0.16 * row["awake_ms"] + 1.1 * SLEEP_MJ
    assert row["awake_ms"] <= 2000


def test_the_reference_of_a_cycle_that_only_measures_leaves_a_registered_modem_asleep() -> None:
    """Seed 8 sends only one datagram: ours beat a reference that woke the modem each time."""
    row = batches.row(4, replace(NOW, seed=8), "uart", RESUMED)
    assert (row["beaten_seeds"], row["attaches"]) == (0, 0)
    assert row["floor_awake_ms"] < 2500  # 2810, were it awake in all four


def test_a_reference_awaits_no_answer_before_it_sends_on_where_ours_does_not_either() -> None:
    """Ours sends the three datagrams of seed 1 at once. Its cycles that only measure hid that its
    last one beat a reference that did not."""
    row = batches.row(4, NOW)
    assert (row["beaten_seeds"], row["delivered"]) == (0, 3)


def test_the_lte_floor_sends_in_data_state_what_no_line_of_the_firmware_takes() -> None:
    """It ended at the first such line, had sent nothing, and so cost less than the limit."""
    row = batches.row(24, NOW)
    assert row["beaten_seeds"] == 0
    assert row["limit_energy_mj"] < row["floor_energy_mj"] < row["energy_mj"]
