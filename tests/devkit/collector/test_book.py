"""Latest values, series, duplicates (docs/report.md), and bounds."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest

from devkit.collector import book as book_module
from devkit.collector import packs
from devkit.collector.book import Book
from devkit.collector.report import sequence
from tests.devkit.collector.rig import report

NOW = 1_800_000_000.0


def add(book: Book, pack: Any, at: float = NOW) -> list[str]:
    records = packs.read(cbor2.dumps(pack), at)
    return [f"{each.name}={each.shown}" for each in book.add(records, "udp", "::1", at)]


def test_a_repeated_datagram_is_counted_and_not_taken_again() -> None:
    book = Book()
    assert add(book, report(7)) == ["gate:seq=7", "gate:t=21.50"]
    assert add(book, report(7), NOW + 1) == []
    assert book.duplicates == 2
    assert [count for _, count in book.latest()] == [1, 1]


def test_a_second_datagram_of_a_report_is_no_duplicate() -> None:
    book = Book()
    add(book, report(7))
    assert add(book, report(7, att=3578)) == ["gate:att=3578"]
    assert book.duplicates == 0


def test_the_same_number_of_another_board_is_no_duplicate() -> None:
    book = Book()
    add(book, report(7))
    assert len(add(book, report(7, base="door:"))) == 2


def test_a_board_that_begins_again_is_believed() -> None:
    book = Book()
    for seq, t in ((0, 20), (1, 21), (0, 30), (1, 31)):
        assert f"gate:t={t}" in add(book, report(seq, t=t)), (seq, t)
    assert add(book, report(1, t=31)) == []


def test_what_has_no_sequence_number_is_never_a_duplicate() -> None:
    book = Book()
    for _ in range(2):
        assert add(book, [{-2: "gate:", 0: "t", 2: 5}, {0: "seq", 2: 1}])
    assert book.duplicates == 0


def test_a_measurement_that_comes_late_is_in_the_series_but_not_the_latest() -> None:
    book = Book()
    for when, value in ((NOW - 10, 1), (NOW - 900, 2)):
        add(book, [{0: "t", 6: when, 2: value}])
    assert book.series("t") == [(NOW - 900, 2.0), (NOW - 10, 1.0)]
    assert book.series("t", NOW - 100) == [(NOW - 10, 1.0)]
    [(entry, count)] = book.latest()
    assert (entry.shown, count) == ("1", 2)


def test_a_time_that_cannot_be_right_is_the_time_of_reception() -> None:
    book = Book()
    for when in (1e290, NOW + 10 * 86_400, 2**28 + 1):
        add(book, [{0: "t", 6: when, 2: 1}])
    assert [at for at, _ in book.series("t")] == [NOW] * 3


def test_truth_values_and_sums_have_a_chart_and_texts_have_none() -> None:
    book = Book()
    add(book, [{0: "open", 4: True}, {0: "total", 5: 2.5}, {0: "note", 3: "x"}])
    points = {name: [y for _, y in book.series(name)] for name in ("open", "total", "note")}
    assert points == {"open": [1.0], "total": [2.5], "note": []}


def test_invented_names_push_out_the_oldest() -> None:
    book = Book(names_max=10, points_max=5)
    for number in range(50):
        add(book, [{0: f"n{number}", 2: number}, {0: "kept", 2: number}])
    assert len(book.latest()) == 10
    assert len(book.series("kept")) == 5
    assert book.series("n0") == []
    assert book.evicted == 41


def test_memory_of_duplicates_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(book_module, "KEYS_MAX", 10)
    book = Book()
    for seq in range(100):
        add(book, report(seq))
    assert len(book._keys) == 10
    assert add(book, report(99)) == []
    assert len(add(book, report(0))) == 2


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
    assert sequence(packs.read(cbor2.dumps(pack), NOW)) == found


def test_a_report_whose_number_has_no_name_of_its_own() -> None:
    book = Book()
    pack = [{-2: "gate:", 2: 7}, {0: "rp", 2: -90}]
    assert add(book, pack) == ["gate:=7", "gate:rp=-90"]
    assert add(book, pack) == []
    assert [(entry.name, entry.unit) for entry, _ in book.latest()] == [
        ("gate:rp", "dBm"), ("gate:", None),
    ]  # fmt: skip
