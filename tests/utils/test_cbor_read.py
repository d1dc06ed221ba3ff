"""utils.cbor_read against another implementation, and against bytes that nobody meant well."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.booleans() | st.none() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.integers(0, 99) | st.text(), inner),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def cbor_read(load):
    return load("utils.cbor_read")


@given(value=VALUES, before=st.binary(max_size=3), behind=st.binary(max_size=3))
def test_what_another_encoder_writes_is_read(cbor_read, value, before, behind):
    encoded = cbor2.dumps(value)
    try:
        found, end = cbor_read.item(before + encoded + behind, len(before))
    except ValueError as error:
        assert "deep" in str(error)  # noqa: PT017 - only what is nested more than 8 deep
        return
    assert found == value
    assert end == len(before) + len(encoded)


@pytest.mark.parametrize(
    ("text", "value"),
    [("c0613a", ":"), ("c48221190f29", [-2, 3881]), ("f93c00", None), ("fa47c35000", None),
     ("fb3ff199999999999a", None), ("f7", None), ("f0", None), ("f8ff", None),
     ("a1011a65000000", {1: 1694498816})],
)  # fmt: skip
def test_tags_are_left_out_and_floats_give_nothing(cbor_read, text, value):
    data = bytes.fromhex(text)
    assert cbor_read.item(data) == (value, len(data))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x18", b"\x9f\x01\xff", b"\x5f\xff", b"\xff", b"\x1c", b"\x9b" + b"\xff" * 8,
     b"\xbb" + b"\xff" * 8, b"\x5b" + b"\xff" * 8, b"\x62\xff\xfe", b"\xa1\x80\x01",
     b"\xa1\xf6\x01",
     b"\xa2\x01\x01\x01\x02", b"\x81" * 4000, b"\xc0" * 4000, b"\0" * 4097, b"\xa1\x01"],
    ids=lambda data: data[:12].hex(),
)  # fmt: skip
def test_anything_else_is_refused(cbor_read, data):
    with pytest.raises(ValueError):
        cbor_read.item(data)


@given(data=st.binary(max_size=200), start=st.integers(-5, 205))
def test_no_bytes_raise_anything_else(cbor_read, data, start):
    try:
        _, end = cbor_read.item(data, start)
    except ValueError:
        return
    assert 0 <= start < end <= len(data)
