"""Reports as the template sends them, and where a collector takes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import cbor2

from collector.decode import packs
from collector.program import Collector
from collector.storage import database
from collector.storage.readings import Reading
from collector.storage.store import Outcome, Store
from collector.storage.writer import Message, message_of


def port_of(collector: Collector, scheme: str) -> int:
    [found] = [each for each in collector.endpoints if each.startswith(scheme + ":")]
    return int(found.split("/")[2].rpartition(":")[2])


def report(seq: int, base: str = "gate:", **values: Any) -> list[dict[int, Any]]:
    """A pack as the template sends it."""
    records = [{0: name, 2: value, 1: "Cel"} for name, value in values.items()]
    return [{-2: base, 0: "seq", 2: seq}, *(records or [{0: "t", 1: "Cel", 2: Decimal("21.50")}])]


def wait_until(holds: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def message(pack: Any, at: float, protocol: str = "udp", source: str = "[::1]:5") -> Message:
    return message_of(packs.read(cbor2.dumps(pack), at), protocol, source, at)


def readings(pack: Any, at: float) -> list[Reading]:
    return [row.reading for part in message(pack, at).parts for row in part.rows]


def rows(where: str, columns: str = "*", which: str = "1 = 1") -> list[tuple[Any, ...]]:
    """Of the view `readings`, sorted."""
    with database.connect(where, read_only=True) as connection:
        found = connection.execute(f"SELECT {columns} FROM readings WHERE {which}")
    return sorted(found, key=lambda row: [(each is not None, each) for each in row])


def names(collector: Collector) -> list[str]:
    """Of all records that it has stored."""
    assert collector.store is not None
    return [name for (name,) in rows(collector.store.where, "DISTINCT node || name")]


def refused(collector: Collector) -> str:
    """What was wrong with the last messages that could not be decoded."""
    assert collector.store is not None
    sql = "SELECT protocol, source, reason FROM refused ORDER BY id"
    return str(collector.store.read(lambda connection: connection.execute(sql)))


def stored(store: Store, *messages: Message) -> tuple[int, int]:
    """Store messages; the numbers of new records and of duplicates."""
    outcomes: list[Outcome] = []
    for each in messages:
        assert store.put([each], outcomes.append, keep=True)
    assert wait_until(lambda: len(outcomes) == len(messages), 60)
    return sum(len(each.new) for each in outcomes), sum(each.duplicates for each in outcomes)
