"""The SIM card, and which command is refused in which state (3GPP TS 27.007 8.3, 9.2)."""

from __future__ import annotations

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, READY, Rig, info

SIM_FAST = {"sim": {"ready_ms": 600}}


def states() -> dict[str, Rig]:
    """A modem in each of the states of the matrix, with +CMEE=0."""
    off, airplane, no_sim = Rig(), Rig(), Rig("no_sim")
    searching, registered = Rig("no_cell"), Rig(READY)
    off.ask("AT+CFUN=0")
    no_sim.ask("AT+CFUN=1", 3000)
    searching.ask("AT+CFUN=1")
    registered.attach()
    return {
        "off": off,
        "airplane": airplane,
        "no_sim": no_sim,
        "searching": searching,
        "registered": registered,
    }


ALWAYS = ("ok", "ok", "ok", "ok", "ok")


@pytest.mark.parametrize(
    ("line", "row"),
    [
        *[
            (line, ALWAYS)
            for line in (
                "AT",
                "ATI",
                "AT+CGMM",
                "AT+CGSN",
                "AT+CFUN?",
                "AT+CEREG?",
                "AT+CSQ",
                "AT+CMEE?",
                "AT+CCLK?",
                "AT+CESQ",
                "AT+CGPADDR",
                "AT+CGPADDR=1",
                "AT+CGCONTRDP",
            )
        ],
        ("AT+CPIN?", ("C", "ok", "C", "ok", "ok")),
        ("AT+CIMI", ("C", "ok", "C", "ok", "ok")),
        ("AT+SQNCCID?", ("C", "ok", "C", "ok", "ok")),
        ("AT+COPS?", ("C", "C", "ok", "ok", "ok")),
        ("AT+SQNMONI=0", ("C", "C", "ok", "C", "ok")),
        ("AT+CGATT=1", ("C", "C", "C", "late", "ok")),
        ("AT+COPS=?", ("C", "C", "late", "late", "late")),
        ('AT+CGDATA="PPP",1', ("C", "C", "no", "no", "yes")),
    ],
)
def test_state_matrix(line: str, row: tuple[str, ...]) -> None:
    said = {name: rig.ask(line) for name, rig in states().items()}
    for (name, reply), expected in zip(said.items(), row, strict=True):
        ends = {"ok": OK, "C": ERROR, "no": "\r\nNO CARRIER\r\n", "yes": "\r\nCONNECT\r\n"}
        if expected == "late":
            assert "OK" not in reply and "ERROR" not in reply, name
        else:
            assert reply.endswith(ends[expected]), (name, reply)


@pytest.mark.parametrize("state", ["off", "airplane", "no_sim", "searching"])
def test_no_address_and_no_signal_without_service(state: str) -> None:
    rig = states()[state]
    assert rig.ask("AT+CGPADDR=1") == info("+CGPADDR: 1")
    assert rig.ask("AT+CGCONTRDP=1") == OK
    if state != "no_sim":  # camped on any cell it measures
        assert rig.ask("AT+CESQ") == info("+CESQ: 99,99,255,255,255,255")


def test_card_needs_a_moment_after_it_gets_power() -> None:
    rig = Rig(SIM_FAST)
    rig.ask("AT+CFUN=0;+CMEE=1")
    assert rig.ask("AT+CPIN?") == "\r\n+CME ERROR: 3\r\n"
    rig.ask("AT+CFUN=4", 300)
    assert rig.ask("AT+CPIN?", 100) == "\r\n+CME ERROR: 14\r\n"
    assert rig.ask("AT+SQNCCID?", 100) == info('+SQNCCID: "",""')
    rig.pass_ms(500)
    assert rig.ask("AT+CPIN?") == info("+CPIN: READY")
    assert rig.ask("AT+CFUN=1", 300).startswith(OK)
    assert rig.ask("AT+CPIN?", 50).endswith(info("+CPIN: READY"))  # it kept its power


def test_registration_waits_for_the_card() -> None:
    rig = Rig({"sim": {"ready_ms": 5000}, "radio": {"attach_ms": 2000}})
    rig.ask("AT+CFUN=0")
    assert rig.ask("AT+CFUN=1", 4000) == OK
    assert rig.until("+CEREG: 2") == "\r\n+CEREG: 2\r\n"


def test_absent_card() -> None:
    rig = Rig("no_sim")
    rig.ask("AT+CMEE=2")
    for line in ("AT+CPIN?", "AT+CIMI", "AT+SQNCCID", "AT+CRSM=176,28514,0,0,0"):
        assert rig.ask(line) == "\r\n+CME ERROR: SIM not inserted\r\n"
    assert rig.ask("AT+CFUN=1", 60_000) == OK
    assert rig.ask("AT+CEREG?") == info("+CEREG: 1,0")


def test_pin() -> None:
    rig = Rig("sim_pin")
    rig.ask("AT+CMEE=1")
    assert rig.ask("AT+CPIN?") == info("+CPIN: SIM PIN")
    assert rig.ask("AT+CIMI") == "\r\n+CME ERROR: 11\r\n"
    assert rig.ask('AT+CLCK="SC",2') == info("+CLCK: 1")
    assert rig.ask("AT+CFUN=1", 5000) == OK
    assert rig.ask("AT+CEREG?") == info("+CEREG: 1,0")
    assert rig.ask('AT+CPIN="0000"') == "\r\n+CME ERROR: 16\r\n"
    assert "+CPINR: SIM PIN,2,3" in rig.ask("AT+CPINR")
    assert rig.ask('AT+CPIN="1234"', 50_000) == OK + "\r\n+CEREG: 2\r\n\r\n+CEREG: 1\r\n"
    assert rig.ask('AT+CPIN="1234"') == "\r\n+CME ERROR: 3\r\n"
    assert "+CPINR: SIM PIN,3,3" in rig.ask("AT+CPINR")


def test_pin_is_asked_again_when_the_card_had_no_power() -> None:
    rig = Rig({"sim": {"state": "pin", "ready_ms": 300}})
    rig.ask('AT+CPIN="1234"')
    rig.ask("AT+CFUN=0")
    rig.ask("AT+CFUN=4", 1000)
    assert rig.ask("AT+CPIN?") == info("+CPIN: SIM PIN")
    rig.ask('AT+CPIN="1234";+CLCK="SC",0,"1234"')
    rig.ask("AT+CFUN=0")
    rig.ask("AT+CFUN=4", 1000)
    assert rig.ask("AT+CPIN?") == info("+CPIN: READY")


def test_three_wrong_pins_block_and_the_puk_unblocks() -> None:
    rig = Rig("sim_pin")
    rig.ask("AT+CMEE=1")
    said = [rig.ask('AT+CPIN="9999"') for _ in range(3)]
    assert said == ["\r\n+CME ERROR: 16\r\n"] * 2 + ["\r\n+CME ERROR: 12\r\n"]
    assert rig.ask("AT+CPIN?") == info("+CPIN: SIM PUK")
    assert rig.ask('AT+CPIN="1234"') == "\r\n+CME ERROR: 12\r\n"
    assert rig.ask('AT+CPIN="00000000","4321"') == "\r\n+CME ERROR: 16\r\n"
    assert "+CPINR: SIM PUK,9,10" in rig.ask("AT+CPINR")
    assert rig.ask('AT+CPIN="12345678","4321"') == OK
    assert rig.ask("AT+CPIN?") == info("+CPIN: READY")


def test_puk_scenario() -> None:
    rig = Rig("sim_puk")
    assert rig.ask("AT+CPIN?") == info("+CPIN: SIM PUK")
    assert rig.ask('AT+CPIN="12345678","4321"') == OK


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("AT+CIMI", info("001010123456789")),
        ("AT+SQNCCID", info('+SQNCCID: "8900101234567890123",""')),
        ("AT+SQNCCID?", info('+SQNCCID: "8900101234567890123",""')),
        ("AT+CGSN", info("354340987654326")),
        ("AT+CGSN=1", info("354340987654326")),
        ("AT+CGSN=2", info('+CGSN: "3543409876543202"')),
        ("AT+CGSN=3", info('+CGSN: "02"')),
        ("AT+CGSN=4", ERROR),
        ("AT+CGMI", info("PYCOM")),
        ("AT+GMM", info("GPy")),
        ("AT+CGMR", info("UE6.0.0.0-ER0")),
        ("AT+CRSM=176,28514,0,0,0", info('+CRSM: 144,0,"00F1104000"')),
        ("AT+CRSM=176,12258,0,0,10", info('+CRSM: 144,0,"980001214365870921F3"')),
        ("AT+CRSM=176,1,0,0,0", info('+CRSM: 106,130,""')),
        ("AT+CNUM", OK),
        ("AT+SQNHPLMN?", info('+SQNHPLMN: "00101","TestNet","Test Network"')),
    ],
)
def test_identities(line: str, reply: str) -> None:
    assert Rig().ask(line) == reply
