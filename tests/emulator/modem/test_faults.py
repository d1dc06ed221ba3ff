"""Faults: what a scenario does to answers, and to the modem as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.scenario import from_table
from tests.emulator.modem.bare_modem import ERROR, OK, READY, Rig, info

CFUN = info("+CFUN: 4")


def struck(do: str, **options: Any) -> Rig:
    """A modem whose first AT+CFUN? meets this fault."""
    fault = {"point": "command", "match": "AT+CFUN?", "nth": 1, "do": do, **options}
    return Rig({"modem": {"boot_ms": 3000}, "fault": [fault]})


@pytest.mark.parametrize(
    ("do", "options", "said", "after"),
    [
        ("mute", {}, "", CFUN),
        ("late", {"late_ms": 800}, CFUN, CFUN),
        ("cut", {"first": 3}, CFUN[3:], CFUN),
        ("cut", {"last": 4}, CFUN[:-4], CFUN),
        ("cut", {"first": 2, "last": 2}, CFUN[2:-2], CFUN),
        ("error", {}, ERROR, CFUN),
        ("error", {"cme": 30}, ERROR, CFUN),
        ("garbage", {"text": "\u00ff~"}, "\u00ff~" + CFUN, CFUN),
        ("urc", {"text": "+X: 1"}, "\r\n+X: 1\r\n" + CFUN, CFUN),
        ("urc", {"text": "+X: 1", "where": "between"}, "\r\n+CFUN: 4\r\n\r\n+X: 1\r\n" + OK, CFUN),
        ("urc", {"text": "+X: 1", "where": "after"}, CFUN + "\r\n+X: 1\r\n", CFUN),
        ("missing_ok", {}, "\r\n+CFUN: 4\r\n", CFUN),
        ("no_info", {}, OK, CFUN),
        ("glued", {}, "", CFUN + CFUN),
        ("mute", {"for_ms": 900}, "", CFUN),
        ("mute", {"forever": True}, "", ""),
        ("crash", {"file": "a.c@1"}, "\r\n^EXIT: File: a.c@1\r\n", ""),
    ],
)
def test_fault_at_a_command(do: str, options: dict[str, Any], said: str, after: str) -> None:
    rig = struck(do, **options)
    assert rig.ask("AT+CFUN?", 1500) == said
    assert rig.ask("AT+CFUN?", 400) == after
    assert [entry.text.split()[0] for entry in rig.board.trace.of("fault")] == [do]


def test_late_final_code_leaves_the_information_early() -> None:
    rig = struck("late", late_ms=8000, part="final")
    assert rig.ask("AT+CFUN?", 7000) == "\r\n+CFUN: 4\r\n"
    assert rig.pass_ms(1500).decode() == OK


def test_mute_modem_neither_hears_nor_speaks_until_it_is_over() -> None:
    rig = Rig(
        {**READY, "fault": [{"point": "time", "at_ms": 2000, "do": "mute", "for_ms": 20_000}]}
    )
    rig.ask("AT+CFUN=1", 1500)
    assert rig.ask("AT+CFUN=0", 15_000) == ""
    rig.pass_ms(6000)
    assert rig.ask("AT+CFUN?;+CEREG?") == "\r\n+CFUN: 1\r\n" + info("+CEREG: 1,1")


def test_mute_scenarios() -> None:
    assert Rig("modem_mute").ask("AT", 10_000) == ""
    rig = Rig("modem_mute_in_attach")
    assert rig.ask("AT+CFUN=1", 2000).startswith(OK)
    assert rig.ask("AT", 60_000) == ""


def test_crash_scenario() -> None:
    rig = Rig("modem_crash")
    said = rig.ask("AT+CFUN=1", 15_000)
    assert "^EXIT: File: " in said and said.endswith("\r\n+SYSSTART\r\n")
    assert rig.ask("AT+CFUN=1").startswith("AT+CFUN=1\r" + OK)
    assert "+CEREG: 1" in rig.pass_ms(30_000).decode()


def test_urc_storm_never_tears_an_answer() -> None:
    rig = Rig("urc_storm")
    said = rig.ask("ATI;+CFUN?")
    lines = [line for line in said.split("\r\n") if line]
    assert lines == [
        '+CEDRXP: 5,"0010","0010","0011"',
        "PYCOM",
        "GPy",
        "UE6.0.0.0-ER0",
        "+CFUN: 4",
        '+CTZE: "+04",0',
        "OK",
        "+SQNSIMST: 1",
    ]
    assert rig.pass_ms(4000).decode().count("\r\n") >= 4


def test_urc_at_a_time() -> None:
    rig = Rig({"fault": [{"point": "time", "at_ms": 3000, "do": "urc", "text": "+CEREG: 4"}]})
    assert rig.until("+CEREG: 4") == "\r\n+CEREG: 4\r\n"
    assert rig.now_ms == pytest.approx(3000, abs=1)


def test_cme_error_scenario() -> None:
    assert Rig("cme_errors").ask("AT+COPS?") == "\r\n+CME ERROR: 3\r\n"


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({"point": "command", "do": "explode"}, "explode"),
        ({"point": "command", "do": "cut", "middle": 3}, "middle"),
        ({"point": "command", "do": "urc"}, "text"),
        ({"point": "command", "do": "urc", "text": "x", "where": "inside"}, "inside"),
        ({"point": "command", "do": "late", "part": "info"}, "info"),
        ({"point": "time", "do": "crash", "at_ms": 1, "match": "AT"}, "match"),
        ({"point": "time", "do": "urc", "at_ms": 1}, "text"),
        ({"point": "time", "do": "mute", "for_ms": "long"}, "for_ms = 'long'"),
        ({"point": "nowhere", "do": "mute"}, "nowhere"),
        ({"point": "time", "do": ""}, "a word is needed"),
        ({"point": "time", "do": "mute", "at_ms": -1}, "at_ms = -1; allowed: 0 or more"),
        ({"point": "command", "do": "mute", "nth": -1}, "nth = -1"),
        ({"point": "time", "do": "explode"}, "explode.*ap_gone"),
        ({"point": "file", "do": "nack"}, "nack.*file.*fail, full, power_cut"),
        ({"point": "file", "do": "fail", "errno": "EIO"}, "errno = 'EIO'"),
        ({"point": "nvs", "do": "power_cut", "when": "in"}, "when = 'in'.*before, during, after"),
        ({"point": "i2c", "do": "nack", "times": 2}, "times"),
    ],
)
def test_senseless_faults_are_refused_by_name(table: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        from_table({"fault": [table]})
