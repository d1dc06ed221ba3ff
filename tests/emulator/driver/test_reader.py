"""How one AT command is read: what Python code on a board sees of lteppp_wait_at_rsp."""

from __future__ import annotations

import pytest

from emulator.board.board import Reset
from emulator.driver.lte import NeverReturns, UndefinedBehaviour
from tests.emulator.lte_board import ERROR, OK, LteBoard


def test_answer_comes_back_unchanged():
    lte = LteBoard({"AT+CEREG?": "\r\n+CEREG: 1,1\r\n" + OK}).started()
    assert lte.at("AT+CEREG?") == "\r\n+CEREG: 1,1\r\n\r\nOK\r\n"
    assert lte.modem.sent == ["AT+CEREG?"]


def test_bytes_are_sent_as_well_as_str():
    lte = LteBoard().started()
    assert lte.at(b"AT+X\xff") == OK
    assert lte.modem.sent == ["AT+X\xff"]


def test_error_is_an_answer_and_no_exception():
    assert LteBoard({"AT+X": ERROR}).started().at("AT+X") == ERROR


def test_plain_exchange_takes_30_to_60_ms():
    lte = LteBoard().started()
    assert 30 <= lte.took_ms(lte.at, "AT") <= 60


@pytest.mark.parametrize(
    ("ending", "low_ms", "high_ms"),
    [
        ("\r\nOK\r\n", 30, 60),
        ("\r\nERROR\r\n", 30, 60),
        ("\r\n+SYSSTART\r\n", 30, 60),
        ("\r\nCONNECT\r\n", 30, 60),
        ("\r\n> ", 1030, 1070),
        ("\r\n+CME ERROR: 10\r\n", 1030, 1070),
        ("\r\nNO CARRIER\r\n", 1030, 1070),
        ("\r\nCONNECT 115200\r\n", 1030, 1070),
        ("\r\nOK", 1030, 1070),
        ("\r\nOK\r\n\0", 30, 60),
        ("\0\r\nOK\r\n", 1030, 1070),  # strstr() does not look behind a NUL
    ],
    ids=repr,
)
def test_endings_the_firmware_does_not_know_cost_a_second(ending, low_ms, high_ms):
    lte = LteBoard({"AT+X": ending}).started()
    assert low_ms <= lte.took_ms(lte.at, "AT+X") <= high_ms


def test_what_waited_before_a_command_is_lost():
    lte = LteBoard().started()
    lte.modem.say("\r\n+SQNSRING: 1\r\n")
    lte.board.spend_us(50_000)
    assert lte.at("AT") == OK


def test_dummy_command_reads_what_waits_and_sends_nothing():
    lte = LteBoard().started()
    lte.modem.say("\r\n+SQNSRING: 1\r\n")
    lte.board.spend_us(50_000)
    exchanges = lte.driver.at_exchanges
    assert lte.at("xxPycom_Dummyxx", 500) == "\r\n+SQNSRING: 1\r\n"
    assert lte.modem.sent == []
    assert lte.driver.at_exchanges == exchanges


def test_dummy_command_waits_for_its_timeout_when_nothing_comes():
    lte = LteBoard().started()
    assert 498 <= lte.took_ms(lambda: lte.at("Pycom_Dummy", 500)) <= 505


@pytest.mark.parametrize(
    ("timeout_ms", "low_ms", "high_ms"), [(None, 9495, 9510), (1, 1, 6), (200, 198, 210)]
)
def test_silence_ends_in_an_empty_text_after_the_timeout(timeout_ms, low_ms, high_ms):
    lte = LteBoard({"AT+X": None}).started()
    assert low_ms <= lte.took_ms(lambda: lte.at("AT+X", timeout_ms)) <= high_ms
    assert lte.at("AT+X", timeout_ms) == ""


def test_timeout_bounds_the_first_byte_only():
    lte = LteBoard({"AT+X": "\r\n+X: 1\r\n"}).started()
    lte.modem.say(OK, 900)
    assert lte.at("AT+X", 100) == "\r\n+X: 1\r\n" + OK


@pytest.mark.parametrize(("gap_ms", "whole"), [(500, True), (880, True), (960, False)])
def test_answer_is_cut_at_a_pause_of_a_second(gap_ms, whole):
    lte = LteBoard({"AT+X": "\r\n+X: 1\r\n"}).started()
    lte.modem.say(OK, gap_ms + 20)
    assert lte.at("AT+X") == "\r\n+X: 1\r\n" + (OK if whole else "")


def test_late_answer_of_a_cut_command_turns_up_in_the_next():
    lte = LteBoard({"AT+SLOW": (250, "\r\nlate\r\n" + OK), "AT+X": (100, OK)}).started()
    assert lte.at("AT+SLOW", 200) == ""
    assert lte.at("AT+X") in ("\r\nlate\r\n" + OK, "\r\nlate\r\n" + OK + OK)


def test_bytes_in_dribs_and_drabs_are_one_answer():
    lte = LteBoard({"AT+X": None}).started()
    for at, char in enumerate("\r\n+X: 1\r\n" + OK):
        lte.modem.say(char, 20 + 24 * at)
    assert lte.at("AT+X") == "\r\n+X: 1\r\n" + OK


@pytest.mark.parametrize("size", [1500, 2045, 2046, 2047, 2048, 3000, 5000])
def test_long_answers_are_joined(size):
    long = "\r\n" + "x" * (size - 10) + "\r\n" + OK
    lte = LteBoard({"AT+X": long}).started()
    assert lte.at("AT+X", 300) == long


def test_answer_as_long_as_the_buffer_waits_a_whole_timeout_for_nothing():
    text = "x" * (2046 - 6) + OK
    lte = LteBoard({"AT+X": text}).started()
    assert lte.took_ms(lambda: lte.at("AT+X", 3000)) > 3000


def test_nul_truncates_the_answer():
    assert LteBoard({"AT+X": "\r\nab\0cd\r\n" + OK}).started().at("AT+X") == "\r\nab"


def test_line_noise_leaves_text_that_is_not_utf8():
    text = LteBoard({"AT+X": b"\r\n\xff\r\n\r\nOK\r\n"}).started().at("AT+X")
    assert text.encode("utf-8", "surrogateescape") == b"\r\n\xff\r\n\r\nOK\r\n"


def test_escape_is_sent_without_a_carriage_return():
    lte = LteBoard().started()
    lte.at("+++", 10)
    assert lte.board.trace.of("at>")[-1].text == "+++"


def test_timeout_zero_waits_for_the_first_byte_however_late():
    lte = LteBoard({"AT+X": (3_600_000, OK)}).started()
    assert lte.at("AT+X", 0) == OK


def test_timeout_zero_on_a_mute_modem_ends_the_run_with_a_reason():
    lte = LteBoard({"AT+X": None}).started()
    with pytest.raises(NeverReturns, match="timeout=0"):
        lte.at("AT+X", 0)


def test_a_reset_ends_the_wait_for_an_answer():
    lte = LteBoard({"AT+X": None}).started()
    lte.board.clock.schedule_ms(5000, lambda: lte.board.stop(Reset(2, "watchdog")))
    start_ms = lte.clock_ms
    with pytest.raises(Reset):
        lte.at("AT+X")
    assert lte.clock_ms - start_ms == pytest.approx(5000, abs=2)


def test_124_bytes_of_command_are_allowed():
    command = "AT+X=" + "0" * 119
    lte = LteBoard().started()
    assert lte.at(command) == OK
    assert lte.modem.sent == [command]


@pytest.mark.parametrize("command", ["0" * 125, "\u00e9" * 63], ids=["ascii", "utf8"])
def test_longer_command_ends_the_run_on_r4(command):
    lte = LteBoard().started()
    with pytest.raises(UndefinedBehaviour, match=r"12[56] bytes.*1\.20\.2\.r4.*124 bytes"):
        lte.at(command)
    with pytest.raises(UndefinedBehaviour):  # and no handler gets the program going again
        lte.at("AT")
    assert lte.modem.sent == []


BUILDS = [{"firmware": "1.20.2.r7"}, {"long_commands": True}]


@pytest.mark.parametrize("build", BUILDS, ids=["r7", "pull request 429"])
@pytest.mark.parametrize("size", [125, 248, 249, 1000])
def test_longer_command_goes_out_whole(size, build):
    command = "AT" + "0" * (size - 2)
    lte = LteBoard(**build).started()
    before = lte.driver.at_exchanges
    assert lte.at(command) == OK
    assert lte.modem.sent == [command]
    assert lte.driver.at_exchanges == before + 1


def test_send_at_cmd_has_no_timeout_keyword_before_r2():
    lte = LteBoard(firmware="1.20.2.r1").started()
    with pytest.raises(TypeError, match="extra keyword arguments given"):
        lte.at("AT", 500)
    assert lte.at("AT") == OK


def test_command_waits_for_the_modem_task_which_looks_every_2_ms():
    lte = LteBoard().started()
    lte.at("AT")
    ended_us = lte.board.clock.now_us
    lte.at("AT+X")
    sent_us = lte.board.trace.of("at>")[-1].at_us
    assert 1900 <= sent_us - ended_us <= 2100
