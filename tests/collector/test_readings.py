"""Latest values, and their bounds."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest

from collector import packs
from collector.readings import Readings
from collector.report import sequence_number
from tests.collector.rig import readings as readings_of
from tests.collector.rig import report

NOW = 1_800_000_000.0


def add(readings: Readings, pack: Any, at: float = NOW) -> list[str]:
    found = readings_of(pack, at)
    readings.add(found)
    return [f"{each.name}={each.shown}" for each in found]


def test_a_measurement_that_comes_late_is_not_the_latest() -> None:
    readings = Readings()
    for when, value in ((NOW - 10, 1), (NOW - 900, 2)):
        add(readings, [{0: "t", 6: when, 2: value}])
    [(reading, count)] = readings.latest()
    assert (reading.shown, count) == ("1", 2)


def test_a_time_that_cannot_be_right_is_unknown() -> None:
    readings = Readings()
    for when in (1e290, NOW + 10 * 86_400, 2**28 + 1):
        add(readings, [{0: "t", 6: when, 2: 1}])
    [(reading, count)] = readings.latest()
    assert (reading.measured_s, reading.received_s, count) == (None, NOW, 3)


def test_a_value_of_no_known_time_is_the_latest_if_its_node_does_have_a_clock() -> None:
    """A wrong clock must not hold the page back; a report from before a power loss must."""
    readings = Readings()
    for value, records in enumerate([{6: NOW - 10}, {}, {6: 2**28 + 1}, {6: NOW - 5}]):
        marks = [] if records else [{0: "tu", 4: True}]
        add(readings, [{-2: "g:", 2: value}, *marks, {0: "t", 2: value, **records}])
        [shown] = [each.shown for each, _ in readings.latest() if each.name == "g:t"]
        assert shown == ["0", "0", "2", "2"][value]


def test_invented_names_push_out_the_oldest() -> None:
    readings = Readings(names_max=10)
    for number in range(50):
        add(readings, [{0: f"n{number}", 2: number}, {0: "kept", 2: number}])
    assert len(readings.latest()) == 10
    assert {each.name: count for each, count in readings.latest()}["kept"] == 50
    assert readings.forgotten == 41


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


def test_units_that_a_report_leaves_out_are_filled_in() -> None:
    first = [{-2: "g:", 2: 7}, {0: "rp", 2: 1}, {0: "h", 1: "%", 2: 1}, {0: "h", 2: 1}]
    second = [{0: "t", 1: "K", 2: 1}, {2: 8}, {0: "rp", 2: 1}, {0: "h", 2: 1}, {0: "t", 2: 1}]
    third = [{0: "t", 1: "V", 2: 1}, {2: 9}, {0: "t", 2: 1}]
    units = [each.unit for each in packs.read(cbor2.dumps(first + second + third), NOW)]
    assert units == [None, "dBm", "%", None, "K", None, "dBm", None, "K", "V", None, "V"]
