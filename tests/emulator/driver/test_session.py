"""attach, isattached, detach, deinit, reset and the queries of the driver."""

from __future__ import annotations

import pytest

from emulator.board.board import Reset
from emulator.driver.lte import UndefinedBehaviour
from emulator.driver.session import ATTACHED as IS_ATTACHED
from emulator.driver.session import ATTACHING, IDLE, INIT
from tests.emulator.lte_board import ATTACHED, ERROR, OK, LteBoard

SETLPM = 'AT!="setlpm airplane=1 enable=1"'
CFUN_1 = "\r\n+CFUN: 1\r\n" + OK
CHECK = ["AT", "AT+CGATT?", "AT+CEREG?", "AT+CFUN?"]


def cereg(text: str) -> str:
    return f"\r\n+CEREG: {text}\r\n" + OK


@pytest.mark.parametrize(
    ("firmware", "cgatt", "answer", "attached"),
    [
        ("1.20.2.r4", 1, "1,1", True),
        ("1.20.2.r4", 1, "1,5", True),
        ("1.20.2.r4", 1, "1,2", False),
        ("1.20.2.r4", 1, "1,4", False),
        ("1.20.2.r4", 1, '2,5,"2E8B","018F3C0B",9', False),
        ("1.20.2.r4", 1, "0,1", False),
        ("1.20.2.r4", 0, "1,1", False),
        ("1.20.2.r4", 0, '1,5,"2E8B","018F3C0B",9', True),
        ("1.20.2.r5", 0, "1,1", True),
        ("1.20.2.r7", 0, "1,5", True),
        ("1.20.2.r7", 0, "1,3", False),
        ("1.20.2.r7", 1, '2,5,"2E8B","018F3C0B",9', False),
        ("1.20.2.r1", 1, '2,5,"2E8B","018F3C0B",9', True),
        ("1.20.2.r1", 0, '2,1,"2E8B","018F3C0B",7', True),
        ("1.20.2.r1", 1, "1,1", False),
    ],
)
def test_isattached_by_reporting_mode_and_release(firmware, cgatt, answer, attached):
    lte = LteBoard(firmware=firmware).started()
    lte.modem.table.update(
        {
            "AT+CFUN?": CFUN_1,
            "AT+CEREG?": cereg(answer),
            "AT+CGATT?": f"\r\n+CGATT: {cgatt}\r\n" + OK,
        }
    )
    assert lte.call("isattached") is attached
    assert lte.modem.sent == CHECK
    assert lte.driver.session.state == (IS_ATTACHED if attached else ATTACHING)


def test_isattached_takes_about_a_fifth_of_a_second():
    lte = LteBoard(ATTACHED).started()
    assert 120 <= lte.took_ms(lte.call, "isattached") <= 240


def test_isattached_on_a_modem_gone_silent_takes_1_3_seconds():
    lte = LteBoard().started()
    lte.modem.mute = True
    assert 1200 <= lte.took_ms(lte.call, "isattached") <= 1400


def test_isattached_asks_again_after_an_error():
    lte = LteBoard({"AT+CEREG?": ERROR}).started()
    assert not lte.call("isattached")
    assert lte.modem.sent == ["AT", "AT+CGATT?", "AT+CEREG?", "AT+CEREG?", "AT+CFUN?"]


def test_isattached_switches_the_radio_on_again_while_attaching():
    lte = LteBoard(ATTACHED).started()
    assert lte.call("isattached")
    lte.modem.sent.clear()
    lte.modem.table["AT+CFUN?"] = "\r\n+CFUN: 4\r\n" + OK
    lte.call("isattached")
    assert lte.modem.sent == [*CHECK, "AT+CFUN=1"]


def test_without_legacyattach_cgatt_alone_counts():
    lte = LteBoard().started()
    lte.call("attach", None, None, None, None, False, None, False)
    lte.modem.table.update({"AT+CFUN?": CFUN_1, "AT+CGATT?": "\r\n+CGATT: 1\r\n" + OK})
    lte.modem.sent.clear()
    assert lte.call("isattached")
    assert lte.modem.sent == ["AT", "AT+CGATT?", "AT+CFUN?"]


def attach(lte: LteBoard, band=None, bands=None, apn=None, pdn_type=None, log=False, cid=None):
    lte.call("attach", band, bands, apn, pdn_type, log, cid, None)


BEFORE_BANDS = [
    *CHECK,
    "AT+CFUN?",
    "AT+CPIN?",
    "AT+SQNCTM?",
    "AT+SMDD",
    'AT!="showver"',
    'AT!="clearscanconfig"',
]
AFTER_BANDS = ['AT!="disablelog 1"', "AT+CFUN=1", SETLPM]


def scan(*bands: int) -> list[str]:
    return [f'AT!="RRC::addScanBand band={band}"' for band in bands]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, scan(3, 4, 5, 8, 12, 13, 20, 28) + AFTER_BANDS),
        ({"band": 20}, scan(20) + AFTER_BANDS),
        ({"band": 8, "bands": [20, 28]}, scan(8, 20, 28) + AFTER_BANDS),
        ({"band": 20, "apn": "iot"}, [*scan(20), 'AT+CGDCONT=1,"IP","iot"', *AFTER_BANDS]),
        (
            {"band": 20, "pdn_type": "IPV4V6", "cid": 3},
            [*scan(20), 'AT+CGDCONT=3,"IPV4V6",""', *AFTER_BANDS],
        ),
        ({"band": 20, "log": True}, [*scan(20), 'AT!="disablelog 0"', *AFTER_BANDS[1:]]),
    ],
)
def test_attach_sends_what_the_firmware_sends(arguments, expected):
    lte = LteBoard().started()
    took_ms = lte.took_ms(lambda: attach(lte, **arguments))
    assert lte.modem.sent == BEFORE_BANDS + expected
    assert 1500 <= took_ms <= 4000
    assert lte.driver.session.state == ATTACHING


def test_attach_with_the_radio_on_ignores_everything():
    lte = LteBoard({"AT+CFUN?": CFUN_1}).started()
    attach(lte, band=999, apn="iot")
    assert lte.modem.sent == CHECK


def test_attach_for_another_carrier_leaves_the_bands_alone():
    lte = LteBoard({"AT+SQNCTM?": "\r\n+SQNCTM: verizon\r\n" + OK}).started()
    attach(lte)
    assert lte.modem.sent == BEFORE_BANDS[:7] + AFTER_BANDS


def test_attach_without_a_sim_gives_up_after_4_seconds():
    lte = LteBoard({"AT+CPIN?": "\r\n+CME ERROR: 10\r\n"}).started()
    start_ms = lte.clock_ms
    with pytest.raises(RuntimeError) as caught:
        attach(lte)
    assert caught.value.args == ("Sim card not present",)
    assert lte.modem.sent == CHECK + ["AT+CFUN?"] + 5 * ["AT+CPIN?"]
    assert lte.clock_ms - start_ms > 4000


def test_attach_before_r2_does_not_look_for_a_sim():
    lte = LteBoard({"AT+CPIN?": "\r\n+CME ERROR: 10\r\n"}, firmware="1.20.2.r1").started()
    attach(lte)
    assert "AT+CPIN?" not in lte.modem.sent


def test_attach_lifts_the_modem_out_of_minimum_functionality_for_the_sim():
    lte = LteBoard().started()
    lte.modem.table["AT+CFUN?"] = "\r\n+CFUN: 0\r\n" + OK
    attach(lte)
    assert lte.modem.sent[4:7] == ["AT+CFUN?", "AT+CFUN=4", "AT+CPIN?"]


OLD_HARDWARE = {"AT+SMDD": "\r\n13 bands\r\n" + OK}


def build(number: int) -> dict[str, str]:
    return {'AT!="showver"': f"\r\nSoftware     : LR5 [{number}]\r\n" + OK}


@pytest.mark.parametrize(
    ("table", "band", "message"),
    [
        (OLD_HARDWARE, 8, "band 8 not supported by this board hardware!"),
        (
            build(38638),
            8,
            "band 8 not supported by current modem Firmware [38638], please upgrade!",
        ),
        (build(39000), 8, None),
        (
            build(41000),
            66,
            "band 66 not supported by current modem Firmware [41000], please upgrade!",
        ),
        (build(41065), 66, None),
        (OLD_HARDWARE, 66, "band 66 not supported by this board hardware!"),
        ({}, 7, "band 7 not supported"),
        ({}, -1, "band -1 not supported"),
    ],
)
def test_bands_the_board_cannot_do(table, band, message):
    lte = LteBoard(table).started()
    if message is None:
        attach(lte, band=band)
        assert scan(band)[0] in lte.modem.sent
        return
    with pytest.raises(ValueError) as caught:
        attach(lte, band=band)
    assert caught.value.args == (message,)
    assert lte.modem.sent == BEFORE_BANDS  # the scan list is already cleared


@pytest.mark.parametrize(
    ("table", "bands"),
    [
        (OLD_HARDWARE, (3, 4, 12, 13, 20, 28)),
        (build(39000), (3, 4, 12, 13, 20, 28)),
        (build(39001), (3, 4, 5, 8, 12, 13, 20, 28)),
    ],
)
def test_default_bands_by_hardware_and_build(table, bands):
    lte = LteBoard(table).started()
    attach(lte)
    assert lte.modem.sent == BEFORE_BANDS + scan(*bands) + AFTER_BANDS


def test_long_hardware_table_is_read_to_its_end():
    table = "\r\n" + "x" * 1000 + "17 bands" + "x" * 3000 + "\r\n" + OK
    lte = LteBoard({"AT+SMDD": table}).started()
    attach(lte)
    assert lte.modem.sent == BEFORE_BANDS + scan(3, 4, 5, 8, 12, 13, 20, 28) + AFTER_BANDS


def test_attach_fails_when_the_radio_is_refused_but_stays_attaching():
    lte = LteBoard({"AT+CFUN=1": ERROR}).started()
    with pytest.raises(OSError) as caught:
        attach(lte, band=20)
    assert caught.value.args == ("the requested operation failed",)
    assert lte.driver.session.state == ATTACHING


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ('AT+CGDCONT=1,"IP","iot"', OSError("the requested operation failed")),
        ("AT+SQNCTM?", ValueError("Modem did not respond!\n")),
    ],
)
def test_attach_fails_where_the_firmware_fails(command, error):
    lte = LteBoard().started()
    lte.modem.table[command] = ERROR
    with pytest.raises(type(error)) as caught:
        attach(lte, apn="iot")
    assert caught.value.args == error.args


def test_apn_too_long_for_a_command_ends_the_run():
    lte = LteBoard().started()
    with pytest.raises(UndefinedBehaviour):
        attach(lte, band=20, apn="a" * 110)


@pytest.mark.parametrize(
    ("reset", "sim", "expected"),
    [
        (False, True, ["AT+CFUN?", "AT+CPIN?", "AT+CFUN=4"]),
        (False, False, ["AT+CFUN?", *5 * ["AT+CPIN?"], "AT+CFUN=0"]),
        (True, True, ["AT+CFUN?", "AT+CPIN?", "AT+CFUN=4,1", "AT", "AT", SETLPM]),
        (True, False, ["AT+CFUN?", *5 * ["AT+CPIN?"], "AT+CFUN=0,1", "AT", "AT"]),
    ],
)
def test_detach(reset, sim, expected):
    lte = LteBoard().started()
    if not sim:
        lte.modem.table["AT+CPIN?"] = "\r\n+CME ERROR: 10\r\n"
    restarting(lte)
    lte.call("detach", reset)
    assert lte.modem.sent == expected
    assert lte.driver.session.state == IDLE


def restarting(lte: LteBoard, after_ms: float = 3500) -> None:
    def restart(line: str) -> str:
        lte.modem.say("\r\n+SHUTDOWN\r\n", 100)
        lte.modem.say("\r\n+SYSSTART\r\n", after_ms)
        return OK

    for command in ("AT+CFUN=4,1", "AT+CFUN=0,1", "AT^RESET"):
        lte.modem.table[command] = restart


@pytest.mark.parametrize(("reset", "raises"), [(False, True), (True, False)])
def test_detach_that_the_modem_refuses(reset, raises):
    lte = LteBoard({"AT+CFUN=4": ERROR, "AT+CFUN=4,1": ERROR})
    lte.start()
    if raises:
        with pytest.raises(OSError, match="the requested operation failed"):
            lte.call("detach", reset)
    else:
        lte.call("detach", reset)


@pytest.mark.parametrize(
    ("detach", "reset", "dettach", "expected", "nic"),
    [
        (True, False, True, ["AT+CFUN?", "AT+CPIN?", "AT+CFUN=4"], False),
        (False, False, True, [SETLPM], True),
        (True, False, False, [SETLPM], True),
        (False, True, True, [SETLPM], True),  # the reset is not done
        (True, True, True, ["AT+CFUN?", "AT+CPIN?", "AT+CFUN=4,1", "AT", "AT", SETLPM], False),
    ],
)
def test_deinit(detach, reset, dettach, expected, nic):
    lte = LteBoard().started()
    restarting(lte)
    lte.call("deinit", detach, reset, dettach)
    assert lte.modem.sent == expected
    assert lte.driver.session.state == INIT
    assert not lte.uart.rts
    assert lte.driver.nic_registered is nic
    with pytest.raises(OSError, match="LTE modem not initialized"):
        lte.at("AT")


def test_deinit_refused_by_the_modem_has_dropped_the_link_nevertheless():
    lte = LteBoard({"AT+CPIN?": "\r\n+CME ERROR: 10\r\n", "AT+CFUN=0": ERROR}).started()
    with pytest.raises(OSError) as caught:
        lte.call("deinit", True, False, True)
    assert caught.value.args == ("the requested operation failed",)
    assert not lte.uart.rts
    lte.call("deinit", True, False, True)  # silent now


def test_deinit_before_init_sends_nothing():
    lte = LteBoard()
    lte.call("deinit", True, False, True)
    assert lte.modem.sent == []


def test_init_after_deinit_runs_the_whole_start_again():
    lte = LteBoard().started()
    lte.call("deinit", True, False, True)
    lte.modem.sent.clear()
    lte.start()
    assert lte.modem.sent[0] == "+++"


def test_deinit_times():
    lte = LteBoard().started()
    assert 100 <= lte.took_ms(lte.call, "deinit", False, False, True) <= 200
    lte.started()
    assert 90 <= lte.took_ms(lte.call, "deinit", True, False, True) <= 200


def test_reset_waits_for_the_modem_and_stays_initialised():
    lte = LteBoard().started()
    restarting(lte)
    assert 3500 <= lte.took_ms(lte.call, "reset") <= 6000
    assert lte.modem.sent == ["AT+CFUN=0", "AT^RESET", "AT", "AT"]
    assert lte.at("AT") == OK


def test_reset_of_a_modem_that_does_not_come_back():
    lte = LteBoard().started()
    lte.modem.table.update({"AT^RESET": None, "AT": None})
    with pytest.raises(OSError, match="the requested operation failed"):
        lte.call("reset")


def test_factory_reset_ends_in_a_reset_of_the_board():
    lte = LteBoard().started()
    restarting(lte)
    with pytest.raises(Reset) as caught:
        lte.call("factory_reset")
    assert caught.value.cause == 2
    assert lte.modem.sent == ["AT&F", "AT^RESET", "AT", "AT"]


@pytest.mark.parametrize(
    ("command", "answer", "method", "value"),
    [
        ("AT+CGSN", "\r\n354347090000000\r\n" + OK, "imei", "354347090000000"),
        ("AT+CGSN", "\r\n123456789012345\r\n" + OK, "imei", None),
        ("AT+CGSN", ERROR, "imei", None),
        ("AT+CCLK?", '\r\n+CCLK: "26/11/23,05:32:33+04"\r\n' + OK, "time", "26/11/23,05:32:33+04"),
        ("AT+CCLK?", ERROR, "time", None),
        (
            "AT+SQNCCID?",
            '\r\n+SQNCCID: "89010000000000000001",""\r\n' + OK,
            "iccid",
            "89010000000000000001",
        ),
        ("AT+SQNCCID?", ERROR, "iccid", None),
        ("AT+CPSMS?", '\r\n+CPSMS: 1,,,"00100011","00000101"\r\n' + OK, "psm", [True, 3, 1, 5, 0]),
        (
            "AT+CPSMS?",
            '\r\n+CPSMS: 0,,,"11100000","01000001"\r\n' + OK,
            "psm",
            [False, 0, 7, 1, 2],
        ),
    ],
)
def test_queries(command, answer, method, value):
    lte = LteBoard({command: answer}).started()
    assert lte.call(method) == value


def test_queries_that_fail():
    lte = LteBoard({"AT+CPSMS?": ERROR, "AT+CPIN?": ERROR}).started()
    with pytest.raises(OSError, match="^Failed to read PSM setting$"):
        lte.call("psm")
    with pytest.raises(OSError, match="^SIM card not found!$"):
        lte.call("iccid")


def test_short_psm_answer_is_undefined_on_the_board():
    lte = LteBoard({"AT+CPSMS?": "\r\n+CPSMS: 0\r\n" + OK}).started()
    with pytest.raises(UndefinedBehaviour, match="NULL"):
        lte.call("psm")


@pytest.mark.parametrize(("answer", "covered"), [("1,5", True), ("1,4", False), ("1,2", False)])
def test_ue_coverage(answer, covered):
    lte = LteBoard({**ATTACHED, "AT+CEREG?": cereg(answer)}).started()
    assert lte.call("ue_coverage") is covered


def test_counters_tell_exchanges_and_the_furthest_state():
    lte = LteBoard()
    assert lte.driver.take_counters() == {"at_exchanges": 0, "furthest": -1}
    lte.start()
    assert lte.driver.furthest == -1
    attach(lte, band=20)
    assert lte.driver.furthest == 0
    lte.modem.table.update(ATTACHED)
    lte.call("isattached")
    assert lte.driver.take_counters() == {"at_exchanges": 16 + 14 + 4, "furthest": 1}
    assert lte.driver.take_counters() == {"at_exchanges": 0, "furthest": -1}


@pytest.mark.parametrize(
    ("text", "furthest"),
    [
        ('+CEREG: 5,"2E8B","018F3C0B",9', 1),
        ("+CEREG: 1", 1),
        ("+CEREG: 0,1", 1),
        ("+CEREG: 2", -1),
        ("+CEREG: 1,2", -1),
        ("+CEREG: 5,2", -1),
        ("+CEREG: 1,3", -1),
    ],
)
def test_registration_is_recognised_in_any_form(text, furthest):
    lte = LteBoard({"AT+X": f"\r\n{text}\r\n" + OK}).started()
    lte.at("AT+X")
    assert lte.driver.furthest == furthest


def test_ue_coverage_stays_false_once_coverage_was_lost():
    lte = LteBoard(ATTACHED).started()
    assert lte.call("ue_coverage")
    lte.modem.table["AT+CEREG?"] = [cereg("1,4"), cereg("1,5")]
    assert not lte.call("isattached")
    assert lte.call("isattached")
    assert not lte.call("ue_coverage")  # the flag is only looked after while not attached
