"""Names and reachability: +SQNDNSLKUP and +PING, and the look-up that a dial needs.

The name system knows the names of the route table. A ping is answered by every host to which
there is a route.
Source: RFC 1035 (messages), RFC 792 and 4443 (echo), Renesas', toit's and Verizon's drivers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.board.constants import ESTIMATE, constant
from emulator.modem.engine import Args, CmeError, Command, Pending, Result, at_most, integer, text
from emulator.modem.family import Family
from emulator.network.addresses import address_family
from emulator.network.air import UDP_HEADERS

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

QUERY_BYTES = 18  # DNS header, type, class, and the ends of a name
ANSWER_BYTES = {"IP": 16, "IPV6": 28}
QUERY_TRIES = 3
QUERY_WAIT_MS = constant(5_000, "ms", ESTIMATE, "the modem's own resolver; no source found")
NOT_FOUND = 3
REPLY_TTL = 52  # a server that starts with 64, twelve hops away

Found = Callable[[list[str]], None]


def look_up(modem: Modem, name: str, family: str, found: Found) -> None:
    """Ask the network's name server over the air; `found` gets the addresses, [] if none."""
    if address_family(name) is not None:
        modem.after_ms(0, lambda: found(modem.routes.resolve(name, family)))
        return
    query = UDP_HEADERS[family] + QUERY_BYTES + len(name)

    def ask(tries: int) -> None:
        def sent(ok: bool | None) -> None:
            if ok:
                modem.radio.downlink(query + ANSWER_BYTES[family], answered)
            else:
                answered(False)

        def answered(ok: bool | None) -> None:
            if ok:
                found(modem.routes.resolve(name, family))
            elif tries < QUERY_TRIES:
                modem.after_ms(QUERY_WAIT_MS, lambda: ask(tries + 1))
            else:
                modem.after_ms(QUERY_WAIT_MS, lambda: found([]))

        modem.radio.send(query, sent)

    ask(1)


def families_of(modem: Modem, cid: int) -> list[str]:
    """Address families that a PDN connection has, the one to try first in front; CME 3 if none."""
    if modem.cfun != 1 or not modem.pdn_addresses(cid):
        raise CmeError(3)
    return sorted(modem.pdn_addresses(cid))


class Lookup(Family):
    def commands(self) -> dict[str, Command]:
        return {
            "+SQNDNSLKUP": Command(set=self._look_up, test="+SQNDNSLKUP: (0,1)"),
            "+PING": Command(
                set=self._ping, test="+PING: (1-64),(32-1400),(1-600),(1-60),(1-255),(1-8)"
            ),
        }

    def _look_up(self, args: Args) -> Result:
        at_most(args, 2)
        name = text(args, 0)
        families = families_of(self.modem, self.modem.pdn.attach_cid)
        family = families[0]
        if len(args) > 1 and args[1] is not None:
            family = ("IP", "IPV6")[integer(args, 1, 0, 1)]
        if not name:
            raise CmeError(50)
        pending = Pending()

        def found(addresses: list[str]) -> None:
            if addresses:
                quoted = "".join(f',"{address}"' for address in addresses)
                pending.finish([f'+SQNDNSLKUP: "{name}"{quoted}'])
            else:
                pending.fail(NOT_FOUND)

        look_up(self.modem, name, family, found)
        return pending

    def _ping(self, args: Args) -> Result:
        at_most(args, 7)
        cid = integer(args, 6, 1, 8, self.modem.pdn.attach_cid)
        ping = Ping(
            self.modem,
            count=integer(args, 1, 1, 64, 4),
            size=integer(args, 2, 32, 1400, 32),
            interval_ms=1000 * integer(args, 3, 1, 600, 1),
            timeout_ms=1000 * integer(args, 4, 1, 60, 10),
        )
        integer(args, 5, 1, 255, 128)
        name = text(args, 0)
        families = families_of(self.modem, cid)
        family = address_family(name) or families[0]
        if family not in families:
            raise CmeError(3)
        look_up(self.modem, name, family, lambda found: ping.start(found, family))
        return ping.pending


@dataclass
class Ping:
    """One +PING command: its lines appear as the replies come."""

    modem: Modem
    count: int
    size: int
    interval_ms: int
    timeout_ms: int
    pending: Pending = field(default_factory=Pending)
    number: int = 0
    host: str = ""
    headers: int = 0

    def start(self, addresses: list[str], family: str) -> None:
        if not addresses:
            self.pending.fail(NOT_FOUND)
            return
        self.host, self.headers = addresses[0], UDP_HEADERS[family]  # as long as those of ICMP
        self._next()

    def _next(self) -> None:
        if self.pending.cancelled:
            return
        if self.number == self.count:
            self.pending.finish()
            return
        self.number += 1
        number, started_ms = self.number, self.modem.board.clock.now_ms
        timer = self.modem.after_ms(self.timeout_ms, lambda: self._over(number, -1, -1))

        def sent(ok: bool | None) -> None:
            if ok and self.modem.routes.reachable(self.host):
                self.modem.radio.downlink(self.headers + self.size, answered)

        def answered(ok: bool | None) -> None:
            took_ms = self.modem.board.clock.now_ms - started_ms
            if ok and not timer.cancelled and took_ms < self.timeout_ms:
                timer.cancel()
                self._over(number, took_ms, REPLY_TTL)

        self.modem.radio.send(self.headers + self.size, sent)

    def _over(self, number: int, time_ms: int, ttl: int) -> None:
        if number != self.number or self.pending.cancelled:
            return
        output = self.modem.output
        line = output.frame([f'+PING: {number},"{self.host}",{time_ms},{ttl}'])
        if number > 1 and output.verbose:
            line = line[2:]  # one CRLF between the lines of one command
        output.answer(line)
        self.modem.after_ms(self.interval_ms, self._next)
