"""SenML decoder: resolves base fields and refuses packs that a receiver must refuse.

    for record in decode(datagram, now_s):              # CBOR or JSON
        record.name, record.value, record.unit, record.time

Source: RFC 8428: fields 4.1 to 4.3, resolved records 4.6, JSON 5, CBOR labels 6; RFC 9100.
"""

from __future__ import annotations

import io
import math
import re
from decimal import Decimal
from typing import Any, NamedTuple

import cbor2

from collector.decode import senml_json

# CBOR label -> name of the field as in JSON (RFC 8428, table 4)
LABELS = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip
VERSION = 10  # of RFC 8428
SECONDARY_UNITS = 1 << 4  # feature 4 of RFC 9100, added to the version
DIGITS = 20  # longer decimal fractions are shown with an exponent
RELATIVE_BELOW = 2**28  # smaller times are relative to the reception

Number = int | float | Decimal
Value = int | float | Decimal | str | bool | bytes | None

_KINDS: dict[str, tuple[type, ...]] = {
    "bver": (int,), "bn": (str,), "bu": (str,), "n": (str,), "u": (str,), "vs": (str,),
    "vb": (bool,), "vd": (bytes,),
    **dict.fromkeys(("bt", "bv", "bs", "v", "s", "t", "ut"), (int, float, Decimal)),
}  # fmt: skip
_VALUES = ("v", "vs", "vb", "vd")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")


class Record(NamedTuple):
    """One resolved record; it depends on no other."""

    name: str
    unit: str | None
    value: Value
    sum: Number | None
    time: Number  # seconds since 1970; 0: at the reception, for a sender without a clock
    update_s: Number | None = None
    base: str = ""  # base name, the start of `name`

    @property
    def shown(self) -> str:
        """Return the value as text, to the last digit that was sent."""
        if isinstance(self.value, bytes):
            return self.value.hex()
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if self.value is None:
            return f"sum {self.sum}"
        if isinstance(self.value, Decimal) and abs(self.value.adjusted()) < DIGITS:
            return f"{self.value:f}"
        return str(self.value)


def decode(data: bytes, now_s: float = 0.0, form: str | None = None) -> list[Record]:
    """Return the resolved records of a pack received at `now_s`; ValueError says what is wrong.

    `form` is "cbor" or "json"; None guesses by the first byte: a JSON array begins with [ or white
    space, a CBOR array does not.
    """
    if form is None:
        form = "json" if data[:1] in (b"[", b" ", b"\t", b"\r", b"\n") else "cbor"
    pack = senml_json.read(data) if form == "json" else _cbor(data)
    if not isinstance(pack, list) or not pack:
        raise ValueError(f"a pack is an array of records, not {type(pack).__name__}")
    base: dict[str, Any] = {}
    records = []
    for number, item in enumerate(pack, 1):
        try:
            fields = _fields(item, int if form == "cbor" else str)
            for key in ("bn", "bt", "bu", "bv", "bs", "bver"):
                if key in fields:
                    base[key] = fields[key]
            _check_version(base.get("bver", VERSION))
            record = _resolved(fields, base, now_s)
        except ValueError as problem:
            raise ValueError(f"record {number}: {problem}") from None
        if record is not None:
            records.append(record)
    return records


def _check_version(version: int) -> None:
    """Refuse unknown features, which are bits of the version above 10 (RFC 9100, 2)."""
    if version < 0 or version & ~SECONDARY_UNITS > VERSION:
        allowed = f"up to {VERSION}, {VERSION + SECONDARY_UNITS}"
        raise ValueError(f"version {version}; allowed: {allowed}")


def _cbor(data: bytes) -> Any:
    stream = io.BytesIO(data)
    try:
        pack = cbor2.load(stream)
    except (cbor2.CBORDecodeError, ArithmeticError, ValueError, TypeError) as problem:
        raise ValueError(f"no CBOR: {problem}") from None
    if stream.tell() != len(data):
        raise ValueError(f"{len(data) - stream.tell()} bytes behind the pack")
    return pack


def _fields(item: Any, kind: type) -> dict[str, Any]:
    """Return the known fields by their names in JSON; labels are numbers in CBOR."""
    if not isinstance(item, dict):
        raise ValueError(f"a map is needed, not {type(item).__name__}")
    fields: dict[str, Any] = {}
    for label, value in item.items():
        key = LABELS.get(label, "") if type(label) is int else str(label)
        if key.endswith("_"):
            raise ValueError(f"field {key!r} must be understood, and is unknown")
        if key not in _KINDS or type(label) is not kind:
            continue  # an extension that may be ignored (RFC 8428, 4.4)
        if key == "vd" and kind is str and isinstance(value, str):
            value = senml_json.octets(value)
        if not isinstance(value, _KINDS[key]) or isinstance(value, bool) != (key == "vb"):
            raise ValueError(f"field {key} = {value!r} has the wrong type")
        if isinstance(value, (float, Decimal)) and not math.isfinite(value):
            raise ValueError(f"field {key} = {value} is no number")
        fields[key] = value
    return fields


def _resolved(fields: dict[str, Any], base: dict[str, Any], now_s: float) -> Record | None:
    values = [key for key in _VALUES if key in fields]
    if len(values) > 1:
        raise ValueError(f"more than one value: {', '.join(values)}")
    if not values and "s" not in fields:
        if set(fields) & {"n", "u", "t", "ut"}:
            raise ValueError("neither a value nor a sum")
        return None  # only base fields
    name = base.get("bn", "") + fields.get("n", "")
    if not NAME.fullmatch(name):
        raise ValueError(f"name {name!r}; allowed: letters, digits and -:./_, no sign in front")
    value: Value = fields[values[0]] if values else None
    if values == ["v"] and "bv" in base:
        value = _plus(base["bv"], fields["v"])
    total = _plus(base.get("bs", 0), fields["s"]) if "s" in fields else None
    when = _plus(base.get("bt", 0), fields.get("t", 0))
    if when and when < RELATIVE_BELOW:
        when = _plus(when, int(now_s))
    unit = fields.get("u", base.get("bu")) or None  # an empty base unit takes back another
    return Record(name, unit, value, total, when, fields.get("ut"), base.get("bn", ""))


def _plus(one: Number, other: Number) -> Number:
    if isinstance(one, Decimal) or isinstance(other, Decimal):
        return _decimal(one) + _decimal(other)
    return one + other


def _decimal(value: Number) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
