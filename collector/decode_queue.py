"""The way in: a queue that ends, and one thread that takes packs apart and hands records on.

    queue = DecodeQueue(readings, [store.put, live.show])
    queue.offer(Arrival("udp", "192.0.2.7:5683", data))    # from any thread; never waits

A flood fills the queue, and what does not fit is dropped and counted: memory stays bounded.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from collector import packs
from collector.readings import Entry, Readings
from collector.senml import Record

QUEUE_MAX = 5_000  # arrivals
QUEUE_MAX_BYTES = 32 << 20
PROBLEMS_KEPT = 10

Sink = Callable[[Sequence[Entry]], None]


@dataclass
class Arrival:
    protocol: str  # "udp", "coap", "mqtt"
    source: str  # address and port, or topic
    data: bytes
    records: list[Record] | None = None  # if somebody has decoded it already
    at_s: float = field(default_factory=time.time)


class DecodeQueue:
    def __init__(
        self, readings: Readings, sinks: Sequence[Sink], queue_max: int = QUEUE_MAX
    ) -> None:
        self.readings = readings
        self.messages = 0  # taken from the queue
        self.records = 0  # new ones
        self.malformed = 0
        self.dropped = 0
        self.problems: deque[tuple[float, str, str, str]] = deque(maxlen=PROBLEMS_KEPT)
        self._sinks = sinks
        self._queue: queue.Queue[Arrival | None] = queue.Queue()
        self._queue_max = queue_max
        self._bytes = 0
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="queue", daemon=True)
        self._thread.start()

    def offer(self, arrival: Arrival) -> bool:
        """Queue it; False if there was no room."""
        size = len(arrival.data)
        with self._lock:
            room = self._bytes + size <= QUEUE_MAX_BYTES and self._queue.qsize() < self._queue_max
            if room:
                self._bytes += size
            else:
                self.dropped += 1
        if room:
            self._queue.put(arrival)
        return room

    def refuse(self, protocol: str, source: str, problem: str) -> None:
        """Count what was refused before it came here."""
        with self._changed:
            self.messages += 1
            self.malformed += 1
            self.problems.append((time.time(), protocol, source, packs.clean(problem)))
            self._changed.notify_all()

    def wait_for(self, messages: int, timeout_s: float) -> bool:
        """Wait until so many messages have been worked off in all."""
        with self._changed:
            return self._changed.wait_for(lambda: self.messages >= messages, timeout_s)

    def close(self) -> None:
        """Work off what is there, then stop."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(timeout=10)

    def _work(self) -> None:
        while True:
            arrival = self._queue.get()
            if arrival is None:
                return
            with self._lock:
                self._bytes -= len(arrival.data)
            self._take(arrival)

    def _take(self, arrival: Arrival) -> None:
        try:
            records = arrival.records
            if records is None:
                records = packs.read(arrival.data, arrival.at_s)
        except ValueError as problem:
            self.refuse(arrival.protocol, arrival.source, str(problem))
            return
        entries = self.readings.add(records, arrival.protocol, arrival.source, arrival.at_s)
        for sink in self._sinks if entries else ():
            sink(entries)
        with self._changed:
            self.messages += 1
            self.records += len(entries)
            self._changed.notify_all()
