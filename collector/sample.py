"""A database of a made-up fleet, for pictures, measurements and tests of the page.

python -m collector.sample --db FILE --nodes 200 --days 365

Nodes report every 15 min until now. These differ: tank-01 is silent for 3 days, and lacks 12
reports a day before; roof-01 is late; well-01 was never seen; mast-01 has a sensor without values;
barn-01 has another boot number since 4 days; silo-01 is muted; pump-01 has a battery that falls;
yard-01 rejected release 7. All series are one pattern with an offset, a gain and a slope: SQLite
makes the rows.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from collector.storage import database, tables

PERIOD_S, DAY = 900, 96  # reports a day
DAYS_MIN = 7
PLACES = ("gate", "tank", "roof", "well", "mast", "barn", "silo", "pump", "weir", "yard")
_, SILENT, LATE, NEVER, ABSENT, LOST_NVS, MUTED, FALLING, _, REJECTED = range(10)
NAMES = (
    ("", ""), ("t", "Cel"), ("h", "%RH"), ("v", "V"), ("rp", "dBm"), ("rq", "dB"), ("rs", "dBm"),
    ("aw", "ms"), ("rl", ""), ("t_e", ""),
)  # fmt: skip
SEQ, T, H, V, RP, RQ, RS, AW, RL = range(1, 10)  # their numbers
ALARMS = {  # kind, text, how long ago
    SILENT: ("silent", "no report for 46 min", 3 * 86_400 - 2_760),
    ABSENT: ("cause", "temperature: absent", 2 * 86_400),
    FALLING: ("falling", "battery falls by 0.03 V a day", 86_400),
    REJECTED: ("release", "release 7 rejected: crashed", 40_000),
}
TEMPORARY = """
CREATE TEMP TABLE pattern (seq, name, value, PRIMARY KEY (seq, name)) WITHOUT ROWID;
CREATE TEMP TABLE factor (name INTEGER PRIMARY KEY, offset, gain, slope, knee, digits)
"""
BOOT = """
INSERT INTO record SELECT :node, :boot, seq - :first, name, 0, 0, CASE
    WHEN name = 1 THEN seq - :first
    WHEN digits = 0 THEN CAST(round(gain * value + offset) AS INTEGER)
    ELSE round(gain * value + offset + slope * max(0, seq - knee), digits) END, NULL, NULL
FROM pattern JOIN factor USING (name)
WHERE seq BETWEEN :first AND :last AND NOT seq BETWEEN :gap AND :gap + :missing - 1
ORDER BY seq, name;
INSERT INTO report SELECT node, boot, seq, 0, :begin + 900 * (seq + :first)
    + seq * 7919 % 41 / 10.0, 'coap', :source
FROM record WHERE node = :node AND boot = :boot AND name = 1
"""
# What differs in the last boot, its latest values, and what is known of the node
LATEST = """
UPDATE record SET name = 10, value = NULL, other = 'absent' WHERE node = :node
    AND boot = :boot AND seq > :newest - :absent AND name = 2;
UPDATE record SET value = 7 WHERE node = :node
    AND boot = :boot AND seq > :newest - :updated AND name = 9;
INSERT INTO latest SELECT node, name, received, seq, received, received, value, other, sum, count
FROM (SELECT name, max(seq) AS seq, count(*) AS count FROM record
      WHERE node = :node AND boot = :boot GROUP BY name)
JOIN record USING (seq, name) JOIN report USING (node, boot, seq)
WHERE node = :node AND boot = :boot;
INSERT INTO node (id, base, boot, seq, wide, measured, seen, protocol, source)
SELECT :node, :base, :boot, :newest, 1, max(received), max(received), 'coap', :source
FROM latest WHERE node = :node;
INSERT INTO watch (node, checked, period, lost, battery, trend, muted)
SELECT :node, received, 900, :lost, value, :trend, :muted
FROM latest WHERE node = :node AND name = 4;
INSERT INTO fleet (node, release, named, offered, progress, confirmed, rejected, cause)
VALUES (:node, :runs, :now, :offered, :progress, :runs, :rejected,
        CASE :rejected WHEN 7 THEN 'crashed' END)
"""


def pattern(reports: int, chance: random.Random) -> Iterator[tuple[int, int, float]]:
    """Yield (report, name, value) of a place with weather and a network with load."""
    drift = load = 0.0
    for seq in range(reports):
        day = 2 * math.pi * seq / DAY
        drift = 0.998 * drift + chance.gauss(0, 0.12)
        load = 0.9 * load + chance.gauss(0, 0.7)
        sun = -5.5 * math.cos(day + 0.4) + 1.5 * math.cos(2 * day)
        yield seq, SEQ, 0
        yield seq, T, 7 + drift + 8 * math.cos(day / 365 + 0.5) + sun + chance.gauss(0, 0.08)
        yield seq, H, min(99.0, 68 - 2.6 * sun + 1.5 * load)
        yield seq, V, 0.008 * math.sin(day) + chance.gauss(0, 0.002)
        yield from (
            (seq, RP, -load),
            (seq, RQ, 0.4 * load + chance.gauss(0, 0.3)),
            (seq, RS, 2 * load),
        )
        if seq % 24 == 0:
            yield seq, AW, abs(load)
        if seq % DAY == 0:
            yield seq, RL, 0


class Sample:
    def __init__(self, connection: database.Connection, nodes: int, days: int) -> None:
        """Fill a database without nodes."""
        self._db, self._end, self._now = connection, days * DAY, time.time()
        self._chance = chance = random.Random(1)
        self._run(TEMPORARY)
        connection.many("INSERT INTO pattern VALUES (?, ?, ?)", pattern(self._end, chance))
        rows = [(number, *name, "number", 0) for number, name in enumerate(NAMES, 1)]
        connection.many("INSERT INTO name VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("UPDATE name SET kind = 'text' WHERE name = 't_e'")
        for index in range(nodes):
            self._node(index, index if index < len(PLACES) else 0)
        for ago, source in ((40, _source(0)), (7_900, "203.0.113.80:40112")):
            self._add("refused", received=self._now - ago, protocol="udp", source=source,
                      reason="no SenML: an array was expected")  # fmt: skip
        connection.execute(
            "UPDATE counter SET value = (SELECT count(*) FROM report) WHERE name = 'messages'"
        )

    def _run(self, script: str, values: Any = ()) -> None:
        for statement in script.split(";\n"):
            self._db.execute(statement, values)

    def _add(self, table: str, **values: Any) -> None:
        self._db.insert(table, (*values,), [(*values.values(),)])

    def _node(self, index: int, special: int) -> None:
        node, chance, end, now = index + 1, self._chance, self._end, self._now
        base = f"{PLACES[index % 10]}-{index // 10 + 1:02}:"
        if special == NEVER:
            self._add("node", id=node, base=base, seen=0, protocol="", source="")
            return
        last = end - {SILENT: 3 * DAY + 1, LATE: 3}.get(special, 1)
        ago = DAY if special == SILENT else chance.randrange(5, 90) if index % 3 == 1 else 20 * DAY
        missing = 12 if special == SILENT else chance.randrange(1, 6)
        part = (index * 3 + index // 10) % 5 if special != REJECTED else 4  # of the roll-out
        values = {
            "node": node, "base": base, "source": _source(index), "now": now, "boot": 0,
            "first": 0, "last": last, "newest": last, "gap": last - ago, "missing": missing,
            "begin": now - PERIOD_S * end + (500 if special == LATE else chance.uniform(0, 880)),
            "absent": 2 * DAY if special == ABSENT else 0, "updated": 2 * DAY if part < 2 else 0,
            "lost": missing if end - last + ago <= DAY else 0,
            "trend": self._factors(index, special),
            "muted": now + 5 * 86_400 if special == MUTED else None, "runs": 7 if part < 2 else 6,
            "offered": 7 if part == 2 else None, "progress": index % 90 if part == 2 else None,
            "rejected": 7 if special == REJECTED else None,
        }  # fmt: skip
        if special == LOST_NVS:
            self._run(BOOT, values | {"last": last - 4 * DAY})
            values |= {"boot": 31_337, "first": last - 4 * DAY + 1, "newest": 4 * DAY - 1}
        self._run(BOOT, values)
        self._run(LATEST, values)
        if special in ALARMS:
            kind, text, ago_s = ALARMS[special]
            self._add(
                "alarm", node=node, kind=kind, text=text, since=now - ago_s, told=now - ago_s
            )
        if index % 7 == 0:
            kind, text, _ = ALARMS[SILENT]
            since = now - min(index + 2, 300) * 80_000
            self._add("alarm", node=node, kind=kind, text=text, since=since, until=since + 9_000)

    def _factors(self, index: int, special: int) -> float:
        """Draw what makes the series of a node; returns the trend of its battery, V a day."""
        draw, knee, trend = self._chance.uniform, 0, self._chance.uniform(-0.5, -0.05) / 365
        if special == FALLING or index % 37 == 36:
            knee, trend = max(0, self._end - 20 * DAY), -0.03
        radio = [(RS, draw(-82, -55), 1, 0, 0, 0)] if index % 4 == 3 else [
            (RP, draw(-112, -78), 1, 0, 0, 0), (RQ, draw(-14, -8), 1, 0, 0, 1)]  # fmt: skip
        self._db.execute("DELETE FROM factor")
        self._db.many("INSERT INTO factor VALUES (?, ?, ?, ?, ?, ?)", [
            (SEQ, 0, 0, 0, 0, 0), (T, draw(-2, 3), draw(0.7, 1.1), 0, 0, 2),
            (H, draw(-8, 1), draw(0.8, 1), 0, 0, 1), (V, draw(3.8, 4.1), 1, trend / DAY, knee, 3),
            (AW, 9_000, 3_000, 0, 0, 0), (RL, 6, 0, 0, 0, 0), *radio])  # fmt: skip
        return trend


def _source(index: int) -> str:
    return f"198.51.{100 + index // 250}.{index % 250 + 1}:{49_152 + index % 16_384}"


def write(path: str, nodes: int, days: int) -> None:
    with database.Sqlite(path) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        with connection.transaction():
            tables.prepare(connection)
            Sample(connection, nodes, days)
        connection.execute("PRAGMA journal_mode=WAL")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m collector.sample", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--db", metavar="FILE", required=True, help="a new file")
    parser.add_argument("--nodes", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--days", type=int, default=365, help="up to now (default: 365)")
    options = parser.parse_args(argv)
    for name, value, least in (("nodes", options.nodes, 1), ("days", options.days, DAYS_MIN)):
        if not least <= value <= 10_000:
            parser.error(f"argument --{name}: {value}; allowed: {least} to 10000")
    if Path(options.db).exists():
        parser.error(f"argument --db: {options.db} exists; allowed: a new file")
    try:
        write(options.db, options.nodes, options.days)
    except OSError as problem:
        parser.error(f"argument --db: {options.db}: {problem}; allowed: a new file")
    return 0


if __name__ == "__main__":
    sys.exit(main())
