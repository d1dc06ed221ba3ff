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


@pytest.mark.parametrize(
    ("exponent", "mantissa", "encoded"),
    [
        (-2, 2423, "c48221190977"),  # 24.23
        (-2, 2420, "c4822018f2"),  # 24.2: the zero is not written
        (-2, 2400, "1818"),  # 24
        (-1, -95, "f9c8c0"),  # -9.5, a half float as in IEEE 754
        (-1, 545, "f952d0"),  # 54.5
        (-2, 25, "f93400"),  # 0.25
        (-1, 20485, "c48220195005"),  # 2048.5 has 13 bits, a half float 11
        (-3, 0, "00"),
        (-(10**9), 0, "00"),
        (3, 5, "191388"),
        (4, 1, "192710"),
        (9, 1, "c4820901"),
    ],
)
def test_a_number_has_its_shortest_exact_form(cbor, exponent, mantissa, encoded):
    assert cbor.number(exponent, mantissa).hex() == encoded


@given(st.integers(-30, 25), st.integers(-(10**12), 10**12))
def test_every_number_is_exact_and_no_longer_than_a_fraction(cbor, exponent, mantissa):
    encoded = cbor.number(exponent, mantissa)
    value = cbor2.loads(encoded)
    assert Decimal(value) == Decimal(mantissa).scaleb(exponent)
    assert len(encoded) <= len(cbor.decimal(exponent, mantissa))
