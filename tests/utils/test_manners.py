"""utils.manners: place and back-off on a board that sleeps, is reset and loses its power."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.board.board import (
    BROWN_OUT_RESET,
    DEEPSLEEP_RESET,
    HARD_RESET,
    PWRON_RESET,
    SOFT_RESET,
    WDT_RESET,
)
from tests.device import Bare, restore

pytestmark = pytest.mark.both_runtimes(every=2)

# One cycle of a node: with(outcome) "delivered", a cause, or None for a reset in the middle
CYCLE = """
import machine, pycom
from utils import manners, store, timing
class Config:
    _HOST = {host!r}
mine = manners.Manners(Config, {{
    "_PERIOD_S": 900, "_MAX_ATTACHES_PER_HOUR": 10, "_MAX_ATTACHES_PER_DAY": 96
}})
store.next_sequence()
may = mine.may_connect()
if may:
    mine.attempts().begin({counts})
    timing.sleep_ms({awake_ms})
    if {outcome!r} == "delivered":
        mine.attempts().delivered()
    elif {outcome!r}:
        mine.attempts().failed({outcome!r}, {kind!r})
    else:
        machine.reset()
print("may", may, mine.reason)
machine.deepsleep(mine.sleep_ms())
"""


class Node:
    def __init__(self, board: Bare) -> None:
        restore(board.flash, ("utils",))
        self.board = board
        self.settings: dict[str, Any] = {
            "host": "192.0.2.1",
            "counts": True,
            "awake_ms": 5000,
            "kind": "temporary",
        }
        self.slept_ms = 0  # as asked for
        self.most_sleep_ms = 1 << 40
        self.attempts: list[int] = []  # in s of virtual time

    @property
    def now_s(self) -> int:
        return self.board.board.clock.now_us // 1_000_000

    def cycle(self, outcome: str | None, cause: int = DEEPSLEEP_RESET, **settings: Any) -> str:
        """Start with this cause, and sleep; returns why the radio was not used, or "none"."""
        board = self.board
        board.put("main.py", CYCLE.format(outcome=outcome, **{**self.settings, **settings}))
        begun_s = self.now_s
        output = board.restart(cause)
        halt: Any = board.outcome.halt
        assert board.outcome.error is None, board.outcome.error
        self.slept_ms = getattr(halt, "duration_ms", 0)
        board.board.clock.advance(min(self.slept_ms, self.most_sleep_ms) * 1000)
        lines = [line for line in output.splitlines() if line.startswith("may")]
        reason = lines[0].split()[2] if lines else "none"
        if reason == "none":
            self.attempts.append(begun_s)
        return reason

    def cycles(self, count: int, outcome: str | None = "no_cell", **settings: Any) -> list[int]:
        """Minutes of virtual time at which the radio was used."""
        first = len(self.attempts)
        for _ in range(count):
            self.cycle(outcome, **settings)
        return [round(at_s / 60) for at_s in self.attempts[first:]]

    def kept(self) -> str:
        return str(self.board.service("nvs").do_get("back_off")[0])


@pytest.fixture
def node(make_bare, runtime) -> Node:
    return Node(make_bare(runtime=runtime, seed=3))


def test_a_new_node_reports_at_once_and_then_at_its_place(node):
    """Not sooner than a period after the first report; each cycle has a fresh part."""
    assert node.cycle("delivered", PWRON_RESET) == "none"
    woken = []
    for _ in range(5):
        woken.append(node.now_s)
        assert node.cycle("delivered") == "none"
    assert 900 <= woken[0] <= 1845
    places = [at_s % 900 for at_s in woken]
    assert max(places) - min(places) <= 46
    assert len(set(places)) > 1


# Who resets it, and whether a node that has reported before waits
STARTS = [
    (PWRON_RESET, True), (BROWN_OUT_RESET, True), (HARD_RESET, False), (SOFT_RESET, False),
    (WDT_RESET, False), (DEEPSLEEP_RESET, False),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "waits"), STARTS)
def test_power_that_returns_spreads_the_first_use_of_the_radio(node, cause, waits):
    node.cycle("delivered", PWRON_RESET)
    reason = node.cycle("delivered", cause)
    assert reason == ("spread" if waits else "none")
    if waits:
        assert node.slept_ms <= 600_000
        assert node.cycle("delivered") == "none"
        assert node.slept_ms >= 894_000  # not sooner than a period, 5 s of it awake


@pytest.mark.cpython  # many cycles
def test_waits_hold_over_sleep_and_measuring_goes_on(node):
    node.cycle("no_cell", PWRON_RESET)
    found = node.cycles(100)
    gaps = [after - before for before, after in zip([0, *found], found, strict=False)]
    assert len(found) in (7, 8, 9)
    assert gaps == sorted(gaps[:6]) + gaps[6:]
    assert all(270 <= gap <= 466 for gap in gaps[6:])


@pytest.mark.both_runtimes(every=5)  # many cycles
@pytest.mark.parametrize(
    "cause", [PWRON_RESET, BROWN_OUT_RESET, HARD_RESET, WDT_RESET, SOFT_RESET]
)
def test_no_reset_shortens_a_wait(node, cause):
    node.cycle("no_cell", PWRON_RESET)
    node.cycles(40)
    tried_s = node.attempts[-1]
    for number in range(1, 8):
        count = len(node.attempts)
        node.cycle("no_cell", cause if number % 2 else DEEPSLEEP_RESET)
        assert len(node.attempts) == count or node.now_s - tried_s > 270 * 60


@pytest.mark.cpython  # many cycles
def test_a_power_cut_costs_at_most_half_an_hour_of_a_wait(node):
    """Power is there for 45 minutes at a time: the node gets to its next attempt all the same."""
    node.cycle("no_cell", PWRON_RESET)
    node.cycles(40)
    count = len(node.attempts)
    for _ in range(40):
        node.cycle("no_cell", PWRON_RESET)
        node.cycle("no_cell")
        node.cycle("no_cell")
        if len(node.attempts) > count:
            break
    assert len(node.attempts) == count + 1


def test_time_without_power_is_no_time(node):
    node.cycle("no_cell", PWRON_RESET, kind="permanent")
    for _ in range(5):
        node.board.board.clock.advance(86_400_000_000)
        node.cycle("no_cell", PWRON_RESET)
    assert len(node.attempts) == 1


def test_setting_the_clock_changes_neither_place_nor_wait(node):
    node.cycle("delivered", PWRON_RESET)
    node.cycle("delivered")
    due_s = node.now_s
    rtc = node.board.service("rtc")
    for number, jump_s in enumerate((86400 * 365, -3600, 1_700_000_000)):
        rtc.set_wall_us(rtc.wall_us() + jump_s * 1_000_000)
        assert node.cycle("delivered") == "none"
        assert abs(node.now_s - due_s - 900 * (number + 1)) <= 46


def test_a_sleep_that_somebody_ends_early_counts_as_long_as_it_was(node):
    node.cycle("no_cell", PWRON_RESET, kind="permanent")
    node.most_sleep_ms = 10_000
    for _ in range(30):  # a wait of at least 45 minutes
        node.cycle("no_cell")
    assert len(node.attempts) == 1


def test_a_delivered_report_ends_the_row(node):
    node.cycle("no_cell", PWRON_RESET)
    node.cycles(12)
    while node.cycle("delivered") != "none":
        pass
    assert node.cycles(3, "delivered")[-1] - round(node.attempts[-3] / 60) == 30


def test_another_configuration_is_tried_at_once(node):
    node.cycle("sim_missing", PWRON_RESET, kind="permanent")
    assert node.cycle("sim_missing") == "back_off"
    assert node.cycle("sim_missing", HARD_RESET, host="192.0.2.2") == "none"


def test_ceilings_hold_over_resets_in_the_middle_of_an_attempt(node):
    for _ in range(16):
        node.cycle(None, HARD_RESET)
    assert len(node.attempts) == 10
    assert node.cycle("delivered", HARD_RESET) == "back_off"


def test_without_ceilings_nothing_is_written_as_long_as_reports_arrive(node):
    for _ in range(20):
        node.cycle("delivered", counts=False)
    assert len(node.attempts) == 20
    assert node.board.service("nvs").do_get("back_off") == []


DAMAGED = ["", "1 no_cell", "nonsense", 5]


@pytest.mark.parametrize("value", DAMAGED)
def test_damage_delays_one_report_and_is_repaired(node, value):
    node.cycle("delivered", PWRON_RESET)
    node.board.service("nvs").put("back_off", value)
    reason = node.cycle("delivered", HARD_RESET)
    assert reason == ("none" if value == "" else "back_off")
    assert node.cycle("delivered") == "none"
    assert node.kept().startswith("1 none 0 0 ")


def test_a_technician_ends_the_wait_with_one_command(node):
    node.cycle("no_cell", PWRON_RESET, kind="permanent")
    assert 'pycom.nvs_erase("back_off")' in node.board.output
    node.board.put("main.py", 'import pycom\npycom.nvs_erase("back_off")\n')
    node.board.restart(HARD_RESET)
    assert node.cycle("delivered", HARD_RESET) == "none"
