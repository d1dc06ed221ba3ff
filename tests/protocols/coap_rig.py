"""protocols.coap on a virtual clock, against a peer that does what a test says."""

from __future__ import annotations

import binascii
import collections
import heapq
import itertools
import random
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

CON, NON, ACK, RST = range(4)
POST = 2
HOST, PORT = "192.0.2.1", 5683
Answers = list[tuple[float, bytes]]


class Rig:
    """The modules, the clock and a socket whose other end is a function.

    rig.answer = lambda seen: [(900, rig.ack(seen, 0x44))]     # after so many ms, a datagram
    rig.sent                                                   # [(ms, decoded message), ...]
    """

    def __init__(self, load: Callable[[str], ModuleType]) -> None:
        self.load: Any = load
        self.coap: Any = load("protocols.coap")
        self.coding: Any = load("protocols._coap_message")
        self.timing: Any = load("utils.timing")
        self.timing.utime.ticks_cpu = lambda: self.us & 0xFFFFFFFF
        self.timing.utime.ticks_diff = lambda end, start: end - start
        self.timing.utime.sleep_ms = self.pass_ms
        self.us = 0
        self.reset("usocket")

    def reset(self, style: str) -> None:
        self.style = style
        self.random = random.Random(1)
        self.pending: list[tuple[int, int, bytes, Any]] = []
        self.sent: list[tuple[float, Any]] = []
        self.raw: list[bytes] = []
        self.answer: Callable[[Any], Answers] = lambda seen: []
        self.limit = 1500
        self.accepts: Callable[[int], Any] = lambda count: True  # of the n-th datagram
        self.stream: tuple[bytes, Any] | None = (
            None  # datagram and sender: one each 5 ms, for ever
        )
        self.closed = False
        self.start_us = self.us
        self._order = itertools.count()
        self._timeout_us = 0

    @property
    def ms(self) -> float:
        return (self.us - self.start_us) / 1000

    def pass_ms(self, ms: float) -> None:
        self.us += int(ms * 1000)

    def bits(self, count: int) -> bytes:
        return self.random.randbytes((count + 7) // 8)

    # the other end

    def ack(self, seen: Any, code: int = 0x44, **more: Any) -> bytes:
        return self.message(ACK, code, seen[2], seen[3] if code else b"", **more)

    def message(self, kind: int, code: int, message_id: int, token: bytes, **more: Any) -> bytes:
        options, payload = more.get("options", ()), more.get("payload", b"")
        return bytes(self.coding.encode(kind, code, message_id, token, options, payload))

    def give(self, ms: float, data: bytes, sender: Any = (HOST, PORT)) -> None:
        """Have a datagram arrive so many ms from now."""
        at_us = self.us + int(ms * 1000)
        heapq.heappush(self.pending, (at_us, next(self._order), data, sender))

    # the socket

    def sendto(self, data: bytes, address: Any) -> int:
        assert address == (HOST, PORT)
        if len(data) > self.limit:
            raise ValueError("length of data")
        self.raw.append(data)
        message = self.coding.decode(data)
        assert message, data.hex()
        self.sent.append((self.ms, message))
        accepted = self.accepts(len(self.sent) - 1)
        if isinstance(accepted, Exception):
            raise accepted
        if accepted is not True:
            return int(accepted)
        for ms, answer in self.answer(message):
            self.give(ms, answer)
        return len(data)

    def settimeout(self, seconds: float) -> None:
        self._timeout_us = round(seconds * 1_000_000)

    def recvfrom(self, size: int) -> Any:
        end_us = self.us + self._timeout_us
        if self.pending and self.pending[0][0] <= end_us:
            at_us, _, data, sender = heapq.heappop(self.pending)
            self.us = max(self.us, at_us)
            return data[:size], sender
        if self.stream:
            self.us += 5000
            return self.stream
        self.us = end_us
        if self.style == "at":
            return None, None
        raise OSError(11)

    def close(self) -> None:
        self.closed = True

    # what is done

    def client(self, **options: Any) -> Any:
        return self.coap.Client(self, HOST, PORT, **options)

    def session(self, **fields: Any) -> Any:
        cfg = SimpleNamespace(_HOST=HOST, _PORT=PORT, **fields)
        assert self.coap.problems(cfg) == []
        return self.coap.open(self, cfg)

    def kinds(self) -> list[int]:
        return [message[0] for _, message in self.sent]


@pytest.fixture(scope="module")
def loaded(load: Callable[[str], ModuleType]) -> Iterator[Rig]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ucollections", collections)
        patch.setitem(sys.modules, "ubinascii", binascii)
        yield Rig(load)


@pytest.fixture(params=["usocket", "at"])
def rig(
    loaded: Rig, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rig]:
    """For each way in which a socket says that nothing came."""
    loaded.reset(request.param)
    bits = SimpleNamespace(getrandbits=loaded.bits)
    monkeypatch.setitem(sys.modules, "ucrypto", bits)
    yield loaded
