"""Parse SenML in JSON (RFC 8428, 5) as strictly as CBOR, with exact numbers."""

from __future__ import annotations

import base64
import binascii
import json
import re
from decimal import Decimal
from typing import Any

DIGITS_MAX = 400  # of one number; Python's own limit is higher
_BASE64URL = re.compile(r"[A-Za-z0-9\-_]*")


def read(data: bytes) -> Any:
    """Return the parsed text; ValueError if it is not JSON.

    Decimal fractions are Decimal. NaN and the infinities, which Python would accept, are not JSON,
    and an object with a name twice is ambiguous.
    """
    try:
        return json.loads(
            data.decode("utf-8"),
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"no JSON: {problem}") from None


def octets(text: str) -> bytes:
    """Return the bytes of a data value: base64url without padding (RFC 4648, 5)."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("field vd is not base64url without padding")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as problem:
        raise ValueError(f"field vd: {problem}") from None


def _integer(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _decimal(text: str) -> Decimal:
    if len(text) > DIGITS_MAX:
        raise ValueError(f"a number of {len(text)} digits")
    value = Decimal(text)
    if not value.is_finite() or abs(value.adjusted()) > DIGITS_MAX:
        raise ValueError(f"number {text} is beyond a double")
    return value


def _constant(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("an object has a name twice")
    return fields
