"""What device code on CPython finds under its builtin names, and what rewritten source calls."""

from __future__ import annotations

from typing import Any

from emulator.vm.language import attributes, constructors, operators, tables
from emulator.vm.language.failures import as_on_board
from emulator.vm.language.texts import board_text


def _repr(value: Any, /) -> str:
    return str(board_text(value, True))


def _slice(*_: Any) -> Any:
    raise TypeError("cannot create 'slice' instances")


def language_names() -> dict[str, Any]:
    names: dict[str, Any] = dict(constructors.MAKERS.values())
    names.update(operators.NAMES)
    names.update(
        __attr__=attributes.attribute,
        __slice__=slice,
        __table__=tables.table,
        __caught__=as_on_board,
        repr=_repr,
        slice=_slice,
        sorted=tables.sorted_,
        sum=constructors.sum_,
        dir=attributes.dir_,
        hasattr=attributes.hasattr_,
        getattr=attributes.getattr_,
        setattr=attributes.setattr_,
        isinstance=attributes.isinstance_,
        issubclass=attributes.issubclass_,
    )
    return names
