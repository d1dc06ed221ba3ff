"""What a terminal shows."""

from __future__ import annotations

import io
import threading

import cbor2

from collector import packs, terminal
from collector.readings import Readings
from collector.terminal import LinePrinter, Screen, screen_text
from tests.collector.rig import report

NOW = 1_800_000_000.0


def test_a_picture_fits_the_terminal() -> None:
    readings = Readings()
    assert "nothing has arrived yet" in screen_text(readings, "0 messages", NOW, 80, 24)
    values = {f"value{number:02}": number for number in range(40)}
    readings.add(packs.read(cbor2.dumps(report(5, **values)), NOW), "udp", "::1", NOW - 61)
    shown = screen_text(readings, "1 message\ntrouble", NOW, 60, 20).splitlines()
    assert shown[:2] == ["1 message", "trouble"]
    assert shown[5].split() == ["gate:value00", "0", "Cel", "61", "s", "udp", "1"]
    assert len(shown) <= 20 and shown[-1] == "and 27 more"
    assert max(map(len, shown)) <= 60


def test_a_screen_is_redrawn_when_something_comes() -> None:
    readings, out = Readings(), io.StringIO()
    screen = Screen(readings, lambda: "heading", out)
    readings.add(packs.read(cbor2.dumps(report(5)), NOW), "udp", "::1", NOW)
    screen.close()
    last = out.getvalue().split(terminal._HOME)[-1]
    assert "gate:t" in last and "21.50" in last


def test_a_reader_that_has_gone_ends_the_program() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    stop = threading.Event()
    records = packs.read(cbor2.dumps(report(5)), NOW)
    LinePrinter(Gone(), False, stop).put(Readings().add(records, "udp", "::1", NOW))
    assert stop.is_set()
