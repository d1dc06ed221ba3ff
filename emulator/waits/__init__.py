"""What a program that never ends waits for, in words: for the last line of a run.

    said = waiting_for(board)        # "waits for a LoRaWAN join: ...", "" if nobody knows

Each file here knows some calls of the firmware and says what a program that makes them again and
again waits for. It has CALLS, their names, and `hint(board, name, args)`, which returns the words,
or None if nothing is missing. A file may be left out; a new one adds itself. ALONE = True: what it
says counts only where no other file knows a cause.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from emulator.board.board import Board


def waiting_for(board: Board) -> str:
    """All causes that the files find in the last calls of the program, the newest first. A call
    that was made once is no wait, unless the program is still in it."""
    told: dict[str, None] = {}
    alone: dict[str, None] = {}
    files = _files()
    calls = list(reversed(board.last_calls))
    for call in calls:
        name, args = call
        asked = call == calls[0] or calls.count(call) > 1
        for file in files if asked else ():
            words = file.hint(board, name, args) if name in file.CALLS else None
            if words:
                (alone if getattr(file, "ALONE", False) else told)[words] = None
    if board.at_prompt and not told:
        return "has ended, and an alarm, a thread or a watchdog of it goes on"
    return " and ".join(told or list(alone)[:1])


def _files() -> list[ModuleType]:
    return [
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
    ]
