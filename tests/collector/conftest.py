"""The collector in this process, on free ports.

These tests use nothing of the emulator, and of the devkit only its servers: a real MQTT broker, a
real database server and a real browser."""

from __future__ import annotations

import argparse
import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest

from collector import arguments
from collector.program import Collector
from devkit.requirements import NotInstalled
from devkit.servers.postgres import NoServer, PostgresServer
from tests.collector.rig import port_of

Start = Callable[..., Collector]
FREE = ["--udp", "0", "--coap", "0", "--http", "0"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(PostgresServer())
        except (NoServer, NotInstalled) as problem:
            pytest.skip(str(problem))
        yield server


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of each kind, as in --db."""
    if request.param == "SQLite":
        return str(tmp_path / "a.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create()


@pytest.fixture
def start() -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def begin(*words: str, stack: contextlib.ExitStack = stack) -> Collector:
            parser = argparse.ArgumentParser()
            arguments.add(parser)
            return Collector(parser.parse_args([*FREE, *words]), stack)

        yield begin


@pytest.fixture
def send() -> Iterator[Callable[[Collector, Any], None]]:
    """send(collector, bytes or pack): one datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

        def one(collector: Collector, what: Any) -> None:
            data = what if isinstance(what, bytes) else cbor2.dumps(what)
            sender.sendto(data, ("127.0.0.1", port_of(collector, "udp")))

        yield one
