"""Seeds are spread over processes, and come back in order."""

from __future__ import annotations

import os
from collections.abc import Sequence

from devkit.bench import workers


def work(factor: int, seeds: Sequence[int]) -> list[tuple[int, int]]:
    return [(factor * seed, os.getpid()) for seed in seeds]


def test_without_a_pool_all_is_done_here() -> None:
    found = workers.spread(work, 2, seeds=range(3))()
    assert found == [(0, os.getpid()), (2, os.getpid()), (4, os.getpid())]


def test_with_a_pool_the_order_stays() -> None:
    with workers.all_cores():
        begun = [workers.spread(work, factor, seeds=range(12)) for factor in (1, 2)]
        found = [finish() for finish in begun]
    assert [[seed for seed, _ in each] for each in found] == [
        list(range(12)),
        list(range(0, 24, 2)),
    ]
    assert all(pid != os.getpid() for each in found for _, pid in each)
