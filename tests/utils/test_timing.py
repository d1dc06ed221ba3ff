"""utils.timing: durations, deadlines, waits that feed the watchdog."""

from __future__ import annotations

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes

TOOK = """
import utime
from utils import timing

def took_ms(action, *args):
    start_us = utime.ticks_cpu()
    action(*args)
    return utime.ticks_diff(utime.ticks_cpu(), start_us) // 1000
"""
WRAPS = {"far from a wrap": 0, "at 2**32 us": 2**32 - 3_000_000, "at 2**31 us": 2**31 - 3_000_000}


@pytest.fixture(params=WRAPS)
def any_time(device: Device, request: pytest.FixtureRequest) -> Device:
    """The tick counters pass their end some two seconds after the program has started."""
    device.service("rtc").ticks_offset_us = WRAPS[request.param]
    return device


def test_stopwatch(any_time: Device) -> None:
    assert any_time.run(
        TOOK + "watch = timing.Stopwatch()\nutime.sleep_ms(4321)\nshow(watch.elapsed_ms())"
    ) == [4321]


def test_durations_add_up_without_a_loss(any_time: Device) -> None:
    """Milliseconds are not lost by asking often."""
    [total] = any_time.run(
        TOOK
        + """
watch = timing.Stopwatch()
for _ in range(3000):
    utime.sleep_us(1300)
    watch.elapsed_ms()
show(watch.elapsed_ms())
"""
    )
    assert 3900 <= total <= 4200


def test_now_never_goes_back(any_time: Device) -> None:
    assert any_time.run(
        TOOK
        + """
from machine import RTC
times = []
for n in range(100):
    times.append(timing.now_ms())
    utime.sleep_ms(70)
    RTC().init((2000 + n % 7, 1, 1))
show(times == sorted(times) and times[-1] - times[0] < 7200)
"""
    ) == [True]


def test_now_counts_from_boot(device: Device) -> None:
    [now, ticks] = device.run(TOOK + "show(timing.now_ms())\nshow(utime.ticks_cpu() // 1000)")
    assert abs(now - ticks) <= 1


def test_a_sleep_longer_than_the_tick_period_is_measured(device: Device) -> None:
    """2**32 us are 71.6 minutes."""
    assert device.run(
        TOOK + "watch = timing.Stopwatch()\ntiming.sleep_ms(5400000)\nshow(watch.elapsed_ms())"
    ) == [5_400_000]


def test_deadline(any_time: Device) -> None:
    shown = any_time.run(
        TOOK
        + """
deadline = timing.Deadline(5000)
show([deadline.left_ms(), deadline.expired()])
utime.sleep_ms(4990)
show([deadline.left_ms() <= 10, deadline.expired()])
utime.sleep_ms(10)
show([deadline.left_ms(), deadline.expired()])
utime.sleep_ms(5000)
show([deadline.left_ms(), deadline.expired()])
"""
    )
    assert shown[0][0] in (4999, 5000)
    assert shown[0][1] is False
    assert shown[1:] == [[True, False], [0, True], [0, True]]


@pytest.mark.parametrize("ms", (0, -1, -5000))
def test_a_deadline_that_has_passed_already(device: Device, ms: int) -> None:
    assert device.run(
        TOOK
        + "deadline = timing.Deadline(given())\nshow([deadline.expired(), deadline.left_ms()])",
        ms,
    ) == [[True, 0]]


@pytest.mark.parametrize("ms", (0, -1, 1, 999, 1000, 1001, 12_345))
def test_sleep(any_time: Device, ms: int) -> None:
    [took] = any_time.run(TOOK + "show(took_ms(timing.sleep_ms, given()))", ms)
    assert max(0, ms) - 1 <= took <= max(0, ms) + 2  # both are cut to whole milliseconds


@pytest.mark.parametrize("how", ("(2030, 1, 1)", "(1970, 1, 1)", "None"))
def test_setting_the_clock_does_not_move_a_wait(device: Device, how: str) -> None:
    [took, waited] = device.run(
        TOOK
        + f"""
from machine import RTC, Timer
Timer.Alarm(lambda alarm: RTC().init({how}), ms=700, periodic=True)
show(took_ms(timing.sleep_ms, 5000))
show(took_ms(timing.wait_for, lambda: False, 5000))
import machine
machine.deepsleep(1)
""",
        ends="deepsleep",
    )
    assert 4999 <= took <= 5010
    assert 4999 <= waited <= 5110


def test_wait_for_returns_the_value_as_soon_as_it_is_true(device: Device) -> None:
    value, took, asked = device.run(
        TOOK
        + """
calls = []
def condition():
    calls.append(1)
    return "there" if len(calls) == 4 else ""
got = []
ms = took_ms(lambda: got.append(timing.wait_for(condition, 10000, 250)))
show(got[0])
show(ms)
show(len(calls))
"""
    )
    assert (value, asked) == ("there", 4)
    assert 749 <= took <= 755


@pytest.mark.parametrize("timeout_ms, poll_ms", ((1000, 100), (1000, 300), (0, 100), (50, 400)))
def test_wait_for_gives_up_at_its_timeout(device: Device, timeout_ms: int, poll_ms: int) -> None:
    value, took, asked = device.run(
        TOOK
        + """
timeout_ms, poll_ms = given()
calls = []
got = []
ms = took_ms(lambda: got.append(timing.wait_for(lambda: calls.append(1), timeout_ms, poll_ms)))
show(got[0])
show(ms)
show(len(calls))
""",
        [timeout_ms, poll_ms],
    )
    assert value is None
    assert timeout_ms - 1 <= took <= timeout_ms + 5
    assert asked == -(-timeout_ms // poll_ms) + 1  # at the start, at each poll, and at the end


WAITS = ("timing.sleep_ms(60000)", "timing.wait_for(lambda: False, 60000, 5000)")


@pytest.mark.parametrize("wait", WAITS)
def test_waits_feed_the_watchdog(device: Device, wait: str) -> None:
    program = TOOK + "import machine\nwatchdog = machine.WDT(timeout=2500)\n"
    end = f"{wait}\nshow('alive')\nmachine.deepsleep(1)"
    fed = device.run(program + "timing.set_watchdog(watchdog)\n" + end, ends="deepsleep")
    assert fed == ["alive"]
    # and it is this that keeps it from biting
    assert device.run(program + end, ends="reset") == []
    off = "timing.set_watchdog(watchdog)\ntiming.set_watchdog(None)\n"
    assert device.run(program + off + end, ends="reset") == []


def test_feed_without_a_watchdog_does_nothing(device: Device) -> None:
    assert device.run("from utils import timing\nshow(timing.feed())") == [None]
