"""What a terminal shows."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

from collector import terminal
from collector.readings import Readings
from collector.terminal import LinePrinter, Screen, screen_text
from tests.collector.rig import readings as readings_of
from tests.collector.rig import report

NOW = 1_800_000_000.0


def test_a_picture_fits_the_terminal() -> None:
    readings = Readings()
    assert "nothing has arrived yet" in screen_text(readings, "0 messages", NOW, 80, 24)
    values = {f"value{number:02}": number for number in range(40)}
    readings.add(readings_of(report(5, **values), NOW - 61))
    shown = screen_text(readings, "1 message\ntrouble", NOW, 80, 20).splitlines()
    assert shown[:2] == ["1 message", "trouble"]
    assert shown[5].split() == [
        "gate:value00", "0", "Cel", "61", "s", "61", "s", "udp", "1",
    ]  # fmt: skip
    assert len(shown) <= 20 and shown[-1] == "and 27 more"
    assert max(map(len, shown)) <= 80


@pytest.mark.parametrize(
    ("record", "line", "table"),
    [
        ({}, "gate:t = 5", "0 s 0 s"),
        ({6: -900}, "gate:t = 5, measured 2027-01-15 ", "15 min 0 s"),
        ({6: 2**28 + 1}, "gate:t = 5, at an unknown time", "unknown 0 s"),
    ],
    ids=["now", "late", "unknown"],
)
def test_when_it_was_measured_is_shown_beside_when_it_came(
    record: dict[int, Any], line: str, table: str
) -> None:
    readings = Readings()
    [reading] = found = readings_of([{0: "gate:t", 2: 5, **record}], NOW)
    readings.add(found)
    assert line in terminal.as_line(reading)
    assert table in " ".join(screen_text(readings, "", NOW, 80, 24).split())


def test_a_screen_is_redrawn_when_something_comes() -> None:
    readings, out = Readings(), io.StringIO()
    screen = Screen(readings, lambda: "heading", out)
    readings.add(readings_of(report(5), NOW))
    screen.close()
    last = out.getvalue().split(terminal._HOME)[-1]
    assert "gate:t" in last and "21.50" in last


def test_a_reader_that_has_gone_ends_the_program() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    stop = threading.Event()
    printer = LinePrinter(Gone(), False, stop)
    printer.put(readings_of(report(5), NOW))
    assert stop.wait(5)
    printer.close()


def test_a_reader_that_does_not_read_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = threading.Event()

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            going_on.wait(10)
            return super().write(text)

    monkeypatch.setattr(terminal, "LINES_MAX", 10)
    out = Slow()
    printer = LinePrinter(out, False, threading.Event())
    for number in range(30):
        printer.put(readings_of(report(number), NOW))
    going_on.set()
    printer.close()
    assert 2 * 19 <= printer.missed == 60 - len(out.getvalue().splitlines())
