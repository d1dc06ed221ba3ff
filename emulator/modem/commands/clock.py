"""The modem's clock: local time with zone, unset until the network tells the time.

Unset it counts from 1970-01-01 since the start of the modem, or from another year; the network's
time (NITZ) may come a moment after the registration, and sets the clock only with +CTZU=1. Between
two such times the clock drifts. Source: 3GPP TS 27.007 8.15 (+CCLK), 8.40 (+CTZU), 8.41 (+CTZR);
forms seen: docs/time.md.
"""

from __future__ import annotations

import datetime
import re

from emulator.board.constants import COMPARABLE, ESTIMATE, constant
from emulator.modem.engine import Args, CmeError, Command, Result, at_most, nothing, text
from emulator.modem.family import Family

# the network's time comes so much after the registration
NITZ_MS = constant((200.0, 3000.0), "ms", ESTIMATE, "from the registration to the network's time")
LATE_MS = constant(10_000, "ms", COMPARABLE, "hosts of Monarch 2 wait 10 s for +CTZV")
MODEM_DRIFT = constant(0.01, "share", ESTIMATE, "20 ppm to 5 % possible")
_TIME = re.compile(r"(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)([+-]\d\d)?")


class NetworkClock(Family):
    def commands(self) -> dict[str, Command]:
        return {
            "+CCLK": Command(set=self._set, read=self._read, test=nothing),
            "+CTZU": self.stored("+CTZU", 1),
            "+CTZR": self.stored("+CTZR", 3),
        }

    def on_reset(self) -> None:
        self._adjust(datetime.datetime(self.modem.options.clock_starts, 1, 1), 0)

    def on_registered(self) -> None:
        if not self.modem.cell.network.nitz:
            return
        delay_ms = self.modem.board.rng(f"modem/nitz/{self.modem.board.cycle}").uniform(*NITZ_MS)
        if self.modem.options.nitz_form == "late":
            delay_ms = LATE_MS
        self.modem.after_ms(delay_ms, self._told_by_network)

    def _told_by_network(self) -> None:
        if not self.modem.emm.registered:
            return  # the radio went off before it came
        quarters = self.modem.cell.network.time_zone_quarters
        utc = self.modem.cell.network_time()
        if self.modem.nv.ctzu:
            self._set_by_network(utc, quarters)
        report = self.modem.nv.ctzr
        if report == 1:
            self.modem.urc(f'+CTZV: "{quarters:+03d}"')
        elif report:
            text = f',"{utc:%Y/%m/%d,%H:%M:%S}"' if report == 3 else ""
            self.modem.urc(f'+CTZE: "{quarters:+03d}",0{text}')

    def _set_by_network(self, utc: datetime.datetime, quarters: int) -> None:
        if self.modem.options.nitz_form == "zone":
            self._quarters = quarters
        elif self.modem.options.cclk_utc:
            self._adjust(utc, quarters)
        else:
            self._adjust(utc + datetime.timedelta(minutes=15 * quarters), quarters)

    def _adjust(self, local: datetime.datetime, quarters: int) -> None:
        self._set_to, self._quarters = local, quarters  # local time at `_set_at_us`
        self._set_at_us = self.modem.board.clock.now_us

    def _read(self) -> Result:
        passed = self.modem.board.clock.now_us - self._set_at_us
        now = self._set_to + datetime.timedelta(microseconds=passed * (1 + MODEM_DRIFT))
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
