"""`--export`: the records of a database in a file."""

from __future__ import annotations

import csv
import re
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from collector.__main__ import main
from collector.storage.store import Store
from collector.web import export
from tests.collector.rig import message, stored
from tests.collector.web_rig import NOW, numbered


@pytest.fixture
def filled(where: str) -> str:
    with Store(where) as store:
        packs = [numbered(seq, t=seq / 4) for seq in range(2_500)]
        packs += [numbered(1, "mast:", note="=1+1"), [{0: "x", 4: True}]]
        found = [message(pack, NOW - 9_000 + 2 * n, "coap", "m/1") for n, pack in enumerate(packs)]
        late = numbered(3_000, measured=NOW - 20_000, t=1.0)
        stored(store, *found, message(late, NOW, "coap", "m/1"))
    return where


def exported(where: str, path: Path, *words: str) -> list[dict[str, Any]]:
    assert main(["--db", where, "--export", str(path), *words]) == 0
    assert [each for each in path.parent.iterdir() if each.suffix == ".part"] == []
    if path.suffix == ".parquet":
        return parquet.read_table(path).to_pylist()
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def test_all_records_as_parquet(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(export, "GROUP_ROWS", 1_000)
    path = tmp_path / "all.parquet"
    rows = exported(filled, path)
    assert len(rows) == 2 * 2_502 + 1 and f"5005 records in {path}" in capsys.readouterr().err
    of_gate = [row for row in rows if row["node"] == "gate"]
    assert of_gate[2 * 7 + 1] == {
        "node": "gate", "name": "t", "unit": "Cel", "value": 1.75, "text": None, "boot": 0,
        "seq": 7, "protocol": "coap", "source": "m/1",
        "measured": datetime.fromtimestamp(NOW - 8_986, timezone.utc),
        "received": datetime.fromtimestamp(NOW - 8_986, timezone.utc),
    }  # fmt: skip
    [note] = [row for row in rows if row["name"] == "note"]
    assert (note["value"], note["text"]) == (None, "=1+1")
    [flag] = [row for row in rows if row["name"] == "x"]
    assert (flag["node"], flag["value"], flag["seq"], flag["boot"]) == ("", 1, None, None)
    about = parquet.read_metadata(path)
    assert about.num_row_groups == 6
    assert about.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("end", ["csv", "parquet"])
def test_records_of_a_node_and_a_time(filled: str, tmp_path: Path, end: str) -> None:
    def of(*words: str) -> list[dict[str, Any]]:
        return exported(filled, tmp_path / f"part.{end}", *words)

    def time(at: float) -> str:
        return datetime.fromtimestamp(at, timezone.utc).isoformat()

    assert len(of("--node", "mast")) == 2
    found = of("--node", "gate", "--since", time(NOW - 9_000), "--until", time(NOW - 8_994))
    assert [int(row["seq"]) for row in found if row["name"] == "t"] == [0, 1, 2, 3]
    [first, value] = of("--until", time(NOW - 19_999))
    assert (int(value["seq"]), float(value["value"])) == (3_000, 1)  # it came late
    assert of("--since", "2100-01-01") == []


def test_a_text_is_no_formula(filled: str, tmp_path: Path) -> None:
    rows = exported(filled, tmp_path / "all.csv")
    assert [row["value"] for row in rows if row["name"] == "note"] == ["'=1+1"]
    assert len(rows) == 5_005


def test_the_commands_of_the_documentation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    with Store(str(tmp_path / "reports.db")) as store:
        stored(store, message(numbered(1), 1_772_500_000.0))
    text = (Path(__file__).resolve().parents[2] / "docs" / "collect.md").read_text("utf-8")
    commands = re.findall(r"^\$ ./dev collect (.*--export .*)$", text, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    for command in commands:
        assert main(command.split()) == 0
    assert capsys.readouterr().err.count("collect: 2 records in ") == len(commands) == 2


def test_what_cannot_be_exported_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    where = str(tmp_path / "a.db")
    with Store(where) as store:
        stored(store, message(numbered(1), NOW))

    def line(*words: str, end: str = "csv") -> str:
        path = tmp_path / f"old.{end}"
        path.write_text("kept")
        with pytest.raises(SystemExit) as ended:
            main(["--db", where, "--export", str(path), *words])
        assert ended.value.code == 2 and path.read_text() == "kept"
        return str(capsys.readouterr().err)

    assert "--node none: not in" in line("--node", "none")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "no module pyarrow; allowed: after pip install pyarrow, or" in line(end="parquet")
    assert "unable to open database file; allowed: a database" in line(
        "--db", str(tmp_path / "none.db")
    )
