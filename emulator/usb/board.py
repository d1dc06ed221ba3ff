"""An emulated board with its console on a pseudo-terminal.

    with UsbBoard(port, flash=folder) as board:
        board.serve()           # until end() is called, by a signal for example

Time passes as on the wall while boot.py, main.py or a line typed at the prompt runs, while the
board stands at its prompt, and in deep sleep. What a program at the other end of the cable has run
in raw mode takes no time on the wall: nobody watches it. In deep sleep the board hears nothing; a
reset (`press_reset`) or the end of the sleep wakes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from emulator.board.board import (
    DEEPSLEEP_RESET,
    PWRON_RESET,
    SOFT_RESET,
    DeepSleep,
    Halt,
    Reset,
    SwitchedOff,
)
from emulator.emulator import DEEPSLEEP_MA, RUN_MA, Emulator
from emulator.usb.port import Port
from emulator.usb.repl import CTRL_C, Repl
from emulator.vm.cpython import CpythonVm
from emulator.vm.runtime import Outcome

BEAT_MS = 20  # so often a program on the wall's time can be interrupted
IDLE_S = 0.02
BEHIND_S = 0.5  # a slow computer makes up for no more than that


class Ended(Halt):
    """The emulation is to end."""

    kind = "ended"


class UsbBoard(Emulator):
    def __init__(
        self,
        port: Port,
        wall: bool = True,
        say: Callable[[str], None] = lambda text: None,
        **options: Any,
    ) -> None:
        """wall: programs take their time on the wall. say: is told of starts and sleeps.
        options: those of Emulator."""
        super().__init__(console=port.write, **options)
        assert isinstance(self.vm, CpythonVm)
        self._vm: CpythonVm = self.vm
        self._vm.attended = True
        self._vm.console.more = self._more
        self._port = port
        self._wall = wall
        self._say = say
        self._due_s = 0.0
        self._stands_s = 0.0
        self._ended = False
        self._repl = Repl(self)
        firmware = self.board.firmware
        self.banner = (
            f"Pycom MicroPython {firmware} [v1.11-ffb0e1c] on 2021-01-12;"
            f' {self.board.name} with ESP32\nType "help()" for more information.\n'
        )
        port.on_break = self._break
        self._beat()

    # from outside, also from a signal handler

    def end(self) -> None:
        self._ended = True
        self.board.stop(Ended("the emulation ends"))

    def press_reset(self) -> None:
        self.board.stop(Reset(PWRON_RESET, "reset button"))

    # from start to start

    def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start the board, and again after each reset and sleep. ready: it listens for the first
        time."""
        cause: int | None = PWRON_RESET
        while not self._ended and cause is not None:
            halt = self._life(cause, ready)
            cause, ready = self._after(halt), lambda: None

    def _life(self, cause: int, ready: Callable[[], None]) -> Halt:
        """From a start to what ends it."""
        board = self.board
        board.cycle += 1
        board.meter.set("esp", "run", RUN_MA)
        board.reset(cause)
        if self._ended:
            return Ended("the emulation ends")
        self._say(f"starts ({board.trace.of('reset')[-1].text})")
        self._repl.raw = False
        self._port.forget()
        try:
            safe_boot = self._start()
        except Halt as halt:
            return board.halt or halt
        ready()
        while True:
            outcome = self._boot(safe_boot)
            if outcome.halt is None:
                outcome = self._vm.attend(self._repl.run)
            if outcome.halt is not None:
                return outcome.halt
            self._port.write("PYB: soft reboot\n")
            self._vm.shutdown()
            board.reset(SOFT_RESET)

    def _boot(self, safe_boot: bool) -> Outcome:
        scripts = ["boot.py"] if self._repl.raw else None
        self._program(self._wall)
        try:
            return self._vm.boot([] if safe_boot else scripts)
        finally:
            self._pace(False)

    def _after(self, halt: Halt) -> int | None:
        """Let what follows pass; the cause of the next start, None for none."""
        if isinstance(halt, Reset):
            self._say(f"reset: {halt.why}")
            return halt.cause
        if isinstance(halt, DeepSleep):
            return self._asleep(halt)
        if isinstance(halt, SwitchedOff):
            return self._off(halt)
        return None

    def _off(self, halt: SwitchedOff) -> int | None:
        if self._ended:
            return None
        self._say("is switched off")
        self._pace(True)
        try:
            ended = self.stay_off(halt)
        finally:
            self._pace(False)
        return self._after(ended) if ended is not None else None

    def _asleep(self, halt: DeepSleep) -> int | None:
        board = self.board
        length = "until reset" if halt.duration_ms is None else f"{halt.duration_ms} ms"
        self._say(f"sleeps {length}")
        board.trace.add("sleep", length)
        board.meter.set("esp", "deepsleep", DEEPSLEEP_MA)
        board.halt = Ended("the emulation ends") if self._ended else None
        system: Any = board.services["system"]
        self._pace(True)
        try:
            woken = system.sleep_through(halt.duration_ms)
            while not woken and board.halt is None:
                board.clock.run_until(board.clock.now_us + 1_000_000)
        finally:
            self._pace(False)
        return self._after(board.halt) if board.halt is not None else DEEPSLEEP_RESET

    # the console, for the prompts

    def char(self) -> int:
        self._port.on_break = None
        self._stands_s = time.monotonic()
        while (byte := self._port.get(IDLE_S)) is None:
            if self.board.interrupted:  # it came as the program before ended
                self.board.interrupted = False
                return CTRL_C
            self._idle()
        return byte

    def write(self, text: str) -> None:
        self._port.write(text)

    def execute(self, text: str, shown: bool) -> str | None:
        self._program(self._wall and shown)
        try:
            return self._vm.execute(text, shown)
        finally:
            self._pace(False)
            self._port.on_break = None

    def _more(self) -> str:
        """A character for a program that reads its console."""
        clock = self.board.clock
        while (byte := self._port.get(IDLE_S if clock.pace is None else 0)) is None:
            self._vm.stand(clock.now_us + round(IDLE_S * 1e6))
        return "\n" if byte == ord("\r") else chr(byte)

    def _idle(self) -> None:
        """Let the time at the prompt pass: alarms and threads go on, an armed watchdog bites."""
        now_s = time.monotonic()
        passed_us, self._stands_s = round((now_s - self._stands_s) * 1e6), now_s
        self._vm.stand(self.board.clock.now_us + passed_us)

    def _break(self) -> None:
        self.board.interrupted = True

    # time

    def _pace(self, on: bool) -> None:
        self._due_s = time.monotonic()
        self.board.clock.pace = self._wait if on else None

    def _program(self, paced: bool) -> None:
        """A program begins: Ctrl-C ends it."""
        self.board.interrupted = False
        self._port.on_break = self._break
        self._pace(paced)

    def _wait(self, step_us: int) -> None:
        now_s = time.monotonic()
        self._due_s = max(self._due_s + step_us / 1e6, now_s - BEHIND_S)
        if self._due_s - now_s > 0.002:
            time.sleep(self._due_s - now_s)

    def _beat(self) -> None:
        """Steps of time are short, so that waits see what has come meanwhile."""
        if self._ended:  # said while the board started anew, which forgets it
            self.board.stop(Ended("the emulation ends"))
        self.board.clock.schedule_ms(BEAT_MS, self._beat)
