"""SenML in CBOR, resolved (RFC 8428)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import cbor2
import pytest

from collector.decode.senml import decode

BN, BT, BU, BV, BS, BVER = -2, -3, -4, -5, -6, -1
N, U, V, VS, VB, S, T, UT, VD = 0, 1, 2, 3, 4, 5, 6, 7, 8
NOW = 1_800_000_000
THEN = 1_276_020_076

Fields = tuple[str, Any, Any, Any]


def resolved(pack: Any) -> list[Fields]:
    records = decode(cbor2.dumps(pack), NOW)
    return [(each.name, each.value, each.unit, each.time) for each in records]


@pytest.mark.parametrize(
    ("pack", "records"),
    [
        pytest.param([{N: "a", V: 1}], [("a", 1, None, 0)], id="nothing but a value"),
        pytest.param(
            # the pack of RFC 8428, 5.1.2, whose resolved form stands in 5.1.4
            [
                {BN: "urn:dev:ow:10e2073a0108006:", BT: 1.276020076001e9, BU: "A", BVER: 5,
                 N: "voltage", U: "V", V: 120.1},
                {N: "current", T: -5, V: 1.2},
                {N: "current", T: 0, V: 1.7},
            ],
            [
                ("urn:dev:ow:10e2073a0108006:voltage", 120.1, "V", 1.276020076001e9),
                ("urn:dev:ow:10e2073a0108006:current", 1.2, "A", 1.276020076001e9 - 5),
                ("urn:dev:ow:10e2073a0108006:current", 1.7, "A", 1.276020076001e9),
            ],
            id="base name, time and unit",
        ),
        pytest.param(
            [{BN: "a:", N: "x", V: 1}, {BN: "b:", V: 2, N: "y"}, {N: "z", V: 3}],
            [("a:x", 1, None, 0), ("b:y", 2, None, 0), ("b:z", 3, None, 0)],
            id="a later base name replaces the earlier",
        ),
        pytest.param(
            [{BN: "a", BV: Decimal("20.5"), V: Decimal("0.25")}, {V: 2}, {VS: "text"}],
            [("a", Decimal("20.75"), None, 0), ("a", Decimal("22.5"), None, 0),
             ("a", "text", None, 0)],
            id="base value",
        ),
        pytest.param(
            [{N: "a", VB: False}, {N: "b", VD: b"\x00\xff"}, {N: "c", V: Decimal("24.23")}],
            [("a", False, None, 0), ("b", b"\x00\xff", None, 0), ("c", Decimal("24.23"), None, 0)],
            id="all kinds of value",
        ),
        pytest.param(
            [{BT: THEN, N: "a", T: -60, V: 1}, {BT: 0, N: "b", T: -60, V: 1}],
            [("a", 1, None, THEN - 60), ("b", 1, None, NOW - 60)],
            id="times below 2**28 count from the reception",
        ),
        pytest.param([{BN: "a:"}, {N: "b", V: 1}], [("a:b", 1, None, 0)], id="base fields alone"),
        pytest.param([{N: "a", V: 1, "x": 5, 99: 5}], [("a", 1, None, 0)], id="extensions"),
    ],
)  # fmt: skip
def test_records_are_resolved(pack: Any, records: list[Fields]) -> None:
    assert resolved(pack) == records


def test_sums_are_resolved() -> None:
    first, second = decode(cbor2.dumps([{BN: "a", BS: 100, S: 5}, {S: 7, V: 1}]))
    assert (first.value, first.sum, first.shown) == (None, 105, "sum 105")
    assert (second.value, second.sum) == (1, 107)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no CBOR"),
        (b"\x82\x01", "no CBOR"),
        (cbor2.dumps([{N: "a", V: 1}]) + b"\x00", "1 bytes behind the pack"),
        (cbor2.dumps({N: "a"}), "array of records, not dict"),
        (cbor2.dumps([]), "array of records"),
        (cbor2.dumps([5]), "record 1: a map is needed, not int"),
        (cbor2.dumps([{N: "a", V: 1}, {N: "b"}]), "record 2: neither a value nor a sum"),
        (cbor2.dumps([{N: "a", V: 1, VS: "x"}]), "more than one value: v, vs"),
        (cbor2.dumps([{N: "a", V: "1"}]), "field v = '1' has the wrong type"),
        (cbor2.dumps([{N: "a", V: True}]), "field v = True has the wrong type"),
        (cbor2.dumps([{N: "a", VB: 1}]), "field vb = 1 has the wrong type"),
        (cbor2.dumps([{N: 5, V: 1}]), "field n = 5"),
        (cbor2.dumps([{V: 1}]), "name ''"),
        (cbor2.dumps([{N: ":a", V: 1}]), "name ':a'"),
        (cbor2.dumps([{N: "a b", V: 1}]), "name 'a b'"),
        (cbor2.dumps([{BVER: 11, N: "a", V: 1}]), "version 11"),
        (cbor2.dumps([{N: "a", V: 1, "x_": 1}]), "field 'x_' must be understood"),
        (b"\x81\xa2\x00\x61a\x02\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01", ""),
    ],
)
def test_what_is_no_senml_says_why(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=r".+") as raised:
        decode(data, NOW)
    assert problem in str(raised.value)
