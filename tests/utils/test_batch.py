"""utils.batch: which cycles send."""

from __future__ import annotations

from typing import Any

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes(every=3)

# One cycle: values of `outside` by name, whether all that waits is sent if it is due
PROGRAM = """
    from support import *
    import machine, utime
    from ucollections import namedtuple
    from utils import batch, store
    Item = namedtuple("Item", ("name", "outside"))
    number = len(store.part("test"))
    store.keep_part("test", bytes(number + 1))
    values, works = {cycles}[number]
    today = batch.Batch({every})
    today.watch([Item(name, values[name]) for name in sorted(values)])
    show(today.due)
    today.keep(today.due and works)
    machine.deepsleep(9)
"""
NONE: dict[str, Any] = {}
IN, OUT = {"t": False}, {"t": True}
FAILED = {"t": None}


def due(device: Device, every: int, cycles: list[tuple[dict[str, Any], bool]]) -> list[bool]:
    device.put("main.py", PROGRAM.format(every=every, cycles=cycles))
    device.start(["main.py"], cycles=len(cycles))
    return list(device.shown)


@pytest.mark.parametrize(
    ("every", "cycles", "expected"),
    [
        (1, [(NONE, True)] * 4, "1111"),
        (4, [(NONE, True)] * 10, "1000100010"),
        # a failed one is repeated until it works; from there on it is counted
        (3, [(NONE, True)] * 3 + [(NONE, False)] * 2 + [(NONE, True)] * 4, "100111001"),
        # at once on leaving the bounds and on the return, once each
        (9, [(values, True) for values in (IN, IN, OUT, OUT, OUT, IN, IN)], "1010010"),
        # outside from the first cycle on, which sends anyway
        (9, [(values, True) for values in (OUT, OUT, IN)], "101"),
        # what could not be measured is neither
        (9, [(values, True) for values in (IN, FAILED, IN, OUT, FAILED, OUT, FAILED, IN)],
         "10010001"),
        # an alarm that could not be sent
        (9, [(IN, True), (OUT, False), (OUT, False), (OUT, True), (OUT, True)], "11110"),
        # one over, another not
        (9, [({"a": False, "b.t": False}, True), ({"a": True, "b.t": True}, True),
             ({"a": True, "b.t": True}, True), ({"a": True, "b.t": False}, True)], "1101"),
        # after an alarm the next n cycles are counted from it
        (3, [(IN, True), (OUT, True), (OUT, True), (OUT, True), (OUT, True)], "11001"),
    ],
)  # fmt: skip
def test_cycles_that_send(
    device: Device, every: int, cycles: list[tuple[dict[str, Any], bool]], expected: str
) -> None:
    assert due(device, every, cycles) == [each == "1" for each in expected]


def test_after_a_reset_the_first_cycle_sends_and_an_old_alarm_is_no_new_one(
    device: Device,
) -> None:
    assert due(device, 9, [(OUT, True), (OUT, True)]) == [True, False]
    assert due(device, 9, [(OUT, True), (OUT, True), (OUT, True)])[-3:] == [True, False, False]
