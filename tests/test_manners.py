"""The whole node among others: when it uses the radio, and what the firmware starts for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.board.board import BROWN_OUT_RESET, HARD_RESET, PWRON_RESET
from emulator.cycle import Cycle
from tests.test_application import BY_LTE, LOSSLESS, SAFE, Node, make_node

__all__ = ["make_node"]
pytestmark = pytest.mark.both_runtimes(every=3)

MakeNode = Callable[..., Node]
LINKED = ("attached", "connected")  # the latter where much waits
MODEM = "lte_modem_en_on_boot"
HOUR_US = 3_600_000_000
# The cells of a night: none for eight hours
NIGHT = {
    "radio": {**LOSSLESS, "in_coverage": False},
    "fault": [{"point": "time", "at_ms": 8 * 3_600_000, "do": "regain_coverage"}],
}


def go_on(node: Node, cycles: int, cause: int | None = None) -> list[Cycle]:
    """More cycles of this board; with a cause, which starts the first of them."""
    emulator = node.device.emulator
    del node.device.printed[:]
    started = emulator.next_cause if cause is None else cause
    assert started is not None
    return emulator.run(cycles=cycles, cause=started)


def tried(cycles: list[Cycle]) -> list[Cycle]:
    return [cycle for cycle in cycles if cycle.cause not in ("back_off", "spread")]


@pytest.mark.cpython  # a whole night
def test_a_node_without_a_cell_tries_ever_less_often_and_then_sends_all(
    make_node: MakeNode,
) -> None:
    """The firmware starts the modem until the second failure, and again when it is over."""
    node = make_node(NIGHT, _PHASES_EVERY=0, _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=20, **BY_LTE)
    cycles = node.run(1)
    starts = [node.service_flags()[MODEM]]
    while cycles[-1].cause not in LINKED and len(cycles) < 70:
        cycles += go_on(node, 1)
        starts.append(node.service_flags()[MODEM])
    assert starts[:2] == [True, False] and starts[-1] is True
    assert sum(early != late for early, late in zip(starts, starts[1:], strict=False)) == 2
    assert cycles[-1].cause in LINKED
    assert cycles[-1].waiting == 0
    assert cycles[-1].started_us < 16 * HOUR_US
    attempts = [cycle.started_us for cycle in tried(cycles)]
    gaps = [late - early for early, late in zip(attempts, attempts[1:], strict=False)]
    assert len(attempts) <= 9
    assert gaps[-1] > 4 * gaps[1]
    waiting = [cycle for cycle in cycles if cycle.cause == "back_off"]
    assert all(cycle.radio_on_ms == 0 and cycle.at_exchanges == 0 for cycle in waiting)


# What refuses it; radio in ms at most: on the first day, on the second
FOR_GOOD = [("denied", 15_000, 5_000), ("no_sim", 0, 0), ("sim_pin", 0, 0)]


@pytest.mark.cpython  # whole days
@pytest.mark.parametrize(("scenario", "first_ms", "second_ms"), FOR_GOOD)
def test_a_sim_that_is_refused_for_good_is_tried_twice_and_then_once_a_day(
    make_node: MakeNode, scenario: str, first_ms: int, second_ms: int
) -> None:
    node = make_node(scenario, _PERIOD_S=3600)
    cycles = node.run(1)
    while cycles[-1].started_us < 47 * HOUR_US:
        cycles += go_on(node, 1)
    days = [[], []]
    for cycle in tried(cycles):
        days[cycle.started_us // (24 * HOUR_US)].append(cycle)
    assert len(days[0]) == 2
    assert len(days[1]) <= 1
    assert sum(cycle.radio_on_ms for cycle in days[0]) <= first_ms
    assert sum(cycle.radio_on_ms for cycle in days[1]) <= second_ms


@pytest.mark.parametrize("cause", [PWRON_RESET, BROWN_OUT_RESET])
def test_when_power_returns_it_measures_sleeps_and_sends_both(
    make_node: MakeNode, cause: int
) -> None:
    node = make_node(SAFE, _PHASES_EVERY=0)
    node.run(2)
    first, second, third = go_on(node, 3, cause)
    assert (first.cause, first.radio_on_ms, first.waiting) == ("spread", 0, 1)
    assert second.started_us - first.started_us < 620_000_000
    assert (second.cause, second.waiting) == ("attached", 0)
    assert third.started_us - second.started_us >= 899_000_000


def test_somebody_who_resets_it_sees_a_report_at_once(make_node: MakeNode) -> None:
    node = make_node(SAFE)
    node.run(2)
    [cycle] = go_on(node, 1, HARD_RESET)
    assert cycle.cause == "attached" and cycle.accepted


@pytest.mark.cpython  # six cycles; two_runtimes and protocols have such servers
def test_a_silent_server_is_a_failure_and_an_unconfirmed_report_is_none(
    make_node: MakeNode,
) -> None:
    node = make_node(SAFE, _PROTOCOL="coap", _COAP_ACK_TIMEOUT_SEC=1, _COAP_MAX_RETRANSMIT=0)
    node.run(3)  # this server answers nothing
    assert node.log("last server_silent: no attempt for")
    node = make_node(SAFE)
    assert [cycle.cause for cycle in node.run(3)] == ["attached"] * 3


def test_the_console_says_how_to_try_at_once(make_node: MakeNode) -> None:
    node = make_node("no_sim")
    node.run(2)
    assert node.log('pycom.nvs_erase("back_off")')
    assert node.log("1 failures, last sim_missing: no attempt for")


@pytest.mark.cpython  # six cycles; ceilings are those of utils/test_manners.py
def test_ceilings_come_from_the_configuration(make_node: MakeNode) -> None:
    node = make_node(SAFE, _PERIOD_S=60, _MAX_ATTACHES_PER_HOUR=3)
    cycles = node.run(6)
    assert [cycle.cause for cycle in cycles] == ["attached"] * 3 + ["back_off"] * 3
