"""The interrupt thread of the firmware: one queue, one handler at a time, and a single point of
failure. An exception that leaves any handler ends the thread: no handler runs again until reset.

The queue itself is `board.irqs`. Whoever carries out handlers (devkit/vm/bridge.py) takes from it.
Source: Pycom firmware 1.20.2.r4 (util/mpirq.c).
"""

from __future__ import annotations

from devkit.board.board import Board, Service


class Irq(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._masked = 0
        self._dead = False

    def pending(self) -> bool:
        """Whether a handler could run now."""
        if self._dead:
            self.board.irqs.clear()
        return not self._masked and bool(self.board.irqs)

    def do_take(self) -> list[str | int] | None:
        """The next interrupt to be handled: [service, object id, trigger]."""
        return list(self.board.irqs.popleft()) if self.pending() else None

    def do_mask(self, on: bool) -> None:
        """Hold back handlers; may be nested."""
        self._masked = max(0, self._masked + (1 if on else -1))

    def do_masked(self) -> bool:
        return self._masked > 0

    def do_die(self) -> None:
        """A handler raised."""
        self._dead = True
        self.board.irqs.clear()

    def on_reset(self, cause: int) -> None:
        self._masked = 0
        self._dead = False
