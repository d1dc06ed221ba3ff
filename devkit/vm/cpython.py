"""Runs device code on CPython: fast, and with the debugger one is used to.

    board = Board()
    vm = CpythonVm(board, Path("flash"), console=print)
    outcome = vm.boot(["boot.py", "main.py"])

Device code meets the modules of devkit/firmware and devkit/vm/core and its own files, nothing of
CPython's library. What CPython's objects can do beyond MicroPython's (str.zfill, dict order,
double precision) is not taken away; the MicroPython VM is there for that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from devkit.board.board import CALL_US, Board, Halt
from devkit.board.flash import Flash
from devkit.board.standard import plug_standard
from devkit.vm.bridge import Bridge
from devkit.vm.console import Console
from devkit.vm.core.sysmodule import sys_names
from devkit.vm.core.thread import thread_names
from devkit.vm.core.vmmodules import gc_names, micropython_names
from devkit.vm.device_builtins import device_builtins, firmware_builtins
from devkit.vm.errors import format_exception
from devkit.vm.guard import TimeLimit
from devkit.vm.importer import Importer, import_us
from devkit.vm.threads import Threads

FIRMWARE_DIR = Path(__file__).resolve().parents[1] / "firmware"


@dataclass
class Outcome:
    """How a run ended.

    kind: "deepsleep", "reset", "exception" (the board stands at its prompt), "finished" (so it
    does here), "hang" or "time_limit". halt: what ended the program, None at the prompt.
    error: traceback of the last uncaught exception, None if there was none.
    """

    kind: str
    halt: Halt | None = None
    error: str | None = None


class CpythonVm:
    def __init__(
        self,
        board: Board,
        flash_root: Path,
        console: Callable[[str], None],
        firmware_dir: Path = FIRMWARE_DIR,
        install: str = "py",
    ) -> None:
        """Services that the board lacks so far are plugged in; `flash_root` becomes its /flash."""
        self.board = board
        plug_standard(board, flash_root)
        self.console = Console(board, console)
        self._firmware_dir = firmware_dir
        self._install = install
        self._flash: Flash = board.services["flash"]  # type: ignore[assignment]
        self._limit_set_us: int | None = None
        self._last_error: str | None = None
        self._start()

    def _start(self) -> None:
        """A new heap: nothing of an earlier program is left."""
        self.shutdown()
        self.bridge = Bridge(self.board, self._report)
        self.importer = Importer(
            self.board, self._firmware_dir, self._flash.import_path, self._install
        )
        self.threads = Threads(self.board, self.bridge, self._report)
        importer = self.importer
        importer.builtin_modules["_board"] = self._board_module()
        self.device_builtins = device_builtins(
            self.console, importer.device_import, self._open, self.bridge.guard.tick, self._spend
        )
        importer.device_builtins = self.device_builtins
        importer.firmware_builtins = firmware_builtins(
            self.device_builtins, importer.firmware_import
        )
        importer.core_makers.update(
            builtins=lambda: self.device_builtins,
            sys=lambda: sys_names(
                self.board, self.console, importer.loaded, importer.path, self.format_exception
            ),
            gc=lambda: gc_names(self.bridge.call),
            micropython=lambda: micropython_names(self.console.write),
            _thread=lambda: thread_names(self.threads),
        )
        self.main = ModuleType("__main__")
        importer.loaded["__main__"] = self.main
        vars(self.main)["__builtins__"] = self.device_builtins

    def _board_module(self) -> ModuleType:
        module = ModuleType("_board")
        vars(module).update(call=self.bridge.call, on_interrupt=self.bridge.on_interrupt)
        return module

    def _open(self, *args: Any, **keywords: Any) -> Any:
        uio: Any = self.importer.builtin("uio")
        return uio.open(*args, **keywords)

    def _spend(self) -> None:
        self.bridge.guard.touched()
        self.board.spend_us(CALL_US)

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

        def stand() -> str | None:
            while self.bridge.call("rtc.sleep_until", until_us):
                pass
            return None

        return self._guarded(stand)

    def busy(self) -> bool:
        """Whether anything would still happen at the prompt: a thread, an alarm, a watchdog."""
        timers: Any = self.board.services.get("timers")
        watchdog: Any = self.board.services.get("wdt")
        return bool(self.threads.others or (timers and timers.armed)
                    or (watchdog and watchdog.armed))  # fmt: skip

    def shutdown(self) -> None:
        """End the threads that a program left behind. The next boot() does so as well."""
        threads: Threads | None = getattr(self, "threads", None)
        if threads is not None:
            threads.stop()

    def _guarded(self, run: Callable[[], str | None]) -> Outcome:
        self._watch_limit()
        halt: Halt | None = None
        error = None
        try:
            error = run()
        except Halt as raised:
            halt = self.board.halt or raised
        if halt is not None:
            self.bridge.closed = halt
            self.threads.stop()
        self.console.close()
        kind = halt.kind if halt is not None else "exception" if error else "finished"
        return Outcome(kind, halt, error or self._last_error)

    def _run_all(self, names: list[str], must_exist: bool = False) -> str | None:
        self._last_error = None
        for name in names:
            system: Any = self.board.services["system"]
            if name == "main.py" and system.main_script:
                name = system.main_script
            if must_exist or self._exists(name):
                self._run(name)
        return self._last_error

    def _exists(self, name: str) -> bool:
        host = self._flash.host_path(name)
        return host is not None and host.is_file()

    def _run(self, name: str) -> None:
        """One script; an exception is printed and remembered, sys.exit() ends just this script."""
        self.board.trace.add("boot", f"run {name}")
        try:
            if not self._exists(name) and Path(name).is_file():
                self._run_host_file(Path(name))
            else:
                self.importer.run_file(name, vars(self.main))
        except SystemExit:
            pass
        except (Halt, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the program raises
            self._last_error = self.format_exception(error)
            self.console.write(self._last_error)

    def _run_host_file(self, file: Path) -> None:
        data = file.read_bytes()
        self.board.spend_us(import_us(data, "py"))
        exec(self.importer.compile(data, str(file.resolve()), file.name), vars(self.main))

    def _watch_limit(self) -> None:
        """Keep to `board.time_limit_us`, an instant of the virtual clock, if somebody set it."""
        limit_us = getattr(self.board, "time_limit_us", None)
        if limit_us is None or limit_us == self._limit_set_us:
            return
        self._limit_set_us = limit_us

        def strike() -> None:
            if getattr(self.board, "time_limit_us", None) == limit_us:
                self.board.stop(TimeLimit("the virtual time of the run is used up"))

        self.board.clock.schedule(limit_us - self.board.clock.now_us, strike)

    # exceptions

    def format_exception(self, error: BaseException) -> str:
        return format_exception(error, self.device_path)

    def device_path(self, filename: str) -> str | None:
        """Path on the device of a file named in a code object; None for the firmware's own."""
        return "<string>" if filename == "<string>" else self.importer.device_paths.get(filename)

    def _report(self, headline: str, error: BaseException) -> None:
        self.console.write(headline + "\n" + self.format_exception(error))
