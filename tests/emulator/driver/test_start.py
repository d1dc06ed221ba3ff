"""Taking up the link to the modem: what is sent, how long it takes, how it fails."""

from __future__ import annotations

import pytest

from emulator.board.board import DEEPSLEEP_RESET, SOFT_RESET, WDT_RESET
from emulator.driver.lte import NeverReturns
from tests.emulator.lte_board import ERROR, OK, LteBoard

SETLPM = 'AT!="setlpm airplane=1 enable=1"'
TASK = [
    "+++",
    "+++AT",
    "AT",
    "ATE0",
    "AT+CPSMS=0",
    "AT+CEREG=1",
    "AT+CFUN?",
    "AT+CPIN?",
    "AT+CFUN?",
    SETLPM,
    "AT+SQNIBRCFG?",
]
INIT = ["AT+CFUN?", "AT+SQNCTM?", "AT+CFUN=4", "AT", "AT"]
NO_SIM = {"AT+CPIN?": "\r\n+CME ERROR: 10\r\n"}
CFUN_0 = ["\r\n+CFUN: 0\r\n" + OK, "\r\n+CFUN: 4\r\n" + OK]
CFUN_1 = "\r\n+CFUN: 1\r\n" + OK


@pytest.mark.parametrize(
    ("table", "task", "init"),
    [
        ({}, TASK, INIT),
        ({"AT+CFUN?": CFUN_1}, TASK, ["AT+CFUN?"]),
        ({"AT+CFUN?": CFUN_0}, TASK[:7] + ["AT+CFUN=4"] + TASK[7:], INIT),
        (NO_SIM, [*TASK[:9], "AT+CFUN=0", *TASK[9:]], INIT),
        ({"AT+SQNIBRCFG?": "\r\n+SQNIBRCFG: 0\r\n" + OK}, [*TASK, "AT+SQNIBRCFG=1,100"], INIT),
    ],
    ids=["airplane", "on", "fresh", "no SIM", "no break"],
)
def test_start_sends_what_the_firmware_sends(table, task, init):
    lte = LteBoard(table)
    lte.start()
    assert lte.modem.sent == task + init
    assert lte.driver.at_exchanges == len(task) + len(init)


def test_start_takes_about_2_3_seconds():
    lte = LteBoard()
    assert 2200 <= lte.took_ms(lte.start) <= 2800
    escape, first_at = lte.board.trace.of("at>")[:2]
    assert escape.text == "+++"
    assert escape.at_us == pytest.approx(505_000, abs=2000)
    assert first_at.at_us - escape.at_us == pytest.approx(1_150_000, abs=3000)


def test_the_first_100_ms_of_a_start_hold_the_interpreter():
    """modlte_start_modem sleeps before the interpreter is unlocked; the task runs meanwhile."""
    lte = LteBoard()
    lte.board.interrupt("pins", 0, 0)  # ends a wait that lets handlers run
    assert 99 <= lte.took_ms(lte.call, "open") <= 101
    assert lte.uart.rts


@pytest.mark.parametrize("firmware", ["1.20.2.r0", "1.20.2.r4", "1.20.2.r7"])
def test_the_uart_is_made_once_per_task(firmware):
    """By the first start after a reset of the ESP32, which takes 5 ms more than later ones."""
    lte = LteBoard(firmware=firmware)

    def first_byte_after_us() -> int:
        before_us = lte.board.clock.now_us
        lte.start()
        return next(e.at_us for e in lte.board.trace.of("at>") if e.at_us > before_us) - before_us

    for expected_us in (505_000, 500_000, 500_000):
        assert first_byte_after_us() == pytest.approx(expected_us, abs=1000)
        lte.call("deinit", True, False, True)
    lte.board.reset(DEEPSLEEP_RESET)
    assert first_byte_after_us() == pytest.approx(505_000, abs=1000)


def test_modem_left_in_data_state_is_escaped_from():
    lte = LteBoard()
    lte.modem.in_data_mode = True
    lte.start()
    assert lte.modem.sent[:3] == ["+++", "AT", "ATE0"]


def test_after_a_watchdog_reset_the_radio_is_left_as_it_is_without_a_sim():
    lte = LteBoard(NO_SIM)
    lte.board.reset(WDT_RESET)
    lte.start()
    assert lte.modem.sent == TASK[:8] + TASK[9:] + INIT


@pytest.mark.parametrize(
    ("firmware", "mode", "break_set_up"),
    [
        ("1.20.2.r0", 2, False),
        ("1.20.2.r1", 2, False),
        ("1.20.2.r2", 1, True),
        ("1.20.2.r4", 1, True),
        ("1.20.2.r7", 1, True),
    ],
)
def test_start_differs_between_releases(firmware, mode, break_set_up):
    lte = LteBoard(firmware=firmware)
    lte.start()
    assert f"AT+CEREG={mode}" in lte.modem.sent
    assert ("AT+SQNIBRCFG?" in lte.modem.sent) is break_set_up


def test_unknown_firmware_is_refused_with_the_list_of_known_ones():
    with pytest.raises(ValueError, match=r"'1\.18\.0'.*1\.20\.2\.r4, .*1\.20\.2\.r7"):
        LteBoard(firmware="1.18.0")


def test_mute_modem_ends_in_an_oserror_after_about_10_seconds():
    lte = LteBoard()
    lte.modem.mute = True
    start_ms = lte.clock_ms
    with pytest.raises(OSError) as caught:
        lte.start()
    assert caught.value.args == ("Couldn't start connection to Modem (modem_state=disconnected)",)
    assert 9000 <= lte.clock_ms - start_ms <= 11_000
    assert not lte.uart.rts
    assert lte.uart.baud == 921_600


def test_modem_that_wakes_up_later_is_reached_by_the_next_attempt():
    lte = LteBoard()
    lte.modem.mute = True
    with pytest.raises(OSError):
        lte.start()
    lte.modem.mute = False
    lte.start()
    assert lte.at("AT") == OK


def test_recovery_mode_is_found_at_115200_baud_and_stays():
    lte = LteBoard()
    lte.modem.baud = 115_200
    with pytest.raises(OSError) as caught:
        lte.start()
    assert caught.value.args == (
        "Couldn't start connection to Modem (modem_state=recovery). "
        "Perform a modem firmware update.",
    )
    with pytest.raises(OSError) as caught:
        lte.start()
    assert caught.value.args == (
        "Couldn't connect to Modem (modem_state=recovery). Perform a modem firmware update.",
    )


def test_release_before_r3_knows_no_recovery_mode():
    lte = LteBoard(firmware="1.20.2.r2")
    lte.modem.baud = 115_200
    with pytest.raises(OSError, match="disconnected"):
        lte.start()


def test_start_on_boot_runs_while_the_program_does_something_else():
    lte = LteBoard()
    lte.driver.start_on_boot()
    assert 99 <= lte.clock_ms <= 100  # before boot.py begins
    lte.board.spend_us(1_000_000)
    assert 1000 <= lte.took_ms(lte.start) <= 1600
    assert lte.modem.sent == TASK + INIT
    assert lte.board.trace.of("at>")[0].at_us == pytest.approx(505_000, abs=2000)


def test_start_on_boot_that_is_over_leaves_only_init_to_do():
    lte = LteBoard()
    lte.driver.start_on_boot()
    lte.board.spend_us(5_000_000)
    assert lte.modem.sent == TASK
    assert lte.took_ms(lte.start) <= 300


def test_start_on_boot_with_a_mute_modem_has_its_own_message():
    lte = LteBoard()
    lte.modem.mute = True
    lte.driver.start_on_boot()
    lte.board.spend_us(1_000_000)
    with pytest.raises(OSError) as caught:
        lte.start()
    assert caught.value.args == ("Couldn't connect to Modem (modem_state=connecting)",)


def test_start_on_boot_into_recovery_mode_hangs_the_firmware():
    lte = LteBoard()
    lte.modem.baud = 115_200
    lte.driver.start_on_boot()
    with pytest.raises(NeverReturns, match="recovery"):
        lte.start()


def test_second_start_does_nothing():
    lte = LteBoard().started()
    assert lte.took_ms(lte.start) < 1
    assert lte.modem.sent == []


def test_unknown_carrier_is_refused():
    lte = LteBoard({"AT+SQNCTM=?": '\r\n+SQNCTM: ("standard","verizon")\r\n' + OK})
    with pytest.raises(ValueError) as caught:
        lte.start("acme")
    assert caught.value.args == ("invalid carrier acme",)
    with pytest.raises(OSError, match="LTE modem not initialized"):
        lte.at("AT")


def test_other_carrier_restarts_the_modem():
    lte = LteBoard({"AT+SQNCTM=?": '\r\n+SQNCTM: ("standard","verizon")\r\n' + OK})

    def restart(line: str) -> str:
        lte.modem.say("\r\n+SHUTDOWN\r\n", 100)
        lte.modem.say("\r\n+SYSSTART\r\n", 3500)
        return OK

    lte.modem.table['AT+SQNCTM="verizon"'] = restart
    lte.start("verizon")
    assert lte.modem.sent[len(TASK) :] == [
        "AT+CFUN?",
        "AT+SQNCTM=?",
        "AT+SQNCTM?",
        'AT+SQNCTM="verizon"',
        "AT",
        "AT",
        "AT+CFUN=4",
        "AT",
        "AT",
    ]


@pytest.mark.parametrize(
    ("psm", "command"),
    [
        ((3, 1, 5, 0), 'AT+CPSMS=1,,,"00100011","00000101"'),
        ((3, 7, 5, 0), None),
        ((3, 1, 5, 7), None),
    ],
)
def test_psm_is_asked_for_when_both_units_are_given(psm, command):
    lte = LteBoard()
    lte.start(psm=psm)
    assert (lte.modem.sent[-1] == command) is (command is not None)


def test_hardware_reset_forgets_the_driver_but_not_the_modem():
    lte = LteBoard().started()
    lte.board.reset(DEEPSLEEP_RESET)
    assert not lte.uart.rts
    assert not lte.driver.nic_registered
    with pytest.raises(OSError, match="LTE modem not initialized"):
        lte.at("AT")
    assert lte.modem.sent == []


def test_soft_reset_keeps_the_session_but_empties_the_list_of_interfaces():
    lte = LteBoard().started()
    lte.board.reset(SOFT_RESET)
    assert not lte.driver.nic_registered
    lte.start()  # returns early
    assert not lte.driver.nic_registered
    assert lte.at("AT") == OK


def test_reset_in_the_middle_of_the_start_stops_it():
    lte = LteBoard()
    lte.driver.start_on_boot()
    lte.board.spend_us(1_900_000)
    lte.board.reset(WDT_RESET)
    sent = list(lte.modem.sent)
    lte.board.spend_us(5_000_000)
    assert lte.modem.sent == sent
    lte.start()
    assert lte.at("AT") == OK


def test_deep_sleep_drops_rts():
    lte = LteBoard().started()
    lte.driver.on_sleep(1000)
    assert not lte.uart.rts


def test_error_in_the_middle_of_the_set_up_is_not_noticed():
    lte = LteBoard({"ATE0": ERROR, "AT+CEREG=1": ERROR, SETLPM: ERROR})
    lte.start()
    assert lte.at("AT") == OK
