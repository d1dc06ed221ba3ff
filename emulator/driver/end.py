"""detach(), deinit(), reset() and factory_reset() of the driver.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modlte.c (lte_detach, lte_deinit, lte_reset,
lte_factory_reset) and esp32/lte/lteppp.c (lteppp_deinit).
"""

from __future__ import annotations

from emulator.board.board import WDT_RESET, Reset, fail
from emulator.board.constants import CODE, constant
from emulator.driver import data
from emulator.driver.session import FAILED, IDLE, PPP, Session
from emulator.driver.start import LONG_MS, SHORT_MS

LEAVE_MS = constant(100, "ms", CODE, "1.20.2.r4 modlte.c, lte_deinit")


def detach(session: Session, restart: bool) -> None:
    if session.state == PPP:
        data.disconnect(session)
    if not _radio_off(session, restart, low_power_without_sim=False):
        raise OSError(FAILED)
    session.state = IDLE


def deinit(session: Session, detach: bool, restart: bool, dettach: bool) -> None:
    """`dettach` is the older spelling, looked at outside data state only."""
    if session.init:
        if session.state == PPP and (session.legacy_version or detach):
            data.disconnect(session)  # and goes on to CFUN=4, whatever dettach says
        else:
            if session.state == PPP:
                data.suspend(session)
            if not detach or not dettach:
                _leave_attached(session)
                return
        if not _radio_off(session, restart, low_power_without_sim=True):
            session.drop_link()
            session.init = False
            raise OSError(FAILED)
        session.init = False
    session.drop_link()
    session.nic_registered = False


def _leave_attached(session: Session) -> None:
    """The modem stays registered; `restart` and the list of interfaces are not looked at."""
    session.pause(LEAVE_MS)
    session.set_low_power()
    session.drop_link()
    session.init = False


def _radio_off(session: Session, restart: bool, low_power_without_sim: bool) -> bool:
    """CFUN=4, or 0 without a SIM, if asked with a restart of the modem. True unless refused;
    a refused restart counts as done."""
    with_sim = session.sim_present()
    command = b"AT+CFUN=4" if with_sim else b"AT+CFUN=0"
    if not restart:
        return session.at(command)
    if session.at(command + b",1"):
        session.wait_for_start(after_shutdown=True)
        session.at_twice()
        if with_sim or low_power_without_sim:
            session.set_low_power()
    return True


def reset(session: Session) -> None:
    data.disconnect(session)
    if not session.at(b"AT+CFUN=0"):
        session.pause(SHORT_MS)
        session.at(b"AT+CFUN=0")
    session.pause(SHORT_MS)
    session.at(b"AT^RESET")
    session.state = IDLE
    session.wait_for_start(after_shutdown=False)
    session.at_twice()


def factory_reset(session: Session) -> None:
    """Ends with a reset of the ESP32, which the next boot sees as a watchdog reset."""
    data.disconnect(session)
    if not session.at(b"AT&F", 2 * LONG_MS):
        raise OSError(FAILED)
    session.init = False
    session.at(b"AT^RESET")
    session.state = IDLE
    session.pause(SHORT_MS)
    if not any(session.wait_for(b"+SYSSTART") for _ in range(5)):
        raise OSError(FAILED)
    session.at_twice()
    raise fail(session.board, Reset(WDT_RESET, "lte.factory_reset()"))
