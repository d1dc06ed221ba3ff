"""Who the modem is: manufacturer, model, versions, IMEI.

Source: 3GPP TS 27.007 5.1 to 5.4; ATI and ATI1 as Monarch modems print them. The Pycom firmware
finds the IMEI by its prefix 35434 and an old build by the number in ATI1.
"""

from __future__ import annotations

from emulator.modem.engine import Args, Command, Result, at_most, integer, nothing
from emulator.modem.family import Family, numbered


class Identity(Family):
    def commands(self) -> dict[str, Command]:
        options = self.modem.options
        table = {
            "I": numbered(self._information),
            "+CGSN": Command(
                set=self._serial, execute=lambda: self._serial([0]), test="+CGSN: (0-3)"
            ),
            "+GSN": Command(execute=options.imei),
        }
        for name, value in (
            ("MI", options.manufacturer),
            ("MM", self._model),
            ("MR", options.ue_version),
        ):
            for prefix in ("+CG", "+G"):
                table[prefix + name] = Command(execute=value, test=nothing)
        return table

    @property
    def _model(self) -> str:
        return self.modem.options.model or self.modem.board.name

    def _information(self, number: int) -> Result:
        options = self.modem.options
        if number == 0:
            return [options.manufacturer, self._model, options.ue_version]
        return [options.ue_version, options.lr_version]

    def _serial(self, args: Args) -> Result:
        at_most(args, 1)
        imei = self.modem.options.imei
        kind = integer(args, 0, 0, 3, 0)
        if kind == 2:
            return [f'+CGSN: "{imei[:14]}02"']
        if kind == 3:
            return ['+CGSN: "02"']
        return [imei]
