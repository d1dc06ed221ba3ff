"""`./dev demo --update`: a release reaches a node, and a bad one does not stay."""

from __future__ import annotations

import json

import pytest

from devkit import cli
from devkit.release import story

pytestmark = pytest.mark.long


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict, str]:
    status = cli.main(["demo", "--update", "--json", *arguments])
    out, err = capsys.readouterr()
    return status, json.loads(out), err


def releases(table: dict) -> list[int]:
    """Of the cycles, each once in a row."""
    found = [cycle["release"] for cycle in table["cycles"]]
    return [each for at, each in enumerate(found) if not at or found[at - 1] != each]


@pytest.mark.parametrize(
    "arguments",
    [(), ("--bearer", "wifi"), pytest.param(("--vm",), marks=pytest.mark.vm)],
    ids=["nbiot", "wifi", "vm"],
)
def test_the_whole_story(arguments: tuple[str, ...], capsys) -> None:
    status, table, log = told(capsys, *arguments)
    assert (status, table["ok"]) == (0, True), log
    update = table["update"]
    assert {name: update[name] for name in update if "bytes" not in name} == {
        "from": 1, "to": 2, "download_cycles": 2, "confirmed": True,
        "bad_release": 3, "rolled_back": True, "cause": "crashed", "running": 2,
    }  # fmt: skip
    assert update["payload_bytes"] < update["air_bytes"] <= 1.2 * update["payload_bytes"]
    assert releases(table) == [1, 2, 3, 2]
    first, last = table["cycles"][0], table["cycles"][-1]
    assert first["confirmed"] == last["confirmed"] == 1, "the old set reports, and so does the new"
    tries = [cycle for cycle in table["cycles"] if cycle["release"] == 3]
    assert len(tries) == 3 and not any(cycle["confirmed"] for cycle in tries)
    assert "release 2 confirmed" in log and "ValueError: release 3" in log
    good, bad = log.splitlines()[-2:]
    assert good == (
        f"Release 2 after release 1: {update['payload_bytes']} bytes of payload,"
        f" {update['air_bytes']} on air, in 2 cycles; confirmed"
    )
    assert bad == "Release 3: rolled back, cause crashed; release 2 runs"
    outcomes = [
        line.split()[3] for line in log.splitlines() if line.split()[1:3] == ["3", "deepsleep"]
    ]
    assert outcomes == ["crashed"] * 3
    assert all({"link", "start"} <= set(cycle) for cycle in table["cycles"])


def test_a_bad_release_that_stays_is_noticed(capsys, monkeypatch) -> None:
    monkeypatch.setattr(story, "BAD_LINE", "RELEASED = 3\n")
    monkeypatch.setattr(story, "_CYCLES", 5)
    status, table, log = told(capsys)
    assert (status, table["ok"]) == (1, False)
    assert table["update"]["running"] == 3 and not table["update"]["rolled_back"]
    assert log.splitlines()[-1].startswith("./dev demo: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cycles", "2"], "--cycles with --update, which takes as many as it needs; allowed:"),
        (["--plot", "a.png"], "--plot with --update; allowed: one of the two"),
        (["--protocol", "mqtt"], "--protocol mqtt with --update; allowed: coap"),
        (["--bearer", "lora"], "_BEARER = 'lora'; allowed for updates: 'coap', and a bearer that"),
    ],
)
def test_what_has_no_updates_is_wrong_usage(
    arguments, said, capsys, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo", "--update", *arguments]) == 2
    assert said in capsys.readouterr().err
