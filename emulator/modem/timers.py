"""Timer octets of power saving, as strings of eight bits: unit in the first three, value behind.

Source: 3GPP TS 24.008 10.5.7.4 (GPRS timer 2, T3324) and 10.5.7.4a (GPRS timer 3, T3412 extended).
"""

from __future__ import annotations

import re

DEACTIVATED = "11100000"

# seconds per unit value; 111 is deactivated, units of T3324 not listed are read as minutes
TAU_UNITS = (600, 3600, 36000, 2, 30, 60, 1_152_000)
ACTIVE_UNITS = (2, 60, 360, 60, 60, 60, 60)


def valid(octet: str) -> bool:
    return re.fullmatch("[01]{8}", octet) is not None


def tau_s(octet: str) -> int | None:
    """T3412 extended in seconds; None: deactivated."""
    return _seconds(octet, TAU_UNITS)


def active_s(octet: str) -> int | None:
    """T3324 in seconds; None: deactivated, no power saving."""
    return _seconds(octet, ACTIVE_UNITS)


def _seconds(octet: str, units: tuple[int, ...]) -> int | None:
    unit = int(octet[:3], 2)
    return None if unit == 7 else units[unit] * int(octet[3:], 2)
