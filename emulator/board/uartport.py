"""One UART of the ESP32 that is open: its two FIFOs, its ring, and the lines that hold each side.

To send: characters enter a FIFO of 128 and leave it at the baud rate while CTS is low (always,
without such a pin). To receive: characters wait in a FIFO until 120 are there or the line is
silent, and go to the ring from there. RTS is high from 64 characters in the FIFO on, so that they
come in runs of 64. A full ring leaves one load of the FIFO aside and reads no more: with RTS the
other side waits, without it the FIFO overflows, and what is in it is lost without a sign.
Source: Pycom firmware 1.20.2.r4 (machuart.c), pycom-esp-idf 3.3.1 (components/driver/uart.c).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from emulator.board.board import Board
from emulator.board.clock import Event
from emulator.board.constants import CODE, constant
from emulator.board.framing import Framing, Symbol

FIFO_BYTES = 128
FIFO_FULL = 120  # characters at which the driver empties the receive FIFO
RTS_BYTES = 64  # characters in it at which RTS rises
# unit of the receive time-out
SILENCE_BITS = constant(8, "bit", CODE, "1.20.2.r4 machuart.c")


class Peer(Protocol):
    """What hangs on a pin that transmits. Both are told at the end of what they tell of."""

    def character(self, symbol: Symbol, start_us: int) -> None: ...
    def space(self, start_us: int) -> None:
        """The line was 0 from `start_us` to now, for longer than a character may be."""


class Far(Protocol):
    """The far end of a whole cable, which is told of runs of characters instead of each one."""

    def hear(self, data: bytes, framing: Framing) -> None:
        """These have just arrived, one right after the other."""

    def listen(self, port: Port | None) -> None:
        """Talk to this port from now on; None: to nobody."""


class Port:
    """`pins`: transmit, receive, RTS, CTS; a pin that a program took from it becomes None."""

    def __init__(
        self,
        board: Board,
        framing: Framing,
        pins: list[str | None],
        timeout_chars: int,
        limit: int,
    ) -> None:
        self._board = board
        self.framing = framing
        self.pins = pins
        self.timeout_chars = timeout_chars
        self._limit = limit
        self.clear: Callable[[], bool] = lambda: True  # CTS as it is
        self.peers: list[Peer] = []
        self.far: Far | None = None
        self.ring = bytearray()
        self.on_ready: Callable[[], None] = lambda: None  # RTS has fallen again
        self._sending: tuple[int, bytes, Event] | None = None  # since when, what, its end
        self._queue = bytearray()  # in the FIFO, behind those being sent
        self._fifo = bytearray()
        self._aside = b""
        self._silence: Event | None = None

    # sending

    @property
    def idle(self) -> bool:
        """Nothing is left to be sent."""
        return self._sending is None and not self._queue

    def waiting(self) -> int:
        """Characters in the transmit FIFO that have not begun to leave."""
        return len(self._queue) + self._unsent()

    def next_us(self) -> int | None:
        """Until the next character begins to leave; None: CTS keeps them all."""
        if self._sending is None:
            return None
        passed_us = self._board.clock.now_us - self._sending[0]
        return self.framing.char_us - passed_us % self.framing.char_us

    def put(self, data: bytes) -> int:
        """Take of `data` what the FIFO has room for; the number of characters taken."""
        taken = data[: FIFO_BYTES - self.waiting() + self._shifts()]
        self._queue += taken
        self.pump()
        return len(taken)

    def pump(self) -> None:
        """Send what may be sent: also when CTS may have changed."""
        if not self.clear():
            self._stop()
        elif self._sending is None and self._queue:
            count = 1 if self.peers else len(self._queue)
            run = bytes(self._queue[:count])
            del self._queue[:count]
            self._send(run, self._board.clock.now_us)

    def drop(self) -> None:
        """Lose what has not arrived."""
        if self._sending is not None:
            self._sending[2].cancel()
        self._sending = None
        self._queue.clear()

    def close(self) -> None:
        self.drop()
        if self._silence is not None:
            self._silence.cancel()

    def _shifts(self) -> int:
        """Room for the character that leaves the FIFO as soon as it has entered it."""
        return int(self.idle and self.clear())

    def _unsent(self) -> int:
        if self._sending is None:
            return 0
        start_us, run, _ = self._sending
        begun = 1 + (self._board.clock.now_us - start_us) // self.framing.char_us
        return max(0, len(run) - begun)

    def _send(self, run: bytes, start_us: int) -> None:
        clock = self._board.clock
        end_us = start_us + len(run) * self.framing.char_us
        self._sending = start_us, run, clock.schedule(end_us - clock.now_us, self._sent)

    def _sent(self) -> None:
        assert self._sending is not None
        start_us, run, _ = self._sending
        self._sending = None
        if self.pins[0] is not None:
            for peer in self.peers:
                peer.character(self.framing.symbol(run[0]), start_us)
            if self.far is not None:
                self.far.hear(run, self.framing)
        self.pump()

    def _stop(self) -> None:
        """CTS is high: the character on its way goes out, the others stay."""
        count = self._unsent()
        if count and self._sending is not None:
            start_us, run, event = self._sending
            event.cancel()
            self._queue[:0] = run[-count:]
            self._send(run[:-count], start_us)

    # receiving

    @property
    def run_bytes(self) -> int:
        """How many characters come in a row before the FIFO is emptied."""
        return RTS_BYTES if self.pins[2] is not None else FIFO_FULL

    @property
    def ready(self) -> bool:
        """RTS lets the other side talk."""
        return self.pins[2] is None or not self._aside and len(self._fifo) < RTS_BYTES

    def arrive(self, characters: bytes) -> None:
        """The last of these has just been received."""
        self._fifo += characters
        if len(self._fifo) > FIFO_BYTES:
            del self._fifo[:]
        if self._silence is not None:
            self._silence.cancel()
        if len(self._fifo) >= FIFO_FULL:
            self._empty()
            return
        bits = SILENCE_BITS * max(1, self.timeout_chars)
        self._silence = self._board.clock.schedule(
            bits * 1_000_000 // self.framing.baud, self._empty
        )

    def feed(self, data: bytes) -> None:
        """Into the ring at once; what does not fit is lost."""
        self.ring += data[: max(0, self._limit - len(self.ring))]

    def take(self, count: int) -> bytes:
        """Read from the ring."""
        data = bytes(self.ring[:count])
        del self.ring[: len(data)]
        if self._aside and len(self._aside) <= self._limit - len(self.ring):
            self.ring += self._aside
            self._aside = b""
            self._empty()
            self._board.clock.schedule(0, self.on_ready)
        return data

    def _empty(self) -> None:
        """Have the driver fetch what is in the FIFO."""
        if self._aside or not self._fifo:
            return
        load = bytes(self._fifo)
        self._fifo.clear()
        if len(load) > self._limit - len(self.ring):
            self._aside = load
            return
        self.ring += load
        self._board.clock.schedule(0, self.on_ready)
