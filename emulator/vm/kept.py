"""Code of the project's device files, kept between processes as Python keeps that of modules.

Compiling them takes half the time of a short command. An entry holds for one text, one compiler
and one Python. There is one for each file and compiler: programs of others, and altered files,
have none.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import marshal
import os
import sys
from pathlib import Path
from types import CodeType

from emulator.device_files import flash_files

_COMPILER = Path(__file__).with_name("compiler.py")
_LANGUAGE = _COMPILER.with_name("language")


def load(source: str) -> CodeType | None:
    """What an earlier process has made of this text."""
    data = read(source)
    try:
        code = None if data is None else marshal.loads(data)
    except (EOFError, ValueError, TypeError):
        return None
    return code if isinstance(code, CodeType) else None


def store(source: str, code: CodeType) -> None:
    """Keep it, if it is of the project and there is a virtual environment to keep it in."""
    write(source, marshal.dumps(code))


def read(source: str, maker: str = "") -> bytes | None:
    """What `maker` has made of this text: another compiler, its options included."""
    place = _place(source, maker)
    if place is None:
        return None
    try:
        data = place.read_bytes()
        key = _key(source, maker)
    except OSError:
        return None
    return data[len(key) :] if data.startswith(key) else None


def write(source: str, data: bytes, maker: str = "") -> None:
    """Keep it, as `store` does."""
    place = _place(source, maker)
    if place is None or sys.dont_write_bytecode:
        return
    with contextlib.suppress(OSError):
        place.parent.mkdir(exist_ok=True)
        new = place.with_name(f"{place.name}.{os.getpid()}")
        new.write_bytes(_key(source, maker) + data)
        new.replace(place)


def _place(source: str, maker: str) -> Path | None:
    name = _names().get(source) if sys.prefix != sys.base_prefix else None
    if name is None:
        return None
    kind = f"-{hashlib.sha256(maker.encode()).hexdigest()[:8]}" if maker else ""
    return Path(sys.prefix) / "device-code" / f"{name}{kind}"


@functools.cache
def _names() -> dict[str, str]:
    """Text of each file of the project -> name of its entry."""
    found = {}
    for path, file in flash_files().items():
        with contextlib.suppress(OSError, ValueError):
            found[file.read_text(encoding="utf-8")] = ".".join(path.with_suffix("").parts)
    return found


def _key(source: str, maker: str) -> bytes:
    made_by = maker.encode() or importlib.util.MAGIC_NUMBER + _compiler(_COMPILER)
    return hashlib.sha256(made_by + b"\0" + source.encode()).digest()


@functools.cache
def _compiler(file: Path) -> bytes:
    """The files that make the code."""
    files = [file, *sorted(_LANGUAGE.glob("*.py"))]
    return b"".join(each.read_bytes() for each in files)
