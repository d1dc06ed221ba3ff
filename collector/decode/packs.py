"""Decode SenML packs from strangers: whatever they send, `read` returns records or ValueError.

    records = read(datagram, time.time())       # CBOR or JSON; ValueError says what is wrong
    shown(record)                               # its value in one line, safe in a terminal

Packs that would do harm when kept or shown are refused: long names, huge numbers.
"""

from __future__ import annotations

from decimal import Decimal

from collector.decode import senml
from collector.decode.report import with_units
from collector.decode.senml import Record

PACK_MAX_BYTES = 65_536
NAME_MAX = 200  # characters; the names of RFC 8428 have no limit
UNIT_MAX = 40
SHOWN_MAX = 200
NUMBER_MAX = 10**300  # the largest that a float, a chart and a database can hold
DIGITS_MAX = 40

CBOR, JSON = "cbor", "json"


def read(data: bytes, now_s: float, form: str | None = None) -> list[Record]:
    """Return the resolved records of a pack; form: CBOR, JSON, None to guess."""
    if len(data) > PACK_MAX_BYTES:
        raise ValueError(f"{len(data)} bytes; allowed: up to {PACK_MAX_BYTES}")
    try:
        records = senml.decode(data, now_s, form)
        for record in records:
            _check(record)
    except (ArithmeticError, LookupError, RecursionError, MemoryError, TypeError) as problem:
        raise ValueError(f"cannot be computed with: {type(problem).__name__}") from None
    return with_units(records)


def _check(record: Record) -> None:
    if len(record.name) > NAME_MAX:
        raise ValueError(f"a name of {len(record.name)} characters; allowed: up to {NAME_MAX}")
    if record.unit is not None and len(record.unit) > UNIT_MAX:
        raise ValueError(f"a unit of {len(record.unit)} characters; allowed: up to {UNIT_MAX}")
    for number in (record.value, record.sum, record.time, record.update_s):
        if not isinstance(number, (int, float, Decimal)):
            continue
        if not -NUMBER_MAX <= number <= NUMBER_MAX:
            raise ValueError(f"{record.name}: a number that is too large, or none")


def shown(record: Record) -> str:
    """Return the value as one short line."""
    value = record.value
    if isinstance(value, int) and abs(value) >= 10**DIGITS_MAX:
        return f"{float(value):g}"  # Python refuses to write very long ones
    if isinstance(value, Decimal) and len(value.as_tuple().digits) > DIGITS_MAX:
        return f"{float(value):g}"
    return printable(record.shown)


def printable(text: str, length_max: int = SHOWN_MAX) -> str:
    """Return the text cut to `length_max`, with escapes for characters that are not printable.

    Controls, separators, directional marks and lone surrogates become \\x1b, \\u202e, ...
    """
    if len(text) <= length_max and text.isprintable():
        return text
    cut = text[: length_max + 1]
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return safe if len(safe) <= length_max else safe[: length_max - 1] + "…"
