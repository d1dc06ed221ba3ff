"""The AT session: bytes of the host in, lines out of them, one execution at a time.

Bytes that arrive while a command is being executed wait in the input: that is why the answers of
impatient hosts come late and in order. With `second_line` = "lost" they end that command instead
(ITU-T V.250 5.6.1), and their own line is lost. Echo happens when a byte is taken from the input.
What has no CR stays in the line buffer (a stray "+++"), which spoils the next command once.

Source: ITU-T V.250 5.2; observed Monarch behaviour (docs/emulation.md).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from emulator.board.board import Board
from emulator.modem import errors
from emulator.modem.command_faults import Crash, Mute, from_faults
from emulator.modem.dataport import DataPort
from emulator.modem.engine import CmeError, Command, Prompt, Result
from emulator.modem.execution import Execution
from emulator.modem.output import Output

CR, LF, BACKSPACE, ESCAPE, CTRL_Z = 0x0D, 0x0A, 0x08, 0x1B, 0x1A
LINE_LIMIT = 4096  # longer lines are refused as a whole
_PLAIN = re.compile(rb"[^\r\n\x08/]+")  # what an editor of lines only puts into one


class Session:
    def __init__(
        self, board: Board, output: Output, second_line: str = "queued", prompt_ms: int = 0
    ) -> None:
        """prompt_ms: the data of a prompt have to be complete by then; 0: never."""
        self.board = board
        self._prompt_ms = prompt_ms
        self.output = output
        self._aborts = second_line == "lost"
        self._losing = False  # the rest of a line that ended another
        self.answering = ""  # the command that is executed, the last one between two
        self._drawn: Counter[str] = Counter()  # delays, by what they were for
        self.commands: dict[str, Command] = {}
        self.cmee: Callable[[], int] = lambda: 0
        self.ready: Callable[[], bool] = lambda: True  # False: bytes wait (the modem wakes up)
        self.on_accept: Callable[[], None] = lambda: None  # a command line is being accepted
        self.on_fault: Callable[[Mute | Crash], None] = lambda fault: None
        self.data = DataPort(board, output, self._back_to_commands)
        self.echo = True
        self.quiet = False
        self.glue = b""
        self._input = bytearray()
        self._line = bytearray()
        self._last_line = ""
        self._execution: Execution | None = None
        self._prompt: _Entry | None = None

    @property
    def busy(self) -> bool:
        return self._execution is not None

    @property
    def asks(self) -> bool:
        """A prompt stands: what comes is payload."""
        return self._prompt is not None

    def command(self, name: str) -> Command:
        found = self.commands.get(name)
        if found is None:
            raise CmeError(4)
        return found

    def reset(self) -> None:
        """Everything of this session is lost; nobody gets an answer to what was asked."""
        if self._execution is not None:
            self._execution.cancel()
        self._execution = self._prompt = None
        self._losing = False
        self._input.clear()
        self._line.clear()
        self.glue = b""
        self.echo, self.quiet, self.output.verbose = True, False, True
        self.data.drop()
        self.output.clear()

    # input

    def feed(self, data: bytes) -> None:
        if self.data.active:
            self.data.feed(data)
            return
        self._input += data
        self.pump()

    def pump(self) -> None:
        """Take from the input as long as somebody there can use it."""
        echo = bytearray()
        while self._input and self.ready() and not self.data.active:
            if self._prompt is not None:
                entry = self._prompt
                taken = entry.take(bytes(self._input))
                del self._input[:taken]
                if entry.complete:
                    self._entered(entry)
                continue
            if self.busy and not self._aborts:
                break
            if self.busy or self._losing:
                self._abort(self._input.pop(0))
                continue
            if plain := _PLAIN.match(self._input):
                run = plain[0]
                del plain, self._input[: len(run)]
                self._line += run[: max(0, LINE_LIMIT + 1 - len(self._line))]
                if self.echo:
                    echo += run
                continue
            byte = self._input.pop(0)
            if byte == LF and not self._line:
                continue  # the LF of CR LF, or an empty line
            if self.echo:
                echo.append(byte)
            if self._edit(byte):
                self.output.answer(bytes(echo))
                echo.clear()
                self._run()
        self.output.answer(bytes(echo))

    def _abort(self, byte: int) -> None:
        """Drop a byte of a line that comes too early. An empty line does no harm."""
        self._losing = byte not in (CR, LF)
        if self._losing and self._execution is not None:
            self._execution.abort()

    def _edit(self, byte: int) -> bool:
        """Put one byte into the line; True when the line is complete."""
        if byte in (CR, LF):
            return True
        if byte == BACKSPACE:
            del self._line[-1:]
        elif len(self._line) <= LINE_LIMIT:
            self._line.append(byte)
        return bytes(self._line).upper() == b"A/"

    def _run(self) -> None:
        text = self._line.decode("latin-1").strip()
        self._line.clear()
        if text.upper() == "A/":
            text = self._last_line
        if not text:
            return
        self._last_line = text
        self.on_accept()
        changes = from_faults(self.board.faults.due("command", text))
        for fault in changes.later:
            self.on_fault(fault)
        if changes.swallow:
            return
        body, garbage = text[2:], text[:2].upper() != "AT" or len(text) > LINE_LIMIT
        self._execution = Execution(self, body, changes)
        self._execution.start(garbage)

    # prompts

    def ask(self, prompt: Prompt, execution: Execution) -> None:
        execution.say(b"\r\n> ")
        self.output.hold("prompt")
        entry = self._prompt = _Entry(prompt, execution)
        if self._prompt_ms:
            self.board.clock.schedule_ms(self._prompt_ms, lambda: self._give_up(entry))
        if prompt.count == 0:
            self._entered(self._prompt)
        else:
            self.pump_later()

    def _give_up(self, entry: _Entry) -> None:
        if self._prompt is entry:
            self._prompt = None
            self.output.release("prompt")
            entry.execution.abort()

    def _entered(self, entry: _Entry) -> None:
        self._prompt = None
        self.output.release("prompt")
        low, high = entry.prompt.answer_ms

        def answer() -> None:
            if self._execution is entry.execution:
                entry.execution.resume(entry.answer)

        self.board.clock.schedule_ms(self.delay_ms((low, high)), answer)

    # answers

    def delay_ms(self, bounds_ms: tuple[float, float]) -> float:
        """Draw a delay of the command that is executed.

        It depends on this command and on how often it came, not on others in between: two hosts
        that send different commands get the same delays where they send the same ones.
        """
        what = self.answering
        self._drawn[what] += 1
        rng = self.board.rng(f"modem/latency/{what}/{self._drawn[what]}")
        return rng.uniform(*bounds_ms)

    def take_glue(self) -> bytes:
        glue, self.glue = self.glue, b""
        return glue

    def final_bytes(self, code: str) -> bytes:
        if self.quiet:
            return b""
        if self.output.verbose:
            return f"\r\n{code}\r\n".encode("latin-1")
        return (errors.NUMERIC.get(code, code) + "\r").encode("latin-1")

    def executed(self, code: str) -> None:
        """The line has its final result code (or will never have one)."""
        self._execution = None
        if code.startswith("CONNECT"):
            self.data.start()
            waiting, self._input = bytes(self._input), bytearray()
            if waiting and self.data.active:
                self.data.feed(waiting)
                return
            self._input += waiting
        self.pump_later()

    def result(self, code: str) -> None:
        """A result code that answers no command: NO CARRIER, or one that comes too late."""
        self.output.answer(self.final_bytes(code))

    def pump_later(self) -> None:
        """Go on with the input in an event of its own: never from inside a handler."""
        if self._input:
            self.board.clock.schedule(0, self.pump)

    def _back_to_commands(self, code: str | None) -> None:
        if code is not None:
            self.result(code)
        self.output.release("data")
        self.pump_later()


class _Entry:
    """Data being entered behind a prompt."""

    def __init__(self, prompt: Prompt, execution: Execution) -> None:
        self.prompt = prompt
        self.execution = execution
        self.complete = False
        self._abandoned = False
        self._data = bytearray()

    def take(self, data: bytes) -> int:
        """Use of `data` what belongs to this entry; the number of bytes used."""
        if self.prompt.count is None:
            return self._take_text(data)
        wanted = self.prompt.count * (2 if self.prompt.hex else 1)
        used = 0
        while used < len(data) and len(self._data) < wanted:
            if self.prompt.hex and data[used] == 0:  # some hosts send NUL after each pair
                used += 1
                continue
            self._data.append(data[used])
            used += 1
        self.complete = len(self._data) >= wanted
        return used

    def _take_text(self, data: bytes) -> int:
        for index, byte in enumerate(data):
            if byte in (CTRL_Z, ESCAPE):
                self.complete, self._abandoned = True, byte == ESCAPE
                return index + 1
            if byte == BACKSPACE:
                del self._data[-1:]
            elif len(self._data) < self.prompt.limit:
                self._data.append(byte)
        return len(data)

    def answer(self) -> Result:
        if self._abandoned:
            return []
        if not self.prompt.hex:
            return self.prompt.on_data(bytes(self._data))
        try:
            decoded = bytes.fromhex(self._data.decode("latin-1"))
        except ValueError:
            raise CmeError(50) from None
        if len(decoded) != self.prompt.count:  # fromhex skips blanks
            raise CmeError(50)
        return self.prompt.on_data(decoded)
