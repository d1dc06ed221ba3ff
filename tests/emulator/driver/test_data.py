"""Data state: connect, the address, its loss, pause and resume."""

from __future__ import annotations

import pytest

from emulator.driver.lte import NeverReturns
from emulator.driver.session import ATTACHED as IS_ATTACHED
from emulator.driver.session import IDLE, PPP, SUSPENDED
from tests.emulator.lte_board import ATTACHED, ERROR, OK, LteBoard

CHECK = ["AT", "AT+CGATT?", "AT+CEREG?", "AT+CFUN?"]
IN_DATA_STATE = "LTE modem is in data state, cannot send AT commands"


def test_connect_sends_what_the_firmware_sends_and_does_not_wait_for_the_address():
    lte = LteBoard(ATTACHED).started()
    took_ms = lte.took_ms(lte.call, "connect", None, None)
    assert lte.modem.sent == ["ATI1", *CHECK, "ATO", 'AT+CGDATA="PPP",1']
    assert 2100 <= took_ms <= 2600  # ATO answered NO CARRIER costs a second, the end another
    assert lte.driver.session.state == PPP
    assert lte.driver.nic_registered


def test_address_comes_a_quarter_to_four_fifths_of_a_second_after_connect():
    lte = LteBoard(ATTACHED).started()
    seen: list[float] = []
    lte.driver.session.ppp._on_up = lambda: seen.append(lte.clock_ms)
    lte.call("connect", None, None)
    connected_ms = (
        next(entry.at_us for entry in lte.board.trace.of("at<") if "CONNECT" in entry.text) / 1000
    )
    assert 275 <= seen[0] - connected_ms <= 800 + 25 + 32
    assert lte.driver.ppp_address == "10.1.2.3"
    assert lte.call("isconnected")


def test_ipv6_only_never_connects():
    lte = LteBoard(ATTACHED).started()
    lte.modem.addresses = {"IPV6": "2001:db8::1"}
    lte.call("connect", None, None)
    lte.board.spend_us(60_000_000)
    assert not lte.call("isconnected")
    assert lte.driver.ppp_address is None
    with pytest.raises(OSError, match=IN_DATA_STATE):
        lte.at("AT")


@pytest.mark.parametrize("method", ["psm", "imei", "iccid", "time", "ue_coverage"])
def test_data_state_refuses_at_commands(method):
    lte = LteBoard().connected()
    with pytest.raises(OSError) as caught:
        lte.call(method)
    assert caught.value.args == (IN_DATA_STATE,)


def test_isattached_in_data_state_needs_no_command():
    lte = LteBoard().connected()
    assert lte.call("isattached")
    assert lte.modem.sent == []


def test_connect_twice_does_nothing():
    lte = LteBoard().connected()
    lte.call("connect", None, None)
    assert lte.modem.sent == []


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"AT+CEREG?": "\r\n+CEREG: 1,2\r\n" + OK}, "modem not attached"),
        ({"ATI1": ERROR}, "LTE modem version not read"),
        ({'AT+CGDATA="PPP",1': "\r\nNO CARRIER\r\n"}, "the requested operation failed"),
    ],
)
def test_connect_fails_where_the_firmware_fails(table, message):
    lte = LteBoard({**ATTACHED, **table}).started()
    with pytest.raises(OSError) as caught:
        lte.call("connect", None, None)
    assert caught.value.args == (message,)
    assert not lte.call("isconnected")


def test_other_context_is_remembered():
    lte = LteBoard({**ATTACHED, 'AT+CGDATA="PPP",3': "\r\nCONNECT\r\n"}).started()
    lte.call("connect", 3, None)
    lte.call("disconnect")
    lte.modem.sent.clear()
    lte.call("connect", None, None)
    assert lte.modem.sent[-1] == 'AT+CGDATA="PPP",3'


def test_legacy_modem_build_is_hung_up_first_and_cannot_be_suspended():
    lte = LteBoard({**ATTACHED, "ATI1": "\r\nLR5.1.1.0-33080\r\n" + OK}).started()
    lte.call("connect", None, None)
    assert lte.modem.sent == ["ATI1", *CHECK, "ATH", "AT", 'AT+CGDATA="PPP",1']
    with pytest.raises(OSError, match="^modem firmware not supported$"):
        lte.call("pppsuspend")


def test_legacy_given_skips_the_version():
    lte = LteBoard(ATTACHED).started()
    lte.call("connect", None, False)
    assert lte.modem.sent[0] == "AT"


def test_disconnect():
    lte = LteBoard().connected()
    took_ms = lte.took_ms(lte.call, "disconnect")
    assert lte.modem.sent == ["+++", "ATH", "AT", *CHECK]
    assert 1500 <= took_ms <= 2800
    assert not lte.call("isconnected")
    assert lte.driver.ppp_address is None
    assert not lte.driver.nic_registered
    assert lte.at("AT") == OK
    lte.modem.sent.clear()
    lte.call("disconnect")
    assert lte.modem.sent == []


def test_disconnect_from_a_modem_that_does_not_hear():
    lte = LteBoard().connected()
    lte.modem.mute = True
    start_ms = lte.clock_ms
    with pytest.raises(OSError, match="^Pause PPP failed$"):
        lte.call("disconnect")
    assert 9000 <= lte.clock_ms - start_ms <= 11_000


def test_endless_wait_for_ok_ends_the_run_with_a_reason():
    lte = LteBoard().connected()
    lte.modem.table["AT"] = ERROR
    with pytest.raises(NeverReturns, match="does not answer"):
        lte.call("disconnect")


def test_lost_carrier_leaves_the_session_attached():
    lte = LteBoard().connected()
    lte.modem.in_data_mode = False
    lte.modem.say("\r\nNO CARRIER\r\n")
    lte.board.spend_us(1_000_000)
    assert not lte.call("isconnected")
    assert lte.driver.ppp_address is None
    assert lte.driver.session.state == IS_ATTACHED
    assert lte.at("AT") == OK


def test_modem_that_crashed_behind_ppp_is_not_noticed():
    lte = LteBoard().connected()
    lte.modem.in_data_mode = False
    assert lte.call("isconnected")


def test_suspend_allows_commands_and_resume_keeps_the_address():
    lte = LteBoard().connected()
    lte.call("pppsuspend")
    assert lte.modem.sent == ["+++", "AT", *CHECK]
    assert lte.driver.session.state == SUSPENDED
    assert not lte.call("isconnected")
    assert lte.at("AT") == OK
    lte.modem.sent.clear()
    lte.modem.table["ATO"] = "\r\nCONNECT\r\n"
    assert 1500 <= lte.took_ms(lte.call, "pppresume", None) <= 1850
    assert lte.modem.sent == [*CHECK, "ATO"]
    assert lte.call("isconnected")
    assert lte.driver.ppp_address == "10.1.2.3"


def test_refused_resume_connects_anew():
    lte = LteBoard().connected()
    lte.call("pppsuspend")
    lte.modem.sent.clear()
    lte.call("pppresume", None)
    assert lte.modem.sent == [*CHECK, "ATO", *CHECK, "ATI1", *CHECK, "ATO", 'AT+CGDATA="PPP",1']
    assert lte.call("isconnected")


def test_resume_in_other_states():
    lte = LteBoard().started()
    lte.call("pppresume", None)
    assert lte.modem.sent == CHECK
    lte.connected()
    with pytest.raises(OSError, match="^Modem is already connected$"):
        lte.call("pppresume", None)


def test_connect_while_suspended_is_refused():
    lte = LteBoard().connected()
    lte.call("pppsuspend")
    with pytest.raises(OSError, match="^modem is suspended$"):
        lte.call("connect", None, None)


SETLPM = 'AT!="setlpm airplane=1 enable=1"'
OFF = ["AT+CFUN?", "AT+CPIN?", "AT+CFUN=4"]


@pytest.mark.parametrize(
    ("detach", "dettach", "expected"),
    [
        (True, True, ["+++", "ATH", "AT", *CHECK, *OFF]),
        (False, True, ["+++", "AT", *CHECK, SETLPM]),
        (True, False, ["+++", "ATH", "AT", *CHECK, *OFF]),  # the old spelling detaches anyway
    ],
)
def test_deinit_in_data_state(detach, dettach, expected):
    lte = LteBoard().connected()
    lte.call("deinit", detach, False, dettach)
    assert lte.modem.sent == expected
    assert not lte.uart.rts


def test_detach_in_data_state_disconnects_first():
    lte = LteBoard().connected()
    lte.call("detach", False)
    assert lte.modem.sent == ["+++", "ATH", "AT", *CHECK, *OFF]
    assert lte.driver.session.state == IDLE


def test_furthest_state_is_data():
    assert LteBoard().connected().driver.furthest == 2


def test_new_session_after_a_suspended_one_was_left_negotiates_anew():
    lte = LteBoard().connected()
    lte.call("deinit", False, False, True)
    lte.modem.addresses = {"IP": "10.9.9.9"}
    lte.connected()
    assert lte.driver.ppp_address == "10.9.9.9"
