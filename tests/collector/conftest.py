"""The collector as `./dev collect` puts it together, in this process, on free ports."""

from __future__ import annotations

import argparse
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest

from collector import arguments
from collector.program import Collecting
from tests.collector.rig import port_of

Start = Callable[..., Collecting]
FREE = ["--udp", "0", "--coap", "0", "--http", "0"]


@pytest.fixture
def start() -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def begin(*words: str) -> Collecting:
            parser = argparse.ArgumentParser()
            arguments.add(parser)
            return Collecting(parser.parse_args([*FREE, *words]), stack)

        yield begin


@pytest.fixture
def send() -> Iterator[Callable[[Collecting, Any], None]]:
    """send(collecting, bytes or pack): one datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

        def one(collecting: Collecting, what: Any) -> None:
            data = what if isinstance(what, bytes) else cbor2.dumps(what)
            sender.sendto(data, ("127.0.0.1", port_of(collecting, "udp")))

        yield one
