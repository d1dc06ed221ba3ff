"""README.md and docs/ hold what they say: tables are of today, commands run, snippets work.

In the documents:

- a marked part (devkit/marked.py) is as `python -m devkit.docs` would write it;
- each `./dev` command of an `sh` block ends with status 0, unless the block says `|| true`, in an
  empty folder with this project in it and the files that the document's `toml` blocks describe
  (a block whose first line is `# NAME.toml`); those of two documents are sessions, which
  tests/test_docs_sessions.py runs;
- a `python` block runs on the emulated board, `python with SENSOR` on one with the chips of these
  sensors, `python host` here, and none raises;
- a `text` block right behind an `sh` or `python` block is part of what it prints, line by line in
  order; a line `...` stands for any lines.
"""

from __future__ import annotations

import io
import re
import shlex
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cbor2
import pytest

from devkit import cli, docs, marked
from devkit.application import REFERENCE
from devkit.bench import backlog, batches, battery, measure, measuring
from devkit.bench.cases import CASES, STARTS, Case
from devkit.bench.runs import Conditions
from devkit.docs.parts import FIRMWARE, PARTS, SEED, Rows, _row
from devkit.sensors.catalogue import drivers, entries
from emulator import emulator, scenario
from emulator.chips import wiring
from emulator.device_files import ROOT, copy_device_files
from emulator.emulator import Emulator
from emulator.modem import options, power
from emulator.modem.commands import FAMILIES
from tests.test_docs_sessions import DOCUMENTS

pytestmark = pytest.mark.long

FILES = docs.files()
_BLOCK = re.compile(r"^```([a-z]*)( [a-z0-9_ ]+)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_WITH = "python with "
# Without an end, since we are in it or it waits; or writes to this tree and reads what it wrote:
# tests/devkit/commands/test_new.py runs that in another one
_NOT_RUN = ("./dev test", "./dev at --pty", "./dev collect")
# The checks of these very files, which are tests (tests/test_checks_pass.py); that the command
# runs checks and says what they find is shown by tests/devkit/checks/test_checks.py
_NOT_RUN += ("./dev lint",)
_NOT_RUN += ("./dev new", "./dev sensors soil_probe")
# Minutes of work, most of which the marked parts have done: see test_bench_runs
_MEASURED_HERE = "./dev bench"


@dataclass(frozen=True)
class Block:
    file: str
    kind: str  # "sh", "python", "python host", "toml", "text", ...
    text: str
    prints: tuple[str, ...]  # lines that its output has; none: not said


def _blocks() -> list[Block]:
    found = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        matches = list(_BLOCK.finditer(text))
        for number, match in enumerate(matches):
            prints: tuple[str, ...] = ()
            if number + 1 < len(matches):
                later = matches[number + 1]
                near = not text[match.end() : later.start()].strip()
                if near and later[1] == "text":
                    prints = tuple(later[3].splitlines())
            found.append(Block(path.name, match[1] + (match[2] or ""), match[3], prints))
    return found


BLOCKS = _blocks()


def _of(kind: str) -> list[object]:
    return [
        pytest.param(block, id=f"{block.file}-{number}")
        for number, block in enumerate(each for each in BLOCKS if each.kind == kind)
    ]


def _commands() -> list[object]:
    """Each command line once, whatever the number of documents that have it."""
    seen: dict[str, tuple[Block, str]] = {}
    for block in BLOCKS:
        lines = block.text.splitlines() if block.kind == "sh" else []
        for line in lines:
            if line.startswith("./dev") and not line.startswith(_NOT_RUN):
                if line == _MEASURED_HERE or block.file in DOCUMENTS:
                    continue
                whose = block if len(lines) == 1 else Block(block.file, "sh", line, ())
                if line not in seen or whose.prints:
                    seen[line] = whose, line
    return [pytest.param(*found, id=line[6:60]) for line, found in seen.items()]


def _check_output(output: str, prints: tuple[str, ...]) -> None:
    lines = [line.rstrip() for line in output.splitlines()]
    at = 0
    for wanted in prints:
        if wanted.strip() == "...":
            continue
        assert wanted.rstrip() in lines[at:], f"not printed: {wanted!r}; printed:\n{output}"
        at = lines.index(wanted.rstrip(), at) + 1


# Marked parts

_PARTS = [(path, name) for path in FILES for name in marked.parts(path.read_text("utf-8"))]


@pytest.mark.parametrize(("path", "name"), _PARTS, ids=[f"{p.name}-{n}" for p, n in _PARTS])
def test_marked_part_is_of_today(path: Path, name: str) -> None:
    written = marked.parts(path.read_text(encoding="utf-8"))[name]
    assert docs.fresh(name, written, sample=True), (
        f"{path.name}, {name}: run .venv/bin/python -m devkit.docs\n{docs.part(name, sample=True)}"
    )


def test_marks_are_whole_and_known() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"^<!-- (?!end -->)(.*) -->$", text, re.MULTILINE)
        assert names == list(marked.parts(text)), path.name
        assert set(names) <= set(docs.PARTS), path.name


def test_a_changed_part_is_noticed_and_rewritten() -> None:
    stale = "before\n<!-- copy -->\n- `networking/none.py`\n<!-- end -->\nafter\n"
    new = marked.renewed(stale, docs.part)
    assert new.startswith("before\n<!-- copy -->\n- `lib/")
    assert "\n- `networking/nbiot.py`\n" in new and "none.py" not in new
    assert new.endswith("\n<!-- end -->\nafter\n")
    assert marked.renewed(new, docs.part) == new
    with pytest.raises(ValueError, match="'nonsense'; allowed: cost, demo"):
        marked.renewed("<!-- nonsense -->\n<!-- end -->\n", docs.part)


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ("| good | 14.5 s | 32 |\n", True),
        ("| good |  14.7 s | 32 |\n", True),
        ("| good | 15.0 s | 32 |\n", False),
        ("| good | 14.5 s | 33 |\n", False),
        ("| fair | 14.5 s | 32 |\n", False),
        ("| good | 14.5 s | 32 | 1 |\n", False),
    ],
)
def test_figures_may_drift_a_little(
    written: str, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(docs.PARTS, "sensors", lambda: "| good | 14.5 s | 32 |")
    assert docs.fresh("sensors", written) is holds


def test_a_sample_notices_its_rows_and_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [rows for rows in PARTS.values() if isinstance(rows, Rows)]
    assert all(rows.sample and max(rows.sample) < len(rows.makers) for rows in tables)
    made = [lambda: ["good", 14], lambda: ["fair", 32], lambda: ["edge", 1 // 0]]
    monkeypatch.setitem(docs.PARTS, "scenarios", Rows(["name", "figure"], made, [0, 1]))

    def fresh(*rows: str) -> bool:
        written = "\n".join(("| name | figure |", "| --- | --- |", *rows))
        return docs.fresh("scenarios", written, sample=True)

    good, fair, edge = "| good | 14 |", "| fair | 32 |", "| edge | 5 |"
    assert fresh(good, fair, edge)
    assert not fresh(good, good, edge) and not fresh(good, "| fair | 33 |", edge)
    assert not fresh(good, fair)


# Commands


@pytest.mark.parametrize(("block", "command"), _commands())
def test_command_runs(
    block: Block, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """In this process; `./dev` itself runs them in tests/test_docs_sessions.py."""
    for item in ROOT.iterdir():
        if not item.name.startswith("."):
            (tmp_path / item.name).symlink_to(REFERENCE if item.name == "config.py" else item)
    for other in BLOCKS:
        name = re.match(r"# (\S+\.toml)\n", other.text)
        if other.kind == "toml" and other.file == block.file and name:
            (tmp_path / name[1]).write_text(other.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    words = shlex.split(command)[1:]
    may_fail = words[-2:] == ["||", "true"]
    status = cli.main(words[:-2] if may_fail else words)
    out, err = capsys.readouterr()
    assert status == 0 or (may_fail and status == 1), out + err
    _check_output(out, block.prints)


def test_bench_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From an empty folder, as it stands in the documents: every row is asked for and shown. What
    they are measured with is shown by the samples of the marked parts."""
    assert any(_MEASURED_HERE in block.text.splitlines() for block in BLOCKS)
    wanted = Conditions(SEED, FIRMWARE, "mpy")
    one = _row(4)

    def begin(case: Case, conditions: Conditions) -> Callable[[], dict[str, object]]:
        assert conditions in (wanted, replace(wanted, seeds=batches.MEASURING_SEEDS))
        told = {"scenario": case.name, "protocol": case.protocol, "link": case.link}
        told |= {"start": case.start, "coverage": case.coverage}
        return lambda: {**one, **told}

    def waiting(protocol: str, conditions: Conditions) -> dict[str, object]:
        assert conditions == wanted
        return {**one, "protocol": f"backlog by {protocol}", "datagrams": 4.0, "values": 240}

    def six(seed: int, *rest: int) -> dict[str, object]:
        assert seed == SEED
        return {**one, "scenario": measuring.NAME, "slowest": "", "one_after_the_other_ms": 0}

    monkeypatch.setattr(measuring, "row", six)
    monkeypatch.setattr(measure, "begin", begin)
    monkeypatch.setattr(backlog, "row", waiting)
    monkeypatch.chdir(tmp_path)
    assert cli.main(shlex.split(_MEASURED_HERE)[1:]) == 0
    printed = capsys.readouterr().out
    shown = [case.name for case in CASES] + [start.name for start in STARTS]
    shown += ["24 sent together", "only measured", *[each.name for each in battery.PUBLISHED]]
    shown += [f"backlog by {protocol}" for protocol in backlog.PROTOCOLS] + [measuring.NAME]
    assert [text for text in shown if text not in printed] == []


# Snippets


_ON_THE_BOARD = [
    pytest.param(block, id=f"{block.file}-{number}")
    for number, block in enumerate(BLOCKS)
    if block.kind == "python" or block.kind.startswith(_WITH)
]


def _world(block: Block) -> scenario.Scenario:
    """The network is good, and the chips are those that the block names."""
    if not block.kind.startswith(_WITH):
        return scenario.load("good")
    chips: dict[str, dict[str, object]] = {name: {"kind": "none"} for name in wiring.DEFAULT}
    for name in block.kind.removeprefix(_WITH).split():
        entry = entries()[name]
        chips[entry.kind] = {"kind": entry.kind, **entry.wiring}
    return scenario.from_table({"chips": chips})


@pytest.mark.parametrize("block", _ON_THE_BOARD)
def test_snippet_for_the_board(block: Block, tmp_path: Path) -> None:
    copy_device_files(tmp_path)
    (tmp_path / "snippet.py").write_text(block.text, encoding="utf-8")
    printed: list[str] = []
    world = _world(block)
    with Emulator(flash=tmp_path, console=printed.append, max_hours=1, scenario=world) as emulator:
        [cycle] = emulator.run(["snippet.py"])
    assert cycle.error is None, cycle.error
    assert cycle.ended in ("finished", "deepsleep")
    _check_output("".join(printed), block.prints)


@pytest.mark.parametrize("block", _of("python host"))
def test_snippet_for_the_computer(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block.text, block.file, "exec"), {"__name__": "snippet"})
    _check_output(capsys.readouterr().out, block.prints)


def test_server_of_the_report_page_understands_its_datagram() -> None:
    [server] = [
        each.text for each in BLOCKS if each.kind == "python host" and "cbor2" in each.text
    ]
    text = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    shown = re.search(r"^([0-9a-f]{20,}\n)+", marked.parts(text)["report"], re.MULTILINE)
    assert shown
    decoded = re.findall(r"^(\S+:\S*) +(\S+) *(\S*)$", docs.part("report"), re.MULTILINE)
    space: dict[str, object] = {"__name__": "snippet"}
    exec(server, space)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        two = [{-2: "g:", 2: 1}, {0: "t", 1: "K", 2: 5}, {2: 2}, {0: "t", 2: 5}]
        for sent in (bytes.fromhex(shown[0].replace("\n", "")), cbor2.dumps(two)):
            sock.sendto(sent, sock.getsockname())
        records = space["records"](sock)  # type: ignore[operator]
        got = [next(records) for _ in decoded]
        assert [next(records)[3] for _ in two] == ["", "K", "", "K"]
    assert [tuple(map(str, record[1:])) for record in got] == decoded
    # a base time is absolute, or as many seconds before the arrival (RFC 8428, 4.5.3)
    bases = [int(each) for each in re.findall(r"-3: (-?\d+)", docs.part("report"))]
    expected = {each if each >= 2**28 else each + round(time.time()) for each in bases}
    times = {record[0] for record in got}
    assert len(times) == len(expected) and all(
        abs(one - other) < 60 for one, other in zip(sorted(times), sorted(expected), strict=True)
    )


@pytest.mark.parametrize("block", _of("toml"))
def test_scenario_shown_can_be_loaded(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "shown.toml"
    file.write_text(block.text, encoding="utf-8")
    scenario.load(file)


# Claims that can be looked up


def _rows(name: str, first_heading: str) -> list[list[str]]:
    """The cells of the table with this first heading."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    _, _, rest = text.partition(f"\n| {first_heading} |")
    lines = rest.split("\n\n")[0].splitlines()[2:]
    assert lines, f"{name} has no table {first_heading!r}"
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_phases_are_those_of_the_driver() -> None:
    source = (ROOT / "networking" / "_nbiot_attach.py").read_text(encoding="utf-8")
    phases = re.search(r"^_PHASES = \((.*?)^\)", source, re.MULTILINE | re.DOTALL)
    assert phases
    rows = _rows("nbiot.md", "phase")
    assert [row[0].strip("`") for row in rows] == re.findall(r'"(\w+)"', phases[1])
    for command in re.findall(r"`(AT[^`]+)`", " ".join(row[1] for row in rows)):
        assert command in source, command


def test_currents_are_those_of_the_model() -> None:
    said = {row[0].strip("`"): row[1] for row in _rows("emulation.md", "state")}
    model = {
        "esp run": emulator.RUN_MA,
        "esp deepsleep": emulator.DEEPSLEEP_MA,
        "modem off": power.OFF_MA,
        "modem psm": power.OFF_MA,
        "modem lpm": power.LPM_MA,
        "modem at": options.AT_MA,
        "modem boot": power.BOOT_MA,
        "modem rx": power.RX_MA,
        "modem tx": power.TX_MA["good"],
    }
    for state, milliamps in model.items():
        assert float(said[state].split(" / ")[0]) == milliamps, state
    transmitting = [float(one) for one in said["modem tx"].split(" / ")]
    assert transmitting == [power.TX_MA[level] for level in ("good", "fair", "edge")]


def test_every_fault_word_is_listed() -> None:
    said = {row[0].strip("`") for row in _rows("scenarios.md", "at a command")}
    assert said == set(scenario.FAULTS["command"])
    said = {row[0].strip("`") for row in _rows("scenarios.md", "at a time")}
    assert said == set(scenario.FAULTS["time"])


def test_every_family_of_commands_is_listed() -> None:
    text = (ROOT / "docs" / "emulation.md").read_text(encoding="utf-8")
    for module, _ in FAMILIES:
        name = "sockets" if module.startswith("sockets.") else module.rpartition(".")[2]
        assert f"`{name}`" in text, module


def test_every_chip_is_listed_with_what_it_follows() -> None:
    rows = _rows("emulation.md", "kind")
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    assert listed == set(wiring.kinds())
    assert all(len(row) == 4 and row[2] for row in rows)


def test_every_driver_is_described() -> None:
    text = (ROOT / "docs" / "sensors.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == drivers()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = "".join(line for line in readme.splitlines() if line.startswith("| `sensors"))
    assert sorted(re.findall(r"`(?:sensors)?\.(\w+)`", table)) == drivers()
    assert sorted(path.stem[:-7] for path in (ROOT / "examples").glob("*_simple.py")
                  if path.stem[:-7] in drivers()) == drivers()  # fmt: skip


def test_links_lead_somewhere() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_files_named_in_the_text_exist() -> None:
    for path in FILES:
        text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
        named = re.findall(r"`((?:devkit|networking|sensors|protocols|utils|lib|tests|examples)"
                           r"/[\w/.*-]+)`", text)  # fmt: skip
        for name in named:
            assert list(ROOT.glob(name.rstrip("/"))), f"{path.name}: {name}"
