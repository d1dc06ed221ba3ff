"""A backlog of forty, sent in one cycle: all that was measured arrives with its time."""

from __future__ import annotations

import re

import pytest

from devkit.bench import backlog
from devkit.bench.runs import Conditions
from emulator.emulator import Emulator


def test_every_value_and_time_of_a_backlog_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """By CoAP the sample of docs/bench.md counts them, in the same packs."""
    printed: list[str] = []
    worlds: list[Emulator] = []

    def emulator(**options: object) -> Emulator:
        worlds.append(Emulator(**options, console=printed.append))  # type: ignore[arg-type]
        return worlds[0]

    monkeypatch.setattr(backlog, "Emulator", emulator)
    cycle, received = backlog.run("udp", Conditions(1, "1.20.2.r4", "mpy"), 1)
    assert cycle.waiting == 0 and cycle.awake_ms <= 46_000 and cycle.energy_mj <= 15_000
    found = backlog.values(received)
    assert sorted(found) == sorted((n, name) for n in range(1, 41) for name in backlog.VALUES)
    said = re.findall(r"node: (\w+) = (\S+) ", "".join(printed))
    for name in backlog.VALUES:
        told = [float(text) for each, text in said if each == name][-40:]
        assert [found[n, name][0] for n in range(1, 41)] == told
    sent_s = worlds[0].utc_s()
    for (number, _), (_, time) in found.items():
        if time is None:  # measured a moment before it was sent
            assert number == 40
            continue
        # the cycle slept for its period behind what it sent
        assert time == pytest.approx(sent_s - 900 * (41 - number), abs=60 + 9 * (40 - number))
