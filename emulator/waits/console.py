"""Something typed at the console: input(), sys.stdin."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board

CALLS = ("console.typed",)


def hint(board: Board, name: str, args: tuple[Any, ...]) -> str | None:
    return "reads the console, and nobody types"
