"""utils.clock: which times are believed, and how the drift of the RTC is learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulator.board.board import DEEPSLEEP_RESET, PWRON_RESET
from tests.device import Bare, Device, restore

pytestmark = pytest.mark.both_runtimes(every=3)

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
    "a server that contradicts the network twice": (
        [(0, 0, "network"), (9, 5009, "server"), (900, 900, "network"), (910, 5910, "server")],
        [True, False, True, True],
    ),
    "a network that contradicts the server": (
        [(0, 0, "server"), (9, 5009, "network"), (900, 900, "server"), (910, 5910, "network")],
        [True, False, True, False],
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
    """The RTC counts 4 hours while more or less has passed; later times follow from that. What
    an earlier epoch had, here the opposite, is in nobody's way."""
    passed = 4 * HOUR + 4 * HOUR * rate // 1_000_000
    board.service("nvs").put("clock_rate", -rate)
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


# epochs

EPOCH = "show([clock.epoch(), clock.anchor() is not None, clock.utc_now() is not None])"


@pytest.mark.parametrize(
    ("cause", "rtc_s"), [(PWRON_RESET, 5), (DEEPSLEEP_RESET, 40), (DEEPSLEEP_RESET, NOON)]
)
def test_an_epoch_lasts_until_the_rtc_starts_again_or_is_set(
    board: Board, cause: int, rtc_s: int
) -> None:
    board.tell(100, f"clock.believe({NOON}, 'network')")
    [first, known, _] = board.tell(7 * DAY, EPOCH)
    assert known
    board.board.reset(cause)
    assert board.tell(rtc_s, EPOCH) == [first + 1, False, False]
    assert board.tell(rtc_s + 3, EPOCH) == [first + 1, False, False]


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_damaged_state_begins_an_epoch(board: Board, place: int) -> None:
    board.tell(100, f"clock.believe({NOON}, 'network')")
    rtc = board.service("rtc")
    start = rtc.kept.index(b"clock")
    rtc.kept = rtc.kept[: start + place] + b"\x55" + rtc.kept[start + place + 1 :]
    assert board.tell(200, EPOCH)[1:] in ([False, False], [True, True])


@pytest.mark.parametrize("value", ["a text", -5, 65535, 2**31 - 1, -(2**31)])
def test_an_epoch_begins_with_a_damaged_nvs(board: Board, value: Any) -> None:
    for key in ("clock_epoch", "clock_rate"):
        board.service("nvs").put(key, value)
    number, sleep_ms = board.tell(5, "show([clock.epoch(), clock.sleep_ms(900000)])")
    assert number <= 65535 and (number > 1) == (value != 65535)  # else a random one
    assert abs(sleep_ms - 900_000) <= 5  # no rate


def test_without_nvs_an_epoch_has_a_random_number(tmp_path: Any, runtime: str) -> None:
    made = Board(
        tmp_path / "flash", [{"point": "nvs", "do": "fail"}], runtime=runtime, install="frozen"
    )
    try:
        number, _, _ = made.tell(5, EPOCH)
        assert 1 <= number <= 65535
        assert made.tell(9, EPOCH)[0] == number  # kept in RTC memory
    finally:
        made.close()


# asking


@pytest.mark.cpython  # 120 starts
def test_a_bearer_that_takes_long_in_vain_is_asked_less_and_less(board: Board) -> None:
    """One that answers at once is asked each time."""
    program = """
from utils import timing

class Bearer:
    asked = 0

    def network_time(self):
        self.asked += 1
        timing.sleep_ms({wait_ms})

bearer = Bearer()
clock.ask(bearer)
show(bearer.asked)
"""
    slow = [board.tell(900 * n, program.format(wait_ms=2000)) for n in range(60)]
    assert slow[0] == 1 and 4 <= sum(slow) <= 9
    quick = [board.tell(900 * (60 + n), program.format(wait_ms=20)) for n in range(60)]
    assert sum(quick) >= 30
