"""The clock of deep sleep: fast or slow, wandering, and the same again for the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.board.board import DEEPSLEEP_RESET, Board, DeepSleep
from emulator.board.slowclock import DRAWN, SlowClock
from emulator.board.standard import plug_standard
from emulator.scenario import from_table, load

HOUR_US = 3_600_000_000
DAY_S = 86_400


def plugged(flash: Path, percent: float, seed: int = 1) -> Board:
    board = Board(seed)
    plug_standard(board, flash, rtc_drift=percent)
    board.reset(0)
    return board


def sleep(board: Board, duration_ms: int) -> None:
    system: Any = board.services["system"]
    board.halt = DeepSleep(duration_ms)
    assert system.sleep_through(duration_ms)
    board.reset(DEEPSLEEP_RESET)


@pytest.mark.parametrize("percent", (-10, -3, 0, 3, 10))
def test_a_sleep_is_as_long_as_this_clock_says(tmp_path: Path, percent: float) -> None:
    board = plugged(tmp_path, percent)
    rtc: Any = board.services["rtc"]
    sleep(board, 3_600_000)
    assert rtc.wall_us() == pytest.approx(HOUR_US, abs=100)  # the sleep that was asked for
    true_us = HOUR_US / (1 + percent / 100)
    within = 0.006 * HOUR_US if percent else 0
    assert board.clock.now_us == pytest.approx(true_us, abs=within)


def test_awake_it_counts_by_the_crystal(tmp_path: Path) -> None:
    board = plugged(tmp_path, 3)
    rtc: Any = board.services["rtc"]
    sleep(board, 1000)
    before = rtc.wall_us()
    board.clock.advance(HOUR_US)
    assert rtc.wall_us() - before == HOUR_US == board.clock.now_us - board.started_us


def test_each_board_has_its_own_and_keeps_it() -> None:
    drawn = [SlowClock(Board(seed), DRAWN) for seed in range(1, 30)]
    drifts = [each.drift for each in drawn]
    assert drifts == [SlowClock(Board(seed), DRAWN).drift for seed in range(1, 30)]
    assert len(set(drifts)) == 29 and -0.03 <= min(drifts) < -0.02 < 0.02 < max(drifts) <= 0.03


def test_it_wanders_by_half_a_percent() -> None:
    for seed in range(1, 5):
        slow = SlowClock(Board(seed), 2)
        rates = [slow.rate(600 * n) for n in range(30 * 144)]
        assert 0.015 <= min(rates) < 0.0175 and 0.0225 < max(rates) <= 0.025
        a_day = slow.gained_us(0, DAY_S * 1_000_000) / 1e6
        assert a_day == pytest.approx(sum(rates[:144]) * 600, rel=0.01)


def test_scenarios_set_it() -> None:
    assert load("good").board.rtc_drift == DRAWN
    assert load("kind").board.rtc_drift == 0 and load("hard").board.rtc_drift == 3
    with pytest.raises(ValueError, match="rtc_drift = 11"):
        from_table({"board": {"rtc_drift": 11}})
