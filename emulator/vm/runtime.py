"""What both runtimes share: which programs run when, how a run ends, what the console shows.

A runtime (emulator/vm/cpython.py, emulator/vm/micropython.py) is made for a board and its flash
and starts anew at each boot().
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.board.board import Board, Halt
from emulator.board.flash import Flash
from emulator.board.standard import plug_standard
from emulator.vm.console import Console
from emulator.vm.importer import INSTALLS

FIRMWARE_DIR = Path(__file__).resolve().parents[1] / "firmware"


@dataclass
class Outcome:
    """How a run ended.

    kind: "deepsleep", "reset", "exception" (the board stands at its prompt), "finished" and
    "safe_boot" (so it does here), "hang", "time_limit" or "vm_died". halt: what ended the program,
    None at the prompt. error: traceback of the last uncaught exception, None if there was none.
    """

    kind: str
    halt: Halt | None = None
    error: str | None = None


class Vm:
    def __init__(
        self,
        board: Board,
        flash_root: Path,
        console: Callable[[str], None],
        firmware_dir: Path = FIRMWARE_DIR,
        install: str = "py",
    ) -> None:
        """Services that the board lacks so far are plugged in; `flash_root` becomes its /flash."""
        if install not in INSTALLS:
            raise ValueError(f"install = {install!r}; allowed: {', '.join(INSTALLS)}")
        self.board = board
        plug_standard(board, flash_root)
        self.console = Console(board, console)
        self._firmware_dir = firmware_dir
        self._install = install
        self._flash: Flash = board.services["flash"]  # type: ignore[assignment]
        self._last_error: str | None = None
        self._start()

    # of the runtime

    def _start(self) -> None:
        """A new heap: nothing of an earlier program is left."""
        raise NotImplementedError

    def _run_all(self, names: list[str], must_exist: bool = False) -> None:
        """Run these scripts in one namespace; `_last_error` keeps the last uncaught exception."""
        raise NotImplementedError

    def _stand(self, until_us: int) -> None:
        """Stand at the prompt until then."""
        raise NotImplementedError

    def _end(self, halt: Halt) -> None:
        """The program has ended with this halt: whatever still runs is to end."""
        raise NotImplementedError

    # running

    def boot(self, scripts: list[str] | None = None) -> Outcome:
        """Start anew and run the scripts (default boot.py, then main.py) in one namespace.

        A script that is not on the flash is passed over; machine.main() replaces "main.py".
        """
        self._start()
        names = ["boot.py", "main.py"] if scripts is None else list(scripts)
        return self._guarded(lambda: self._run_all(names))

    def run_script(self, path: str | Path) -> Outcome:
        """Start anew and run one script: a name on the flash, or a file of the host."""
        self._start()
        return self._guarded(lambda: self._run_all([str(path)], must_exist=True))

    def idle(self, duration_us: int) -> Outcome:
        """Let the board stand at its prompt: interrupts and threads go on, a watchdog bites."""
        until_us = self.board.clock.now_us + duration_us
        self.board.at_prompt = True
        return self._guarded(lambda: self._stand(until_us), new=False)

    def busy(self) -> bool:
        """Whether anything would still happen at the prompt: an alarm, a watchdog."""
        timers: Any = self.board.services.get("timers")
        watchdog: Any = self.board.services.get("wdt")
        return bool((timers and timers.armed) or (watchdog and watchdog.armed))

    def shutdown(self) -> None:
        """End what a program left behind. The next boot() does so as well."""

    def _guarded(self, run: Callable[[], None], new: bool = True) -> Outcome:
        if new:
            self._last_error = None
        halt: Halt | None = None
        try:
            run()
        except Halt as raised:
            halt = self.board.halt or raised
        if halt is not None:
            self._end(halt)
        self.console.close()
        error = self._last_error
        ended = "exception" if new and error else "finished"
        return Outcome(halt.kind if halt is not None else ended, halt, error)

    def _next_script(self, name: str) -> str:
        """machine.main() replaces main.py."""
        system: Any = self.board.services["system"]
        return system.main_script or name if name == "main.py" else name

    def _exists(self, name: str) -> bool:
        host = self._flash.host_path(name)
        return host is not None and host.is_file()

    def _failed(self, text: str) -> None:
        """A script ended with an exception that nobody caught."""
        self._last_error = text
        self.console.write(text)
