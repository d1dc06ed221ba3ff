"""The parts of the collector, put together as the options say.

A process has all of them, or with `--role` those of one role: intake, what receives and stores;
web, the page; alarms, the watch over the nodes. They share nothing but the database.

Exit status: 0 after Ctrl-C, a termination signal or `--count` messages; 1 if records could not be
written to the database, or behind a mistake in this program; 2 (`UsageError`) if it cannot start:
a port in use, a database that cannot be written.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector import VERSION, actions
from collector.alarms import notices
from collector.alarms.rules import Watchman
from collector.arguments import HTTP, ROLES
from collector.intake.decode_queue import DecodeQueue, Message, Sink
from collector.intake.udp import Address, UdpListener, address_text
from collector.storage import database, tables
from collector.storage.database import is_server
from collector.storage.store import Store
from collector.terminal import REDRAW_S, LinePrinter, Row, Screen, latest
from collector.updates.fleet import Fleet
from collector.updates.releases import Releases
from collector.usage import UsageError

if TYPE_CHECKING:
    from collector.intake.coap import CoapServer

INTAKES_MAX = 64  # that share a subscription on one computer


def main(options: argparse.Namespace) -> int:
    action = actions.asked(options)
    if action is not None:
        return action(options)
    with contextlib.ExitStack() as stack:
        return Collector(options, stack).run()


class Collector:
    """A running collector: it listens from its construction until `stack` is closed."""

    def __init__(self, options: argparse.Namespace, stack: contextlib.ExitStack) -> None:
        self._options, self._stack = options, stack
        takes, shows, watches = (options.role in (ROLES[0], role) for role in ROLES[1:])
        if options.role != ROLES[0] and options.db is None:
            raise UsageError(f"--role {options.role}: needs --db; allowed: the database that all"
                             " roles share")  # fmt: skip
        self.endpoints: list[str] = []
        self.page = ""  # its address
        self.problems: dict[str, str] = {}  # of the database and the broker; "" is none
        self._listeners: list[UdpListener | CoapServer] = []
        self._lost = 0  # datagrams that are counted already
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._is_broken = False
        self._printer: LinePrinter | None = None
        self._on_terminal = sys.stdout.isatty() and not options.json
        self._screen: Screen | None = None
        self.store: Store | None = None  # without it nothing is received
        self.releases: Releases | None = None
        if takes:
            self._take()
        if watches:
            self._watch()
        if shows or options.http is not HTTP:
            self._serve_page()

    def run(self) -> int:
        with _signals(self._stop), _excepthook(self._end_thread):
            doing = "collecting from " + ", ".join(self.endpoints) if self.store else "ready"
            print(doing, file=sys.stderr, flush=True)
            _tell_systemd()
            self._look()
            if self._on_terminal and self._options.role == ROLES[0]:
                self._screen = Screen(self._latest, self._above_table)
            while not self._stop.is_set() and not self._has_counted():
                self._count_lost()
                self._look()
                self._stop.wait(0.05 if self._options.count else 0.5)
        self._stack.close()  # processes the messages received so far; nothing changes any more
        if self.store is None:
            return int(self._is_broken)
        print(self.summary(), file=sys.stderr)
        return int(self._is_broken or self.store.unwritten > 0)

    def _end_thread(self, what: threading.ExceptHookArgs) -> None:
        """End the program behind a mistake in it: without a thread it would only seem to work."""
        name = what.thread.name if what.thread else ""
        self._tell(f"a mistake in the thread {name}: {what.exc_value!r}; ending", False)
        threading.__excepthook__(what)
        self._is_broken = True
        self._stop.set()

    def _has_counted(self) -> bool:
        count = self._options.count
        return bool(count and self.store) and self.queue.messages >= count

    # Inputs and outputs

    def _take(self) -> None:
        """Receive and store."""
        options, stack = self._options, self._stack
        sinks: list[Sink] = []
        shows = options.role == ROLES[0]  # an intake costs no more than it must
        if options.json or (shows and not self._on_terminal):
            self._printer = LinePrinter(sys.stdout, options.json, self._stop)
            sinks.append(self._printer.put)
            stack.callback(self._printer.close)
        self.fleet, self.releases = self._open_releases(options)
        self.store = self._open_store(options.db)
        stack.callback(self._end_screen)
        self.queue = DecodeQueue(self.store, sinks)
        stack.callback(self.queue.close)
        stack.callback(self._count_lost)
        self._listen()
        self._subscribe()
        if not self.endpoints:
            raise UsageError("nothing to collect from; allowed: --udp, --coap or --mqtt")

    def _watch(self) -> None:
        """Find out which nodes are silent, and tell."""
        options = self._options
        self._stack.enter_context(
            Watchman(
                self.store.where if self.store else options.db,
                options.alarms or notices.read(None),
                lambda text, ok: self.report("alarms", text, ok),
                self._expected if options.nodes or options.releases else None,
            )
        )

    def _expected(self) -> list[str]:
        """Return the names of the nodes that are to report."""
        names = list(self._options.nodes or [])
        if self._options.releases is not None:
            names += [path.stem for path in Path(self._options.releases, "nodes").glob("*.key")]
        return names

    def _open_store(self, path: str | None) -> Store:
        try:
            tell = lambda text, ok: self.report("database", text, ok)  # noqa: E731
            store = Store(path, tell, self.fleet, self._options.keep)
            self._stack.enter_context(store)
        except OSError as problem:
            where = path or ""
            allowed = "a database that is there, with the right to create tables"
            if not is_server(where):
                allowed = "a new file, or one of this command"
            raise UsageError(
                f"--db {database.shown(where)}: {problem}; allowed: {allowed}"
            ) from None
        return store

    def _open_releases(self, options: argparse.Namespace) -> tuple[Fleet, Releases | None]:
        if options.releases is None:
            return Fleet(), None
        if options.coap is None:
            raise UsageError("--releases: not allowed with --coap off, by which nodes fetch them")
        releases = Releases(
            Path(options.releases), lambda text, ok: self.report("releases", text, ok)
        )
        if not releases.is_one():
            raise UsageError(
                f"--releases {options.releases}: no folder of releases; allowed: the one that"
                " ./dev release --out wrote, with at least one release"
            )
        return Fleet(releases, lambda text, ok: self.report("roll-out", text, ok)), releases

    def _listen(self) -> None:
        options = self._options
        shared = options.udp is not None and options.udp == options.coap
        reuse = options.role == "intake"
        if options.coap is not None:
            from collector.intake.coap import CoapServer

            updates = None
            if self.releases is not None and self.store is not None:
                from collector.intake.coap_updates import CoapUpdates

                updates = CoapUpdates(self.releases, self.fleet, self.store)
            with _port_errors(f"--host {options.host}, --coap {options.coap}"):
                server = self._stack.enter_context(
                    CoapServer(options.host, options.coap, self.queue, shared, updates, reuse)
                )
            self._listeners.append(server)
            self.endpoints.append(f"coap://{address_text(server.host, server.port)}")
            if shared:
                self.endpoints.append(f"udp://{address_text(server.host, server.port)}")
        if options.udp is not None and not shared:
            with _port_errors(f"--host {options.host}, --udp {options.udp}"):
                listener = UdpListener(options.host, options.udp, self._on_datagram, reuse)
            self._stack.callback(listener.close)
            self._listeners.append(listener)
            self.endpoints.append(f"udp://{address_text(listener.host, listener.port)}")

    def _on_datagram(self, data: bytes, source: Address) -> None:
        self.queue.put(Message("udp", address_text(*source[:2]), data))

    def _count_lost(self) -> None:
        """Add the datagrams that were lost before the queue to the counter of the database."""
        if self.store is None:
            return
        with self._lock:
            lost = sum((each.lost or 0) + each.throttled for each in self._listeners)
            if lost > self._lost:
                self.store.count("dropped", lost - self._lost)
                self._lost = lost

    def _subscribe(self) -> None:
        options = self._options
        if options.mqtt is None:
            return
        from collector.intake.mqtt import MqttSubscriber

        host, port = options.mqtt
        share = client_id = ""
        if options.role == "intake":
            share = "collect" + _digest(_place(options.db), *options.topic)
            client_id = self._intake_id(f"{share}\0{socket.gethostname()}")
        elif options.db:
            client_id = "collect" + _digest(
                socket.gethostname(), _place(options.db), *options.topic
            )
        self._stack.enter_context(
            MqttSubscriber(
                host, port, self.queue, options.topic, options.mqtt_user, options.mqtt_password,
                options.client_id or client_id, share,
                report=lambda text, ok: self.report("mqtt", text, ok),
            )
        )  # fmt: skip
        broker = f"mqtt://{address_text(host, port)}"
        self.endpoints += [f"{broker}/{topic}" for topic in options.topic]

    def _intake_id(self, group: str) -> str:
        """Return the id of the first intake of this group that does not run on this computer.

        A number is taken as the name of a socket, which the system gives free at the end."""
        if sys.platform != "linux":
            return "collect" + _digest(group)
        for number in range(INTAKES_MAX):
            name = "collect" + _digest(group, str(number))
            taken = self._stack.enter_context(socket.socket(socket.AF_UNIX))
            with contextlib.suppress(OSError):
                taken.bind("\0" + name)
                return name
        raise UsageError(f"--role intake: {INTAKES_MAX} of them run here; allowed: --client-id")

    def _serve_page(self) -> None:
        if self._options.http is None:
            return
        from collector.web.access import is_loopback
        from collector.web.server import WebServer, tls_context

        options = self._options
        host, port = options.http
        if not is_loopback(host) and not options.token_file:
            raise UsageError(
                f"--http {address_text(host, port)}: needs --token-file FILE; allowed without: an"
                " address that only this computer reaches, such as 127.0.0.1:8080"
            )
        with _port_errors(f"--http {address_text(host, port)}"):
            server = self._stack.enter_context(
                WebServer(
                    host, port, self._database(), self.status, tokens=options.token_file,
                    names=options.http_name, tls=tls_context(options.tls_cert, options.tls_key),
                    report=self._tell,
                )
            )  # fmt: skip
        self.page = f"{server.scheme}://{address_text(server.host, server.port)}/"
        print(f"page: {self.page}", file=sys.stderr, flush=True)
        if not is_loopback(host) and server.scheme == "http":
            self._tell("page: without TLS others on the way can read tokens; see --tls-cert", True)

    def _database(self) -> str:
        """Return where the records are, with the tables in it."""
        if self.store is not None:
            return self.store.where
        where = str(self._options.db)
        try:
            with database.connect(where) as connection, connection.transaction():
                tables.prepare(connection)
        except (OSError, database.Unwritable) as problem:
            raise UsageError(
                f"--db {database.shown(where)}: {problem}; allowed: one of this command"
            ) from None
        return where

    def _look(self) -> None:
        if self.releases is not None:
            self.releases.look()

    # Its state, for people

    def report(self, part: str, text: str, ok: bool) -> None:
        """Report a problem of a part, or (ok) good news, which end it."""
        self.problems[part] = "" if ok else text
        self._tell(text, ok)

    def _tell(self, text: str, ok: bool) -> None:
        if self._screen is None:
            with contextlib.suppress(OSError):  # nobody reads them any more
                print(f"collect: {text}", file=sys.stderr, flush=True)

    def counters(self) -> list[tuple[str, int, bool]]:
        """Return (name, count, whether a count above 0 is a problem)."""
        if self.store is None:
            return []
        self._count_lost()
        counted = self.store.counters()
        if any(each.lost is None for each in self._listeners):
            counted["dropped (without the system's, which are unknown)"] = counted.pop("dropped")
        optional = [
            ("not written", self.store.unwritten),
            ("not printed", self._printer.skipped if self._printer else 0),
        ]
        return [
            (name, count, name.startswith(("refused", "dropped")))
            for name, count in counted.items()
        ] + [(name, count, True) for name, count in optional if count]

    def summary(self) -> str:
        lines = [", ".join(f"{count} {name}" for name, count, _ in self.counters())]
        return "\n".join(lines + [text for text in self.problems.values() if text])

    def _latest(self, most: int) -> list[Row]:
        assert self.store is not None
        return self.store.read(lambda connection: latest(connection, most))

    def _end_screen(self) -> None:
        """Show what was received last, while the database is there."""
        if self._screen is not None and self.store is not None:
            written = threading.Event()
            if self.store.put([], lambda outcome: written.set()):
                written.wait(REDRAW_S)
            self._screen.close()

    def _above_table(self) -> str:
        offers = self.releases.offers if self.releases else ""
        return "\n".join([self.summary(), *offers.splitlines()])

    def status(self) -> dict[str, Any]:
        """Return what this process says of itself (collector/web/api.py)."""
        found: dict[str, Any] = {
            "version": VERSION,
            "role": self._options.role,
            "endpoints": self.endpoints,
            "trouble": "; ".join(text for text in self.problems.values() if text),
            "updates": self.releases.offers if self.releases else "",
        }
        if self.store is None:
            return found
        return found | {
            "counters": {name: count for name, count, _ in self.counters()},
            "committed": self.store.committed_s,
            "waiting": self.queue.waiting + self.store.waiting,
            "unwritable": bool(self.store.problem),
        }


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _place(where: str) -> str:
    """Return what names a database, the same in each process that uses it."""
    if is_server(where):
        return where.partition("//")[2].rpartition("@")[2].partition("?")[0]
    return str(Path(where).resolve())


@contextlib.contextmanager
def _port_errors(options: str) -> Iterator[None]:
    """Turn an error of a port into one line that says what is allowed."""
    try:
        yield
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise UsageError(
            f"{options}: {why}; allowed: an address of this computer and a port that is free (0"
            " finds one)"
        ) from None


def _tell_systemd() -> None:
    """Tell that the start is over: sd_notify(3), without its library."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if where:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto(b"READY=1", where.replace("@", "\0", 1))


@contextlib.contextmanager
def _excepthook(hook: Callable[[threading.ExceptHookArgs], None]) -> Iterator[None]:
    """Let `hook` be told of an exception that ends a thread."""
    before, threading.excepthook = threading.excepthook, hook
    try:
        yield
    finally:
        threading.excepthook = before


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and termination set `stop`."""
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
