"""nbiot.network_time: what the network tells in this attach, and nothing older."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

pytestmark = [pytest.mark.both_runtimes(every=3), pytest.mark.both_links(every=3)]

MakeDevice = Callable[..., Device]
NOON = 1772366400  # 2026-03-01T12:00:00, when the board gets power
UP = """
from networking import nbiot
from utils import timing

def tell():
    show([nbiot.network_time(), nbiot.network_zone(), timing.now_ms()])

if given():
    nbiot.expect_time()
assert nbiot.up(configured(), "datagram")
"""
TWICE = UP + "timing.sleep_ms(4000)\ntell()\ntiming.sleep_ms(9000)\ntell()\nnbiot.down()\n"


def offsets(device: Device, told: list[Any]) -> list[int | None]:
    """How far each answer was from the time at which it was asked; whole seconds that drift."""
    start_s = NOON + device.board.started_us / 1e6
    late_s = [None if utc_s is None else start_s + ms / 1000 - utc_s for utc_s, _, ms in told]
    return [late if late is None else 0 if -0.2 < late < 1.2 else round(0.5 - late)
            for late in late_s]  # fmt: skip


TOLD = {  # 4 s and 13 s after the attach
    "in time": ({}, [0, 0], 4),
    "west of Greenwich": ({"network": {"time_zone_quarters": -22}}, [0, 0], -22),
    "late": ({"modem": {"nitz_form": "late"}}, [None, 0], 4),
    "never": ({"network": {"nitz": False}}, [None, None], 0),
    "a zone alone": ({"modem": {"nitz_form": "zone"}}, [None, None], 0),
    "UTC beside the zone": ({"modem": {"cclk_utc": True}}, [-3600, -3600], 4),
    "a clock that starts in 2015": (
        {"modem": {"clock_starts": 2015}, "network": {"nitz": False}}, [None, None], 0
    ),
    "a modem that lets nobody set its clock": (
        {"fault": [{"point": "command", "match": "AT+CTZU=1;+CCLK=", "do": "error"}],
         "modem": {"ctzu": 1}}, [0, 0], 4,
    ),
    "an answer that is none": (
        {"fault": [{"point": "command", "match": "AT+CCLK?", "do": "no_info"}]}, [None, None], 0
    ),
    "a mute modem": (
        {"fault": [{"point": "command", "match": "AT+CCLK?", "do": "mute"}]}, [None, None], 0
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_the_time_of_this_attach(make_device: MakeDevice, case: str) -> None:
    scenario, expected, zone = TOLD[case]
    device = make_device({"radio": {"attach_ms": 2500}} | scenario)
    told = device.run(TWICE, True)
    assert offsets(device, told) == expected
    assert told[-1][1] == zone
    asked = [line for line in device.commands if "CCLK" in line]
    assert len(asked) <= 4 and asked[0].startswith('AT+CTZU=1;+CCLK="')


def test_the_time_of_an_earlier_attach_does_not_count(make_device: MakeDevice) -> None:
    """The modem's own clock has drifted since, by 36 s an hour here."""
    device = make_device({"radio": {"attach_ms": 2500}})
    assert offsets(device, device.run(TWICE, True)) == [0, 0]
    device.emulator.cell.network.nitz = False
    device.board.clock.advance(6 * 3_600_000_000)
    assert offsets(device, device.run(TWICE, True)) == [None, None]
    device.emulator.cell.network.nitz = True
    assert offsets(device, device.run(TWICE, True)) == [0, 0]


def test_who_does_not_expect_a_time_pays_nothing(make_device: MakeDevice) -> None:
    device = make_device({"radio": {"attach_ms": 2500}})
    assert offsets(device, device.run(TWICE, False)) == [None, None]
    assert not [line for line in device.commands if "CCLK" in line]


def test_a_modem_that_keeps_its_time_is_not_believed(make_device: MakeDevice) -> None:
    fault = {"point": "command", "match": "AT+CTZU=1;+CCLK=", "do": "error"}
    device = make_device({"radio": {"attach_ms": 2500}, "modem": {"ctzu": 1}, "fault": [fault]})
    device.run(TWICE, True)
    device.board.clock.advance(3_600_000_000)
    assert offsets(device, device.run(TWICE, True)) == [None, None]
