"""What a person at the terminal sees: a table of the latest values, or a line for each record.

A terminal is redrawn at most twice a second, however much comes. Anything else (a pipe, a file)
gets a line for each record as it comes, or with `--json` an object.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from tabulate import tabulate

from collector.readings import Entry, Readings

REDRAW_S = 0.5
HEADINGS = ("name", "value", "unit", "age", "by", "records")
_HOME, _REST_OF_LINE, _REST, _NEW_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"


def as_line(entry: Entry) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(entry.received_s))
    unit = f" {entry.unit}" if entry.unit else ""
    return f"{at} {entry.protocol} {entry.source} {entry.name} = {entry.shown}{unit}"


def as_object(entry: Entry) -> dict[str, Any]:
    """For --json and the page: everything is a string, a number, true, false or null."""
    return {
        "name": entry.name, "base": entry.base, "shown": entry.shown, "number": entry.number,
        "unit": entry.unit, "kind": entry.kind, "seq": entry.seq, "at": entry.at_s,
        "received": entry.received_s, "protocol": entry.protocol, "source": entry.source,
    }  # fmt: skip


def _plain(entry: Entry) -> str | float | bool | None:
    """The whole value, as JSON has it; bytes in hex."""
    if isinstance(entry.value, bytes):
        return entry.value.hex()
    if isinstance(entry.value, (bool, str)) or entry.value is None:
        return entry.value
    return entry.number


class Lines:
    """A sink that prints."""

    def __init__(self, out: TextIO, as_json: bool, stop: threading.Event) -> None:
        """stop: is set when nobody reads any more."""
        self._out, self._json, self._stop = out, as_json, stop

    def put(self, entries: Sequence[Entry]) -> None:
        shown = [
            json.dumps({**as_object(e), "value": _plain(e)}) if self._json else as_line(e)
            for e in entries
        ]
        try:
            print("\n".join(shown), file=self._out, flush=True)
        except (BrokenPipeError, ValueError):
            self._stop.set()


class Screen:
    """Redraws a terminal until it is closed."""

    def __init__(
        self, readings: Readings, heading: Callable[[], str], out: TextIO = sys.stdout
    ) -> None:
        self._readings, self._heading, self._out = readings, heading, out
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="screen", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _work(self) -> None:
        self._out.write(_NEW_SCREEN)
        while not self._stop.is_set():
            self._draw()
            self._stop.wait(REDRAW_S)
        self._draw()

    def _draw(self) -> None:
        size = shutil.get_terminal_size()
        text = picture(self._readings, self._heading(), time.time(), size.columns, size.lines - 1)
        lines = [line + _REST_OF_LINE for line in text.splitlines()]
        self._out.write(_HOME + "\n".join(lines) + "\n" + _REST)
        self._out.flush()


def picture(readings: Readings, heading: str, now_s: float, columns: int, lines: int) -> str:
    """The heading and as many of the latest values as there is room for."""
    latest = readings.latest()
    top = [*heading.splitlines(), ""]
    room = max(1, lines - len(top) - 3)
    rows = [
        (e.name, e.shown, e.unit, _age(now_s - e.received_s), e.protocol, count)
        for e, count in latest[:room]
    ]
    body = _table(rows).splitlines() if rows else ["nothing has arrived yet"]
    more = [f"and {len(latest) - room} more"] if len(latest) > room else []
    return "\n".join(line[:columns] for line in [*top, *body, *more])


def _table(rows: list[tuple[Any, ...]]) -> str:
    """Numbers as they were sent, to the last digit: as texts."""
    sides = ("left", "right", "left", "right", "left", "right")
    return str(
        tabulate(rows, HEADINGS, "simple", missingval="-", disable_numparse=True, colalign=sides)
    )


def _age(seconds: float) -> str:
    seconds = max(0, round(seconds))
    return f"{seconds} s" if seconds < 100 else f"{seconds // 60} min"
