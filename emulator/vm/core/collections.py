"""ucollections of MicroPython 1.11: namedtuple without its helpers, a deque that is only a queue.

Source: MicroPython 1.11 py/objnamedtuple.c, py/objdeque.c.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any


def namedtuple(name: str, fields: Any, /) -> type:
    """A tuple type with named fields; no _fields, _replace, _make, _asdict."""
    keys = fields.replace(",", " ").split() if isinstance(fields, str) else list(fields)
    count = len(keys)

    def new(cls: Any, *args: Any, **keywords: Any) -> Any:
        if len(args) + len(keywords) != count:
            raise TypeError(
                f"function takes {count} positional arguments but {len(args) + len(keywords)} "
                "were given"
            )
        values = list(args) + [None] * len(keywords)
        for key, value in keywords.items():
            if key not in keys:
                raise TypeError(f"unexpected keyword argument '{key}'")
            at = keys.index(key)
            if at < len(args):
                raise TypeError(f"function got multiple values for argument '{key}'")
            values[at] = value
        return tuple.__new__(cls, values)

    def show(self: Any) -> str:
        pairs = (f"{key}={value!r}" for key, value in zip(keys, self, strict=True))
        return name + "(" + ", ".join(pairs) + ")"

    body: dict[str, Any] = {"__slots__": (), "__new__": new, "__repr__": show}
    body.update({key: property(itemgetter(at)) for at, key in enumerate(keys)})
    return type(name, (tuple,), body)


class deque:  # noqa: N801 - the name on the device
    def __init__(self, iterable: Any, maxlen: int, flags: int = 0, /) -> None:
        if iterable != ():
            raise ValueError("deque must be made from ()")
        if maxlen < 0:
            raise ValueError("maxlen")
        self._items: list[Any] = []
        self._max = maxlen
        self._check = bool(flags & 1)

    def append(self, item: Any, /) -> None:
        if len(self._items) >= self._max:
            if self._check:
                raise IndexError("full")
            self._items.pop(0)
        self._items.append(item)

    def popleft(self) -> Any:
        if not self._items:
            raise IndexError("empty")
        return self._items.pop(0)

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return bool(self._items)

    __iter__ = None


def names() -> dict[str, Any]:
    return {"namedtuple": namedtuple, "deque": deque}
