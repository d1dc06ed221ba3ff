"""A real server that receives the reports of a run, on loopback, and what they say.

    with Receiver("coap") as receiver:
        with Emulator(routes=[receiver.route("192.0.2.1", 5683)]) as emulator:
            receiver.attend(emulator)
            ...
        receiver.wait_for(3, timeout_s=5)
        print(receiver.table())

For MQTT a broker stands between the board and the server. SenML is decoded by the collector's
decoder, which is all that is used of it here.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import time
from collections.abc import Iterable, Sequence
from types import ModuleType

from collector.decode import packs, senml
from collector.decode.senml import Record
from devkit import application
from devkit.servers.server import Received
from devkit.tables import table
from emulator.emulator import Emulator

PATIENCE_S = 0.5  # of real time, for a server that answers
HEADINGS = ("datagram", "bytes", "name", "value", "unit", "time")


def server_of(protocol: str) -> ModuleType:
    """The file of its server: its own one, or a plain one for its kind of transport."""
    name = protocol
    if importlib.util.find_spec(f"devkit.servers.{protocol}") is None:
        name = "tcp" if application.transport(protocol) == "stream" else "udp"
    return importlib.import_module(f"devkit.servers.{name}")


def answers(protocol: str) -> bool:
    """The server confirms each payload."""
    return bool(getattr(server_of(protocol), "ANSWERS", False))


class Receiver:
    """Listens as long as its block lasts. `about` says what it is, for people."""

    host: str
    port: int
    about: str
    received: list[Received]  # one payload each, in order

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self._parts = contextlib.ExitStack()

    def __enter__(self) -> Receiver:
        with contextlib.ExitStack() as parts:
            self._server, self.about = server_of(self.protocol).start(parts)
            self._parts = parts.pop_all()
        self.host, self.port = self._server.host, self._server.port
        self.received = self._server.received
        return self

    def __exit__(self, *raised: object) -> None:
        self._parts.close()

    def route(self, host: str, port: int) -> str:
        """By which the board reaches it as host:port."""
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{port}={self.host}:{self.port}"

    def attend(self, emulator: Emulator) -> None:
        """Let a board wait for this server's answers, also on a busy computer: virtual time
        stands still meanwhile, and an answer that is missed costs the board a repetition. A
        server that can tell the time has that of the board's world."""
        if answers(self.protocol):
            emulator.routes.patience.rely(PATIENCE_S)
        if hasattr(self._server, "clock"):
            self._server.clock = emulator.utc_s

    def wait_for(self, count: int, timeout_s: float) -> bool:
        """Wait until `count` payloads have come in all; False if they did not in time."""
        return self._server.wait_for(count, timeout_s)

    def table(self) -> str:
        return decoded(self.received)


def records(received: Received) -> list[Record]:
    """The resolved records of a report; ValueError if it is no SenML pack."""
    return packs.read(received.data, received.at_s)


def decoded(payloads: Iterable[Received]) -> str:
    """A table of what payloads say; one that is no SenML pack is shown in hex."""
    rows: list[Sequence[object]] = []
    for number, payload in enumerate(payloads, 1):
        size = len(payload.data)
        try:
            found = packs.read(payload.data, 0)  # ages stay what they are
        except ValueError as problem:
            text = "not SenML: " + packs.printable(str(problem))
            rows.append((number, size, text, packs.printable(payload.data.hex())))
            continue
        for record in found:
            unit = packs.printable(record.unit) if record.unit else None
            rows.append((number, size, record.name, packs.shown(record), unit, _when(record)))
    return table(rows, HEADINGS)


def _when(record: Record) -> str:
    if not record.time:
        return "now"
    if abs(float(record.time)) < senml.RELATIVE_BELOW:
        return f"{float(record.time):g} s"
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(float(record.time)))
    except (ValueError, OverflowError, OSError):
        return f"{float(record.time):g}"  # no year has four digits there
