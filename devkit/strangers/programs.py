"""Find the programs in a checkout, and gather the files that a board needs to run one.

A program is a `main.py`, or a file that no other one imports and that does something when it runs.
It, or a module of the checkout that it imports, imports a module of the board. Its flash is a copy
of its folder; a module that is missing there is taken from where it lies in the checkout.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from emulator import names

_BOARD = {"machine", "pycom", "network"}  # no computer has them
_SKIPPED = {"test", "tests", "node_modules", "venv", "stubs", "frozen"}
_NO_PROGRAM = {"boot.py", "config.py", "setup.py", "__init__.py"}
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import|import[ \t]+([\w., \t]+))", re.M)
_ACTS = re.compile(r"^(?:while\b|for\b|with\b|(?!print)[A-Za-z_][\w.]*\()", re.M)
_MOST_BYTES = 300_000  # of a file; larger ones are pictures and firmware images
_MOST_FILES = 400


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name.replace("+", "/", 1)
        self.modules: dict[str, list[Path]] = {}  # name -> files and packages
        for file in sorted(folder.rglob("*.py")):
            inner = file.relative_to(folder).parts[:-1]
            if not any(part in _SKIPPED or part.startswith(".") for part in inner):
                place = file.parent if file.name == "__init__.py" else file
                self.modules.setdefault(place.stem, []).append(place)

    def programs(self) -> Iterator[Path]:
        files = [place for places in self.modules.values() for place in places if place.is_file()]
        imported = {name for file in files for name in imports(file)}
        for file in sorted(files):
            if file.name == "main.py":
                used = [file, *(each for _, place in self.needed(file) for each in _files(place))]
            elif file.name in _NO_PROGRAM or file.stem in imported or file.parent.name == "lib":
                continue
            else:
                used = [file] if _ACTS.search(text(file)) else []
            if any(_BOARD & set(imports(each)) for each in used):
                yield file

    def needed(self, program: Path) -> list[tuple[str, Path]]:
        """(name, file or package) of the modules that the program imports from its checkout."""
        found: dict[str, Path] = {}
        built_in = names.modules("FiPy", "pybytes")
        waiting = [program]
        while waiting:
            for name in imports(waiting.pop()):
                places = [] if name in built_in else self.modules.get(name, [])
                place = max(places, key=lambda each: _nearness(each, program), default=program)
                if place != program and name not in found:
                    found[name] = place
                    waiting += _files(place)
        return list(found.items())

    def gather(self, program: Path, flash: Path) -> Path:
        """Fill the folder `flash`; return the program in it."""
        files = [file for file in sorted(program.parent.rglob("*")) if file.is_file()]
        for file in files[:_MOST_FILES]:
            inner = file.relative_to(program.parent)
            of_another = program.name != "main.py" and str(inner) in ("boot.py", "main.py")
            if ".git" not in inner.parts and not of_another:
                _copy(file, flash / inner)
        for name, place in self.needed(program):
            there = [flash / name, flash / "lib" / name]
            if not any(at.is_dir() or at.with_suffix(".py").is_file() for at in there):
                for file in _files(place):
                    _copy(file, flash / "lib" / file.relative_to(place.parent))
        return flash / program.name


def checkouts(folder: Path) -> list[Checkout]:
    """One for each folder; OWNER+NAME is the name OWNER/NAME."""
    return [Checkout(each) for each in sorted(folder.iterdir()) if each.is_dir()]


def text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")


def imports(file: Path) -> list[str]:
    """The first name of each module that a file imports. Not parsed: it may have syntax that only
    MicroPython accepts."""
    listed = [one or many for one, many in _IMPORT.findall(text(file))]
    return [name for each in listed for name in re.findall(r"(?:^|,)\s*(\w+)", each)]


def _nearness(place: Path, program: Path) -> tuple[int, int]:
    pairs = zip(place.parts, program.parts, strict=False)
    return sum(one == other for one, other in pairs), -len(place.parts)


def _files(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _copy(source: Path, target: Path) -> None:
    if source.stat().st_size <= _MOST_BYTES and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
