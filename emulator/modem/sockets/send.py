"""Sending: +SQNSSENDEXT (counted, any bytes) and +SQNSSEND (text up to Ctrl-Z).

OK means: taken into the modem's buffer. What becomes of it on air the host never learns.
Source: Sequans Monarch as TinyGSM, ST's driver, microATsocket and Walter use it.
"""

from __future__ import annotations

from emulator.modem.engine import (
    Args,
    CmeError,
    Command,
    Prompt,
    Result,
    at_most,
    integer,
    nothing,
    text,
)
from emulator.modem.family import Family
from emulator.modem.sockets.open import OpenSocket
from emulator.network.addresses import Endpoint, address_family, canonical

MOST_BYTES = 1500
SEND_TO_ANY = 2  # acceptAnyRemote


class Sending(Family):
    def commands(self) -> dict[str, Command]:
        table = {
            "+SQNSSENDEXT": Command(
                set=self._counted,
                test=f"+SQNSSENDEXT: (1-6),(1-{MOST_BYTES})"
                + (",(0-2)" if self.modem.options.rai != "absent" else ""),
            ),
            "+SQNSSEND": Command(set=self._text, test="+SQNSSEND: (1-6)"),
        }
        if self.modem.options.rai != "absent":  # no more data: 3GPP TS 27.007 10.1.30
            table["+CNMPSD"] = Command(execute=self._no_more, test=nothing)
        return table

    def _no_more(self) -> None:
        if self.modem.options.rai == "accepted":
            self.modem.radio.no_more()

    def _counted(self, args: Args) -> Result:
        """The errors come instead of the prompt."""
        at_most(args, 5)
        self.modem.sockets.slot(args)
        count = integer(args, 1, 1, MOST_BYTES)
        expected = self._release_assistance(args)
        socket = self._sendable(args)
        to = self._destination(args, socket)
        return Prompt(
            count,
            lambda data: self._accept(socket, data, to, expected),
            hex=bool(socket.slot.extended.send_hex),
        )

    def _text(self, args: Args) -> Result:
        at_most(args, 1)
        socket = self._sendable(args)
        return Prompt(None, lambda data: self._accept_text(socket, data), limit=MOST_BYTES)

    def _sendable(self, args: Args) -> OpenSocket:
        socket = self.modem.sockets.open_socket(args)
        if socket.half_closed:
            raise CmeError(3)
        return socket

    def _release_assistance(self, args: Args) -> int:
        """The field as far as it has an effect: builds of this modem refuse it (Monarch 2 takes 0
        to 2), and the network may ignore it."""
        if len(args) <= 2 or args[2] is None:
            return 0
        expected = integer(args, 2, 0, 2)
        if self.modem.options.rai == "absent":
            raise CmeError(50)
        return expected if self.modem.options.rai == "accepted" else 0

    def _destination(self, args: Args, socket: OpenSocket) -> Endpoint | None:
        if len(args) <= 3:
            return None
        host, port = canonical(text(args, 3)), integer(args, 4, 1, 65535)
        family = address_family(host)
        if family is None or socket.from_any != SEND_TO_ANY:
            raise CmeError(50)
        if family != address_family(socket.local[0]):
            raise CmeError(3)
        return host, port

    def _accept(
        self, socket: OpenSocket, data: bytes, to: Endpoint | None = None, expected: int = 0
    ) -> None:
        """The data are complete: take them, unless the socket closed meanwhile or is full."""
        if not socket.connected or not socket.send(data, to):
            raise CmeError(3)
        self.modem.radio.assist(expected)

    def _accept_text(self, socket: OpenSocket, data: bytes) -> None:
        if socket.slot.extended.send_hex:
            try:
                data = bytes.fromhex(data.decode("ascii"))
            except ValueError:  # UnicodeDecodeError is one
                raise CmeError(50) from None
        if data:
            self._accept(socket, data)
