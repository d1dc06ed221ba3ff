"""The application with six sensors on four kinds of lines, one of them broken at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devkit.servers.receiver import records
from devkit.servers.server import Received
from devkit.servers.udp import UdpServer
from tests.device import Device

LINES = (
    ("bme280", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}),
    ("sht4x", {"sda_pin": "P9", "scl_pin": "P10", "name": "roof"}),
    ("tsl2561", {"sda_pin": "P9", "scl_pin": "P10"}),
    ("ads1115", {"sda_pin": "P9", "scl_pin": "P10", "name": "tank"}),
    ("ds18x20", {"data_pin": "P3"}),
    ("battery", {"data_pin": "P16"}),
)
CHIPS: dict[str, dict[str, Any]] = {
    "si7021": {"kind": "none"},
    "bme280": {"supply_pin": "P11", "temperature_c": {"mean": 11.5, "swing": 0}},
    "sht4x": {"temperature_c": {"mean": 12.5, "swing": 0}},
    "tsl2561": {},
    "ads1115": {},
    "ds18x20": {"temperature_c": {"mean": 13.5, "swing": 0}},
    "battery": {},
}
# Which values each sensor has in a report, and what its absence is called there
VALUES = {
    "bme280": ["p", "t", "h"],
    "sht4x": ["roof.t", "roof.h"],
    "tsl2561": ["lx"],
    "ads1115": ["tank"],
    "ds18x20": ["t2"],
    "battery": ["v"],
}
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "bme280": ({"absent": True}, "absent"),
    "sht4x": ({"corrupt_rate": 1.0}, "crc"),
    "tsl2561": ({"kind": "ads1115", "address": 0x39}, "wrong_part"),
    "ads1115": ({"extra_ms": 5000.0}, "busy"),
    "ds18x20": ({"absent": True}, "absent"),
}
LOSSLESS = {"loss": 0.0, "outliers": False, "no_service": 0.0}

MakeDevice = Callable[..., Device]


@pytest.fixture
def server() -> Iterator[UdpServer]:
    with UdpServer() as server:
        yield server


def cycle_of(make_device: MakeDevice, server: UdpServer, broken: str | None) -> Device:  # noqa: F811
    """One cycle of the application with these lines; its reports are at the server."""
    chips = {name: dict(table) for name, table in CHIPS.items()}
    if broken is not None:
        chips[broken].update(BROKEN[broken][0])
    route = f"192.0.2.1:5683={server.host}:{server.port}"
    device = make_device({"radio": LOSSLESS, "chips": chips}, routes=[route])
    with (device.flash / "config.py").open("a", encoding="utf-8") as config:
        config.write(f"\n_PROTOCOL = 'udp'\n_SENSORS = {LINES!r}\n")
    [cycle] = device.start(["boot.py", "main.py"], 1)
    assert (cycle.ended, cycle.error, cycle.status) == ("deepsleep", None, 1)
    server.wait_for(len(cycle.sent), timeout_s=5)
    return device


def reported(received: list[Received]) -> dict[str, Any]:
    found = [record for datagram in received for record in records(datagram)]
    return {record.name.rpartition(":")[2]: record for record in found}


@pytest.mark.both_runtimes
def test_all_six_are_in_the_report_with_their_units(make_device, server, runtime):  # noqa: F811
    cycle_of(make_device, server, None)
    found = reported(server.received)
    units = {
        name: found[name].unit for names in VALUES.values() for name in names if name in found
    }
    assert units == {
        "p": "hPa", "t": "Cel", "h": "%RH", "roof.t": "Cel", "roof.h": "%RH", "lx": "lx",
        "tank": "V", "t2": "Cel", "v": "V",
    }  # fmt: skip
    temperatures = [float(found[name].value) for name in ("t", "roof.t", "t2")]
    assert temperatures == [pytest.approx(value, abs=0.1) for value in (11.5, 12.5, 13.5)]
    assert not [name for name in found if name.endswith("_e")]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_one_costs_its_own_values_only(make_device, server, broken):  # noqa: F811
    device = cycle_of(make_device, server, broken)
    found = reported(server.received)
    missing = VALUES[broken]
    for names in VALUES.values():
        assert [name in found for name in names] == [name not in missing for name in names]
    told = {name: record.value for name, record in found.items() if name.endswith("_e")}
    assert told == {missing[0] + "_e": BROKEN[broken][1]}
    lines = [line for line in device.log if "WARNING sensors" in line]
    assert len(lines) == 1
    assert BROKEN[broken][1] in lines[0]


def test_all_are_measured_in_the_time_of_the_slowest(make_device, server):  # noqa: F811
    device = cycle_of(make_device, server, None)
    assert device.cycle is not None
    [measuring] = [phase for phase in device.cycle.phases if phase.name == "measure"]
    # the DS18B20 converts for 0.75 s at most, TSL2561 and battery wait as long and more in sum
    assert measuring.duration_ms < 1500
    assert device.service("pins").level("P11") == 0


def test_a_record_that_no_message_can_hold_costs_itself_only(make_device):  # noqa: F811
    """Names of 20 letters, of device and sensor, beside a token that each CoAP message has."""
    device = make_device({"radio": LOSSLESS}, routes=["192.0.2.1:5683=127.0.0.1:9"])
    sensor = {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11", "name": "n" * 20}
    with (device.flash / "config.py").open("a", encoding="utf-8") as config:
        config.write(
            "\n_PROTOCOL = 'coap'\n_TOKEN = 'x' * 32\n_DEVICE_NAME = 'a' * 20\n_COAP_CONFIRMABLE ="
            f" False\n_SENSORS = {(('si7021', sensor), ('battery', {'data_pin': 'P16'}))!r}\n"
        )
    [cycle] = device.start(["boot.py", "main.py"], 1)
    assert (cycle.ended, cycle.error, cycle.status) == ("deepsleep", None, 1)
    assert cycle.cause == "attached"
    assert len(cycle.sent) >= 1
    lost = [line for line in device.log if "not reported" in line]
    assert [line.split("'")[1] for line in lost] == ["n" * 20 + ".t", "n" * 20 + ".h"]
