"""The times that arrive from the template, against those at which it measured.

A node that sends every fourth measurement, on a board whose deep sleep runs 3 % fast: two of its
intervals without a good time are an hour each. Times are ages as long as nobody has told the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from collector.decode import packs
from devkit.servers.coap import CoapServer
from devkit.servers.receiver import PATIENCE_S
from devkit.servers.udp import UdpServer
from emulator.cycle import Cycle
from tests.device import Device

pytestmark = pytest.mark.both_runtimes(every=6)

MakeDevice = Callable[..., Device]
NOON = 1772366400
FRESH_S = 45  # most by which a wake-up differs from its place (utils/place.py)
PERIOD_S = 900
ABSOLUTE = 2**28  # RFC 8428 4.5.3
SERVER = "192.0.2.1:5683"


@pytest.fixture
def server() -> Iterator[CoapServer]:
    with CoapServer() as server:
        yield server


def board(
    make_device: MakeDevice,
    server: CoapServer | UdpServer,
    scenario: dict[str, Any],
    **fields: Any,
) -> Device:
    radio = {"loss": 0.0, "outliers": False, "no_service": 0.0}
    whole = {"radio": radio, "board": {"rtc_drift": 3}} | scenario
    route = f"{SERVER}={server.host}:{server.port}"
    device = make_device(whole, routes=[route], modem_on_boot=False)
    lines = [f"{name} = {value!r}\n" for name, value in {"_SEND_EVERY": 4, **fields}.items()]
    with (device.flash / "config.py").open("a", encoding="utf-8") as config:
        config.write("\n" + "".join(lines))
    return device


def measured_s(cycle: Cycle) -> float:
    """When the cycle measured, in seconds since 1970."""
    [start_ms] = [each.start_ms for each in cycle.phases if each.name == "measure"]
    return NOON + cycle.started_us / 1e6 + start_ms / 1000


def arrived(server: CoapServer | UdpServer) -> dict[int, list[float]]:
    """Sequence number -> the times in its records, as they are in the report."""
    found: dict[int, list[float]] = {}
    for payload in server.received:
        number = None
        for record in packs.read(payload.data, 0):  # ages are below 0
            if record.name.endswith(":"):
                assert isinstance(record.value, int)
                number = record.value
            elif record.name.endswith((":t", ":h", ":v")):
                found.setdefault(number, []).append(float(record.time or 0))  # type: ignore[arg-type]
    return found


def boots_told(server: CoapServer) -> list[object]:
    """The numbers of the measurements that say their boot number."""
    found = []
    for payload in server.received:
        number: object = None
        for record in packs.read(payload.data, 0):
            if record.name.endswith(":"):
                number = record.value
            elif record.name.endswith(":bo"):
                found.append(number)
    return found


def offsets(cycles: list[Cycle], times: dict[int, list[float]]) -> dict[int, float]:
    """How far each absolute time is from the truth, in seconds."""
    return {
        number: max(
            (each - measured_s(cycles[number]) for each in found if each > ABSOLUTE), key=abs
        )
        for number, found in times.items()
        if any(each > ABSOLUTE for each in found)
    }


WORLDS: dict[str, tuple[dict[str, Any], bool]] = {
    "the network tells": ({}, False),
    "the network too late, the server in time": ({"modem": {"nitz_form": "late"}}, True),
    "the server tells": ({"network": {"nitz": False}}, True),
    "both, the network in UTC beside its zone": ({"modem": {"cclk_utc": True}}, True),
    "both, the network an hour off": (
        {"fault": [{"point": "time", "at_ms": 4_000_000, "do": "wrong_time", "off_s": 5000}]}, True
    ),
}  # fmt: skip


@pytest.mark.parametrize("world", WORLDS)
def test_times_arrive_as_they_were(
    make_device: MakeDevice, server: CoapServer, world: str
) -> None:
    scenario, tells = WORLDS[world]
    device = board(make_device, server, scenario, _PROTOCOL="coap")
    device.emulator.routes.patience.rely(PATIENCE_S)
    server.clock = device.emulator.utc_s if tells else None
    cycles = device.start(["boot.py", "main.py"], 13)
    off = offsets(cycles, arrived(server))
    assert len(arrived(server)) >= 9
    assert set(boots_told(server)) == {0}  # until the server has confirmed it
    late = [number for number in off if number >= 5]  # the rate is known, or interpolated
    assert len(late) >= 4
    assert all(abs(off[number]) <= 2 + 0.01 * 4 * PERIOD_S for number in late), off
    for number, cycle in enumerate(cycles[7:], 1):  # no period is another, but for the fresh part
        length_s = (cycle.started_us - cycles[6].started_us) / 1e6
        assert abs(length_s - number * PERIOD_S) <= 0.01 * number * PERIOD_S + FRESH_S


@pytest.mark.cpython  # nine cycles without what test_times_arrive_as_they_were has
def test_without_any_time_ages_arrive(make_device: MakeDevice) -> None:
    """They are as good as the RTC: 3 % of an hour, and half of its wandering."""
    with UdpServer() as server:
        device = board(make_device, server, {"network": {"nitz": False}}, _PROTOCOL="udp")
        cycles = device.start(["boot.py", "main.py"], 9)
        server.wait_for(sum(cycle.delivered for cycle in cycles))
        times = arrived(server)
    assert len(times) >= 5 and offsets(cycles, times) == {}
    ages = [-min(found) for found in times.values()]
    assert max(ages) == pytest.approx(3 * PERIOD_S, rel=0.04)


def test_the_server_is_asked_when_the_time_is_wanted(
    make_device: MakeDevice, server: CoapServer
) -> None:
    device = board(
        make_device, server, {"network": {"nitz": False}}, _PROTOCOL="coap", _SEND_EVERY=1
    )
    device.emulator.routes.patience.rely(PATIENCE_S)
    server.clock = device.emulator.utc_s
    device.start(["boot.py", "main.py"], 8)
    asked = ["c" in post.query for post in server.received]
    assert asked[0] and 2 <= sum(asked) <= 4 and not any(asked[5:])
