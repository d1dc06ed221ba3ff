"""nbiot.deactivate: what it does from each state, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.device import Device

pytestmark = [pytest.mark.both_runtimes(every=4), pytest.mark.both_links(every=3)]

MakeDevice = Callable[..., Device]
RELEASES = ("1.20.2.r4", "1.20.2.r7")


def test_a_modem_that_was_never_started_is_left_alone(make_device: MakeDevice) -> None:
    device = make_device(modem_on_boot=False)
    shown = device.run(
        "from networking import nbiot\nshow(nbiot.deactivate())\nshow(nbiot.deactivate())"
    )
    assert all(done is True and took_ms <= 1 for done, took_ms in shown), shown
    assert device.commands == []


@pytest.mark.parametrize("firmware", RELEASES)
@pytest.mark.parametrize("kind", ("IP", "IPV6", "IPV4V6"))
def test_the_modem_draws_its_off_current_afterwards(
    make_device: MakeDevice, kind: str, firmware: str
) -> None:
    device = make_device(firmware=firmware)
    [deactivated] = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(_IP_VERSION=given()), False)
        show(nbiot.deactivate())
        """,
        kind,
    )
    assert deactivated[0] is True
    assert not any(line in ("+++", "ATH") for line in device.commands[3:])  # nothing to disconnect
    assert device.modem_rests()
    assert device.board.meter.milliamps("modem") < 0.01


@pytest.mark.parametrize("command", ("AT+CFUN=4", "AT+SQNIPSCFG="))
def test_a_modem_that_restarts_at_the_last_commands_is_switched_off_again(
    make_device: MakeDevice, command: str
) -> None:
    fault = {"point": "command", "match": command, "nth": 1, "do": "crash"}
    device = make_device({"fault": [fault]}, modem_on_boot=False)
    [deactivated] = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        show(nbiot.deactivate())
        """
    )
    assert deactivated[0] is True
    assert device.modem_rests()


@pytest.mark.lte_link("data state")
def test_data_state_is_left_first(make_device: MakeDevice) -> None:
    device = make_device()
    connected, deactivated = device.run(
        """
        from networking import nbiot
        show(nbiot.connect(configured()).status)
        show(nbiot.deactivate())
        """
    )
    assert (connected, deactivated[0]) == (2, True)
    assert not device.modem.in_data_mode
    commands = device.commands
    end = commands[commands.index('AT+CGDATA="PPP",1') + 1 :]
    assert end.index("+++") < end.index("ATH") < end.index("AT+CFUN=4")


def test_deactivating_twice_does_nothing_more(make_device: MakeDevice) -> None:
    device = make_device()
    first, second = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        show(nbiot.deactivate())
        show(nbiot.deactivate())
        """
    )
    assert first[0] is True and second == [True, 0]


FAILURES = {
    "disconnect": "LTE.disconnect = fail",
    "isconnected": "LTE.isconnected = fail",
    "send_at_cmd": "LTE.send_at_cmd = fail",
}


@pytest.mark.lte_link("methods of LTE are patched")
@pytest.mark.parametrize("what", FAILURES)
@pytest.mark.parametrize("data_state", (False, True))
def test_deinitialisation_is_reached_whatever_fails_before(
    make_device: MakeDevice, what: str, data_state: bool
) -> None:
    device = make_device()
    deactivated, reached, tries = device.run(
        f"""
        from network import LTE
        from networking import nbiot
        nbiot.connect(configured(), given())
        reached = []
        tries = []
        deinit = LTE.deinit

        def noted(self, *args, **keywords):
            reached.append(keywords)
            return deinit(self, *args, **keywords)

        def fail(*args, **keywords):
            tries.append(1)
            raise OSError("the requested operation failed")

        LTE.deinit = noted
        {FAILURES[what]}
        show(nbiot.deactivate())
        show(len(reached))
        show(len(tries))
        """,
        data_state,
    )
    assert reached == 1 and tries < 40
    called = (
        what == "isconnected"
        and not data_state
        or what == "send_at_cmd"
        or (what == "disconnect" and data_state)
    )
    assert deactivated[0] is not called


@pytest.mark.lte_link("LTE.deinit is patched")
def test_a_failing_deinitialisation_is_reported_and_not_raised(make_device: MakeDevice) -> None:
    [deactivated] = make_device().run(
        """
        from network import LTE
        from networking import nbiot
        nbiot.connect(configured(), False)

        def fail(*args, **keywords):
            raise OSError("the requested operation failed")

        LTE.deinit = fail
        show(nbiot.deactivate())
        """
    )
    assert deactivated[0] is False


@pytest.mark.lte_link("LTE.deinit is patched")
def test_an_older_firmware_without_the_detach_argument(make_device: MakeDevice) -> None:
    """Up to 1.20.0.rc1 the argument is spelled dettach."""
    device = make_device()
    [deactivated] = device.run(
        """
        from network import LTE
        from networking import nbiot
        nbiot.connect(configured(), False)
        deinit = LTE.deinit

        def old(self, dettach=True, reset=False):
            deinit(self, detach=dettach, reset=reset)

        LTE.deinit = old
        show(nbiot.deactivate())
        """
    )
    assert deactivated[0] is True
    assert device.modem_rests()


def test_deactivating_while_the_modem_restarts_by_itself(
    make_device: MakeDevice, link: str
) -> None:
    nth = {"lte": 2, "uart": 1}[link]  # the firmware's own start sends one
    device = make_device({"fault": [{"point": "command", "match": "AT+CFUN=4", "nth": nth,
                                     "do": "crash"}]})  # fmt: skip
    [deactivated] = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        show(nbiot.deactivate())
        """
    )
    assert deactivated[0] is True
    assert device.modem_rests()


def test_the_duration_is_what_it_took(make_device: MakeDevice) -> None:
    for scenario in ("good", "bad_operator", "modem_mute_in_attach"):
        deactivated, took_ms = make_device(scenario).run(
            """
            import utime
            from networking import nbiot
            nbiot.connect(configured(), False)
            start_us = utime.ticks_cpu()
            show(nbiot.deactivate())
            show((utime.ticks_cpu() - start_us) // 1000)
            """
        )
        assert abs(deactivated[1] - took_ms) <= 2


@pytest.mark.lte_link("LTE.disconnect is patched")
@pytest.mark.parametrize(("failures", "confirmed"), [(1, True), (9, False)])
def test_a_modem_that_does_not_leave_data_state_is_switched_off_all_the_same(
    make_device: MakeDevice, failures: int, confirmed: bool
) -> None:
    device = make_device()
    [deactivated] = device.run(
        """
        from network import LTE
        from networking import nbiot
        nbiot.connect(configured())
        disconnect = LTE.disconnect
        left = [given()]

        def fail(self):
            left[0] -= 1
            if left[0] >= 0:
                raise OSError("Pause PPP failed")
            disconnect(self)

        LTE.disconnect = fail
        show(nbiot.deactivate())
        """,
        failures,
    )
    assert deactivated[0] is confirmed
    assert device.modem.cfun == 4
    assert device.modem_rests()


STOPPED = """
from network import LTE
from networking import nbiot

def fail(*args):
    raise OSError("Pause PPP failed")

LTE.isconnected = fail
show(nbiot.stop())
"""


@pytest.mark.lte_link("LTE.isconnected is patched")
def test_stop_ends_a_modem_that_opens_in_part_only_and_says_no(make_device: MakeDevice) -> None:
    device = make_device()
    device.run("from networking import nbiot\nnbiot.connect(configured(), False)")
    [stopped] = device.run(STOPPED)
    assert stopped is False
    assert device.modem.cfun == 4 and device.modem_rests()


def test_stop_after_a_deep_sleep_leaves_the_modem_alone(make_device: MakeDevice) -> None:
    device = make_device(modem_on_boot=False)
    [stopped] = device.run("from networking import nbiot\nshow(nbiot.stop(woken=True))")
    assert stopped is True and device.commands == []


# Whoever switched the modem on

OFF = "from networking import nbiot\nshow(nbiot.deactivate())"
ATTACHED = "from networking import nbiot\nnbiot.connect(configured(), False)\n"
RESETS = {
    "reset": ATTACHED + "import machine\nmachine.reset()",
    "watchdog": ATTACHED + "from machine import WDT\nWDT(timeout=1000)\nwhile True:\n    pass",
}
WHICH = """
import machine
if machine.reset_cause() == machine.PWRON_RESET:
    import before
else:
    import after
"""


@pytest.mark.parametrize("how", RESETS)
def test_a_modem_left_on_before_a_reset_is_switched_off(make_device: MakeDevice, how: str) -> None:
    device = make_device(modem_on_boot=False)
    device.put("before.py", "from support import *\n" + RESETS[how])
    device.put("after.py", "from support import *\n" + OFF)
    device.give(None)
    device.put("boot.py", "")
    device.put("main.py", WHICH)
    device.start(["boot.py", "main.py"], 2)
    [[deactivated, took_ms]] = device.shown
    assert deactivated is True and took_ms > 1000
    assert device.modem.cfun == 4 and device.modem_rests()


@pytest.mark.lte_link("the program uses LTE itself")
@pytest.mark.parametrize("deactivated_before", (False, True))
def test_a_modem_that_the_program_attached_by_itself_is_switched_off(
    make_device: MakeDevice, deactivated_before: bool
) -> None:
    device = make_device(modem_on_boot=False)
    off, again = device.run(
        """
        from network import LTE
        from networking import nbiot
        from utils import timing
        if given():
            nbiot.sendAtCommand("AT")
            nbiot.deactivate()
        lte = LTE()
        lte.attach(apn="iot.example")
        assert timing.wait_for(lte.isattached, 30000)
        show(nbiot.deactivate())
        show(nbiot.deactivate())
        """,
        deactivated_before,
    )
    assert off[0] is True and off[1] > 500 and again == [True, 0]
    assert device.modem.cfun == 4 and device.modem_rests()


def test_a_modem_that_the_firmware_started_is_let_asleep(
    make_device: MakeDevice, link: str
) -> None:
    device = make_device({"modem": {"cfun": 1}})
    [[deactivated, _]] = device.run(OFF)
    if link == "lte":  # the other one knows no start by the firmware
        assert deactivated is True and device.modem.cfun == 4 and device.modem_rests()


def test_a_modem_that_was_mute_at_first_is_switched_off_all_the_same(
    make_device: MakeDevice, link: str
) -> None:
    patience_ms = {"lte": 13_000, "uart": 26_000}[link]
    mute = {"point": "time", "at_ms": 10, "do": "mute", "for_ms": patience_ms}
    device = make_device({"modem": {"cfun": 1}, "fault": [mute]}, modem_on_boot=False)
    cause, deactivated = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        show(nbiot.last_outcome().cause)
        show(nbiot.deactivate().deactivation_status)
        """
    )
    assert (cause, deactivated) == ("modem_mute", True)
    assert device.modem.cfun == 4 and device.modem_rests()


def test_a_modem_that_stays_mute_is_not_said_to_be_off(make_device: MakeDevice) -> None:
    device = make_device("modem_mute", modem_on_boot=False)
    [deactivated] = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        show(nbiot.deactivate())
        """
    )
    assert deactivated[0] is False and deactivated[1] < 15_000


def test_after_a_deep_sleep_it_costs_nothing(make_device: MakeDevice) -> None:
    device = make_device(modem_on_boot=False)
    device.give(None)
    device.put("boot.py", "")
    program = OFF + "\nimport machine\nmachine.deepsleep(60000)"
    device.put("main.py", "from support import *\n" + program)
    device.start(["boot.py", "main.py"], 2)
    assert [off for off, _ in device.shown] == [True] * 2 and device.commands == []
    assert all(took_ms < 5 for _, took_ms in device.shown)


@pytest.mark.parametrize("second_line", ("queued", "lost"))
def test_a_modem_that_still_searches_is_switched_off(
    make_device: MakeDevice, second_line: str
) -> None:
    """A search for all networks takes minutes; nobody waits for its end."""
    device = make_device({"modem": {"second_line": second_line}})
    [[_, took_ms]] = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        nbiot.sendAtCommand("AT+COPS=?", timeout_ms=1000)
        show(nbiot.deactivate())
        """
    )
    assert took_ms <= 65_000  # it waits for the end of what lasts less than a minute
    device.board.clock.advance(200_000_000)
    assert device.modem.cfun == 4
