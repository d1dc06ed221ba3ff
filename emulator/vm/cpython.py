"""Runs device code on CPython: fast, and with the debugger one is used to.

    board = Board()
    vm = CpythonVm(board, Path("flash"), console=print)
    outcome = vm.boot(["boot.py", "main.py"])

Device code meets the modules of emulator/firmware and emulator/vm/core and its own files, nothing
of CPython's library. Where CPython's types and operators differ from the board's, the source is
rewritten (emulator/vm/language); tests/emulator/vm/test_cases_core.py names what still differs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from emulator.board.board import CALL_US, Halt
from emulator.vm.bridge import Bridge
from emulator.vm.compiler import compile_device
from emulator.vm.console import LOOK_US, ConsoleStream, stream_writer
from emulator.vm.core.collections import namedtuple
from emulator.vm.device import modules
from emulator.vm.device.surface import missing
from emulator.vm.device_builtins import device_builtins, firmware_builtins, restrict
from emulator.vm.errors import format_exception
from emulator.vm.importer import Importer, import_us, source_us
from emulator.vm.runtime import Outcome, Vm
from emulator.vm.threads import Threads


class CpythonVm(Vm):
    def _start(self) -> None:
        self.shutdown()
        self.bridge = Bridge(self.board, self._report)
        self.importer = Importer(self.board, self._firmware_dir, self._flash, self._install)
        self.threads = Threads(self.board, self.bridge, self._report)
        self.bridge.in_main = lambda: self.threads.current_number == 0
        importer = self.importer
        imports = importer.imports
        board = {
            "call": self.bridge.call,
            "on_interrupt": self.bridge.on_interrupt,
            "refuse": lambda path: missing(path, None, importer.note)(),
        }
        imports.provide("_board", board)
        self.stream = ConsoleStream(
            self.console, lambda: self.bridge.call("rtc.sleep_us", LOOK_US)
        )
        self.device_builtins = device_builtins(
            self.stream, lambda *args: imports.of_device(*args), self._open,
            self.bridge.guard.tick, self._spend, self._parsed,
        )  # fmt: skip
        restrict(self.device_builtins, importer.note)
        importer.device_builtins = self.device_builtins
        importer.firmware_builtins = firmware_builtins(self.device_builtins, imports.of_firmware)
        threads = self.threads
        importer.core_makers.update(
            builtins=self._builtin_names,
            sys=self._sys_names,
            gc=lambda: modules.gc_names(self.bridge.call),
            micropython=lambda: modules.micropython_names(self.console.write),
            _thread=lambda: modules.thread_names(
                threads.acquire, threads.start, lambda: threads.current_number + 1
            ),
        )
        self.main = ModuleType("__main__")
        importer.loaded["__main__"] = self.main
        vars(self.main)["__builtins__"] = self.device_builtins
        self.importer.leave_boot_names(vars(self.main))

    def _builtin_names(self) -> dict[str, Any]:
        """The names of the module: without those that compiled code calls."""
        shown = ("__name__", "__import__", "__build_class__")
        names = self.device_builtins
        return {name: names[name] for name in names if name[:2] != "__" or name in shown}

    def _sys_names(self) -> dict[str, Any]:
        def exc_info() -> tuple[Any, Any, None]:
            error = sys.exc_info()[1]
            return type(error) if error is not None else None, error, None

        importer = self.importer
        names: dict[str, Any] = modules.sys_names(
            self.board.name, importer.path, importer.loaded, self.stream, stream_writer,
            self.format_exception, namedtuple,
        )  # fmt: skip
        return {**names, "exc_info": exc_info}

    def _open(self, *args: Any, **keywords: Any) -> Any:
        uio: Any = self.importer.imports.builtin("uio")
        return uio.open(*args, **keywords)

    def _spend(self) -> None:
        self.bridge.guard.touched()
        self.board.spend_us(CALL_US)

    def _parsed(self, text: Any) -> Any:
        if isinstance(text, str):
            self.bridge.guard.touched()
            self.board.spend_us(source_us(len(text)))
        return text

    # running

    def busy(self) -> bool:
        """Whether anything would still happen at the prompt: a thread, an alarm, a watchdog."""
        return bool(self.threads.others) or super().busy()

    def shutdown(self) -> None:
        threads: Threads | None = getattr(self, "threads", None)
        if threads is not None:
            threads.stop()

    def _stand(self, until_us: int) -> None:
        while self.bridge.call("rtc.sleep_until", until_us):
            pass

    def _end(self, halt: Halt) -> None:
        self.bridge.closed = halt
        self.threads.stop()

    def _run_all(self, names: list[str], must_exist: bool = False) -> None:
        for name in names:
            name = self._next_script(name)
            if must_exist or self._exists(name):
                self._run(name)

    def _run(self, name: str) -> None:
        """One script; an exception is printed and remembered, sys.exit() ends just this script."""
        self.board.trace.add("boot", f"run {name}")
        try:
            if not self._exists(name) and Path(name).is_file():
                self._run_host_file(Path(name))
            else:
                self.importer.run_file(name, vars(self.main), script=True)
        except SystemExit:
            pass
        except Halt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the program raises
            if isinstance(error, KeyboardInterrupt) and not self.attended:
                raise  # typed at this command, not at the board
            self._failed(self.format_exception(error))

    # a console at which somebody sits (emulator/usb)

    attended = False

    def attend(self, run: Callable[[], None]) -> Outcome:
        """Let `run` hold the prompt, until it ends or the board halts."""
        return self._guarded(run, new=False)

    def execute(self, text: str, shown: bool) -> str | None:
        """Run one input; the traceback of an exception that nobody caught. shown: print the value
        of an expression."""
        names = vars(self.main)
        try:
            if shown and not self._evaluate(text, names):
                exec(compile_device(text, "<stdin>"), names)
            elif not shown:
                exec(compile_device(text, "<stdin>"), names)
        except (Halt, SystemExit) as end:
            if isinstance(end, Halt):
                raise
        except BaseException as error:  # noqa: BLE001 - whatever the program raises
            return self.format_exception(error)
        return None

    def _evaluate(self, text: str, names: dict[str, Any]) -> bool:
        """Print the value of an expression; False if it is none."""
        try:
            code = compile_device(text.strip(), "<stdin>", "eval")
        except SyntaxError:
            return False
        value = eval(code, names)
        if value is not None:
            names["_"] = value
            names["__value__"] = value
            exec(compile_device("print(repr(__value__))", "<stdin>"), names)
            del names["__value__"]
        return True

    def stand(self, until_us: int) -> None:
        """Stand at the prompt until then, or until something is to be handled."""
        self.bridge.call("rtc.sleep_until", until_us)

    def _run_host_file(self, file: Path) -> None:
        data = file.read_bytes()
        self.board.spend_us(import_us(data, "py"))
        exec(self.importer.compile(data, str(file.resolve()), file.name), vars(self.main))

    # exceptions

    def format_exception(self, error: BaseException) -> str:
        return format_exception(error, self.device_path)

    def device_path(self, filename: str) -> str | None:
        """Path on the device of a file named in a code object; None for the firmware's own."""
        if filename in ("<string>", "<stdin>"):
            return filename
        return self.importer.device_paths.get(filename)

    def _report(self, headline: str, error: BaseException) -> None:
        self.console.write(headline + "\n" + self.format_exception(error))
