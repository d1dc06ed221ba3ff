"""Restarts of the modem: by command, by carrier, by crash; what is lost and what is stored."""

from __future__ import annotations

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, READY, Rig, info

SHUTDOWN, SYSSTART = "\r\n+SHUTDOWN\r\n", "\r\n+SYSSTART\r\n"
RESTARTS = {**READY, "modem": {"boot_ms": 3000}}


@pytest.mark.parametrize(
    ("line", "cfun"),
    [
        ("AT^RESET", 0),
        ("AT+CFUN=1,1", 1),
        ("AT+CFUN=4,1", 4),
        ("AT+CFUN=0,1", 0),
        ('AT+SQNCTM="verizon"', 0),
    ],
)
def test_commanded_restart(line: str, cfun: int) -> None:
    rig = Rig({**RESTARTS, "sim": {"ready_ms": 500}})
    assert rig.ask(line, 1000) == OK + SHUTDOWN
    assert not rig.modem.powered
    assert rig.ask("AT", 1500) == ""  # lost
    assert rig.until("+SYSSTART") == SYSSTART
    assert rig.ask("AT+CFUN?", 100) == "AT+CFUN?\r" + info(f"+CFUN: {cfun}")


def test_restart_takes_as_long_as_drawn() -> None:
    for seed in range(5):
        rig = Rig(seed=seed)
        rig.ask("AT^RESET", 100)
        begin = rig.now_ms
        rig.until("+SYSSTART")
        assert 1500 < rig.now_ms - begin < 9000


def test_restart_while_attached_detaches_only_with_cfun() -> None:
    rig = Rig(RESTARTS)
    rig.attach()
    assert rig.ask("AT+CFUN=4,1", 2500) == "\r\n+CEREG: 0\r\n" + OK + SHUTDOWN
    rig = Rig(RESTARTS)
    rig.attach()
    assert rig.ask("AT^RESET", 2500) == OK + SHUTDOWN
    assert not rig.modem.registered and rig.modem.pdn_addresses(1) == {}


def test_same_carrier_restarts_nothing() -> None:
    rig = Rig()
    assert rig.ask("AT+SQNCTM?") == info("+SQNCTM: standard")
    assert rig.ask('AT+SQNCTM="standard"', 8000) == OK
    assert rig.ask('AT+SQNCTM="nobody"', 8000) == ERROR
    assert rig.ask("AT+SQNCTM=?").startswith("\r\n+SQNCTM: (standard,")


def test_shutdown_needs_the_power_switch() -> None:
    rig = Rig(RESTARTS)
    rig.attach()
    assert rig.ask("AT+SQNSSHDN", 3000) == "\r\n+CEREG: 0\r\n" + OK + SHUTDOWN
    assert rig.ask("AT", 20_000) == ""
    assert rig.board.meter.state("modem") == "off"
    rig.modem.switch_on()
    rig.until("+SYSSTART")


def test_stored_settings_survive_and_session_settings_do_not() -> None:
    rig = Rig(RESTARTS)
    stored = {
        "AT+CEREG=4": ("AT+CEREG?", "+CEREG: 4,0"),
        "AT+CMEE=1": ("AT+CMEE?", "+CMEE: 1"),
        'AT+CGDCONT=2,"IPV6","a.example"': (
            "AT+CGDCONT?",
            '+CGDCONT: 2,"IPV6","a.example",,,,0,0,0,0,0,0,0,,0',
        ),
        'AT+CPSMS=1,,,"00100100","00000001"': ("AT+CPSMS?", '+CPSMS: 1,,,"00100100","00000001"'),
        "AT+SQNIBRCFG=1,100": ("AT+SQNIBRCFG?", "+SQNIBRCFG: 1,100"),
        'AT+CEDRXS=1,5,"0101"': ("AT+CEDRXS?", '+CEDRXS: 5,"0101"'),
        'AT!="RRC::addScanBand band=28"': (None, None),
    }
    for command in stored:
        assert "OK" in rig.ask(command)
    rig.ask("AT+CGPIAF=1")
    rig.ask("AT^RESET")
    rig.until("+SYSSTART")
    assert rig.ask("ATE0").startswith("ATE0")  # the echo is back
    for question, line in stored.values():
        if question:
            assert line in rig.ask(question)
    assert 28 in rig.modem.nv.bands
    assert rig.ask("AT+CGPIAF?") == info("+CGPIAF: 0,0,0,0")


@pytest.mark.parametrize("line", ["AT&F", "AT+SQNSFACTORYRESET"])
def test_factory_reset_clears_the_store(line: str) -> None:
    rig = Rig(RESTARTS)
    for command in ("AT+CEREG=5", "AT+CMEE=2", 'AT+CGDCONT=3,"IP","x"', "AT+CPSMS=1"):
        rig.ask(command)
    assert rig.ask(line, 10_000).endswith(OK)
    rig.ask("AT^RESET")
    rig.until("+SYSSTART")
    rig.ask("ATE0")
    assert rig.ask("AT+CEREG?;+CMEE?") == "\r\n+CEREG: 0,0\r\n" + info("+CMEE: 0")
    assert rig.ask("AT+CGDCONT?") == info('+CGDCONT: 1,"IP","",,,,0,0,0,0,0,0,0,,0')
    assert rig.ask("AT+CPSMS?") == info('+CPSMS: 0,,,"10100011","00100001"')


def test_profile_can_be_stored() -> None:
    rig = Rig(RESTARTS, echo=True)
    rig.ask("ATE0&W")
    rig.ask("ATE1")
    assert rig.ask("ATZ") == "ATZ\r" + OK
    assert rig.ask("AT") == OK
    rig.ask("AT^RESET")
    rig.until("+SYSSTART")
    assert rig.ask("AT") == OK


def test_crash_loses_the_session_and_answers_nothing_that_was_pending() -> None:
    rig = Rig(
        {**RESTARTS, "fault": [{"point": "time", "at_ms": 4000, "do": "crash", "file": "x.c@7"}]}
    )
    rig.ask("AT+CFUN=1;+CEREG=2")
    rig.write("AT+CGATT=1\r")
    assert rig.pass_ms(10_000).decode() == "\r\n^EXIT: File: x.c@7\r\n" + SYSSTART
    assert rig.ask("AT+CFUN?") == "AT+CFUN?\r" + info("+CFUN: 0")
    assert rig.ask("AT+CEREG?") == "AT+CEREG?\r" + info("+CEREG: 2,0")


def test_autostart_registers_by_itself() -> None:
    rig = Rig(
        {**RESTARTS, "modem": {"boot_ms": 3000, "autostart": True, "start": "boot"}}, echo=True
    )
    said = rig.pass_ms(15_000).decode()
    assert said == SYSSTART + "\r\n+CEREG: 2\r\n\r\n+CEREG: 1\r\n"


def test_modem_that_starts_with_the_board_hears_nothing_before_sysstart() -> None:
    rig = Rig({"modem": {"start": "boot", "boot_ms": 4000}}, echo=True)
    assert rig.ask("AT", 2000) == ""
    assert rig.until("+SYSSTART") == SYSSTART
    assert rig.ask("AT+CFUN?") == "AT+CFUN?\r" + info("+CFUN: 0")


def test_modem_that_is_off_never_answers() -> None:
    rig = Rig({"modem": {"start": "off"}})
    assert rig.ask("AT", 30_000) == ""


def test_modem_found_registered_says_so_only_when_asked() -> None:
    rig = Rig({**READY, "modem": {"cfun": 1}})
    assert rig.pass_ms(20_000) == b""
    assert rig.ask("AT+CEREG?;+CGATT?") == "\r\n+CEREG: 1,1\r\n" + info("+CGATT: 1")


def test_a_network_refuses_the_context_of_a_modem_found_on_or_defined_anew() -> None:
    refusing = {"network": {"pdn_types": ["IPV6"], "cgatt_lag_ms": 9000}}
    rig = Rig({**refusing, "modem": {"cfun": 1}})
    rig.pass_ms(20_000)
    assert "+CEREG: 1,3\r\n" in rig.ask("AT+CEREG?")
    rig = Rig({**refusing, "modem": {"cfun": 1, "pdp_type": "IPV6"}})
    assert rig.ask('AT+CGDCONT=1,"IP","iot.example"') == OK
    rig.pass_ms(20_000)
    assert "+CEREG: 1,3\r\n" in rig.ask("AT+CEREG?")
