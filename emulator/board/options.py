"""Options from the tables of a scenario: dataclasses that say their types and check themselves.

    @dataclass
    class RadioOptions:
        level: Literal["good", "fair", "edge"] = "good"
        loss: float = -1.0

        def __post_init__(self) -> None: ...  # ValueError for what the types do not say

    radio = from_table(RadioOptions, {"level": "edge"}, "[radio]")

A field is a bool, int, float (a whole number will do), str or Literal, one of these "| None",
another such dataclass, a list of any of them, or a dict of texts. Each part of the emulation has
its own options. A ValueError names section, key, value and what is allowed.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Options = TypeVar("Options")


def from_table(kind: type[Options], table: Any, where: str) -> Options:
    """Fill a dataclass; `where` stands in front of every message."""
    if not isinstance(table, dict):
        raise ValueError(f"{where} = {table!r}; a table is needed")
    types = _types(kind)  # type: ignore[arg-type]  # a class can be hashed
    for key in table:
        if key not in types:
            raise ValueError(f"{where} unknown key {key!r}; allowed: {', '.join(types)}")
    values = {key: _value(types[key], value, f"{where} {key}") for key, value in table.items()}
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]  # only dataclasses come here
        defaults = (item.default, item.default_factory)
        if item.name not in values and defaults == (dataclasses.MISSING, dataclasses.MISSING):
            raise ValueError(f"{where} {item.name} is needed")
    try:
        return kind(**values)
    except ValueError as problem:
        raise ValueError(f"{where} {problem}") from None


@functools.cache
def _types(kind: type) -> dict[str, Any]:
    """Type of each field. Kept, as each annotation is a text that has to be compiled."""
    return get_type_hints(kind)


def _value(kind: Any, value: Any, where: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        if not any(value == one and type(value) is type(one) for one in inner):
            raise ValueError(f"{where} = {value!r}; allowed: {', '.join(map(str, inner))}")
        return value
    if type(None) in inner:
        return _value(inner[0], value, where)  # TOML has no None
    if dataclasses.is_dataclass(kind):
        return from_table(kind, value, where + ":")  # type: ignore[arg-type]
    plain = origin or kind
    if type(value) is not plain and not (plain is float and type(value) is int):
        raise ValueError(f"{where} = {value!r}; a {plain.__name__} is needed")
    if plain is list:
        return [_value(inner[0], item, where) for item in value]
    if plain is dict:
        return {key: _value(inner[1], item, f"{where} {key}") for key, item in value.items()}
    return value
