"""Spreads the seeds of a case over the cores of this computer.

    with all_cores():
        runs = spread(measured, case, conditions)       # begun
        ...
        runs()      # [measured(case, conditions, seeds) of all parts of the seeds]

Without the block the work is done at the call of what `spread` returns, all in this process.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

PART = 5  # seeds at most that share a server
_T = TypeVar("_T")
_pools: list[tuple[Executor, int]] = []


@contextmanager
def all_cores() -> Iterator[None]:
    cores = os.cpu_count() or 1
    anew = multiprocessing.get_context("spawn")  # a fork would have threads that do not run in it
    with ProcessPoolExecutor(cores, anew) as pool:
        _pools.append((pool, cores))
        try:
            yield
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            _pools.pop()


def spread(
    work: Callable[..., list[_T]], *fixed: Any, seeds: Sequence[int]
) -> Callable[[], list[_T]]:
    """Begin work(*fixed, seeds). Returns what waits for its results, in the order of the seeds."""
    if not _pools:
        return lambda: work(*fixed, seeds)
    pool, cores = _pools[-1]
    size = min(PART, -(-len(seeds) // cores))
    parts = [seeds[at : at + size] for at in range(0, len(seeds), size)]
    begun = [pool.submit(work, *fixed, part) for part in parts]
    return lambda: [each for part in begun for each in part.result()]
