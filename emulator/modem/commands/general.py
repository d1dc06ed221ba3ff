"""Commands about the AT session itself: echo, result codes, profiles, +CMEE.

Source: ITU-T V.250 5.4 and 6, 3GPP TS 27.007 9.1 (+CMEE).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.modem.engine import Args, CmeError, Command, Pending, Result, integer
from emulator.modem.family import Family
from emulator.modem.nv import Profile

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

# S registers with their V.250 defaults; stored, without effect except as an answer
REGISTERS = {0: 0, 3: 13, 4: 10, 5: 8, 6: 2, 7: 60, 8: 2, 10: 15}
FACTORY_MS = (2500.0, 5500.0)  # AT&F writes the whole store anew


class General(Family):
    def __init__(self, modem: Modem) -> None:
        super().__init__(modem)
        self._registers = dict(REGISTERS)

    def commands(self) -> dict[str, Command]:
        table = {
            "E": _flag(self._set_echo),
            "Q": _flag(self._set_quiet),
            "V": _flag(self._set_verbose),
            "Z": Command(set=self._restore, execute=lambda: self._restore([0])),
            "&F": Command(set=self._factory, execute=lambda: self._factory([0])),
            "&W": Command(set=self._store, execute=lambda: self._store([0])),
            "+CMEE": self.stored("+CMEE", 2),
            "+GCAP": Command(execute="+GCAP: +CGSM"),
            "+CLAC": Command(execute=self._list),
            "+CSCS": Command(
                set=self._set_charset, read='+CSCS: "IRA"', test='+CSCS: ("IRA","GSM")'
            ),
        }
        for name in ("X", "L", "M", "&C", "&D", "&S", "&K"):  # accepted, nothing to do
            table[name] = _flag(lambda value: None, 4)
        for number in REGISTERS:
            table[f"S{number}"] = self._register(number)
        return table

    def _set_echo(self, value: int) -> None:
        self.modem.session.echo = bool(value)

    def _set_quiet(self, value: int) -> None:
        self.modem.session.quiet = bool(value)

    def _set_verbose(self, value: int) -> None:
        self.modem.output.verbose = bool(value)

    def _restore(self, args: Args) -> None:
        integer(args, 0, 0, 1)
        self.modem.load_profile()

    def _store(self, args: Args) -> None:
        integer(args, 0, 0, 1)
        session, output = self.modem.session, self.modem.output
        self.modem.nv.profile = Profile(session.echo, session.quiet, output.verbose)

    def _factory(self, args: Args) -> Result:
        integer(args, 0, 0, 1)
        pending = Pending()

        def done() -> None:
            self.modem.nv.reset()
            self.modem.load_profile()
            pending.finish()

        self.later(FACTORY_MS, done)
        return pending

    def _list(self) -> Result:
        return sorted(self.modem.session.commands)

    def _set_charset(self, args: Args) -> None:
        if args[:1] not in (["IRA"], ["GSM"]):
            raise CmeError(50)

    def _register(self, number: int) -> Command:
        def write(args: Args) -> None:
            self._registers[number] = integer(args, 0, 0, 255)

        return Command(set=write, read=lambda: [f"{self._registers[number]:03d}"])


def _flag(apply: Callable[[int], None], highest: int = 1) -> Command:
    def write(args: Args) -> None:
        apply(integer(args, 0, 0, highest))

    return Command(set=write, execute=lambda: write([0]))
