"""Commands about the AT session itself: echo, result codes, profiles, +CMEE.

Source: ITU-T V.250 5.4 and 6, 3GPP TS 27.007 9.1 (+CMEE).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.board.constants import ESTIMATE, constant
from emulator.modem.engine import Args, CmeError, Command, Pending, Result, integer
from emulator.modem.family import Family, numbered
from emulator.modem.nv import Profile

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

# S registers with their V.250 defaults; stored, without effect except as an answer
REGISTERS = {0: 0, 3: 13, 4: 10, 5: 8, 6: 2, 7: 60, 8: 2, 10: 15}
# AT&F writes the whole store anew
FACTORY_MS = constant((2500.0, 5500.0), "ms", ESTIMATE, "AT&F writes the whole store")


class General(Family):
    def __init__(self, modem: Modem) -> None:
        super().__init__(modem)
        self._registers = dict(REGISTERS)

    def commands(self) -> dict[str, Command]:
        session = self.modem.session
        table = {
            "E": numbered(lambda value: setattr(session, "echo", bool(value))),
            "Q": numbered(lambda value: setattr(session, "quiet", bool(value))),
            "V": numbered(lambda value: setattr(self.modem.output, "verbose", bool(value))),
            "Z": numbered(lambda profile: self.modem.load_profile()),
            "&F": numbered(self._factory),
            "&W": numbered(self._store),
            "+CMEE": self.stored("+CMEE", 2),
            "+GCAP": Command(execute="+GCAP: +CGSM"),
            "+CSCS": Command(
                set=self._set_charset, read='+CSCS: "IRA"', test='+CSCS: ("IRA","GSM")'
            ),
        }
        if self.modem.options.clac == "list":
            table["+CLAC"] = Command(execute=self._list)
        for name in ("X", "L", "M", "&C", "&D", "&S", "&K"):  # accepted, nothing to do
            table[name] = numbered(lambda value: None, 4)
        for number in REGISTERS:
            table[f"S{number}"] = self._register(number)
        return table

    def _store(self, profile: int) -> None:
        session, output = self.modem.session, self.modem.output
        self.modem.nv.profile = Profile(session.echo, session.quiet, output.verbose)

    def _factory(self, profile: int) -> Result:
        pending = Pending()

        def done() -> None:
            self.modem.nv.reset()
            self.modem.load_profile()
            pending.finish()

        self.later(FACTORY_MS, done)
        return pending

    def _list(self) -> Result:
        """With their prefix (27.007 8.37): hosts send each line again with "=?" behind it."""
        return [f"AT{name}" for name in sorted(self.modem.session.commands)]

    def _set_charset(self, args: Args) -> None:
        if args[:1] not in (["IRA"], ["GSM"]):
            raise CmeError(50)

    def _register(self, number: int) -> Command:
        def write(args: Args) -> None:
            self._registers[number] = integer(args, 0, 0, 255)

        return Command(set=write, read=lambda: [f"{self._registers[number]:03d}"])
