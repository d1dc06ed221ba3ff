"""Dicts in the order of the board's hash table, and its sort.

A dict of the board is an open hash table; going through it goes through its places. The order is
worked out when somebody looks: keys in the order in which they came, in a table that has grown
with them. A key that was deleted leaves no trace but the size of the table.
Source: MicroPython 1.11 py/map.c, py/qstr.c, py/objdict.c, py/objlist.c (mp_quicksort).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from emulator.vm.language.single import rounded

_SIZES = (
    0, 2, 4, 6, 8, 10, 12, 17, 23, 29, 37, 47, 59, 73, 97, 127, 167, 223, 293, 389, 521, 691, 919,
    1223, 1627, 2161, 3229, 4831, 7243, 10861, 16273, 24407, 36607, 54907,
)  # fmt: skip


@functools.cache
def _next_size(size: int) -> int:
    return next((each for each in _SIZES if each > size), (size + 1 + (size + 1) // 2) | 1)


@functools.lru_cache(maxsize=4096)
def _text_hash(text: str | bytes) -> int:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    value = 5381
    for byte in data:
        value = (value * 33) & 0xFFFFFFFF ^ byte
    return value & 0xFFFF or 1


def _hash(key: Any, count: int) -> int:
    if isinstance(key, (str, bytes)):
        return _text_hash(key)
    if isinstance(key, int):
        return int(key) & 0xFFFFFFFF
    return count  # an address on a board: anything


class Table(dict[Any, Any]):
    """A dict of device code."""

    __slots__ = ("_placed", "_places")

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self._places: list[Any] = []  # the board's hash table, as far as it has been looked at
        self._placed = 0  # keys in it: the first so many
        dict.__init__(self, *args, **keywords)

    def _follow(self) -> None:
        """Put the keys into the table that have come since."""
        if self._placed < len(self):
            for key in itertools.islice(dict.__iter__(self), self._placed, None):
                self._place(key)
            self._placed = len(self)

    def _place(self, key: Any) -> None:
        while not _put(self._places, key, self._placed):
            moved: list[Any] = [_FREE] * _next_size(len(self._places))
            for each in self._places:
                if each is not _FREE and each is not _GONE:
                    _put(moved, each, self._placed)
            self._places = moved

    def _leave(self, key: Any) -> None:
        """The key is about to be deleted."""
        self._follow()
        places = self._places
        at = next(at for at, each in enumerate(places) if each is key or each == key)
        places[at] = _FREE if places[(at + 1) % len(places)] is _FREE else _GONE
        self._placed -= 1

    def _order(self) -> Iterable[Any]:
        if len(self) < 2:
            return list(dict.__iter__(self))
        self._follow()
        return [key for key in self._places if key is not _FREE and key is not _GONE]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._order())

    def __reversed__(self) -> Any:
        raise TypeError("'dict' object isn't reversible")

    def keys(self) -> Any:
        return View("keys", self, self._order)

    def values(self) -> Any:
        return View("values", self, lambda: [self[key] for key in self._order()])

    def items(self) -> Any:
        return View("items", self, lambda: [(key, self[key]) for key in self._order()])

    def __repr__(self) -> str:
        from emulator.vm.language.texts import board_text

        return str(board_text(self, True))

    def copy(self) -> Table:
        self._follow()
        made = Table(dict.copy(self))
        made._places, made._placed = list(self._places), self._placed
        return made

    def clear(self) -> None:
        dict.clear(self)
        self._places, self._placed = [], 0

    def __delitem__(self, key: Any) -> None:
        if key in self:
            self._leave(key)
        dict.__delitem__(self, key)

    def pop(self, key: Any, *default: Any) -> Any:
        if key in self:
            self._leave(key)
        return dict.pop(self, key, *default)

    def popitem(self) -> Any:
        for key in self._order():
            return key, self.pop(key)
        raise KeyError("popitem(): dictionary is empty")

    def get(self, key: Any, default: Any = None, /) -> Any:
        return dict.get(self, key, default)


Table.__name__ = Table.__qualname__ = "dict"
_FREE = object()
_GONE = object()


def _put(places: list[Any], key: Any, count: int) -> bool:
    """Put a key into its place; False if the table is full."""
    size = len(places)
    if not size:
        return False
    start = at = _hash(key, count) % size
    gone = -1
    while True:
        if places[at] is _FREE:
            break
        if places[at] is _GONE and gone < 0:
            gone = at
        at = (at + 1) % size
        if at == start:
            if gone < 0:
                return False
            break
    places[gone if gone >= 0 else at] = key
    return True


def table(display: dict[Any, Any], size: int | None = None) -> Table:
    """A dict display of so many pairs; without the number, keyword arguments."""
    made = Table(display)
    made._places = [_FREE] * (len(display) if size is None else size)
    return made


def on_board(value: Any) -> Any:
    """A value of the board's own parts as device code has it."""
    if type(value) is dict:
        return Table({key: on_board(value[key]) for key in value})
    return list(map(on_board, value)) if type(value) is list else rounded(value)


class View:
    """What keys(), values() and items() give: no length, and no set."""

    def __init__(self, kind: str, owner: Table, items: Callable[[], Iterable[Any]]) -> None:
        self._kind, self._owner, self._items = kind, owner, items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items())

    def __contains__(self, item: Any) -> bool:
        return item in self._owner if self._kind == "keys" else item in list(self._items())

    def __repr__(self) -> str:
        from emulator.vm.language.texts import board_text

        return f"dict_{self._kind}({board_text(list(self._items()), True)})"


View.__name__ = View.__qualname__ = "dict_view"

# sorting

_ALIKE = (int, str, bytes)


def sort(values: list[Any], *, key: Any = _FREE, reverse: Any = False) -> None:
    """list.sort of the device: a quicksort, which changes the order of equals."""
    kinds = set(map(type, values))
    if key is _FREE and len(kinds) <= 1 and kinds.issubset(_ALIKE):
        values.sort(reverse=bool(reverse))
        return
    _quicksort(values, 0, len(values) - 1, None if key is _FREE else lambda item: key(item),
               not reverse)  # fmt: skip


def sorted_(values: Any, **options: Any) -> list[Any]:
    found = list(values)
    sort(found, **options)
    return found


def _quicksort(items: list[Any], head: int, tail: int, key: Any, wanted: bool) -> None:
    def of(at: int) -> Any:
        return items[at] if key is None else key(items[at])

    while head < tail:
        low, high = head - 1, tail
        pivot = of(tail)
        while True:
            low += 1
            while low < high and bool(of(low) < pivot) is wanted:
                low += 1
            high -= 1
            while low < high and bool(pivot < of(high)) is wanted:
                high -= 1
            if low >= high:
                break
            items[low], items[high] = items[high], items[low]
        items[low], items[tail] = items[tail], items[low]
        if high - head < tail - low - 1:
            _quicksort(items, head, high, key, wanted)
            head = low + 1
        else:
            _quicksort(items, low + 1, tail, key, wanted)
            tail = high
