"""Each node is in one state, by the time of its last report and its period."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collector.alarms.states import NODES, STATE, STATES
from collector.storage import database

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("ago_s", "period_s", "muted", "expected"),
    [
        (0, 900, None, "ok"),
        (1_410, 900, None, "ok"),
        (1_411, 900, None, "late"),
        (2_760, 900, None, "late"),
        (2_761, 900, None, "silent"),
        (3_600, None, None, "ok"),
        (3_601, None, None, "late"),
        (86_401, None, None, "silent"),
        (NOW, None, None, "never"),
        (9_999, 900, NOW + 1, "muted"),
        (NOW, None, NOW + 1, "muted"),
        (9_999, 900, NOW, "silent"),  # muted no longer
    ],
)
def test_the_state_of_a_node(tmp_path: Path, ago_s: Any, period_s: Any, muted: Any,
                             expected: str) -> None:  # fmt: skip
    with database.connect(str(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE node (id INTEGER, seen REAL)")
        connection.execute("CREATE TABLE watch (node INTEGER, period REAL, muted REAL)")
        connection.execute("INSERT INTO node VALUES (1, ?)", (NOW - ago_s,))
        if period_s or muted:
            connection.execute("INSERT INTO watch VALUES (1, ?, ?)", (period_s, muted))
        assert connection.execute(f"SELECT {STATE} FROM {NODES}", (NOW,)) == [(expected,)]
    assert expected in STATES
