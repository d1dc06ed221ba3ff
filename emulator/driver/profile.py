"""What differs between the Pycom firmware releases in the field, as a table.

Source: tags v1.20.2.r0 to r7 of the Pycom firmware, esp32/mods/modlte.c and esp32/lte/lteppp.c.
Releases before 1.20.2 have another set of methods and keywords and are not emulated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Profile:
    """The LTE driver of one firmware release. The defaults are those of 1.20.2.r4."""

    name: str
    cereg_mode: int = 1  # AT+CEREG=<n> of the start sequence, and the <n> isattached() looks for
    timeout_keyword: bool = True  # send_at_cmd(..., timeout=)
    break_event: bool = True  # LTE.EVENT_BREAK and the +SQNIBRCFG set-up
    sim_check: bool = True  # attach() refuses without a SIM
    recovery_check: bool = True  # tries 115200 baud when the modem is silent
    cereg_without_cgatt: bool = False  # isattached() believes +CEREG: 1,1 although CGATT is 0
    long_commands: bool = False  # a text beyond the command size goes out in pieces
    fresh_uart: bool = False  # reconnect_uart() makes the UART anew, with flow control


_R4 = Profile("1.20.2.r4")
_R1 = replace(
    _R4,
    name="1.20.2.r1",
    cereg_mode=2,
    timeout_keyword=False,
    break_event=False,
    sim_check=False,
    recovery_check=False,
)
_R5 = replace(_R4, name="1.20.2.r5", cereg_without_cgatt=True)

PROFILES = {
    profile.name: profile
    for profile in (
        replace(_R1, name="1.20.2.r0"),
        _R1,
        replace(_R4, name="1.20.2.r2", recovery_check=False),
        replace(_R4, name="1.20.2.r3"),
        _R4,
        _R5,
        replace(_R5, name="1.20.2.r6"),
        replace(_R5, name="1.20.2.r7", long_commands=True, fresh_uart=True),
    )
}

DEFAULT = _R4.name


def profile_for(firmware: str) -> Profile:
    """The profile of a release named as in Board.firmware. ValueError names those that exist."""
    profile = PROFILES.get(firmware)
    if profile is None:
        raise ValueError(f"firmware = {firmware!r}; allowed: {', '.join(sorted(PROFILES))}")
    return profile
