"""./dev cell: a thousand nodes get in because of the device's own functions, and not without."""

from __future__ import annotations

import json

import pytest

from devkit.cli import main
from utils import place

FIELDS = {
    "ok", "nodes", "seed", "delivered", "last_delivery_s", "peak_accesses_per_s", "collisions"
}  # fmt: skip


def cell(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    status = main(["cell", "--nodes", "1000", "--period", "900", "--json", *arguments])
    return status, json.loads(capsys.readouterr().out)


def test_after_a_power_cut_all_deliver_within_a_period_at_a_rate_that_the_cell_serves(capsys):
    status, told = cell(capsys, "--after-outage")
    assert set(told) > FIELDS
    assert (status, told["ok"], told["nodes"], told["delivered"]) == (0, True, 1000, 1000)
    assert told["last_delivery_s"] <= 900
    assert told["peak_accesses_per_s"] <= told["peak_accesses_per_s_10s"] <= 3.5
    assert told["collisions"] > 0


@pytest.mark.parametrize("mode", [[], ["--after-outage"]])
def test_without_a_place_of_its_own_for_each_node_the_cell_collapses(capsys, monkeypatch, mode):
    monkeypatch.setattr(place, "offset_ms", lambda identity, period_s: 0)
    status, told = cell(capsys, *mode)
    assert (status, told["ok"]) == (1, False)
    assert told["peak_accesses_per_s"] > 3.5


def test_shares_are_cells_of_their_own_and_can_be_merged(capsys, tmp_path):
    few = ("--nodes", "50", "--seed", "7")
    shares = [cell(capsys, *few, "--share", f"{part}/2") for part in (1, 2)]
    assert [told["seed"] for _, told in shares] == [7, 8]
    files = []
    for number, (_, told) in enumerate(shares):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(told))
    assert main(["cell", "--merge", *map(str, files), "--json"]) == 0
    merged = json.loads(capsys.readouterr().out)
    assert (merged["cells"], merged["nodes"], merged["delivered"]) == (2, 100, 100)
    assert merged["collisions"] == sum(told["collisions"] for _, told in shares)
    assert merged["last_delivery_s"] == max(told["last_delivery_s"] for _, told in shares)


def test_progress_is_told_apart_from_the_result(capsys):
    assert main(["cell", "--nodes", "5", "--period", "900"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert "5 of 5 nodes delivered" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nodes", "5"], "--nodes and --period are needed"),
        (["--nodes", "0", "--period", "900"], "'0' is not a whole number from 1 up"),
        (["--nodes", "5", "--period", "604801"], "allowed: 10 to 604800"),
        (["--nodes", "5", "--period", "900", "--share", "3/2"], "'3/2' is not I/N"),
        (["--merge", "setup.cfg"], "setup.cfg"),
    ],
)
def test_wrong_usage_is_refused(capsys, monkeypatch, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "setup.cfg").write_text("{}")
    try:
        status = main(["cell", *arguments])
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert said in capsys.readouterr().err
