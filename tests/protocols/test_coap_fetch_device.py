"""A download on the emulated board, over both kinds of sockets, from the real collector."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2
import pytest

from collector import arguments
from collector.program import Collector
from tests.collector.releases_rig import Folder, address, answer, ask, envelope
from tests.collector.rig import port_of, report
from tests.device import Device

PROGRAM = """
import utime
from networking import nbiot
from network import LTE
from protocols import coap

class Settings:
    _HOST = "192.0.2.1"
    _PORT = 5683

job = given()
assert nbiot.connect(configured(), job["way"] == "ppp").status == (2 if job["way"] == "ppp" else 1)
if job["way"] == "ppp":
    import usocket as socket
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
else:
    import microATsocket as socket
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setModemInstance(LTE())
    sock.setMessageFormat(job["way"] == "hex")
session = coap.open(sock, Settings)
show(session.deliver(job["report"]))
show(session.offer)
show(session.ask("u", job["question"]))
start_us = utime.ticks_cpu()
number = job["first"]
while True:
    found = session.block(job["path"], number, job["size"])
    show(found)
    if not found or found[1]:
        break
    number += 1
show(utime.ticks_diff(utime.ticks_cpu(), start_us) // 1000)
session.close()
nbiot.deactivate()
"""
CONTENT = random.Random(1).randbytes(3_500)
RADIO = {"loss": 0.0, "downlink_loss": 0.0, "attach_ms": 2500, "outliers": False,
         "uplink_ms": 800, "turn_ms": 200}  # fmt: skip


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    folder = Folder(tmp_path / "RELEASES", "gate")
    folder.release(7, 6)
    folder.add(CONTENT)
    parser = argparse.ArgumentParser()
    arguments.add(parser)
    words = ["--udp", "off", "--coap", "0", "--http", "off", "--releases", str(folder.path)]
    with contextlib.ExitStack() as stack:
        yield Collector(parser.parse_args(words), stack)


@pytest.mark.both_runtimes
@pytest.mark.parametrize("way", ["text", "hex", "ppp"])
@pytest.mark.parametrize(("first", "size"), [(0, 1024), (3, 512)])
def test_what_is_offered_is_authorized_and_fetched(
    collector: Collector,
    make_device: Callable[..., Device],
    way: str,
    first: int,
    size: int,
) -> None:
    target = f"127.0.0.1:{port_of(collector, 'coap')}"
    device = make_device({"radio": RADIO}, routes=[f"192.0.2.1:5683={target}"])
    device.emulator.routes.patience.rely(0.5)
    job = {
        "way": way, "report": cbor2.dumps([*report(1), {0: "rl", 2: 6}]), "question": ask("gate"),
        "path": f"u/{address(CONTENT)}", "first": first, "size": size,
    }  # fmt: skip
    outcome, offer, answered, *blocks, ms = device.run(PROGRAM, job)
    assert outcome == "delivered"
    digest = hashlib.sha256(envelope(7, 6)).digest()
    assert list(offer) == [7, digest[:8]]
    assert answered == answer("gate", 1, 7, envelope(7, 6))
    assert None not in blocks
    assert b"".join(data for data, _, _ in blocks) == CONTENT[first * size :]
    assert [is_last for _, is_last, _ in blocks] == [False] * (len(blocks) - 1) + [True]
    assert {etag for _, _, etag in blocks} == {hashlib.sha256(CONTENT).digest()[:8]}
    assert ms < 8_000 * len(blocks)
    assert device.modem_rests()
