"""Signal figures, the manufacturing console, the clock, the port."""

from __future__ import annotations

import re

import pytest

from emulator.modem.commands.manufacturing import authorised
from emulator.modem.commands.signal import rsrp_index, rsrq_index, rssi_index
from tests.emulator.modem.bare_modem import ERROR, OK, READY, Rig, info

NOTHING = "\r\n\r\nOK\r\n"


# TS 36.133 9.1.4 and 9.1.7, TS 27.007 8.5


@pytest.mark.parametrize(
    ("dbm", "index"),
    [
        (-150, 0),
        (-140.01, 0),
        (-140, 1),
        (-139.01, 1),
        (-131, 10),
        (-101, 40),
        (-100.5, 40),
        (-51, 90),
        (-45, 96),
        (-44.01, 96),
        (-44, 97),
        (-20, 97),
    ],
)
def test_rsrp_index(dbm: float, index: int) -> None:
    assert rsrp_index(dbm) == index


@pytest.mark.parametrize(
    ("decibel", "index"),
    [
        (-25, 0),
        (-19.51, 0),
        (-19.5, 1),
        (-19.01, 1),
        (-15.5, 9),
        (-10.5, 19),
        (-3.5, 33),
        (-3.01, 33),
        (-3, 34),
        (0, 34),
    ],
)
def test_rsrq_index(decibel: float, index: int) -> None:
    assert rsrq_index(decibel) == index


@pytest.mark.parametrize(
    ("dbm", "index"), [(-120, 0), (-113, 0), (-111, 1), (-109, 2), (-53, 30), (-51, 31), (-40, 31)]
)
def test_rssi_index(dbm: float, index: int) -> None:
    assert rssi_index(dbm) == index


def test_signal_of_a_fixed_cell() -> None:
    rig = Rig(
        {
            "radio": {
                "attach_ms": 3000,
                "rsrp_dbm": -97.3,
                "rsrq_db": -10.8,
                "rssi_dbm": -81.0,
                "sinr_db": 7.25,
            }
        }
    )
    assert rig.ask("AT+CSQ;+CESQ") == "\r\n+CSQ: 99,99\r\n" + info("+CESQ: 99,99,255,255,255,255")
    rig.ask("AT+CFUN=1")
    assert rig.ask("AT+CSQ;+CESQ") == "\r\n+CSQ: 16,99\r\n" + info("+CESQ: 99,99,255,255,255,255")
    rig.attach()
    assert rig.ask("AT+CESQ") == info("+CESQ: 99,99,255,255,18,43")
    begin = "+SQNMONI: Test Network Cc:001 Nc:01 RSRP:-97.30 "
    end = "RSRQ:-10.80 TAC:6699 Id:142 EARFCN:6253 PWR:-81.00 PAGING:256"
    assert rig.ask("AT+SQNMONI=9") == info(f"{begin}CINR:7.20 {end}")
    assert rig.ask("AT+SQNMONI=7") == rig.ask("AT+SQNMONI=0") == info(begin + end)
    assert rig.ask("AT+SQNMONI=1") == rig.ask("AT+SQNMONI=2") == OK
    assert rig.ask("AT+VZWRSRP") == info("+VZWRSRP: 142,6253,-97.30")
    assert rig.ask("AT+SQNMONI=3") == ERROR


def test_impossible_values_while_searching() -> None:
    rig = Rig(READY)
    rig.ask("AT+CFUN=1")
    value = float(rig.ask("AT+VZWRSRQ").split(",")[2].split("\r")[0])
    assert value < -40


def test_signal_stays_unknown_when_told_so() -> None:
    rig = Rig({"radio": {"attach_ms": 1000, "unknown_signal": True}})
    rig.attach()
    assert rig.ask("AT+CSQ;+CESQ") == "\r\n+CSQ: 99,99\r\n" + info("+CESQ: 99,99,255,255,255,255")


# the manufacturing console


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ('AT!="clearscanconfig"', NOTHING),
        ('AT!="RRC::addScanBand band=8"', NOTHING),
        ('AT!="RRC:addScanBand band=20"', NOTHING),
        ('AT!="addscanband band=28"', NOTHING),
        ('AT!="RRC::addScanBand band=71"', ERROR),
        ('AT!="setlpm airplane=1 enable=1"', NOTHING),
        ('AT!="disablelog 1"', NOTHING),
        ('AT!="uci:set system.x=1"', NOTHING),
        ('AT!="nosuchthing"', ERROR),
        ('AT!="cat /fs/sqn/etc/scripts/x"', ERROR),
    ],
)
def test_console_commands_without_output(line: str, reply: str) -> None:
    assert Rig().ask(line) == reply


@pytest.mark.parametrize(
    ("build", "refused"),
    [(41019, []), (41000, [1, 66]), (39529, [1, 14, 66]), (37781, [5, 8, 1, 66])],
)
def test_bands_by_firmware_build(build: int, refused: list[int]) -> None:
    for band in refused:
        assert band not in authorised(build)
    assert 3 in authorised(build) and 20 in authorised(build)


def test_showver_and_smdd_as_the_firmware_reads_them() -> None:
    rig = Rig()
    said = rig.ask('AT!="showver"')
    assert re.search(r"\r\n    Software     : [0-9.]+ \[41019\] by \S+ at 20", said)
    assert re.search(r"\r\n    Bootloader2\* : [0-9.]+ \[41019\]\r", said)
    assert "autostart" not in said
    said = rig.ask('AT!="get_sw_version"')
    assert re.findall(r"\r\n\[([A-Z]+)", said) == ["BOOTROM"] * 3 + ["FFF", "UPDATER", "NVRAM"]
    said = rig.ask("AT+SMDD", 1000)
    assert len(said) > 2048 and "17 bands" in said and said.endswith(OK)


@pytest.mark.parametrize(
    ("scenario", "line", "state", "name"),
    [
        ("good", "AT", "STOPPED", "RRC TOP FSM"),
        ("no_sim", "AT+CFUN=1", "CAMPED_ANY", "RRC SEARCH FSM"),
        ("no_sim", "AT+CFUN=1", "ABSENT", "HP USIM FSM"),
        ("no_cell", "AT+CFUN=1", "WAIT_RSSI", "RRC SEARCH FSM"),
        ("good", "AT+CFUN=1", "REGISTERED_INIT", "EMM MAIN FSM"),
    ],
)
def test_state_machines(scenario: str, line: str, state: str, name: str) -> None:
    rig = Rig(scenario)
    rig.ask(line, 600)
    assert f"| {name:<28}|{state:<20} |" in rig.ask('AT!="fsm"').split("\r\n")


def test_state_machines_connected_and_idle() -> None:
    rig = Rig({**READY, "network": {"release_ms": 5000}})
    rig.attach()
    assert "|CONNECTED " in rig.ask('AT!="fsm"')
    rig.pass_ms(6000)
    assert "|NORM_CAMPED " in rig.ask('AT!="fsm"')


def test_private_console_needs_permission() -> None:
    rig = Rig()
    assert "permission" in rig.ask('AT!="RRC:showcaps"')
    assert rig.ask('AT!="RRC:setDbgPerm full"') == NOTHING
    assert "nb-IoT : 1" in rig.ask('AT!="RRC:showcaps"')


def test_files_of_the_console() -> None:
    rig = Rig()
    assert rig.ask("AT!=\"echo 'line one' > /fs/sqn/etc/scripts/00-x\"") == NOTHING
    assert "line one" in rig.ask('AT!="cat /fs/sqn/etc/scripts/00-x"')
    assert rig.ask('AT!="rm /fs/sqn/etc/scripts/00-x"') == NOTHING
    assert rig.ask('AT!="cat /fs/sqn/etc/scripts/00-x"') == ERROR


def test_interfaces_and_cells_are_shown() -> None:
    rig = Rig(READY)
    rig.attach()
    assert "addr:10.64.3.17" in rig.ask('AT!="ifconfig"')
    assert "| SERV | 6253 | 142 |" in rig.ask('AT!="showDetectedCell"')
    assert "RSRP (dBm)" in rig.ask('AT!="showphy"')


# the clock


def test_clock_is_unset_until_the_network_tells() -> None:
    rig = Rig({**READY, "network": {"start_time": "2026-03-01T23:59:00", "time_zone_quarters": 8}})
    assert rig.ask("AT+CCLK?").startswith('\r\n+CCLK: "70/01/01,00:00:00+00"')
    assert rig.ask("AT+CTZU=1") == OK
    rig.attach()
    rig.pass_ms(60_000 - rig.now_ms)
    assert rig.ask("AT+CCLK?") == info('+CCLK: "26/03/02,02:00:00+08"')


SHOWN = {  # 60 s after power-on at 23:59, by the modem's clock
    "as the standard says": ({}, {}, '26/03/02,02:00:00+08'),
    "UTC beside the zone": ({"cclk_utc": True}, {}, "26/03/02,00:00:00+08"),
    "late": ({"nitz_form": "late"}, {}, '26/03/02,02:00:00+08'),
    "a zone alone": ({"nitz_form": "zone"}, {}, "70/01/01,00:01:00+08"),
    "nothing": ({}, {"nitz": False}, "70/01/01,00:01:00+00"),
    "not to be set": ({"ctzu": 0}, {}, "70/01/01,00:01:00+00"),
    "another start": ({"clock_starts": 2015}, {"nitz": False}, "15/01/01,00:01:00+00"),
}  # fmt: skip


@pytest.mark.parametrize("case", SHOWN)
def test_forms_of_the_networks_time(case: str) -> None:
    modem, network, shown = SHOWN[case]
    network = {"start_time": "2026-03-01T23:59:00", "time_zone_quarters": 8, **network}
    rig = Rig({**READY, "modem": {"ctzu": 1, **modem}, "network": network})
    rig.attach()
    if modem.get("nitz_form") == "late":
        assert rig.ask("AT+CCLK?").startswith('\r\n+CCLK: "70/')
    rig.pass_ms(60_000 - rig.now_ms)
    assert rig.ask("AT+CCLK?") == info(f'+CCLK: "{shown}"')


def test_the_clock_drifts_until_the_network_tells_again() -> None:
    rig = Rig({**READY, "modem": {"ctzu": 1}})
    rig.attach()
    rig.pass_ms(10_000)
    rig.ask("AT+CFUN=4", 3000)
    rig.pass_ms(3_600_000 - rig.now_ms)
    assert rig.ask("AT+CCLK?") == info('+CCLK: "26/03/01,14:00:35+04"')
    rig.attach()
    rig.pass_ms(3_660_000 - rig.now_ms)
    assert rig.ask("AT+CCLK?") == info('+CCLK: "26/03/01,14:01:00+04"')


def test_a_network_tells_a_wrong_time() -> None:
    wrong = {"point": "time", "at_ms": 0, "do": "wrong_time", "off_s": -7200}
    rig = Rig({**READY, "modem": {"ctzu": 1}, "fault": [wrong]})
    rig.attach()
    rig.pass_ms(60_000 - rig.now_ms)
    assert rig.ask("AT+CCLK?") == info('+CCLK: "26/03/01,11:01:00+04"')


def test_clock_can_be_set_and_told() -> None:
    rig = Rig({**READY, "network": {"nitz": False}})
    assert rig.ask('AT+CCLK="25/12/31,23:59:59+04"', 1100) == OK
    assert rig.ask("AT+CCLK?") == info('+CCLK: "26/01/01,00:00:00+04"')
    assert rig.ask('AT+CCLK="25/13/31,23:59:59+04"') == ERROR
    assert rig.ask('AT+CCLK="tomorrow"') == ERROR
    rig = Rig(READY)
    rig.ask("AT+CTZR=1")
    rig.ask("AT+CFUN=1")
    rig.until('+CTZV: "+04"')


# the port


@pytest.mark.parametrize(
    ("line", "question", "shown"),
    [
        ("AT+SQNIBRCFG=1,100", "AT+SQNIBRCFG?", "+SQNIBRCFG: 1,100"),
        ("AT+SQNIPSCFG=2,5000", "AT+SQNIPSCFG?", "+SQNIPSCFG: 2,5000"),
        ("AT+SQNRICFG=1,3,1000", "AT+SQNRICFG?", "+SQNRICFG: 1,3,1000"),
        ("AT+IPR=921600", "AT+IPR?", "+IPR: 921600"),
    ],
)
def test_port_settings(line: str, question: str, shown: str) -> None:
    rig = Rig()
    assert rig.ask(line) == OK
    assert rig.ask(question) == info(shown)


@pytest.mark.parametrize(
    "line", ["AT+SQNIPSCFG=3", "AT+SQNIPSCFG=1,50", "AT+IPR=1234", "AT+SQNIBRCFG="]
)
def test_port_settings_are_checked(line: str) -> None:
    assert Rig().ask(line) == ERROR


def test_last_reject_is_reported() -> None:
    rig = Rig("denied")
    assert rig.ask("AT+CEER") == info('+CEER: "No report available"')
    rig.ask("AT+CFUN=1", 4000)
    assert rig.ask("AT+CEER") == info(
        '+CEER: "EMM: EPS services and non-EPS services not allowed"'
    )
