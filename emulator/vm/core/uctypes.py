"""uctypes of MicroPython 1.11 on a 32-bit core: structures in the buffers of the program.

An address is a number below which the emulation finds the buffer again; it lies where a board with
external RAM has its heap. What is at other addresses nobody here knows: NotEmulated.
Source: MicroPython 1.11 extmod/moductypes.c.
"""

from __future__ import annotations

import bisect
import ctypes
from typing import Any

from emulator.names import everywhere
from emulator.vm.core import ustruct
from emulator.vm.device.surface import NotEmulated
from emulator.vm.language.constructors import Bytearray, make_memoryview

LITTLE_ENDIAN, BIG_ENDIAN, NATIVE = range(3)
_HEAP = 0x3F800000
_ALIGNED = 16  # blocks of the heap
_CODES = "BbHhIiQqBbHhIifd"  # of ustruct; from 8 on bit fields
_BYTES = (1, 1, 2, 2, 4, 4, 8, 8, 1, 1, 2, 2, 4, 4, 4, 8)
_ORDERS = ("<", ">", "<")  # by flags
_UINT32 = 4
_BIT_FIELDS = range(8, 14)
_BIT_FIELD_OFFSET = 0x1FFFF
_FLOAT32 = 14
_STRUCT, _PTR, _ARRAY = range(3)
_POINTER = 4  # bytes


class Memory:
    """The buffers whose addresses the program has asked for."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._owners: list[Any] = []
        self._known: dict[int, int] = {}  # id of an owner -> its address
        self._next = _HEAP

    def address(self, buffer: Any) -> int:
        view = make_memoryview(buffer)
        whole = view.nbytes == memoryview(view.obj).nbytes
        owner = view.obj if whole or not view.readonly else bytes(view)
        start = self._known.get(id(owner))
        if start is None:
            start = self._known[id(owner)] = self._next
            self._starts.append(start)
            self._owners.append(owner)
            size = memoryview(owner).nbytes
            self._next += (size // _ALIGNED + 1) * _ALIGNED
        return start if whole or view.readonly else start + _offset(view, owner)

    def at(self, address: int, size: int) -> memoryview:
        """The bytes there, as a part of the program's buffer."""
        place = bisect.bisect(self._starts, address) - 1
        if place >= 0:
            view = memoryview(self._owners[place]).cast("B")
            first = address - self._starts[place]
            if first + size <= len(view):
                return view[first : first + size]
        raise NotEmulated(
            f"memory at {address:#x}, of no buffer, is on the board, not emulated:"
            " see docs/emulation.md, Names"
        )


def _offset(view: memoryview, owner: Any) -> int:
    """Of a part in the buffer that it belongs to."""
    ends = [each.cast("B") for each in (view, memoryview(owner)) if each.nbytes]
    places = [ctypes.addressof(ctypes.c_char.from_buffer(each)) for each in ends]
    return places[0] - places[-1]


class Shared(Bytearray):
    """A bytearray that is a part of another buffer. Its own storage is a copy for CPython's C
    code, made anew at each store through it."""

    _view: memoryview

    @classmethod
    def of(cls, view: memoryview) -> Any:
        made = cls(bytes(view))
        made._view = view
        return made

    def __buffer__(self, flags: int) -> memoryview:
        return self._view

    def __bytes__(self) -> bytes:
        return bytes(self._view)

    def __getitem__(self, place: Any) -> Any:
        try:
            found = self._view[place]
        except IndexError:
            raise IndexError("bytearray index out of range") from None
        return found if found.__class__ is int else Bytearray(found)

    def __setitem__(self, place: Any, value: Any) -> None:
        Bytearray.__setitem__(self, place, value)
        self._view[place] = bytearray.__getitem__(self, place)

    def __iter__(self) -> Any:
        return iter(self._view)

    def __eq__(self, other: object) -> bool:
        return bytes(self) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"bytearray({bytes(self)!r})"

    __str__ = __repr__


Shared.__name__ = Shared.__qualname__ = "bytearray"


def _syntax() -> TypeError:
    return TypeError("syntax error in uctypes descriptor")


def _parts(value: int, bits: int) -> tuple[int, int]:
    """The kind in the highest bits of a small int, and the remainder."""
    return value >> (31 - bits) & ((1 << bits) - 1), value & ((1 << (31 - bits)) - 1)


def _scalar_size(kind: int) -> int:
    return 4 if kind == _FLOAT32 else 1 << ((kind & 7) >> 1)


def _item_size(kind: int) -> int:
    return int(1 << (kind >> 1))  # 128 for floats: the firmware's own slip


def _sizes(layout: Any, flags: int) -> tuple[int, int]:
    """(size, size of the largest field) of a description."""
    if isinstance(layout, tuple):
        return _aggregate_sizes(layout, flags)
    if isinstance(layout, int):
        raise TypeError("Cannot unambiguously get sizeof scalar")
    if not isinstance(layout, dict):
        raise _syntax()
    total = largest = 0
    for entry in layout.values():
        if isinstance(entry, int):
            kind, offset = _parts(entry, 4)
            if kind in _BIT_FIELDS:
                offset &= _BIT_FIELD_OFFSET
            size = widest = _scalar_size(kind)
        elif isinstance(entry, tuple):
            offset = _parts(entry[0], 2)[1]
            size, widest = _aggregate_sizes(entry, flags)
        else:
            raise _syntax()
        largest = max(largest, widest)
        total = max(total, offset + size)
    if flags == NATIVE and largest:
        total = (total + largest - 1) & ~(largest - 1)
    return total, largest


def _aggregate_sizes(entry: tuple[Any, ...], flags: int) -> tuple[int, int]:
    kind = _parts(entry[0], 2)[0]
    if kind == _STRUCT:
        return _sizes(entry[1], flags)
    if kind == _PTR:
        return _POINTER, _POINTER
    scalar, count = _parts(entry[1], 4)
    if len(entry) == 2:
        size = largest = _item_size(scalar)
    else:
        size, largest = _sizes(entry[2], flags)
    return size * count, largest


class Struct:
    """A structure at an address; the class that a board's program sees is one below it, with the
    memory of that boot."""

    __slots__ = ("__address", "__flags", "__layout")
    _memory: Memory

    def __init__(self, address: int, layout: Any, flags: int = NATIVE, /) -> None:
        if not isinstance(address, int):
            raise TypeError(f"can't convert {type(address).__name__} to int")
        object.__setattr__(self, "_Struct__address", address & 0xFFFFFFFF)
        object.__setattr__(self, "_Struct__layout", layout)
        object.__setattr__(self, "_Struct__flags", flags)

    # scalars

    def __load(self, kind: int, address: int, flags: int | None = None) -> Any:
        order = _ORDERS[self.__flags if flags is None else flags]
        view = type(self)._memory.at(address, _BYTES[kind])
        return ustruct.unpack(order + _CODES[kind], view)[0]

    def __store(self, kind: int, address: int, value: Any) -> None:
        view = type(self)._memory.at(address, _BYTES[kind])
        ustruct.pack_into(_ORDERS[self.__flags] + _CODES[kind], view, 0, value)

    def __bits(self, offset: int) -> tuple[int, int, int]:
        """Address, first bit and mask of a bit field."""
        mask = (1 << (offset >> 22 & 31)) - 1
        return self.__address + (offset & _BIT_FIELD_OFFSET), offset >> 17 & 31, mask

    # fields

    def __entry(self, name: str) -> Any:
        if not isinstance(self.__layout, dict):
            raise TypeError("struct: no fields")
        return self.__layout[name]

    def __getattr__(self, name: str) -> Any:
        entry = self.__entry(name)
        if isinstance(entry, int):
            kind, offset = _parts(entry, 4)
            if kind in _BIT_FIELDS:
                address, first, mask = self.__bits(offset)
                return self.__load(kind & 6, address) >> first & mask
            return self.__load(kind, self.__address + offset)
        if not isinstance(entry, tuple):
            raise _syntax()
        kind, offset = _parts(entry[0], 2)
        address = self.__address + offset
        if kind == _ARRAY and len(entry) == 2 and _parts(entry[1], 4)[0] == 0:
            size = _parts(entry[1], 4)[1]
            return Shared.of(type(self)._memory.at(address, size))
        return type(self)(address, entry[1] if kind == _STRUCT else entry, self.__flags)

    def __setattr__(self, name: str, value: Any) -> None:
        entry = self.__entry(name)
        if not isinstance(entry, int):
            raise _syntax()
        kind, offset = _parts(entry, 4)
        if kind not in _BIT_FIELDS:
            self.__store(kind, self.__address + offset, value)
            return
        if not isinstance(value, int):
            raise TypeError(f"can't convert {type(value).__name__} to int")
        address, first, mask = self.__bits(offset)
        kept = self.__load(kind & 6, address) & ~(mask << first)
        self.__store(kind & 6, address, kept | (value & mask) << first)

    # items

    def __item(self, index: Any) -> tuple[Any, int]:
        """Kind of a scalar, or description, and address of an item."""
        layout = self.__layout
        if not isinstance(layout, tuple):
            raise TypeError("struct: cannot index")
        if not isinstance(index, int):
            raise TypeError(f"can't convert {type(index).__name__} to int")
        kind, count = _parts(layout[1], 4) if isinstance(layout[1], int) else (None, 0)
        if _parts(layout[0], 2)[0] == _PTR:
            address, of = int(self), layout[1]
        elif index >= count:
            raise IndexError("struct: index out of range")
        else:
            address, of = self.__address, layout[-1]
        if isinstance(of, int):
            assert kind is not None
            size = _BYTES[kind] if self.__flags == NATIVE else _item_size(kind)
            return kind, address + size * index
        return of, address + _sizes(of, self.__flags)[0] * index

    def __getitem__(self, index: Any) -> Any:
        of, address = self.__item(index)
        if isinstance(of, int):
            return self.__load(of, address)
        return type(self)(address, of, self.__flags)

    def __setitem__(self, index: Any, value: Any) -> None:
        of, address = self.__item(index)
        if not isinstance(of, int):
            raise TypeError("'struct' object doesn't support item assignment")
        self.__store(of, address, value)

    __iter__ = None

    # as a whole

    def __int__(self) -> int:
        if isinstance(self.__layout, tuple) and _parts(self.__layout[0], 2)[0] == _PTR:
            return int(self.__load(_UINT32, self.__address, LITTLE_ENDIAN))
        raise TypeError("can't convert struct to int")

    def __buffer__(self, flags: int) -> memoryview:
        size = _sizes(self.__layout, self.__flags)[0]
        return type(self)._memory.at(self.__address, size)

    def __bytes__(self) -> bytes:
        return bytes(self.__buffer__(0))

    def __repr__(self) -> str:
        kind = "STRUCT" if isinstance(self.__layout, dict) else "ERROR"
        if isinstance(self.__layout, tuple):
            kind = ("unk", "PTR", "ARRAY", "unk")[_parts(self.__layout[0], 2)[0]]
        return f"<struct {kind} {self.__address:x}>"

    @staticmethod
    def _sizeof(of: Any, *flags: int) -> int:
        if isinstance(of, bytearray):
            return len(of)
        if isinstance(of, Struct):
            if flags:
                raise TypeError
            of, flags = of.__layout, (of.__flags,)
        return _sizes(of, *(flags or (NATIVE,)))[0]


def names() -> dict[str, Any]:
    memory = Memory()
    made = type("struct", (Struct,), {"_memory": memory, "__slots__": ()})

    def bytearray_at(address: int, size: int, /) -> Any:
        return Shared.of(memory.at(address, size))

    def bytes_at(address: int, size: int, /) -> bytes:
        return bytes(memory.at(address, size))

    return {
        **{name: entry.value for name, entry in everywhere("uctypes").items()},
        "struct": made, "sizeof": Struct._sizeof, "addressof": memory.address,
        "bytes_at": bytes_at, "bytearray_at": bytearray_at,
    }  # fmt: skip
