"""networking.lora attacked by radio, by power cuts and by its own counters."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from emulator.board.board import DEEPSLEEP_RESET, PWRON_RESET, PowerCut
from tests.device import Device
from tests.networking.test_lora_emulated import CYCLE, HEAD, MakeDevice, fipy, run

__all__ = ["fipy"]
pytestmark = pytest.mark.both_runtimes
SEND = """
fields = given()
lora.up(settings(**fields), "message")
for number in range(fields.pop("count")):
    show(lora.send(settings(**fields), b"x")[1:3])
"""


def attack(device: Device, forge: Callable[[int, bytes], bytes | None]) -> None:
    """Let `forge` change the n-th downlink of the network; with None it does not come."""
    gateway: Any = device.emulator.lora.gateway
    schedule, numbers = gateway._schedule, iter(range(1000))

    def forged(sent: Any, frame: bytes, delay_s: int) -> None:
        changed = forge(next(numbers), frame)
        if changed is not None:
            schedule(sent, changed, delay_s)

    gateway._schedule = forged


def device_with(fipy: MakeDevice, downlinks: int) -> Device:
    payloads = [{"port": 2, "payload": f"{number:02x}"} for number in range(downlinks)]
    return fipy({"downlinks": payloads, "fluctuation_db": 0.0})


def test_forged_and_replayed_downlinks(fipy: MakeDevice) -> None:
    """The firmware takes a replay of the first downlink of a session until a second one came."""
    device = device_with(fipy, 8)
    heard: list[bytes] = []

    def forge(number: int, frame: bytes) -> bytes:
        heard.append(frame)
        return {
            1: lambda: frame[:-1] + bytes([frame[-1] ^ 1]),  # the MIC of the first one
            4: lambda: heard[2],  # a replay: taken before
            5: lambda: heard[3],
            6: lambda: frame[:1] + bytes(4) + frame[5:],  # for another device
            7: lambda: frame[:9] + bytes([frame[9] ^ 1]) + frame[10:],  # the payload
        }.get(number, lambda: frame)()

    attack(device, forge)
    told = run(device, SEND, {"count": 9})
    assert [cause for cause, _ in told] == ["sent"] * 9
    took = [None, b"\1", b"\2", None, None, None, None, b"\7", None]
    assert [downlink for _, downlink in told] == took
    assert [each.counter for each in device.emulator.lora.server.accepted] == list(range(9))


@pytest.mark.cpython("all but the last downlink end in the firmware")
def test_downlinks_of_every_length_and_garbage(fipy: MakeDevice) -> None:
    device = device_with(fipy, 256)
    source = random.Random(1)

    def forge(number: int, frame: bytes) -> bytes:
        if number in (0, 256):  # join accept, the last
            return frame
        head = frame[:5] if number % 3 else bytes([source.randrange(256)])
        return (head + source.randbytes(255))[:number]

    attack(device, forge)
    told = run(device, SEND, {"count": 256})
    assert told == [["sent", None]] * 255 + [["sent", b"\xff"]]
    assert device.emulator.lora.server.refused == []


def test_a_dev_nonce_that_comes_again_is_refused_and_another_one_joins(fipy: MakeDevice) -> None:
    device = fipy()
    device.emulator.lora.server.devices[0].nonces |= set(range(1 << 16)) - {5}
    numbers = iter([1, 2, 5])

    class Source(random.Random):
        def getrandbits(self, k: int) -> int:
            return next(numbers) if k == 16 else super().getrandbits(k)

    device.emulator.lora.board.rng = lambda name: Source(1)  # type: ignore[method-assign]
    assert run(device, SEND, {"count": 1}) == [["sent", None]]
    log = device.emulator.lora.server.log
    assert [each.reason for each in log] == ["dev_nonce", "dev_nonce", "", ""]


def test_a_replayed_join_accept_ends_after_eight_unanswered_uplinks(fipy: MakeDevice) -> None:
    """LoRaWAN 1.0.x does not bind it to the request: the session that begins is nobody's."""
    device = fipy({"fluctuation_db": 0.0})
    accepts: list[bytes] = []

    def forge(number: int, frame: bytes) -> bytes:
        accepts.append(frame)
        return accepts[0] if number == 2 else frame

    attack(device, forge)
    device.give({"_LORA_CONFIRMED": True, "_LORA_TX_RETRIES": 0})
    device.put("main.py", HEAD + CYCLE)
    device.start(["main.py"])
    causes = []
    for cycle in range(10):
        device.emulator.run(["main.py"], cause=DEEPSLEEP_RESET if cycle else PWRON_RESET)
        causes.append(device.shown[-2][0])
    assert causes == ["joined"] + ["restored"] * 7 + ["joined", "restored"]
    accepted = [each.counter for each in device.emulator.lora.server.accepted]
    assert accepted == [0, 0, 1]


def test_counters_near_their_ends(fipy: MakeDevice) -> None:
    device = fipy({"downlinks": [{"port": 2, "payload": "AA"}] * 40, "fluctuation_db": 0.0})
    device.give({})
    device.put("main.py", HEAD + CYCLE)
    device.start(["main.py"])
    lora = device.emulator.lora
    for up, down, expected in ((65_534, 65_535, 4), (0xFFFFFEFE, 7, 4)):
        session = lora._nvram["session"][0]
        session.fcnt_up, session.fcnt_down = up, down - 1
        lora.server.devices[0].fcnt_up, lora.server.devices[0].fcnt_down = up - 1, down
        before = len(lora.server.accepted)
        causes = []
        for _ in range(expected):
            device.emulator.run(["main.py"], cause=DEEPSLEEP_RESET)
            causes.append(device.shown[-2][0])
            assert device.shown[-2][1][:3] == [1, "sent", b"\xaa"]
        counters = [each.counter for each in lora.server.accepted[before:]]
        if up == 65_534:
            assert causes == ["restored"] * 4 and counters == [up, up + 1, up + 2, up + 3]
        else:  # it ends before the counter begins anew
            assert causes == ["restored"] * 3 + ["joined"]
            assert counters == [up, up + 1, up + 2, 0]
    assert lora.server.refused == []


def test_a_power_cut_inside_a_save_uses_no_counter_twice(fipy: MakeDevice) -> None:
    device = fipy()
    device.give({})
    device.put("main.py", HEAD + CYCLE)
    device.start(["main.py"])
    lora: Any = device.emulator.lora
    save = lora.do_nvram_save

    def cut() -> None:
        lora.board.clock.schedule(15_000, lambda: lora.board.stop(PowerCut()))
        save()

    for number in range(6):
        cause, lora.do_nvram_save = [(DEEPSLEEP_RESET, cut), (PWRON_RESET, save)][number % 2]
        device.emulator.run(["main.py"], cause=cause)
    assert lora.server.refused == []
    assert [each.counter for each in lora.server.accepted] == [0, 1, 0, 1, 0, 1, 0]
