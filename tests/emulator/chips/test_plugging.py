"""Truths and wiring as a scenario gives them."""

from __future__ import annotations

import statistics

import pytest

from devkit import cli
from emulator.board.board import Board
from emulator.board.i2c import I2c
from emulator.board.pins import Pins
from emulator.chips import plugging
from emulator.chips.wiring import wire
from emulator.device_files import ROOT


@pytest.fixture
def board() -> Board:
    board = Board()
    board.plug("i2c", I2c(board))
    board.plug("pins", Pins(board))
    return board


def truth(board, given, **options):
    return plugging.truth(board, "a", {"x": given}, "x", 5.0, **options)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (7, {0: 7, 21600: 9, 64800: 5}),
        ({"mean": 7, "swing": 0}, {0: 7, 21600: 7}),
        ({"mean": 7, "period_s": 400}, {0: 7, 100: 9, 300: 5}),
        ([[10, 1.0], [20, 3.0]], {0: 1, 10: 1, 15: 2, 20: 3, 99: 3}),
        ([[10, 4]], {0: 4, 99: 4}),
    ],
    ids=["number", "still", "fast", "points", "point"],
)
def test_truth_over_time(board, given, expected):
    course = truth(board, given, swing=2.0)
    assert {t: course(t) for t in expected} == {
        t: pytest.approx(value) for t, value in expected.items()
    }


def test_truth_of_a_file(board, tmp_path):
    (tmp_path / "x.csv").write_text("0,1.5\n60,2.5\n", "utf-8")
    course = truth(board, {"file": str(tmp_path / "x.csv")})
    assert [course(t) for t in (0, 30, 90)] == [1.5, 2.0, 2.5]


def test_noise_has_its_standard_deviation_and_repeats_with_the_seed(board):
    looks = [truth(Board(), {"mean": 7, "noise": 0.5})(0) for _ in range(2)]
    assert looks[0] == looks[1]
    course = truth(board, {"mean": 7, "noise": 0.5})
    found = [course(0) for _ in range(2000)]
    assert statistics.stdev(found) == pytest.approx(0.5, rel=0.1)
    assert statistics.mean(found) == pytest.approx(7, abs=0.05)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("warm", "chips.a: x = 'warm'; allowed: a number"),
        (True, "chips.a: x = True; allowed: a number"),
        ({"men": 3}, "chips.a: x.men = 3; allowed: mean, swing"),
        ({"period_s": 0}, "chips.a: x.period_s = 0.0; allowed: more than 0"),
        ([], r"chips.a: x = \[\]; allowed: points"),
        ([[1, 2], [0, 2]], "allowed: points in the order of time"),
        ([[1]], r"allowed: points \[seconds, value\]"),
        ({"file": "/nowhere.csv"}, "chips.a: x.file = '/nowhere.csv': .*; allowed: lines"),
    ],
)
def test_a_truth_that_is_none_is_named(board, given, said):
    with pytest.raises(ValueError, match=said):
        truth(board, given)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"address": 5}, "chips.si7021: address = 5; allowed: 0x08 to 0x77"),
        ({"supply_pin": "P77"}, "chips.si7021: supply_pin = 'P77'; allowed: P0 to"),
        ({"humidity": 5}, "chips.si7021: unknown key 'humidity' for a si7021"),
        ({"model": "si7022"}, "chips.si7021: model = 'si7022'; allowed: si7021"),
        ({"kind": "si7022"}, "chips.si7021: kind = 'si7022'; allowed: .*si7021"),
        ({"absent": "no"}, "chips.si7021: absent = 'no'; allowed: true, false"),
        ({"corrupt_rate": 2}, "chips.si7021: corrupt_rate = 2; allowed: 0 to 1"),
        ({"lateness": -1}, "chips.si7021: lateness = -1; allowed: 0 to 1"),
        ({"brown_out": 0.5}, "chips.si7021: brown_out = 0.5; allowed: a whole number"),
        ({"extra_ms": "5"}, "chips.si7021: extra_ms = '5'; allowed: 0 to"),
    ],
)
def test_wrong_keys_are_named_with_what_is_allowed(board, table, said):
    with pytest.raises(ValueError, match=said):
        wire(board, {"battery": {"kind": "none"}, "si7021": table})


def test_a_chip_is_found_on_its_pins_at_its_address_or_on_the_numbered_bus(board):
    wire(
        board,
        {
            "battery": {"kind": "none"},
            "si7021": {"kind": "none"},
            "a": {"kind": "si7021", "sda_pin": "P21", "scl_pin": "P22", "address": 0x41},
            "b": {"kind": "si7021", "bus": 1, "address": 0x42},
        },
    )
    board.clock.advance(100_000)
    i2c = board.services["i2c"]
    found = {}
    for bus, pins in ((0, None), (0, ["P21", "P22"]), (1, ["P2", "P3"])):
        i2c.do_open(bus, 100_000, pins)
        found[bus, str(pins)] = i2c.do_scan(bus)
    assert list(found.values()) == [[], [0x41], [0x42]]


@pytest.mark.parametrize(
    "text",
    [
        'kind = ["a"]', 'model = ["x"]', 'sda_pin = ["P9"]', "temperature_c = inf",
        "temperature_c = {mean = nan}", "temperature_c = {file = 5}", "absent = 1", "shape = 1",
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line(tmp_path, capsys, text):
    """And the command ends with the status of wrong usage."""
    scenario = tmp_path / "mistake.toml"
    scenario.write_text(f"[chips.si7021]\n{text}\n", encoding="utf-8")
    script = str(ROOT / "examples" / "si7021_simple.py")
    with pytest.raises(SystemExit) as end:
        cli.main(["run", script, "--cycles", "1", "--scenario", str(scenario)])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "chips.si7021: " in line and "allowed: " in line
