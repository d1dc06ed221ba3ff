"""An emulated node with slots and the real collector that serves it releases.

    with World(releases, release, keys) as world:     # keys: root modulus, key file
        cycle = world.run()
        world.running, world.rejected                 # numbers of releases, as the NVS has them
        world.status["confirmed"]                     # as ./dev fleet status prints it

The collector runs in this process with its CoAP port on loopback, its database and the folder of
releases. Its clock is that of the emulated world, which stands still until it has answered. Raises
Unfit for a configuration with which no node gets updates.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import ipaddress
import secrets
import socket
import tempfile
from contextlib import AbstractContextManager
from datetime import timezone
from pathlib import Path
from typing import Any
from unittest import mock

import aiocoap

from collector import arguments
from collector.program import Collector
from collector.updates import fleet, releases
from devkit import application, configuration
from devkit.release import keys as key_folder
from devkit.release import provision, store
from devkit.release.sets import Release
from emulator.board.board import PWRON_RESET
from emulator.cycle import Cycle
from emulator.emulator import Console, Emulator

PROTOCOL = "coap"  # the only one with questions and answers
PATH = "u"  # of questions, and before an address (protocols/coap_fetch.py)
_ANSWER_S = 20.0  # of real time: more than a busy computer needs to store a report
_SEQ = (1 << 18) - 1
_TRIAL = 2
_CON = 0
_ACK_S, _RESPONSE_S, _CONFIRMED_S = 2, 30, 15  # defaults of protocols/coap.py; a short cycle
_HEADERS = {4: 28, 6: 48}  # bytes of IP and UDP


class Unfit(ValueError):
    """The configuration lets no update through; one line says why."""


class World(AbstractContextManager["World"]):
    def __init__(
        self,
        folder: Path,
        release: Release,
        keys: tuple[bytes, bytes],
        settings: dict[str, object] | None = None,
        console: Console = lambda text: None,
        **options: Any,
    ) -> None:
        """release: that the node has, of the releases in `folder`, which gets a key for this node.
        settings: lines added to the configuration. options: of Emulator."""
        self._releases, self._release, self._keys = folder, release, keys
        self._settings, self._console, self._options = dict(settings or {}), console, options
        self._stack = contextlib.ExitStack()
        self._cause: int | None = PWRON_RESET
        self._socket: socket.socket | None = None
        self._cycle = -1
        self.air_bytes = 0  # of questions and blocks, both ways, headers of IP and UDP included
        self.said: list[str] = []  # what the console got

    def __enter__(self) -> World:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="update-")))
            fields = self._used = self._fields()
            to = configuration.destination(fields)
            self._database = folder / "reports.db"
            flash = folder / "flash"
            flash.mkdir()
            stack.enter_context(mock.patch("time.time", self._utc_s))
            self._port = self._collect(stack)
            self.emulator = stack.enter_context(
                Emulator(
                    name=application.board(to["_BEARER"]),
                    chips=application.chips(to["_BEARER"]),
                    config=fields,
                    secrets=configuration.secret_values(fields),
                    flash=flash,
                    console=self._say,
                    **self._options,
                )
            )
            host, port = application.endpoint(to["_BEARER"], PROTOCOL, to)
            self._header = _HEADERS[6 if ":" in host else 4]
            self.emulator.routes.serve(host, port, self._serve)
            self._provision(fields.get("_DEVICE_NAME"), flash)
            self._stack = stack.pop_all()
        return self

    def _fields(self) -> dict[str, Any]:
        """Those of the configuration, with the settings. Raises Unfit."""
        own = configuration.fields()
        host = own.get("_HOST")
        if isinstance(host, str) and not _is_address(host):  # nothing here resolves a name
            self._settings.setdefault("_HOST", application.PUBLISHED["_HOST"])
        fields = {**own, **self._settings}
        to = configuration.destination(fields)
        if application.resolved(to["_BEARER"], to["_PROTOCOL"]) != PROTOCOL:
            raise Unfit(
                f"_PROTOCOL = {to['_PROTOCOL']!r} with _BEARER = {to['_BEARER']!r}; allowed for"
                " updates: 'coap', and a bearer that carries datagrams"
            )
        if own.get("_UPDATE_BYTES_PER_CYCLE") == 0:
            raise Unfit("_UPDATE_BYTES_PER_CYCLE = 0; allowed for updates: 1 or more")
        return fields

    @property
    def haste(self) -> str | None:
        """What is wrong with a period that leaves no time to fetch anything; None for another."""
        ack_s = self._used.get("_COAP_ACK_TIMEOUT_SEC", _ACK_S)
        answer_s = 11 * ack_s + self._used.get("_COAP_RESPONSE_TIMEOUT_SEC", _RESPONSE_S)
        period_s = self._used["_PERIOD_S"]
        if period_s >= answer_s + _CONFIRMED_S:
            return None
        return (
            f"_PERIOD_S = {period_s}: after a report no answer, which may take {answer_s} s, fits"
            f" before the next; allowed for updates: {answer_s + _CONFIRMED_S} or more"
        )

    def _provision(self, name: str | None, flash: Path) -> None:
        system: Any = self.emulator.board.services["system"]
        self.node = name or provision.name_of(system.mac)
        if not key_folder.is_node(self.node):
            allowed = f"allowed for updates: {key_folder.NODE_ALLOWED}"
            raise Unfit(f"_DEVICE_NAME = {self.node!r}; {allowed}")
        key = secrets.token_bytes(32)
        store.put_node(self._releases, self.node, key)
        given = provision.made(self._releases, self._release, self._keys, key, "a")
        provision.emulated(flash, self.emulator.board, given)
        application.configure(flash, self._settings)

    def __exit__(self, *raised: object) -> None:
        if self._socket is not None:
            self._socket.close()
        self._stack.close()

    def run(self) -> Cycle:
        """Let the node start, report, and sleep. `release` is the one that ran."""
        assert self._cause is not None, "the node stands at its prompt"
        word = self._number("ota")
        is_over = word >> 28 == _TRIAL and not (word >> 24 & 7 and word >> 18 & 63)
        self.release = self._number("ota_floor") if is_over else word & _SEQ
        [cycle] = self.emulator.run(cycles=1, cause=self._cause)
        self._cause = self.emulator.next_cause
        return cycle

    @property
    def goes_on(self) -> bool:
        """The node starts again."""
        return self._cause is not None

    @property
    def running(self) -> int:
        """The number of the release of the next start."""
        return self._number("ota") & _SEQ

    @property
    def is_on_trial(self) -> bool:
        return self._number("ota") >> 28 == _TRIAL

    @property
    def rejected(self) -> int:
        return self._number("ota_bad") & _SEQ

    @property
    def status(self) -> dict[str, Any]:
        """What the collector knows of the node; {} before its first report."""
        nodes = fleet.status_of(str(self._database))
        return nodes[0] if nodes else {}

    # the network

    def _serve(self, request: bytes) -> list[bytes]:
        """Carry a datagram of the node to the collector; what it answers."""
        if self._socket is None or self._cycle != self.emulator.board.cycle:
            self._open()
        assert self._socket is not None
        self._socket.send(request)
        answers: list[bytes] = []
        with contextlib.suppress(OSError):
            while request[0] >> 4 & 3 == _CON and not answers:
                answer = self._socket.recv(4096)
                answers += [answer] if answer[2:4] == request[2:4] else []
        with contextlib.suppress(ValueError):
            if aiocoap.Message.decode(request).opt.uri_path[:1] == (PATH,):
                self.air_bytes += sum(len(each) + self._header for each in [request, *answers])
        return answers

    def _open(self) -> None:
        """Each cycle has a port of its own, as behind a network's NAT: message ids that are alike
        within 247 s of real time would count as repetitions."""
        if self._socket is not None:
            self._socket.close()
        self._cycle = self.emulator.board.cycle
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(_ANSWER_S)
        self._socket.connect(("127.0.0.1", self._port))

    def _number(self, key: str) -> int:
        nvs: Any = self.emulator.board.services["nvs"]
        found = nvs.records.get((key, "int"), 0)
        return int(found)

    def _say(self, text: str) -> None:
        self.said.append(text)
        self._console(text)

    def _collect(self, stack: contextlib.ExitStack) -> int:
        """Start the collector; its port."""
        parser = argparse.ArgumentParser()
        arguments.add(parser)
        options = parser.parse_args(
            ["--udp", "off", "--coap", "0", "--http", "off", "--db", str(self._database),
             "--releases", str(self._releases)]
        )  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()):  # where it prints each record
            collector = Collector(options, stack)
        queue: Any = collector.queue
        put = queue.put

        def dated(message: Any) -> Any:
            message.received_s = self._utc_s()
            return put(message)

        stack.enter_context(mock.patch.object(queue, "put", dated))
        stack.enter_context(mock.patch.object(releases, "REREAD_S", 0.0))  # cycles take no time
        [endpoint] = collector.endpoints
        return int(endpoint.rpartition(":")[2])

    def _utc_s(self) -> float:
        """Seconds since 1970 in the emulated world."""
        emulator = getattr(self, "emulator", None)
        if emulator is None:
            return 0.0
        return emulator.cell.utc().replace(tzinfo=timezone.utc).timestamp()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
