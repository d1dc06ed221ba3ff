"""The module `network` as a script on a board sees it: arguments, exceptions, handlers."""

from __future__ import annotations

import pytest

from tests.emulator.lte_board import ATTACHED, OK, LteBoard

NOT_INITIALIZED = "LTE modem not initialized"
EXTRA_KEYWORD = "extra keyword arguments given"
EXTRA_POSITIONAL = "extra positional arguments given"


@pytest.fixture
def lte_board() -> LteBoard:
    return LteBoard(ATTACHED)


@pytest.fixture
def network(lte_board):
    return lte_board.network()


def raised(function, *args, **keywords):
    with pytest.raises(Exception) as caught:  # noqa: B017  (compared below)
        function(*args, **keywords)
    return type(caught.value), caught.value.args


def test_one_object_for_all(network):
    assert network.LTE() is network.LTE(debug=False)


def test_methods_are_those_of_the_firmware(network):
    names = {name for name in dir(network.LTE) if not name.startswith("_")}
    assert names == {
        "init",
        "deinit",
        "psm",
        "attach",
        "detach",
        "dettach",
        "isattached",
        "connect",
        "disconnect",
        "isconnected",
        "pppsuspend",
        "pppresume",
        "time",
        "imei",
        "iccid",
        "send_at_cmd",
        "reset",
        "factory_reset",
        "modem_upgrade_mode",
        "reconnect_uart",
        "ue_coverage",
        "lte_callback",
        "events",
        "IP",
        "IPV4V6",
        "EVENT_COVERAGE_LOSS",
        "EVENT_BREAK",
        "PSM_PERIOD_10M",
        "PSM_PERIOD_1H",
        "PSM_PERIOD_10H",
        "PSM_PERIOD_2S",
        "PSM_PERIOD_30S",
        "PSM_PERIOD_1M",
        "PSM_PERIOD_320H",
        "PSM_PERIOD_DISABLED",
        "PSM_ACTIVE_2S",
        "PSM_ACTIVE_1M",
        "PSM_ACTIVE_6M",
        "PSM_ACTIVE_DISABLED",
    }


def test_lora_is_not_on_this_board(network):
    assert not hasattr(network, "LoRa")


@pytest.mark.parametrize(
    ("args", "keywords", "error", "message"),
    [
        ((), {"foo": 1}, TypeError, EXTRA_KEYWORD),
        ((0, 1), {}, TypeError, EXTRA_POSITIONAL),
        ((), {"cid": None}, TypeError, "can't convert NoneType to int"),
        ((), {"cid": 1.0}, TypeError, "can't convert float to int"),
        (("0",), {}, TypeError, "can't convert str to int"),
        ((), {"id": 1}, OSError, "resource not available"),
        ((), {"psm_period_unit": 8}, OSError, "Invalid psm_period_unit"),
        ((), {"psm_period_value": 32}, OSError, "Invalid psm_period_value"),
        ((), {"psm_active_unit": 3}, OSError, "Invalid psm_active_unit"),
        ((), {"psm_active_value": 32}, OSError, "Invalid psm_active_value"),
    ],
)
def test_constructor_refuses(network, lte_board, args, keywords, error, message):
    assert raised(network.LTE, *args, **keywords) == (error, (message,))
    assert lte_board.modem.sent == []


def test_id_given_by_position_is_not_looked_at(network):
    network.LTE(1)


def test_init_does_not_check_the_psm_ranges(network, lte_board):
    lte = network.LTE()
    lte.deinit()
    assert (
        lte.init(psm_period_value=33, psm_period_unit=1, psm_active_value=1, psm_active_unit=0)
        is None
    )
    assert lte_board.modem.sent[-1] == 'AT+CPSMS=1,,,"00100001","00000001"'


def test_constructor_takes_2_3_seconds(network, lte_board):
    assert 2000 <= lte_board.took_ms(network.LTE) <= 2800


def test_handlers_run_while_the_constructor_waits_but_not_during_a_command(network, lte_board):
    seen = []
    lte_board.handlers["timer", 0] = lambda trigger: seen.append(lte_board.clock_ms)

    def at(ms: float) -> None:
        lte_board.board.clock.schedule_ms(ms, lambda: lte_board.board.interrupt("timer", 0, 0))

    at(300)
    lte = network.LTE()
    assert seen == [pytest.approx(300, abs=5)]
    lte_board.modem.table["AT+X"] = None
    start_ms = lte_board.clock_ms
    at(300)
    lte.send_at_cmd("AT+X")
    assert seen[1] - start_ms == pytest.approx(9500, abs=10)


NEEDS_INIT = [
    ("psm", (), {}),
    ("attach", (), {"foo": 1}),
    ("detach", (), {"foo": 1}),
    ("dettach", (), {}),
    ("isattached", (), {}),
    ("connect", (), {"foo": 1}),
    ("disconnect", (), {}),
    ("isconnected", (), {}),
    ("pppsuspend", (), {}),
    ("pppresume", (), {"foo": 1}),
    ("time", (), {}),
    ("imei", (), {}),
    ("iccid", (), {}),
    ("send_at_cmd", (), {"foo": 1}),
    ("reset", (), {}),
    ("factory_reset", (), {}),
    ("ue_coverage", (), {}),
]


@pytest.mark.parametrize(
    ("method", "args", "keywords"), NEEDS_INIT, ids=[row[0] for row in NEEDS_INIT]
)
def test_methods_need_init_before_they_look_at_their_arguments(network, method, args, keywords):
    lte = network.LTE()
    lte.deinit()
    assert raised(getattr(lte, method), *args, **keywords) == (OSError, (NOT_INITIALIZED,))


def test_methods_that_need_no_init(network):
    lte = network.LTE()
    lte.deinit()
    assert lte.deinit() is None
    assert lte.events() == 0
    assert lte.lte_callback(lte.EVENT_BREAK) is None
    assert network.LTE.reconnect_uart() is None


@pytest.mark.parametrize(
    ("method", "args", "keywords", "error", "message"),
    [
        ("send_at_cmd", (), {}, ValueError, "the command must be specified!"),
        ("send_at_cmd", (None,), {}, ValueError, "the command must be specified!"),
        ("send_at_cmd", (bytearray(b"AT"),), {}, TypeError, "invalid argument(s) num/type"),
        ("send_at_cmd", (1,), {}, TypeError, "invalid argument(s) num/type"),
        ("send_at_cmd", ("AT",), {"delay": 2000}, TypeError, EXTRA_KEYWORD),
        ("send_at_cmd", ("AT", 500), {}, TypeError, EXTRA_POSITIONAL),
        ("send_at_cmd", ("AT",), {"timeout": None}, TypeError, "can't convert NoneType to int"),
        ("send_at_cmd", ("AT",), {"timeout": 1.5}, TypeError, "can't convert float to int"),
        ("attach", (20,), {}, TypeError, EXTRA_POSITIONAL),
        ("attach", (), {"foo": 1}, TypeError, EXTRA_KEYWORD),
        ("attach", (), {"cid": None}, TypeError, "can't convert NoneType to int"),
        ("attach", (), {"apn": 5}, TypeError, "can't convert 'int' object to str implicitly"),
        ("connect", (), {"cid": None}, TypeError, "can't convert NoneType to int"),
        ("connect", (1,), {}, TypeError, EXTRA_POSITIONAL),
        ("detach", (True,), {}, TypeError, EXTRA_POSITIONAL),
        ("deinit", (True,), {}, TypeError, EXTRA_POSITIONAL),
        ("deinit", (), {"foo": 1}, TypeError, EXTRA_KEYWORD),
        ("init", (0,), {}, TypeError, EXTRA_POSITIONAL),
        ("init", (), {"id": 0}, TypeError, EXTRA_KEYWORD),
        ("lte_callback", (), {}, TypeError, "'trigger' argument required"),
    ],
)
def test_arguments_are_refused_as_the_firmware_does(
    network, lte_board, method, args, keywords, error, message
):
    lte = network.LTE()
    lte_board.modem.sent.clear()
    assert raised(getattr(lte, method), *args, **keywords) == (error, (message,))
    assert lte_board.modem.sent == []


def test_wrong_band_is_noticed_only_when_it_is_its_turn():
    lte_board = LteBoard()
    lte = lte_board.network().LTE()
    assert raised(lte.attach, band="20") == (TypeError, ("can't convert str to int",))
    assert lte_board.modem.sent[-1] == 'AT!="clearscanconfig"'
    assert raised(lte.attach, bands=[20, None]) == (TypeError, ("can't convert NoneType to int",))
    assert lte_board.modem.sent[-1] == 'AT!="RRC::addScanBand band=20"'


@pytest.mark.parametrize(
    ("log", "command"),
    [
        (False, 'AT!="disablelog 1"'),
        (True, 'AT!="disablelog 0"'),
        (0, 'AT!="disablelog 0"'),
        (None, 'AT!="disablelog 0"'),
    ],
)
def test_only_false_disables_the_log(log, command):
    lte_board = LteBoard()
    lte_board.network().LTE().attach(log=log)
    assert command in lte_board.modem.sent


def test_class_functions_take_no_object(network):
    lte = network.LTE()
    assert raised(lte.reconnect_uart)[0] is TypeError
    assert raised(lte.modem_upgrade_mode)[0] is TypeError


@pytest.mark.parametrize(("firmware", "heard"), [("1.20.2.r4", ""), ("1.20.2.r7", OK)])
def test_after_reconnect_uart_the_modem_is_heard_with_flow_control(firmware, heard):
    """connect_lte_uart() of r7 switches it on where it is called for this."""
    network = LteBoard(ATTACHED, firmware=firmware).network()
    lte = network.LTE()
    network.LTE.reconnect_uart()
    lte.init()
    assert lte.send_at_cmd("AT", timeout=100) == heard
    lte.deinit(detach=False)
    lte.init()
    assert lte.send_at_cmd("AT", timeout=100) == OK


def test_send_at_cmd_with_keyword_and_bytes(network):
    lte = network.LTE()
    assert lte.send_at_cmd(cmd=b"AT", timeout=500) == OK


def test_attach_connect_send_disconnect(network, lte_board):
    lte = network.LTE()
    lte.attach(apn="iot")
    assert lte.isattached() is True
    lte.connect()
    assert lte.isconnected() is True
    assert raised(lte.send_at_cmd, "AT") == (
        OSError,
        ("LTE modem is in data state, cannot send AT commands",),
    )
    lte.disconnect()
    assert lte.isconnected() is False
    lte.deinit()


def test_psm_is_a_tuple_with_names(network, lte_board):
    lte_board.modem.table["AT+CPSMS?"] = '\r\n+CPSMS: 1,,,"00100011","00000101"\r\n' + OK
    psm = network.LTE().psm()
    assert psm == (True, 3, 1, 5, 0)
    assert psm.period_value == 3


def test_debug_prints_the_exchanges(network, capsys):
    lte = network.LTE(debug=True)
    capsys.readouterr()
    lte.send_at_cmd("AT+X")
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("[AT] ") and first.endswith(" AT+X")
    assert second.startswith("[AT-OK] +")
    lte.init()
    lte.send_at_cmd("AT+X")
    assert capsys.readouterr().out == ""


def test_debug_marks_a_refused_command_of_the_firmware(lte_board, capsys):
    lte_board.modem.table["AT+CFUN=4"] = "\r\nERROR\r\n"
    lte = lte_board.network().LTE(debug=True)
    assert raised(lte.deinit) == (OSError, ("the requested operation failed",))
    assert "[AT-FAIL] +" in capsys.readouterr().out


def test_break_event_reaches_the_handler_in_data_state_only(network, lte_board):
    lte = network.LTE()
    seen = []
    lte.lte_callback(lte.EVENT_BREAK, seen.append, "payload")
    lte_board.modem.on_break()
    lte.isattached()
    assert seen == []
    lte.connect()
    lte_board.modem.on_break()
    assert lte.isconnected()
    assert seen == ["payload"]
    assert lte.events() == lte.EVENT_BREAK
    assert lte.events() == 0
    lte.lte_callback(None)
    lte_board.modem.on_break()
    lte.isconnected()
    assert seen == ["payload"]


def test_handler_gets_the_object_when_no_argument_was_given(network, lte_board):
    lte = network.LTE()
    lte.connect()
    seen = []
    lte.lte_callback(lte.EVENT_BREAK, seen.append)
    lte_board.modem.on_break()
    lte.isconnected()
    assert seen == [lte]


def test_other_interfaces_can_be_switched_off(network):
    network.WLAN(mode=network.WLAN.STA).deinit()
    network.Bluetooth().deinit()
    network.Server().deinit()
    assert network.WLAN().isconnected() is False
    assert raised(network.WLAN, mode=network.WLAN.AP) == (ValueError, ("AP SSID not given",))
