"""Latest values, and what a pack says of itself."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest

from collector.decode import packs
from collector.decode.report import sequence_number
from collector.storage import database
from collector.storage.store import Store
from collector.terminal import latest
from tests.collector.rig import message, report, stored

NOW = 1_800_000_000.0


def shown(where: str, store: Store, *packs: Any) -> dict[str, tuple[Any, ...]]:
    """Name -> (value, when it was measured, records) of the latest, after these packs."""
    stored(store, *(message(pack, NOW) for pack in packs))
    with database.connect(where) as connection:
        rows = latest(connection, 100)
    return {name: (value, measured, count) for name, value, _, measured, _, _, count in rows}


def test_a_measurement_that_comes_late_is_not_the_latest(where: str) -> None:
    with Store(where) as store:
        packs = [[{0: "t", 6: when, 2: value}] for when, value in ((NOW - 10, 1), (NOW - 900, 2))]
        assert shown(where, store, *packs) == {"t": ("1", NOW - 10, 2)}


def test_a_time_that_cannot_be_right_is_unknown(where: str) -> None:
    with Store(where) as store:
        packs = [[{0: "t", 6: when, 2: 1}] for when in (1e290, NOW + 10 * 86_400, 2**28 + 1)]
        assert shown(where, store, *packs) == {"t": ("1", None, 3)}


def test_a_value_of_no_known_time_is_the_latest_if_its_node_does_have_a_clock(where: str) -> None:
    """A wrong clock must not hold the page back; a report from before a power loss must."""
    with Store(where) as store:
        for value, records in enumerate([{6: NOW - 10}, {}, {6: 2**28 + 1}, {6: NOW - 5}]):
            marks = [] if records else [{0: "tu", 4: True}]
            pack = [{-2: "g:", 2: value}, *marks, {0: "t", 2: value, **records}]
            assert shown(where, store, pack)["g:t"][0] == ["0", "0", "2", "2"][value]


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
