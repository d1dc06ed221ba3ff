"""A fleet on a virtual clock: its reports go straight into a database, which is watched."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.alarms import notices
from collector.alarms.rules import Alarms
from collector.storage import database, tables
from collector.storage.writer import Message, Writer
from tests.collector.rig import message

BEGIN = 1_800_000_000.0
HOUR, DAY = 3_600.0, 86_400.0
Values = Callable[[float], dict[str, Any]]


@dataclass
class Node:
    name: str
    period: float = 900
    works: Callable[[float], bool] = lambda at: True
    values: Values = lambda at: {"v": 3.9}
    seq: int = 0
    due: float = 0


class World:
    """`limits` are those of the file that differ from the default."""

    def __init__(self, where: str | Path, *nodes: Node, **limits: Any) -> None:
        """where: a database, or a folder for one."""
        self.nodes, self.now = nodes, BEGIN
        self.database = database.connect(where if isinstance(where, str) else f"{where}/a.db")
        with self.database.transaction():
            tables.prepare(self.database)
        self._writer = Writer(self.database)
        self._limits = notices.read(None)["limits"] | limits
        for number, node in enumerate(nodes):
            node.seq, node.due = 0, BEGIN + node.period * number / len(nodes)
        self.restart()

    def restart(self) -> None:
        self.alarms = Alarms(self.database, self._limits, ["webhook"], self.now)

    def run(self, seconds: float, step: float = 60, collects: bool = True) -> World:
        """Let time pass; collects: the collector runs."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + step, end)
            sent = []
            for node in self.nodes:
                while node.due <= self.now:
                    if collects and node.works(node.due):
                        sent.append(packed(node.name, node.seq, node.due, node.values(node.due)))
                    node.seq += 1
                    node.due += node.period
            self.receive(*sent)
            if collects:
                self.alarms.turn(self.now)
        return self

    def receive(self, *sent: Message) -> None:
        self._writer.name(sent)
        with self.database.transaction():
            self._writer.write(sent)

    def told(self) -> list[str]:
        """The subjects of all notices."""
        return [body["subject"] for body in self.bodies()]

    def bodies(self) -> list[dict[str, Any]]:
        rows = self.database.execute("SELECT body FROM notice ORDER BY id")
        return [json.loads(body) for (body,) in rows]


def packed(name: str, seq: int, at: float, values: dict[str, Any], age: float = 0) -> Message:
    records = [
        {0: key, 3: value} if isinstance(value, str) else {0: key, 1: "V", 2: value}
        for key, value in values.items()
    ]
    return message([{-2: f"{name}:", -3: -int(age), 2: seq}, *records], at)
