"""Configuration of the modem's sockets: +SQNSCFG, +SQNSCFGEXT, +SQNSSCFG, +SQNSPCFG.

A setting belongs to a connection id and is refused while that socket is open. It is lost with a
restart of the modem.
Source: Sequans Monarch, as TinyGSM, ST's and Azure EWF's drivers and toit name the parameters;
refusal on an open socket after Telit's #SCFG, on which the family is modelled.
"""

from __future__ import annotations

from dataclasses import astuple

from emulator.modem.engine import Args, CmeError, Command, Result, at_most, integer
from emulator.modem.family import Family
from emulator.modem.sockets.settings import Basic, Extended, Secure

CIDS = (1, 5)
EXTENDED_LENGTHS = (4, 5, 6, 8)  # with connection id; the two reserved values come together
PROFILES = range(1, 7)


class Configuration(Family):
    def commands(self) -> dict[str, Command]:
        table = {
            "+SQNSCFG": Command(
                set=self._set_basic,
                read=lambda: self._read("+SQNSCFG", "basic"),
                test="+SQNSCFG: (1-6),(1-5),(0-1500),(0-65535),(0,10-1200),(0-255)",
            ),
            "+SQNSCFGEXT": Command(
                set=self._set_extended,
                read=lambda: self._read("+SQNSCFGEXT", "extended"),
                test="+SQNSCFGEXT: (1-6),(0-2),(0,1),(0-240),(0,1),(0,1),(0),(0)",
            ),
        }
        if self.modem.options.tls == "absent":
            return table
        table["+SQNSSCFG"] = Command(
            set=self._set_secure,
            read=lambda: self._read("+SQNSSCFG", "secure"),
            test="+SQNSSCFG: (1-6),(0,1),(1-6)",
        )
        table["+SQNSPCFG"] = Command(
            set=self._set_profile, read=self._read_profiles, test="+SQNSPCFG: (1-6)"
        )
        return table

    def on_reset(self) -> None:
        self._profiles: dict[int, list[str]] = {}

    def _set_basic(self, args: Args) -> None:
        at_most(args, 6)
        slot = self.modem.sockets.closed_slot(args)
        basic = Basic(*_numbers(args, CIDS, (0, 1500), (0, 65535), (0, 1200), (0, 255)))
        if 0 < basic.connect_ds < 10:
            raise CmeError(50)
        slot.basic = basic

    def _set_extended(self, args: Args) -> None:
        if len(args) not in EXTENDED_LENGTHS:
            raise CmeError(50)
        slot = self.modem.sockets.closed_slot(args)
        needed, left_out = ((0, 2), (0, 1), (0, 240)), ((0, 1, 0), (0, 1, 0), (0, 0, 0), (0, 0, 0))
        slot.extended = Extended(*_numbers(args, *needed, *left_out))

    def _set_secure(self, args: Args) -> None:
        at_most(args, 3)
        slot = self.modem.sockets.closed_slot(args)
        slot.secure = Secure(*_numbers(args, (0, 1), (PROFILES[0], PROFILES[-1], 1)))

    def _set_profile(self, args: Args) -> None:
        """Only kept: a dial goes on in plain text, as a Monarch 2 was seen to do."""
        profile = integer(args, 0, PROFILES[0], PROFILES[-1])
        self._profiles[profile] = ["" if arg is None else str(arg) for arg in args[1:]]

    def _read_profiles(self) -> Result:
        return [
            f"+SQNSPCFG: {number}," + ",".join(self._profiles.get(number, []))
            for number in PROFILES
        ]

    def _read(self, name: str, part: str) -> Result:
        return [
            f"{name}: {slot.number}," + ",".join(map(str, astuple(getattr(slot, part))))
            for slot in self.modem.sockets.slots
        ]


def _numbers(args: Args, *bounds: tuple[int, ...]) -> list[int]:
    """The parameters behind the connection id: each with its limits, and its default if any."""
    return [integer(args, index, *each) for index, each in enumerate(bounds, 1)]
