"""The modem's clock: local time with zone, unset until the network tells the time.

Unset it counts from 1970-01-01 since the start of the modem; the network's time may come a moment
after the registration. Source: 3GPP TS 27.007 8.15 (+CCLK), 8.40 (+CTZU), 8.41 (+CTZR).
"""

from __future__ import annotations

import datetime
import re

from emulator.board.constants import ESTIMATE, constant
from emulator.modem.engine import Args, CmeError, Command, Result, at_most, nothing, text
from emulator.modem.family import Family

EPOCH = datetime.datetime(1970, 1, 1)
# the network's time comes so much after the registration
NITZ_MS = constant((200.0, 3000.0), "ms", ESTIMATE, "from the registration to the network's time")
_TIME = re.compile(r"(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)([+-]\d\d)?")


class NetworkClock(Family):
    def commands(self) -> dict[str, Command]:
        return {
            "+CCLK": Command(set=self._set, read=self._read, test=nothing),
            "+CTZU": self.stored("+CTZU", 1),
            "+CTZR": self.stored("+CTZR", 3),
        }

    def on_reset(self) -> None:
        self._adjust(EPOCH, 0)

    def on_registered(self) -> None:
        if self.modem.cell.network.nitz and self.modem.nv.ctzu:
            delay_ms = self.modem.board.rng("modem/nitz").uniform(*NITZ_MS)
            self.modem.after_ms(delay_ms, self._told_by_network)

    def _told_by_network(self) -> None:
        network = self.modem.cell.network
        start = datetime.datetime.fromisoformat(network.start_time)
        passed = datetime.timedelta(microseconds=self.modem.board.clock.now_us)
        quarters = network.time_zone_quarters
        local = start + passed + datetime.timedelta(minutes=15 * quarters)
        self._adjust(local, quarters)
        report = self.modem.nv.ctzr
        if report == 1:
            self.modem.urc(f'+CTZV: "{quarters:+03d}"')
        elif report:
            utc = f',"{start + passed:%Y/%m/%d,%H:%M:%S}"' if report == 3 else ""
            self.modem.urc(f'+CTZE: "{quarters:+03d}",0{utc}')

    def _adjust(self, local: datetime.datetime, quarters: int) -> None:
        self._set_to, self._quarters = local, quarters  # local time at `_set_at_us`
        self._set_at_us = self.modem.board.clock.now_us

    def _read(self) -> Result:
        passed = self.modem.board.clock.now_us - self._set_at_us
        now = self._set_to + datetime.timedelta(microseconds=passed)
        return [f'+CCLK: "{now:%y/%m/%d,%H:%M:%S}{self._quarters:+03d}"']

    def _set(self, args: Args) -> None:
        at_most(args, 1)
        match = _TIME.fullmatch(text(args, 0))
        if match is None:
            raise CmeError(50)
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        year += 1900 if year >= 70 else 2000
        try:
            local = datetime.datetime(year, month, day, hour, minute, second)
        except ValueError:
            raise CmeError(50) from None
        self._adjust(local, int(match.group(7) or 0))
