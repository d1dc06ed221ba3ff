"""A board's VM for many short lives: its modules are loaded once, and are as new at each start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from emulator.board.board import Board
from emulator.vm.cpython import CpythonVm


class LoadedOnce(CpythonVm):
    """Programs may import `world`, to call it like a service of the firmware."""

    def __init__(self, board: Board, flash: Path, console: Callable[[str], None]) -> None:
        super().__init__(board, flash, console, install="frozen")
        world = ModuleType("world")
        vars(world)["call"] = lambda *arguments: self.bridge.call(*arguments)
        self.importer.loaded["world"] = world
        self._as_loaded: list[tuple[Any, dict[str, Any]]] = []
        self._start = self._restart  # type: ignore[method-assign]

    def keep(self, modules: Iterable[Any]) -> None:
        """Give these modules, and the classes in them, back as they are now at each start."""
        kept = list(modules)
        classes = [each for one in kept for each in vars(one).values() if isinstance(each, type)]
        self._as_loaded += [(each, dict(vars(each))) for each in (*kept, *classes)]

    def _restart(self) -> None:
        self.bridge.closed = None
        self.bridge.guard.touched()
        for each, names in self._as_loaded:
            for name, value in names.items():
                if vars(each).get(name) is not value:
                    setattr(each, name, value)
        self.main = ModuleType("__main__")
        vars(self.main)["__builtins__"] = self.device_builtins
        self.importer.loaded["__main__"] = self.main
