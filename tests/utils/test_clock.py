"""utils.clock: which times are believed, and how the drift of the RTC is learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulator.board.board import DEEPSLEEP_RESET
from tests.device import Bare, Device, restore

pytestmark = pytest.mark.both_runtimes

MakeDevice = Callable[..., Device]
NOON = 1772366400  # 2026-03-01T12:00:00
HOUR, DAY = 3600, 86400


class Board(Bare):
    """A board whose program is started again and again, at times of its RTC."""

    def tell(self, rtc_s: int, program: str) -> Any:
        """Run a program at this time of the RTC, as after a deep sleep; what it has shown."""
        restore_once(self)
        self.board.reset(DEEPSLEEP_RESET)
        self.service("rtc").set_wall_us(rtc_s * 1_000_000)
        self.run("from support import *\nfrom utils import clock\n" + program)
        assert self.outcome is not None and self.outcome.error is None, self.outcome
        return self.shown[-1] if self.shown else None

    @property
    def log(self) -> list[str]:
        return [line for line in self.output.splitlines() if "clock: " in line]


def restore_once(board: Bare) -> None:
    if not (board.flash / "utils").exists():
        restore(board.flash, ("utils",))


@pytest.fixture
def board(tmp_path: Any, runtime: str) -> Any:
    made = Board(tmp_path / "flash", runtime=runtime, install="frozen")
    yield made
    made.close()


def times(*told: tuple[int, int, str]) -> list[tuple[int, str]]:
    """(seconds of the RTC, seconds since NOON, source) -> what to run when."""
    return [
        (rtc_s, f"show(clock.believe({NOON + utc_s}, '{source}'))")
        for rtc_s, utc_s, source in told
    ]


STEPS = {
    "a first time": ([(50, 0, "network")], [True]),
    "drift of 3 %": ([(0, 0, "network"), (HOUR, HOUR + 108, "network")], [True, True]),
    "ten minutes are no drift": (
        [(0, 0, "network"), (HOUR, HOUR + 600, "network")],
        [True, False],
    ),
    "a second source agrees": (
        [(0, 0, "network"), (HOUR, HOUR + 900, "network"), (HOUR + 5, HOUR + 906, "server")],
        [True, False, True],
    ),
    "the same one does not at once": (
        [(0, 0, "network"), (HOUR, HOUR + 900, "network"), (HOUR + 5, HOUR + 905, "network")],
        [True, False, False],
    ),
    "the same one does later": (
        [(0, 0, "network"), (HOUR, HOUR + 900, "network"), (2 * HOUR, 2 * HOUR + 900, "network")],
        [True, False, True],
    ),
    "two that disagree": (
        [(0, 0, "network"), (HOUR, 9 * HOUR, "network"), (HOUR + 5, 5 * HOUR, "server")],
        [True, False, False],
    ),
    "back by two days": (
        [(0, 0, "network"), (HOUR, -2 * DAY, "network"), (2 * HOUR, HOUR - 2 * DAY, "network")],
        [True, False, False],
    ),
    "back by two days, for a day": (
        [(0, 0, "network"), (HOUR, -2 * DAY, "network"), (HOUR + DAY, -DAY, "network")],
        [True, False, True],
    ),
    "back by two days, says a second source": (
        [(0, 0, "network"), (HOUR, -2 * DAY, "network"), (HOUR + 9, 9 - 2 * DAY, "server")],
        [True, False, True],
    ),
    "before 2024": ([(0, -3 * 366 * DAY, "network")], [False]),
    "from 2060 on": ([(0, 34 * 366 * DAY, "network")], [False]),
}


@pytest.mark.parametrize("case", STEPS)
def test_a_step_is_believed_if_the_drift_or_a_second_opinion_explains_it(
    board: Board, case: str
) -> None:
    told, believed = STEPS[case]
    assert [board.tell(rtc_s, program) for rtc_s, program in times(*told)] == believed


@pytest.mark.parametrize("rate", (-31000, -5000, 0, 7, 34000))
def test_the_rate_is_learned_from_two_times(board: Board, rate: int) -> None:
    """The RTC counts 4 hours while more or less has passed; later times follow from that."""
    passed = 4 * HOUR + 4 * HOUR * rate // 1_000_000
    board.tell(100, f"clock.believe({NOON}, 'network')")
    board.tell(100 + 4 * HOUR, f"clock.believe({NOON + passed}, 'network')")
    later = 9 * DAY
    utc_s, age_s, sleep_ms, anchor = board.tell(
        100 + 4 * HOUR + later,
        f"show([clock.utc_now(), clock.age_s({100 + 4 * HOUR}), clock.sleep_ms(900000),"
        " clock.anchor()])",
    )
    true_s = later + later * rate // 1_000_000
    assert abs(utc_s - NOON - passed - true_s) <= 60  # 1 s in 4 hours are 54 s in 9 days
    assert utc_s == NOON + passed + age_s
    assert abs(sleep_ms * (1_000_000 + rate) / 1_000_000 - 900_000) <= 100
    assert anchor[:2] == [100 + 4 * HOUR, NOON + passed]
    assert abs(anchor[2] - rate) <= 70
