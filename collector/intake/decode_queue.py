"""The queue between receivers and one thread, which decodes packs and hands them to the store.

    queue = DecodeQueue(store, [printer.put])
    queue.put(Message("udp", "192.0.2.7:5683", data))      # from any thread; never waits
    queue.put(Message("coap", source, data, done=answer))  # answer(STORED, ""), after the commit

The queue is bounded: messages that do not fit are dropped and counted.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from collector.decode import packs
from collector.storage.readings import Reading
from collector.storage.store import Outcome, Store
from collector.storage.writer import message_of
from collector.updates.fleet import Offer

QUEUE_MAX = 50_000  # messages
QUEUE_MAX_BYTES = 32 << 20
CLOSE_S = 30.0

Sink = Callable[[Sequence[Reading]], None]


class Verdict(enum.Enum):
    STORED = "stored"  # or known already
    REFUSED = "refused"  # can never be decoded
    FAILED = "failed"  # may be sent again


STORED, REFUSED, FAILED = Verdict
Done = Callable[[Verdict, str], None]


@dataclass
class Message:
    """One payload as it was received."""

    protocol: str  # "udp", "coap", "mqtt"
    source: str  # address and port, or topic
    data: bytes
    form: str | None = None  # packs.CBOR, packs.JSON; None: to be guessed
    # called once, in another thread, with what became of it, and why it was refused; must not wait
    done: Done | None = None
    offer: Offer | None = None  # of an update, once it is stored
    repeats: bool = False  # the sender sends it again after FAILED; else the store must keep it
    received_s: float = field(default_factory=time.time)

    def tell(self, verdict: Verdict, reason: str = "") -> None:
        if self.done is not None:
            self.done(verdict, reason)


class DecodeQueue:
    def __init__(self, store: Store, sinks: Sequence[Sink]) -> None:
        """sinks: called with the new readings of each message when they are stored."""
        self.messages = 0  # stored or refused, in this run
        self.refused = 0
        self.dropped = 0
        self._store = store
        self._sinks = sinks
        self._queue: queue.Queue[Message | None] = queue.Queue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="queue", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """The number of messages that are not decoded yet."""
        return self._queue.qsize()

    def put(self, message: Message) -> bool:
        """Return False if there was no room.

        What its sender repeats is decoded at once: it never waits, and threads that take turns
        cost more than that."""
        if message.repeats:
            self._process(message)
            return True
        size = len(message.data)
        with self._lock:
            room = self._bytes + size <= QUEUE_MAX_BYTES and self._queue.qsize() < QUEUE_MAX
            if room:
                self._bytes += size
        if room:
            self._queue.put(message)
        else:
            self.add_dropped()
        return room

    def add_dropped(self) -> None:
        """Count a message for which there is no room."""
        with self._lock:
            self.dropped += 1
        self._store.count("dropped")

    def add_refused(self, protocol: str, source: str, reason: str) -> None:
        """Count a message that cannot be decoded, and keep the reason."""
        self._store.refuse(protocol, source, packs.printable(reason))
        with self._changed:
            self.messages += 1
            self.refused += 1
            self._changed.notify_all()

    def add_acknowledged(self) -> None:
        """Count a message whose sender has been told that it is stored."""
        self._store.count("acknowledged")

    def wait_for(self, messages: int, timeout_s: float) -> bool:
        """Wait until `messages` have been processed in all; False if they were not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.messages >= messages, timeout_s)

    def close(self) -> None:
        """Process the messages in the queue, then stop; count those for which there is no time."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(timeout=CLOSE_S)
            with contextlib.suppress(queue.Empty):
                while message := self._queue.get_nowait():
                    self.add_dropped()
                    message.tell(FAILED)

    def _work(self) -> None:
        while True:
            message = self._queue.get()
            if message is None:
                return
            with self._lock:
                self._bytes -= len(message.data)
            self._process(message)

    def _process(self, message: Message) -> None:
        try:
            records = packs.read(message.data, message.received_s, message.form)
        except ValueError as problem:
            self.add_refused(message.protocol, message.source, str(problem))
            message.tell(REFUSED, str(problem))
            return
        pack = message_of(records, message.protocol, message.source, message.received_s)
        stored = functools.partial(self._stored, message)
        if not self._store.put([pack], stored, keep=not message.repeats):
            message.tell(FAILED)

    def _stored(self, message: Message, outcome: Outcome) -> None:
        message.offer = outcome.result
        message.tell(STORED if outcome.stored else FAILED)
        for sink in self._sinks if outcome.new else ():
            sink(outcome.new)
        with self._changed:
            self.messages += outcome.stored
            self._changed.notify_all()
