"""nbiot.connect and deactivate when single answers of the modem go wrong.

Each command of the dialogue in turn meets each trouble: what is claimed must be true, what is
said must be one of the documented words, and it must be said in time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_links(every=6)

MakeDevice = Callable[..., Device]
CAUSES = {
    "connected", "attached", "no_modem", "modem_mute", "modem_error", "modem_rebooted",
    "sim_missing", "sim_locked", "band_refused", "context_refused", "activation_refused",
    "registration_denied", "attach_timeout", "data_state_needs_ipv4", "data_state_refused",
    "data_state_timeout",
}  # fmt: skip
ATTACH_S, CONNECT_S = 20, 10
PROGRAM = f"""
import utime
from networking import nbiot

data_state, fields = given()
settings = configured(_MAX_ATTACHMENT_ATTEMPT_TIME_SEC={ATTACH_S},
                      _MAX_CONNECTION_ATTEMPT_TIME_SEC={CONNECT_S}, **fields)
start_us = utime.ticks_cpu()
show(nbiot.connect(settings, data_state))
show((utime.ticks_cpu() - start_us) // 1000)
show(outcome())
start_us = utime.ticks_cpu()
show(nbiot.deactivate())
show((utime.ticks_cpu() - start_us) // 1000)
"""
# What the firmware itself needs for LTE() and for connect(), at worst, when the modem is silent
FIRMWARE_MS = 40_000


class Run:
    def __init__(
        self,
        make_device: MakeDevice,
        scenario: dict[str, Any],
        data_state: bool = False,
        fields: dict[str, Any] | None = None,
        firmware: str = "1.20.2.r4",
    ) -> None:
        self.device = device = make_device(scenario, firmware=firmware)
        self.was_registered = False
        device.modem.emm.listeners.append(self._registration)
        shown = device.run(PROGRAM, [data_state, fields or {}])
        self.result, self.took_ms, self.last, self.deactivated, self.off_ms = shown
        self.cause = self.last["cause"]

    def _registration(self) -> None:
        self.was_registered = self.was_registered or self.device.modem.registered

    def times(self, command: str) -> int:
        """How often it was sent."""
        return sum(line.startswith(command) for line in self.device.commands)

    def check(self) -> None:
        """What holds whatever happened."""
        status, activation, attachment, connection, *signal = self.result
        assert self.cause in CAUSES
        assert status in (-1, 0, 1, 2)
        assert (activation >= 0, attachment >= 0, connection >= 0) == (
            status >= 0, status >= 1, status == 2,
        )  # fmt: skip
        assert (status == 2) == (self.cause == "connected")
        assert status == 1 or self.cause != "attached"
        if status >= 1:
            assert self.was_registered
        assert self.took_ms <= 1000 * (ATTACH_S + CONNECT_S) + FIRMWARE_MS
        assert self.off_ms <= 90_000
        for value, low, high in zip(signal, (-113, -141, -20), (-51, -44, -3), strict=True):
            assert value == -1 or low <= value <= high


def scenario(*faults: dict[str, Any], like: str = "good", **sections: Any) -> dict[str, Any]:
    table: dict[str, Any] = {"like": like, **sections}
    table["fault"] = [{"point": "command", **fault} for fault in faults]
    return table


# commands of ours, as they begin; then those of the firmware's start and of its data state
OURS = ("AT+CFUN?;+CPIN?", "AT+CGDCONT=", "AT+CFUN=1", "AT+CEREG?", "AT+CFUN=4")
START = ("ATE0", "AT+CPSMS", "AT+CEREG=", "AT+CFUN?", "AT+CPIN?", "AT!=", "AT+SQNIBRCFG",
         "AT+SQNCTM?", "AT+CFUN=4")  # fmt: skip
DATA = ("ATI1", "AT+CGATT?", "ATO", "AT+CGDATA", "AT+CEREG?", "AT+CFUN?")
BANDS = ('AT!="clearscanconfig"', 'AT!="RRC::addScanBand')


@pytest.mark.lte_link("the firmware's own commands")
def test_the_commands_listed_here_are_those_that_are_sent(make_device: MakeDevice) -> None:
    run = Run(make_device, scenario(), True, {"_BAND": 20})
    for begin in OURS + START + DATA + BANDS:
        assert any(line.startswith(begin) for line in run.device.commands), begin
    for line in run.device.commands:
        known = START + OURS + DATA + BANDS + ("ATH", "AT+SQNIPSCFG=")
        assert line in ("+++", "AT") or line.startswith(known), line


# A reply with URCs around and inside it reads as the reply alone

URCS = (
    '+CEREG: 2,"1A2B","01A2D003",9',
    "+CEREG: 4",
    '+CEDRXP: 5,"0010","0010","0011"',
    "+CTZV: \"+04\"",
    "+SQNSRING: 1,5",
    "+SQNSH: 1",
    "+CPINR: OK",
)  # fmt: skip
PLACES = ("before", "between", "after")
# the signal does not depend on the second at which it is read
STEADY = {"rsrp_dbm": -92.0, "rsrq_db": -9.5, "rssi_dbm": -73.0}
_plain: dict[str, Run] = {}


def plain_run(make_device: MakeDevice, link: str) -> Run:
    """Without a URC, once for all."""
    if link not in _plain:
        _plain[link] = Run(make_device, scenario(radio=STEADY))
    return _plain[link]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", OURS)
def test_urcs_around_a_reply_change_nothing(
    make_device: MakeDevice, link: str, command: str, place: str
) -> None:
    plain = plain_run(make_device, link)
    for urc in URCS:
        fault = {"match": command, "do": "urc", "where": place, "text": urc}
        run = Run(make_device, scenario(fault, radio=STEADY))
        assert run.result[0] == 1 and run.cause == "attached", urc
        assert run.result[4:] == plain.result[4:], urc
        assert run.took_ms <= plain.took_ms + 3000, urc
        assert run.deactivated[0] is True and run.device.modem_rests(), urc


@pytest.mark.parametrize("firmware", ("1.20.2.r4", "1.20.2.r7"))
@pytest.mark.parametrize("data_state", (False, True))
def test_all_urcs_around_all_replies(
    make_device: MakeDevice, data_state: bool, firmware: str
) -> None:
    faults = [
        {"match": "", "do": "urc", "where": place, "text": urc}
        for urc in URCS[2:]
        for place in PLACES
    ]
    run = Run(make_device, scenario(*faults), data_state, firmware=firmware)
    assert run.cause == ("connected" if data_state else "attached")
    assert run.deactivated[0] is True and run.device.modem_rests()


@pytest.mark.parametrize("urc", ("+CEREG: 1", "+CEREG: 5", '+CEREG: 1,"1A2B","01A2D003",9'))
def test_a_urc_alone_is_no_registration(make_device: MakeDevice, urc: str) -> None:
    """What is asked for decides; the URC may be older than the answer."""
    faults = [{"match": "AT+CEREG?", "do": "urc", "where": place, "text": urc} for place in PLACES]
    run = Run(make_device, scenario(*faults, like="no_cell"))
    assert (run.result[0], run.cause) == (0, "attach_timeout")


# Replies that come in pieces


@pytest.mark.parametrize(
    "size, gap_ms",
    [(size, gap_ms) for size in (1, 2, 3, 5, 8, 13, 21) for gap_ms in (1, 5, 24, 28)]
    + [(8, 60), (13, 90), (21, 120), (34, 200)],
)
def test_replies_in_pieces_read_as_whole_ones(
    make_device: MakeDevice, size: int, gap_ms: int
) -> None:
    """26 ms end a read of the firmware, 1 s of silence its reply. (Pieces so slow that the
    firmware's own start, which waits 300 ms for a first byte, goes wrong are tested below.)"""
    chunks = {"chunk_bytes": size, "chunk_gap_ms": float(gap_ms)}
    run = Run(make_device, scenario(modem=chunks, radio={"attach_ms": 2500}))
    run.check()
    assert run.cause == "attached"
    assert all(level < -1 for level in run.result[4:])


@pytest.mark.parametrize("gap_ms", (300, 900, 1200))
@pytest.mark.parametrize("size", (13, 21, 34))
def test_replies_in_slow_pieces_end_in_a_result(
    make_device: MakeDevice, size: int, gap_ms: int
) -> None:
    """Longer pauses than the firmware waits for: answers run late, one into the next."""
    chunks = {"chunk_bytes": size, "chunk_gap_ms": float(gap_ms)}
    Run(make_device, scenario(modem=chunks)).check()


@pytest.mark.parametrize("command", OURS)
def test_a_reply_that_lost_bytes_anywhere(make_device: MakeDevice, command: str) -> None:
    """Once, at either end: the worst is a wait, or a signal figure that stays unknown."""
    for end in ("first", "last"):
        for count in range(1, 24, 3):
            run = Run(make_device, scenario({"match": command, "do": "cut", end: count,
                                             "nth": 1}))  # fmt: skip
            run.check()


# Every trouble at every step

TROUBLE: dict[str, dict[str, Any]] = {
    "ERROR": {"do": "error"},
    "CME": {"do": "error", "cme": 3},
    "silence": {"do": "mute"},
    "mute for 5 s": {"do": "mute", "for_ms": 5000},
    "mute for ever": {"do": "mute", "forever": True},
    "mute for ever, answered": {"do": "mute", "forever": True, "delay_ms": 100},
    "late": {"do": "late", "late_ms": 8000},
    "a little late": {"do": "late", "late_ms": 1500},
    "final late": {"do": "late", "late_ms": 8000, "part": "final"},
    "final missing": {"do": "missing_ok"},
    "information missing": {"do": "no_info"},
    "garbage": {"do": "garbage"},
    "garbage without NUL": {"do": "garbage", "text": "\xff\xfe#"},
    "garbage like a name": {"do": "garbage", "text": "\r\n+CEREG\r\n+CSQ: \r\n+CESQ: 1\r\n"},
    "cut": {"do": "cut", "first": 3, "last": 3},
    "glued to the next": {"do": "glued"},
    "crash": {"do": "crash"},
    "crash, answered": {"do": "crash", "delay_ms": 60},
    "crash a second later": {"do": "crash", "delay_ms": 1000},
}
FOREVER = ("mute for ever", "mute for ever, answered")
# The firmware's own commands look for one text in what comes: to them these are others of the list
ALIKE = ("CME", "mute for 5 s", "garbage like a name", "cut")
TO_THE_FIRMWARE = [name for name in TROUBLE if name not in ALIKE]
STEPS = [(command, trouble) for command in OURS for trouble in TROUBLE]
STEPS += [(command, trouble) for command in START if command not in OURS
          for trouble in TO_THE_FIRMWARE]  # fmt: skip


@pytest.mark.parametrize("command, trouble", STEPS)
def test_trouble_at_a_step_of_attaching(
    make_device: MakeDevice, command: str, trouble: str
) -> None:
    sent = 2
    for nth in (1, 2, 0) if command in OURS else (1,):
        if sent < 2 or (trouble in FOREVER and nth == 0):
            continue  # the same as the first time
        fault = {"match": command, "nth": nth, **TROUBLE[trouble]}
        run = Run(make_device, scenario(fault))
        run.check()
        sent = run.times(command) if nth == 1 else sent
        if nth and trouble not in FOREVER and command != "AT!=":  # the last word, at its end
            assert run.device.modem_rests(), nth


@pytest.mark.parametrize("trouble", TO_THE_FIRMWARE)
@pytest.mark.parametrize("command", DATA)
@pytest.mark.lte_link("data state")
def test_trouble_at_a_step_of_data_state(
    make_device: MakeDevice, command: str, trouble: str
) -> None:
    Run(make_device, scenario({"match": command, "nth": 1, **TROUBLE[trouble]}), True).check()


@pytest.mark.parametrize("trouble", ("ERROR", "silence", "late", "final missing", "crash",
                                     "mute for ever"))  # fmt: skip
@pytest.mark.parametrize("command", BANDS)
def test_trouble_at_setting_the_bands(make_device: MakeDevice, command: str, trouble: str) -> None:
    run = Run(make_device, scenario({"match": command, **TROUBLE[trouble]}), False, {"_BAND": 20})
    run.check()
    if trouble == "ERROR":
        assert run.cause == "band_refused"


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("command", ("AT+CEREG=3", "AT+CEREG?", "AT+CEREG=1"))
def test_trouble_at_asking_for_the_reject_cause(
    make_device: MakeDevice, command: str, trouble: str
) -> None:
    sent = 2
    for nth in (1, 2):
        if sent < nth:
            continue
        fault = {"match": command, "nth": nth, **TROUBLE[trouble]}
        run = Run(make_device, scenario(fault, like="denied"))
        run.check()
        assert run.result[0] <= 0
        sent = run.times(command)


CERTAIN = {  # (command, trouble): status and cause
    ("AT+CGDCONT=", "ERROR"): (-1, "context_refused"),
    ("AT+CGDCONT=", "CME"): (-1, "context_refused"),
    ("AT+CGDCONT=", "silence"): (-1, "modem_mute"),
    ("AT+CFUN=1", "ERROR"): (-1, "activation_refused"),
    ("AT+CFUN=1", "silence"): (-1, "modem_mute"),
    ("AT+CFUN=1", "information missing"): (-1, "activation_refused"),
    ("AT+CFUN=1", "crash"): (-1, "modem_rebooted"),
    ("AT+CFUN=1", "crash a second later"): (0, "modem_rebooted"),
    ("AT+CFUN?;+CPIN?", "mute for ever"): (-1, "modem_mute"),
    ("AT+CFUN?;+CPIN?", "crash"): (-1, "modem_rebooted"),
    ("AT+CEREG?", "mute for ever"): (0, "modem_mute"),
    ("AT+CEREG?", "ERROR"): (0, "attach_timeout"),
    ("AT+CEREG?", "information missing"): (0, "attach_timeout"),
    ("AT+CEREG?", "silence"): (0, "modem_mute"),
    ("AT+CEREG?", "final missing"): (1, "attached"),
    ("AT+CEREG?", "garbage without NUL"): (1, "attached"),
}


@pytest.mark.parametrize("command, trouble", CERTAIN)
def test_cause_of_a_certain_trouble(make_device: MakeDevice, command: str, trouble: str) -> None:
    run = Run(make_device, scenario({"match": command, **TROUBLE[trouble]}))
    assert (run.result[0], run.cause) == CERTAIN[command, trouble]


@pytest.mark.parametrize("code, cause", ((10, "sim_missing"), (11, "sim_locked"),
                                         (12, "sim_locked")))  # fmt: skip
@pytest.mark.parametrize("form", (1, 2))
def test_a_stated_sim_error_ends_early(
    make_device: MakeDevice, code: int, cause: str, form: int
) -> None:
    fault = {"match": "AT+CFUN?;+CPIN?", "do": "error", "cme": code}
    run = Run(make_device, scenario(fault, modem={"cmee": form}))
    assert (run.result[0], run.cause) == (-1, cause)
    assert dict(map(tuple, run.last["phases"]))["prepare"] < 1500  # no card is waited for
    assert run.device.radio_on_ms == 0


def test_a_restart_between_two_polls_is_noticed(make_device: MakeDevice) -> None:
    """Its +SYSSTART comes while nobody listens, and the next command drops it."""
    fault = {"match": "AT+CEREG?", "nth": 1, "do": "crash", "delay_ms": 60}
    run = Run(make_device, scenario(fault, modem={"boot_ms": 200}, radio={"attach_ms": 9000}))
    assert (run.result[0], run.cause) == (0, "modem_rebooted")
    assert run.took_ms < 10_000
    assert run.deactivated[0] is True and run.device.modem_rests()


@pytest.mark.parametrize("level", (0, 1))
def test_a_radio_that_never_goes_off_ends_the_attempt(make_device: MakeDevice, level: int) -> None:
    """AT+CFUN=4 says OK each time, AT+CFUN? another thing."""
    fault = {"match": "AT+CFUN?;+CPIN?", "do": "garbage", "text": f"\r\n+CFUN: {level}\r\n"}
    run = Run(make_device, scenario(fault))
    run.check()
    assert (run.result[0], run.cause) == (-1, "modem_error")
    assert run.took_ms < 15_000


@pytest.mark.lte_link("LTE is deleted")
def test_no_lte_class_on_this_board(make_device: MakeDevice) -> None:
    device = make_device(modem_on_boot=False)
    result, last, deactivated = device.run(
        """
        import network
        del network.LTE
        from networking import nbiot
        show(nbiot.connect(configured()))
        show(outcome())
        show(nbiot.deactivate())
        """
    )
    assert result == [-1] * 7
    assert last["cause"] == "no_modem"
    assert deactivated[0] is True and deactivated[1] < 5


@pytest.mark.parametrize("at_s", [0.5 + 0.5 * step for step in range(24)])
def test_a_crash_at_any_time(make_device: MakeDevice, link: str, at_s: float) -> None:
    """Boot, start of the modem, attaching, data state, switching off."""
    table: dict[str, Any] = {
        "fault": [{"point": "time", "do": "crash", "at_ms": round(1000 * at_s)}]
    }
    run = Run(make_device, table, link == "lte")
    run.check()
    assert run.device.cycle is not None
    if 1000 * at_s < run.device.cycle.awake_ms:  # later nobody is there who could switch it off
        assert run.device.modem_rests()


@pytest.mark.parametrize("at_s", [0.5 + 0.5 * step for step in range(24)])
def test_falling_mute_at_any_time(make_device: MakeDevice, link: str, at_s: float) -> None:
    at_ms = round(1000 * at_s)
    table = {"fault": [{"point": "time", "do": "mute", "forever": True, "at_ms": at_ms}]}
    Run(make_device, table, link == "lte").check()
