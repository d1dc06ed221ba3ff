"""What a measurement costs if it is sent at once, and if several are sent together (_SEND_EVERY).

A batch is n cycles, the last of which sends what all of them have measured. Counted is the batch
behind the first report after power-on: all the energy from its first reset to the end of its last
deep sleep, that of the sleeping board too, divided by its n measurements. A batch that resumes a
registration is counted behind a batch that did so as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from devkit.bench import measure
from devkit.bench.cases import COLD, RESUMED, Case, Start
from devkit.bench.runs import Conditions

EVERY = (1, 4, 24)
MEASURING_SEEDS = 15  # most of a cycle that only measures is the start of the board, which varies
STARTS = (COLD, RESUMED)
Begun = Callable[[], dict[str, Any]]  # waits for a row


def begin(conditions: Conditions) -> list[Begun]:
    """One row for each of EVERY, and one for a cycle that only measures."""
    begun = [_begin(every, every, conditions) for every in EVERY]
    return [*begun, _begin_measuring(conditions)]


def begin_by_link(conditions: Conditions) -> list[Begun]:
    """The same by the modem's own UART, attaching each time and resuming."""
    ways = [(start, every) for start in STARTS for every in EVERY]
    return [_begin(every, every, conditions, "uart", start) for start, every in ways]


def row(
    every: int, conditions: Conditions, link: str = "lte", start: Start = COLD
) -> dict[str, Any]:
    """One row of the table, with the names of the JSON shape; everything for one measurement."""
    return _begin(every, every, conditions, link, start)()


def measuring_row(conditions: Conditions) -> dict[str, Any]:
    """The row of a cycle with the radio off: the first behind the report after power-on."""
    return _begin_measuring(conditions)()


def _begin_measuring(conditions: Conditions) -> Begun:
    more = replace(conditions, seeds=max(conditions.seeds, MEASURING_SEEDS))
    return _begin(EVERY[-1], 1, more, name="only measured")


def _begin(
    every: int, count: int, conditions: Conditions, link: str = "lte", start: Start = COLD,
    name: str = "",
) -> Begun:  # fmt: skip
    """Of `count` cycles behind those that lead there: the first one, or whole batches."""
    lead = 1 if start is COLD else 1 + every
    name = name or ("each sent at once" if every == 1 else f"{every} sent together")
    case = Case(
        name, protocol="coap", own={"_SEND_EVERY": every}, by=link, begins=start, lead=lead,
        count=count, sleeps=True,
    )  # fmt: skip
    return measure.begin(case, conditions)
