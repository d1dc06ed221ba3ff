"""The random access of a cell against figures of a public simulation of the same configuration."""

from __future__ import annotations

import random

import pytest

from devkit.cell.access import RandomAccess

# (devices, spread over seconds, share that gets in within ten tries, tolerance). How the waits of
# that simulation fell on its opportunities is not known; it counts most at 50
FIGURES = [
    (10, 0, 1.0, 0.01),
    (50, 0, 0.66, 0.12),
    (100, 0, 0.15, 0.06),
    (300, 0, 0.04, 0.03),
    (1000, 0, 0.006, 0.01),
    (300, 60, 1.0, 0.02),
    (1000, 60, 0.05, 0.04),
    (1000, 300, 1.0, 0.01),
    (3000, 900, 1.0, 0.01),
]


@pytest.mark.parametrize(("devices", "over_s", "share", "tolerance"), FIGURES)
def test_as_many_get_in_as_in_the_published_figures(devices, over_s, share, tolerance):
    got_in = 0
    rounds = max(1, 1000 // devices)
    for number in range(rounds):
        rng = random.Random(number)
        access: RandomAccess[int] = RandomAccess(rng)
        for who in range(devices):
            access.ask(who, rng.uniform(0, over_s * 1000))
        while access.next_ms is not None:
            got_in += len(access.take()[0])
    assert got_in / (rounds * devices) == pytest.approx(share, abs=tolerance)


def test_nobody_tries_more_than_ten_times_and_each_collision_costs_all_of_its_tries():
    access: RandomAccess[int] = RandomAccess(random.Random(1))
    for who in range(500):
        access.ask(who, 0)
    let_in, gave_up = [], []
    while access.next_ms is not None:
        got, gone = access.take()
        let_in += got
        gave_up += gone
    assert sorted(let_in + gave_up) == list(range(500))
    assert access.preambles == access.collisions + len(let_in)
    assert access.preambles <= 5000
