"""./dev soak: the proofs hold, a fault that is planted is found, and its command repeats it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.cli import main
from devkit.soak import NAMES
from devkit.soak.attacks import NAMED
from devkit.soak.links import ALLOWED, board, cases
from emulator import scenario as scenarios
from emulator.device_files import ROOT
from tests.published import link_bytecode, publish

pytestmark = pytest.mark.long

FLOATING = "modem.rts_in_deepsleep = asserted"
MORE = {"outages": ("--days", "0.2")}


def soak(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    status = main(["soak", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "seed", "runs"), [("powercuts", "4999", "20"), ("updates", "20997", "6")]
)
def test_no_rule_is_broken(capsys, name, seed, runs):
    """Of the others the documents have a command, which tests/test_docs.py runs."""
    status, told = soak(capsys, name, "--seed", seed, "--runs", runs)
    expected = {"ok": True, "name": name, "runs": int(runs), "seed": int(seed)}
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
    file = folder / "utils" / "_journal_whole.py"
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


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def leave_the_modem_on(folder: Path) -> str:
    """The radio is taken for off."""
    off = folder / "networking" / "_nbiot_off.py"
    replace(off, '    command = "AT+CFUN=4"\n', '    return True\n    command = "AT+CFUN=4"\n')
    return "radio"


def hold_nothing(folder: Path) -> str:
    """RTS floats in the sleep, where a FiPy could hold it."""
    replace(folder / "networking" / "_nbiot_uart_pins.py", ".hold(held)", ".hold(False)")
    return "rests"


def overlook_the_registration(folder: Path) -> str:
    """Each attempt ends as if there were no service, which is an allowed cause at the edge."""
    search = folder / "networking" / "_nbiot_search.py"
    replace(search, "self.registration in accepted and", "self.registration == 9 and")
    return "untrue"


def blame_the_holder(folder: Path) -> str:
    """A card that asks for its PIN is told as one that is missing."""
    attach = folder / "networking" / "_nbiot_attach.py"
    replace(
        attach, "return causes.SIM_LOCKED\n    if not", "return causes.SIM_MISSING\n    if not"
    )
    return "cause"


def forget_what_waits(folder: Path) -> str:
    """The node says that everything was delivered or given up."""
    replace(folder / "node.py", '"waiting": self._waiting_now(),', '"waiting": 0,')
    return "claims"


def forget_the_rejection(folder: Path) -> str:
    """The old set runs again, and nothing notes that the release is a bad one."""
    bad = "    pycom.nvs_set(_BAD, seq | (_UNDELIVERED if tries else _CRASHED) << 18)\n"
    replace(folder / "boot_trial.py", bad, "")
    return "rejected"


def let_old_releases_in(folder: Path) -> str:
    """A node takes each release that a release key has signed, also one that it had before."""
    replace(folder / "ota" / "_manifest.py", "if manifest.seq <= floor:", "if False:")
    return "refused"


def acknowledge_before_the_commit(folder: Path) -> str:
    """Each report is acknowledged when it is decoded, and commits are rare."""
    replace(
        folder / "collector" / "intake" / "decode_queue.py",
        "        stored = functools.partial(self._stored, message)\n",
        "        message.tell(STORED)\n        message.done = None\n"
        "        stored = functools.partial(self._stored, message)\n",
    )
    replace(folder / "collector" / "storage" / "store.py", "COMMIT_S = 0.015", "COMMIT_S = 0.5")
    return "lost"


def attack(name: str) -> str:
    """The seed of a run."""
    return str(1 + [each for each, _ in NAMED].index(name))


def links(name: str, level: str, link: str = "uart") -> str:
    """The seed of a run, on a FiPy."""
    found = [(each.name, each.link, each.level) for each in cases()].index((name, link, level))
    seeds = range(found + 1, 99 * len(cases()), len(cases()))
    return str(next(seed for seed in seeds if board(seed)["name"] == "FiPy"))


# What plants a fault in a copy of the project and returns the rule that is broken; the seed of a
# run that finds nothing if the next one does, and the number of runs
PLANTED = {
    leave_the_radio_on: ("faults", "7", "2"),
    guarantee_nothing: ("files", "49", "2"),
    take_silence_for_delivery: ("outages", "16", "1"),
    keep_nothing_at_once: ("powercuts", "5003", "2"),
    leave_the_modem_on: ("links", links("good", "good"), "1"),
    hold_nothing: ("links", links(FLOATING, "good", "psm"), "1"),
    overlook_the_registration: ("links", links("kind", "edge"), "1"),
    blame_the_holder: ("links", links("sim_pin", "good"), "1"),
    forget_the_rejection: ("updates", "2", "1"),
    forget_what_waits: ("links", links("no_sim", "good"), "1"),
    acknowledge_before_the_commit: ("kill", "1", "1"),
    let_old_releases_in: ("attacks", attack("F33: rollback"), "1"),
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


def test_each_proof_has_a_planted_fault() -> None:
    assert {name for name, _, _ in PLANTED.values()} == set(NAMES)


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_fault_is_found_and_repeated(
    tmp_path: Path, plant: Callable[[Path], str]
) -> None:
    publish(tmp_path, lambda file: not file.startswith(("tests/", "docs/")))
    link_bytecode(tmp_path)
    rule = plant(tmp_path)

    name, seed, runs = PLANTED[plant]
    more = MORE.get(name, ())
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


def test_each_row_of_the_fault_list_and_each_attack_by_name_is_a_run() -> None:
    """F28 to F40, and the names of TUF and SUIT; those that nodes cannot see are servers' work."""
    names = " ".join(name for name, _ in NAMED)
    rows = {f"F{number}:" for number in range(28, 41)}
    attacks = {"arbitrary install", "endless data", "freeze", "rollback", "fast-forward",
               "mix-and-match", "wrong board", "wrong precursor", "wrong software", "extra data",
               "check-to-use"}  # fmt: skip
    assert [one for one in sorted(rows | attacks) if one not in names] == []
    assert len({name for name, _ in NAMED}) == len(NAMED)


SWITCH = re.compile(r"`(?:\[(?:network|board)\] )?(\w+)`")


def test_each_scenario_and_each_hard_switch_meets_each_link_at_each_coverage() -> None:
    met: dict[str, set[tuple[str, str]]] = {}
    for case in cases():
        met.setdefault(case.name, set()).add((case.link, case.level))
    for name, ways in met.items():
        links = ("psm",) if ".psm" in name else ("lte", "uart", "psm")
        assert ways >= {(link, level) for link in links for level in ("good", "fair", "edge")}
    bundled = {name for name in scenarios.names() if not name.startswith(("wifi", "lora"))}
    assert bundled - set(met) == {"reference", "fair", "edge"}  # of "good"
    text = (ROOT / "docs" / "emulation.md").read_text("utf-8")
    table = text.split("| key | default | hard |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:]] for row in table.splitlines()[1:]]
    keys = {key for row in rows if row[2] for key in SWITCH.findall(row[0])}
    switches = {name.split(" = ")[0].split(".")[1] for name in met if " = " in name}
    assert len(keys) > 30
    assert keys - switches == {"cts_blocks"}  # its hard value is the default


def test_each_allowed_cause_is_that_of_a_case() -> None:
    names = {each.name for each in cases()}
    assert {re.sub(" (lte|uart|auto)$", "", name) for name in ALLOWED} <= names


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
