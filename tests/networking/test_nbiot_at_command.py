"""nbiot.sendAtCommand: success, retries, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

pytestmark = [pytest.mark.both_runtimes(every=4), pytest.mark.both_links(every=3)]

MakeDevice = Callable[..., Device]
ATTACHED = "from networking import nbiot\nnbiot.connect(configured(), False)\n"


def command_fault(**fault: Any) -> dict[str, Any]:
    return {"fault": [{"point": "command", **fault}]}


def test_response_is_stripped_and_status_is_ok(make_device: MakeDevice) -> None:
    shown = make_device().run(
        ATTACHED + 'show(nbiot.sendAtCommand("AT"))\nshow(nbiot.sendAtCommand("AT+CFUN?"))'
    )
    assert shown == [["OK", True], ["+CFUN: 1\r\n\r\nOK", True]]


OK_INSIDE = {
    "in front of ERROR": {"do": "urc", "where": "before", "text": '+COPS: 0,0,"OK",9'},
    "a line that begins with it": {"do": "garbage", "text": "\r\nOK Computer\r\n"},
    "a line that ends with it": {"do": "garbage", "text": "\r\nNOT OK\r\n"},
}


@pytest.mark.parametrize("name", OK_INSIDE)
def test_ok_inside_other_text_is_no_success(make_device: MakeDevice, name: str) -> None:
    device = make_device(command_fault(match="AT+BAD", **OK_INSIDE[name]))
    [[response, status]] = device.run(ATTACHED + 'show(nbiot.sendAtCommand("AT+BAD"))')
    assert status is False
    assert "OK" in response and "ERROR" in response


def test_an_operator_called_ok(make_device: MakeDevice) -> None:
    device = make_device({"network": {"name": "OK"},
                          "fault": [{"point": "command", "match": "AT+COPS?",
                                     "do": "missing_ok"}]})  # fmt: skip
    ask = 'nbiot.sendAtCommand("AT+COPS=3,0")\nshow(nbiot.sendAtCommand("AT+COPS?"))'
    [[response, status]] = device.run(ATTACHED + ask)
    assert '"OK"' in response and status is False


@pytest.mark.parametrize("place", ("before", "between", "after"))
def test_urcs_do_not_hide_the_ok(make_device: MakeDevice, place: str) -> None:
    device = make_device(command_fault(match="AT+CCLK?", do="urc", where=place, text="+CEREG: 5"))
    [[response, status]] = device.run(ATTACHED + 'show(nbiot.sendAtCommand("AT+CCLK?"))')
    assert status is True and "+CCLK" in response


@pytest.mark.parametrize("tries", (1, 2, 5))
def test_retries_are_half_a_second_apart_and_none_waits_after_the_last(
    make_device: MakeDevice, tries: int
) -> None:
    device = make_device()
    result, took_ms = device.run(
        ATTACHED
        + """
import utime
start_us = utime.ticks_cpu()
show(nbiot.sendAtCommand("AT+BAD", given()))
show((utime.ticks_cpu() - start_us) // 1000)
""",
        tries,
    )
    assert result == ["ERROR", False]
    sent = [e for e in device.board.trace.of("at>") if "AT+BAD" in e.text]
    assert len(sent) == tries
    for early, late in zip(sent, sent[1:], strict=False):
        assert 500 <= (late.at_us - early.at_us) / 1000 <= 600
    assert took_ms <= 500 * (tries - 1) + 60 * tries


def test_success_ends_the_retries(make_device: MakeDevice) -> None:
    device = make_device(
        {"fault": [{"point": "command", "match": "AT+CCLK?", "do": "error", "nth": nth}
                   for nth in (1, 2)]}
    )  # fmt: skip
    [[response, status]] = device.run(ATTACHED + 'show(nbiot.sendAtCommand("AT+CCLK?", 5))')
    assert status is True
    assert device.commands.count("AT+CCLK?") == 3


def test_a_mute_modem_is_an_empty_answer(make_device: MakeDevice) -> None:
    device = make_device(command_fault(match="AT+CCLK?", do="mute"))
    [answer] = device.run(ATTACHED + 'show(nbiot.sendAtCommand("AT+CCLK?"))')
    assert answer == ["", False]


def test_a_slow_answer_is_waited_for_though_a_urc_came_first(make_device: MakeDevice) -> None:
    device = make_device(
        {"fault": [{"point": "command", "match": "AT+CCLK?", "do": "late", "late_ms": 4000},
                   {"point": "time", "at_ms": 14_500, "do": "urc", "text": "+CEDRXP: 5"}]}
    )  # fmt: skip
    [answer] = device.run(
        ATTACHED
        + """
import utime
utime.sleep_ms(14000 - utime.ticks_cpu() // 1000)
show(nbiot.sendAtCommand("AT+CCLK?"))
"""
    )
    assert answer[1] is True and "+CEDRXP: 5" in answer[0] and "+CCLK" in answer[0]


REFUSED = {
    "CR": "AT\rAT+CFUN=0",
    "LF": "AT\nAT+CFUN=0",
    "NUL": "AT\0",
    "Ctrl-Z": "AT\x1a",
    "ESC": "AT\x1b",
    "DEL": "AT\x7f",
    "empty": "",
    "bytes": b"AT",
    "no text": 5,
    "nothing": None,
    "too long": "AT" + "x" * 123,
    "too long in UTF-8": "AT" + "é" * 62,
}


@pytest.mark.lte_link("the line limit of this firmware")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_one_line_is_refused(make_device: MakeDevice, name: str) -> None:
    device = make_device()
    [[kind, text]] = device.run(ATTACHED + "show(raised(nbiot.sendAtCommand, given()))",
                                REFUSED[name])  # fmt: skip
    assert kind == "ValueError"
    assert "command" in text and "124" in text
    assert not any("CFUN=0" in line for line in device.commands)


WRONG = {
    "max_tries": (0, -1, True, "2", 1.5, None),
    "max_retries": (0, -1, True, "2", 1.5),
    "timeout_ms": (0, -1, True, "2", 1.5, 600001),
}


@pytest.mark.parametrize("name", WRONG)
def test_numbers_are_checked(make_device: MakeDevice, name: str) -> None:
    shown = make_device(modem_on_boot=False).run(
        """
        from networking import nbiot
        name, values = given()
        for value in values:
            show(raised(nbiot.sendAtCommand, "AT", **{name: value}))
        """,
        [name, WRONG[name]],
    )
    for value, [kind, text] in zip(WRONG[name], shown, strict=True):
        assert kind == "ValueError" and text.startswith(f"{name} = {value!r}; allowed: 1 ")


# A search for all networks takes 60 to 180 s (TS 27.007 7.3 allows minutes)
SCAN = {"network": {"name": "Example"}}
SECOND_LINES = ("queued", "lost")


def lines(device: Device, *names: str) -> list[str]:
    """The commands with these names, in the order in which the modem got them."""
    return [line for line in device.commands if line.startswith(names)]


@pytest.mark.parametrize("second_line", SECOND_LINES)
def test_a_search_that_takes_minutes_is_waited_for_and_sent_once(
    make_device: MakeDevice, second_line: str
) -> None:
    device = make_device({**SCAN, "modem": {"second_line": second_line}})
    answer, late = device.run(
        ATTACHED
        + """
show(nbiot.sendAtCommand("AT+COPS=?", 3))
show(nbiot.sendAtCommand("AT+CSQ"))
"""
    )
    assert answer[1] is True and '"Example"' in answer[0] and answer[0].endswith("OK")
    assert late[1] is True and late[0].startswith("+CSQ: ")
    assert lines(device, "AT+COPS", "AT+CSQ") == ["AT+COPS=?", "AT+CSQ"]


@pytest.mark.parametrize("second_line", SECOND_LINES)
def test_a_short_wait_is_continued_by_the_next_try_and_by_the_next_call(
    make_device: MakeDevice, second_line: str
) -> None:
    device = make_device({**SCAN, "modem": {"second_line": second_line}})
    early, answer = device.run(
        ATTACHED
        + """
show(nbiot.sendAtCommand("AT+COPS=?", max_tries=3, timeout_ms=5000))
show(nbiot.sendAtCommand("AT+COPS=?", timeout_ms=200000))
"""
    )
    assert early == ["", False]
    assert answer[1] is True and '"Example"' in answer[0]
    assert lines(device, "AT+COPS") == ["AT+COPS=?"]
    assert "no answer in 5000 ms" in device.output


@pytest.mark.parametrize("second_line", SECOND_LINES)
def test_while_an_answer_is_outstanding_nothing_else_is_sent(
    make_device: MakeDevice, second_line: str
) -> None:
    device = make_device({**SCAN, "modem": {"second_line": second_line}})
    _, busy, took_ms, answer, then = device.run(
        ATTACHED
        + """
import utime
show(nbiot.sendAtCommand("AT+COPS=?", timeout_ms=2000))
start_us = utime.ticks_cpu()
show(nbiot.sendAtCommand("AT+CSQ", timeout_ms=3000))
show((utime.ticks_cpu() - start_us) // 1000)
show(nbiot.sendAtCommand("AT+CSQ", timeout_ms=200000))
show(nbiot.sendAtCommand("AT+CFUN?"))
"""
    )
    assert busy == ["", False] and 3000 <= took_ms <= 4100
    assert "not sent: the answer to AT+COPS is outstanding" in device.output
    assert answer[1] is True and answer[0].startswith("+CSQ: ") and "COPS" not in answer[0]
    assert then == ["+CFUN: 1\r\n\r\nOK", True]
    assert lines(device, "AT+COPS", "AT+CSQ;", "AT+CSQ") == ["AT+COPS=?", "AT+CSQ"]


PING = 'AT+PING="192.0.2.1",2,32,1,5'


@pytest.mark.parametrize("second_line", SECOND_LINES)
@pytest.mark.parametrize("timeout_ms", (300, 9500))
def test_the_ok_of_a_ping_is_not_that_of_another_command(
    make_device: MakeDevice, second_line: str, timeout_ms: int
) -> None:
    device = make_device(
        {"modem": {"second_line": second_line}, "radio": {"uplink_ms": 4000}},
        routes=["192.0.2.1:7=127.0.0.1:9"],
    )
    _, *answers = device.run(
        ATTACHED
        + """
show(nbiot.sendAtCommand(given()[0], timeout_ms=given()[1]))
for command in ("AT+CSQ", "AT+BAD", "AT"):
    show(nbiot.sendAtCommand(command, timeout_ms=60000))
""",
        [PING, timeout_ms],
    )
    assert answers[0][0].startswith("+CSQ: ") and answers[0][1] is True
    assert answers[1:] == [["ERROR", False], ["OK", True]]
    assert len(lines(device, "AT+PING")) == 1


@pytest.mark.parametrize("second_line", SECOND_LINES)
@pytest.mark.parametrize("late_ms", (700, 12000))
def test_an_answer_that_comes_after_its_bound_is_not_taken_for_another(
    make_device: MakeDevice, second_line: str, late_ms: int
) -> None:
    device = make_device(
        {"modem": {"second_line": second_line}}
        | command_fault(match="AT+SLOW", do="late", late_ms=late_ms)
    )
    answers = device.run(
        ATTACHED
        + """
nbiot.sendAtCommand("AT+SLOW", timeout_ms=500)
for command in ("AT", "AT+CSQ", "AT+BAD", "AT"):
    answer = ("", False)
    while not answer[0]:  # it may pass for mute meanwhile
        answer = nbiot.sendAtCommand(command, timeout_ms=3000)
    show(answer)
"""
    )
    assert answers[0] == ["OK", True]
    assert answers[1][0].startswith("+CSQ: ") and answers[1][1] is True
    assert answers[2:] == [["ERROR", False], ["OK", True]]


def test_the_procedure_waits_for_an_outstanding_answer(make_device: MakeDevice) -> None:
    """A search goes on when the program connects again."""
    device = make_device(SCAN)
    status, cause = device.run(
        """
        from networking import nbiot
        settings = configured(_MAX_ATTACHMENT_ATTEMPT_TIME_SEC=300)
        nbiot.connect(settings, False)
        nbiot.sendAtCommand("AT+COPS=?", timeout_ms=2000)
        show(nbiot.connect(settings, False).status)
        show(nbiot.last_outcome().cause)
        """
    )
    assert (status, cause) == (1, "attached")


@pytest.mark.parametrize("command, off", (('AT+PING="192.0.2.1"', True), ("AT+COPS=?", False)))
def test_deactivate_waits_a_minute_for_a_busy_modem_which_is_no_mute_one_later(
    make_device: MakeDevice, command: str, off: bool
) -> None:
    device = make_device(SCAN)
    first, *causes, second = device.run(
        ATTACHED
        + """
nbiot.sendAtCommand(given(), timeout_ms=50)
show(nbiot.deactivate().deactivation_status)
for _ in range(2):
    nbiot.connect(configured(), False)
    show(nbiot.last_outcome().cause)
show(nbiot.deactivate().deactivation_status)
""",
        command,
    )
    assert (first, second) == (off, True)
    assert causes in (["attached", "attached"], ["modem_busy", "attached"])
    assert device.modem.cfun == 4


def test_a_search_that_outlasts_the_configured_time_has_its_cause(make_device: MakeDevice) -> None:
    device = make_device(SCAN)
    [cause] = device.run(
        """
        from networking import nbiot
        settings = configured(_MAX_ATTACHMENT_ATTEMPT_TIME_SEC=30)
        nbiot.connect(settings, False)
        nbiot.sendAtCommand("AT+COPS=?", timeout_ms=2000)
        nbiot.connect(settings, False)
        show(nbiot.last_outcome().cause)
        """
    )
    assert cause == "modem_busy"


def test_max_retries_is_a_second_name_of_max_tries(make_device: MakeDevice) -> None:
    device = make_device()
    device.run(ATTACHED + 'nbiot.sendAtCommand("AT+BAD", max_retries=2)')
    assert lines(device, "AT+BAD") == ["AT+BAD"] * 2


@pytest.mark.lte_link("line limits of firmware releases")
@pytest.mark.parametrize("firmware, limit", (("1.20.2.r4", 124), ("1.20.2.r7", 3000)))
def test_the_longest_command(make_device: MakeDevice, firmware: str, limit: int) -> None:
    device = make_device(firmware=firmware)
    shown = device.run(
        ATTACHED
        + """
limit = given()
show(nbiot.sendAtCommand('AT+CMUX="' + "x" * (limit - 10) + '"'))
show(raised(nbiot.sendAtCommand, "A" * (limit + 1)))
show(nbiot.sendAtCommand("AT"))
""",
        limit,
    )
    assert shown[0] == ["ERROR", False]
    assert shown[1][0] == "ValueError" and str(limit) in shown[1][1]
    assert shown[2] == ["OK", True]


def test_it_starts_the_modem_which_deactivate_then_switches_off(make_device: MakeDevice) -> None:
    device = make_device({"modem": {"cfun": 1}}, modem_on_boot=False)
    answer, deactivated, again, last = device.run(
        """
        from networking import nbiot
        show(nbiot.sendAtCommand("AT+CFUN?"))
        show(nbiot.deactivate().deactivation_status)
        show(nbiot.sendAtCommand("AT"))
        show(nbiot.deactivate().deactivation_status)
        """
    )
    assert answer == ["+CFUN: 1\r\n\r\nOK", True]
    assert (deactivated, again, last) == (True, ["OK", True], True)
    assert device.modem.cfun == 4 and device.modem_rests()


def test_without_a_modem_the_answer_is_empty(make_device: MakeDevice) -> None:
    device = make_device("modem_mute", modem_on_boot=False)
    shown = device.run(
        'from networking import nbiot\nshow(nbiot.sendAtCommand("AT", max_tries=3))'
    )
    assert shown == [["", False]]


@pytest.mark.lte_link("data state")
def test_in_data_state_the_answer_is_empty_and_the_data_state_stays(
    make_device: MakeDevice,
) -> None:
    device = make_device()
    [answer] = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured())
        show(nbiot.sendAtCommand("AT"))
        """
    )
    assert answer == ["", False]
    assert device.modem.in_data_mode


def test_after_a_failed_connect_the_modem_can_be_asked(make_device: MakeDevice) -> None:
    [answer] = make_device("denied").run(ATTACHED + 'show(nbiot.sendAtCommand("AT"))')
    assert answer == ["OK", True]
