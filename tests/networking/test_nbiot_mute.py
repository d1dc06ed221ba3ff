"""A mute modem costs one time limit; networking/_nbiot_mute.py knows it from a busy one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_links

MakeDevice = Callable[..., Device]
CALLS = """
import utime
from networking import nbiot

nbiot.connect(configured(), False)
{before}
for number in range(3):
    start_us = utime.ticks_cpu()
    show([nbiot.sendAtCommand("AT+CSQ"), (utime.ticks_cpu() - start_us) // 1000])
    utime.sleep_ms(500)
show(nbiot.deactivate())
"""


def fault(at_s: int, for_s: int | None) -> dict[str, object]:
    silence = {"forever": True} if for_s is None else {"for_ms": 1000 * for_s}
    return {"point": "time", "at_ms": 1000 * at_s, "do": "mute", **silence}


def calls(make_device: MakeDevice, for_s: int | None) -> list[tuple[bool, int]]:
    device = make_device({"radio": {"attach_ms": 2500}, "fault": [fault(60, for_s)]})
    program = CALLS.format(before="utime.sleep_ms(61000 - utime.ticks_ms())")
    *shown, _ = device.run(program)
    return [(status, took_ms) for (_, status), took_ms in shown]


def test_a_modem_that_went_mute_costs_one_limit(make_device: MakeDevice) -> None:
    first, *others = calls(make_device, None)
    assert first[0] is False and 9000 <= first[1] <= 11_000
    for status, took_ms in others:
        assert status is False and took_ms <= 1100


def test_a_modem_that_answers_again_is_asked_again(make_device: MakeDevice) -> None:
    (first, _), (second, _), (third, took_ms) = calls(make_device, 12)
    assert (first, second) == (False, True) or (second, third) == (False, True)
    assert third is True and took_ms < 2000
