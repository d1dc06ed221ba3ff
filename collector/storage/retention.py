"""Deletes old reports with their records, or a node, a little at a time.

    retention = Retention(365)              # days since their reception
    retention.step(connection)              # a few ms; call it when nothing else is to be done
    forget(connection, 17)                  # a node, with all that is known of it

Of each boot the reports are deleted from the first one on, up to the first that is not old. What
remains has no holes, so that nothing looks like a gap. Nodes, latest values and counters stay.
"""

from __future__ import annotations

import itertools
import time

from collector.storage.database import Connection, Unwritable

STEP_REPORTS = 100  # at most in a transaction, which takes a few ms
LOOK_S = 0.003  # of a step, for boots of which nothing is old
PASS_S = 600.0  # from the end of a pass over all nodes to the next
FAILED_S = 30.0
JUMP_S, TRUSTED_S = 3_600, 86_400.0  # of the clock, and until one that was set is believed
_START, _END = (0, 0, 0), 2**63 - 1
_NEXT = """
SELECT node, boot, seq, received FROM report WHERE (node, boot, seq) > (?, ?, ?) AND part = 0
ORDER BY node, boot, seq LIMIT ?
"""
_REPORTS = "SELECT boot, seq FROM report WHERE node = ? ORDER BY boot, seq LIMIT ?"
_OF_NODE = ("record", "report", "latest", "watch", "fleet", "alarm")
_DELETE = "DELETE FROM {} WHERE node = ? AND boot = ? AND seq <= ?"


class Retention:
    def __init__(self, keep_days: float) -> None:
        self._keep_s = keep_days * 86_400
        self._after: tuple[int, int, int] = _START  # node, boot and seq behind which it goes on
        self._due_s = 0.0
        self._clock_s = _clock_s()

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self._due_s

    def step(self, connection: Connection) -> None:
        """Look at some boots, and delete from one at most. Unwritable if that is not allowed."""
        clock_s = _clock_s()
        if abs(clock_s - self._clock_s) > JUMP_S:  # all may seem old, and only for a moment
            self._clock_s, self._due_s = clock_s, time.monotonic() + TRUSTED_S
            return
        end_s, before_s = time.monotonic() + LOOK_S, time.time() - self._keep_s
        try:
            while self._look(connection, before_s) and time.monotonic() < end_s:
                pass
        except OSError:  # the store notices it, too, and tells
            self._due_s = time.monotonic() + FAILED_S
        except Unwritable:
            self._due_s = time.monotonic() + PASS_S
            raise

    def _look(self, connection: Connection, before_s: float) -> bool:
        """Return True if there was nothing to delete in the next boot."""
        rows = connection.execute(_NEXT, (*self._after, STEP_REPORTS))
        if not rows:
            self._after, self._due_s = _START, time.monotonic() + PASS_S
            return False
        boot = rows[0][:2]
        old = [*itertools.takewhile(lambda row: row[:2] == boot and row[3] < before_s, rows)]
        if old:
            with connection.transaction():
                for table in ("record", "report"):
                    connection.execute(_DELETE.format(table), old[-1][:3])
        if len(old) < STEP_REPORTS:
            self._after = (*boot, _END)
        return not old


def _clock_s() -> float:
    """Return what changes only when somebody sets the clock, or the computer has slept."""
    return time.time() - time.monotonic()


def forget(connection: Connection, node: int) -> int:
    """Delete a node, while others write; return the number of its reports."""
    reports = 0
    while rows := connection.execute(_REPORTS, (node, STEP_REPORTS)):
        last = [row for row in rows if row[0] == rows[0][0]]
        with connection.transaction():
            for table in ("record", "report"):
                connection.execute(_DELETE.format(table), (node, *last[-1]))
        reports += len({*last})
    with connection.transaction():
        for table in _OF_NODE:  # and what has come meanwhile
            connection.execute(f"DELETE FROM {table} WHERE node = ?", (node,))
        connection.execute("DELETE FROM node WHERE id = ?", (node,))
    return reports
