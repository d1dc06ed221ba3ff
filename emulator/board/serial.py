"""The UARTs 0 and 1 of the device (2 is the modem's), bit by bit where it matters.

What the device sends leaves its pin character by character at the baud rate, as a Symbol: a peer
reads it with a framing of its own and finds nothing sensible if speed or parity differ.

    serial.listen("P3", peer)        # told of all that leaves this pin: see Peer
    serial.arrive("P4", framing.symbol(0x41))    # one character has arrived, this instant
    serial.feed(1, b"...")           # a shortcut: bytes that are in the receive buffer at once

How the firmware treats both directions, with its surprises:

- `write` returns when the last character is in the FIFO of 128, not when it has been sent; with
  a single pin for both directions it waits.
- `wait_tx_done` says True as soon as the FIFO is empty: one character may still be on its way.
- `sendbreak(bits)` turns the line over for bits + 1 bit times, 32.767 ms at most (longer ones
  lose their upper bits), and returns afterwards.
- What arrives stays in the receive FIFO until 120 characters are in it or the line has been silent
  for `timeout_chars` times 8 bits; only then do `any` and `read` see it.
- A character with wrong parity or without stop bit is delivered like any other.
- `read` busily waits `timeout_chars` times 11 bits for each character that is not there yet.

Source: Pycom firmware 1.20.2.r4 (machuart.c), pycom-esp-idf (components/driver/uart.c); the unit
of the receive time-out: esp-idf, hal/uart_ll.h for the ESP32.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from emulator.board.board import Board, Service
from emulator.board.clock import Event
from emulator.board.constants import CODE, constant
from emulator.board.framing import Framing, Symbol

FIFO_BYTES = 128
_FIFO_FULL = 120  # characters at which the driver empties the receive FIFO
# unit of the receive time-out
_SILENCE_BITS = constant(8, "bit", CODE, "1.20.2.r4 machuart.c")
# a character as the firmware counts it when it waits
_READ_BITS = constant(11, "bit", CODE, "1.20.2.r4 machuart.c")
_READ_ALL_BYTES = 256  # chunk of a read without a count
_BREAK_MASK_US = 0x7FFF


class Peer(Protocol):
    """What hangs on a pin that transmits. Both are told at the end of what they tell of."""

    def character(self, symbol: Symbol, start_us: int) -> None: ...
    def space(self, start_us: int) -> None:
        """The line was 0 from `start_us` to now, for longer than a character may be."""


@dataclass
class _Port:
    """One UART that is open."""

    framing: Framing
    tx: str | None
    rx: str | None
    timeout_chars: int
    limit: int
    free_us: int = 0  # when the last character given to it will have been sent
    leaving: list[tuple[int, Event]] = field(default_factory=list)  # (start, its delivery)
    fifo: bytearray = field(default_factory=bytearray)
    silence: Event | None = None


class Serial(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.received: dict[int, bytearray] = {0: bytearray(), 1: bytearray()}
        self.sent: dict[int, bytearray] = {0: bytearray(), 1: bytearray()}
        self._peers: dict[str, list[Peer]] = {}
        self._open: dict[int, _Port] = {}

    # the outside

    def listen(self, pin: str, peer: Peer) -> None:
        """Have `peer` told what a UART sends from this pin."""
        self._peers.setdefault(pin, []).append(peer)

    def arrive(self, pin: str, symbol: Symbol) -> None:
        """A character has just been received on this pin, if a UART is open there."""
        for uart_id, port in self._open.items():
            if port.rx == pin:
                port.fifo.append(port.framing.read(symbol)[0])
                self._settle(uart_id, port)

    def feed(self, uart_id: int, data: bytes) -> None:
        """Bytes are in the device's receive buffer, at once; what does not fit is lost."""
        port = self._open.get(uart_id)
        ring = self.received[uart_id]
        ring += data[: max(0, (port.limit if port else 4096) - len(ring))]

    def on_reset(self, cause: int) -> None:
        for uart_id in list(self._open):
            self.do_close(uart_id)
        for ring in self.received.values():
            ring.clear()

    # the device

    def do_open(
        self, uart_id: int, baud: int, bits: int, parity: int | None, stop: float,
        timeout_chars: int, rx_bytes: int, tx: str | None, rx: str | None,
    ) -> None:  # fmt: skip
        self.do_close(uart_id)
        framing = Framing(baud, bits, parity, stop)
        self._open[uart_id] = _Port(framing, tx, rx, timeout_chars & 0x7F, rx_bytes)
        pins: Any = self.board.services.get("pins")
        if pins is not None and tx is not None and tx != rx:
            pins.do_init(tx, 2, 1, 1)  # an output that rests at 1
        if pins is not None and rx is not None:
            pins.do_init(rx, 1, 1, None)  # an input with pull-up

    def do_close(self, uart_id: int) -> None:
        port = self._open.pop(uart_id, None)
        if port is None:
            return
        self._drop(port)
        if port.silence is not None:
            port.silence.cancel()
        self.received[uart_id].clear()

    def do_any(self, uart_id: int) -> int:
        self._check(uart_id)
        return len(self.received[uart_id])

    def do_read(self, uart_id: int, count: int) -> bytes:
        """Up to `count` bytes, or with -1 all until the line is silent."""
        port = self._check(uart_id)
        if count >= 0:
            return self._read(uart_id, port, count)
        data = b""
        while True:
            chunk = self._read(uart_id, port, _READ_ALL_BYTES)
            data += chunk
            if not chunk:
                return data

    def do_readline(self, uart_id: int, most: int = -1) -> bytes:
        port = self._check(uart_id)
        line = b""
        while not line.endswith(b"\n") and len(line) != most:
            character = self._read(uart_id, port, 1)
            if not character:
                break
            line += character
        return line

    def do_write(self, uart_id: int, data: bytes) -> int:
        port = self._check(uart_id)
        clock = self.board.clock
        char_us = port.framing.char_us
        port.leaving = [each for each in port.leaving if each[0] + char_us > clock.now_us]
        self.sent[uart_id] += data
        for value in data:
            start_us = max(clock.now_us, port.free_us)
            port.free_us = start_us + char_us
            tell = partial(self._tell, port, port.framing.symbol(value), start_us)
            port.leaving.append((start_us, clock.schedule(port.free_us - clock.now_us, tell)))
        fits_us = 0 if port.tx == port.rx else char_us * (FIFO_BYTES + 1)
        self.board.spend_us(port.free_us - fits_us - clock.now_us)
        return len(data)

    def do_wait_tx_done(self, uart_id: int, timeout_ms: int) -> bool:
        port = self._check(uart_id)
        now_us = self.board.clock.now_us
        if not any(start_us > now_us for start_us, _ in port.leaving):
            return True  # nothing in the FIFO: the character being sent is not looked at
        left_us = port.free_us - now_us
        self.board.spend_us(min(left_us, timeout_ms * 1000))
        return left_us <= timeout_ms * 1000

    def do_send_break(self, uart_id: int, bits: int) -> None:
        port = self._check(uart_id)
        duration_us = (bits + 1) * 1_000_000 // port.framing.baud & _BREAK_MASK_US
        start_us = self.board.clock.now_us
        self._drop(port)  # characters on their way are turned over as well: nobody can read them
        self.board.spend_us(max(1, duration_us))
        for peer in self._peers.get(port.tx or "", ()):
            peer.space(start_us)

    # inside

    def _check(self, uart_id: int) -> _Port:
        port = self._open.get(uart_id)
        if port is None:
            raise OSError("UART not Initialized!")
        return port

    def _drop(self, port: _Port) -> None:
        for _, event in port.leaving:
            event.cancel()
        port.leaving.clear()

    def _tell(self, port: _Port, symbol: Symbol, start_us: int) -> None:
        for peer in self._peers.get(port.tx or "", ()):
            peer.character(symbol, start_us)

    def _settle(self, uart_id: int, port: _Port) -> None:
        """Empty the receive FIFO if it is full, else after a silence."""
        if port.silence is not None:
            port.silence.cancel()
        if len(port.fifo) >= _FIFO_FULL:
            self._empty(uart_id, port)
            return
        bits = _SILENCE_BITS * max(1, port.timeout_chars)
        port.silence = self.board.clock.schedule(
            bits * 1_000_000 // port.framing.baud, lambda: self._empty(uart_id, port)
        )

    def _empty(self, uart_id: int, port: _Port) -> None:
        self.feed(uart_id, bytes(port.fifo))
        port.fifo.clear()

    def _read(self, uart_id: int, port: _Port, count: int) -> bytes:
        ring = self.received[uart_id]
        wait_us = port.timeout_chars * (_READ_BITS * 1_000_000 // port.framing.baud) + 1
        data = b""
        while len(data) < count:
            if not ring:
                clock = self.board.clock
                clock.run_until(clock.now_us + wait_us, lambda: bool(ring))
                self.board.spend_us(0)  # the program may have been ended meanwhile
            if not ring:
                break
            chunk = bytes(ring[: count - len(data)])
            del ring[: len(chunk)]
            data += chunk
        return data
