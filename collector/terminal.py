"""The output on stdout: a table of the latest values on a terminal, else a line for each record.

A terminal is redrawn twice a second. A pipe or a file gets a line for each record as it is
received, or with `--json` an object.
"""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from tabulate import tabulate

from collector.storage.database import Connection
from collector.storage.readings import Reading
from collector.web.queries import shown

REDRAW_S = 0.5
PRINT_MAX = 10_000  # messages that wait for a reader of the lines
HEADINGS = ("name", "value", "unit", "measured", "received", "protocol", "records")
# Only of as many nodes as there may be lines: each has one value at least
_LATEST = """
SELECT base, name.name, nth, unit, kind, coalesce(value, sum), other, latest.measured, received,
       protocol, count
FROM (SELECT id, base, protocol FROM node WHERE seen > 0 ORDER BY base LIMIT ?) AS listed
     JOIN latest ON latest.node = listed.id JOIN name ON name.id = latest.name
ORDER BY base, name.name, nth LIMIT ?
"""
# name, value, unit, measured, received, protocol, records
Row = tuple[str, str, str, float | None, float, str, int]
_HOME, _REST_OF_LINE, _REST, _NEW_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"


def as_line(reading: Reading) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(reading.received_s))
    unit = f" {reading.unit}" if reading.unit else ""
    line = f"{at} {reading.protocol} {reading.source} {reading.name} = {reading.shown}{unit}"
    if reading.measured_s is None:
        return line + ", at an unknown time"
    if abs(reading.measured_s - reading.received_s) < 1:
        return line
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(reading.measured_s))
    return f"{line}, measured {at}"


def as_object(reading: Reading) -> dict[str, Any]:
    """Return the fields for --json and for the page: strings, numbers, true, false and null."""
    return {
        "name": reading.name, "base": reading.base, "shown": reading.shown,
        "number": reading.number, "unit": reading.unit, "kind": reading.kind, "seq": reading.seq,
        "measured": reading.measured_s, "received": reading.received_s,
        "protocol": reading.protocol, "source": reading.source,
    }  # fmt: skip


def _json_value(reading: Reading) -> str | float | bool | None:
    """Return the whole value; bytes in hex."""
    if isinstance(reading.value, bytes):
        return reading.value.hex()
    if isinstance(reading.value, (bool, str)) or reading.value is None:
        return reading.value
    return reading.number


class LinePrinter:
    """Prints a line for each record, in a thread: a reader who pauses delays no answer."""

    def __init__(self, out: TextIO, as_json: bool, stop: threading.Event) -> None:
        """stop: set when the reader has closed the pipe."""
        self.skipped = 0  # records, because the reader was too slow
        self._out, self._json, self._stop = out, as_json, stop
        self._queue: queue.Queue[Sequence[Reading] | None] = queue.Queue(PRINT_MAX)
        self._thread = threading.Thread(target=self._work, name="print", daemon=True)
        self._thread.start()

    def put(self, readings: Sequence[Reading]) -> None:
        try:
            self._queue.put_nowait(readings)
        except queue.Full:
            self.skipped += len(readings)

    def close(self) -> None:
        """Print what waits, unless the reader pauses."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
            self._thread.join(timeout=5)

    def _work(self) -> None:
        while (readings := self._queue.get()) is not None:
            lines = [
                json.dumps({**as_object(each), "value": _json_value(each)})
                if self._json
                else as_line(each)
                for each in readings
            ]
            try:
                print("\n".join(lines), file=self._out, flush=True)
            except (BrokenPipeError, ValueError):
                self._stop.set()


class Screen:
    """Redraws a terminal until it is closed."""

    def __init__(
        self, read: Callable[[int], list[Row]], summary: Callable[[], str],
        out: TextIO = sys.stdout,
    ) -> None:  # fmt: skip
        """read(most): returns the `latest` values; summary: the lines above the table."""
        self._read, self._summary, self._out = read, summary, out
        self._rows: list[Row] = []
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
        now_s = time.time()
        with contextlib.suppress(OSError):  # the summary says what is wrong with the database
            self._rows = self._read(size.lines)
        text = screen_text(self._rows, self._summary(), now_s, size.columns, size.lines - 1)
        lines = [line + _REST_OF_LINE for line in text.splitlines()]
        self._out.write(_HOME + "\n".join(lines) + "\n" + _REST)
        self._out.flush()


def latest(connection: Connection, most: int) -> list[Row]:
    """Return the latest values, in the order of nodes and names: rows of the table."""
    rows = []
    for base, name, nth, unit, kind, value, other, measured, *rest in connection.execute(
        _LATEST, (most, most)
    ):
        value = bool(value) if kind == "bool" and value is not None else value
        again = f" ({nth + 1})" if nth else ""
        rows.append((base + name + again, shown(value, other), unit, measured, *rest))
    return rows


def screen_text(rows: Sequence[Row], summary: str, now_s: float, columns: int, lines: int) -> str:
    """Return the summary and as many of the latest values as there is room for."""
    top = [*summary.splitlines(), ""]
    room = max(1, lines - len(top) - 3)
    table = [
        (name, value, unit, _age(now_s, measured), _age(now_s, received), protocol, count)
        for name, value, unit, measured, received, protocol, count in rows[:room]
    ]
    body = _table(table).splitlines() if table else ["nothing has arrived yet"]
    more = ["and more"] if len(rows) > room else []
    return "\n".join(line[:columns] for line in [*top, *body, *more])


def _table(rows: list[tuple[Any, ...]]) -> str:
    """Return a table with numbers as they were sent, to the last digit."""
    sides = ("left", "right", "left", "right", "right", "left", "right")
    return str(
        tabulate(rows, HEADINGS, "simple", missingval="-", disable_numparse=True, colalign=sides)
    )


def _age(now_s: float, then_s: float | None) -> str:
    if then_s is None:
        return "unknown"
    seconds = max(0, round(now_s - then_s))
    if seconds < 6_000:
        return f"{seconds} s" if seconds < 100 else f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 48 * 3600 else f"{seconds // 86400} d"
