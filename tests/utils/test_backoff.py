"""utils.backoff: how long a node waits after which failure, and what ends the wait."""

from __future__ import annotations

import random

import pytest

from tests.device import restore
from utils import backoff

MINUTE = 60


class Trial:
    """A node whose state is read anew for each attempt, as after a sleep or a power cut."""

    def __init__(self, limits=(60, 1440), checksum=7, random=lambda n: n // 2) -> None:
        self.limits = limits
        self.checksum = checksum
        self.random = random
        self.kept = ""
        self.now_s = 0

    def state(self) -> backoff.Backoff:
        return backoff.Backoff(self.kept, self.now_s, self.limits, self.checksum, self.random)

    def keep(self, state: backoff.Backoff) -> None:
        self.kept = state.text(self.now_s)
        assert len(self.kept) <= 260
        assert "\\" not in self.kept and '"' not in self.kept

    def wait_s(self) -> int:
        return self.state().wait_s(self.now_s)

    def attempt(self, cause: str = "no_cell", kind: str = backoff.TEMPORARY) -> None:
        """Wait as long as needed, then fail."""
        self.now_s += self.wait_s()
        state = self.state()
        state.begin(self.now_s)
        state.failed(self.now_s, cause, kind)
        self.keep(state)

    def waits(self, count: int, **how: str) -> list[int]:
        found = []
        for _ in range(count):
            self.attempt(**how)
            found.append(round(self.wait_s() / MINUTE))
        return found


# Minutes after each failure in a row, with a jitter in the middle of its range. Where a delay is
# never shortened the range is 0 to +25 %.
SCHEDULES = [
    (backoff.TEMPORARY, [10, 20, 40, 80, 160, 360, 360]),
    (backoff.CONGESTION, [34, 34, 40, 80, 160, 360, 360]),
    (backoff.PERMANENT, [60, 1620, 1620]),
    (backoff.CONFIGURATION, [1620, 1620]),
    ("a class of a later version", [10, 20, 40]),
]


@pytest.mark.parametrize(("kind", "minutes"), SCHEDULES)
def test_waits_grow_with_each_failure_in_a_row(kind, minutes):
    assert Trial().waits(len(minutes), kind=kind) == minutes


@pytest.mark.parametrize(
    ("kind", "least_min", "most_min"),
    [
        (backoff.TEMPORARY, 7.5, 12.5),
        (backoff.CONGESTION, 30, 37.5),
        (backoff.PERMANENT, 45, 75),
        (backoff.CONFIGURATION, 1440, 1800),
    ],
)
def test_waits_vary_by_a_quarter_so_that_nodes_do_not_return_together(kind, least_min, most_min):
    found = []
    for seed in range(300):
        trial = Trial(random=random.Random(seed).randrange)
        trial.attempt(kind=kind)
        found.append(trial.wait_s() / MINUTE)
    assert least_min <= min(found) < least_min + 0.05 * most_min
    assert 0.95 * most_min < max(found) <= most_min


def test_a_denied_sim_is_tried_once_a_day_whatever_failed_before():
    trial = Trial()
    trial.waits(6)
    assert trial.waits(2, kind=backoff.PERMANENT) == [60, 1620]
    assert trial.waits(1) == [360]
    assert trial.waits(1, kind=backoff.PERMANENT) == [1620]


def test_a_delivered_report_ends_the_row():
    trial = Trial()
    trial.waits(5)
    state = trial.state()
    assert state.delivered()
    assert not state.delivered()
    trial.keep(state)
    assert trial.wait_s() == 0
    assert trial.waits(2) == [10, 20]


def test_an_attempt_that_ends_without_a_word_is_no_failure_but_counts():
    """A reset in the middle of it: nothing was written after begin()."""
    trial = Trial(limits=(3, 96))
    for _ in range(3):
        assert trial.wait_s() == 0
        state = trial.state()
        state.begin(trial.now_s)
        trial.keep(state)
    assert trial.wait_s() >= 3600


def test_another_configuration_is_tried_at_once_and_the_ceilings_hold():
    trial = Trial(limits=(3, 96))
    trial.waits(3, kind=backoff.CONFIGURATION)
    assert trial.wait_s() > 86400
    trial.checksum += 1
    assert trial.wait_s() == 0
    for _ in range(3):
        state = trial.state()
        state.begin(trial.now_s)
        state.failed(trial.now_s, "no_cell")
        trial.keep(state)
    trial.checksum += 1
    assert trial.wait_s() >= 3600


def test_each_fourth_attempt_in_a_row_takes_its_whole_time():
    trial = Trial()
    found = []
    for _ in range(8):
        found.append(trial.state().is_hasty())
        trial.attempt()
    assert found == [False, True, True, True, False, True, True, True]


DAMAGED = [
    ("cut", lambda text: text[:-3]),
    ("one digit", lambda text: text.replace("no_cell 1", "no_cell 9")),
    ("another version", lambda text: "2" + text[1:]),
    ("nonsense", lambda text: "1 2 3"),
    ("blank", lambda text: " "),
    ("a number", lambda text: 17),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGED, ids=[name for name, _ in DAMAGED])
def test_a_damaged_text_is_taken_for_one_failure(name, damage):
    trial = Trial()
    trial.attempt()
    trial.now_s = 0
    trial.kept = damage(trial.kept)
    assert trial.wait_s() == 10 * MINUTE
    trial.keep(trial.state())
    assert trial.wait_s() == 10 * MINUTE


def test_progress_of_a_wait_is_noted_each_half_hour_of_node_time():
    trial = Trial()
    trial.waits(6)
    notes = []
    for run_min in range(15, 375, 15):  # power returned just now
        trial.now_s += 15 * MINUTE
        state = trial.state()
        if state.is_noting(trial.now_s, run_min * MINUTE):
            trial.keep(state)
            notes.append(run_min)
    assert notes == [15, 30, 45, 60, *range(90, 360, 30)]


SERIES = """
from utils import backoff
told, text, now_s = [], "", 0
for cause, kind in {causes!r}:
    state = backoff.Backoff(text, now_s, (10, 96), 7, lambda n: n // 2)
    now_s += state.wait_s(now_s)
    state.begin(now_s)
    state.failed(now_s, cause, kind)
    text = state.text(now_s)
    told.append(text)
"""


@pytest.mark.both_runtimes
def test_both_runtimes_keep_the_same_text(make_bare, runtime):
    causes = [("no_cell", "temporary"), ("sim", "permanent"), ("busy", "congestion")] * 4
    program = SERIES.format(causes=causes)
    here: dict[str, list[str]] = {}
    exec(program, here)
    board = make_bare(runtime=runtime)
    restore(board.flash, ("utils",))
    assert board.run(program + "\nprint(*told, sep='\\n')").splitlines() == here["told"]


# ceilings


def most_in(times: list[int], width_s: int) -> int:
    return max(sum(1 for other in times if time <= other < time + width_s) for time in times)


@pytest.mark.parametrize(("limits", "pause_s"), [((10, 96), 30), ((1, 5), 400), ((60, 1440), 50)])
def test_ceilings_hold_in_any_hour_and_day_over_resets(limits, pause_s):
    """A reset before each attempt; each delivers, so that no back-off delays the next one."""
    trial = Trial(limits=limits)
    times = []
    while trial.now_s < 2.2 * 86400:
        wait_s = trial.wait_s()
        if wait_s:
            trial.now_s += wait_s
            assert trial.wait_s() == 0  # the console tells the truth
        state = trial.state()
        state.begin(trial.now_s)
        trial.keep(state)
        times.append(trial.now_s)
        trial.now_s += pause_s
    assert most_in(times, 3600) <= limits[0]
    assert most_in(times, 86400) <= limits[1]


@pytest.mark.parametrize("seed", range(5))
def test_the_period_of_the_template_never_meets_the_ceilings(seed):
    """96 periods a day, as many as _MAX_ATTACHES_PER_DAY; each varies by its fresh part."""
    source = random.Random(seed)
    trial = Trial(limits=(10, 96))
    for cycle in range(4 * 96):
        trial.now_s = 555 + cycle * 900 + source.randrange(45)
        state = trial.state()
        assert state.wait_s(trial.now_s) == 0, cycle
        state.begin(trial.now_s)
        trial.keep(state)
