"""Lines that the board and parts outside share, and what the calls that move them cost."""

from __future__ import annotations

import pytest

from emulator.board.board import DEEPSLEEP_RESET, FAST_CALL_US

HEAD = "from machine import Pin\nimport machine, pycom, utime\n"


@pytest.fixture
def line(device):
    """P3 with a pull-up resistor."""
    device.service("pins").pull_up("P3")
    return device.service("pins")


def test_a_shared_line_is_high_once_everyone_has_let_go(device, line):
    levels = [line.level("P3")]
    for key, on in (("a", True), ("b", True), ("a", True), ("a", False), ("b", False)):
        line.hold_low("P3", key, on)
        levels.append(line.level("P3"))
    assert levels == [1, 0, 0, 0, 0, 1]
    line.hold_low("P3", "a", True)
    printed = device.run(
        HEAD
        + """
pin = Pin("P3", mode=Pin.OPEN_DRAIN, value=1)
print(pin())
pin.init(Pin.IN, Pin.PULL_UP)
print(pin())
"""
    )
    assert printed == "0\n0\n"
    line.hold_low("P3", "a", False)
    assert device.run(HEAD + "print(Pin('P3', mode=Pin.IN, pull=Pin.PULL_DOWN)())") == "1\n"
    line.pull_up("P3", False)
    assert line.level("P3") == 0


def test_a_part_that_pulls_the_line_raises_interrupts(device, line):
    clock = device.board.clock
    clock.schedule(50_000, lambda: line.hold_low("P3", "a", True))
    clock.schedule(60_000, lambda: line.hold_low("P3", "a", False))
    printed = device.run(
        HEAD
        + """
pin = Pin("P3", mode=Pin.IN)
pin.callback(Pin.IRQ_FALLING | Pin.IRQ_RISING, lambda p: print(p()))
utime.sleep_ms(100)
"""
    )
    assert printed == "0\n1\n"


def test_watchers_of_a_line_are_told_what_the_board_does_and_when(device, line):
    seen = []
    line.on_level("P3", lambda pulled, at_us: seen.append((pulled, at_us)))
    device.run(
        HEAD
        + """
pin = Pin("P3", mode=Pin.OPEN_DRAIN, value=1)
pin(0)
utime.sleep_us(60)
pin(1)
pin.init(Pin.OUT, value=1)
pin(0)
utime.sleep_us(480)
pin.init(Pin.IN)
"""
    )
    assert [pulled for pulled, _ in seen] == [0, None, 1, 0, None]
    at_us = [at for _, at in seen]
    assert at_us[1] - at_us[0] == 60 + 2 * FAST_CALL_US
    assert at_us[4] - at_us[3] == 480 + FAST_CALL_US + line.call_us["init"]


def test_a_watcher_may_pull_the_line_at_once(device, line):
    line.on_level("P3", lambda pulled, at_us: line.hold_low("P3", "part", pulled == 0))
    line.on_level("P3", lambda pulled, at_us: pulled is None and line.hold_low("P3", "x", True))
    assert (
        device.run(HEAD + "p = Pin('P3', mode=Pin.OPEN_DRAIN, value=1)\np(0)\np(1)\nprint(p())")
        == "0\n"
    )


def test_receiving_pulses_ends_the_start_pulse(device, line):
    """What a sensor with a one-wire protocol of its own needs: it answers if it was woken."""
    told = []
    line.on_level("P3", lambda pulled, at_us: told.append((pulled, at_us)))

    def answer():
        (start, end) = told[-2:]
        assert (start[0], end[0]) == (0, None)
        return [(0, 80), (1, 80)] if end[1] - start[1] >= 18_000 else []

    line.pulse_sources["P3"] = answer
    printed = device.run(
        HEAD
        + """
pin = Pin("P3", mode=Pin.OPEN_DRAIN, value=1)
for ms in (10, 19):
    pin(0)
    utime.sleep_ms(ms)
    print(pycom.pulses_get("P3", 100))
    pin.init(Pin.OPEN_DRAIN, value=1)
"""
    )
    assert printed == "[]\n[(0, 80), (1, 80)]\n"


@pytest.mark.parametrize(
    ("statement", "us"),
    [
        ("pin()", FAST_CALL_US),
        ("pin(0)", FAST_CALL_US),
        ("pin.value(1)", FAST_CALL_US),
        ("utime.sleep_us(0)", FAST_CALL_US),
        ("utime.sleep_us(10)", 10 + FAST_CALL_US),
        ("state = machine.disable_irq()", FAST_CALL_US),
        ("machine.enable_irq(0)", FAST_CALL_US),
    ],
)
def test_what_calls_between_two_edges_cost(device, statement, us):
    printed = device.run(
        HEAD
        + f"""
pin = Pin("P3", mode=Pin.OPEN_DRAIN, value=1)
a = utime.ticks_cpu()
b = utime.ticks_cpu()
{statement}
c = utime.ticks_cpu()
print(c - b - (b - a))
"""
    )
    assert int(printed) == us


def test_a_wait_of_microseconds_is_not_cut_short_by_an_interrupt(device):
    printed = device.run(
        HEAD
        + """
machine.Timer.Alarm(lambda a: print("handled"), us=1200)
begin = utime.ticks_cpu()
utime.sleep_us(900)
utime.sleep_us(900)
print((utime.ticks_cpu() - begin) // 100)
"""
    )
    assert printed == "handled\n18\n"


def test_nested_interrupt_locks_end_open(device):
    printed = device.run(
        HEAD
        + """
machine.Timer.Alarm(lambda a: print("handled"), ms=10)
outer = machine.disable_irq()
inner = machine.disable_irq()
utime.sleep_ms(20)
machine.enable_irq(inner)
utime.sleep_ms(20)
print("still off")
machine.enable_irq(outer)
print("open")
machine.disable_irq()
machine.disable_irq()
machine.Timer.Alarm(lambda a: print("handled"), ms=10)
utime.sleep_ms(20)
machine.enable_irq()
print("open")
"""
    )
    assert printed == "still off\nhandled\nopen\nhandled\nopen\n"


def test_a_handler_that_locks_and_opens_does_not_open_itself_to_others(device):
    printed = device.run(
        HEAD
        + """
def handler(alarm):
    print("begin")
    machine.enable_irq(machine.disable_irq())
    utime.sleep_ms(20)
    print("end")
a = machine.Timer.Alarm(handler, ms=10)
b = machine.Timer.Alarm(handler, ms=15)
utime.sleep_ms(100)
"""
    )
    assert printed == "begin\nend\nbegin\nend\n"


@pytest.mark.both_runtimes
def test_what_is_set_while_a_pin_is_held_shows_when_it_is_let_go(device):
    shown = []
    device.service("pins").on_change("P9", shown.append)
    device.run(
        HEAD
        + """
pin = Pin("P9", mode=Pin.OUT, value=1)
pin.hold(True)
pin(0)
pin.init(Pin.OUT)
"""
    )
    assert shown == [1]
    device.run(HEAD + "Pin('P9', mode=Pin.OUT).hold(False)")
    assert shown == [1, 0]


@pytest.mark.parametrize(("first", "levels"), [("pin.value(1)", [1]), ("", [1, 0])])
def test_a_held_pin_outlives_deep_sleep_and_falls_if_it_is_let_go_unset(device, first, levels):
    shown = []
    device.service("pins").on_change("P9", shown.append)
    device.run(HEAD + "Pin('P9', mode=Pin.OUT, value=1).hold(True)\nmachine.deepsleep(5000)")
    device.board.reset(DEEPSLEEP_RESET)
    device.run(HEAD + f"pin = Pin('P9', mode=Pin.OUT)\n{first}\npin.hold(False)")
    assert shown == levels
