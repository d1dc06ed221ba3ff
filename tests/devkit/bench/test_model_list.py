"""./dev bench --model: the constants of the time and energy model, and nothing measured."""

from __future__ import annotations

import json

import pytest

from devkit import cli
from emulator.emulator import RUN_MA


def test_the_constants_are_one_object_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--model", "--json"]) == 0
    out, err = capsys.readouterr()
    listed = {each["name"]: each for each in json.loads(out)["constants"]}
    assert err == ""
    assert listed["emulator.run_ma"]["value"] == RUN_MA
    assert all(
        set(each) == {"name", "value", "unit", "grade", "source"} for each in listed.values()
    )


def test_the_constants_are_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--model"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "value", "unit", "grade", "source"]
    assert max(map(len, lines)) < 220
