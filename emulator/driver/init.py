"""What LTE() and init() do beside taking up the link.

`psm` is [period_value, period_unit, active_value, active_unit] as the arguments are named.
Source: Pycom firmware 1.20.2.r4, esp32/mods/modlte.c (lte_make_new, lte_init_helper).
"""

from __future__ import annotations

from emulator.driver.session import IDLE, Session
from emulator.driver.start import SHORT_MS

PSM_DISABLED = 7
NO_RESOURCE = "resource not available"


def check_new(keywords: bool, identity: int, psm: list[int]) -> None:
    """The constructor's checks; init() makes none of them."""
    if keywords and identity != 0:
        raise OSError(NO_RESOURCE)
    period_value, period_unit, active_value, active_unit = (number & 0xFF for number in psm)
    if period_unit > 7:
        raise OSError("Invalid psm_period_unit")
    if period_value > 31:
        raise OSError("Invalid psm_period_value")
    if active_unit not in (0, 1, 2, PSM_DISABLED):
        raise OSError("Invalid psm_active_unit")
    if active_value > 31:
        raise OSError("Invalid psm_active_value")


def configure(
    session: Session, carrier: str | None, cid: int, legacyattach: bool, psm: list[int]
) -> None:
    session.cid = cid
    session.at(b"AT+CFUN?", SHORT_MS)
    if b"+CFUN: 0" in session.answer.text or b"+CFUN: 4" in session.answer.text:
        # with the radio on, carrier and legacyattach are ignored
        _check_carrier(session, carrier)
        session.legacy_attach = legacyattach
        _set_carrier(session, carrier)
        session.at(b"AT+CFUN=4")
        session.at(b"AT")
        session.at(b"AT")
    session.state = IDLE
    session.nic_registered = True
    session.init = True
    period_value, period_unit, active_value, active_unit = (number & 0xFF for number in psm)
    if PSM_DISABLED not in (period_unit, active_unit):
        period = period_unit << 5 & 0xFF | period_value
        active = active_unit << 5 & 0xFF | active_value
        session.at(f'AT+CPSMS=1,,,"{period:08b}","{active:08b}"')


def _check_carrier(session: Session, carrier: str | None) -> None:
    if carrier is None:
        return
    session.at(b"AT+SQNCTM=?", SHORT_MS)
    if carrier.encode() not in session.answer.text:
        raise ValueError(f"invalid carrier {carrier}")


def _set_carrier(session: Session, carrier: str | None) -> None:
    session.at(b"AT+SQNCTM?")
    if carrier is not None and carrier.encode() not in session.answer.text:
        session.at(f'AT+SQNCTM="{carrier}"')
        session.wait_for_start(after_shutdown=True)
        session.at(b"AT")
        session.at(b"AT")
