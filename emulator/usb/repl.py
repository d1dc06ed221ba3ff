"""The prompts of the firmware: friendly, raw and paste mode, byte by byte as pyexec.c has them.

    repl = Repl(console)
    repl.run()          # until a soft reset is asked for

Not imitated: history, completion and automatic indentation of the line editor.
Source: Pycom firmware 1.20.2.r4, lib/utils/pyexec.c, lib/mp-readline/readline.c, py/repl.c.
"""

from __future__ import annotations

import re
from typing import Protocol

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = range(1, 6)
ENTER, BACKSPACE, DELETE, ESCAPE = 13, 8, 127, 27
RAW_BANNER = "raw REPL; CTRL-B to exit\n"
_COMPOUND = re.compile(r"(@|(if|while|for|try|with|def|class)\b)")
_TEXTS = re.compile(r"'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|"
                    r"'(?:\\.|[^\\'\n])*'|\"(?:\\.|[^\\\"\n])*\"|\#[^\n]*", re.DOTALL)  # fmt: skip


class Console(Protocol):
    banner: str

    def char(self) -> int:
        """Wait for a byte; meanwhile the board stands."""

    def write(self, text: str) -> None: ...

    def execute(self, text: str, shown: bool) -> str | None:
        """Run it; the traceback of what nobody caught. shown: print the value of an expression."""


class Repl:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._write = console.write
        self.raw = False  # it outlives a soft reset

    def run(self) -> None:
        while True:
            if self._raw() if self.raw else self._friendly():
                return

    # raw: for programs

    def _raw(self) -> bool:
        """True: a soft reset."""
        self._write(RAW_BANNER + ">")
        data = bytearray()
        while True:
            byte = self._console.char()
            if byte == CTRL_A:
                self._write(RAW_BANNER + ">")
                data.clear()
            elif byte == CTRL_B:
                self._write("\n")
                self.raw = False
                return False
            elif byte == CTRL_C:
                data.clear()
            elif byte != CTRL_D:
                data.append(byte)
            elif not data:
                self._write("OK\n")
                return True
            else:
                self._write("OK")
                error = self._console.execute(_text(data), shown=False)
                self._write("\x04" + (error or "") + "\x04>")
                data.clear()

    # friendly: for people

    def _friendly(self) -> bool:
        """True: a soft reset."""
        self._write(self._console.banner)
        while True:
            text, end = self._line(">>> ")
            if end == CTRL_A:
                self._write("\n")
                self.raw = True
                return False
            if end == CTRL_D:
                self._write("\n")
                return True
            if end == CTRL_B:
                self._write("\n" + self._console.banner)
            elif end == CTRL_C:
                self._write("\n")
            elif end == CTRL_E:
                self._paste()
            else:
                self._statement(text)

    def _statement(self, text: str) -> None:
        while _goes_on(text):
            line, end = self._line("... ")
            if end == CTRL_C:
                self._write("\n")
                return
            text += "\n" + line
            if end == CTRL_D:
                break
        self._execute(text)

    def _paste(self) -> None:
        self._write("\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\n=== ")
        data = bytearray()
        while (byte := self._console.char()) != CTRL_D:
            if byte == CTRL_C:
                self._write("\n")
                return
            data.append(10 if byte == ENTER else byte)
            self._write("\n=== " if byte == ENTER else chr(byte))
        self._write("\n")
        self._execute(_text(data))

    def _execute(self, text: str) -> None:
        error = self._console.execute(text, shown=True) if text.strip() else None
        if error:
            self._write(error)

    def _line(self, prompt: str) -> tuple[str, int]:
        """A line of input and what ended it. Control characters end an empty line only, and
        Ctrl-C any."""
        self._write(prompt)
        data = bytearray()
        while True:
            byte = self._console.char()
            if byte == CTRL_C or (byte in (CTRL_A, CTRL_B, CTRL_D, CTRL_E) and not data):
                return _text(data), byte
            if byte == ENTER:
                self._write("\n")
                return _text(data), byte
            if byte in (BACKSPACE, DELETE):
                if data:
                    del data[-1]
                    self._write("\b \b")
            elif byte == ESCAPE:  # arrows and the like
                if self._console.char() == ord("["):
                    while self._console.char() < 0x40:
                        pass
            elif byte >= 0x20:
                data.append(byte)
                self._write(chr(byte) if byte < 0x80 else "")


def _text(data: bytes | bytearray) -> str:
    return bytes(data).decode("utf-8", "replace")


def _goes_on(text: str) -> bool:
    """The statement has not ended (py/repl.c): a block, an open bracket, text or line."""
    bare = _TEXTS.sub("''", text)
    if '"""' in bare or "'''" in bare or bare.endswith("\\"):
        return True
    if sum(bare.count(each) for each in "([{") > sum(bare.count(each) for each in ")]}"):
        return True
    return bool(_COMPOUND.match(bare)) and not text.endswith("\n")
