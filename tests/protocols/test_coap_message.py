"""Bytes of CoAP messages, compared with aiocoap in both directions."""

from __future__ import annotations

import collections
import sys

import aiocoap
import pytest
from aiocoap import Message
from hypothesis import example, given
from hypothesis import strategies as st

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def coding(load):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ucollections", collections)
        yield load("protocols._coap_message")


VALUES = st.binary(max_size=20) | st.binary(min_size=250, max_size=300)
# numbers that neither side knows, so that values are opaque; path and query are texts
NUMBERS = st.sampled_from([1, 4, 12 + 13, 100, 281, 282, 283, 1000, 2053, 65001])
OPTIONS = st.lists(
    st.tuples(NUMBERS.filter(lambda number: number not in (25,)), VALUES)
    | st.tuples(st.sampled_from([11, 15]), st.text(max_size=30).map(str.encode)),
    max_size=8,
)
MESSAGES = {
    "kind": st.integers(0, 3),
    "code": st.sampled_from([1, 2, 3, 4, 0x41, 0x44, 0x45, 0x5F, 0x81, 0x8D, 0xA3]),
    "message_id": st.integers(0, 65535),
    "token": st.binary(max_size=8),
    "options": OPTIONS,
    "payload": st.binary(max_size=100),
}


def in_order(options):
    return sorted(options, key=lambda option: option[0])  # stable


@given(**MESSAGES)
def test_aiocoap_reads_what_is_written(
    coding, kind, code, message_id, token, options, payload
) -> None:
    data = coding.encode(kind, code, message_id, token, options, payload)
    seen = Message.decode(data)
    assert (seen.mtype, seen.code, seen.mid, seen.token) == (kind, code, message_id, token)
    assert [(o.number, o.encode()) for o in seen.opt.option_list()] == in_order(options)
    assert seen.payload == payload


@given(**MESSAGES)
def test_what_aiocoap_writes_is_read(
    coding, kind, code, message_id, token, options, payload
) -> None:
    message = Message(_mtype=kind, _mid=message_id, code=code, _token=token, payload=payload)
    for number, value in options:
        option = aiocoap.numbers.optionnumbers.OptionNumber(number).create_option(decode=value)
        message.opt.add_option(option)
    data = message.encode()
    assert coding.decode(data) == (kind, code, message_id, token, in_order(options), payload)
    assert coding.encode(kind, code, message_id, token, options, payload) == data


def aiocoap_reads(data):
    try:
        return Message.decode(data)
    except aiocoap.error.UnparsableMessage:
        return None


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"\x44\x45" + data))
@example(b"")
@example(b"\x40\x00\x00")
@example(b"\x40\x00\x00\x01")
@example(b"\x40\x45\x00\x01\xff")
@example(b"\x40\x45\x00\x01\xe0\xff\xff\x10")
@example(b"\x40\x45\x00\x01\xd0")
@example(b"\x40\x45\x00\x01\xf0")
@example(b"\x40\x45\x00\x01\x0f")
@example(b"\x4f\x45\x00\x01" + bytes(20))
@example(b"\x80\x45\x00\x01")
def test_anything_decodes_to_a_message_or_to_none(coding, data) -> None:
    found = coding.decode(data)
    if found is None:
        return
    kind, code, message_id, token, options, payload = found
    assert len(data) >= 4 and data[0] >> 6 == 1 and len(token) <= 8
    numbers = [number for number, _ in options]
    assert numbers == sorted(numbers) and all(number <= 65535 for number in numbers)
    again = coding.encode(kind, code, message_id, token, options, payload)
    assert coding.decode(again) == found
    seen = aiocoap_reads(data)
    if seen is not None and code:
        assert (seen.mid, seen.token, seen.payload) == (message_id, token, payload)


MALFORMED = {
    "nothing": b"",
    "cut header": b"\x40\x45\x00",
    "version 2": b"\x80\x45\x00\x01",
    "token of 9 bytes": b"\x49\x45\x00\x01" + bytes(9),
    "token cut": b"\x44\x45\x00\x01abc",
    "marker without payload": b"\x40\x45\x00\x01\xff",
    "delta 15": b"\x40\x45\x00\x01\xf0",
    "length 15": b"\x40\x45\x00\x01\x0f",
    "delta cut": b"\x40\x45\x00\x01\xd0",
    "long delta cut": b"\x40\x45\x00\x01\xe0\x00",
    "value cut": b"\x40\x45\x00\x01\x42a",
    "number above 65535": b"\x40\x45\x00\x01\xe0\xff\xff",
    "empty message with more": b"\x40\x00\x00\x01\x00",
    "empty message with a token": b"\x41\x00\x00\x01a",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_is_no_message(coding, name) -> None:
    assert coding.decode(MALFORMED[name]) is None


@pytest.mark.parametrize(
    ("value", "data"), [(0, b""), (1, b"\1"), (112, b"p"), (256, b"\1\0"), (65535, b"\xff\xff")]
)
def test_numbers_have_no_leading_zeros(coding, value, data) -> None:
    assert coding.uint(value) == data


def test_a_report_costs_thirteen_bytes(coding) -> None:
    """Header 4, token 4, path "r" 2, content format 2, marker 1 (RFC 7252 section 3)."""
    data = coding.encode(0, 2, 1, b"abcd", [(11, b"r"), (12, b"\x70")], b"x")
    assert data.hex() == "44020001" + "61626364" + "b172" + "1170" + "ff" + "78"
