"""The UARTs 0 and 1 of the device (2 is the LTE driver's), bit by bit where it matters.

What the device sends leaves its pin character by character at the baud rate, as a Symbol: a peer
reads it with a framing of its own and finds nothing sensible if speed or parity differ.

    serial.listen("P3", peer)        # told of all that leaves this pin: see Peer
    serial.arrive("P4", framing.symbol(0x41))    # one character has arrived, this instant
    serial.feed(1, b"...")           # a shortcut: bytes that are in the receive buffer at once
    serial.cable("P5", "P98", far)   # a whole cable on two pins: see Far

How the firmware treats both directions, with its surprises (FIFOs and flow control: uartport.py):

- `write` returns when the last character is in the FIFO of 128, not when it has been sent; with
  a single pin for both directions it waits. Where CTS lets nothing out for 5 ms it gives up.
- `wait_tx_done` says True as soon as the FIFO is empty: one character may still be on its way.
- `sendbreak(bits)` turns the line over for bits + 1 bit times, 32.767 ms at most (longer ones
  lose their upper bits), and returns afterwards.
- A character with wrong parity or without stop bit is delivered like any other.
- `read` busily waits `timeout_chars` times 11 bits for each character that is not there yet.
- Closing leaves transmit and RTS as outputs at 1; so does opening anew, for a moment. A reset of
  the ESP32 and deep sleep close nothing: the pads just lose their drive.

Source: Pycom firmware 1.20.2.r4 (machuart.c, modmachine.c), pycom-esp-idf
(components/driver/uart.c); the unit of the receive time-out: esp-idf, hal/uart_ll.h for the ESP32.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from emulator.board.board import SOFT_RESET, Board, Service
from emulator.board.constants import CODE, constant
from emulator.board.framing import Framing, Symbol
from emulator.board.pins import IN, OUT, PULL_UP
from emulator.board.uartport import FIFO_BYTES, Far, Peer, Port

# a character as the firmware counts it when it waits
_READ_BITS = constant(11, "bit", CODE, "1.20.2.r4 machuart.c")
# for room in the FIFO
_ROOM_US = constant(5000, "us", CODE, "1.20.2.r4 machuart.c, MACHUART_TX_MAX_TIMEOUT_MS")
_READ_ALL_BYTES = 256  # chunk of a read without a count
_BREAK_MASK_US = 0x7FFF
_FAILED = "the requested operation failed"


class Serial(Service):
    looks = frozenset({"any", "read", "readline"})

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.sent: dict[int, bytearray] = {0: bytearray(), 1: bytearray()}
        self._peers: dict[str, list[Peer]] = {}
        self._cables: list[tuple[str, str, Far]] = []
        self._open: dict[int, Port] = {}
        self._watched: set[str] = set()
        self._configuring = False

    # the outside

    def listen(self, pin: str, peer: Peer) -> None:
        """Have `peer` told what a UART sends from this pin."""
        self._peers.setdefault(pin, []).append(peer)

    def cable(self, tx: str, rx: str, far: Far) -> None:
        """Connect the far end of a cable with the pins of the board that transmit and receive."""
        self._cables.append((tx, rx, far))

    def arrive(self, pin: str, symbol: Symbol) -> None:
        """A character has just been received on this pin, if a UART is open there."""
        for port in self._open.values():
            if port.pins[1] == pin:
                port.arrive(bytes([port.framing.read(symbol)[0]]))

    def feed(self, uart_id: int, data: bytes) -> None:
        """Bytes are in the device's receive buffer, at once; what does not fit is lost."""
        if uart_id in self._open:
            self._open[uart_id].feed(data)

    def taken(self, pin: str) -> None:
        """The pin is routed to something else, which an open UART does not notice."""
        for port in self._open.values():
            for index, name in enumerate(port.pins):
                if name == pin:
                    port.pins[index] = None
                    self._listen_far(pin, None)

    def connected(self, uart_id: int) -> bool:
        """Anything outside hears it, or talks to it."""
        port = self._open.get(uart_id)
        return port is not None and bool(port.far or port.peers or port.ring)

    def on_reset(self, cause: int) -> None:
        for uart_id in list(self._open):
            if cause == SOFT_RESET:
                self.do_close(uart_id)
            else:
                self._end(uart_id)

    def on_sleep(self, duration_ms: int | None) -> None:
        for uart_id in list(self._open):
            self._end(uart_id)

    # the device

    def do_open(
        self, uart_id: int, baud: int, bits: int, parity: int | None, stop: float,
        timeout_chars: int, rx_bytes: int, tx: str | None, rx: str | None,
        rts: str | None = None, cts: str | None = None,
    ) -> None:  # fmt: skip
        self.do_close(uart_id)
        framing = Framing(baud, bits, parity, stop)
        pins = [tx, rx, rts, cts]
        port = Port(self.board, framing, pins, timeout_chars & 0x7F, rx_bytes)
        self._open[uart_id] = port
        port.peers = self._peers.setdefault(tx or "", [])
        port.far = next((far for pin, _, far in self._cables if pin == tx), None)
        self._set_up(port, tx, rx, rts, cts)
        self._listen_far(rx, port)
        console: Any = self.board.services.get("console")
        if console is not None and uart_id == 0:
            console.opened(tx, framing)

    def do_close(self, uart_id: int) -> None:
        port = self._open.get(uart_id)
        if port is None:
            return
        for name in {port.pins[0], port.pins[2]} - {None, port.pins[1]}:
            self._own(name, OUT, 1, pull=None)
        self._end(uart_id)

    def do_any(self, uart_id: int) -> int:
        return len(self._check(uart_id).ring)

    def do_read(self, uart_id: int, count: int) -> bytes:
        """Up to `count` bytes, or with -1 all until the line is silent."""
        port = self._check(uart_id)
        if count >= 0:
            return self._read(port, count)
        data = b""
        while True:
            chunk = self._read(port, _READ_ALL_BYTES)
            data += chunk
            if not chunk:
                return data

    def do_readline(self, uart_id: int, most: int = -1) -> bytes:
        port = self._check(uart_id)
        line = b""
        while not line.endswith(b"\n") and len(line) != most:
            character = self._read(port, 1)
            if not character:
                break
            line += character
        return line

    def do_write(self, uart_id: int, data: bytes) -> int:
        port = self._check(uart_id)
        self.sent[uart_id] += data
        left = bytes(data)
        while left:
            left = left[port.put(left) :]
            if left:
                self._wait_for_room(port)
        if port.pins[0] is not None and port.pins[0] == port.pins[1]:
            self._wait(port, 1_000_000_000)
        console: Any = self.board.services.get("console")
        if console is not None and uart_id == 0:
            console.written(data)
        return len(data)

    def do_wait_tx_done(self, uart_id: int, timeout_ms: int) -> bool:
        port = self._check(uart_id)
        if not port.waiting():
            return True  # the character being sent is not looked at
        self._wait(port, timeout_ms * 1000)
        return port.idle

    def do_send_break(self, uart_id: int, bits: int) -> None:
        port = self._check(uart_id)
        duration_us = (bits + 1) * 1_000_000 // port.framing.baud & _BREAK_MASK_US
        start_us = self.board.clock.now_us
        port.drop()  # characters on their way are turned over as well: nobody can read them
        self.board.spend_us(max(1, duration_us))
        for peer in port.peers:
            peer.space(start_us)

    # inside

    def _check(self, uart_id: int) -> Port:
        port = self._open.get(uart_id)
        if port is None:
            raise OSError("UART not Initialized!")
        return port

    def _end(self, uart_id: int) -> None:
        port = self._open.pop(uart_id)
        port.close()
        self._listen_far(port.pins[1], None)

    def _listen_far(self, rx: str | None, port: Port | None) -> None:
        for _, pin, far in self._cables:
            if pin == rx:
                far.listen(port)

    def _set_up(
        self, port: Port, tx: str | None, rx: str | None, rts: str | None, cts: str | None
    ) -> None:
        """Route the pins: outputs rest at 1, RTS shows 0, inputs have pull-ups."""
        pins: Any = self.board.services.get("pins")
        if pins is None:
            return
        if tx is not None and tx != rx:
            self._own(tx, OUT, 1, 1)
        if rx is not None:
            self._own(rx, IN, 1)
        if rts is not None:
            self._own(rts, OUT, 1, 0)
        if cts is not None:
            self._own(cts, IN, 1)
            port.clear = lambda: not pins.level(cts)
        for name in (tx, rx, rts, cts):
            if name is not None and name not in self._watched:
                self._watched.add(name)
                pins.on_use(name, partial(self._used, name))
                pins.on_drive(name, self._pump)

    def _own(
        self, name: str | None, mode: int, output: int, peripheral: int | None = None,
        pull: int | None = PULL_UP,
    ) -> None:  # fmt: skip
        pins: Any = self.board.services.get("pins")
        if pins is not None:
            self._configuring = True
            pins.own(name, mode, output, peripheral, pull)
            pins.use(name, "in" if mode == IN else "out")
            self._configuring = False

    def _pump(self) -> None:
        """CTS may have changed."""
        for port in self._open.values():
            port.pump()

    def _used(self, name: str, how: str) -> None:
        """A program sets up a pin of an open UART: an output loses its signal, an input that
        becomes an output or an ADC channel as well."""
        if self._configuring:
            return
        for port in self._open.values():
            if name in port.pins and (how != "in" or port.pins.index(name) in (0, 2)):
                self.taken(name)
        self._pump()

    def _wait_for_room(self, port: Port) -> None:
        """OSError if CTS keeps the FIFO full."""
        clock, board = self.board.clock, self.board
        if port.next_us() is None:
            clock.run_until(
                clock.now_us + _ROOM_US, lambda: port.next_us() is not None or board.halted()
            )
        next_us = port.next_us()
        board.raise_halt()
        if next_us is None:
            raise OSError(_FAILED)
        if port.waiting() >= FIFO_BYTES:
            board.spend_us(next_us)

    def _wait(self, port: Port, most_us: int) -> None:
        """Until all is sent, with the interpreter locked."""
        clock = self.board.clock
        clock.run_until(clock.now_us + most_us, lambda: port.idle or self.board.halted())
        self.board.raise_halt()

    def _read(self, port: Port, count: int) -> bytes:
        wait_us = port.timeout_chars * (_READ_BITS * 1_000_000 // port.framing.baud) + 1
        data = b""
        while len(data) < count:
            if not port.ring:
                clock = self.board.clock
                clock.run_until(clock.now_us + wait_us, lambda: bool(port.ring))
                self.board.spend_us(0)  # the program may have been ended meanwhile
            if not port.ring:
                break
            data += port.take(count - len(data))
            self.board.polling.restart()
        return data
