"""Carries a plan out: write beside the old files, verify, put in place, verify again.

Until all files are complete and their hashes are right on the board, no old one is touched. Then
one call has the board put them in place, one after the other, whatever becomes of the cable. A
file whose transfer breaks is tried once more over a new connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

from devkit.deploy import plan as planning
from devkit.deploy.plan import Board, Plan, temporary
from devkit.deploy.repl import BoardError, Broken, DeployError, Repl
from devkit.deploy.source import File

CHUNK_BYTES = 384  # as base64 two pieces of the 256 bytes that mpremote writes at a time
_T = TypeVar("_T")


class Transfer:
    """`sent` is told the bytes sent so far and the file they belong to; `note` gets a line."""

    def __init__(
        self,
        repl: Repl,
        board: Board,
        plan: Plan,
        sent: Callable[[int, str], None] = lambda count, path: None,
        note: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.repl = repl
        self.board = board
        self.plan = plan
        self.sent = sent
        self.note = note
        self._bytes = 0
        self._steps: list[str] = []  # the files, in the order in which they get their places
        self._placed: int | None = 0  # how many of them have; None: the board did not say

    def run(self) -> None:
        """Raises DeployError, whose text says which files are new and which are old."""
        self._tidy()
        space = self._safe("", self.repl.call, "space", self.board.root)
        planning.check_space(self.plan, space, self._new_folders())
        self._upload(self.plan.written)
        self._place()
        for file in self.plan.written:
            self._safe(file.path, self._verify, file, file.path)

    def _tidy(self) -> None:
        """Finish, or clear away, what an interrupted deployment left."""
        self._put([(left, path, "") for left, path in self.plan.restored.items()])
        for left in self.plan.dropped:
            self._safe(left, self._call, "remove", left)

    def _upload(self, files: list[File]) -> None:
        done: list[str] = []
        try:
            for file in files:
                if temporary(file) not in self.plan.ready:
                    done.append(temporary(file))
                    self._safe(file.path, self._send, file)
        except BoardError as problem:
            full = problem.is_full or self._is_full(file)
            self._clear(done)
            if full:
                raise planning.full(self._space()) from problem
            raise DeployError(
                f"{file.path} could not be written: {problem}; {self._state()}"
            ) from problem
        except DeployError:
            # Complete files may stay: the next deployment goes on from there.
            self._clear(done[-1:])
            raise

    def _place(self) -> None:
        """Everything is there: one step on the board puts it in place."""
        hidden = {new: old for old, new in self.plan.hiding.items()}
        steps = [
            (temporary(file), file.path, hidden.pop(file.path, "")) for file in self.plan.written
        ]
        # those whose .mpy was there already
        steps += [(path, path, old) for path, old in hidden.items()]
        self._steps = [path for _, path, _ in steps]
        try:
            self._put(steps)
        except BoardError as problem:
            with contextlib.suppress(Broken, BoardError):
                self._placed = self.repl.call("count")
            raise DeployError(
                f"the files could not all be put in place: {problem}; {self._state()}"
            ) from problem
        self._placed = len(steps)

    def _put(self, steps: list[tuple[str, str, str]]) -> None:
        if steps:
            self._safe("the list of files", self._order_and_place, steps)

    def _order_and_place(self, steps: list[tuple[str, str, str]]) -> None:
        here = [[self.board.path(path) if path else "" for path in step] for step in steps]
        self.repl.load(f"order = {here!r}\nplaced = 0\n")
        if self._steps:
            self._placed = None
        self.repl.call("place")

    def _send(self, file: File) -> None:
        path = temporary(file)
        start = self._bytes
        folder = file.path.rpartition("/")[0]
        if folder:
            self._call("folder", folder)
        self._call("begin", path)
        for offset in range(0, len(file.data), CHUNK_BYTES):
            chunk = file.data[offset : offset + CHUNK_BYTES]
            taken = self.repl.call("put", data=chunk)
            if taken != len(chunk):
                raise BoardError("OSError", "28")  # a file system that takes what still fits
            self.sent(start + offset + len(chunk), file.path)
        self.repl.call("shut")
        self._verify(file, path)
        self._bytes = start + len(file.data)

    def _verify(self, file: File, path: str) -> None:
        found = self._call("look", path, len(file.data))
        if found != [len(file.data), file.sha256]:
            raise Broken(f"{path} is not on the board as it was sent")

    def _space(self) -> list[int] | None:
        with contextlib.suppress(Broken, BoardError):
            space: list[int] | None = self.repl.call("space", self.board.root)
            return space
        return None

    def _is_full(self, file: File) -> bool:
        """Errors of LittleFS that the firmware does not translate come as OSError(0)."""
        space = self._space()
        return space is not None and space[0] * space[1] < len(file.data)

    def _call(self, name: str, *paths: object) -> object:
        """A call whose text arguments are paths in the board's flash."""
        here = [self.board.path(path) if isinstance(path, str) else path for path in paths]
        return self.repl.call(name, *here)

    def _safe(self, path: str, action: Callable[..., _T], *arguments: object) -> _T:
        """Do it; if the transfer breaks, once more over a new connection."""
        what = f"the transfer of {path}" if path else "the transfer"
        try:
            return action(*arguments)
        except Broken as problem:
            self.note(f"{what} broke ({problem}); trying once more")
        try:
            self.repl.reconnect()
            return action(*arguments)
        except Broken as problem:
            raise Broken(f"{what} broke twice ({problem}); {self._state()}") from problem

    def _state(self) -> str:
        """Which files are new and which are old, as far as that is known."""
        if self._placed is None:
            return (
                "all new files are on the board, complete, and it was told to put them in place"
                " but did not confirm that: deploy again"
            )
        new, old = self._steps[: self._placed], self._steps[self._placed :]
        if not new:
            return "the old files are as they were"
        if not old:
            return "all new files are in place"
        return f"new are {', '.join(new)}; as they were are {', '.join(old)}: deploy again"

    def _clear(self, paths: list[str]) -> None:
        """Remove what would only take up space, if the board can be reached."""
        with contextlib.suppress(Broken, BoardError):
            for path in paths:
                self._call("remove", path)

    def _new_folders(self) -> int:
        folders = {file.path.rpartition("/")[0] for file in self.plan.new} - {""}
        held = [*self.plan.changed, *self.plan.unchanged, *self.plan.kept]
        return len(folders - {file.path.rpartition("/")[0] for file in held})
