"""Imports as the firmware does them, in a module table of the device's own.

Order: loaded modules, modules that no file can shadow, then each entry of sys.path (a package
directory before `x.py` before `x.mpy`), last the weak aliases (`time` for `utime`, ...).
A module that raises while it is imported stays in sys.modules, half made.
Source: Pycom firmware 1.20.2.r4, py/builtinimport.c, esp32/mpconfigport.h.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from emulator.board.board import Board
from emulator.device_files import SCRIPTS
from emulator.vm.compiler import compile_device
from emulator.vm.core import CORE
from emulator.vm.mpy import DEPLOYED, compiled

# A file of that name wins over these; everything else built in cannot be shadowed.
WEAK = {
    "machine": "umachine", "os": "uos", "socket": "usocket", "select": "uselect",
    "binascii": "ubinascii", "struct": "ustruct", "re": "ure", "json": "ujson", "time": "utime",
    "hashlib": "uhashlib", "crypto": "ucrypto", "ssl": "ussl", "errno": "uerrno",
    "queue": "uqueue",
}  # fmt: skip
FIRMWARE_FILES = {"umachine": "machine"}  # whose file has another name than the module

# Import time by form of installation (docs/emulation.md)
INSTALLS = ("py", "mpy", "frozen")
PY_US_PER_KB = 32_000  # of source: reading and compiling it
MPY_US_PER_KB = 14_000  # of the compiled file
FROZEN_US = 1_000


def import_us(source: bytes, install: str) -> int:
    """Time that loading one module takes, its body not included."""
    if install == "frozen":
        return FROZEN_US
    if install == "mpy":
        return len(compiled(source, "module.py", DEPLOYED)) * MPY_US_PER_KB // 1024
    return len(source) * PY_US_PER_KB // 1024


class Importer:
    def __init__(
        self,
        board: Board,
        firmware_dir: Path,
        host_path: Callable[[str], Path | None],
        install: str = "py",
    ) -> None:
        """host_path: from a path on the device to the file on the host; None: nothing there."""
        if install not in INSTALLS:
            raise ValueError(f"install = {install!r}; allowed: {', '.join(INSTALLS)}")
        self._board = board
        self._firmware_dir = firmware_dir
        self._host_path = host_path
        self._install = install
        self.loaded: dict[str, Any] = {}  # sys.modules of the device
        self.path: list[str] = ["", "/flash", "/flash/lib"]
        self.device_paths: dict[str, str] = {}  # file name in code objects -> path on the device
        self.builtin_modules: dict[str, ModuleType] = {}
        self.device_builtins: dict[str, Any] = {}
        self.firmware_builtins: dict[str, Any] = {}
        self.core_makers: dict[str, Callable[[], dict[str, Any]]] = dict(CORE)

    # modules that the firmware brings along

    def builtin(self, name: str, private: bool = False) -> ModuleType | None:
        """The built-in module of this very name, made at its first use; None if there is none."""
        module = self.builtin_modules.get(name)
        if module is not None and (private or not _is_private(name)):
            return module
        if _is_private(name) and not private:
            return None
        maker = self.core_makers.get(name)
        file = self._firmware_dir / (FIRMWARE_FILES.get(name, name) + ".py")
        if name not in FIRMWARE_FILES.values() and name != "__init__" and file.is_file():
            return self._load_firmware(name, file)
        if maker is None:
            return None
        module = ModuleType(name)
        self.builtin_modules[name] = module
        vars(module).update(maker())
        return module

    def _load_firmware(self, name: str, file: Path) -> ModuleType:
        module = ModuleType(name)
        self.builtin_modules[name] = module
        vars(module)["__builtins__"] = self.firmware_builtins
        try:
            exec(_firmware_code(file), vars(module))
        except BaseException:
            del self.builtin_modules[name]
            raise
        return module

    # __import__ of device code and of the firmware's own modules

    def device_import(
        self,
        name: str,
        globals: dict[str, Any] | None = None,
        locals: object = None,
        fromlist: tuple[str, ...] | None = None,
        level: int = 0,
    ) -> Any:
        if level:
            name = self._absolute(name, globals or {}, level)
        module = self._import(name, bool(fromlist))
        return self._offer(module, name, fromlist) if fromlist else module

    def firmware_import(
        self,
        name: str,
        globals: dict[str, Any] | None = None,
        locals: object = None,
        fromlist: tuple[str, ...] | None = None,
        level: int = 0,
    ) -> Any:
        module = self.builtin(name, private=True) or self.builtin(WEAK.get(name, name))
        if module is None:
            raise ImportError(f"no module named '{name}'")
        return self._offer(module, name, fromlist) if fromlist else module

    def _import(self, name: str, leaf: bool) -> Any:
        module = self.loaded.get(name) or self.builtin(name)
        if module is not None:
            top_name = name.split(".")[0]
            return module if leaf or "." not in name else self.loaded.get(top_name, module)
        top = outer = None
        path = ""
        parts = name.split(".")
        for depth, part in enumerate(parts, 1):
            full_name = ".".join(parts[:depth])
            found = self._find(part) if depth == 1 else self._stat(f"{path}/{part}")
            if found is None:
                weak = WEAK.get(full_name) if depth == len(parts) else None
                module = self.builtin(weak) if weak else None
                if module is None:
                    raise ImportError(f"no module named '{full_name}'")
            else:
                path, kind = found
                module = self.loaded.get(full_name) or self.builtin(full_name)
                if module is None:
                    module = self._load(full_name, path, kind)
            if outer is not None:
                setattr(outer, part, module)
            outer = module
            top = top or module
        return outer if leaf else top

    def _absolute(self, name: str, scope: dict[str, Any], level: int) -> str:
        parts = str(scope.get("__name__", "")).split(".")
        chop = level - 1 if "__path__" in scope else level
        if chop >= len(parts):
            raise ValueError("cannot perform relative import")
        base = parts[: len(parts) - chop]
        return ".".join(base + ([name] if name else []))

    def _offer(self, module: Any, name: str, fromlist: tuple[str, ...]) -> Any:
        """Make the names after `from m import` available, sub-modules of a package included."""
        if "*" in fromlist:
            star = ModuleType(name)  # not the module itself: this core knows no __all__
            public = {key: value for key, value in vars(module).items() if key[0] != "_"}
            vars(star).update(public)
            return star
        for item in fromlist:
            if hasattr(module, item):
                continue
            if not hasattr(module, "__path__"):
                raise ImportError(f"cannot import name {item}")
            self._import(f"{module.__name__}.{item}", True)
            if not hasattr(module, item):  # loaded before, taken from its package since
                setattr(module, item, self.loaded[f"{module.__name__}.{item}"])
        return module

    # files

    def _find(self, name: str) -> tuple[str, str] | None:
        for entry in self.path:
            found = self._stat(f"{entry}/{name}" if entry else name)
            if found is not None:
                return found
        return None

    def _stat(self, stem: str) -> tuple[str, str] | None:
        """(device path, "dir" | "py" | "mpy") of what `stem` stands for."""
        host = self._host_path(stem)
        if host is not None and host.is_dir():
            return stem, "dir"
        for kind in ("py", "mpy"):
            host = self._host_path(f"{stem}.{kind}")
            if host is not None and host.is_file():
                return stem, kind
        return None

    def _load(self, name: str, stem: str, kind: str) -> ModuleType:
        module = ModuleType(name)
        del module.__doc__, module.__loader__, module.__spec__, module.__package__
        self.loaded[name] = module
        if kind == "dir":
            module.__path__ = stem  # type: ignore[assignment]
            inner = self._stat(f"{stem}/__init__")
            if inner is None or inner[1] == "dir":
                return module  # a package works without __init__.py
            stem, kind = inner
        if kind == "mpy":
            raise ImportError(
                f"{stem}.mpy is byte code, which CPython cannot run: put {stem}.py on the flash "
                "or run it on the MicroPython VM"
            )
        path = f"{stem}.py"
        vars(module)["__file__"] = path
        self.run_file(path, vars(module), "py" if path in SCRIPTS else self._install)
        return module

    def run_file(self, path: str, namespace: dict[str, Any], install: str = "py") -> None:
        """Execute one source file of the device in `namespace`, loading time included."""
        host = self._host_path(path)
        if host is None or not host.is_file():
            raise self.firmware_builtins["OSError"](2)
        data = host.read_bytes()
        self._board.spend_us(import_us(data, install))
        code = self.compile(data, str(host), path)
        namespace["__builtins__"] = self.device_builtins
        exec(code, namespace)

    def compile(self, data: bytes, filename: str, device_path: str) -> CodeType:
        self.device_paths[filename] = device_path
        try:
            return compile_device(data.decode("utf-8"), filename)
        except UnicodeDecodeError:
            raise SyntaxError("invalid syntax", (filename, 1, None, None)) from None
        except ValueError:  # a NUL byte
            raise SyntaxError("invalid syntax", (filename, 1, None, None)) from None


def _is_private(name: str) -> bool:
    return name.startswith("_") and name != "_thread"


_firmware_cache: dict[tuple[str, int], CodeType] = {}


def _firmware_code(file: Path) -> CodeType:
    key = (str(file), file.stat().st_mtime_ns)
    code = _firmware_cache.get(key)
    if code is None:
        source = file.read_text(encoding="utf-8")
        code = builtins.compile(source, str(file), "exec", dont_inherit=True)
        _firmware_cache[key] = code
    return code
