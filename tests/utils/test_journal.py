"""utils.journal: what goes in comes out once, whatever happens between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes

MakeDevice = Callable[..., Device]
HEAD = """
from support import *
from utils import journal, store
def queue(keep="rtc", limit=16384, full="oldest"):
    return journal.Journal("/flash/journal", limit, keep, full)
def six(n):
    return [("t", 2000 + n, -2, "Cel"), ("h", 545, -1, "%RH"), ("v", 3881, -3, "V"),
            ("p", 101325, 0, "Pa"), ("d", -n, -1, "m"), ("w", "dry", 0, None)]
def seqs(q, order="oldest"):
    return [entry.seq for entry in q.entries(order)]
"""


def run(device: Device, program: str) -> list[Any]:
    return device.run(HEAD + program)


@pytest.mark.parametrize("keep", ("rtc", "flash"))
def test_what_is_added_comes_out_in_either_order(device: Device, keep: str) -> None:
    [[oldest, newest, last, waiting]] = run(
        device,
        f"""
q = queue("{keep}")
for n in range(100):
    assert q.add(n, 900 * n, 3, six(n))
entries = list(q.entries("oldest"))
assert [entry.records for entry in entries] == [six(n) for n in range(100)]
show([seqs(q), seqs(q, "newest"), entries[99][3], q.waiting])
""",
    )
    assert oldest == list(range(100))
    assert newest == list(range(99, -1, -1))
    assert (last, waiting) == (99 * 900, 100)


def test_what_is_done_does_not_come_again(device: Device) -> None:
    assert run(
        device,
        """
q = queue("flash")
for n in range(100):
    q.add(n, 900 * n, 3, six(n))
for entry in q.entries("oldest"):
    q.done([entry])
    if entry.seq == 60:
        break
for entry in q.entries("newest"):
    q.done([entry])
    if entry.seq == 90:
        break
show(q.waiting)
q.add(100, 0, 4, six(1))
q = queue("flash")
show(seqs(q))
show(q.waiting)
""",
    ) == [29, [*range(61, 90), 100], 30]
