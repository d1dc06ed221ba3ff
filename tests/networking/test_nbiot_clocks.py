"""Deadlines, durations and the watchdog while nbiot waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.device import Device

pytestmark = [pytest.mark.both_runtimes, pytest.mark.both_links(every=2)]

MakeDevice = Callable[..., Device]
PROGRAM = """
from networking import nbiot
show(nbiot.connect(configured(_MAX_ATTACHMENT_ATTEMPT_TIME_SEC=given()[0]), given()[1]))
show(outcome())
show(nbiot.deactivate())
"""


_plain: dict[str, list] = {}


def plain_run(make_device: MakeDevice, link: str) -> list:
    """What the program shows on a board without trouble, once for all."""
    if link not in _plain:
        _plain[link] = make_device().run(PROGRAM, [60, True])
    return _plain[link]


def phases(last: dict) -> list[tuple[str, int]]:
    return [tuple(phase) for phase in last["phases"]]


@pytest.mark.cpython
@pytest.mark.parametrize("wrap_at_s", range(2, 13))
@pytest.mark.parametrize("half", (0, 1))
def test_a_wrap_of_the_ticks_changes_nothing(
    make_device: MakeDevice, link: str, wrap_at_s: int, half: int
) -> None:
    """All tick counters pass 2**32 us (or 2**31) at this second: in each phase in turn.
    The program starts after a second."""
    plain = plain_run(make_device, link)
    device = make_device()
    offset_us = 2 ** (32 - half) - wrap_at_s * 1_000_000
    device.service("rtc").ticks_offset_us = offset_us - offset_us % 1000  # rounds as without it
    wrapped = device.run(PROGRAM, [60, True])
    assert wrapped[0] == plain[0]
    assert phases(wrapped[1]) == phases(plain[1])
    assert wrapped[2] == plain[2]


@pytest.mark.parametrize("scenario, limit_s", (("no_cell", 30), ("slow_attach", 20)))
def test_a_deadline_survives_the_wrap(
    make_device: MakeDevice, scenario: str, limit_s: int
) -> None:
    device = make_device(scenario)
    device.service("rtc").ticks_offset_us = 2**32 - 15_000_000
    result, last, _ = device.run(PROGRAM, [limit_s, False])
    spent = dict(phases(last))
    assert last["cause"] == "attach_timeout"
    spent_ms = spent["activation"] + spent["attachment"]
    assert 1000 * limit_s <= spent_ms <= 1000 * limit_s + 200


YEARS_S = {"forward": 1_800_000_000, "back": 3, "a second back": -1}


@pytest.mark.cpython
@pytest.mark.parametrize("how", YEARS_S)
@pytest.mark.parametrize("at_ms", (2500, 4500, 6000, 8000, 9500))
def test_setting_the_clock_changes_nothing(
    make_device: MakeDevice, link: str, at_ms: int, how: str
) -> None:
    """ticks_ms follows the wall clock on this firmware; NTP or a thread may set it any time."""
    plain = plain_run(make_device, link)
    device = make_device()
    rtc = device.service("rtc")

    def set_clock() -> None:
        seconds = YEARS_S[how]
        now_us = rtc.wall_us()
        rtc.set_wall_us(now_us + seconds * 1_000_000 if seconds < 0 else seconds * 1_000_000)

    device.board.clock.schedule_ms(at_ms, set_clock)
    assert device.run(PROGRAM, [60, True]) == plain


def test_the_clock_set_by_the_program_does_not_move_a_deadline(make_device: MakeDevice) -> None:
    device = make_device("no_cell")
    result, last, _ = device.run(
        "from machine import RTC, Timer\n"
        "Timer.Alarm(lambda alarm: RTC().init((2026, 3, 1, 12)), s=4, periodic=True)\n" + PROGRAM,
        [20, False],
    )
    spent = dict(phases(last))
    assert last["cause"] == "attach_timeout"
    assert 20_000 <= spent["activation"] + spent["attachment"] <= 20_200


@pytest.mark.parametrize(
    "scenario, data_state",
    [("slow_attach", True), ("no_cell", False), ("ipv6_only", True), ("edge", True),
     ("no_sim", False), ("modem_mute_in_attach", False), ("denied", False), ("modem_mute", False),
     ("modem_crash", True), ("bad_operator", True)],
)  # fmt: skip
def test_the_watchdog_is_fed_in_every_wait(
    make_device: MakeDevice, scenario: str, data_state: bool
) -> None:
    """15 s: longer than any single call into the firmware, shorter than the waits around them."""
    device = make_device(scenario)
    result, last, deactivated = device.run(
        "import machine\nfrom utils import timing\n"
        "timing.set_watchdog(machine.WDT(timeout=15000))\n" + PROGRAM + "machine.deepsleep(1000)",
        [120, data_state],
        ends="deepsleep",
    )
    assert len(result) == 7


def test_without_the_application_arming_it_no_watchdog_is_fed(make_device: MakeDevice) -> None:
    """A watchdog that the application feeds itself, in a program that hangs, still bites."""
    device = make_device("no_cell")
    device.run(
        "import machine\nmachine.WDT(timeout=15000)\n" + PROGRAM, [120, False], ends="reset"
    )
