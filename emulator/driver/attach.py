"""attach() of the driver.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modlte.c (lte_attach, lte_add_band,
lte_get_modem_version).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from emulator.board.constants import CODE, constant
from emulator.driver.session import ATTACHING, FAILED, Session
from emulator.driver.start import SHORT_MS

BANDS = (1, 2, 3, 4, 5, 8, 12, 13, 14, 17, 18, 19, 20, 25, 26, 28, 66)
BANDS_OF_BUILD_39000 = (5, 8)
BANDS_OF_BUILD_41000 = (1, 2, 14, 17, 18, 19, 25, 26, 66)
DEFAULT_BANDS = (3, 4, 5, 8, 12, 13, 20, 28)
SCAN_SETTLE_MS = constant(1000, "ms", CODE, "1.20.2.r4 modlte.c, lte_attach")


def attach(
    session: Session,
    band: int | str | None,
    bands: Sequence[int | str] | None,
    apn: str | None,
    pdn_type: str | None,
    log: bool,
    cid: int | None,
    legacyattach: bool | None,
) -> None:
    """Switch the radio on, unless it is on already: then nothing else is done.

    A band given as str is the message of the TypeError that a wrong type ends in, since the
    firmware looks at its type only when it comes to it.
    """
    if legacyattach is not None:
        session.legacy_attach = legacyattach
    session.check_attached()
    if session.state >= ATTACHING:
        return
    if session.profile.sim_check and not session.sim_present():
        raise RuntimeError("Sim card not present")
    if not session.at(b"AT+SQNCTM?") and not session.at(b"AT+SQNCTM?"):
        raise ValueError("Modem did not respond!\n")
    if b"standard" in session.answer.text:
        _set_bands(session, band, bands)
    if cid is not None:
        session.cid = cid
    if apn is not None or pdn_type is not None:
        kind = "IP" if pdn_type is None else pdn_type
        command = f'AT+CGDCONT={session.cid},"{kind}","{apn or ""}"'
        if not session.at(command):
            raise OSError(FAILED)
    session.at(b'AT!="disablelog %d"' % (0 if log else 1))
    session.state = ATTACHING
    if not session.at(b"AT+CFUN=1"):
        raise OSError(FAILED)
    session.set_low_power()


def _set_bands(
    session: Session, band: int | str | None, bands: Sequence[int | str] | None
) -> None:
    new_hardware = _has_17_bands(session)
    build = _modem_build(session)
    session.at(b'AT!="clearscanconfig"', SHORT_MS)
    session.pause(SCAN_SETTLE_MS)
    if band is None and bands is None:
        for number in DEFAULT_BANDS:
            if number not in BANDS_OF_BUILD_39000 or (new_hardware and build > 39000):
                _add_band(session, number)
        return
    for wanted in ([] if band is None else [band]) + list(bands or ()):
        if isinstance(wanted, str):
            raise TypeError(wanted)
        _check_band(wanted, new_hardware, build)
        _add_band(session, wanted)


def _has_17_bands(session: Session) -> bool:
    """Newer modem hardware lists 17 bands in AT+SMDD, an answer longer than the buffer. The
    firmware looks into every piece of it but, when there are several, the last."""
    session.at(b"AT+SMDD", expected=None)
    found = b"17 bands" in session.answer.text
    while session.answer.remaining:
        found = found or b"17 bands" in session.answer.text
        session.at(b"Pycom_Dummy", expected=None)
    return found


def _modem_build(session: Session) -> int:
    """The build number in brackets behind "Software     :" in the version table, or 0."""
    session.at(b'AT!="showver"', expected=None)
    found = re.search(rb"Software     :.*?\[\s*(\d*).*?\]", session.answer.text, re.DOTALL)
    return int(found.group(1) or b"0") if found else 0


def _check_band(band: int, new_hardware: bool, build: int) -> None:
    board_lacks = f"band {band} not supported by this board hardware!"
    firmware_lacks = (
        f"band {band} not supported by current modem Firmware [{build}], please upgrade!"
    )
    if band in BANDS_OF_BUILD_39000:
        if not new_hardware:
            raise ValueError(board_lacks)
        if build < 39000:
            raise ValueError(firmware_lacks)
    if band in BANDS_OF_BUILD_41000:
        if build <= 41000:
            raise ValueError(firmware_lacks)
        if not new_hardware:
            raise ValueError(board_lacks)
    if band not in BANDS:
        raise ValueError(f"band {band} not supported")


def _add_band(session: Session, band: int) -> None:
    session.at(b'AT!="RRC::addScanBand band=%d"' % band, SHORT_MS)
