"""nbiot.deactivate: what it does from each state, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.device import Device

pytestmark = [pytest.mark.both_runtimes, pytest.mark.both_links]

MakeDevice = Callable[..., Device]
RELEASES = ("1.20.2.r4", "1.20.2.r7")


def test_a_modem_that_was_never_started_is_left_alone(make_device: MakeDevice) -> None:
    device = make_device(modem_on_boot=False)
    shown = device.run(
        "from networking import nbiot\nshow(nbiot.deactivate())\nshow(nbiot.deactivate())"
    )
    assert shown == [[True, 0]] * 2
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
    deactivated, reached = device.run(
        f"""
        from network import LTE
        from networking import nbiot
        nbiot.connect(configured(), given())
        reached = []
        deinit = LTE.deinit

        def noted(self, *args, **keywords):
            reached.append(keywords)
            return deinit(self, *args, **keywords)

        def fail(*args, **keywords):
            raise OSError("the requested operation failed")

        LTE.deinit = noted
        {FAILURES[what]}
        show(nbiot.deactivate())
        show(len(reached))
        """,
        data_state,
    )
    assert reached == 1
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


@pytest.mark.parametrize("second_line", ("queued", "lost"))
def test_a_modem_that_still_searches_is_switched_off(
    make_device: MakeDevice, second_line: str
) -> None:
    """A search for all networks takes minutes; nobody waits for it any more."""
    device = make_device({"modem": {"second_line": second_line}})
    [[_, took_ms]] = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        nbiot.sendAtCommand("AT+COPS=?", timeout_ms=1000)
        show(nbiot.deactivate())
        """
    )
    assert took_ms <= 65_000
    device.board.clock.advance(200_000_000)
    assert device.modem.cfun == 4
