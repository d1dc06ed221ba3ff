"""The cases of the bench follow from the files of bearers and protocols."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from devkit import application
from devkit.bench import cases
from devkit.bench.floor import Task


def pairs() -> list[tuple[str, str]]:
    return [(case.bearer, case.protocol) for case in cases.reports()]


def test_every_bearer_and_protocol_that_go_together_are_measured() -> None:
    assert pairs() == [
        *[("nbiot", protocol) for protocol in ("udp", "coap", "mqtt")],
        *[("wifi", protocol) for protocol in ("udp", "coap", "mqtt")],
        ("lora", "udp"),
        ("lora", "udp"),  # confirmed
    ]


def test_a_new_protocol_is_measured_over_what_carries_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = pairs()
    monkeypatch.setattr(application, "protocols", lambda: ["udp", "coap", "mqtt", "smoke"])
    known = application.transport
    monkeypatch.setattr(
        application, "transport", lambda name: "stream" if name == "smoke" else known(name)
    )
    assert set(pairs()) - set(before) == {("nbiot", "smoke"), ("wifi", "smoke")}
    task = Task([b"x"], "192.0.2.1", 5683, protocol="smoke")
    assert task.stream and not task.confirms


def test_a_new_bearer_is_measured_once_it_has_a_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pairs()
    monkeypatch.setattr(application, "bearers", lambda: ["nbiot", "lora", "pigeon", "wifi"])
    assert pairs() == before
    for name in ("nbiot", "lora", "pigeon", "wifi"):
        (tmp_path / f"floor_{name}.py").touch()
    monkeypatch.setattr(cases, "HERE", tmp_path)
    pigeon = SimpleNamespace(KINDS=("message",), REPORTS={"report": {}, "report, twice": {}})
    monkeypatch.setitem(sys.modules, "devkit.bench.floor_pigeon", pigeon)
    assert [pair for pair in pairs() if pair not in before] == [("pigeon", "udp")] * 2
