"""What a scenario may say about a part, declared as fields of its class.

    @dataclass(eq=False)
    class Thermometer(I2cPart):
        temperature_c: Truth = truth(21.4, swing=2.0)
        model: str = option("new", allowed=("new", "old"))
        offset_uv: float = 0.0  # for tests: no key of a scenario

`plugging.made` takes the keys of these names out of the part's table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any, NoReturn

Truth = Callable[[float], float]  # of virtual time in seconds


def truth(mean: float, swing: float = 0.0, noise: float = 0.0) -> Any:
    """Declare what the part would measure if it were perfect. A scenario that does not say gets
    `mean`, with a daily swing and a standard deviation; a part made without scenario, `mean`."""
    return field(default=lambda seconds: mean, metadata={"truth": (mean, swing, noise)})


def option(default: Any, **limits: Any) -> Any:
    """Declare a key with its default and its limits, which the part checks when it is made."""
    limits.setdefault("kind", type(default))
    return field(default=default, metadata={"option": Limits(**limits)})


@dataclass(frozen=True)
class Limits:
    """What a value may be. An int stands for a float, too; None only where it is the default."""

    kind: Any  # bool, int, float, str
    least: float = 0
    most: float = inf
    positive: bool = False
    allowed: Iterable[Any] | None = None

    def checked(self, name: str, key: str, value: Any) -> Any:
        """The value in its kind; ValueError names the key of the part and what may be."""
        if not self._fits(value):
            refuse(name, key, value, str(self))
        return self.kind(value)

    def _fits(self, value: Any) -> bool:
        if self.allowed is not None:
            return value in tuple(self.allowed)
        if self.kind is float:
            return is_number(value) and self._in_range(value)
        return type(value) is self.kind and (self.kind is not int or self._in_range(value))

    def _in_range(self, value: float) -> bool:
        return value > 0 if self.positive else self.least <= value <= self.most

    def __str__(self) -> str:
        if self.allowed is not None:
            return ", ".join(map(str, self.allowed))
        if self.kind in (bool, str):
            return "true, false" if self.kind is bool else "a text"
        if self.positive:
            return "more than 0"
        if self.most < inf:
            return f"{self.least:g} to {self.most:g}"
        return f"a {'whole ' if self.kind is int else ''}number from {self.least:g} up"


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def refuse(name: str, key: str, value: Any, allowed: str) -> NoReturn:
    """Raise the ValueError of a key that cannot be."""
    raise ValueError(f"chips.{name}: {key} = {value!r}; allowed: {allowed}")
