"""What components weigh, and that none weighs more than it may."""

from __future__ import annotations

import dataclasses
import re

import pytest

from devkit import cli
from devkit.build import budget
from devkit.build.components import components
from devkit.build.packages import needed_by
from devkit.build.targets import PYCOM
from devkit.build.weight import weigh
from emulator.device_files import ROOT, source


@pytest.fixture(scope="module")
def rows() -> dict[str, budget.Row]:
    return {row.component.name: row for row in budget.rows()}


def test_components_stay_within_their_limits(rows):
    assert [problem for row in rows.values() for problem in row.over()] == []


def test_a_component_over_its_limit_is_noticed(rows):
    nbiot = rows["nbiot"]
    assert dataclasses.replace(nbiot, with_needs=40 * 1024, heap=56 * 1024).over() == []
    heavy = dataclasses.replace(nbiot, with_needs=40 * 1024 + 1, heap=56 * 1024 + 1)
    assert heavy.over() == [
        "nbiot: deployed 40961, at most 40960 bytes",
        "nbiot: heap 57345, at most 57344 bytes",
    ]


def test_weights_add_up(rows):
    found = components()
    assert list(rows) == list(found)
    for name, row in rows.items():
        parts = [found[each] for each in (name, *found[name].requires)]
        files = {path: source(path) for part in parts for path in part.files}
        files |= needed_by(found[name].foreign, ROOT)
        weights = [weigh(path, PYCOM, file=file) for path, file in files.items()]
        assert row.with_needs == sum(each.deployed_bytes for each in weights), name


def test_heap_is_known_of_all_but_the_application(rows):
    unknown = [name for name, row in rows.items() if not row.heap]
    assert unknown == ["application"]
    assert rows["nbiot"].heap > rows["at"].heap > rows["timing"].heap


def test_document_states_the_limits():
    text = (ROOT / budget.FILE).read_text(encoding="utf-8")
    stated = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert {name: budget.Limit(int(size), int(heap)) for name, size, heap in stated} == (
        budget.LIMITS
    )


def test_build_renews_the_table_when_asked(rows, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(budget, "rows", lambda: list(rows.values()))  # weighed once
    file = tmp_path / "budget.md"
    file.write_text("before\n<!-- budget -->\n| old |\n<!-- end -->\nafter\n")
    renew = budget.renew
    monkeypatch.setattr(budget, "renew", lambda: renew(file))
    # what it makes is shown by test_build.py
    monkeypatch.setattr(
        "devkit.commands.build.build", lambda *given: {"components": [], "version": "1"}
    )
    arguments = ["build", "--out", str(tmp_path / "dist"), "--budget"]
    assert cli.main(arguments) == 0
    text = file.read_text()
    assert text.startswith("before\n<!-- budget -->\n| component |")
    assert text.endswith("|\n<!-- end -->\nafter\n")
    assert "| old |" not in text
    assert "rewritten" in capsys.readouterr().out
    assert cli.main(arguments) == 0
    assert "is of today" in capsys.readouterr().out
