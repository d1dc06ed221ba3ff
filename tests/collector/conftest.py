"""The collector in this process, on free ports.

These tests use nothing of the emulator, and of the devkit only its servers: a real MQTT broker and
a real browser."""

from __future__ import annotations

import argparse
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest

from collector import arguments
from collector.program import Collector
from tests.collector.rig import port_of

Start = Callable[..., Collector]
FREE = ["--udp", "0", "--coap", "0", "--http", "0"]


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
