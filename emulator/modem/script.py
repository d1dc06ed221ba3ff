"""What +CEREG goes through, as a list of steps that are entered one after the other.

Scenarios write such lists ([network] steps); without one these here are played. A step without
`after_ms` ends a drawn attach.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.board.constants import ESTIMATE, constant
from emulator.network.cell import Procedure
from emulator.network.options import Step

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

# <stat> of +CEREG, 3GPP TS 27.007 10.1.22
IDLE, HOME, SEARCHING, DENIED, UNKNOWN, ROAMING = range(6)

# behind the OK of CFUN=1
FIRST_STEP_MS = constant(30, "ms", ESTIMATE, "behind the OK of CFUN=1")


class UpdateStep(Step):
    """Ends a tracking area update."""


NO_CELL: list[Step] = [
    Step(SEARCHING, after_ms=FIRST_STEP_MS),
    Step(IDLE, after_ms=32_000),
    Step(SEARCHING, after_ms=14_000),
    Step(UNKNOWN, after_ms=38_000),
    Step(SEARCHING, after_ms=11_000),
]
COVERAGE_LOST: list[Step] = [
    Step(UNKNOWN, after_ms=0),
    Step(SEARCHING, after_ms=9_000),
    Step(UNKNOWN, after_ms=26_000),
]


def attaching(registered: int) -> list[Step]:
    return [Step(SEARCHING, after_ms=FIRST_STEP_MS), Step(registered)]


def updating(registered: int) -> list[Step]:
    """Back in coverage, still known to the network."""
    return [Step(SEARCHING, after_ms=0), UpdateStep(registered)]


def retrying(registered: int, delay_ms: int) -> list[Step]:
    return [Step(SEARCHING, after_ms=delay_ms), Step(registered)]


class Script:
    """Plays steps in virtual time and on the radio; `enter` carries each of them out."""

    def __init__(self, modem: Modem, enter: Callable[[Step, bool], None]) -> None:
        self._modem = modem
        self._enter = enter  # told whether the step is the last one
        self.running = False
        self._steps: list[Step] = []
        self._repeat = False
        self._position = 0
        self._run = 0  # what an earlier run has scheduled is void

    def play(self, steps: list[Step], repeat: bool = False) -> None:
        self._steps, self._repeat, self._position = list(steps), repeat, 0
        self.running = True
        self._run += 1
        self._next()

    def halt(self) -> None:
        self._run += 1
        self.running = False

    def _next(self) -> None:
        if self._position >= len(self._steps):
            self._position = 0
        step = self._steps[self._position]
        self._position += 1
        run = self._run

        def due() -> None:
            if run == self._run:
                self._reach(step)

        if step.after_ms is not None:
            if self._modem.stat == SEARCHING:
                self._modem.radio.search()
            self._modem.after_ms(step.after_ms, due)
            return
        procedure = self._procedure(step)
        if procedure is None:  # this modem will not find the cell
            self.play(NO_CELL, repeat=True)
        else:
            self._modem.radio.play(procedure, due)

    def _reach(self, step: Step) -> None:
        run = self._run
        last = self._position >= len(self._steps) and not self._repeat
        if last:
            self.running = False
        self._enter(step, last)
        if self.running and run == self._run:  # nobody has started another one
            self._next()

    def _procedure(self, step: Step) -> Procedure | None:
        cell, nv = self._modem.cell, self._modem.nv
        if isinstance(step, UpdateStep):
            return cell.tau()
        return cell.attach(nv.known_cell, len(nv.bands))
