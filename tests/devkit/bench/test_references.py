"""No row is beside a reference that ours can beat: it has the same world and the same success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from devkit.bench import measure, runs
from devkit.bench.cases import CASES, LINKS, Case
from devkit.bench.floor import Task
from devkit.bench.limit_nbiot import Limit
from devkit.bench.runs import Conditions
from emulator.driver.profile import DEFAULT

# interfaces that people outside rely on, by names that stay
KEYS = """scenario bearer protocol awake_ms floor_awake_ms awake_ratio radio_on_ms at_exchanges
uart_bytes air_bytes payload_bytes overhead_bytes energy_mj floor_energy_mj energy_ratio
floor_radio_on_ms floor_at_exchanges radio_on_worst_ms time_on_air_ms delivered confirmed
link start coverage send_every seeds sent reference beaten_seeds""".split()


def conditions(seed: int, seeds: int = 1) -> Conditions:
    return Conditions(seed, DEFAULT, "mpy", seeds)


def by_link(link: str, start: str, coverage: str, protocol: str, lead: int = 2) -> Case:
    """A row by link; behind fewer cycles, which is faster."""
    wanted = (link, start, coverage, protocol)
    found = (
        case for case in LINKS if wanted == (case.link, case.start, case.coverage, case.protocol)
    )
    return replace(next(found), lead=lead)


@pytest.mark.parametrize(
    ("case", "seed", "reference"),
    [
        (CASES[3], 5, "lte floor"),  # the datagram leaves while data state ends
        (CASES[4], 1, "lte floor"),  # backs off
        (CASES[6], 5, "lte floor"),  # gives up before the configured time
        (by_link("lte", "cold", "edge", "coap"), 1, "lte floor"),  # sends twice
        (by_link("lte", "cold", "edge", "udp"), 1, "lte floor"),  # loses a datagram in the modem
        (by_link("uart", "cold", "good", "mqtt", 1), 2, "limit"),
        (by_link("uart", "resumed", "fair", "coap"), 3, "limit"),
        (by_link("uart", "resumed_rai", "good", "coap"), 3, "limit"),
        (by_link("uart", "psm_denied", "good", "coap"), 1, "limit"),
        (by_link("uart", "lost", "good", "udp"), 1, "limit"),
        (next(case for case in CASES if case.bearer == "wifi"), 2, "limit"),
        (next(case for case in CASES if case.bearer == "lora"), 2, "limit"),
    ],
    ids=lambda value: value.name if isinstance(value, Case) else str(value),
)  # fmt: skip
def test_ours_takes_no_less_than_the_reference(case: Case, seed: int, reference: str) -> None:
    row = measure.row(case, conditions(seed))
    assert (row["reference"], row["beaten_seeds"], row["seeds"]) == (reference, 0, 1)
    assert row["limit_awake_ms"] <= row["floor_awake_ms"] <= row["awake_ms"]
    assert row["limit_energy_mj"] <= row["floor_energy_mj"] <= row["energy_mj"]
    assert row["sent"] == row["delivered"] + row["lost_on_air"]


def test_a_reference_that_wastes_time_is_seen_to_be_beaten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once = Limit.run

    def slowly(limit: Limit) -> None:
        limit.board.spend_us(10_000_000)
        once(limit)

    monkeypatch.setattr(Limit, "run", slowly)
    assert (
        measure.row(by_link("uart", "cold", "good", "coap", 1), conditions(1))["beaten_seeds"] == 1
    )


def test_a_row_has_all_names_of_the_json_shape() -> None:
    row = measure.row(CASES[4], conditions(1, 2))
    assert [key for key in KEYS if key not in row] == []
    assert (row["link"], row["start"], row["coverage"], row["send_every"]) == (
        "lte",
        "cold",
        "good",
        1,
    )


def test_a_cycle_that_resumes_does_not_attach_nor_does_its_reference_detach() -> None:
    [run] = runs.measured(by_link("uart", "resumed", "good", "coap"), conditions(1), [1])
    limit = run.references["limit"]
    assert (run.ours.attaches, limit.attaches) == (0, 0)
    assert limit.cycles[0].delivered == run.ours.cycles[0].delivered == 1
    assert limit.cycles[0].at_exchanges == 3  # SENDEXT, its payload, RECV
    assert limit.cycles[0].radio_on_ms > 800_000  # of a period of 15 min


def test_both_have_the_same_boot_the_same_attach_and_the_same_end() -> None:
    [run] = runs.measured(by_link("uart", "cold", "good", "udp", 1), conditions(2), [2])
    limit = run.references["limit"]
    assert limit.attaches == run.ours.attaches == 1
    assert limit.cycles[0].phases[0] == run.ours.cycles[0].phases[0]
    assert run.ours.end_us - 1000 <= limit.end_us <= run.ours.end_us


@pytest.mark.parametrize(
    ("payloads", "answered", "expected"),
    [
        ([b"a", b"b"], 1, [[b"a", b"b"]]),
        ([b"a", b"b"], 2, [[b"a", b"b"], [b"a", b"b"]]),  # one by one, or together
        ([b"a", b"a", b"b"], 2, [[b"a", b"b"], [b"a", b"a", b"b"], [b"a", b"b"]]),
        ([b"a", b"a"], 0, [[b"a", b"a"]]),  # never answered
    ],
)
def test_payloads_are_sent_once_or_as_often_as_by_ours_or_all_together(
    payloads: Sequence[bytes], answered: int, expected: list[list[bytes]]
) -> None:
    task = Task(payloads, "192.0.2.1", 5683, protocol="coap", answered=answered)
    ways = runs._ways([task])
    assert [list(way[0].payloads) for way in ways] == expected


def test_a_reference_that_would_begin_elsewhere_is_measured_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when a busy computer keeps an answer of the server for too long."""
    measured: list[int] = []
    once = runs._ours

    def late(*given: Any) -> runs.Counted:
        found = once(*given)
        measured.append(found.start_us)
        return found if len(measured) > 1 else replace(found, start_us=found.start_us + 1)

    monkeypatch.setattr(runs, "_ours", late)
    [run] = runs.measured(CASES[4], conditions(1), [1])
    assert len(measured) == 2 and run.ours.start_us == measured[0] == measured[1]
