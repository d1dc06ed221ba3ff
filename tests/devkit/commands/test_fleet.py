"""`./dev fleet status`: what it prints of a database that a collector is writing into."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.storage.store import Store
from collector.updates.fleet import Fleet
from devkit import cli
from tests.collector.rig import message, report, stored

NOW = 1_772_366_400.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "reports.db"
    with Store(str(path), fleet=Fleet()) as store:
        told = [{0: "rl", 2: 6}, {0: "up", 2: 40}, {0: "rj", 2: 5}, {0: "rc", 3: "crashed"},
                {0: "ch", 3: "sensors.si7021 1"}]  # fmt: skip
        stored(store, message(report(1, "gate:") + told, NOW))
        stored(store, message(report(1, "attic:"), NOW + 0.25))
        stored(store, message([{0: "t", 2: 1}], NOW))  # of no node
        yield path


def test_as_json(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fleet", "status", "--db", str(database), "--json"]) == 0
    names = ("release", "offered", "progress", "confirmed", "rejected", "cause", "changed")
    empty = dict.fromkeys(names)
    assert json.loads(capsys.readouterr().out) == {
        "nodes": [
            {"node": "attic", "last_seen": 1_772_366_400_250, **empty},
            {"node": "gate", "last_seen": 1_772_366_400_000, **empty, "release": 6,
             "progress": 40, "rejected": 5, "cause": "crashed", "changed": "sensors.si7021 1"},
        ]
    }  # fmt: skip


def test_as_a_table(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fleet", "status", "--db", str(database)]) == 0
    heads, _, attic, gate = capsys.readouterr().out.splitlines()
    assert heads.split("  ")[0] == "node" and "last seen" in heads
    assert attic.split()[0] == "attic" and len(attic.split()) == 3
    assert gate.split()[3:] == ["6", "40", "%", "5", "crashed", "sensors.si7021", "1"]


@pytest.mark.parametrize(
    ("as_json", "said"), [(False, "no node has reported yet\n"), (True, '{"nodes": []}\n')]
)
def test_without_nodes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool, said: str
) -> None:
    path = str(tmp_path / "new.db")
    with Store(path, fleet=Fleet()):
        words = ["fleet", "status", "--db", path] + ["--json"] * as_json
        assert cli.main(words) == 0
    assert capsys.readouterr().out == said


def test_nothing_in_it_changes(database: Path) -> None:
    with sqlite3.connect(database) as reader:
        before = "\n".join(reader.iterdump())
        assert cli.main(["fleet", "status", "--db", str(database)]) == 0
        assert "\n".join(reader.iterdump()) == before


@pytest.mark.parametrize("content", [None, b"no database", b""])
def test_another_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "other"
    if content is not None:
        path.write_bytes(content)
    assert cli.main(["fleet", "status", "--db", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "allowed: a database of ./dev collect" in err and err.count("\n") == 1
    assert ("there is no such file" in err) == (content is None)
    assert path.exists() == (content is not None)


def test_a_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fleet", "status", "--db", str(tmp_path)]) == 2
    assert f"--db {tmp_path}: is a folder; allowed: a database" in capsys.readouterr().err


def test_its_help_has_no_command_line_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["fleet", "--help"])
    assert "reports.db" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["fleet"], ["fleet", "status"], ["fleet", "stop", "--db", "x"]])
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = cli.main(words)
    except SystemExit as ended:
        status = ended.code  # type: ignore[assignment]
    assert status == 2 and capsys.readouterr().err.count("\n") == 1
