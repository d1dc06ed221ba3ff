"""The collector of this project behind a network that fails: the server of a soak.

    with Server(emulator, folder) as server:
        server.trouble = "silent"             # "", or one of TROUBLES
        ...
    server.rows("SELECT ... FROM readings")   # of its database, once it has ended

The collector runs in this process with its real CoAP port and its database. Its clock is that of
the emulated world, which stands still until it has answered.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import socket
import sqlite3
import time
from contextlib import AbstractContextManager
from datetime import timezone
from pathlib import Path
from typing import Any
from unittest import mock

from collector import arguments
from collector.decode import packs, report
from collector.program import Collector
from devkit.application import PUBLISHED
from emulator.emulator import Emulator

TROUBLES = ("silent", "refusing", "unheard")  # no answer; 5.03; its answers are lost on the way
UNHEARD = 0.01  # share of the answers that are lost at any time
_ANSWER_S = 20.0  # of real time: more than a busy computer needs to store a report
_BUSY = b"\x60\xa3"  # ACK, 5.03 Service Unavailable
_MAX_AGE = b"\xd1\x01\x3c"  # option 14: 60 s


class Server(AbstractContextManager["Server"]):
    def __init__(self, emulator: Emulator, folder: Path, seed: int) -> None:
        self.trouble = ""
        self.asked = self.unanswered = 0  # requests that came, and those that got no answer here
        self.failed = 0  # requests that the collector did not answer at all
        self._answered: set[int | None] = set()  # numbers of measurements that it stored
        self._unheard: set[int | None] = set()  # of those whose answer was lost
        self._emulator = emulator
        self._path = folder / "reports.db"
        self._random = random.Random(seed)
        self._stack = contextlib.ExitStack()
        self._socket: socket.socket | None = None
        self._cycle = -1

    def __enter__(self) -> Server:
        parser = argparse.ArgumentParser()
        arguments.add(parser)
        options = parser.parse_args(
            ["--udp", "off", "--coap", "0", "--http", "off", "--db", str(self._path)]
        )
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch("time.time", self.utc_s))
            with contextlib.redirect_stdout(io.StringIO()):  # where it prints each record
                self.collector = Collector(options, stack)
            queue: Any = self.collector.queue
            put = queue.put

            def dated(message: Any) -> Any:
                message.received_s = time.time()
                return put(message)

            stack.enter_context(mock.patch.object(queue, "put", dated))
            self._stack = stack.pop_all()
        [endpoint] = self.collector.endpoints
        self._port = int(endpoint.rpartition(":")[2])
        self._emulator.routes.serve(PUBLISHED["_HOST"], PUBLISHED["_PORT"], self._serve)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._socket is not None:
            self._socket.close()
        self._stack.close()

    def utc_s(self, at_us: int | None = None) -> float:
        """Seconds since 1970 in the emulated world, now or at a virtual time."""
        now_us = self._emulator.board.clock.now_us
        now_s = self._emulator.cell.utc().replace(tzinfo=timezone.utc).timestamp()
        return now_s - (0 if at_us is None else now_us - at_us) / 1e6

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self._path)) as database:
            return database.execute(query).fetchall()

    def _serve(self, request: bytes) -> list[bytes]:
        self.asked += 1
        if self.trouble == "silent":
            self.unanswered += 1
            return []
        tokens = request[0] & 15
        if self.trouble == "refusing":
            head = bytes((_BUSY[0] | tokens, _BUSY[1]))
            return [head + request[2 : 4 + tokens] + _MAX_AGE]
        answer = self._collect(request)
        heard = _numbers(request)
        if answer is None:
            self.failed += 1
        elif self.trouble == "unheard" or self._random.random() < UNHEARD:
            self._unheard |= heard
            answer = None
        if answer is None:
            self.unanswered += 1
            return []
        self._answered |= heard
        return [answer]

    @property
    def unheard(self) -> int:
        """How many measurements are stored without an answer that the node could have heard."""
        return len(self._unheard - self._answered)

    def _collect(self, request: bytes) -> bytes | None:
        """Ask the collector. Each cycle has a port of its own, as behind a network's NAT: message
        ids that are alike within 247 s of real time would count as repetitions."""
        if self._socket is None or self._cycle != self._emulator.board.cycle:
            if self._socket is not None:
                self._socket.close()
            self._cycle = self._emulator.board.cycle
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.settimeout(_ANSWER_S)
            self._socket.connect(("127.0.0.1", self._port))
        try:
            self._socket.send(request)
            while True:
                answer = self._socket.recv(2048)
                if answer[2:4] == request[2:4]:
                    return answer
        except OSError:
            return None


def _numbers(request: bytes) -> set[int | None]:
    """The sequence numbers in a CoAP message."""
    pack = request[request.index(b"\xff", 4 + (request[0] & 15)) + 1 :]
    return {each.seq for each in report.measurements(packs.read(pack, time.time()))[1]}
