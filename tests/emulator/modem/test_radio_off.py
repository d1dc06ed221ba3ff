"""What becomes of accepted packets when the radio goes off, and what the modem tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.modem.bare_modem import Rig
from tests.emulator.modem.socket_rig import SocketRig

STEADY = {
    "attach_ms": 4000, "detach_ms": 1500, "uplink_ms": 2000, "turn_ms": 1000, "loss": 0.0,
}  # fmt: skip
ENDS = ("AT+CFUN=4", "AT+CFUN=0", "AT+CFUN=4,1", "AT+CGATT=0", "AT+COPS=2", "AT+SQNSSHDN")


def queued(line: str, drops: bool, wait_ms: float = 0) -> tuple[list[tuple[str, Any]], float]:
    """What became of two packets with `line` so long behind them, and how long that took."""
    rig = Rig({"radio": STEADY, "modem": {"off_drops_queue": drops}})
    rig.attach()
    ends: list[tuple[str, Any]] = []
    for name in ("first", "second"):
        rig.modem.radio.send(148, lambda ok, name=name: ends.append((name, ok)))
    rig.pass_ms(wait_ms)
    begin_ms = rig.now_ms
    rig.write(line + "\r")
    rig.until("OK")
    return ends, rig.now_ms - begin_ms


@pytest.mark.parametrize("line", ENDS)
def test_what_has_not_left_is_lost_with_the_radio(line: str) -> None:
    ends, took_ms = queued(line, drops=True)
    assert ends == [("first", None), ("second", None)]
    assert took_ms < 2000  # the detach alone
    assert queued(line, drops=True, wait_ms=2100)[0] == [("first", True), ("second", None)]
    assert queued(line, drops=True, wait_ms=4100)[0] == [("first", True), ("second", True)]


@pytest.mark.parametrize("line", ENDS)
def test_a_kind_modem_sends_first(line: str) -> None:
    ends, took_ms = queued(line, drops=False)
    assert ends == [("first", True), ("second", True)]
    assert took_ms > 5500


def test_a_restart_loses_the_queue_in_any_case() -> None:
    rig = Rig({"radio": STEADY, "modem": {"off_drops_queue": False}})
    rig.attach()
    ends: list[Any] = []
    rig.modem.radio.send(148, ends.append)
    rig.modem.crash()
    rig.pass_ms(1)
    assert ends == [None]


def test_packets_are_refused_without_service() -> None:
    rig = Rig()
    ends: list[Any] = []
    rig.modem.radio.send(100, ends.append)
    rig.pass_ms(1)
    assert ends == [None]


def test_the_record_tells_what_was_on_air() -> None:
    with SocketRig(radio=STEADY) as rig:
        rig.serve(lambda data: [])
        rig.dial()
        for data in (b"first", b"second"):
            rig.send(data)
        rig.pass_ms(2500)
        rig.ask("AT+CFUN=4", 3000)
        sent = rig.modem.routes.sent
    assert [(one.data, one.on_air) for one in sent] == [(b"first", True), (b"second", False)]


# +CSCON and release assistance


def test_cscon_is_absent_unless_the_scenario_has_it() -> None:
    rig = Rig({"radio": STEADY})
    assert "ERROR" in rig.ask("AT+CSCON=1") and "ERROR" in rig.ask("AT+CSCON?")


@pytest.mark.parametrize("mode", (0, 1))
def test_cscon_follows_the_connection(mode: int) -> None:
    rig = Rig({"radio": STEADY, "network": {"release_ms": 5000}, "modem": {"cscon": True}})
    assert "OK" in rig.ask(f"AT+CSCON={mode}")
    rig.attach()
    assert f"+CSCON: {mode},1" in rig.ask("AT+CSCON?")
    released = rig.pass_ms(6000)
    assert (b"\r\n+CSCON: 0\r\n" in released) == bool(mode)
    assert f"+CSCON: {mode},0" in rig.ask("AT+CSCON?")
    rig.modem.radio.send(148, lambda ok: None)
    assert (b"\r\n+CSCON: 1\r\n" in rig.pass_ms(1000)) == bool(mode)  # with the service request
    assert "ERROR" in rig.ask("AT+CSCON=2")


@pytest.mark.parametrize(
    "rai, expected, released_ms",
    [("accepted", 1, 300), ("accepted", 2, 5000), ("accepted", 0, 5000),
     ("without_effect", 1, 5000)],
)  # fmt: skip
def test_release_assistance_ends_the_connection_early(
    rai: str, expected: int, released_ms: int
) -> None:
    with SocketRig(radio=STEADY, network={"release_ms": 5000}, modem={"rai": rai}) as rig:
        assert "(0-2)" in rig.ask("AT+SQNSSENDEXT=?")
        rig.dial()
        rig.ask(f"AT+SQNSSENDEXT=1,4,{expected}", 100)
        rig.write(b"four")
        rig.until("OK")
        rig.pass_ms(2000 + released_ms - 100)
        assert rig.modem.radio.connected
        rig.pass_ms(200)
        assert not rig.modem.radio.connected


def test_release_assistance_is_refused_unless_the_scenario_has_it() -> None:
    with SocketRig(radio=STEADY) as rig:
        assert "(0-2)" not in rig.ask("AT+SQNSSENDEXT=?")
        rig.dial()
        assert "ERROR" in rig.ask("AT+SQNSSENDEXT=1,4,1")
        assert ">" in rig.ask("AT+SQNSSENDEXT=1,4,", 100)
