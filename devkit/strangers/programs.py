"""Find the programs in a checkout, and gather the files that a board needs to run one.

A program is a `main.py`, or a file that no other file of the checkout imports and that does
something when it runs. It, or a module that it imports from the checkout, imports one of the
board's own modules. The flash is a copy of the program's folder; a module that is missing there is
taken from wherever in the checkout it lies, as the author's instructions say in most cases.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from emulator import names

_BOARD = {"machine", "pycom", "network"}  # what no computer has
_SKIPPED = {"test", "tests", "node_modules", "venv", "stubs", "frozen"}
_NO_PROGRAM = {"boot.py", "config.py", "setup.py", "__init__.py"}
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import|import[ \t]+([\w., \t]+))", re.M)
_ACTS = re.compile(r"^(?:while\b|for\b|with\b|(?!print)[A-Za-z_][\w.]*\()", re.M)
_FILE_BYTES = 300_000  # larger ones are pictures and firmware images
_FLASH_FILES = 400


@dataclass
class Checkout:
    """One repository: its files, and the modules that can be imported from them."""

    folder: Path
    modules: dict[str, list[Path]] = field(default_factory=dict)  # name -> files or packages

    def __post_init__(self) -> None:
        for file in sorted(self.folder.rglob("*.py")):
            if self._is_device(file):
                package = file.name == "__init__.py"
                place = file.parent if package else file
                self.modules.setdefault(place.stem, []).append(place)

    @property
    def name(self) -> str:
        return self.folder.name.replace("+", "/", 1)

    def _is_device(self, file: Path) -> bool:
        inner = file.relative_to(self.folder).parts[:-1]
        return not any(part in _SKIPPED or part.startswith(".") for part in inner)

    def programs(self) -> Iterator[Path]:
        files = [place for places in self.modules.values() for place in places if place.is_file()]
        imported = {name for file in files for name in imports(file)}
        for file in sorted(files):
            other = file.stem in imported or file.parent.name == "lib"
            if file.name in _NO_PROGRAM or (file.name != "main.py" and other):
                continue
            if (file.name == "main.py" or _ACTS.search(text(file))) and self._is_for_a_board(file):
                yield file

    def _is_for_a_board(self, program: Path) -> bool:
        if program.name != "main.py":
            return bool(_BOARD & set(imports(program)))
        used = {program, *(place for _, place in self.needed(program))}
        return any(_BOARD & set(imports(file)) for place in used for file in _files(place))

    def needed(self, program: Path) -> list[tuple[str, Path]]:
        """(name, file or package) of the modules that the program imports from its checkout."""
        found: dict[str, Path] = {}
        waiting = [program]
        while waiting:
            for name in imports(waiting.pop()):
                place = self._nearest(name, program)
                if place is not None and name not in found and place != program:
                    found[name] = place
                    waiting += _files(place)
        return list(found.items())

    def _nearest(self, name: str, program: Path) -> Path | None:
        def distance(place: Path) -> tuple[int, int]:
            common = len(
                [1 for one, other in zip(place.parts, program.parts, strict=False) if one == other]
            )
            return -common, len(place.parts)

        places = self.modules.get(name, []) if name not in _built_in() else []
        return min(places, key=distance, default=None)

    def gather(self, program: Path, flash: Path) -> Path:
        """Fill the folder `flash`; return the program in it."""
        copied = 0
        for file in sorted(program.parent.rglob("*")):
            inner = file.relative_to(program.parent)
            if ".git" in inner.parts or not file.is_file() or copied >= _FLASH_FILES:
                continue
            if program.name != "main.py" and inner.name in ("boot.py", "main.py"):
                continue  # of another program
            copied += _copy(file, flash / inner)
        for name, place in self.needed(program):
            there = [flash / name, flash / "lib" / name]
            if not any(at.is_dir() or at.with_suffix(".py").is_file() for at in there):
                for file in _files(place):
                    inner = file.relative_to(place.parent)
                    copied += _copy(file, flash / "lib" / inner)
        return flash / program.name


def checkouts(folder: Path) -> Iterator[Checkout]:
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.name.startswith("."):
            yield Checkout(each)


def text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")


def imports(file: Path) -> list[str]:
    """The first name of each module that a file imports. No parser: programs may have syntax
    that only MicroPython accepts."""
    found = []
    for source, listed in _IMPORT.findall(text(file)):
        for each in [source] if source else listed.split(","):
            first = each.strip().partition(" ")[0].partition(".")[0]
            found += [first] if first else []
    return found


def _files(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _built_in() -> set[str]:
    return set(names.modules("FiPy", "pybytes"))


def _copy(source: Path, target: Path) -> int:
    if source.stat().st_size > _FILE_BYTES or target.exists():
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return 1
