"""wifi.network_time: a time server, and what stands in its place."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from devkit.servers.udp import UdpServer
from tests.device import Device

pytestmark = pytest.mark.both_runtimes(every=3)

MakeDevice = Callable[..., Device]
NOON = 1772366400
_1970 = 2_208_988_800
PROGRAM = """
from networking import wifi
from utils import timing

class Config:
    _WIFI_NETS = {"field-ap": {"pwd": "for-documentation"}}
    _MAX_CONNECTION_ATTEMPT_TIME_SEC = 20
    _HOST = "192.0.2.1"

if given():
    Config._NTP_HOST = given()
assert wifi.problems(Config) == []
assert wifi.up(Config, "datagram")
watch = timing.Stopwatch()
show([wifi.network_time(), watch.elapsed_ms()])
wifi.down()
show(wifi.network_time())
"""


def answer(query: bytes, utc_s: float = NOON, **but: Any) -> bytes:
    """Of a server at stratum 2; the time in 32.32 bits since 1900, or since 2036."""
    assert len(query) == 48 and query[0] & 7 == 3
    first, stratum = but.get("first", 0x24), but.get("stratum", 2)
    time = round((utc_s + _1970) * 2**32) % 2**64
    return struct.pack(
        ">BBbb28sQQ8s", first, stratum, 6, -20, b"", time, time, b""
    )[:24] + but.get("originate", query[40:48]) + struct.pack(">QQ", time, time)  # fmt: skip


ANSWERS: dict[str, tuple[Any, int | None]] = {
    "a time": (lambda query: answer(query), NOON),
    "most of a second": (lambda query: answer(query, NOON + 0.75), NOON + 1),
    "the second era": (lambda query: answer(query, 2_085_978_496 + 5), 2_085_978_496 + 5),
    "the answer to another": (lambda query: answer(query, originate=bytes(8)), None),
    "a foreign one in front": (
        lambda query: [answer(query, 0, originate=bytes(8)), answer(query)], NOON
    ),
    "a server without time": (lambda query: answer(query, first=0xE4), None),
    "a kiss of death": (lambda query: answer(query, stratum=0), None),
    "the question": (lambda query: query, None),
    "too short": (lambda query: answer(query)[:47], None),
    "longer": (lambda query: answer(query) + bytes(40), NOON),
    "nothing": (lambda query: None, None),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_what_a_server_answers(make_device: MakeDevice, case: str) -> None:
    reply, expected = ANSWERS[case]
    with UdpServer(reply=reply) as server:
        device = make_device(routes=[f"192.0.2.9:123=127.0.0.1:{server.port}"])
        [told, took_ms], later = device.run(PROGRAM, "192.0.2.9")
    assert told == expected and later is None
    assert took_ms < 200 if expected is not None else 2000 <= took_ms < 2100


def test_a_name_is_looked_up(make_device: MakeDevice) -> None:
    with UdpServer(reply=answer) as server:
        device = make_device(routes=[f"ntp.example:123=127.0.0.1:{server.port}"])
        [told, took_ms], _ = device.run(PROGRAM, "ntp.example")
    assert told == NOON and took_ms < 400


@pytest.mark.parametrize("host", [None, "nowhere.example"])
def test_without_a_server_there_is_no_time(make_device: MakeDevice, host: str | None) -> None:
    [told, took_ms], _ = make_device().run(PROGRAM, host)
    assert told is None and took_ms < 400


def test_the_rtc_is_never_set(make_device: MakeDevice) -> None:
    """Moments of the RTC are what measurements are dated by."""
    with UdpServer(reply=answer) as server:
        device = make_device(routes=[f"192.0.2.9:123=127.0.0.1:{server.port}"])
        device.run(PROGRAM, "192.0.2.9")
    assert device.service("rtc").wall_us() < 60_000_000
