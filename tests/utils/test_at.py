"""utils.at: replies of the modem taken apart, and the dialogue that collects them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.device import Device

pytestmark = pytest.mark.both_runtimes(every=4)

OK = "\r\n\r\nOK\r\n"
SHOW_REPLY = """
def show_reply(reply):
    names = ("lines", "urcs", "final", "ok", "prompt", "rebooted")
    show({name: getattr(reply, name) for name in names})
"""

# name: (command, text, what differs from a reply without anything in it)
REPLIES = {
    "nothing": ("AT", "", {}),
    "final result code alone": ("AT", "\r\nOK\r\n", {"final": "OK", "ok": True}),
    "information": ("AT+CSQ", "\r\n+CSQ: 20,99" + OK,
                    {"lines": ["+CSQ: 20,99"], "final": "OK", "ok": True}),
    "information of two commands": (
        "AT+CSQ;+CESQ", "\r\n+CSQ: 20,99\r\n\r\n+CESQ: 99,99,255,255,21,49" + OK,
        {"lines": ["+CSQ: 20,99", "+CESQ: 99,99,255,255,21,49"], "final": "OK", "ok": True}),
    "URC before": ("AT+CSQ", "\r\n+CTZV: \"+04\"\r\n\r\n+CSQ: 20,99" + OK,
                   {"lines": ["+CSQ: 20,99"], "urcs": ['+CTZV: "+04"'], "final": "OK",
                    "ok": True}),
    "URC between": ("AT+CSQ", "\r\n+CSQ: 20,99\r\n\r\n+CEREG: 4\r\n\r\nOK\r\n",
                    {"lines": ["+CSQ: 20,99"], "urcs": ["+CEREG: 4"], "final": "OK", "ok": True}),
    "URC after": ("AT+CSQ", "\r\n+CSQ: 20,99" + OK + "\r\n+CEREG: 4\r\n",
                  {"lines": ["+CSQ: 20,99"], "urcs": ["+CEREG: 4"], "final": "OK", "ok": True}),
    "the URC of the name that was asked for": (
        "AT+CEREG?", "\r\n+CEREG: 2\r\n\r\n+CEREG: 1,5" + OK,
        {"lines": ["+CEREG: 1,5"], "urcs": ["+CEREG: 2"], "final": "OK", "ok": True}),
    "that URC with its location": (
        "AT+CEREG?",
        '\r\n+CEREG: 5,"1A2B","01A2D003",9\r\n\r\n+CEREG: 2,5,"1A2B","01A2D003",9' + OK,
        {"lines": ['+CEREG: 2,5,"1A2B","01A2D003",9'], "urcs": ['+CEREG: 5,"1A2B","01A2D003",9'],
         "final": "OK", "ok": True}),
    "OK inside a line": ("ATI1", "\r\nOK Computer\r\n", {"lines": ["OK Computer"]}),
    "OK inside a URC": ("AT", '\r\n+COPS: 0,0,"OK",9\r\n', {"urcs": ['+COPS: 0,0,"OK",9']}),
    "a name that only begins like the command": (
        "AT+CSQ", "\r\n+CSQN: 1" + OK, {"urcs": ["+CSQN: 1"], "final": "OK", "ok": True}),
    "information without a name": ("AT+CGSN", "\r\n354340987654326" + OK,
                                   {"lines": ["354340987654326"], "final": "OK", "ok": True}),
    "ERROR": ("AT+CPIN?", "\r\nERROR\r\n", {"final": "ERROR"}),
    "+CME ERROR as a number": ("AT+CPIN?", "\r\n+CME ERROR: 10\r\n", {"final": "+CME ERROR: 10"}),
    "+CME ERROR as text": ("AT+CPIN?", "\r\n+CME ERROR: SIM not inserted\r\n",
                           {"final": "+CME ERROR: SIM not inserted"}),
    "+CMS ERROR": ("AT+CMGS", "\r\n+CMS ERROR: 500\r\n", {"final": "+CMS ERROR: 500"}),
    "ERROR behind information": ("AT+CFUN?;+CPIN?", "\r\n+CFUN: 4\r\n\r\nERROR\r\n",
                                 {"lines": ["+CFUN: 4"], "final": "ERROR"}),
    "CONNECT": ('AT+CGDATA="PPP",1', "\r\nCONNECT\r\n", {"final": "CONNECT"}),
    "CONNECT with a rate": ("ATD", "\r\nCONNECT 921600\r\n", {"final": "CONNECT 921600"}),
    "NO CARRIER": ("ATO", "\r\nNO CARRIER\r\n", {"final": "NO CARRIER"}),
    "echo": ("AT+CSQ", "AT+CSQ\r\r\n+CSQ: 20,99" + OK,
             {"lines": ["+CSQ: 20,99"], "final": "OK", "ok": True}),
    "prompt": ("AT+SQNSSENDEXT=1,5", "\r\n> ", {"prompt": True}),
    "prompt without its blank": ("AT+SQNSSENDEXT=1,5", "\r\n>", {"prompt": True}),
    "prompt behind a URC": ("AT+SQNSSENDEXT=1,5", "\r\n+CEREG: 5\r\n\r\n> ",
                            {"urcs": ["+CEREG: 5"], "prompt": True}),
    "an error is no prompt": ("AT+SQNSSENDEXT=1,5", "\r\nERROR\r\n", {"final": "ERROR"}),
    "a line that ends like a prompt": ("AT", "\r\na >\r\n", {"lines": ["a >"]}),
    "restart": ("AT+CFUN=1", "\r\n+SYSSTART\r\n", {"urcs": ["+SYSSTART"], "rebooted": True}),
    "assertion": ("AT+CFUN=1", "\r\n^EXIT: File: a.c@1\r\n\r\n+SYSSTART\r\n",
                  {"urcs": ["^EXIT: File: a.c@1", "+SYSSTART"], "rebooted": True}),
    "late answer of an earlier command in front": (
        "AT+CSQ", "\r\nERROR\r\n\r\n+CSQ: 20,99" + OK,
        {"lines": ["+CSQ: 20,99"], "final": "OK", "ok": True}),
    "late answer in front, the right one not yet whole": (
        "AT+CSQ", "\r\nOK\r\n\r\n+CSQ: 20,99\r\n", {"lines": ["+CSQ: 20,99"]}),
    "a ring behind OK": ("AT", "\r\nOK\r\n\r\nRING\r\n",
                         {"lines": ["RING"], "final": "OK", "ok": True}),
    "a URC behind the OK of a debug command": (
        'AT!="x"', "\r\n\r\nOK\r\n\r\n+CEREG: 2\r\n",
        {"lines": ["+CEREG: 2"], "final": "OK", "ok": True}),
    "bare line feeds": ("AT+CSQ", "\n+CSQ: 20,99\n\nOK\n",
                        {"lines": ["+CSQ: 20,99"], "final": "OK", "ok": True}),
    "garbage in front": ("AT+CSQ", "\udcff\x01\r\n+CSQ: 20,99" + OK,
                         {"lines": ["\udcff\x01", "+CSQ: 20,99"], "final": "OK", "ok": True}),
    "free text of a debug command": (
        'AT!="showver"', "\r\n+weird\r\n^stuff\r\nSoftware: LR6" + OK,
        {"lines": ["+weird", "^stuff", "Software: LR6"], "final": "OK", "ok": True}),
    "a command in lower case": (
        "at+cereg?;+csq", "\r\n+CEREG: 1,5\r\n\r\n+CSQ: 20,99" + OK,
        {"lines": ["+CEREG: 1,5", "+CSQ: 20,99"], "final": "OK", "ok": True}),
    "a debug command in lower case": (
        'at!="showver"', "\r\n+weird" + OK, {"lines": ["+weird"], "final": "OK", "ok": True}),
    "blanks between two commands": (
        "AT+CFUN?; +CSQ", "\r\n+CFUN: 4\r\n\r\n+CSQ: 20,99" + OK,
        {"lines": ["+CFUN: 4", "+CSQ: 20,99"], "final": "OK", "ok": True}),
    "payload has no name": ("", "\r\n+CEREG: 5" + OK,
                            {"urcs": ["+CEREG: 5"], "final": "OK", "ok": True}),
}  # fmt: skip
EMPTY = {"lines": [], "urcs": [], "final": None, "ok": False, "prompt": False, "rebooted": False}


@pytest.mark.parametrize("name", REPLIES)
def test_reply_is_taken_apart(device: Device, name: str) -> None:
    command, text, expected = REPLIES[name]
    [reply] = device.run(
        "from utils import at\n" + SHOW_REPLY + "show_reply(at.Reply(*given()))", [text, command]
    )
    assert reply == {**EMPTY, **expected}


FINALS = ("OK", "ERROR", "NO CARRIER", "BUSY", "NO ANSWER", "CONNECT", "CONNECT 9600",
          "+CME ERROR: 3", "+CMS ERROR: 500")  # fmt: skip
NO_FINALS = ("", "OKAY", "ok", " OK", "OK 1", "CONNECTED", "NO CARRIERS", "+CME: 3", "+CEREG: 5",
             "ERROR: 3", "RING", "> ", "+CEER: ERROR:")  # fmt: skip


def test_final_result_codes_are_whole_lines(device: Device) -> None:
    [found] = device.run(
        "from utils import at\nshow([at.is_final(line) for line in given()])", FINALS + NO_FINALS
    )
    assert found == [True] * len(FINALS) + [False] * len(NO_FINALS)


FIELDS = {
    "+CSQ: 20,99": ["20", "99"],
    '+CEREG: 2,5,"1A2B","01A2D003",9': ["2", "5", "1A2B", "01A2D003", "9"],
    '+COPS: 0,0,"A, B",9': ["0", "0", "A, B", "9"],
    "+CEREG: 3,3,,,,0,8": ["3", "3", "", "", "", "0", "8"],
    "+CESQ:99 , 99": ["99", "99"],
    "+CFUN: ": [""],
    "": [""],
    '+X: "open, quote': ["open, quote"],
    '+X: "a:b","::1"': ["a:b", "::1"],
}


def test_fields_are_split_outside_quotes(device: Device) -> None:
    [found] = device.run(
        "from utils import at\nshow([at.fields(line) for line in given()])", list(FIELDS)
    )
    assert found == list(FIELDS.values())


def test_number(device: Device) -> None:
    cases = {"0": 0, "99": 99, "-3": -3, "": None, "1A": None, "5.0": None, "x": None,
             "-": None, "--1": None, "1_0": None, " 1": None, "\u0661": None, "9" * 10: 9999999999,
             "9" * 11: None}  # fmt: skip
    [found] = device.run(
        "from utils import at\nshow([at.number(text) for text in given()])", list(cases)
    )
    assert found == list(cases.values())


# 3GPP TS 27.007 10.1.22, and forms that Monarch modems show
REGISTRATIONS = {
    "+CEREG: 0,2": [0, 2, None, None],
    "+CEREG: 1,5": [1, 5, None, None],
    '+CEREG: 2,1,"1A2B","01A2D003",9': [2, 1, None, None],
    "+CEREG: 3,3,,,,0,8": [3, 3, 0, 8],
    '+CEREG: 3,3,"1A2B","01A2D003",9,0,15': [3, 3, 0, 15],
    "+CEREG: 3,3,0,8": [3, 3, 0, 8],
    '+CEREG: 4,1,"1A2B","01A2D003",9,,,"00100001","00000110"': [4, 1, None, None],
    "+CEREG: 5,3,,,,1,22,,": [5, 3, 1, 22],
    "+CEREG: 5": [None, 5, None, None],
    "+CEREG: 2": [None, 2, None, None],
    '+CEREG: 5,"1A2B","01A2D003",9': [None, 5, None, None],
    '+CEREG: 3,"","",9,0,8': [None, 3, 0, 8],
    "+CEREG: ": [None, None, None, None],
    # damaged
    '+CEREG: "1,5': [None, None, None, None],
    "+CEREG: x,5": [None, None, None, None],
    '+CEREG: 1,5"': [None, 1, None, None],
    "+CEREG": [None, None, None, None],
    "+CEREG: ,": [None, None, None, None],
    "+CEREG: 1,-": [None, 1, None, None],
    '+CEREG: 3,3,"1A': [3, 3, None, None],
}


@pytest.mark.parametrize("line", REGISTRATIONS)
def test_registration_is_read_in_every_verbosity(device: Device, line: str) -> None:
    [found] = device.run("from utils import at\nshow(at.registration(given()))", line)
    assert found == REGISTRATIONS[line]


def test_counted_payload(device: Device) -> None:
    cases = {
        "\r\n+SQNSRECV: 1,2\r\n4F4B\r\n\r\nOK\r\n": [["1", "2"], "4F4B\r\n\r\nOK\r\n"],
        '\r\n+SQNSRECV: 1,2,"::1",7\r\n': [["1", "2", "::1", "7"], ""],
        "\r\n+SQNSRECV: 1": None,
        "\r\nERROR\r\n": None,
        "\r\n+SQNSRECVX: 1,2\r\n": None,
    }
    [found] = device.run(
        "from utils import at\nshow([at.counted(text, '+SQNSRECV') for text in given()])",
        list(cases),
    )
    assert found == list(cases.values())


LIMITS = {
    "1.18.2.r7": 124,
    "1.20.0.rc13": 124,
    "1.20.2.r0": 124,
    "1.20.2.r4": 124,
    "1.20.2.r6": 124,
    "1.20.2.r7": 3000,
    "1.20.3.b3": 124,
    "1.20.3.r1": 3000,
}


@pytest.mark.parametrize("release", LIMITS)
def test_line_limit_by_firmware(device: Device, release: str) -> None:
    limits = device.run(
        """
        import uos
        from utils import at

        class Uname:
            release = given()

        uos.uname = Uname
        show(at.line_limit())
        at.line_limit_override = 512
        show(at.line_limit())
        """,
        release,
    )
    assert limits == [LIMITS[release], 512]


# The dialogue, against an LTE object that says what the test wants: [wait in ms, text] in turn
LTE = """
import utime
from utils import at

class Lte:
    def __init__(self, says):
        self.says = list(says)
        self.sent = []
        self.waited = []

    def send_at_cmd(self, command, timeout=9500):
        self.sent.append(command)
        self.waited.append(timeout)
        if self.says:
            wait_ms, text = self.says[0]
            if wait_ms <= timeout:
                self.says.pop(0)
                utime.sleep_ms(wait_ms)
                return text
            self.says[0] = [wait_ms - timeout, text]
        utime.sleep_ms(timeout)
        return ""

def took_ms(action, *args):
    start_us = utime.ticks_cpu()
    result = action(*args)
    return result, utime.ticks_diff(utime.ticks_cpu(), start_us) // 1000
"""
EXCHANGE = (
    LTE
    + SHOW_REPLY
    + """
says, command, timeout_ms, named = given()
lte = Lte(says)
reply, ms = took_ms(at.exchange, lte, command, timeout_ms, named)
show_reply(reply)
show(ms)
show(lte.sent)
"""
)


def exchange(device: Device, says, command="AT+CFUN?", timeout_ms=3000, named=False):
    return device.run(EXCHANGE, [says, command, timeout_ms, named])


def test_exchange_ends_with_the_final_result_code(device: Device) -> None:
    reply, ms, sent = exchange(device, [[20, "\r\n+CFUN: 4" + OK], [5000, "never read"]])
    assert (reply["lines"], reply["ok"], sent) == (["+CFUN: 4"], True, ["AT+CFUN?"])
    assert 20 <= ms < 30


def test_exchange_goes_on_listening_when_a_urc_came_alone(device: Device) -> None:
    """The firmware returns after a second of silence, whatever came before."""
    reply, ms, sent = exchange(
        device, [[1000, "\r\n+CEREG: 2\r\n"], [900, "\r\n+CFUN: 4\r\n"], [100, "\r\nOK\r\n"]]
    )
    assert (reply["lines"], reply["urcs"], reply["ok"]) == (["+CFUN: 4"], ["+CEREG: 2"], True)
    assert sent == ["AT+CFUN?", "Pycom_Dummy", "Pycom_Dummy"]
    assert 2000 <= ms < 2020


PROMPT, SEND = "\r\n> ", "AT+SQNSSENDEXT=1,2"
# What the modem says: text after ms of waiting -> what is sent, and how it ends
HANDED_OVER = {
    "a late prompt": ([[20, PROMPT], [1500, OK]], [SEND, b"hi"], "OK"),
    "a late prompt, and no more": ([[20, PROMPT]], [SEND, b"hi"], None),
    "no prompt yet": ([[101, OK]], [SEND, b"hi"], "OK"),
    "a prompt at once": ([[0, PROMPT]], [SEND], "prompt"),
    "a refusal at once": ([[0, "\r\nERROR\r\n"]], [SEND], "ERROR"),
    "a URC at once": ([[0, "\r\n+CEREG: 5\r\n"], [1500, PROMPT]], [SEND], "prompt"),
}  # fmt: skip


@pytest.mark.parametrize("name", HANDED_OVER)
def test_payload_follows_its_command_unless_the_modem_has_spoken(
    device: Device, name: str
) -> None:
    says, sent, end = HANDED_OVER[name]
    shown = device.run(
        LTE
        + """
lte = Lte(given())
reply = at.hand_over(lte, "AT+SQNSSENDEXT=1,2", b"hi", 2000)
show("prompt" if reply.prompt else reply.final)
show([each for each in lte.sent if each != "Pycom_Dummy"])
""",
        says,
    )
    assert shown == [end, sent]


@pytest.mark.parametrize("timeout_ms", (300, 3000, 12000))
def test_exchange_with_a_mute_modem_ends_at_its_timeout(device: Device, timeout_ms: int) -> None:
    reply, ms, sent = exchange(device, [], timeout_ms=timeout_ms)
    assert reply == EMPTY
    assert timeout_ms - 1 <= ms < timeout_ms + 50  # whole milliseconds
    assert sent[0] == "AT+CFUN?" and set(sent[1:]) <= {"Pycom_Dummy"}


def test_exchange_with_a_babbling_modem_is_bounded_in_time_and_memory(device: Device) -> None:
    text, ms = device.run(
        LTE + "lte = Lte([[500, 'x' * 2000 + '\\r\\n']] * 1000)\n"
        "reply, ms = took_ms(at.exchange, lte, 'AT', 20000)\nshow(len(reply.text))\nshow(ms)"
    )
    assert text <= 8192
    assert 19999 <= ms < 22500


def test_exchange_ends_with_a_prompt_and_with_a_restart(device: Device) -> None:
    reply, ms, _ = exchange(device, [[10, "\r\n> "]], "AT+SQNSSENDEXT=1,5")
    assert reply["prompt"] and ms < 20
    reply, ms, _ = exchange(device, [[10, "\r\n+SYSSTART\r\n"]])
    assert reply["rebooted"] and ms < 20


@pytest.mark.parametrize("late", ("\r\nOK\r\n", "\r\nERROR\r\n\r\nOK\r\n"))
def test_named_exchange_is_not_taken_in_by_a_late_ok(device: Device, late: str) -> None:
    reply, ms, _ = exchange(device, [[10, late], [30, "\r\n+CFUN: 4" + OK]], named=True)
    assert (reply["lines"], reply["ok"]) == (["+CFUN: 4"], True)
    assert ms < 60


def test_named_exchange_without_information_ends_a_second_later(device: Device) -> None:
    reply, ms, _ = exchange(device, [[10, "\r\nOK\r\n"]], named=True, timeout_ms=9500)
    assert (reply["lines"], reply["ok"]) == ([], True)
    assert 1000 <= ms < 1100


def test_exchange_feeds_the_watchdog_while_it_waits(device: Device) -> None:
    shown = device.run(
        LTE
        + """
from machine import WDT
from utils import timing
timing.set_watchdog(WDT(timeout=5000))
show(at.exchange(Lte([]), "AT+CFUN=4", 60000).final)
import machine
machine.deepsleep(1000)
""",
        ends="deepsleep",
    )
    assert shown == [None]


def test_payload_is_handed_over_as_it_is_and_its_reply_has_no_name(device: Device) -> None:
    payload = b"\x00\xff\r\nOK\r\n"
    reply, _, sent = exchange(device, [[10, "\r\n+CSQ: 1,99" + OK]], payload)
    assert sent == [payload]
    assert (reply["lines"], reply["urcs"], reply["ok"]) == ([], ["+CSQ: 1,99"], True)


# Outstanding answers: ([[ms until it comes, text], ...], [(command, timeout in ms), ...], then
# what each call returns: (first line or None, final, busy); the commands sent
COPS = '\r\n+COPS: (2,"A")' + OK
OUTSTANDING = {
    "an answer that comes late": (
        [[4000, COPS], [20, "\r\n+CSQ: 20,99" + OK]],
        [("AT+COPS=?", 1000), ("AT+CSQ", 9000)],
        [[None, None, None], ["+CSQ: 20,99", "OK", None]], ["AT+COPS=?", "AT+CSQ"]),
    "the same command goes on with the wait": (
        [[4000, COPS]], [("AT+COPS=?", 1000), ("AT+COPS=?", 2000), ("AT+COPS=?", 2000)],
        [[None, None, None], [None, None, None], ['+COPS: (2,"A")', "OK", None]], ["AT+COPS=?"]),
    "its text came in two calls": (
        [[500, '\r\n+COPS: (2,"A'], [2000, '")' + OK]],
        [("AT+COPS=?", 1000), ("AT+COPS=?", 4000)],
        [['+COPS: (2,"A', None, None], ['+COPS: (2,"A")', "OK", None]], ["AT+COPS=?"]),
    "the next command is not sent": (
        [[30000, COPS], [20, "\r\n+CSQ: 20,99" + OK]],
        [("AT+COPS=?", 1000), ("AT+CSQ", 3000), ("AT+CSQ", 60000)],
        [[None, None, None], [None, None, "AT+COPS"], ["+CSQ: 20,99", "OK", None]],
        ["AT+COPS=?", "AT+CSQ"]),
    "an ordinary answer is asked for after its bound": (
        [[1500, OK], [20, "\r\n+CMEE: 0" + OK], [20, OK]], [("AT+X", 1000), ("AT+Y", 3000)],
        [[None, None, None], [None, "OK", None]], ["AT+X", "AT+CMEE?", "AT+Y"]),
    "what came is not the answer to that question": (
        [[1500, "\r\n354340987654326" + OK], [20, OK], [2000, "\r\n+CCLK: \"70\"" + OK],
         [20, "\r\nERROR\r\n"]],
        [("AT+CGSN", 1000), ("AT+Y", 9000)],
        [[None, None, None], [None, "ERROR", None]],
        ["AT+CGSN", "AT+CMEE?", "AT+CCLK?", "AT+Y"]),
    "a restart ends it": (
        [[2000, "\r\n+SYSSTART\r\n"], [20, OK]],
        [("AT+COPS=?", 1000), ("AT+X", 9000), ("AT+X", 9000)],
        [[None, None, None], [None, None, None], [None, "OK", None]], ["AT+COPS=?", "AT+X"]),
    "a prompt that comes late is filled": (
        [[3000, "\r\n> "], [20, OK], [3000, "\r\n+CCLK: 1" + OK], [20, "\r\n+CSQ: 20,99" + OK]],
        [("AT+SQNSSENDEXT=1,3", 1000), ("AT+CSQ", 9000)],
        [[None, None, None], ["+CSQ: 20,99", "OK", None]],
        ["AT+SQNSSENDEXT=1,3", b"      ", "AT+CMEE?", "AT+CCLK?", "AT+CSQ"]),
    "a prompt that comes to a query is filled": (
        [[4000, "\r\n> "], [20, OK], [3000, "\r\n+CCLK: 1" + OK], [20, "\r\n+CSQ: 20,99" + OK]],
        [("AT+SQNSSENDEXT=1,3", 1000), ("AT+CSQ", 9000)],
        [[None, None, None], ["+CSQ: 20,99", "OK", None]],
        ["AT+SQNSSENDEXT=1,3", b"      ", "AT+CMEE?", b"      ", "AT+CCLK?", "AT+CSQ"]),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTSTANDING)
def test_an_outstanding_answer(device: Device, name: str) -> None:
    says, calls, expected, sent = OUTSTANDING[name]
    shown, really = device.run(
        LTE
        + """
says, calls = given()
lte = Lte(says)
found = []
for command, timeout_ms in calls:
    reply = at.exchange(lte, command, timeout_ms)
    found.append([reply.lines[0] if reply.lines else None, reply.final, reply.busy])
show(found)
show([command for command in lte.sent if command != "Pycom_Dummy"])
""",
        [says, calls],
    )
    assert (shown, really) == (expected, sent)


def test_urcs_heard_while_an_answer_is_outstanding_are_not_lost(device: Device) -> None:
    [urcs] = device.run(
        LTE
        + """
lte = Lte(given())
first = at.exchange(lte, "AT+COPS=?", 1000)
second = at.exchange(lte, "AT+X", 9000)
show([first.urcs, second.urcs])
""",
        [
            [500, "\r\n+CEREG: 2\r\n"],
            [2000, "\r\n+CEREG: 5\r\n"],
            [50, COPS],
            [20, "\r\n+CTZV: 1\r\n" + OK],
        ],
    )
    assert urcs == [["+CEREG: 2"], ["+CEREG: 5", "+CTZV: 1"]]


def test_an_outstanding_answer_is_that_of_its_modem(device: Device) -> None:
    [final] = device.run(
        LTE
        + 'at.exchange(Lte([]), "AT+COPS=?", 100)\n'
        + 'show(at.exchange(Lte([[10, "\\r\\nOK\\r\\n"]]), "AT").final)'
    )
    assert final == "OK"


@pytest.mark.parametrize("line", ["A" * 125, b"A" * 125, "A" * 63 + "\u00e9" * 31])
def test_a_line_that_the_firmware_cannot_take_is_never_sent(device: Device, line) -> None:
    error, sent = device.run(
        LTE + "lte = Lte([])\nshow(raised(at.exchange, lte, given()))\nshow(lte.sent)", line
    )
    assert error == ["ValueError", "length of command = 125; allowed: up to 124 bytes"]
    assert sent == []


def test_a_firmware_without_the_timeout_keyword_is_served(device: Device) -> None:
    """Before 1.20.2.r2."""
    shown = device.run(
        """
        from utils import at

        class Lte:
            def send_at_cmd(self, command):
                return "\\r\\n+CFUN: 4\\r\\n\\r\\nOK\\r\\n"

        show(at.exchange(Lte(), "AT+CFUN?").lines)
        """
    )
    assert shown == [["+CFUN: 4"]]


def test_listen_hears_what_the_modem_says_by_itself(device: Device) -> None:
    reply, sent, waited = device.run(
        LTE
        + SHOW_REPLY
        + """
lte = Lte([[700, "\\r\\n+SQNSRING: 1,5\\r\\n"]])
show_reply(at.listen(lte, 2000))
show(lte.sent)
at.listen(lte, 0)
show(lte.waited)
"""
    )
    assert reply["urcs"] == ["+SQNSRING: 1,5"]
    assert sent == ["Pycom_Dummy"]
    assert waited == [2000, 1]  # 0 would wait for ever


# Every reply that device code reads, to be cut at every byte
CUT = {
    "state": ("AT+CFUN?;+CPIN?", "\r\n+CFUN: 4\r\n\r\n+CPIN: READY" + OK),
    "no SIM": ("AT+CFUN?;+CPIN?", "\r\n+CFUN: 4\r\n\r\n+CME ERROR: 10\r\n"),
    "no SIM in words": ("AT+CFUN?;+CPIN?", "\r\n+CFUN: 4\r\n\r\n+CME ERROR: SIM not inserted\r\n"),
    "radio on": ("AT+CFUN=1;+CFUN?", "\r\n+CFUN: 1" + OK),
    "registration": ("AT+CEREG?", '\r\n+CEREG: 2,5,"1A2B","01A2D003",9' + OK),
    "denial": ("AT+CEREG?", "\r\n+CEREG: 3,3,,,,0,15" + OK),
    "signal": ("AT+CSQ;+CESQ", "\r\n+CSQ: 20,99\r\n\r\n+CESQ: 99,99,255,255,21,49" + OK),
    "context": ('AT+CGDCONT=1,"IP","iot"', "\r\nOK\r\n"),
    "refusal": ('AT+CGDCONT=1,"IP","iot"', "\r\nERROR\r\n"),
    "counters": ("AT+SQNSI=1", "\r\n+SQNSI: 1,10,20,5,0" + OK),
    "data": ("AT+SQNSRECV=1,512", "\r\n+SQNSRECV: 1,2\r\n4F4B" + OK),
    "name": ('AT+SQNDNSLKUP="a.b",1', '\r\n+SQNDNSLKUP: "a.b","2001:db8::1"' + OK),
    "dial": ('AT+SQNSD=1,1,7,"::1",0,0,1,0', "\r\nOK\r\n"),
    "URC inside": ("AT+CSQ", '\r\n+CEREG: 5,"1A2B","01A2D003",9\r\n\r\n+CSQ: 20,99' + OK),
}


@pytest.mark.parametrize("name", CUT)
def test_a_reply_cut_anywhere_reads_as_the_whole(device: Device, name: str) -> None:
    """The firmware hands over what it has after a second of silence."""
    command, text = CUT[name]
    whole, cuts = device.run(
        LTE
        + """
command, text = given()

def read(says):
    named = command[-1] == "?"
    reply = at.exchange(Lte(says), command, 3000, named)
    return reply.lines, reply.urcs, reply.final, reply.prompt, reply.text.strip()

show(read([[10, text]]))
show([read([[10, text[:cut]], [10, text[cut:]]]) for cut in range(1, len(text))])
""",
        [command, text],
    )
    wrong = {text[: cut + 1]: found for cut, found in enumerate(cuts) if found != whole}
    assert not wrong


ANSWERS = sorted({text for _, text, _ in REPLIES.values()} | {text for _, text in CUT.values()}
                 | {f"\r\n{line}" + OK for line in REGISTRATIONS})  # fmt: skip
SIGNS = '+^:,"-0159AF \r\n> \u00df'


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """An answer of a modem in which some characters are lost, doubled or others."""
    text = draw(st.sampled_from(ANSWERS))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.text(SIGNS, max_size=2)) + text[at + draw(st.integers(0, 3)) :]
    return text


ANY = st.one_of(
    damaged(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=60),
    st.text(SIGNS, max_size=60),
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(ANY, min_size=60, max_size=80))
@example(texts=['\r\n+CEREG: "1,5' + OK, "\r\n+SQNSRECV: 1,-9\r\n4F4B" + OK])
def test_no_text_whatever_raises(device: Device, texts: list[str]) -> None:
    """All that takes an answer of the modem apart, wherever it stands."""
    commands = ["AT+CEREG?;+CGSN", "AT+CSQ;+CESQ", 'AT!="x"', "", "AT+CFUN?;+CPIN?"]
    [count] = device.run(
        """
        import microATreceive
        from networking import _nbiot_attach, _nbiot_levels
        from utils import at, device_info

        class Socket:
            rung = hex = 0
            peer = "192.0.2.1", 7

            def say(self, *_):
                return at.Reply(text, "AT+SQNSRECV=1,512")

        texts, commands = given()
        count = 0
        for text in texts:
            for command in commands:
                reply = at.Reply(text, command)
                assert len(reply.lines) + len(reply.urcs) <= len(text)
                assert reply.ok == (reply.final == "OK")
                assert reply.final is None or at.is_final(reply.final)
                for line in reply.lines + reply.urcs:
                    assert len(at.registration(line)) == 4
                    assert len(at.fields(line)) >= 1
                assert len(_nbiot_levels.read(reply.lines)) == 3
                _nbiot_attach._sim_trouble(reply)
                _nbiot_attach._is_radio_on(reply)
                device_info._id(reply, 15, 15)
                device_info._version(reply, "UE")
            data, sender = microATreceive._read(Socket(), 512)
            assert data is None or sender
            count += 1
        show(count)
        """,
        [texts, commands],
    )
    assert count == len(texts)
