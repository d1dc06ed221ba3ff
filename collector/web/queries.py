"""What the page, the API and the metrics read: nodes, their values, alarms, refused messages.

    nodes(connection, time.time(), search="gate", sort="-seen")     # one page of the overview
    node(connection, time.time(), "gate")                           # one node; None if unknown

The overview takes its figures from `node`, `watch`, `fleet` and `latest`, one row a node or name:
it never looks into `record`. Results are ready for JSON: times in seconds since 1970, None for
unknown. Names and texts come from strangers; they are values of statements, never part of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector.alarms.states import NODES, STATE, STATES
from collector.decode import packs
from collector.decode.report import BASE_END, SEQ, UNITS
from collector.storage.database import Connection, marks, writable
from collector.updates.fleet import status
from collector.web.labels import label

PAGE_ROWS = 100
NAMES_MAX = 1_000  # of a node
REFUSED_SHOWN = 20
SEARCH_MAX = 100  # characters

SIGNALS = ("rp", "rq", "rs", "sn")
_WORST_FIRST = ("silent", "late", "never", "ok", "muted")
_RANK = f"CASE {STATE} " + " ".join(f"WHEN '{s}' THEN {n}" for n, s in enumerate(_WORST_FIRST))
# In each state those with an alarm come first
_ALARMED = """ - CASE WHEN EXISTS (SELECT 1 FROM alarm WHERE alarm.node = node.id
AND alarm.until IS NULL) THEN 0.5 ELSE 0 END"""
_SIGNAL = "(SELECT max(value) FROM latest WHERE latest.node = node.id AND latest.name IN ({}))"
_SORTS = {
    "node": "node.base",
    "seen": "nullif(node.seen, 0)",
    "battery": "watch.battery",
    "trend": "watch.trend",
    "lost": "watch.lost",
    "release": "fleet.release",
    "state": _RANK + " END" + _ALARMED,
    "signal": "",  # of the names that the database has
}
SORTS = tuple(_SORTS)
_FIELDS = (
    "node", "state", "seen", "period", "battery", "trend", "lost", "release", "offered",
    "progress",
)  # fmt: skip
_COLUMNS = f"""
node.id, node.base, {STATE} AS state, nullif(node.seen, 0), watch.period, watch.battery,
watch.trend, watch.lost, fleet.release, fleet.offered, fleet.progress
"""
_FROM = f"{NODES} LEFT JOIN fleet ON fleet.node = node.id"
_MATCHES = "lower(node.base) LIKE ? ESCAPE '!'"
_LATEST = """
SELECT name.name, nullif(name.unit, ''), kind, value, sum, other, measured, received, seq, count
FROM latest JOIN name ON name.id = latest.name WHERE latest.node = ?
ORDER BY name.id LIMIT ?
"""


def short(base: str) -> str:
    """Return the name of a node as people read it."""
    return base.removesuffix(BASE_END)


def count_states(
    connection: Connection, now_s: float, search: str = ""
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the number of nodes in each state, and of those that match a search."""
    rows = connection.execute(
        f"SELECT {STATE} AS state, count(*), count(CASE WHEN {_MATCHES} THEN 1 END)"
        f" FROM {NODES} GROUP BY 1",
        (_pattern(search), now_s),
    )
    counts, matching = dict.fromkeys(STATES, 0), dict.fromkeys(STATES, 0)
    for state, number, found in rows:
        counts[state], matching[state] = number, found
    return counts, matching


def nodes(
    connection: Connection, now_s: float, search: str = "", state: str = "", sort: str = "node",
    page: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Return one page of the overview.

    search: a part of the name, in any case. state: one of STATES, "" for all. sort: one of SORTS,
    after a "-" for descending; unknown values stand last.
    """
    counts, matching = count_states(connection, now_s, search)
    total = matching[state] if state else sum(matching.values())
    signals = _signal_names(connection)
    key, values = _sort_key(sort.removeprefix("-"), signals)
    order = f"{key} DESC" if sort.startswith("-") else key
    if key != "node.base":  # in the order of which nodes are found without sorting
        order += " NULLS LAST, node.base"
    condition = f"{_MATCHES} AND {STATE} = ?" if state else _MATCHES
    rows = connection.execute(
        f"SELECT node.id FROM {_FROM} WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?",
        (now_s, _pattern(search), *([state] if state else []), *values, PAGE_ROWS,
         (page - 1) * PAGE_ROWS),
    )  # fmt: skip
    ids = [number for (number,) in rows]
    found = {} if not ids else {
        row[0]: row
        for row in connection.execute(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE node.id IN ({marks(ids)})", (now_s, *ids)
        )
    }  # fmt: skip
    return {
        "now": now_s,
        "total": total,
        "page": page,
        "pages": max(1, -(-total // PAGE_ROWS)),
        "counts": counts,
        "nodes": _with_signals(
            connection, [found[number] for number in ids if number in found], signals
        ),
    }


def node(connection: Connection, now_s: float, name: str) -> dict[str, Any] | None:
    """Return all that is known of a node, with the latest value of each name."""
    base = find(connection, name)
    if base is None:
        return None
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE node.base = ?", (now_s, base[1])
    )
    [found] = _with_signals(connection, rows, _signal_names(connection))
    [(source, protocol, boot, seq, muted)] = connection.execute(
        "SELECT source, protocol, boot, seq, muted FROM node"
        " LEFT JOIN watch ON watch.node = node.id WHERE id = ?",
        (base[0],),
    )
    numbered = seq >= 0
    values = [_value(row) for row in connection.execute(_LATEST, (base[0], NAMES_MAX))]
    values = [each for each in values if each["name"] not in ("", SEQ)]
    return {
        "now": now_s,
        **found,
        "source": source,
        "protocol": protocol,
        "boot": boot if numbered else None,
        "seq": seq if numbered else None,
        "muted": muted if muted and muted > now_s else None,
        "measurements": [each for each in values if each["name"] not in UNITS],
        "figures": [each for each in values if each["name"] in UNITS],
        "fleet": _fleet(connection, base[0]),
        "refused": refused(connection, (protocol, source)),
        "alarms": alarms(connection, is_open=True, node=base[0])["alarms"],
    }


def find(connection: Connection, name: str) -> tuple[int, str] | None:
    """Return (id, base name) of a node; with the colon, if both are there."""
    if writable(name) != name:
        return None
    bases = (name + BASE_END, name)
    found = connection.execute("SELECT base, id FROM node WHERE base IN (?, ?)", bases)
    ids: dict[str, int] = dict(found)
    return next(((ids[base], base) for base in bases if base in ids), None)


def refused(connection: Connection, origin: tuple[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the last refused messages; origin: (protocol, source), whatever the port."""
    fields = ("received", "protocol", "source", "reason")
    rows = connection.execute(
        f"SELECT {', '.join(fields)} FROM refused ORDER BY id DESC LIMIT 1000"
    )
    if origin is not None:
        host = _host(*origin)
        rows = [row for row in rows if host and _host(*row[1:3]) == host]
    return [dict(zip(fields, row, strict=True)) for row in rows[:REFUSED_SHOWN]]


def alarms(
    connection: Connection, is_open: bool, page: int = 1, node: int | None = None
) -> dict[str, Any]:
    """Return one page of the alarms, the newest first. is_open: only those that go on."""
    conditions, values = ["1 = 1"], []
    if is_open:
        conditions.append("until IS NULL")
    if node is not None:
        conditions.append("alarm.node = ?")
        values.append(node)
    where = f"FROM alarm LEFT JOIN node ON node.id = alarm.node WHERE {' AND '.join(conditions)}"
    [(total,)] = connection.execute(f"SELECT count(*) {where}", values)
    rows = connection.execute(
        f"SELECT alarm.id, base, kind, text, since, until, told {where}"
        " ORDER BY since DESC, alarm.id DESC LIMIT ? OFFSET ?",
        (*values, PAGE_ROWS, (page - 1) * PAGE_ROWS),
    )
    names = ("id", "node", "kind", "text", "since", "until", "told")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    for each in found:
        each["node"] = None if each["node"] is None else short(each["node"])
    pages = max(1, -(-total // PAGE_ROWS))
    return {"total": total, "page": page, "pages": pages, "alarms": found}


def mute(connection: Connection, node: int, until_s: float | None) -> None:
    """Switch the alarms of a node off until then; None: on again."""
    connection.execute(
        "INSERT INTO watch (node, checked, muted) VALUES (?, 0, ?)"
        " ON CONFLICT (node) DO UPDATE SET muted = excluded.muted",
        (node, until_s),
    )


def counters(connection: Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT name, value FROM counter"))


def _pattern(search: str) -> str:
    text = search[:SEARCH_MAX].replace("\0", "\ufffd").lower()
    for special in "!%_":
        text = text.replace(special, "!" + special)
    return f"%{text}%"


def _signal_names(connection: Connection) -> dict[int, str]:
    """Return the names of the signal figures by their ids, unless a stranger invented the unit."""
    found = connection.execute(
        f"SELECT id, name, unit FROM name WHERE name IN ({marks(SIGNALS)}) AND kind = 'number'"
        " AND nth = 0",
        SIGNALS,
    )
    return {number: name for number, name, unit in found if unit in (UNITS[name], "")}


def _sort_key(sort: str, signals: dict[int, str]) -> tuple[str, list[int]]:
    """Return the SQL of a sort key, and the values in it."""
    if sort != "signal":
        return _SORTS[sort], []
    power = [number for number, name in signals.items() if name == "rp"]
    strength = [number for number, name in signals.items() if name == "rs"]
    return (
        f"coalesce({_SIGNAL.format(marks(power) or 'NULL')},"
        f" {_SIGNAL.format(marks(strength) or 'NULL')})",
        power + strength,
    )


def _with_signals(
    connection: Connection, rows: Sequence[Sequence[Any]], signals: dict[int, str]
) -> list[dict[str, Any]]:
    """Return rows of _COLUMNS as objects, with signals and the number of open alarms."""
    empty = dict.fromkeys(("rsrp", "rsrq", "rssi", "snr")) | {"alarms": 0}
    found = {
        number: dict(zip(_FIELDS, (short(base), *rest), strict=True)) | empty
        for number, base, *rest in rows
    }
    if not found:
        return []
    fields = {"rp": "rsrp", "rq": "rsrq", "rs": "rssi", "sn": "snr"}
    if signals:
        for number, name, value in connection.execute(
            f"SELECT node, name, value FROM latest WHERE node IN ({marks(rows)})"
            f" AND name IN ({marks([*signals])})",
            (*found, *signals),
        ):
            found[number][fields[signals[name]]] = value
    for number, count in connection.execute(
        "SELECT node, count(*) FROM alarm WHERE until IS NULL"
        f" AND node IN ({marks(rows)}) GROUP BY node",
        [*found],
    ):
        found[number]["alarms"] = count
    return list(found.values())


def shown(value: float | bool | None, other: str | None) -> str:
    """Return a value of the database as people read it."""
    text = other or "" if value is None else str(value)
    return packs.printable(text.lower() if isinstance(value, bool) else text)


def _value(row: Sequence[Any]) -> dict[str, Any]:
    """Return the latest value of a name. Texts and bytes are only in `shown`."""
    name, unit, kind, value, total, other, measured, received, seq, count = row
    if kind == "bool":
        value = bool(value)
    elif kind == "sum":
        value = total
    elif kind != "number":
        value = None
    return {
        "name": name, "label": label(name, unit), "unit": unit, "value": value, "kind": kind,
        "shown": shown(value, other), "measured": measured, "received": received,
        "seq": seq, "count": count,
    }  # fmt: skip


def _fleet(connection: Connection, node: int) -> dict[str, Any] | None:
    """Return what `./dev fleet status` shows beside its name, None if it never named a release."""
    found = status(connection, node)
    if not found:
        return None
    return {name: each for name, each in found[0].items() if name not in ("node", "last_seen")}


def _host(protocol: str, source: str) -> str:
    """Return what stays the same from one message of a sender to the next."""
    return source if protocol == "mqtt" else source.rpartition(":")[0]
