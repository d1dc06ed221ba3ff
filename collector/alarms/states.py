"""The state of a node, in SQL.

    rows = connection.execute(f"SELECT node.base, {STATE} FROM {NODES}", (time.time(),))

    muted    its alarms are switched off
    never    expected, and not heard of yet
    silent   no report for more than 3 periods and 1 min
    late     no report for more than 1.5 periods and 1 min
    ok

The period is the usual time between its reports (`watch.period`). A node without a known one is
late after 1 h, and silent after 24 h.
"""

from __future__ import annotations

STATES = ("ok", "late", "silent", "never", "muted")
LATE, SILENT = 1.5, 3.0  # periods
SLACK_S = 60
LATE_S, SILENT_S = 3_600, 86_400  # without a period

# The only value is the time now, which stands in front of those of a WHERE
NODES = (
    "node LEFT JOIN watch ON watch.node = node.id"
    " CROSS JOIN (SELECT CAST(? AS DOUBLE PRECISION) AS now) AS clock"
)


def due(periods: float, unknown_s: float) -> str:
    """Return SQL of the time from which a node has been without a report for so many periods."""
    return f"(node.seen + coalesce({periods} * watch.period + {SLACK_S}, {unknown_s}))"


STATE = f"""
CASE WHEN watch.muted > clock.now THEN 'muted'
     WHEN node.seen = 0 THEN 'never'
     WHEN clock.now > {due(SILENT, SILENT_S)} THEN 'silent'
     WHEN clock.now > {due(LATE, LATE_S)} THEN 'late'
     ELSE 'ok' END
"""
