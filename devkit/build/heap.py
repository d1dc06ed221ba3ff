"""Heap that importing a component takes on a real MicroPython: gc.mem_alloc before and after.

    heap_after_import(["networking.nbiot"])     # {"networking.nbiot": bytes, with all it imports}

The WebAssembly build has the 32-bit words of a Pycom board, so that objects have the same size
there; floats take 16 bytes, not 4 inside of an object or 8, and byte code is that of a later
version. What a board has in C is loaded beforehand and does not count.
"""

from __future__ import annotations

import base64
import functools
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from devkit.build.targets import CURRENT
from emulator.device_files import ROOT, flash_files
from emulator.vm import webassembly
from emulator.vm.runtime import FIRMWARE_DIR

HOST = Path(__file__).resolve().parent / "heap_host.mjs"
LIMIT_S = 120

# All modules are there on a FiPy
_BOARD = """
def call(name, *args):
    return {"name": "FiPy"} if name == "system.board" else None

def on_interrupt(*args):
    pass
"""
# The VM's own modules under the names that they have on a board
_ALIASES = {"ustruct": "struct", "ujson": "json", "ure": "re", "ubinascii": "binascii",
            "ucollections": "collections", "uerrno": "errno"}  # fmt: skip
# Whatever a board has in C, so that its stand-ins are in memory before the measurement
_BEFORE = "machine network pycom ucrypto uhashlib uio uos uqueue uselect usocket ussl utime utimeq"


def heap_after_import(modules: Sequence[str], root: Path = ROOT) -> dict[str, int]:
    """Bytes of heap in use after importing each module alone, compiled as on a board, with what it
    imports itself. RuntimeError if a module cannot be imported.
    """
    files = _firmware() | _device(root)
    work = {
        "files": {name: base64.b64encode(data).decode() for name, data in files.items()},
        "path": ["/fw", "", "/flash", "/flash/lib"],
        "before": "".join(f"import {name}\n" for name in [*_BEFORE.split(), *_ALIASES]),
        "modules": list(modules),
    }
    found = json.loads(_measured(json.dumps(work)))
    for name, value in found.items():
        if not isinstance(value, int):
            raise RuntimeError(f"importing {name} failed: {value}")
    return {name: int(value) for name, value in found.items()}


@functools.lru_cache(maxsize=8)  # the same files have the same weight
def _measured(work: str) -> str:
    command = [webassembly.program(), str(HOST), str(webassembly.package())]
    done = subprocess.run(
        command, input=work, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode:
        raise RuntimeError(f"measuring the heap failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _firmware() -> dict[str, bytes]:
    """The board's modules, with nothing behind them: importing one calls nothing."""
    files = {f"/fw/{path.name}": path.read_bytes() for path in FIRMWARE_DIR.glob("*.py")}
    files["/fw/_board.py"] = _BOARD.encode()
    for name, native in _ALIASES.items():
        files[f"/fw/{name}.py"] = f"from {native} import *\n".encode()
    return files


def _device(root: Path) -> dict[str, bytes]:
    files = {}
    for path, file in flash_files(root).items():
        name = CURRENT.deployed_name(path).as_posix()
        files[f"/flash/{name}"] = CURRENT.deployed(file.read_bytes(), path)
    return files
