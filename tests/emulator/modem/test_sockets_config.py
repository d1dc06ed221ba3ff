"""+SQNSCFG, +SQNSCFGEXT, +SQNSSCFG: what is accepted, kept, shown and refused."""

from __future__ import annotations

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, info
from tests.emulator.modem.socket_rig import SERVER6, SocketRig

TLS = {"tls": "plaintext"}
DEFAULT = {
    "+SQNSCFG": "1,300,90,600,50",
    "+SQNSCFGEXT": "0,0,0,0,0,0,0",
    "+SQNSSCFG": "0,1",
}


@pytest.fixture(scope="module")
def idle() -> SocketRig:
    return SocketRig(attach=False, modem=TLS)


@pytest.mark.parametrize("name", DEFAULT)
def test_read_gives_six_lines(name: str) -> None:
    lines = [f"{name}: {number},{DEFAULT[name]}" for number in range(1, 7)]
    assert SocketRig(attach=False, modem=TLS).ask(f"AT{name}?") == info(*lines)


@pytest.mark.parametrize(
    ("command", "name", "shown"),
    [
        ("AT+SQNSCFG=3,1,0,0,80,0", "+SQNSCFG", "3,1,0,0,80,0"),  # as toit has it
        ("AT+SQNSCFG=3,3,300,90,600,50", "+SQNSCFG", "3,3,300,90,600,50"),  # TinyGSM
        ("AT+SQNSCFGEXT=2,1,0,0", "+SQNSCFGEXT", "2,1,0,0,0,0,0,0"),
        ("AT+SQNSCFGEXT=2,1,0,0,0,1", "+SQNSCFGEXT", "2,1,0,0,0,1,0,0"),
        ("AT+SQNSCFGEXT=2,2,1,240,1,1,0,0", "+SQNSCFGEXT", "2,2,1,240,1,1,0,0"),
        ("AT+SQNSSCFG=6,1,4", "+SQNSSCFG", "6,1,4"),
    ],
)
def test_setting_is_kept(command: str, name: str, shown: str) -> None:
    rig = SocketRig(attach=False, modem=TLS)
    assert rig.ask(command) == OK
    assert f"\r\n{name}: {shown}\r\n" in rig.ask(f"AT{name}?")
    rig.ask("AT^RESET", 20_000)
    rig.modem.session.echo = False
    number = shown.split(",")[0]
    assert f"{name}: {number},{DEFAULT[name]}" in rig.ask(f"AT{name}?")


@pytest.mark.parametrize(
    "command",
    [
        "AT+SQNSCFG=0,1,300,90,600,50",
        "AT+SQNSCFG=7,1,300,90,600,50",
        "AT+SQNSCFG=1,6,300,90,600,50",
        "AT+SQNSCFG=1,1,1501,90,600,50",
        "AT+SQNSCFG=1,1,300,65536,600,50",
        "AT+SQNSCFG=1,1,300,90,9,50",  # 0 or 10..1200
        "AT+SQNSCFG=1,1,300,90,1201,50",
        "AT+SQNSCFG=1,1,300,90,600,256",
        "AT+SQNSCFG=1,1,300,90,600",
        "AT+SQNSCFG=1,1,300,90,600,50,0",
        "AT+SQNSCFGEXT=1,3,0,0",
        "AT+SQNSCFGEXT=1,1,2,0",
        "AT+SQNSCFGEXT=1,1,0,241",
        "AT+SQNSCFGEXT=1,1,0,0,2,0",
        "AT+SQNSCFGEXT=1,1,0",
        "AT+SQNSCFGEXT=1,1,0,0,0,0,0",  # the two reserved values come together
        "AT+SQNSCFGEXT=1,1,0,0,0,0,0,0,0",
        "AT+SQNSSCFG=1,2,1",
    ],
)
def test_out_of_range_is_refused(idle: SocketRig, command: str) -> None:
    assert idle.ask(command) == ERROR
    idle.ask("AT+CMEE=1")
    assert idle.ask(command) == "\r\n+CME ERROR: 50\r\n"
    idle.ask("AT+CMEE=0")


@pytest.mark.parametrize(
    "command", ["AT+SQNSCFG=1,1,300,90,600,50", "AT+SQNSCFGEXT=1,1,0,0", "AT+SQNSSCFG=1,0,1"]
)
def test_an_open_socket_cannot_be_configured(command: str) -> None:
    with SocketRig(modem=TLS) as rig:
        assert rig.dial(host=SERVER6) == OK
        assert rig.ask(command) == ERROR
        assert rig.ask(command.replace("=1,", "=2,", 1)) == OK
        assert rig.ask("AT+SQNSH=1") == OK
        assert rig.ask(command) == OK
