"""Framing, echo, command lines and their order, byte by byte (ITU-T V.250, 3GPP TS 27.007)."""

from __future__ import annotations

import pytest

from emulator.modem.engine import (
    CmeError,
    Command,
    Final,
    Pending,
    Prompt,
    at_most,
    integer,
    text,
)
from emulator.modem.family import Family
from tests.emulator.modem.bare_modem import ERROR, OK, READY, Rig, info


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("AT", OK),
        ("at", OK),
        ("At+cfun?", info("+CFUN: 4")),
        ("AT +CFUN?", info("+CFUN: 4")),
        ("  AT+CFUN?", info("+CFUN: 4")),
        ('AT+CGDCONT=1, "IPV6", "iot.example"', OK),
        ("AT+CFUN?;+CSQ", "\r\n+CFUN: 4\r\n" + info("+CSQ: 99,99")),
        ("AT+CMEE=0;+CFUN?;+CMEE=0", info("+CFUN: 4")),
        ("AT+CFUN?;", info("+CFUN: 4")),
        ("ATE0V1Q0+CFUN?", info("+CFUN: 4")),
        ("ATI", info("PYCOM", "GPy", "UE6.0.0.0-ER0")),
        ("ATI1", info("UE6.0.0.0-ER0", "LR6.0.0.0-41019")),
        ("ATS3?", info("013")),
        ("AT+NOSUCH", ERROR),
        ("AT+NOSUCH=1,2", ERROR),
        ("ATJ", ERROR),
        ("AT+CFUN=", ERROR),
        ("AT+CFUN=2", ERROR),
        ("AT+CFUN=1,0,0", ERROR),
        ("AT+CFUN", ERROR),
        ('AT+CGDCONT=1,"IP', ERROR),
        ("AT+CEREG?x", ERROR),
        ("hello", ERROR),
        ("xAT", ERROR),
        ("", ""),
        ("   ", ""),
        ("AT+SMOD?", "\r\n2\r\nOK\r\n"),
        ('AT!="disablelog 0"', "\r\n\r\nOK\r\n"),
        ("AT!=disablelog 1", "\r\n\r\nOK\r\n"),
        ("AT+SQNMODEACTIVE=2", ERROR),
        ("AT+SQNBANDSEL?", ERROR),
        ("AT+CCID", ERROR),
        ("AT+CEDRX?", ERROR),
    ],
)
def test_one_line_and_its_answer(line: str, reply: str) -> None:
    assert Rig().ask(line) == reply


def test_parts_before_a_bad_one_are_executed_and_the_first_error_ends_the_line() -> None:
    rig = Rig()
    assert rig.ask("AT+CEREG=2;+CFUN?;+BAD;+CEREG=4") == "\r\n+CFUN: 4\r\n" + ERROR
    assert rig.ask("AT+CEREG?") == info("+CEREG: 2,0")


def test_echo_is_on_after_start_and_precedes_the_answer_with_its_cr() -> None:
    rig = Rig(echo=True)
    assert rig.ask("AT+CFUN?") == "AT+CFUN?\r" + info("+CFUN: 4")
    rig.write("AT\r\n")
    assert rig.pass_ms(100).decode() == "AT\r" + OK  # the LF is neither a line nor echoed
    assert rig.ask("ATE0") == "ATE0\r" + OK
    assert rig.ask("AT") == OK
    assert rig.ask("ATE1") == OK
    assert rig.ask("AT") == "AT\r" + OK


def test_lf_behind_cr_and_backspace_are_tolerated() -> None:
    rig = Rig()
    assert rig.ask("AT+CFUN?\r\nAT+CEREG?\r\n", 200) == info("+CFUN: 4") + info("+CEREG: 1,0")
    assert rig.ask("AT+CFUX\bN?") == info("+CFUN: 4")


def test_repeat_command() -> None:
    rig = Rig()
    rig.ask("AT+CFUN?")
    rig.write("A/")
    assert rig.pass_ms(100) == info("+CFUN: 4").encode()


def test_stray_escape_spoils_the_next_command_once() -> None:
    rig = Rig()
    rig.write("+++")
    assert rig.pass_ms(2500) == b""
    assert rig.ask("AT") == ERROR
    assert rig.ask("AT") == OK


def test_numeric_and_quiet_result_codes() -> None:
    rig = Rig()
    assert rig.ask("ATV0") == "0\r"
    assert rig.ask("AT+CFUN?") == "+CFUN: 4\r\n0\r"
    assert rig.ask("AT+BAD") == "4\r"
    assert rig.ask("ATV1") == OK
    assert rig.ask("ATQ1") == ""
    assert rig.ask("AT+CFUN?") == "\r\n+CFUN: 4\r\n"
    assert rig.ask("ATQ0") == OK


def test_commands_sent_too_early_are_answered_late_and_in_order() -> None:
    rig = Rig(READY)
    rig.write("AT+CFUN=1\rAT+CEREG?\rAT+CFUN?\r")
    said = rig.pass_ms(400).decode().replace("\r\n+CEREG: 2\r\n", "")  # wherever it fell
    assert said == OK + info("+CEREG: 1,0") + info("+CFUN: 1")


LOST = {"modem": {"second_line": "lost"}}


def test_a_modem_that_loses_the_second_line_ends_the_first_with_an_error() -> None:
    rig = Rig({**READY, **LOST})
    rig.attach()
    rig.write("AT+COPS=?\r")
    assert rig.pass_ms(1000) == b""
    assert rig.ask("AT+CFUN?", 200_000) == ERROR
    assert rig.ask("AT+CFUN?") == info("+CFUN: 1")


def test_an_empty_line_is_no_second_line() -> None:
    """Hosts put a CR behind the payload of a prompt, while its answer is still to come."""
    rig = Rig({**READY, **LOST})
    rig.attach()
    assert rig.ask('AT+SQNSD=1,1,7,"192.0.2.1",0,0,1') == OK
    assert rig.ask("AT+SQNSSENDEXT=1,2") == "\r\n> "
    assert rig.ask("ab") == OK
    rig.write("AT+COPS=?\r\n\r\n")
    assert "+COPS: (2," in rig.until("OK")


def test_an_ordinary_command_takes_5_to_20_ms() -> None:
    rig = Rig()
    for _ in range(50):
        begin = rig.now_ms
        rig.write("AT\r")
        rig.until("OK")
        assert 5 <= rig.now_ms - begin <= 21


def test_line_that_never_ends_is_refused() -> None:
    assert Rig().ask("AT" + "x" * 10_000) == ERROR


@pytest.mark.parametrize(
    ("cmee", "unknown", "bad", "state"),
    [
        (0, "ERROR", "ERROR", "ERROR"),
        (1, "+CME ERROR: 4", "+CME ERROR: 50", "+CME ERROR: 3"),
        (
            2,
            "+CME ERROR: operation not supported",
            "+CME ERROR: incorrect parameters",
            "+CME ERROR: operation not allowed",
        ),
    ],
)
def test_errors_as_cmee_says(cmee: int, unknown: str, bad: str, state: str) -> None:
    rig = Rig()
    assert rig.ask(f"AT+CMEE={cmee}") == OK
    assert rig.ask("AT+CMEE?") == info(f"+CMEE: {cmee}")
    assert rig.ask("AT+NOSUCH") == f"\r\n{unknown}\r\n"
    assert rig.ask("AT+CFUN=99") == f"\r\n{bad}\r\n"
    assert rig.ask("AT+COPS?") == f"\r\n{state}\r\n"


class _Sample(Family):
    """Commands of every kind of result."""

    def __init__(self, modem) -> None:
        super().__init__(modem)
        self.pending = Pending()
        self.got: list[bytes] = []

    def commands(self) -> dict[str, Command]:
        return {
            "+ARGS": Command(set=lambda args: [repr(args)]),
            "+LATER": Command(execute=lambda: self.pending),
            "+CONN": Command(execute=lambda: Final("NO CARRIER")),
            "+COUNT": Command(set=lambda args: Prompt(integer(args, 0, 0, 99), self._take)),
            "+HEX": Command(set=lambda args: Prompt(integer(args, 0, 1, 99), self._take, True)),
            "+TEXT": Command(execute=lambda: Prompt(None, self._take)),
            "+RAW": Command(execute=lambda: ["+RAW: 1,4", b"\r\n\x00K"]),
            "+FAIL": Command(execute=self._fail),
        }

    def _take(self, data: bytes):
        self.got.append(data)
        return ["+GOT: " + str(len(data))]

    def _fail(self):
        raise CmeError(None)


@pytest.fixture
def sample() -> tuple[Rig, _Sample]:
    rig = Rig()
    family = _Sample(rig.modem)
    rig.modem.session.commands.update(family.commands())
    return rig, family


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("1,2", [1, 2]),
        ('"a,b;c",,-3', ["a,b;c", None, -3]),
        ('1, "x" , y', [1, "x", "y"]),
        ("007", [7]),
        ('""', [""]),
        (",", [None, None]),
    ],
)
def test_parameters(sample: tuple[Rig, _Sample], given: str, seen: list[object]) -> None:
    assert sample[0].ask("AT+ARGS=" + given) == info(repr(seen))


def test_late_result_comes_once_with_its_information(sample: tuple[Rig, _Sample]) -> None:
    rig, family = sample
    assert rig.ask("AT+LATER;+CFUN?", 5000) == ""
    family.pending.finish(["+LATER: 1"])
    family.pending.fail(3)
    assert rig.pass_ms(100).decode() == "\r\n+LATER: 1\r\n" + info("+CFUN: 4")


def test_final_code_other_than_ok_ends_the_line(sample: tuple[Rig, _Sample]) -> None:
    rig, _ = sample
    assert rig.ask("AT+CONN;+CFUN?") == "\r\nNO CARRIER\r\n"
    assert rig.ask("AT+CMEE=1;+FAIL") == ERROR


def test_counted_payload_stays_whole_between_urcs(sample: tuple[Rig, _Sample]) -> None:
    rig, _ = sample
    rig.write("AT+RAW\r")
    for _ in range(40):  # a URC at every instant of the answer
        rig.modem.urc("+X: 1")
        rig.pass_ms(0)
        rig.board.clock.advance(500)
    said = rig.pass_ms(100)
    assert b"\r\n+RAW: 1,4\r\n\r\n\x00K\r\n" in rig_said(rig, said)


def rig_said(rig: Rig, tail: bytes) -> bytes:
    """Everything on the wire so far, from the trace."""
    shown = "".join(entry.text for entry in rig.board.trace.of("at<"))
    return shown.encode("ascii").decode("unicode_escape").encode("latin-1") + b""


def test_prompt_takes_exactly_the_count_without_echo(sample: tuple[Rig, _Sample]) -> None:
    rig, family = sample
    rig.modem.session.echo = True
    assert rig.ask("AT+COUNT=6") == "AT+COUNT=6\r\r\n> "
    rig.write(b"\rOK\r\x1a")
    assert rig.pass_ms(3000) == b""
    rig.write(b"\x00\r")  # the CR of hosts that send the payload as a command
    assert rig.pass_ms(100) == b"\r\n+GOT: 6\r\n\r\nOK\r\n\r"
    assert family.got == [b"\rOK\r\x1a\x00"]


def test_lf_behind_the_cr_of_a_prompt_command_is_payload(sample: tuple[Rig, _Sample]) -> None:
    rig, family = sample
    rig.write("AT+COUNT=3\r\n")
    rig.pass_ms(100)
    rig.write("ab")
    rig.pass_ms(100)
    assert family.got == [b"\nab"]


def test_hex_prompt_takes_twice_as_many_characters(sample: tuple[Rig, _Sample]) -> None:
    rig, family = sample
    assert rig.ask("AT+HEX=3") == "\r\n> "
    rig.write(b"0aFF\x0020")  # NUL between pairs is skipped
    assert rig.pass_ms(100) == b"\r\n+GOT: 3\r\n\r\nOK\r\n"
    assert family.got == [b"\x0a\xff\x20"]
    rig.ask("AT+HEX=1")
    rig.write(b"zz")
    assert rig.pass_ms(100) == ERROR.encode()


def test_text_prompt_ends_with_ctrl_z_and_esc_abandons(sample: tuple[Rig, _Sample]) -> None:
    rig, family = sample
    rig.ask("AT+TEXT")
    rig.write(b"abX\bc\r\n\x1a")
    assert rig.pass_ms(100) == b"\r\n+GOT: 5\r\n\r\nOK\r\n"
    rig.ask("AT+TEXT")
    rig.write(b"never\x1b")
    assert rig.pass_ms(100) == OK.encode()
    assert family.got == [b"abc\r\n"]


def test_urc_waits_for_the_end_of_the_data_of_a_prompt(sample: tuple[Rig, _Sample]) -> None:
    rig, _ = sample
    rig.ask("AT+COUNT=2")
    rig.modem.urc("+CEREG: 4")
    rig.write("a")
    assert rig.pass_ms(500) == b""
    rig.write("b")
    assert rig.pass_ms(100) == b"\r\n+CEREG: 4\r\n\r\n+GOT: 2\r\n\r\nOK\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_answers_in_chunks_are_the_same_bytes(size: int) -> None:
    whole = Rig().ask("ATI1;+CGSN")
    pieces = Rig({"modem": {"chunk_bytes": size, "chunk_gap_ms": 3.0}}).ask("ATI1;+CGSN", 2000)
    assert pieces == whole


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: integer([7], 0, 0, 6), 50),
        (lambda: integer(["x"], 0, 0, 6), 50),
        (lambda: integer([], 0, 0, 6), 50),
        (lambda: text([None], 0), 50),
        (lambda: at_most([1, 2], 1), 50),
    ],
)
def test_parameter_checks(call, code: int) -> None:
    with pytest.raises(CmeError) as failure:
        call()
    assert failure.value.code == code


def test_number_in_quotes_counts_as_a_number() -> None:
    assert integer(["5"], 0, 0, 6) == 5
    assert integer([None], 0, 0, 6, 3) == 3


def test_a_command_takes_as_long_whatever_was_sent_before_it() -> None:
    """Two hosts that are compared get the same delays where they send the same commands."""

    def took_ms(before: list[str]) -> list[float]:
        rig = Rig(READY)
        for line in before:
            rig.ask(line)
        found = []
        for _ in range(3):
            begin = rig.now_ms
            rig.write("AT+CSQ\r")
            rig.until("OK")
            found.append(rig.now_ms - begin)
            rig.pass_ms(100)
        return found

    alone = took_ms([])
    assert took_ms(["AT", "AT+CFUN?", "AT+CEREG?;+CGATT?"]) == pytest.approx(alone, abs=0.01)
    assert len(set(alone)) == 3  # and each time another one
