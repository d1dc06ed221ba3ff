"""The account of one cycle of the board, from a start to the end of the sleep behind it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from emulator.board.board import Board
from emulator.board.secrets import Secrets
from emulator.network.addresses import endpoint
from emulator.network.routes import SentDatagram

_LINKED = ("attached", "connected", "joined", "restored")  # outcomes of bearers that are no reason
ENDS_WELL = ("deepsleep", "off", "finished")
_WAYS = (
    ("refused", "no server listens behind"),
    ("lost", "lost on air to"),
    ("unsent", "lost in the modem, whose radio went off first, to"),
)


@dataclass
class Phase:
    name: str
    start_ms: int  # since the start of the cycle
    duration_ms: int


@dataclass
class Cycle:
    """Fields as in the JSON of `demo` and `run`; times in ms, energy in mJ, None is unknown."""

    reset_cause: str
    started_us: int
    status: int = -1  # furthest state that the board saw: -1 off, 0 activated, 1 attached, 2 data
    cause: str = ""  # as the application says; "" if it says nothing
    # deepsleep, off (by a shield), reset, exception, finished, safe_boot, hang, time_limit or
    # vm_died
    ended: str = ""
    link: str | None = None  # to the modem: "lte" or "uart"; None: its radio stayed off
    start: str | None = None  # of the connection: "cold", by an attach, or "resumed"; None: none
    awake_ms: int = 0
    radio_on_ms: int = 0
    energy_mj: float = 0.0
    at_exchanges: int = 0
    uart_bytes: int = 0
    air_bytes: int = 0
    sent: list[SentDatagram] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    accepted: int | None = None  # reports that the application handed over; None: it says nothing
    confirmed: int | None = None  # those that the server said it has
    left: int | None = None  # those that the application knows to have left the radio
    waiting: int | None = None  # measurements that the application still has to deliver
    given_up: int | None = None  # those that it will never deliver, since it was set up
    batch: list[int] | None = None  # [measured, of how many that go together]; None: it sends
    error: str | None = None
    unrouted: list[tuple[str, int | None]] = field(default_factory=list)  # a name has no port
    not_emulated: list[str] = field(default_factory=list)  # names of the board that were used
    secrets: Secrets = field(default_factory=Secrets, repr=False)  # of no reader of the JSON

    @property
    def delivered(self) -> int:
        return sum(datagram.delivered for datagram in self.sent)

    @property
    def on_air(self) -> int:
        """Datagrams, and pieces of a stream, that the emulated radio really sent."""
        return sum(datagram.on_air for datagram in self.sent)

    @property
    def lost_in_modem(self) -> int:
        """Those that the radio accepted and never sent."""
        return len(self.sent) - self.on_air

    @property
    def ok(self) -> bool:
        """Nothing was raised, and no report stayed behind."""
        if self.error is not None or self.ended in ("hang", "time_limit", "reset"):
            return False
        if self.confirmed and self.confirmed == self.accepted:
            return True  # whatever had to be sent twice
        return self.delivered == len(self.sent) and self.accepted != 0

    @property
    def trouble(self) -> str | None:
        """What is missing in a cycle that is not `ok`, in one line; None if nothing is."""
        if self.ok:
            return None
        if self.ended not in ENDS_WELL or self.error is not None:
            reason = self.secrets.hide((self.error or self.ended).strip().splitlines()[-1])
            how = "raised and went on to" if self.ended in ENDS_WELL else "ended by"
            return f"{how} {self.ended}: {reason}"
        if self.accepted == 0:
            said = f"no report was taken; cause: {self.cause or 'unknown'}"
            if self.cause in _LINKED:
                said = "no report was taken, although the link was up"
        else:
            said = f"{len(self.sent) - self.delivered} of {len(self.sent)} payloads did not arrive"
        return "; ".join([said, *self._ways()])

    def _ways(self) -> list[str]:
        """Why payloads reached no server."""
        ways = [
            f"no route leads to {host if port is None else endpoint(host, port)}"
            for host, port in self.unrouted
        ]
        for what, why in _WAYS:
            places = {endpoint(one.host, one.port): None for one in self.sent if one.what == what}
            ways += [f"{why} {place}" for place in places]
        return ways

    def as_json(self) -> dict[str, Any]:
        """No secret of the configuration stands in it, as if the board had sent asterisks."""
        table = asdict(self)
        del table["started_us"], table["unrouted"], table["not_emulated"], table["secrets"]
        table["error"] = self.secrets.hide(self.error) if self.error is not None else None
        table["energy_mj"] = round(self.energy_mj, 3)
        table["delivered"] = self.delivered
        table["on_air"] = self.on_air
        table["lost_in_modem"] = self.lost_in_modem
        table["sent"] = [
            {
                "host": one.host,
                "port": one.port,
                "bytes": len(one.data),
                "hex": self.secrets.hide_bytes(one.data).hex(),
            }
            for one in self.sent
        ]
        return table


def kept_memory(board: Board) -> bytes:
    """The RTC memory as it is."""
    rtc: Any = board.services["rtc"]
    return bytes(rtc.do_memory(None))


def read_account(kept: bytes) -> dict[str, Any]:
    """What the application noted of its cycle in RTC memory (utils/store.py); {} if nothing."""
    length, _, text = kept.partition(b" ")
    try:
        account = json.loads(text[: int(length)])
    except ValueError:
        return {}
    return account if isinstance(account, dict) else {}
