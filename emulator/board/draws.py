"""Draws from split log-normal distributions, given by their 10th, 50th and 90th percentile."""

from __future__ import annotations

import math
import random

Z90 = 1.2816  # the normal distribution's 90th percentile
Z_LIMIT = 3.0  # nothing rarer than one in a thousand

Percentiles = tuple[float, float, float]


def normal(rng: random.Random, limit: float = Z_LIMIT) -> float:
    return max(-limit, min(limit, rng.gauss(0.0, 1.0)))


def spread(percentiles: Percentiles, z: float) -> float:
    """The value at `z` of the distribution."""
    low, middle, high = percentiles
    ratio = high / middle if z >= 0 else middle / low
    return middle * math.exp(math.log(ratio) * z / Z90)


def drawn(rng: random.Random, percentiles: Percentiles, limit: float = Z_LIMIT) -> float:
    return spread(percentiles, normal(rng, limit))
