"""How long nbiot.deactivate() waits for datagrams to leave, what ends it, what left() says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_links(every=3)

MakeDevice = Callable[..., Device]
STEADY = {"loss": 0.0, "outliers": False, "no_service": 0.0, "attach_ms": 3000, "uplink_ms": 900,
          "detach_ms": 500}  # fmt: skip
# given: how many datagrams, ms until deactivate(), ms before each datagram. Shows the ms from the
# last OK to the end
PROGRAM = """
from networking import nbiot
from utils import timing

count, pause_ms, silence_ms = given() + [0] * (3 - len(given()))
nbiot.connect(configured(), False)
for _ in range(count):
    timing.sleep_ms(silence_ms)
    assert nbiot.sendATsocket(b"x" * 20, "192.0.2.1", 5683) == 20
last = timing.Stopwatch()
timing.sleep_ms(pause_ms)
down = nbiot.deactivate()
show((down.deactivation_status, last.elapsed_ms(), nbiot.left()))
"""


def scenario(rsrp_dbm: float = -90.0, **sections: Any) -> dict[str, Any]:
    radio = {**STEADY, "rsrp_dbm": rsrp_dbm, **sections.pop("radio", {})}
    return {"radio": radio, **sections}


def waited_ms(device: Device) -> float:
    """From the OK of the last datagram to the command that switches the radio off."""
    entries = device.board.trace.entries
    sent = [one.at_us for one in entries if one.kind == "at>" and "SQNSSENDEXT" in one.text][-1]
    off = [one.at_us for one in entries if one.kind == "at>" and "AT+CFUN=4" in one.text][-1]
    return (off - sent) / 1000


PROMPT_MS = 300  # of the firmware's link, before the OK

BOUNDS = {  # RSRP in dBm -> ms
    "good": (-90.0, 2000), "the border of good": (-108.9, 2000), "fair": (-109.5, 4000),
    "the border of fair": (-118.9, 4000), "edge": (-119.5, 8000), "weakest": (-150.0, 8000),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_the_bound_follows_the_coverage(make_device: MakeDevice, name: str) -> None:
    rsrp_dbm, bound_ms = BOUNDS[name]
    device = make_device(scenario(rsrp_dbm))
    [[status, _, left]] = device.run(PROGRAM, [1, 0])
    assert (status, left) == (True, None)
    assert bound_ms <= waited_ms(device) <= bound_ms + PROMPT_MS + 200


def test_unknown_coverage_counts_as_fair(make_device: MakeDevice) -> None:
    device = make_device(scenario(radio={"unknown_signal": True}))
    device.run(PROGRAM, [1, 0])
    assert 4000 <= waited_ms(device) <= 4000 + PROMPT_MS + 200


def test_several_datagrams_are_given_time_for_each(make_device: MakeDevice) -> None:
    device = make_device(scenario())
    device.run(PROGRAM, [4, 0])
    # it ran while they were handed over
    assert 2000 + 3 * 1500 - 1000 <= waited_ms(device) <= 2000 + 3 * 1500 + PROMPT_MS
    device = make_device(scenario(-125.0))
    device.run(PROGRAM, [9, 0])
    assert 46_000 <= waited_ms(device) <= 48_000 + PROMPT_MS + 200  # but no more than this


@pytest.mark.parametrize("lag_ms, silence_ms, bound_ms", ((20_000, 0, 5500), (0, 15_000, 4000),
                                                          (0, 4000, 2000)))  # fmt: skip
def test_a_connection_that_was_released_meanwhile_is_given_time_too(
    make_device: MakeDevice, lag_ms: int, silence_ms: int, bound_ms: int
) -> None:
    """A service request precedes the datagram after a lag, or a silence between two."""
    device = make_device(scenario(network={"cgatt_lag_ms": lag_ms, "release_ms": 10_000}))
    device.run(PROGRAM, [2, 0, silence_ms])
    assert bound_ms <= waited_ms(device) <= bound_ms + PROMPT_MS + 200


@pytest.mark.parametrize("pause_ms", (1500, 2500))
def test_time_that_has_passed_counts(make_device: MakeDevice, pause_ms: int) -> None:
    device = make_device(scenario())
    [[_, took_ms, _]] = device.run(PROGRAM, [1, pause_ms])
    assert max(2000, pause_ms) <= took_ms < max(2000, pause_ms) + 1500


def test_nothing_is_waited_for_where_nothing_was_sent(make_device: MakeDevice) -> None:
    device = make_device(scenario())
    [[status, took_ms, left]] = device.run(PROGRAM, [0, 0])
    assert (status, left) == (True, None) and took_ms < 1500
    assert not any("CSCON" in line for line in device.commands)


def test_an_answer_ends_the_wait(make_device: MakeDevice) -> None:
    from devkit.servers.udp import UdpServer

    server = UdpServer(reply=lambda data: data)
    try:
        device = make_device(
            scenario(-125.0), routes=[f"192.0.2.1:5683={server.host}:{server.port}"]
        )
        device.emulator.routes.patience.rely(2.0)
        answer, took_ms = device.run(
            """
            from networking import nbiot
            nbiot.connect(configured(), False)
            sock = nbiot.transport("datagram")
            sock.sendto(b"hello", ("192.0.2.1", 5683))
            sock.settimeout(20)
            show(sock.recvfrom(20)[0])
            show(nbiot.deactivate().deactivation_duration)
            """
        )
        assert answer == "hello" and took_ms < 2000
    finally:
        server.close()


@pytest.mark.lte_link("usocket over the firmware's PPP")
def test_in_data_state_the_time_of_one_datagram_is_given(make_device: MakeDevice) -> None:
    device = make_device(scenario(-125.0))
    took_ms, left = device.run(
        """
        import usocket
        from networking import nbiot
        nbiot.connect(configured())
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        sock.sendto(b"hello", ("192.0.2.1", 5683))
        sock.close()
        show(nbiot.deactivate().deactivation_duration)
        show(nbiot.left())
        """
    )
    assert 8000 <= took_ms < 11_000 and left is None
    assert [sent.on_air for sent in device.emulator.routes.sent] == [True]


# Evidence


def test_the_end_of_the_connection_tells_that_it_left_and_ends_the_wait(
    make_device: MakeDevice,
) -> None:
    device = make_device(scenario(-125.0, modem={"cscon": True}, network={"release_ms": 2500}))
    [[status, took_ms, left]] = device.run(PROGRAM, [1, 0])
    assert (status, left) == (True, True)
    assert took_ms < 7500
    assert [sent.on_air for sent in device.emulator.routes.sent] == [True]


def test_the_end_of_the_connection_is_not_waited_for(make_device: MakeDevice) -> None:
    """Without release assistance it is 20 s away and would cost 6 J."""
    device = make_device(scenario(modem={"cscon": True}, network={"release_ms": 22_000}))
    [[status, took_ms, left]] = device.run(PROGRAM, [1, 0])
    assert (status, left) == (True, None) and took_ms < 3500


FAULTS = ({"do": "crash"}, {"do": "lose_coverage"}, {"do": "detach_by_network"},
          {"do": "mute", "for_ms": 4000}, {"do": "mute", "forever": True})  # fmt: skip
# A watchdog that is not fed any more once the program has shown its result
WATCHED = """
from machine import WDT
from utils import timing
timing.set_watchdog(WDT(timeout=12000))
"""
SENT = {"uplink_ms": 4000}  # under way while the fault comes


@pytest.mark.parametrize("cscon", (False, True))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["do"])
@pytest.mark.parametrize("after_ms", (300, 2500))
def test_whatever_happens_meanwhile_the_radio_goes_off_and_no_more_is_claimed(
    make_device: MakeDevice, fault: dict[str, Any], after_ms: int, cscon: bool
) -> None:
    plain = make_device(scenario(-125.0, radio=SENT))
    plain.run(PROGRAM, [1, 0])
    entries = plain.board.trace.entries
    accepted_us = [one.at_us for one in entries if "SQNSSENDEXT" in one.text][-1] + 1_100_000
    at_ms = accepted_us // 1000 + after_ms
    table = scenario(
        -125.0, radio=SENT, modem={"cscon": cscon}, network={"release_ms": 1500},
        fault=[{"point": "time", "at_ms": at_ms, **fault}],
    )  # fmt: skip
    device = make_device(table)
    [[status, took_ms, left]] = device.run(WATCHED + PROGRAM, [1, 0], ends="reset")
    mute = fault.get("forever", False)
    assert status is not mute
    assert took_ms <= 80_000
    on_air = any(sent.on_air for sent in device.emulator.routes.sent)
    assert left is not True or on_air
    if fault["do"] == "crash":
        assert left is False
    if not mute:
        assert device.modem.cfun in (0, 4) and device.modem_rests()
