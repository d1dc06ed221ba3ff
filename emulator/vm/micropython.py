"""Runs device code on a real MicroPython VM, in a process of its own, over a stream.

    vm = MicroPythonVm(board, Path("flash"), console=print)       # the WebAssembly build
    vm = MicroPythonVm(board, Path("flash"), console=print, command=["micropython"])
    outcome = vm.boot(["boot.py", "main.py"])

The process runs emulator/vm/device/start.py, which asks for the next program, for source, and for
every call of the firmware's modules (docs/vm-stream.md). Each boot starts a new VM; where the
board halts, the VM is ended, so that nothing on the device outlives a reset. What costs time is
charged here exactly as emulator/vm/cpython.py does it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emulator import names
from emulator.board.board import CALL_US, Board, Halt
from emulator.device_files import SCRIPTS
from emulator.vm import mpy, webassembly
from emulator.vm.bridge import plain
from emulator.vm.console import ConsoleStream
from emulator.vm.guard import HANG_US, Hang, LoopGuard
from emulator.vm.importer import (
    WEAK,
    board_surface,
    firmware_file,
    firmware_names,
    import_find,
    import_kind,
    import_us,
    mpy_us,
    pybytes_names,
    source_us,
)
from emulator.vm.process import Silence, Spare, VmDied, VmProcess
from emulator.vm.runtime import FIRMWARE_DIR, Vm
from emulator.vm.source import prepare, prepare_firmware, prepare_text
from emulator.vm.stream import PENDING, RAISED, VERSION, encode

DEVICE_DIR = Path(__file__).resolve().parent / "device"
SILENCE_S = 20.0  # of real time: a VM that does not call for so long loops where no tick counts
FIRMWARE_PREFIX = "<firmware>/"
HIDDEN = (FIRMWARE_PREFIX, "/vm/", str(DEVICE_DIR) + "/", "<stdin>")  # in tracebacks

_spare = Spare()  # of the WebAssembly build


class MicroPythonVm(Vm):
    def __init__(
        self,
        board: Board,
        flash_root: Path,
        console: Callable[[str], None],
        firmware_dir: Path = FIRMWARE_DIR,
        install: str = "py",
        command: Sequence[str] = (),
    ) -> None:
        """command: a MicroPython binary and its options; without one, the WebAssembly build."""
        self._command = [*command, str(DEVICE_DIR / "start.py")] if command else []
        self._scratch = ""  # a folder of the VM's process: source or byte code that it runs
        self._process: VmProcess | None = None
        self._jobs: deque[list[Any]] = deque()
        self._waits = False  # the VM has asked for the next program and has no answer yet
        self._loop_us = 0
        self.implementation = ""  # what the VM has said it is
        super().__init__(board, flash_root, console, firmware_dir, install)
        irq: Any = board.services["irq"]
        self._vm_take, self._vm_mask, self._vm_die = irq.do_take, irq.do_mask, irq.do_die
        self._vm_write, self._vm_readline = self.console.write, self.console.read_line
        self._vm_read = ConsoleStream(self.console).read
        self._vm_failed = self._failed

    def shutdown(self) -> None:
        process, self._process = self._process, None
        if process is not None and self._command:
            process.close()
        elif process is not None:
            _spare.give_back(process)
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = ""
        self._jobs.clear()
        self._waits = False

    def _start(self) -> None:
        self.shutdown()
        self.guard = LoopGuard(self.board, lambda: None)

    def _end(self, halt: Halt) -> None:
        self.shutdown()

    def _run_all(self, names: list[str], must_exist: bool = False) -> None:
        if self._command:
            self._scratch = tempfile.mkdtemp(prefix="vm-")
            self._process = VmProcess(self._command)
        else:
            self._process = _spare.take(webassembly.command())
        for name in names:
            self._jobs.append(["run", name, must_exist])
        self._serve()

    def _stand(self, until_us: int) -> None:
        self._jobs.append(["idle", until_us])
        self._serve()

    # answering the VM

    def _serve(self) -> None:
        """Carry out what the VM asks for, until it has nothing left to run."""
        process = self._process
        if process is None:
            raise VmDied("the VM has ended")
        while True:
            if self._waits:
                job = self._next_job()
                if job is None:
                    return
                self._waits = False
                process.send(self._answer(job))
            try:
                name, *args = process.receive(SILENCE_S)
            except Silence:
                raise self._hang() from None
            if name == "vm.next":
                self._waits = True
            else:
                process.send(self._carry_out(name, args))

    def _next_job(self) -> list[Any] | None:
        while self._jobs:
            kind, value, *rest = self._jobs.popleft()
            if kind == "idle":
                return [kind, value]
            name = self._next_script(value)
            if rest[0] or self._exists(name):
                self.board.trace.add("boot", f"run {name}")
                return [kind, name]
        return None

    def _carry_out(self, name: str, args: list[Any]) -> bytes:
        try:
            if name.startswith("vm."):
                operation = getattr(self, "_vm_" + name[3:], None)
                if operation is None:
                    raise AttributeError(f"this stream has no {name}")
                result = operation(*args)
            else:
                self.guard.touched()
                result = self.board.call(name, *args)
        except Exception as error:  # noqa: BLE001 - whatever it is, the device is to see it
            return bytes([RAISED]) + encode(_as_sent(error))
        return self._answer(plain(result))

    def _answer(self, value: Any) -> bytes:
        return bytes([PENDING if self.board.irqs else 0]) + encode(value)

    def _hang(self) -> Halt:
        """The VM is silent: let time pass for whatever would end such a program on the board."""
        clock = self.board.clock
        clock.run_until(clock.now_us + HANG_US, lambda: self.board.halt is not None)
        if self.board.halt is None:
            self.board.stop(Hang(f"no call into the firmware for {SILENCE_S:g} s of real time"))
        assert self.board.halt is not None
        return self.board.halt

    # what the VM asks for beside the firmware's calls, as `_vm_` and the name; further ones are in
    # __init__. They cost no time but where they say so.

    def _vm_hello(self, version: int, implementation: str) -> dict[str, Any]:
        if version != VERSION:
            raise VmDied(f"the VM speaks version {version} of the stream; allowed: {VERSION}")
        self.implementation = implementation
        return {
            "platform": self.board.name,
            "scratch": self._scratch or "/scratch",
            "hide": list(HIDDEN),
            "weak": WEAK,
            "firmware": " ".join(firmware_names(self._firmware_dir)),
            "pybytes": pybytes_names(self.board, self._flash),
            "builtins": " ".join(names.everywhere("builtins")),
            "modules": " ".join(names.modules(self.board.name, self.board.build)),
            "errno": names.errno_names(),
        }

    def _vm_surface(self, name: str) -> dict[str, Any] | None:
        """The names that one of the board's modules shows device code."""
        return board_surface(self.board, name)

    def _vm_missing(self, path: str) -> None:
        """A name that is not emulated was used."""
        self.board.trace.add("missing", path)

    def _vm_spend(self) -> None:
        """print() was called; costs a call."""
        self.guard.touched()
        self.board.spend_us(CALL_US)

    def _vm_parsed(self, text: str, function: str) -> str:
        """A text is given to exec(), eval() or compile(); costs compiling it. What the VM is to
        take for it."""
        self.guard.touched()
        self.board.spend_us(source_us(len(text)))
        return prepare_text(text, "<string>", "eval" if function == "eval" else "exec")

    def _vm_loop(self) -> None:
        """Many turns of loops without a call; costs what the guard says."""
        self.guard.charge()
        self._loop_us = self.guard.charged_us

    def _vm_looping(self) -> None:
        """Handlers have run in between; that makes the loop no useful one."""
        self.guard.charged_us = self._loop_us

    def _vm_find(self, stems: list[str]) -> list[str] | None:
        """[stem, kind] of the first that stands for anything in an import."""
        return import_find(self._kind_of, stems)

    def _kind_of(self, stem: str) -> str | None:
        """Byte code of a known source runs as that source: this VM may have another version."""
        kind = import_kind(self._flash, stem)
        return "py" if kind == "mpy" and self._source_of(stem) is not None else kind

    def _source_of(self, stem: str) -> tuple[bytes, bytes] | None:
        """(byte code, the source that gives it) of a module; None if no source is known."""
        host = self._flash.import_path(stem + ".mpy")
        if host is None:
            return None
        data = Path(host).read_bytes()
        source = mpy.source_of(data, stem.removeprefix("/flash/") + ".py")
        return None if source is None else (data, source.read_bytes())

    def _vm_firmware(self, name: str) -> list[str]:
        """[file name, source] of one of the firmware's modules."""
        file = firmware_file(self._firmware_dir, name)
        assert file is not None
        shown = FIRMWARE_PREFIX + file.name
        return [shown, prepare_firmware(file.read_text(encoding="utf-8"), shown)]

    def _vm_load(self, path: str, module: bool) -> list[str]:
        """[name to show, source] of a module or a script; costs its import."""
        host = self._flash.import_path(path)
        known = self._source_of(path.removesuffix(".py")) if host is None and module else None
        if known is not None:
            self.board.spend_us(mpy_us(len(known[0])))
            return [path, prepare(known[1], path)]
        if host is None and not module and Path(path).is_file():
            host, path = path, Path(path).name
        if host is None:
            raise OSError(2)
        data = Path(host).read_bytes()
        as_source = not module or path in SCRIPTS
        self.board.spend_us(import_us(data, "py" if as_source else self._install))
        return [path, prepare(data, path)]

    def _vm_mpy(self, path: str) -> bytes:
        """A compiled module; costs its import."""
        host = self._flash.import_path(path)
        assert host is not None
        data = Path(host).read_bytes()
        self.board.spend_us(mpy_us(len(data)))
        return data


# The exceptions that a board has
_KNOWN = frozenset(
    """
    ArithmeticError AssertionError AttributeError EOFError ImportError IndexError KeyError
    LookupError MemoryError NameError NotImplementedError OSError OverflowError RuntimeError
    StopIteration TimeoutError TypeError UnicodeError ValueError ZeroDivisionError
    """.split()
)


def _as_sent(error: Exception) -> list[Any]:
    """[type, arguments] of an exception, the type one that the device knows."""
    if isinstance(error, SyntaxError):
        kind = "IndentationError" if isinstance(error, IndentationError) else "SyntaxError"
        return [kind, [error.msg, error.filename, error.lineno or 1]]
    names = [kind.__name__ for kind in type(error).__mro__]
    name = next((name for name in names if name in _KNOWN), "RuntimeError")
    try:
        return [name, plain(list(error.args))]
    except TypeError:
        return [name, [str(error)]]
