"""Opening and closing sockets: +SQNSD, +SQNSO, +SQNSH, and their state: +SQNSS, +SQNSI.

UDP is "dialled" without a packet on air; TCP answers when the other side has, OK in command mode,
CONNECT in online mode, NO CARRIER when nobody does or nobody listens there.
Source: Sequans Monarch (LR5, LR6): up to 8 parameters, the asynchronous dial is a later modem's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.board.constants import DATA_SHEET, ESTIMATE, constant
from emulator.modem.commands.lookup import look_up
from emulator.modem.engine import (
    Args,
    CmeError,
    Command,
    Final,
    Pending,
    Result,
    at_most,
    integer,
    text,
)
from emulator.modem.family import Family
from emulator.modem.sockets.open import OpenSocket, Slot
from emulator.network.addresses import address_family, canonical
from emulator.network.datagrams import Datagrams
from emulator.network.streams import Stream

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

TCP, UDP = 0, 1
CLOSURES = (0, 1, 255)
DIAL_MS = constant((20.0, 60.0), "ms", ESTIMATE, "no source found")
DEFAULT_CONNECT_DS = constant(600, "ds", DATA_SHEET, "Sequans AT+SQNSCFG, connection time-out")
NO_CARRIER = "NO CARRIER"


class Dialling(Family):
    def commands(self) -> dict[str, Command]:
        return {
            "+SQNSD": Command(
                set=self._dial,
                test="+SQNSD: (1-6),(0,1),(1-65535),,(0,1,255),(0-65535),(0,1),(0-2)",
                latency_ms=DIAL_MS,
            ),
            "+SQNSO": Command(set=self._resume, test="+SQNSO: (1-6)"),
            "+SQNSH": Command(set=self._hang_up, test="+SQNSH: (1-6)"),
            "+SQNSS": self._shown("+SQNSS", self._state),
            "+SQNSI": self._shown("+SQNSI", self._counters),
        }

    def _shown(self, name: str, line: Callable[[Slot], str]) -> Command:
        """A command that shows one connection id, or all of them."""
        sockets = self.modem.sockets

        def show_all() -> Result:
            return [line(slot) for slot in sockets.slots]

        return Command(
            set=lambda args: [line(sockets.slot(args))],
            read=show_all,
            execute=show_all,
            test=f"{name}: (1-6)",
        )

    def on_pdn_down(self, cid: int) -> None:
        """CFUN=0 or 4, a detach, +CGACT=0: each ends the PDN connections first."""
        self.modem.sockets.drop(cid)

    def on_reset(self) -> None:
        self.modem.sockets.reset()

    # opening

    def _dial(self, args: Args) -> Result:
        at_most(args, 8)
        slot = self.modem.sockets.slot(args)
        dial = _Dial(
            self.modem,
            slot,
            tcp=integer(args, 1, TCP, UDP) == TCP,
            port=integer(args, 2, 1, 65535),
            host=canonical(text(args, 3)),
            closure=integer(args, 4, 0, 255, 0),
            local_port=integer(args, 5, 0, 65535, 0),
            online=integer(args, 6, 0, 1, 0) == 0,
            from_any=integer(args, 7, 0, 2, 0),
        )
        if not dial.host or dial.closure not in CLOSURES:
            raise CmeError(50)
        if slot.socket is not None:
            raise CmeError(3)
        return dial.start()

    def _resume(self, args: Args) -> Result:
        at_most(args, 1)
        self.modem.sockets.open_socket(args).online.enter()
        return Final("CONNECT")

    # closing

    def _hang_up(self, args: Args) -> Result:
        """OK for a closed id as well, as most builds have it."""
        at_most(args, 1)
        slot = self.modem.sockets.slot(args)
        slot.leftover.clear()
        if slot.socket is None:
            return None
        pending = Pending()
        slot.socket.close(pending.finish)
        return pending

    # state

    def _state(self, slot: Slot) -> str:
        socket = slot.socket
        if socket is None:
            return f"+SQNSS: {slot.number},0"
        host, port = socket.remote or ("0.0.0.0" if ":" not in socket.local[0] else "::", 0)
        ends = f'"{socket.local[0]}",{socket.local[1]},"{host}",{port}'
        return f"+SQNSS: {slot.number},{socket.shown_state},{ends}"

    def _counters(self, slot: Slot) -> str:
        socket = slot.socket
        if socket is None:
            return f"+SQNSI: {slot.number},0,0,{len(slot.leftover)},0"
        socket.ask()
        waiting = socket.flow.pending if isinstance(socket.flow, Stream) else 0
        return f"+SQNSI: {slot.number},{socket.sent},{socket.received},{socket.unread},{waiting}"


@dataclass
class _Dial:
    """One +SQNSD: the name is resolved if it is one, then the socket opens."""

    modem: Modem
    slot: Slot
    tcp: bool
    port: int
    host: str
    closure: int
    local_port: int
    online: bool
    from_any: int
    pending: Pending = field(default_factory=Pending)
    families: list[str] = field(default_factory=list)  # still to be tried

    def start(self) -> Result:
        addresses = self.modem.sockets.addresses(self.slot)
        family = address_family(self.host)
        if family is None:
            self.families = sorted(addresses)
            self._look_up()
            return self.pending
        if family not in addresses:
            if self.tcp:
                return Final(NO_CARRIER)
            raise CmeError(3)
        return self._open(family, self.host)

    def _look_up(self) -> None:
        """Try the address families of the PDN connection in turn."""
        if not self.families:
            self.pending.finish(final=NO_CARRIER)
            return
        family = self.families.pop(0)

        def found(addresses: list[str]) -> None:
            if not addresses:
                self._look_up()
            elif family not in self.modem.pdn_addresses(self.slot.basic.cid):
                self.pending.finish(final=NO_CARRIER)
            elif not self.pending.cancelled:
                result = self._open(family, addresses[0])
                if isinstance(result, Final):
                    self.pending.finish(final=result.code)

        look_up(self.modem, self.host, family, found)

    def _open(self, family: str, address: str) -> Result:
        local = self.modem.sockets.addresses(self.slot)[family]
        port = 0 if self.tcp else self.local_port
        port = port or self.modem.sockets.ephemeral_port()
        socket = OpenSocket(self.modem, self.slot, (local, port))
        socket.remote = (address, self.port)
        socket.from_any = 0 if self.tcp else self.from_any
        socket.stays_open = self.closure != 0
        routes, radio = self.modem.routes, self.modem.radio
        if self.tcp:
            stream = Stream(routes, radio, family, socket.on_data, socket.on_closed)
            socket.flow = stream
            self._connect(socket, stream)
            return self.pending
        socket.flow = Datagrams(routes, radio, family, socket.on_datagram)
        return self._opened(socket)

    def _opened(self, socket: OpenSocket) -> Final:
        socket.open(self.online)
        return Final("CONNECT" if self.online else "OK")

    def _connect(self, socket: OpenSocket, stream: Stream) -> None:
        def result(state: str) -> None:
            socket.on_drop = lambda: None
            if state == "connected":
                self.pending.finish(final=self._opened(socket).code)
            else:
                socket.drop()
                self.pending.finish(final=NO_CARRIER)

        socket.on_drop = lambda: self.pending.finish(final=NO_CARRIER)
        timeout_ms = 100 * (self.slot.basic.connect_ds or DEFAULT_CONNECT_DS)
        assert socket.remote is not None
        stream.connect(*socket.remote, timeout_ms, result)
