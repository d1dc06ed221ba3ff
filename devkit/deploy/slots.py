"""A board with slots, for updates over the air: what it is given by cable, and in which order.

    slots.refuse(board)                                  # without --keys: not a board with slots
    slots.erased(repl, board, convert)                   # what another file system would cost it
    board = slots.littlefs(repl, look)                   # the board with another file system
    slots.switch(...)

The release goes into the slot that does not run. When all files are in place and right, one
number in NVS makes it the one that does. What the slot replaces in /flash itself is removed last:
a board whose cable is pulled starts at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devkit.deploy.plan import Board
from devkit.deploy.repl import Broken, DeployError, Repl
from devkit.deploy.source import SCRIPTS
from devkit.release.provision import Provision

AGENT = "agent_slots.py"
LITTLEFS = "LittleFS"
_CONFIRMED, _SLOT_B = 1 << 28, 1 << 27  # bits of "ota" in NVS (ota/_word.py)
_SEQ = (1 << 18) - 1


def refuse(board: Board) -> None:
    """DeployError for a board that would not load what is put into /flash itself."""
    if board.word:
        raise DeployError(
            f"the board runs release {board.word & _SEQ} from a slot and would not load these"
            " files; allowed: ./dev deploy PORT --keys DIR, or without updates from now on"
            ' pycom.nvs_set("ota", 0) at its prompt, then this command again'
        )


def free_slot(board: Board) -> str:
    """The slot that holds no confirmed set: "a" on a new board."""
    return "b" if board.word and not board.word & _SLOT_B else "a"


def erased(repl: Repl, board: Board, convert: bool) -> str:
    """What a board loses by LittleFS, the only file system that an update cannot destroy.

    "" if it has that. Raises DeployError without `convert`.
    """
    if not board.is_pycom:
        raise DeployError(f"{board.name} is no Pycom board; allowed: one, which has slots")
    if board.filesystem == LITTLEFS:
        return ""
    count = len(repl.call("files", board.root))
    files = "file" if count == 1 else "files"
    lost = f"the {count} {files} in its flash, config and credentials included"
    if not convert:
        raise DeployError(
            f"the board has the file system {board.filesystem}, on which a power cut during an"
            f" update can destroy all files; allowed: --convert, which erases {lost}"
        )
    return lost


def littlefs(repl: Repl, look: Callable[[], Board]) -> Board:
    """Format the board's flash. look: finds out about the board anew."""
    repl.format(LITTLEFS)
    repl.reconnect()
    board = look()
    if board.filesystem != LITTLEFS:
        raise DeployError(f"the board still has the file system {board.filesystem}")
    return board


def stale(repl: Repl, board: Board, slot: str, wanted: Iterable[str]) -> list[str]:
    """Paths of files in a slot that belong to no component of the release."""
    there = repl.call("files", board.path(slot))
    return sorted(set(there) - {board.path(path) for path in wanted})


def replaced(repl: Repl, board: Board, wanted: Iterable[str]) -> list[str]:
    """Paths of files in /flash itself that a module in the slot replaces, in either form."""
    names = {path.partition("/")[2].rpartition(".")[0] for path in wanted}
    kept = (*SCRIPTS, "config.py", "config.mpy", "credentials.py")
    found = []
    for path in repl.call("files", board.root):
        inner = path.removeprefix(board.path(""))
        stem, _, suffix = inner.rpartition(".")
        if stem in names and suffix in ("py", "mpy") and inner not in kept:
            found.append(path)
    return found


def leftovers(
    repl: Repl, board: Board, slot: str, provision: Provision
) -> tuple[dict[str, str], dict[str, str]]:
    """What `switch` removes now, {path: why}: in the slot, and in /flash itself."""
    wanted = [path for path in provision.files if path.startswith(f"{slot}/")]
    root = board.path("")
    old = {path.removeprefix(root): "not of this release"
           for path in stale(repl, board, slot, wanted)}  # fmt: skip
    roots = {path.removeprefix(root): f"replaced by slot {slot}"
             for path in replaced(repl, board, wanted)}  # fmt: skip
    return old, roots


def switch(repl: Repl, board: Board, slot: str, provision: Provision) -> list[tuple[str, str]]:
    """Make this slot the one that runs; the files are in place. Returns [(path, why removed)].

    Broken if the board does not keep a number.
    """
    old = leftovers(repl, board, slot, provision)[0]
    _sweep(repl, board, list(old))
    lost = repl.call("keep", list(provision.nvs))
    if lost:
        raise Broken(f"the board did not keep {', '.join(lost)} in its NVS")
    roots = leftovers(repl, board, slot, provision)[1]
    _sweep(repl, board, list(roots))
    return [*old.items(), *roots.items()]


def _sweep(repl: Repl, board: Board, paths: list[str]) -> None:
    repl.load(f"swept = {[board.path(path) for path in paths]!r}\n")
    repl.call("sweep")
