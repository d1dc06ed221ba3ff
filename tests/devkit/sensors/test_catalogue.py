"""`./dev sensors`: every driver is there, with figures that are measured on its chip."""

from __future__ import annotations

import json

import pytest

from devkit import cli
from devkit.sensors.catalogue import drivers, entries


@pytest.fixture(scope="module")
def listed() -> list[dict]:
    from contextlib import redirect_stdout
    from io import StringIO

    said = StringIO()
    with redirect_stdout(said):
        assert cli.main(["sensors", "--json"]) == 0
    return json.loads(said.getvalue())["sensors"]


def test_every_driver_has_a_chip_and_a_line_that_reads_it(listed):
    assert [row["name"] for row in listed] == drivers() == list(entries())
    for row in listed:
        assert row["cause"] is None, row
        assert None not in row["reading"], row


def test_figures_are_those_of_a_reading(listed):
    for row in listed:
        assert row["time_ms"] > 0
        assert row["mean_ma"] >= 0
        assert row["interface"]
        assert len(row["fields"]) == len(row["reading"])
    si7021 = next(row for row in listed if row["name"] == "si7021")
    assert si7021["addresses"] == [0x40]
    assert si7021["interface"] == "I2C"
    assert 35 < si7021["time_ms"] < 120  # 18 to start, 17 to convert, and Python
    assert 0.01 < si7021["mean_ma"] < 3.5  # 3.5 for 5 ms at the start, then 0.15


def test_the_table_names_all_and_one_is_shown_in_detail(capsys):
    assert cli.main(["sensors", "si7021"]) == 0
    said = capsys.readouterr().out
    assert '("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}),' in said
    assert "vcc_pin: choice, P3" in said
    assert cli.main(["sensors", "ina219"]) == 0
    said = capsys.readouterr().out
    assert '"address": 0x41}' in said
    assert "address: choice, 0x40, " in said
    assert "v = 3.7 V, i = 0.1201 A, w = 0.4444 W" in said  # as in a report, not in mV
    assert cli.main(["sensors"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n{name} " in said for name in drivers())


def test_an_unknown_name_is_answered_with_the_known_ones(capsys):
    assert cli.main(["sensors", "si7012"]) == 2
    said = capsys.readouterr().err
    assert "'si7012'" in said
    assert "allowed: " in said
    assert "si7021" in said
