"""Loading of modules on CPython, in a module table of the device's own.

The order in which they are looked for is that of emulator/vm/device/imports.py.
Source: Pycom firmware 1.20.2.r4, esp32/mpconfigport.h.
"""

from __future__ import annotations

import builtins
import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from emulator import names
from emulator.board.board import Board
from emulator.board.constants import COMPARABLE, ESTIMATE, MEASURED, constant
from emulator.board.flash import Flash
from emulator.device_files import SCRIPTS
from emulator.vm import mpy
from emulator.vm.compiler import compile_device
from emulator.vm.core import CORE
from emulator.vm.device.imports import Imports
from emulator.vm.device.surface import MissingObject, face
from emulator.vm.mpy import DEPLOYED, compiled

# A file of that name wins over these; everything else built in cannot be shadowed.
WEAK = names.weak()
FIRMWARE_FILES = {"umachine": "machine"}  # whose file has another name than the module

# Import time by form of installation (docs/emulation.md)
INSTALLS = ("py", "mpy", "frozen")
# of source without its comments: reading and compiling it. 32 ms were measured for modules of
# which 11 % is comments, which cost a twenty-fifth.
PY_US_PER_KB = constant(
    36_000, "us/KB", COMPARABLE, "MicroPython on a PC, scaled; 20 to 60 ms possible"
)
COMMENT_US_PER_KB = constant(
    1_500, "us/KB", COMPARABLE, "MicroPython's WebAssembly build: 11 ns a character, code 270"
)
# of the compiled file
MPY_US_PER_KB = constant(14_000, "us/KB", COMPARABLE, "a compiled file loads 6.6 times faster")
FROZEN_US = constant(1_000, "us", ESTIMATE, "0.5 to 1 ms for a module")
# Running what was loaded: 200 instructions for each KB of source, counted over whole cycles of the
# template less those of calls and texts (emulator/board/board.py).
RUN_US_PER_KB = constant(
    500, "us/KB", COMPARABLE, "200 instructions, counted in the template, 2.5 us each"
)
# of the source's size has a compiled file
MPY_SHARE = constant(0.28, "share", MEASURED, "sizes of this repository's files")


def import_us(source: bytes, install: str) -> int:
    """Time that loading and running one module takes."""
    if install == "mpy":
        return mpy_us(len(compiled(source, "module.py", DEPLOYED)))
    run_us = len(source) * RUN_US_PER_KB // 1024
    if install == "frozen":
        return FROZEN_US + run_us
    comments = comment_bytes(source)
    return source_us(len(source) - comments) + comments * COMMENT_US_PER_KB // 1024 + run_us


def source_us(size: int) -> int:
    """Time that compiling so many characters of source takes, none of them a comment's."""
    return size * PY_US_PER_KB // 1024


_STRING_OR_COMMENT = re.compile(
    rb"""('{3}|"{3})(?:\\.|(?!\1).)*?\1|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|(#[^\n\r]*)""",
    re.DOTALL,
)


@functools.cache
def comment_bytes(source: bytes) -> int:
    """How much of a source is comments; docstrings count as code."""
    return sum(len(comment) for _, comment in _STRING_OR_COMMENT.findall(source))


def mpy_us(size: int) -> int:
    """The same of a compiled file of that many bytes."""
    return round(size * (MPY_US_PER_KB + RUN_US_PER_KB / MPY_SHARE) / 1024)


_KINDS = (
    ("dir", "", os.path.isdir),
    ("py", ".py", os.path.isfile),
    ("mpy", ".mpy", os.path.isfile),
)


def import_kind(flash: Flash, stem: str) -> str | None:
    """What `stem` stands for in an import: "dir", "py", "mpy" or nothing."""
    place = flash.import_place(stem)
    if place is None:
        return None
    for kind, suffix, is_there in _KINDS:  # most names that an import looks for are not there
        if is_there(place + suffix) and not flash.leads_out(place + suffix):
            return kind
    return None


def import_find(kind_of: Callable[[str], str | None], stems: list[str]) -> list[str] | None:
    """[stem, kind] of the first of these that an import finds."""
    for stem in stems:
        kind = kind_of(stem)
        if kind is not None:
            return [stem, kind]
    return None


@functools.cache
def firmware_names(folder: Path) -> list[str]:
    """The modules of the firmware that are files of this folder."""
    files = {file: name for name, file in FIRMWARE_FILES.items()}
    found = sorted(file.stem for file in folder.glob("*.py"))
    return [files.get(name, name) for name in found if name != "__init__"]


def firmware_file(folder: Path, name: str) -> Path | None:
    """The file of one of the firmware's modules; None if it has no such module."""
    if name not in firmware_names(folder):
        return None
    return folder / (FIRMWARE_FILES.get(name, name) + ".py")


def board_surface(board: Board, name: str) -> dict[str, Any] | None:
    """The names that a module of this board has; None for one that it has not."""
    has = names.modules(board.name, board.build).get(name)
    return None if has is None else names.plain(has)


def pybytes_names(board: Board, flash: Flash) -> dict[str, bool]:
    """What the frozen _main_pybytes leaves in the name space of main, where it runs; whether it
    is emulated: on a board that was not provisioned."""
    config: Any = board.services["config"]
    runs = board.build == "pybytes" and config.flags["pybytes_on_boot"]
    host = flash.import_path("/flash/pybytes_config.json")
    bare = host is None or not os.path.exists(host)
    return {"pybytes": bare, "pybytes_config": bare} if runs else {}


class Importer:
    def __init__(
        self,
        board: Board,
        firmware_dir: Path,
        flash: Flash,
        install: str = "py",
    ) -> None:
        self._board = board
        self._firmware_dir = firmware_dir
        self._flash = flash
        self._install = install
        self.loaded: dict[str, Any] = {}  # sys.modules of the device
        self.path: list[str] = ["", "/flash", "/flash/lib"]
        self.device_paths: dict[str, str] = {}  # file name in code objects -> path on the device
        self.device_builtins: dict[str, Any] = {}
        self.firmware_builtins: dict[str, Any] = {}
        self.core_makers: dict[str, Callable[[], dict[str, Any]]] = dict(CORE)
        self.imports = Imports(self, self.loaded, self.path, WEAK, self.core_makers)

    # what `imports` asks for

    def new_module(self, name: str) -> tuple[ModuleType, dict[str, Any]]:
        module = ModuleType(name)
        del module.__doc__, module.__loader__, module.__spec__, module.__package__
        return module, vars(module)

    def leave_boot_names(self, main: dict[str, Any]) -> None:
        """What the frozen _boot leaves in the name space of main (esp32/frozen/*/_boot.py)."""
        main["os"] = self.imports.shown("uos")
        main["UART"] = self.imports.shown("umachine").UART
        for name, bare in pybytes_names(self._board, self._flash).items():
            whole = self.imports.builtin("_pybytes") if bare else None
            main[name] = getattr(whole, name, None) or MissingObject(name, self.note)

    def surface(self, name: str) -> dict[str, Any] | None:
        return board_surface(self._board, name)

    def face(self, module: ModuleType, whole: Any, name: str, names: dict[str, Any]) -> None:
        face(module, whole, name, names, self.note)

    def note(self, path: str) -> None:
        """A name of the board that is not emulated was used."""
        self._board.trace.add("missing", path)

    def firmware(self, name: str) -> Path | None:
        return firmware_file(self._firmware_dir, name)

    def run_firmware(self, file: Path, names: dict[str, Any]) -> None:
        names["__builtins__"] = self.firmware_builtins
        exec(_firmware_code(file, file.stat().st_mtime_ns), names)

    def kind_of(self, stem: str) -> str | None:
        return import_kind(self._flash, stem)

    def find(self, stems: list[str]) -> list[str] | None:
        return import_find(self.kind_of, stems)

    def load_mpy(self, name: str, stem: str, inner: str) -> ModuleType:
        """Byte code of this project's own modules runs as the source that it was made of."""
        path = stem + inner
        host = self._flash.import_path(path + ".mpy")
        assert host is not None
        data = Path(host).read_bytes()
        source = mpy.source_of(data, path.removeprefix("/flash/") + ".py")
        if source is not None:
            module, names = self.new_module(name)
            self.loaded[name] = module
            if inner:
                names["__path__"] = stem
            module.__file__ = path + ".mpy"
            names["__builtins__"] = self.device_builtins
            self._board.spend_us(len(data) * MPY_US_PER_KB // 1024)
            exec(self.compile(source.read_bytes(), str(source), path + ".py"), names)
            return module
        raise ImportError(
            f"{stem}{inner}.mpy is byte code, which CPython cannot run: put {stem}{inner}.py on "
            "the flash or run it on the MicroPython VM"
        )

    def run_file(self, path: str, names: dict[str, Any], script: bool = False) -> None:
        """Execute one source file of the device in `names`, loading time included."""
        host = self._flash.import_path(path)
        if host is None:
            raise self.firmware_builtins["OSError"](2)
        with open(host, "rb", buffering=0) as file:
            data = file.read()
        as_source = script or path in SCRIPTS
        self._board.spend_us(import_us(data, "py" if as_source else self._install))
        code = self.compile(data, host, path)
        names["__builtins__"] = self.device_builtins
        exec(code, names)

    def compile(self, data: bytes, filename: str, device_path: str) -> CodeType:
        self.device_paths[filename] = device_path
        try:
            return compile_device(data.decode("utf-8", "surrogateescape"), filename)
        except ValueError:  # no UTF-8, or a NUL byte
            raise SyntaxError("invalid syntax", (filename, 1, None, None)) from None


@functools.cache
def _firmware_code(file: Path, changed_ns: int) -> CodeType:
    """The code of a file in its state of that time."""
    return builtins.compile(file.read_text("utf-8"), str(file), "exec", dont_inherit=True)
