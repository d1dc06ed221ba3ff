"""What a terminal shows."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

from collector import terminal
from collector.storage.store import Store
from collector.terminal import LinePrinter, Screen, latest, screen_text
from tests.collector.rig import message, report, stored, wait_until
from tests.collector.rig import readings as readings_of

NOW = 1_800_000_000.0


def test_a_picture_fits_the_terminal() -> None:
    assert "nothing has arrived yet" in screen_text([], "0 messages", NOW, 80, 24)
    rows = [
        (f"gate:value{number:02}", "0", "Cel", NOW - 61, NOW - 61, "udp", 1)
        for number in range(40)
    ]
    shown = screen_text(rows, "1 message\ntrouble", NOW, 80, 20).splitlines()
    assert shown[:2] == ["1 message", "trouble"]
    assert shown[5].split() == [
        "gate:value00", "0", "Cel", "61", "s", "61", "s", "udp", "1",
    ]  # fmt: skip
    assert len(shown) <= 20 and shown[-1] == "and more"
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
    [reading] = readings_of([{0: "gate:t", 2: 5, **record}], NOW)
    assert line in terminal.as_line(reading)
    row = (reading.name, reading.shown, "", reading.measured_s, reading.received_s, "udp", 1)
    assert table in " ".join(screen_text([row], "", NOW, 80, 24).split())


def test_a_screen_shows_what_is_in_the_database(where: str) -> None:
    """The last picture, too: it has what came last. Values of each kind in the words of people."""
    out = io.StringIO()
    with Store(where) as store:
        screen = Screen(lambda most: store.read(lambda c: latest(c, most)), lambda: "heading", out)
        pack = [*report(5), {0: "open", 4: True}, {0: "all", 5: 2.5}, {0: "say", 3: "a\x1b[2J"}]
        stored(store, message(pack, NOW))
        screen.close()
    last = out.getvalue().split(terminal._HOME)[-1]
    shown = [line.split()[:2] for line in last.splitlines()[4:9]]
    assert shown == [
        ["gate:all", "2.5"], ["gate:open", "true"], ["gate:say", "a\\x1b[2J"], ["gate:seq", "5"],
        ["gate:t", "21.5"],
    ]  # fmt: skip


def test_a_reader_that_has_gone_ends_the_program() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    stop = threading.Event()
    LinePrinter(Gone(), False, stop).put(readings_of(report(5), NOW))
    assert stop.wait(5)


def test_a_reader_that_pauses_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PRINT_MAX", 3)
    reading = threading.Event()

    class Paused(io.StringIO):
        def write(self, text: str) -> int:
            reading.wait(5)
            return super().write(text)

    out = Paused()
    printer = LinePrinter(out, False, threading.Event())
    for seq in range(10):
        printer.put(readings_of(report(seq), NOW))  # two records each
    skipped = printer.skipped
    assert skipped in (12, 14)  # three wait, and one is being printed
    reading.set()
    assert wait_until(lambda: out.getvalue().count("\n") == 20 - skipped)
    printer.close()
