"""A lock of _thread that is held: by another thread, or by the one that waits for it."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board

CALLS = ("thread.acquire",)
ALONE = True


def hint(board: Board, name: str, args: tuple[Any, ...]) -> str | None:
    return "waits for a lock (_thread), and nobody releases it"
