"""Wires between the parts of a shield: supplies that its microcontroller switches, interrupts.

    lines = lines_of(board)
    lines.watch("RC7", chip.power)    # called with the level at once and at each change
    lines.put("RC7", True)

A wire that nobody drives is low. A board without a shield has none.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board, Service

_NAME = "shield"
Watcher = Callable[[bool], None]


class ShieldLines(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._levels: dict[str, bool] = {}
        self._watchers: dict[str, list[Watcher]] = {}

    def watch(self, name: str, watcher: Watcher) -> None:
        self._watchers.setdefault(name, []).append(watcher)
        watcher(self.level(name))

    def level(self, name: str) -> bool:
        return self._levels.get(name, False)

    def put(self, name: str, level: bool) -> None:
        if level == self.level(name):
            return
        self._levels[name] = level
        for watcher in self._watchers.get(name, ()):
            watcher(level)


def lines_of(board: Board) -> ShieldLines:
    """Those of this board, made when they are first asked for."""
    if _NAME not in board.services:
        board.plug(_NAME, ShieldLines(board))
    lines = board.services[_NAME]
    assert isinstance(lines, ShieldLines)
    return lines
