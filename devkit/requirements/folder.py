"""Folders of packages beside those of .venv: for boards, or in another version than .venv has.

A lock file in pip's format (`NAME==VERSION --hash=sha256:...`) says which; without network what
was fetched once is used as long as the lock file stays the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from devkit.requirements import sdist

STAMP = "complete"


def installed(lock: Path, folder: Path, programs: tuple[str, ...] = ()) -> Path:
    """`folder` with what `lock` lists and nothing else; installed if it is not like that.

    programs: files, relative to `folder`, that the wheels carry without the mark that makes them
    programs. Raises NotInstalled.
    """
    if _is_complete(folder, lock):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Whoever is first installs, the others wait for it: none takes the folder away from under a
    # compiler that another has started.
    with turn(folder.with_name(folder.name + ".lock")):
        if not _is_complete(folder, lock):
            _install(lock, folder, programs)
    return folder


def _install(lock: Path, folder: Path, programs: tuple[str, ...]) -> None:
    """Beside it, and moved when complete: nobody sees half of it."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=folder.name) as scratch:
        fresh = Path(scratch) / "fresh"
        sdist.install(lock, fresh)
        for name in programs:
            program = fresh / name
            program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        (fresh / STAMP).write_text(_wanted(lock), encoding="ascii")
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        fresh.rename(folder)


@contextlib.contextmanager
def turn(path: Path) -> Iterator[None]:
    """Wait until no other process is within such a block with the same file. The system opens
    the lock when its holder dies."""
    with path.open("a") as file:
        _wait_for_turn(file)
        yield


def _wait_for_turn(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt  # tries for ten seconds, then raises OSError

        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _wanted(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _is_complete(folder: Path, lock: Path) -> bool:
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="ascii") == _wanted(lock)
