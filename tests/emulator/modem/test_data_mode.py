"""Data mode: CONNECT, opaque bytes, the escape with its guard times, resuming, hanging up."""

from __future__ import annotations

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, READY, Rig

CONNECT, NO_CARRIER = "\r\nCONNECT\r\n", "\r\nNO CARRIER\r\n"


@pytest.fixture
def online() -> tuple[Rig, list[bytes]]:
    rig = Rig(READY)
    rig.attach()
    heard: list[bytes] = []
    rig.modem.data_sink = heard.append
    assert rig.ask('AT+CGDATA="PPP",1') == CONNECT
    assert rig.modem.in_data_mode
    return rig, heard


@pytest.mark.parametrize(
    "line", ['AT+CGDATA="PPP",1', 'AT+CGDATA="PPP"', "ATD*99#", "ATD*99***1#", "atd*98**ppp*1#"]
)
def test_ways_into_data_mode(line: str) -> None:
    rig = Rig(READY)
    rig.attach()
    assert rig.ask(line) == CONNECT


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ('AT+CGDATA="PPP",4', NO_CARRIER),
        ("ATD0123456;", NO_CARRIER),
        ("ATO", NO_CARRIER),
        ('AT+CGDATA="X25",1', ERROR),
        ("AT+CGDATA=1", ERROR),
        ("ATH", OK),
    ],
)
def test_ways_that_lead_nowhere(line: str, reply: str) -> None:
    rig = Rig(READY)
    rig.attach()
    assert rig.ask(line) == reply


def test_bytes_are_opaque_and_not_echoed(online: tuple[Rig, list[bytes]]) -> None:
    rig, heard = online
    rig.modem.session.echo = True
    frame = b"\x7e\xff\x03AT\r+++\x00\x7e"
    rig.write(frame)
    rig.modem.session.data.send(b"\x7e\x01\r\nOK\r\n")
    assert rig.pass_ms(3000) == b"\x7e\x01\r\nOK\r\n"
    assert b"".join(heard) == frame


def test_escape_needs_silence_before_and_behind(online: tuple[Rig, list[bytes]]) -> None:
    rig, heard = online
    rig.write("data")
    rig.pass_ms(500)
    rig.write("+++")  # too early
    assert rig.pass_ms(3000) == b"" and rig.modem.in_data_mode
    rig.write("+++")
    rig.pass_ms(500)
    rig.write("x")  # too early again
    assert rig.pass_ms(3000) == b"" and rig.modem.in_data_mode
    assert b"".join(heard) == b"data++++++x"
    for _ in range(3):  # one by one is fine
        rig.write("+")
        rig.pass_ms(100)
    begin = rig.now_ms
    assert rig.until("OK") == OK
    assert rig.now_ms - begin == pytest.approx(900, abs=5)
    assert not rig.modem.in_data_mode
    assert b"".join(heard) == b"data++++++x"


def escape(rig: Rig) -> None:
    rig.pass_ms(1100)
    rig.write("+++")
    assert rig.pass_ms(1100).decode().startswith(OK)


def test_suspended_connection_is_resumed_or_hung_up(online: tuple[Rig, list[bytes]]) -> None:
    rig, heard = online
    ended: list[bool] = []
    rig.modem.on_data_end = lambda: ended.append(True)
    escape(rig)
    assert rig.ask("AT") == OK
    assert rig.ask("ATO") == CONNECT
    rig.write("more")
    assert heard == [b"more"]
    escape(rig)
    assert not ended
    assert rig.ask("ATH") == OK
    assert ended == [True]
    assert rig.ask("ATO0") == NO_CARRIER


def test_urcs_wait_and_a_break_tells_of_them(online: tuple[Rig, list[bytes]]) -> None:
    rig, _ = online
    breaks: list[bool] = []
    rig.modem.on_break = lambda: breaks.append(True)
    rig.modem.urc("+CEDRXP: 0")
    assert breaks == []  # AT+SQNIBRCFG is off
    rig.modem.nv.ibr = [1, 100]
    rig.modem.urc("+CTZV: 4")
    assert breaks == [True]
    assert rig.pass_ms(1100) == b""
    rig.write("+++")
    assert rig.pass_ms(1100).decode() == OK + "\r\n+CEDRXP: 0\r\n\r\n+CTZV: 4\r\n"


def test_no_carrier_when_the_network_takes_the_connection(online: tuple[Rig, list[bytes]]) -> None:
    rig, _ = online
    rig.modem.emm.detached_by_network(None)
    said = rig.pass_ms(1000).decode()
    assert said.startswith(NO_CARRIER + "\r\n+CEREG: 0\r\n")
    assert not rig.modem.in_data_mode
    assert rig.ask("AT") == OK


def test_restart_ends_data_mode(online: tuple[Rig, list[bytes]]) -> None:
    rig, _ = online
    rig.modem.crash()
    rig.until("+SYSSTART")
    assert rig.ask("AT").endswith(OK)
    assert rig.ask("ATO").endswith(ERROR) or rig.ask("ATO").endswith(NO_CARRIER)
