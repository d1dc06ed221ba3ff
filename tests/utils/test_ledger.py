"""utils/ledger.py: a battery that falls faster than the node explains is suspect."""

from __future__ import annotations

import pytest

from tests.device import Node

DAY_S = 86_400
PHASES = [["measure", 0, 100], ["send", 0, 1000]]  # 2,500 ms awake: 0.725 J a cycle
RUN = """
from utils import ledger
state, told = None, []
for now_s, supply_mv in given():
    state, suspect = ledger.note(state, now_s, supply_mv, PHASES, 2500)
    told.append(suspect)
show(told)
""".replace("PHASES", repr(PHASES))


def days(count: int, mv_a_day: float, first_mv: int = 4000, cycles: int = 8) -> list[list[int]]:
    """Readings of some days, a few each day."""
    every_s = DAY_S // cycles
    return [
        [n * every_s, round(first_mv - mv_a_day * n / cycles)] for n in range(count * cycles + 1)
    ]


@pytest.mark.both_runtimes(every=2)
@pytest.mark.parametrize(
    ("readings", "suspect"),
    [
        (days(8, 10), False),  # its own work, and some more
        (days(8, 180), True),  # 8 mA of a cell of 1000 mAh
        (days(8, 45), True),  # the same of one four times as large
        ([*days(1, 90)[:8], [DAY_S, 3902]], False),  # a cold night
        ([[0, 3700], [DAY_S // 2, 4100], [DAY_S, 4090], [2 * DAY_S, 4050]], False),  # charged
        ([[0, None], [DAY_S, 4000], [DAY_S + 900, 3000]], False),  # not known for a day
        ([[2 * DAY_S, 4000], [900, 3000], [DAY_S, 2990]], False),  # the node's time began anew
    ],
)
def test_a_battery_is_suspect_that_falls_faster_than_the_node_explains(
    node: Node, readings: list[list[int]], suspect: bool
) -> None:
    node.give(readings)
    [told] = node.ask(RUN)
    assert any(told) == suspect
    assert not any(told[: sum(now_s < DAY_S for now_s, _ in readings)])


@pytest.mark.parametrize("state", ["None", "7", "[1]", "[0, 4000, 0, 0, -1]", "[0, 'x', 0, 0, 0]"])
def test_a_damaged_state_begins_anew(node: Node, state: str) -> None:
    [told] = node.ask(f"from utils import ledger\nshow(ledger.note({state}, 5, 4000, (), 0))")
    assert told == [[5, 4000, 0, 0, 0], False]
