"""imei(), iccid(), time() and psm() of the driver: one question, one line picked apart.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modlte.c (lte_imei, lte_iccid, lte_time, lte_psm).
"""

from __future__ import annotations

import re

from emulator.board.board import UndefinedBehaviour, fail
from emulator.driver.session import Session, as_str

PYCOM_TAC = "35434"  # an IMEI that does not hold these digits is not recognised
_PSM = re.compile(r'\+CPSMS: (\d),[^,\r]*,[^,\r]*,"([01]{3})([01]{5})","([01]{3})([01]{5})"')
_CLOCK = re.compile(r'\+CCLK:[^"\r]*"([^"\r]*)"')
_CCID = re.compile(r'SQNCCID:[^"]*"([^"]*)"')


def _ask(session: Session, command: bytes) -> str:
    session.at(command)
    return as_str(session.answer.text)


def imei(session: Session) -> str | None:
    text = _ask(session, b"AT+CGSN")
    start = text.find(PYCOM_TAC)
    return text[start : start + 15] if start >= 0 and len(text) - start > 20 else None


def time(session: Session) -> str | None:
    """'yy/mm/dd,hh:mm:ss+zz', zz in quarters of an hour."""
    found = _CLOCK.search(_ask(session, b"AT+CCLK?"))
    return found.group(1) if found else None


def iccid(session: Session) -> str | None:
    if not session.sim_present():
        raise OSError("SIM card not found!")
    text = _ask(session, b"AT+SQNCCID?")
    found = _CCID.search(text)
    return found.group(1) if found and len(text) - found.start() > 25 else None


def psm(session: Session) -> list[bool | int]:
    """[enabled, period_value, period_unit, active_value, active_unit]"""
    text = _ask(session, b"AT+CPSMS?")
    if "+CPSMS: " not in text:
        raise OSError("Failed to read PSM setting")
    found = _PSM.search(text)
    if found is None:
        raise fail(
            session.board,
            UndefinedBehaviour(f"LTE.psm() follows a NULL pointer in the answer {text!r}"),
        )
    mode, *fields = found.groups()
    period_unit, period_value, active_unit, active_value = (int(bits, 2) for bits in fields)
    return [mode == "1", period_value, period_unit, active_value, active_unit]
