"""./dev soak: the proofs hold, a fault that is planted is found, and its command repeats it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.cli import main
from devkit.soak import NAMES
from tests.published import link_bytecode, publish

MORE = {"outages": ("--days", "0.2")}


def soak(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    status = main(["soak", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_no_rule_is_broken(capsys):
    """Of the others the documents have a command, which tests/test_docs.py runs."""
    seed, runs = "4999", "20"
    status, told = soak(capsys, "powercuts", "--seed", seed, "--runs", runs)
    expected = {"ok": True, "name": "powercuts", "runs": int(runs), "seed": int(seed)}
    assert told == {**expected, "violations": []}
    assert status == 0


def leave_the_radio_on(folder: Path) -> str:
    file = folder / "node.py"
    function = r"(    def deactivate\(self\):\n(?: +\"\"\".*?\"\"\"\n))"
    planted = r"\1        return True\n"
    text, count = re.subn(function, planted, file.read_text("utf-8"), flags=re.S)
    assert count == 1
    file.write_text(text, encoding="utf-8")
    return "radio"


def guarantee_nothing(folder: Path) -> str:
    """boot.py does nothing, main.py nothing but the last step."""
    (folder / "boot.py").write_text("")
    (folder / "main.py").write_text("import node\nnode.Node().sleep()\n")
    return "sleeps"


def keep_nothing_at_once(folder: Path) -> str:
    """The journal has everything in RTC memory, which a cut clears."""
    file = folder / "utils" / "journal.py"
    text = file.read_text("utf-8")
    assert 'keep == "flash"' in text
    file.write_text(text.replace('keep == "flash"', "False"), encoding="utf-8")
    return "lost"


def take_silence_for_delivery(folder: Path) -> str:
    """A measurement to which no answer came leaves the journal."""
    file = folder / "protocols" / "drain.py"
    text = file.read_text("utf-8")
    assert text.count("if outcome == DELIVERED:") == 1
    file.write_text(text.replace("if outcome == DELIVERED:", "if True:"), encoding="utf-8")
    return "lost"


# What plants a fault in a copy of the project; returns the rule that is broken
PLANTED = {
    "faults": leave_the_radio_on,
    "files": guarantee_nothing,
    "outages": take_silence_for_delivery,
    "powercuts": keep_nothing_at_once,
}
# Seed of a run that finds nothing, and the next that does; the first of "outages" finds it
PLANTED_RUNS = {
    "faults": ("7", "2"),
    "files": ("49", "2"),
    "outages": ("16", "1"),
    "powercuts": ("5003", "2"),
}
# The command, and then what it gives to repeat its first violation
TWICE = """
import contextlib, io, json, sys
from devkit.cli import main
rule, *words = sys.argv[1:]
told = []
for _ in range(2):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        status = main(words)
    told.append((status, json.loads(out.getvalue())))
    first = next(one for one in told[0][1]["violations"] if one["rule"] == rule)
    words = first["repeat"].split()[1:] + ["--json"]
print(json.dumps(told))
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_fault_is_found_and_repeated(tmp_path: Path, name: str) -> None:
    publish(tmp_path, lambda file: not file.startswith(("tests/", "docs/")))
    link_bytecode(tmp_path)
    rule = PLANTED[name](tmp_path)

    (seed, runs), more = PLANTED_RUNS[name], MORE.get(name, ())
    words = ["soak", name, "--seed", seed, "--runs", runs, *more, "--json"]
    done = subprocess.run(
        [sys.executable, "-c", TWICE, rule, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    (status, told), (again_status, again) = json.loads(done.stdout)
    assert (status, again_status) == (1, 1)
    assert not told["ok"]
    first = next(one for one in told["violations"] if one["rule"] == rule)
    repeat = ["./dev", "soak", name, "--runs", "1", "--seed", str(first["seed"]), *more]
    assert first["repeat"] == " ".join(repeat)
    assert first in again["violations"]


def test_shares_are_all_runs_together(monkeypatch, capsys):
    seen: list[int] = []
    monkeypatch.setattr("devkit.soak.files.violations", lambda rig, seed: seen.append(seed) or [])
    for share in ("1/3", "2/3", "3/3"):
        status, told = soak(capsys, "files", "--seed", "7", "--runs", "8", "--share", share)
        assert status == 0
    assert sorted(seen) == list(range(7, 15))
    assert (told["runs"], told["seed"]) == (2, 7)


@pytest.mark.parametrize("share", ["0/2", "3/2", "1", "x/y", "1/0"])
def test_a_wrong_share_is_refused(capsys, share):
    with pytest.raises(SystemExit, match="2"):
        main(["soak", "files", "--share", share])
    assert "is not I/N with I from 1 to N" in capsys.readouterr().err
