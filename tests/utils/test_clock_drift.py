"""utils.clock on a board whose RTC drifts: virtual days of sleeping, with a time now and then.

The error of a time is at most 1 % of the time since the last good one, and 2 s: the seconds that
the network tells, and those of the RTC, are whole.
"""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator.board.board import DEEPSLEEP_RESET, PWRON_RESET, DeepSleep
from emulator.board.slowclock import DRAWN, SlowClock
from tests.device import Bare, restore

pytestmark = pytest.mark.both_runtimes(every=3)

NOON = 1772366400
HOUR_S, PERIOD_S = 3600, 1800
PROGRAM = """
from support import *
from utils import clock
told, asleep_ms = given()
wanted = clock.wanted()
if wanted and told:
    clock.believe(told, "network")
anchor = clock.anchor()
show([clock.rtc_s(), clock.utc_now(), wanted, list(anchor) if anchor else None,
      clock.age_s(0), clock.sleep_ms(asleep_ms)])
"""


class Days:
    """A board that wakes up, is perhaps told the time, and sleeps. Errors are in seconds."""

    def __init__(self, flash: Path, seed: int, runtime: str, percent: float = DRAWN) -> None:
        self.bare = Bare(flash, seed=seed, runtime=runtime, install="frozen")
        restore(flash, ("utils",))
        self.bare.service("rtc").slow = SlowClock(self.bare.board, percent)
        self.random = random.Random(seed)
        self.power_s = 0.0  # since when there is power, in true seconds
        self.good_s: float | None = None  # when the clock was last told
        self.aged: list[float] = []  # shares of the time since power_s, as `shares`
        self.anchors: list[list[int]] = []
        self.moments: list[tuple[float, int, float]] = []  # true time, of the RTC, since good_s
        self.asked = 0
        self.shares: list[float] = []  # of the time since the last good clock, beyond 2 s
        self.periods: list[tuple[float, bool]] = []  # true length, whether the rate was known

    def true_s(self) -> float:
        return self.bare.board.clock.now_us / 1e6

    def cycle(self, connected: bool, period_s: int = PERIOD_S) -> None:
        board = self.bare.board
        start_s = self.true_s()
        told = NOON + int(start_s) if connected else None
        self.bare.give([told, period_s * 1000])
        self.bare.run(PROGRAM)
        rtc_s, utc_s, wanted, anchor, age_s, sleep_ms = self.bare.shown[0]
        self.asked += wanted
        if anchor and (not self.anchors or anchor != self.anchors[-1]):
            self.anchors.append(anchor)
            self.good_s = start_s
        self.aged.append(share(age_s - start_s + self.power_s, start_s - self.power_s))
        if self.good_s is not None:
            since_s = start_s - self.good_s
            self.shares.append(share(utc_s - NOON - start_s, since_s))
            self.moments.append((start_s, rtc_s, since_s))
        system: Any = board.services["system"]
        board.halt = DeepSleep(sleep_ms)
        slept_from = board.clock.now_us
        system.sleep_through(sleep_ms)
        self.periods.append(((board.clock.now_us - slept_from) / 1e6, len(self.anchors) > 1))
        board.reset(DEEPSLEEP_RESET)

    def lose_power(self) -> None:
        self.bare.board.reset(PWRON_RESET)
        self.power_s, self.good_s = self.true_s(), None
        self.anchors, self.moments, self.periods = [], [], []
        self.shares, self.aged = [], []

    def converted(self) -> list[float]:
        """Shares of errors of all moments, converted later from the anchors around them."""
        jobs = []
        for true_s, rtc_s, since_s in self.moments:
            before = max((each for each in self.anchors if each[0] <= rtc_s), default=None)
            after = min((each for each in self.anchors if each[0] > rtc_s), default=None)
            jobs.append([rtc_s, before, after, true_s, since_s])
        self.bare.give([job[:3] for job in jobs])
        self.bare.run(
            "from support import *\nfrom utils import clock\n"
            "for job in given():\n    show(clock.utc(*job))\n"
        )
        found = zip(self.bare.shown, jobs, strict=True)
        return [
            share(utc_s - NOON - true_s, since_s) for utc_s, (_, _, _, true_s, since_s) in found
        ]

    def close(self) -> None:
        self.bare.vm.shutdown()


def share(error_s: float, since_s: float) -> float:
    return max(0.0, abs(error_s) - 2) / max(1.0, since_s)


def lived(days: Days, count: float) -> Days:
    """Live some days, with outages of up to 72 h."""
    end_s = days.true_s() + count * 24 * HOUR_S
    until_s, connected = 0.0, True
    while days.true_s() < end_s:
        if days.true_s() >= until_s:
            connected = not connected or not until_s
            until_s = days.true_s() + days.random.uniform(0.5, 24 if connected else 72) * HOUR_S
        days.cycle(connected)
    return days


@pytest.mark.cpython  # days of cycles
@pytest.mark.parametrize("percent", (-3, DRAWN, 3))
def test_the_error_is_one_percent_of_the_time_since_the_last_good_clock(
    tmp_path: Path, runtime: str, percent: float
) -> None:
    with closing(Days(tmp_path / "flash", 7, runtime, percent)) as days:
        lived(days, 4)
        known = [length for length, learned in days.periods if learned]
        assert len(days.anchors) >= 3 and len(known) > 40
        assert max(days.shares) <= 0.01
        assert max(days.converted()) <= 0.01
        assert max(abs(length - PERIOD_S) for length in known) <= 0.01 * PERIOD_S
        assert days.asked < len(days.periods)  # not in each cycle


@pytest.mark.cpython  # days of cycles
def test_a_network_that_is_there_is_asked_four_times_a_day(tmp_path: Path, runtime: str) -> None:
    with closing(Days(tmp_path / "flash", 3, runtime)) as days:
        for _ in range(48):
            days.cycle(True)
        assert days.asked <= 2 + 4
        nvs: Any = days.bare.service("nvs")
        assert nvs.written <= 1 + 4  # the number of the epoch, and the rate


@pytest.mark.parametrize("percent", (-3, 0.01, 3))
def test_an_epoch_without_two_good_times_has_the_rate_of_the_one_before(
    tmp_path: Path, runtime: str, percent: float
) -> None:
    """A node that sends each 12th measurement hears the second time six hours after the first."""
    with closing(Days(tmp_path / "flash", 5, runtime, percent)) as days:
        for count in range(13):
            days.cycle(count % 12 == 0)
        assert len(days.anchors) == 2
        assert (max(days.shares) > 0.02) == (abs(percent) == 3)  # the rate was unknown
        assert max(days.converted()) <= 0.003  # once the end of the interval is known
        days.lose_power()
        for count in range(36):
            days.cycle(count == 24, 2 * HOUR_S)
        assert max(days.aged + days.shares + days.converted()) <= 0.01
        assert max(abs(length - 2 * HOUR_S) for length, _ in days.periods) <= 72
