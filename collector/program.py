"""`./dev collect`: everything of this package, put together as the options say.

Status 0 after Ctrl-C, a termination signal or `--count` messages; 1 if records could not be
written to the database; 2 if it could not begin: a port that is taken, a database that cannot be
written.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from collector.decode_queue import Arrival, DecodeQueue, Sink
from collector.live import Lines, Screen, as_object
from collector.readings import NAMES_MAX, POINTS_MAX, Readings
from collector.store import Store
from collector.udp import Address, Listener

RESTORED = min(100_000, NAMES_MAX * POINTS_MAX)  # records of the database, for the charts


def password_of_environment() -> str:
    return os.environ.get("MQTT_PASSWORD", "")


class UsageError(Exception):
    """It cannot run as its arguments ask; the text says what is allowed."""


def main(options: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        return Collecting(options, stack).run()


class Collecting:
    """What runs, and how it is doing."""

    def __init__(self, options: argparse.Namespace, stack: contextlib.ExitStack) -> None:
        self._options, self._stack = options, stack
        self.readings = Readings()
        self.store: Store | None = None
        self.endpoints: list[str] = []
        self.page = ""  # its address
        self.trouble: dict[str, str] = {}
        self._listeners: list[Any] = []  # with `lost`, and `throttled` of a CoAP server
        self._stop = threading.Event()
        self._screen = sys.stdout.isatty() and not options.json
        sinks: list[Sink] = []
        if options.db:
            self.store = self._open(options.db)
            sinks.append(self.store.put)
        if not self._screen:
            sinks.append(Lines(sys.stdout, options.json, self._stop).put)
        self.queue = DecodeQueue(self.readings, sinks)
        stack.callback(self.queue.close)
        self._listen()
        self._subscribe()
        self._serve()
        if not self.endpoints:
            raise UsageError("nothing to collect from; allowed: --udp, --coap, --mqtt or --broker")

    def run(self) -> int:
        with _signals(self._stop):
            print("collecting from " + ", ".join(self.endpoints), file=sys.stderr, flush=True)
            screen = Screen(self.readings, self.heading) if self._screen else None
            while not self._stop.is_set() and not self._enough():
                self._stop.wait(0.05 if self._options.count else 0.5)
        self._stack.close()  # works off what has come; then nothing changes any more
        if screen is not None:
            screen.close()
        print(self.heading(), file=sys.stderr)
        return 1 if self.store is not None and self.store.dropped else 0

    def _enough(self) -> bool:
        return bool(self._options.count) and self.queue.messages >= self._options.count

    # What goes in and out

    def _open(self, path: str) -> Store:
        try:
            store = Store(path, lambda text, well: self.say("database", text, well))
            self._stack.enter_context(store)
            self.readings.restore(store.last(RESTORED))
        except OSError as problem:
            raise UsageError(f"--db {path}: {problem}; allowed: a new file, or one of this"
                             " command") from None  # fmt: skip
        return store

    def _listen(self) -> None:
        options = self._options
        shared = options.udp is not None and options.udp == options.coap
        if options.coap is not None:
            from collector.coap import CoapServer

            with _refusing("--coap", options.host, options.coap):
                server = self._stack.enter_context(
                    CoapServer(options.host, options.coap, self.queue, plain=shared)
                )
            self._listeners.append(server)
            self.endpoints.append(f"coap://{_written(server.host, server.port)}")
            if shared:
                self.endpoints.append(f"udp://{_written(server.host, server.port)}")
        if options.udp is not None and not shared:
            with _refusing("--udp", options.host, options.udp):
                listener = Listener(options.host, options.udp, self._take)
            listener.start()
            self._stack.callback(listener.close)
            self._listeners.append(listener)
            self.endpoints.append(f"udp://{_written(listener.host, listener.port)}")

    def _take(self, data: bytes, source: Address) -> None:
        self.queue.offer(Arrival("udp", _written(*source[:2]), data))

    def _subscribe(self) -> None:
        options = self._options
        at = options.mqtt
        user, password = options.mqtt_user, options.mqtt_password
        password = password or password_of_environment()
        if at is not None:
            from collector.mqtt import MqttSubscriber

            self._stack.enter_context(
                MqttSubscriber(
                    at[0], at[1], self.queue, options.topic, user, password,
                    report=lambda text, well: self.say("mqtt", text, well),
                )
            )  # fmt: skip
            self.endpoints.append(f"mqtt://{_written(*at)}/{options.topic}")

    def _serve(self) -> None:
        if self._options.http is None:
            return
        from collector.web import WebServer

        host, port = self._options.http
        with _refusing("--http", host, port):
            server = self._stack.enter_context(
                WebServer(host, port, self.state, self.readings.series)
            )
        self.page = server.url
        print(f"page: {self.page}", file=sys.stderr, flush=True)

    # How it is doing

    def say(self, about: str, text: str, well: bool) -> None:
        """Trouble, and its end: on stderr, or in the heading of the screen; on the page, too."""
        self.trouble[about] = "" if well else text
        if not self._screen:
            print(f"collect: {text}", file=sys.stderr, flush=True)

    def counters(self) -> list[tuple[str, int, bool]]:
        """(what, how many, whether one is a pity)."""
        lost = self.queue.dropped + sum(
            each.lost + getattr(each, "throttled", 0) for each in self._listeners
        )
        counted = [
            ("messages", self.queue.messages, False),
            ("records", self.queue.records, False),
            ("duplicates", self.readings.duplicates, False),
            ("refused", self.queue.malformed, True),
            ("dropped", lost, True),
        ]
        if self.store is not None:
            counted.append(("written", self.store.written, False))
        optional = [("names forgotten", self.readings.evicted)]
        if self.store is not None:
            optional.append(("not written", self.store.dropped))
        return counted + [(name, count, True) for name, count in optional if count]

    def heading(self) -> str:
        lines = [", ".join(f"{count} {name}" for name, count, _ in self.counters())]
        return "\n".join(lines + [text for text in self.trouble.values() if text])

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        return {
            "now": time.time(),
            "version": self.readings.version,
            "endpoints": self.endpoints,
            "counters": self.counters(),
            "trouble": "; ".join(text for text in self.trouble.values() if text),
            "problems": [list(each) for each in list(self.queue.problems)][::-1],
            "latest": [
                {**as_object(entry), "count": count, "charted": entry.number is not None}
                for entry, count in self.readings.latest()
            ],
        }


@contextlib.contextmanager
def _refusing(option: str, host: str, port: int) -> Iterator[None]:
    """Trouble with a port becomes one line that says what would do."""
    try:
        yield
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise UsageError(
            f"{option}: {_written(host, port)}: {why}; allowed: an address of this computer and a"
            " port that is free (0 finds one)"
        ) from None


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and termination end the program in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda *_: stop.set()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
