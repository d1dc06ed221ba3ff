"""The interrupt thread of the firmware: one queue, one handler at a time, and a single point of
failure. An exception that leaves any handler ends the thread: no handler runs again until reset.

`machine.disable_irq()` hands out the interrupt level that it found and `enable_irq(state)` puts it
back, so pairs of them may be nested; `enable_irq()` alone lets everything through.

The queue itself is `board.irqs`. Whoever carries out handlers (emulator/vm/bridge.py) takes it.
Source: Pycom firmware 1.20.2.r4 (util/mpirq.c, mods/modmachine.c).
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.board.board import FAST_CALL_US, Board, Service


class Irq(Service):
    call_us: Mapping[str, int] = {"disable": FAST_CALL_US, "restore": FAST_CALL_US}
    looks = frozenset({"masked"})

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._handling = 0
        self._disabled = False
        self._dead = False

    def pending(self) -> bool:
        """Whether a handler could run now."""
        if self._dead:
            self.board.irqs.clear()
        return not self.do_masked() and bool(self.board.irqs)

    def do_take(self) -> list[str | int] | None:
        """The next interrupt to be handled: [service, object id, trigger]."""
        return list(self.board.irqs.popleft()) if self.pending() else None

    def do_mask(self, on: bool) -> None:
        """Hold back handlers while one runs; may be nested."""
        self._handling = max(0, self._handling + (1 if on else -1))

    def do_disable(self) -> int:
        """What `do_restore` needs to put back the state found."""
        found = int(self._disabled)
        self._disabled = True
        return found

    def do_restore(self, state: int) -> None:
        self._disabled = bool(state)

    def do_masked(self) -> bool:
        return self._disabled or self._handling > 0

    def do_die(self) -> None:
        """A handler raised."""
        self._dead = True
        self.board.irqs.clear()

    def on_reset(self, cause: int) -> None:
        self._handling = 0
        self._disabled = False
        self._dead = False
