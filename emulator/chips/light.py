"""What the emulated light sensors share: they average the light over an integration."""

from __future__ import annotations

from emulator.chips.options import Truth
from emulator.chips.part import looks

LOOK_US = 1_000  # the light is looked at so often, so that lamps may flicker


def mean_light(light_lx: Truth, begin_us: int, duration_us: int) -> float:
    """The light over an integration; there is none below 0."""
    count = max(1, duration_us // LOOK_US)
    seen = looks(light_lx, begin_us, begin_us + duration_us, count)
    return sum(max(0.0, lux) for lux in seen) / count
