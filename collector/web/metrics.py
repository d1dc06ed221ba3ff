"""The state of the collector as Prometheus text.

text(connection, status, time.time())

Source: prometheus.io, docs/instrumenting/exposition_formats (text format 0.0.4).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from collector.storage.database import Connection
from collector.web import queries

TYPE = "text/plain; version=0.0.4; charset=utf-8"
NODES_MAX = 1_000  # more nodes have no series of their own

Samples = Iterable[tuple[dict[str, str], float | None]]


def text(connection: Connection, status: dict[str, Any], now_s: float) -> str:
    """Return all metrics; status: as in collector/web/api.py."""
    counts, _ = queries.count_states(connection, now_s)
    [(alarms,)] = connection.execute("SELECT count(*) FROM alarm WHERE until IS NULL")
    [(notices,)] = connection.execute("SELECT count(*) FROM notice WHERE sent IS NULL")
    counters = queries.counters(connection)
    committed = status.get("committed")
    parts = [
        _metric(f"collect_{name}_total", "counter", f"{name}, over all runs", [({}, number)])
        for name, number in sorted(counters.items())
    ]
    parts += [
        _metric("collect_nodes", "gauge", "Nodes in each state",
                [({"state": state}, number) for state, number in counts.items()]),
        _metric("collect_alarms_open", "gauge", "Alarms that go on", [({}, alarms)]),
        _metric("collect_notices_waiting", "gauge", "Notices that are not sent yet",
                [({}, notices)]),
        _metric("collect_messages_waiting", "gauge", "Messages that are not stored yet",
                [({}, status.get("waiting"))]),
        _metric("collect_commit_age_seconds", "gauge", "Since the last commit",
                [({}, None if committed is None else max(0.0, now_s - committed))]),
    ]  # fmt: skip
    if sum(counts.values()) <= NODES_MAX:
        parts += _of_nodes(connection)
    return "".join(parts)


def _of_nodes(connection: Connection) -> list[str]:
    rows = connection.execute(
        "SELECT base, seen, battery FROM node LEFT JOIN watch ON watch.node = node.id"
        " ORDER BY length(base) LIMIT ?",
        (NODES_MAX,),
    )
    # `gate` and `gate:` have one name; the second counts
    found = {queries.short(base): figures for base, *figures in rows}
    labels = [({"node": name}, seen or None, battery) for name, (seen, battery) in found.items()]
    return [
        _metric("collect_node_seen_timestamp_seconds", "gauge", "The last report of a node",
                [(each, seen) for each, seen, _ in labels]),
        _metric("collect_node_battery_volts", "gauge", "Battery of a node",
                [(each, battery) for each, _, battery in labels]),
    ]  # fmt: skip


def _metric(name: str, kind: str, about: str, samples: Samples) -> str:
    lines = [f"{name}{_labels(labels)} {value}" for labels, value in samples if value is not None]
    if not lines:
        return ""
    return "\n".join([f"# HELP {name} {about}", f"# TYPE {name} {kind}", *lines, ""])


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
