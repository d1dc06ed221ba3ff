"""I2C sensors on a line that disturbs answers and a supply that breaks down at any time.

What a reading gives is the truth, or None and a cause. Where there is no checksum, disturbances
are left out: two or more answers that agree on a wrong bit are rare, but they occur.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.device import Node

from .family import ON_I2C, SUPPLY, Member

READINGS = {"once": 10, "twice": 10, "conversions": 20}
CHECKSUMS = ("scd30", "scd4x", "sht4x", "si7021")
# Further kinds of a chip, and further arguments of its driver
OTHERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("si7021", {"model": "sht20"}, {}),
    ("scd4x", {"model": "scd40"}, {}),
    ("scd4x", {}, {"mode": "periodic"}),
]


CASES = [
    (*case, trouble)
    for case in [*((driver, {}, {}) for driver in ON_I2C), *OTHERS]
    for trouble in ("once", "twice", "conversions")
    # a BH1750 has no status: two conversions that lost the supply look like darkness
    if (case[0], trouble) != ("bh1750", "conversions")
]


@pytest.mark.parametrize(("driver", "options", "more", "trouble"), CASES, ids=str)
def test_a_reading_is_true_or_none(
    node: Node, driver: str, options: dict[str, Any], more: dict[str, Any], trouble: str
) -> None:
    member = Member(node, driver, more=more, **options)
    chip = member.chip
    rng = random.Random(f"{driver}{options}{more}{trouble}")
    expected = member.good()
    begin_us = node.board.clock.now_us
    member.good()
    took_us = node.board.clock.now_us - begin_us

    def break_down() -> None:
        if chip.powered:
            chip.interrupt_supply()

    for number in range(READINGS[trouble]):
        chip.lateness = rng.random()
        if trouble == "conversions":
            chip.brown_out = rng.randrange(3)
            chip.corrupt_rate = rng.choice([0.05, 0.3]) if driver in CHECKSUMS else 0.0
        else:
            for _ in range(("once", "twice").index(trouble) + 1):
                node.board.clock.schedule(rng.randrange(took_us), break_down)
        [(values, cause)] = member.read()
        for value, true in zip(values, expected, strict=True):
            assert value == true or (value is None and cause is not None), (number, cause)
        assert node.pins.level(SUPPLY) == 0
        chip.brown_out = 0
        node.board.clock.advance(30_000_000)
