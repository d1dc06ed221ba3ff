"""What was accepted has left the radio when it goes off, and no node says more than is true."""

from __future__ import annotations

import pytest

from tests import leaving
from tests.leaving import CASES, Case, World

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nearly_everything_has_left_when_the_radio_goes_off(case: Case) -> None:
    """The shares are those of 100 seeds: `.venv/bin/python -m tests.leaving`."""
    runs = [leaving.run(case, seed) for seed in SEEDS]
    assert all(run.off for run in runs)
    assert sum(run.on_air >= run.accepted == case.datagrams for run in runs) >= len(SEEDS) - 1


def each_scenario_once() -> list[World]:
    """Of the protocols each scenario has one, in turn."""
    found: dict[tuple[str, str], list[World]] = {}
    for world in leaving.worlds():
        found.setdefault((world.bearer, world.scenario), []).append(world)
    return [each[number % len(each)] for number, each in enumerate(found.values())]


@pytest.mark.parametrize("world", each_scenario_once(), ids=" ".join)
def test_a_node_claims_no_more_than_was_on_air(world: World) -> None:
    served = world.scenario in ("good", "edge")
    [cycle] = leaving.node(world, seed=1, cycles=1, serve=served, is_new=False)
    assert (cycle.left or 0) <= cycle.on_air
    assert cycle.on_air + cycle.lost_in_modem == len(cycle.sent)
    if cycle.confirmed:
        assert cycle.left is not None and cycle.left >= cycle.confirmed


@pytest.mark.parametrize("bearer", ("wifi", "lora"))
def test_bearers_that_tell_say_that_it_left(bearer: str) -> None:
    [cycle] = leaving.node(World(bearer, "udp", "good"), seed=1, cycles=1, serve=False)
    assert cycle.left == cycle.accepted == 1


def test_nbiot_does_not_know_what_became_of_a_datagram_without_an_answer() -> None:
    [cycle] = leaving.node(World("nbiot", "udp", "good"), seed=1, cycles=1, serve=False)
    assert (cycle.left, cycle.on_air, cycle.accepted) == (None, 1, 1)
