"""The encoder against another implementation of CBOR, and against the examples of RFC 8949."""

from __future__ import annotations

from decimal import Decimal

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

# RFC 8949, appendix A
INTEGERS = {
    0: "00",
    1: "01",
    10: "0a",
    23: "17",
    24: "1818",
    25: "1819",
    100: "1864",
    1000: "1903e8",
    1000000: "1a000f4240",
    1000000000000: "1b000000e8d4a51000",
    18446744073709551615: "1bffffffffffffffff",
    -1: "20",
    -10: "29",
    -100: "3863",
    -1000: "3903e7",
    -18446744073709551616: "3bffffffffffffffff",
}


@pytest.fixture(scope="module")
def cbor(load):
    return load("utils.cbor")


@pytest.mark.parametrize("value", INTEGERS, ids=str)
def test_integers_are_as_in_the_standard(cbor, value):
    assert cbor.integer(value).hex() == INTEGERS[value]


@pytest.mark.parametrize("value", [1 << 64, -(1 << 64) - 1])
def test_what_needs_more_than_64_bits_is_refused(cbor, value):
    with pytest.raises(ValueError, match="64 bits"):
        cbor.integer(value)


def test_texts_bytes_and_structures_are_as_in_the_standard(cbor):
    assert cbor.text("IETF").hex() == "6449455446"
    assert cbor.text("\u00fc").hex() == "62c3bc"
    assert cbor.binary(bytes((1, 2, 3, 4))).hex() == "4401020304"
    assert cbor.boolean(True).hex() + cbor.boolean(False).hex() == "f5f4"
    assert cbor.array([cbor.integer(n) for n in (1, 2, 3)]).hex() == "83010203"
    assert cbor.mapping([cbor.integer(n) for n in (1, 2, 3, 4)]).hex() == "a201020304"
    assert cbor.decimal(-2, 27315).hex() == "c48221196ab3"  # 273.15: RFC 8949, 3.4.4


@given(st.integers(-(1 << 64), (1 << 64) - 1))
def test_integers_come_back_in_their_shortest_form(cbor, value):
    assert cbor.integer(value) == cbor2.dumps(value)


@given(st.text(max_size=300))
def test_texts_come_back(cbor, value):
    assert cbor.text(value) == cbor2.dumps(value)


@given(st.lists(st.integers(0, 255), max_size=300))
def test_arrays_of_any_length_come_back(cbor, values):
    assert cbor.array([cbor.integer(value) for value in values]) == cbor2.dumps(values)
    assert cbor.binary(bytes(values)) == cbor2.dumps(bytes(values))


@given(st.integers(-12, 12), st.integers(-(1 << 53), 1 << 53))
def test_decimal_fractions_are_exact(cbor, exponent, mantissa):
    decoded = cbor2.loads(cbor.decimal(exponent, mantissa))
    assert decoded == Decimal(mantissa).scaleb(exponent)
