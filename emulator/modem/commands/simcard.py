"""Commands that concern the SIM card: PIN, identities, elementary files.

Source: 3GPP TS 27.007 8.3 (+CPIN), 7.4 (+CLCK), 8.18 (+CRSM), TS 31.102 for the files.
"""

from __future__ import annotations

from emulator.modem.engine import Args, CmeError, Command, Result, at_most, integer, nothing, text
from emulator.modem.family import Family
from emulator.modem.sim import check_new_pin

READ_BINARY, STATUS = 176, 242
EF_HPLMN_ACT, EF_AD, EF_IMSI, EF_ICCID = 28514, 28589, 28423, 12258


class SimCard(Family):
    def commands(self) -> dict[str, Command]:
        return {
            "+CPIN": Command(set=self._enter, read=self._status, test=nothing),
            "+CPINR": Command(
                execute=self._remaining, set=lambda args: self._remaining(), test=nothing
            ),
            "+CIMI": Command(execute=self._imsi, test=nothing),
            "+SQNCCID": Command(execute=self._iccid, read=self._iccid, test=nothing),
            "+CLCK": Command(set=self._lock, test='+CLCK: ("SC")'),
            "+CPWD": Command(set=self._change_pin, test='+CPWD: ("SC",8)'),
            "+CRSM": Command(set=self._file, test=nothing),
            "+CNUM": Command(execute=self._number, test=nothing),
            "+SQNHPLMN": Command(execute=self._home, read=self._home),
        }

    def _status(self) -> Result:
        self.modem.sim.require_present()
        return [f"+CPIN: {self.modem.sim.status()}"]

    def _enter(self, args: Args) -> None:
        at_most(args, 2)
        self.modem.sim.require_present()
        new_pin = text(args, 1) if len(args) > 1 else None
        self.modem.sim.enter(text(args, 0), new_pin)

    def _remaining(self) -> Result:
        self.modem.sim.require_present()
        sim = self.modem.sim
        return [
            f"+CPINR: SIM PIN,{sim.pin_left},3",
            f"+CPINR: SIM PUK,{sim.puk_left},10",
            "+CPINR: SIM PIN2,3,3",
            "+CPINR: SIM PUK2,10,10",
        ]

    def _imsi(self) -> Result:
        self.modem.sim.require()
        return [self.modem.sim.options.imsi]

    def _iccid(self) -> Result:
        """The card tells it without a PIN; while it starts the field is empty."""
        sim = self.modem.sim
        if not sim.powered:
            raise CmeError(3)
        if not sim.present:
            raise CmeError(10)
        iccid = "" if sim.busy else self.modem.sim.options.iccid
        return [f'+SQNCCID: "{iccid}",""']

    def _lock(self, args: Args) -> Result:
        at_most(args, 4)
        if text(args, 0).upper() != "SC":
            raise CmeError(3)
        mode = integer(args, 1, 0, 2)
        self.modem.sim.require_present()
        sim = self.modem.sim
        if mode == 2:
            return [f"+CLCK: {int(sim.lock)}"]
        sim.check_pin(text(args, 2))
        sim.lock = bool(mode)
        return None

    def _change_pin(self, args: Args) -> None:
        at_most(args, 3)
        if text(args, 0).upper() != "SC":
            raise CmeError(3)
        self.modem.sim.require()
        new_pin = text(args, 2)
        check_new_pin(new_pin)
        self.modem.sim.check_pin(text(args, 1))
        self.modem.sim.pin = new_pin

    def _file(self, args: Args) -> Result:
        """READ BINARY and STATUS; a file that the card does not have is answered 6A82."""
        self.modem.sim.require()
        command = integer(args, 0, 0, 255)
        if command == STATUS:
            return ['+CRSM: 144,0,""']
        if command != READ_BINARY:
            raise CmeError(4)
        file_id = integer(args, 1, 0, 65535)
        options = self.modem.sim.options
        files = {
            EF_HPLMN_ACT: _plmn_octets(options.imsi) + "4000",
            EF_AD: "00000002",
            EF_IMSI: "08" + _swapped("9" + options.imsi),
            EF_ICCID: _swapped(options.iccid),
        }
        content = files.get(file_id)
        return ['+CRSM: 106,130,""'] if content is None else [f'+CRSM: 144,0,"{content}"']

    def _number(self) -> Result:
        self.modem.sim.require()
        number = self.modem.sim.options.number
        return [f'+CNUM: ,"{number}",145'] if number else []

    def _home(self) -> Result:
        self.modem.sim.require()
        network = self.modem.cell.network
        plmn = self.modem.sim.options.imsi[: len(network.plmn)]
        name, short = (network.name, network.short_name) if plmn == network.plmn else (plmn, plmn)
        return [f'+SQNHPLMN: "{plmn}","{short}","{name}"']


def _swapped(digits: str) -> str:
    """Decimal digits as the nibble-swapped octets of a card, filled up with F."""
    padded = digits + "F" * (len(digits) % 2)
    return "".join(padded[index + 1] + padded[index] for index in range(0, len(padded), 2))


def _plmn_octets(imsi: str) -> str:
    """MCC and a two-digit MNC as TS 24.008 10.5.1.3 packs them."""
    mcc, mnc = imsi[:3], imsi[3:5]
    return f"{mcc[1]}{mcc[0]}F{mcc[2]}{mnc[1]}{mnc[0]}"
