"""Latest values, series, duplicates (docs/report.md), and bounds."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest

from collector import packs
from collector.readings import Readings
from collector.report import sequence_number
from tests.collector.rig import report

NOW = 1_800_000_000.0


def add(readings: Readings, pack: Any, at: float = NOW) -> list[str]:
    records = packs.read(cbor2.dumps(pack), at)
    return [f"{each.name}={each.shown}" for each in readings.add(records, "udp", "::1", at)]


def test_a_repeated_datagram_is_counted_and_not_taken_again() -> None:
    readings = Readings()
    assert add(readings, report(7)) == ["gate:seq=7", "gate:t=21.50"]
    assert add(readings, report(7), NOW + 1) == []
    assert readings.duplicates == 2
    assert [count for _, count in readings.latest()] == [1, 1]


def test_a_second_datagram_of_a_report_is_no_duplicate() -> None:
    readings = Readings()
    add(readings, report(7))
    assert add(readings, report(7, att=3578)) == ["gate:att=3578"]
    assert readings.duplicates == 0


def test_the_same_number_of_another_board_is_no_duplicate() -> None:
    readings = Readings()
    add(readings, report(7))
    assert len(add(readings, report(7, base="door:"))) == 2


def test_a_board_that_begins_again_is_believed() -> None:
    readings = Readings()
    for seq, t in ((0, 20), (1, 21), (0, 30), (1, 31)):
        assert f"gate:t={t}" in add(readings, report(seq, t=t)), (seq, t)
    assert add(readings, report(1, t=31)) == []


def test_what_has_no_sequence_number_is_never_a_duplicate() -> None:
    readings = Readings()
    for _ in range(2):
        assert add(readings, [{-2: "gate:", 0: "t", 2: 5}, {0: "seq", 2: 1}])
    assert readings.duplicates == 0


def test_a_measurement_that_comes_late_is_in_the_series_but_not_the_latest() -> None:
    readings = Readings()
    for when, value in ((NOW - 10, 1), (NOW - 900, 2)):
        add(readings, [{0: "t", 6: when, 2: value}])
    assert readings.series("t") == [(NOW - 900, 2.0), (NOW - 10, 1.0)]
    assert readings.series("t", NOW - 100) == [(NOW - 10, 1.0)]
    [(reading, count)] = readings.latest()
    assert (reading.shown, count) == ("1", 2)


def test_a_time_that_cannot_be_right_is_the_time_of_reception() -> None:
    readings = Readings()
    for when in (1e290, NOW + 10 * 86_400, 2**28 + 1):
        add(readings, [{0: "t", 6: when, 2: 1}])
    assert [at for at, _ in readings.series("t")] == [NOW] * 3


def test_truth_values_and_sums_have_a_chart_and_texts_have_none() -> None:
    readings = Readings()
    add(readings, [{0: "open", 4: True}, {0: "total", 5: 2.5}, {0: "note", 3: "x"}])
    points = {name: [y for _, y in readings.series(name)] for name in ("open", "total", "note")}
    assert points == {"open": [1.0], "total": [2.5], "note": []}


def test_invented_names_push_out_the_oldest() -> None:
    readings = Readings(names_max=10, points_max=5)
    for number in range(50):
        add(readings, [{0: f"n{number}", 2: number}, {0: "kept", 2: number}])
    assert len(readings.latest()) == 10
    assert len(readings.series("kept")) == 5
    assert readings.series("n0") == []
    assert readings.forgotten == 41


def test_memory_of_duplicates_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr("collector.readings.DUPLICATES_MAX", 10)
    readings = Readings()
    for seq in range(100):
        add(readings, report(seq))
    assert len(readings._keys) == 10
    assert add(readings, report(99)) == []
    assert len(add(readings, report(0))) == 2


@pytest.mark.parametrize(
    ("pack", "found"),
    [
        (report(7), ("gate:", 7)),
        ([{-2: "gate:", 2: 7}, {0: "t", 2: 5}], ("gate:", 7)),
        ([{-2: "gate:", 2: 7}], ("gate:", 7)),
        ([{0: "seq", 2: 7}, {0: "t", 2: 5}], ("", 7)),
        ([{-2: "gate:", 2: 7}, {-2: "door:", 0: "t", 2: 5}], ("", None)),
        ([{-2: "gate", 2: 7}, {0: "t", 2: 5}], ("", None)),
        ([{-2: "gate:", 0: "seq", 2: 7.5}], ("", None)),
        ([{-2: "gate:", 0: "seq", 2: -1}], ("", None)),
        ([{-2: "gate:", 0: "t", 2: 7}, {0: "seq", 2: 5}], ("", None)),
    ],
)
def test_the_sequence_number_stands_first(pack: Any, found: Any) -> None:
    assert sequence_number(packs.read(cbor2.dumps(pack), NOW)) == found


def test_a_report_whose_number_has_no_name_of_its_own() -> None:
    readings = Readings()
    pack = [{-2: "gate:", 2: 7}, {0: "rp", 2: -90}]
    assert add(readings, pack) == ["gate:=7", "gate:rp=-90"]
    assert add(readings, pack) == []
    assert [(reading.name, reading.unit) for reading, _ in readings.latest()] == [
        ("gate:rp", "dBm"), ("gate:", None),
    ]  # fmt: skip
