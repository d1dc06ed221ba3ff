"""What differs on the board, whether the build suits it, and whether it fits.

A new file is written beside the old one under a temporary name, which tells what is to become of
it: `main.py.1a2b3c4d.new` is a main.py whose SHA-256 begins with 1a2b3c4d. Whatever interrupts a
deployment, the next one can tell a complete file from a piece, and finish: FAT renames by deleting
the old file first, so the power may go when only the temporary name is left (Pycom firmware
1.20.2.r4, extmod/vfs_fat.c).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from devkit.deploy.repl import DeployError, Repl
from devkit.deploy.source import SCRIPTS, File, Source

_TEMPORARY = re.compile(r"(.+)\.([0-9a-f]{8})\.new")
# .mpy version by the version of MicroPython, for boards that do not tell (py/persistentcode.h)
_MPY_OF_CORE = (((1, 19), 6), ((1, 12), 5), ((1, 11), 4), ((1, 9, 4), 3))


@dataclass(frozen=True)
class Board:
    name: str
    release: str
    mpy_version: int | None
    is_pycom: bool
    root: str  # "/flash", or "" where the flash is the root
    unique: str = ""  # machine.unique_id() in hex
    filesystem: str | None = None  # as pycom.bootmgr() calls it
    word: int = 0  # "ota" in NVS; 0: the modules stand in /flash itself, in no slot

    def path(self, path: str) -> str:
        return f"{self.root}/{path}"


@dataclass
class Plan:
    """Paths are relative to the board's flash."""

    new: list[File] = field(default_factory=list)
    changed: list[File] = field(default_factory=list)
    unchanged: list[File] = field(default_factory=list)
    kept: list[File] = field(default_factory=list)  # the board's own config.py, credentials.py
    hiding: dict[str, str] = field(default_factory=dict)  # x.py to remove -> x.mpy
    shadowing: dict[str, str] = field(default_factory=dict)  # folder x, not ours -> x.mpy
    restored: dict[str, str] = field(default_factory=dict)  # left temporary name -> its file
    dropped: list[str] = field(default_factory=list)  # temporary names to remove
    ready: set[str] = field(default_factory=set)  # temporary names that are complete
    old_sizes: dict[str, int] = field(default_factory=dict)
    order: tuple[File, ...] = ()  # all files, as they are to be put in place

    @property
    def written(self) -> list[File]:
        """What is to be sent, in the order in which it is put in place: files that nothing on the
        board imports yet, then those that are replaced, and the scripts at the end."""
        wanted = {file.path for file in [*self.new, *self.changed]}
        there = {file.path for file in self.changed}
        files = [file for file in self.order if file.path in wanted]
        return sorted(files, key=lambda file: (file.path in SCRIPTS, file.path in there))


def temporary(file: File) -> str:
    return f"{file.path}.{file.sha256[:8]}.new"


def board(repl: Repl) -> Board:
    about = repl.call("about")
    mpy = about["mpy"]
    core = tuple(about["core"])
    version = mpy & 0xFF if mpy is not None else _mpy_of(core)
    return Board(
        about["board"], about["release"], version, about["pycom"], about["root"],
        about["unique"], about["filesystem"], about["word"],
    )  # fmt: skip


def _mpy_of(core: tuple[int, ...]) -> int | None:
    return next((version for since, version in _MPY_OF_CORE if core >= since), None)


def check_target(source: Source, board: Board) -> None:
    """DeployError if the board cannot run the build."""
    build = source.target or str(source.folder)
    if source.target and source.target.startswith("pycom-") and not board.is_pycom:
        raise DeployError(
            f"the build is for {source.target}, the board is a {board.name} with MicroPython"
            f" {board.release}; allowed: a build for it (./dev deploy --target, --from)"
        )
    for version, path in sorted(source.mpy_versions.items()):
        if board.mpy_version is not None and version != board.mpy_version:
            raise DeployError(
                f"{build} has .mpy version {version} ({path}), the board ({board.name},"
                f" {board.release}) loads version {board.mpy_version}; allowed: a build for it"
                " (./dev deploy --target, --from)"
            )


def make(
    source: Source,
    repl: Repl,
    board: Board,
    replace_config: bool,
    looked: Callable[[int, str], None] = lambda count, path: None,
) -> Plan:
    """Compare the build with the board, on which nothing is changed.

    `looked` is told how many files were compared, and which one is next.
    """
    plan = Plan(order=source.files)
    names = {
        folder: set(repl.call("names", board.path(folder).rstrip("/")))
        for folder in sorted({_folder(file.path) for file in source.files})
    }
    _leftovers(plan, source, repl, board, names)
    wanted = {file.path for file in source.files}
    for count, file in enumerate(source.files):
        looked(count, file.path)
        if not replace_config and file.forms & {*names[""], *plan.restored.values()}:
            plan.kept.append(file)
            continue
        _compare(plan, file, repl, board)
        _hidden(plan, file, names[_folder(file.path)], wanted)
    for path in plan.hiding:
        found = repl.call("look", board.path(path), 0)
        plan.old_sizes[path] = found[0] if isinstance(found, list) else 0
    return plan


def _compare(plan: Plan, file: File, repl: Repl, board: Board) -> None:
    found = repl.call("look", board.path(file.path), len(file.data))
    if found == "dir":
        raise DeployError(f"{board.path(file.path)} is a folder on the board, here it is a file")
    if found is None:
        if file.path not in plan.restored.values():
            plan.new.append(file)
            return
        plan.changed.append(file)
    elif found == [len(file.data), file.sha256]:
        plan.unchanged.append(file)
    else:
        plan.changed.append(file)
        plan.old_sizes[file.path] = found[0]


def _hidden(plan: Plan, file: File, names: set[str], wanted: Iterable[str]) -> None:
    """MicroPython looks for a folder first, then for .py, then for .mpy (py/builtinimport.c)."""
    if not file.path.endswith(".mpy"):
        return
    stem = file.path.removesuffix(".mpy")
    name = stem.rsplit("/", 1)[-1]
    if f"{name}.py" in names and f"{stem}.py" not in wanted:
        plan.hiding[f"{stem}.py"] = file.path
    if name in names and not any(path.startswith(f"{stem}/") for path in wanted):
        plan.shadowing[stem] = file.path


def _leftovers(
    plan: Plan, source: Source, repl: Repl, board: Board, names: dict[str, set[str]]
) -> None:
    """Decide about each temporary file that an interrupted deployment has left."""
    ours = {temporary(file): file for file in source.files}
    for folder, inside in names.items():
        for name in sorted(inside):
            match = _TEMPORARY.fullmatch(name)
            if match is None:
                continue
            path, target = _join(folder, name), _join(folder, match[1])
            found = repl.call("look", board.path(path), -1)
            complete = isinstance(found, list) and found[1].startswith(match[2])
            if complete and path in ours and found[1] == ours[path].sha256:
                plan.ready.add(path)
            elif complete and match[1] not in inside:
                plan.restored[path] = target
            elif isinstance(found, list):
                plan.dropped.append(path)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def check_space(plan: Plan, space: list[int] | None, new_folders: int) -> None:
    """DeployError unless the flash holds the old and the new files at once: no old one goes before
    all new ones are there."""
    if space is None:
        return
    block, free = space
    # A folder of LittleFS is a pair of blocks; one more for what a file system keeps for itself.
    free -= 2 * new_folders + 1
    missing = [file for file in plan.written if temporary(file) not in plan.ready]
    free -= sum(max(1, -(-len(file.data) // block)) for file in missing)
    if missing and free < 0:
        raise full(space, -free * block)


def full(space: list[int] | None, lacking: int | None = None) -> DeployError:
    has = f": {space[0] * space[1]} bytes are free" if space else ""
    needs = f", {lacking} more are needed for the old and the new files at once" if lacking else ""
    return DeployError(
        f"the board's flash is full{has}{needs}; remove files of your own from it. The old files"
        " are as they were"
    )
