"""The driver's AT reader: how one command is sent and how its answer is collected.

Every quirk here is visible to Python code on a real board: what waits in the receive ring is
dropped before a command, the timeout bounds the first byte only, an answer that does not end in
one of four known ways costs a second more, a long answer is handed over in pieces.
Source: Pycom firmware 1.20.2.r4, esp32/lte/lteppp.c (lteppp_send_at_cmd_exp, lteppp_wait_at_rsp).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.board.board import Board, fail
from emulator.board.constants import CODE, constant
from emulator.driver.task import FOREVER_MS, NeverReturns, Procedure, Wait
from emulator.modem.uart import Uart, traceable

PIECE_BYTES = 2046  # the 2048-byte buffer less its last two bytes
# (2048 + 1) characters of 12 bits at 921600 baud, whatever the baud rate is
TAIL_TICKS = constant(
    26, "ms", CODE, "1.20.2.r4 lteppp.c: 2049 characters of 12 bits at 921600 baud"
)
GRACE_POLLS = constant(10, "poll", CODE, "1.20.2.r4 lteppp.c, lteppp_wait_at_rsp")
GRACE_TICKS = constant(100, "ms", CODE, "1.20.2.r4 lteppp.c, lteppp_wait_at_rsp")
AFTER_SEND_TICKS = constant(2, "ms", CODE, "1.20.2.r4 lteppp.c, lteppp_send_at_cmd_exp")
SLICE_TICKS = 60_000  # of a wait without limit
COLLECT_ONLY = b"Pycom_Dummy"  # a text with this in it is not sent
ESCAPE = b"+++"
ENDINGS = (b"\r\nOK\r\n", b"\r\nERROR\r\n", b"+SYSSTART", b"\r\nCONNECT\r\n")


@dataclass(frozen=True)
class Answer:
    """What was collected. `found`: the awaited text is in it; `remaining`: more is waiting."""

    raw: bytes = b""
    found: bool = False
    remaining: bool = False

    @property
    def text(self) -> bytes:
        """What C string functions see of it: up to the first NUL."""
        return c_string(self.raw)


def c_string(data: bytes) -> bytes:
    return data.split(b"\0", 1)[0]


class AtReader:
    """Sends and collects over the modem's UART; counts what it transmits."""

    def __init__(self, board: Board, uart: Uart) -> None:
        self._board = board
        self._uart = uart
        self.exchanges = 0  # every command line, escape sequence and payload line
        self.on_answer: Callable[[bytes, bytes], None] = lambda command, text: None

    def exchange(
        self,
        command: bytes,
        timeout_ms: int,
        expected: bytes | None = None,
        pieces: tuple[bytes, ...] = (),
        split: bool = True,
    ) -> Procedure[Answer]:
        """Send `command` and collect the answer; `pieces` go out before it, without a CR."""
        whole = b"".join(pieces) + command
        if COLLECT_ONLY in c_string(whole):
            return (yield from self.collect(timeout_ms, expected, split))
        self.exchanges += 1
        for piece in pieces:
            if piece.startswith(b"AT"):
                self._uart.flush()
            yield from self._transmit(piece)
            yield Wait(ticks=AFTER_SEND_TICKS)  # the task fetches the next piece
        self._uart.flush()
        line = command if c_string(command) == ESCAPE else command + b"\r"
        yield from self._transmit(line)
        yield Wait(ticks=AFTER_SEND_TICKS)
        answer = yield from self.collect(timeout_ms, expected, split)
        self.on_answer(whole, answer.text)
        return answer

    def collect(
        self, timeout_ms: int, expected: bytes | None = None, split: bool = True
    ) -> Procedure[Answer]:
        """Wait for the first byte, then read until the answer looks complete.

        timeout_ms: for the first byte; 0 waits for ever. `expected` ends the wait as soon as it
        has come. `split`: hand over at 2046 bytes and say that more remains.
        """
        yield from self._first_byte(timeout_ms)
        text = bytearray()
        waiting = self._uart.waiting()
        while waiting > 0:
            got = yield from self._read(PIECE_BYTES - len(text))
            if not got:
                break
            text += got
            if expected is not None and expected in c_string(bytes(text)):
                return Answer(bytes(text), found=True)
            waiting = self._uart.waiting()
            if len(text) + waiting < PIECE_BYTES and waiting == 0:
                waiting = yield from self._grace(bytes(text))
            if split and len(text) + waiting >= PIECE_BYTES:
                return Answer(bytes(text), remaining=True)
        return Answer(bytes(text))

    def _first_byte(self, timeout_ms: int) -> Procedure[None]:
        if timeout_ms:
            yield Wait(ticks=timeout_ms, until=self._has_bytes)
            return
        for _ in range(FOREVER_MS // SLICE_TICKS):
            yield Wait(ticks=SLICE_TICKS, until=self._has_bytes)
            if self._has_bytes():
                return
        raise fail(
            self._board,
            NeverReturns("send_at_cmd(..., timeout=0) waits for ever for a byte from the modem"),
        )

    def _read(self, count: int) -> Procedure[bytes]:
        """Up to `count` bytes; a gap of 26 ms ends it, so each answer costs that much."""
        got = bytearray()
        while len(got) < count:
            if not self._has_bytes():
                yield Wait(ticks=TAIL_TICKS, until=self._has_bytes)
                if not self._has_bytes():
                    break
            got += self._uart.read(count - len(got))
        return bytes(got)

    def _grace(self, text: bytes) -> Procedure[int]:
        """The silence loop: up to 10 x 100 ms unless `text` holds one of the known endings."""
        if any(ending in c_string(text) for ending in ENDINGS):
            return 0
        waiting = 0
        for _ in range(GRACE_POLLS):
            waiting = self._uart.waiting()  # looked at before the sleep, as the firmware does
            yield Wait(ticks=GRACE_TICKS)
            if waiting:
                break
        return waiting

    def _transmit(self, data: bytes) -> Procedure[None]:
        """Put `data` on the wire. Done here rather than by Uart.write, which spends device time:
        the modem task transmits while the device is busy elsewhere."""
        self._uart.host_bytes += len(data)
        self._board.trace.add_bytes("at>", traceable(data))
        yield Wait(us=max(1, self._uart.byte_time_us(len(data))))
        self._uart.deliver(data)

    def _has_bytes(self) -> bool:
        return self._uart.waiting() > 0
