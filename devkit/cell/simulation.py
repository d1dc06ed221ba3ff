"""Nodes and random access of one cell over some periods, and what is told of it."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from devkit.cell.access import RandomAccess
from devkit.cell.nodes import Node
from utils import place

MOST_PER_S = 3.5  # accesses in any 10 s: up to it a cell of 12 subcarriers serves everybody
WATCHED_S = 10
PEAK_S = 30  # of the mean that is told
ATTACH_SIGNALLING = 5  # messages of an attach, in those of a resumed connection
RETRY_MS = 10_000  # T3411, 3GPP TS 24.301: the modem tries the attach again
PERIODS = 3

Progress = Callable[[str], None]


@dataclass
class Result:
    """Of one cell, or of several that are independent of each other."""

    ok: bool
    nodes: int
    seed: int
    delivered: int  # nodes whose report arrived in time
    last_delivery_s: float | None  # of the last node's first report
    peak_accesses_per_s: float  # the greatest mean over 30 s
    collisions: int  # preambles lost by one
    peak_accesses_per_s_10s: float
    peak_signalling_per_s: float  # the greatest mean over 30 s, an attach counted fivefold
    accesses: int  # random accesses begun; the tries after a collision belong to one
    preambles: int  # all tries
    cells: int = 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def merged(results: list[dict[str, Any]]) -> Result:
    """The result of whole cells, each simulated by itself."""
    last = [each["last_delivery_s"] for each in results if each["last_delivery_s"] is not None]
    sums = ("nodes", "delivered", "collisions", "accesses", "preambles", "cells")
    peaks = ("peak_accesses_per_s", "peak_accesses_per_s_10s", "peak_signalling_per_s")
    return Result(
        ok=all(each["ok"] for each in results),
        seed=min(each["seed"] for each in results),
        last_delivery_s=max(last, default=None),
        **{key: sum(each[key] for each in results) for key in sums},
        **{key: max(each[key] for each in results) for key in peaks},
    )


class Cell:
    """One cell. after_outage: power returns to all nodes at once; else their clocks were started
    together a while ago, and each wakes at its place."""

    def __init__(self, nodes: int, period_s: int, seed: int, after_outage: bool) -> None:
        self.seed = seed
        self.period_s = period_s
        rng = random.Random(f"cell/{seed}")
        self.access: RandomAccess[Node] = RandomAccess(rng)
        self.accesses_ms: list[int] = []
        self.attaches_ms: list[int] = []
        self._events: list[tuple[float, int, Callable[[Node, float], None], Node]] = []
        self._count = 0
        self.nodes = [
            Node(period_s, random.Random(f"cell/{seed}/{number}")) for number in range(nodes)
        ]
        for node in self.nodes:
            if after_outage:
                node.sleep_spread()
            else:
                node.at_place = True
                node.sleep_to_place(0.0)
            self._at(node.woken_ms, self._wake, node)
        # in time is within a period: of the return of power, else of the first wake-up
        self._due_ms = [0.0 if after_outage else node.woken_ms for node in self.nodes]
        self._in_time_s = max(period_s, place.SPREAD_S * 3 // 2) if after_outage else period_s
        self.end_s = PERIODS * max(period_s, self._in_time_s)

    def _at(self, true_ms: float, action: Callable[[Node, float], None], node: Node) -> None:
        self._count += 1
        heapq.heappush(self._events, (true_ms, self._count, action, node))

    def run(self, progress: Progress) -> Result:
        told_s = 0.0
        while True:
            event_ms = self._events[0][0] if self._events else None
            access_ms = self.access.next_ms
            moments = [each for each in (event_ms, access_ms) if each is not None]
            now_ms = min(moments, default=float("inf"))
            if now_ms > self.end_s * 1000:
                return self._result()
            if now_ms / 1000 >= told_s:
                told_s += self.end_s / 20
                got = sum(node.delivered_ms is not None for node in self.nodes)
                progress(
                    f"{now_ms / 1000:.0f} of {self.end_s} s: {got} of {len(self.nodes)} nodes "
                    f"delivered, {len(self.accesses_ms)} accesses"
                )
            if event_ms is not None and event_ms == now_ms:
                _, _, action, node = heapq.heappop(self._events)
                action(node, now_ms)
            else:
                self._opportunity(now_ms)

    def _wake(self, node: Node, now_ms: float) -> None:
        if node.connects():
            self._at(node.first_access_ms(), self._ask, node)
        else:
            self._end(node, now_ms + node.boot_ms())

    def _ask(self, node: Node, now_ms: float) -> None:
        self.accesses_ms.append(int(now_ms))
        self.access.ask(node, now_ms)

    def _opportunity(self, now_ms: float) -> None:
        let_in, gave_up = self.access.take()
        for node in let_in:
            self.attaches_ms.append(int(now_ms))
            self._at(now_ms + node.attach_ms(), self._delivered, node)
        for node in gave_up:
            if now_ms + RETRY_MS < node.attach_until_ms:
                self._at(now_ms + RETRY_MS, self._ask, node)
            else:
                node.fail(node.attach_until_ms)
                self._end(node, node.attach_until_ms)

    def _delivered(self, node: Node, now_ms: float) -> None:
        node.deliver(now_ms)
        self._end(node, now_ms)

    def _end(self, node: Node, now_ms: float) -> None:
        node.sleep_to_place(now_ms)
        self._at(node.woken_ms, self._wake, node)

    def _result(self) -> Result:
        first_ms = [node.delivered_ms for node in self.nodes if node.delivered_ms is not None]
        in_time = sum(
            node.delivered_ms is not None and node.delivered_ms - due_ms <= 1000 * self._in_time_s
            for node, due_ms in zip(self.nodes, self._due_ms, strict=True)
        )
        accesses = self.accesses_ms
        peak = greatest_mean(accesses, WATCHED_S)
        return Result(
            ok=in_time == len(self.nodes) and peak <= MOST_PER_S,
            nodes=len(self.nodes),
            seed=self.seed,
            delivered=in_time,
            last_delivery_s=round(max(first_ms) / 1000, 1) if first_ms else None,
            peak_accesses_per_s=round(greatest_mean(accesses, PEAK_S), 2),
            collisions=self.access.collisions,
            peak_accesses_per_s_10s=round(peak, 2),
            peak_signalling_per_s=round(
                ATTACH_SIGNALLING * greatest_mean(self.attaches_ms, PEAK_S), 2
            ),
            accesses=len(accesses),
            preambles=self.access.preambles,
        )


def greatest_mean(times_ms: list[int], width_s: int) -> float:
    """The greatest number a second in any window of this width."""
    most = start = 0
    for end, time_ms in enumerate(times_ms):
        while times_ms[start] <= time_ms - width_s * 1000:
            start += 1
        most = max(most, end - start + 1)
    return most / width_s
