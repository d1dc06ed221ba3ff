"""connect(), disconnect(), pppsuspend() and pppresume() of the driver.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modlte.c (lte_connect, lte_check_legacy_version,
lte_disconnect, lte_suspend, lte_resume).
"""

from __future__ import annotations

from emulator.board.constants import CODE, constant
from emulator.driver.session import ATTACHED, FAILED, PPP, SUSPENDED, Session
from emulator.driver.start import SHORT_MS

LEGACY_BUILD = b"LR5.1.1.0-33080"
CONNECT = b"CONNECT"
CONNECT_SETTLE_MS = constant(1000, "ms", CODE, "1.20.2.r4 modlte.c, lte_connect, lte_resume")
RESUME_SETTLE_MS = constant(1500, "ms", CODE, "1.20.2.r4 modlte.c, lte_connect, lte_resume")


def connect(session: Session, cid: int | None, legacy: bool | None) -> None:
    """Enter data state; does not wait for an address. `legacy` None: ask the modem's version."""
    if session.state == PPP and session.ppp.address is not None:
        return
    if legacy is None:
        legacy = _is_legacy(session)
    session.check_attached()
    session.legacy_version = legacy
    if legacy:
        session.at(b"ATH", SHORT_MS)
        session.at_until_ok()
    if session.state == ATTACHED or (legacy and session.state == SUSPENDED):
        _enter_data_state(session, cid, legacy)
    elif session.state == PPP:
        raise OSError("modem already connected")
    elif session.state == SUSPENDED:
        raise OSError("modem is suspended")
    else:
        raise OSError("modem not attached")


def _enter_data_state(session: Session, cid: int | None, legacy: bool) -> None:
    if legacy or not session.at(b"ATO", expected=CONNECT):
        if cid is not None:
            session.cid = cid
        if not session.at(b'AT+CGDATA="PPP",%d' % session.cid, expected=CONNECT):
            raise OSError(FAILED)
        session.ppp.drop()  # the far end begins anew; after ATO it goes on where it was
    session.nic_registered = True
    session.run(session.ppp.connect(session.cid))
    session.state = PPP
    session.pause(CONNECT_SETTLE_MS)
    session.watch_ppp()


def _is_legacy(session: Session) -> bool:
    if not session.at(b"ATI1") and not session.at(b"ATI1"):
        raise OSError("LTE modem version not read")
    return LEGACY_BUILD in session.answer.text


def disconnect(session: Session) -> None:
    if session.state not in (PPP, SUSPENDED):
        return
    in_ppp = session.state == PPP
    session.run(session.ppp.disconnect())
    if in_ppp:
        session.pause_ppp()
    session.state = ATTACHED
    session.at(b"ATH")
    session.at_until_ok(pause_first=False)
    session.check_attached()
    session.nic_registered = False


def suspend(session: Session) -> None:
    if session.legacy_version:
        raise OSError("modem firmware not supported")
    session.check_init()
    if session.state == PPP:
        session.pause_ppp()
        session.state = SUSPENDED
        session.at_until_ok()
        session.check_attached()


def resume(session: Session, cid: int | None) -> None:
    if session.state == PPP:
        raise OSError("Modem is already connected")
    session.check_attached()
    if session.state not in (SUSPENDED, ATTACHED):
        return
    if session.state == ATTACHED and session.legacy_version:
        raise OSError("Operation failed (attached and legacy)")
    if cid is not None:
        session.cid = cid
    if session.at(b"ATO", expected=CONNECT):
        session.run(session.ppp.connect(session.cid))
        session.state = PPP
        session.pause(RESUME_SETTLE_MS)
        session.watch_ppp()
        return
    session.run(session.ppp.disconnect())
    session.state = ATTACHED
    session.check_attached()
    connect(session, cid, None)
