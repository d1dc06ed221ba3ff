"""Batteries and their dividers as sources for the converter."""

from __future__ import annotations

import statistics

import pytest

from emulator.board.adc import raw_to_mv
from emulator.board.board import Board
from emulator.chips.battery import Battery


def test_battery_sags_under_the_load_of_the_whole_board(board):
    battery = Battery(board, ohm=0.25)
    assert battery.cell_mv() == 3900
    board.meter.set("esp", "run", 41)
    board.meter.set("modem", "tx", 240)
    assert battery.cell_mv() == pytest.approx(3900 - 281 * 0.25)


def test_battery_runs_down_by_what_was_drawn(board):
    battery = Battery(board, lambda t: 4200, ohm=0, capacity_mah=10, end_mv=3000)
    board.meter.set("modem", "rx", 100)
    board.clock.advance(3 * 60_000_000)  # 100 mA for 3 minutes: 5 mAh, half of it
    assert battery.cell_mv() == pytest.approx(3600)
    board.clock.advance(3600_000_000)
    assert battery.cell_mv() == pytest.approx(3000)


@pytest.mark.parametrize(
    ("top", "bottom", "expected"),
    [(100_000, 100_000, 1950), (0, 1000, 3900), (100_000, 10_000, 3900 / 11)],
)
def test_divider_divides(board, top, bottom, expected):
    battery = Battery(board, top_ohm=top, bottom_ohm=bottom, noise_mv=0)
    battery.power(True)
    assert battery() == pytest.approx(expected)


def test_switched_divider_charges_its_capacitor(board):
    # 50 kOhm, 100 nF: 5 ms
    battery = Battery(board, lambda t: 3600, ohm=0, switched=True, noise_mv=0)
    assert battery() == 0
    battery.power(True)
    assert battery() == 0
    board.clock.advance(5_000)
    assert battery() == pytest.approx(1800 * 0.632, rel=0.001)
    board.clock.advance(20_000)
    battery.power(True)  # is on already: goes on charging
    assert battery() == pytest.approx(1800 * 0.993, rel=0.001)
    battery.power(False)
    assert battery() == 0


def test_noise_has_the_given_spread_and_repeats_with_the_seed():
    def samples(seed: int) -> list[float]:
        battery = Battery(Board(seed), lambda t: 3600, noise_mv=5)
        battery.power(True)
        return [battery() for _ in range(500)]

    values = samples(1)
    assert values == samples(1)
    assert statistics.mean(values) == pytest.approx(1800, abs=1)
    assert statistics.stdev(values) == pytest.approx(5, rel=0.15)


@pytest.mark.parametrize(("top", "bottom"), [(-1, 100), (100, 0)])
def test_impossible_dividers_are_refused(board, top, bottom):
    with pytest.raises(ValueError, match="allowed"):
        Battery(board, top_ohm=top, bottom_ohm=bottom)


@pytest.mark.parametrize("vref_mv", [1000, 1100, 1200])
def test_the_bent_end_of_the_converter_is_a_smooth_curve(vref_mv):
    """No typing error in the vendor's 40 points: their steps change by 4 mV at most."""
    curve = [raw_to_mv(raw, 3, vref_mv) for raw in range(2880 + 64, 4096, 64)]
    steps = [after - before for before, after in zip(curve, curve[1:], strict=False)]
    changes = [after - before for before, after in zip(steps, steps[1:], strict=False)]
    assert max(map(abs, changes)) <= 4
    assert (curve[0], curve[-1]) == {
        1000: (2297, 3030), 1100: (2502, 3107), 1200: (2706, 3184),
    }[vref_mv]  # fmt: skip
