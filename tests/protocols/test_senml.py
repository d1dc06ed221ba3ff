"""Packs of RFC 8428, decoded with another implementation of CBOR."""

from __future__ import annotations

from decimal import Decimal

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.decode.senml import decode

# Labels of RFC 8428, table 4
BASE_NAME, BASE_TIME = -2, -3
NAME, UNIT, VALUE, STRING, BOOLEAN, DATA = 0, 1, 2, 3, 4, 8

MAC = "240ac4123456:"
STOCK_LIMIT = 62  # bytes of one datagram on stock firmware: 124 hex digits

TEMPERATURE = ("t", 2423, -2, "Cel")
HUMIDITY = ("h", 548, -1, "%RH")
BATTERY = ("v", 3784, -3, "V")
RSRP = ("rp", -101, 0, "dBm")
RSRQ = ("rq", -10, 0, "dB")
ATTACH = ("a", 6120, -3, "s")


@pytest.fixture(scope="module")
def senml(load):
    return load("protocols.senml")


def sizes(datagrams):
    return [len(datagram) for datagram in datagrams]


def names(datagram):
    return [record[NAME] for record in cbor2.loads(datagram)]


def test_the_report_of_a_node_is_exact(senml):
    (datagram,) = senml.pack(MAC, [TEMPERATURE, HUMIDITY], STOCK_LIMIT, seq=17)
    assert cbor2.loads(datagram) == [
        {BASE_NAME: MAC, NAME: "seq", VALUE: 17},
        {NAME: "t", UNIT: "Cel", VALUE: Decimal("24.23")},
        {NAME: "h", UNIT: "%RH", VALUE: Decimal("54.8")},
    ]


def test_the_bytes_are_those_counted_by_hand(senml):
    (datagram,) = senml.pack("n:", [("t", 2423, -2, "Cel")], STOCK_LIMIT)
    # list of 1; map of 4: -2 "n:", 0 "t", 1 "Cel", 2 4([-2, 2423])
    assert datagram.hex() == "81a421626e3a006174016343656c02c48221190977"


@pytest.mark.parametrize(
    ("record", "size"),
    [
        (TEMPERATURE, 16),
        (HUMIDITY, 16),
        (BATTERY, 14),
        (RSRP, 16),  # 3 of them once, for the version that dBm needs
        (RSRQ, 11),
        (ATTACH, 14),
        (("n", 5, 0, None), 6),
    ],
    ids=lambda value: str(value),
)
def test_a_record_takes_the_bytes_that_the_documentation_says(senml, record, size):
    with_it = senml.pack(MAC, [record], 200, seq=1)
    without = senml.pack(MAC, [], 200, seq=1)
    assert sizes(with_it)[0] - sizes(without)[0] == size


def test_a_stock_datagram_holds_sequence_temperature_and_humidity(senml):
    records = [TEMPERATURE, HUMIDITY, BATTERY, RSRP, RSRQ, ATTACH]
    datagrams = senml.pack(MAC, records, STOCK_LIMIT, seq=60000)
    assert [names(datagram) for datagram in datagrams] == [
        ["seq", "t", "h"],
        ["seq", "v", "rp"],
        ["seq", "rq", "a"],
    ]
    assert sizes(datagrams) == [58, 56, 51]


def test_both_sensors_share_a_stock_datagram_under_a_short_base_name(senml):
    datagrams = senml.pack("7:", [TEMPERATURE, HUMIDITY, BATTERY], STOCK_LIMIT, seq=255)
    assert sizes(datagrams) == [60]


@pytest.mark.parametrize(("seq", "size"), [(0, 60), (23, 60), (255, 61), (65535, 62)])
def test_a_nameless_sequence_number_leaves_room_for_both_sensors(senml, seq, size):
    records = [TEMPERATURE, HUMIDITY, BATTERY]
    datagrams = senml.pack("1zX9kQ2b", records, STOCK_LIMIT, seq=seq, seq_name="")
    assert sizes(datagrams) == [size]
    assert cbor2.loads(datagrams[0])[0] == {BASE_NAME: "1zX9kQ2b", VALUE: seq}


def test_a_record_called_seq_is_only_refused_beside_a_sequence_number(senml):
    assert names(senml.pack(MAC, [("seq", 5, 0, None)], STOCK_LIMIT)[0]) == ["seq"]


def test_a_later_short_record_fills_the_gap_before_a_long_one(senml):
    records = [TEMPERATURE, ("long-name", 123456, -2, "Cel"), ("c", 1, 0, None)]
    datagrams = senml.pack("240ac4123456:", records, 50, seq=1)
    assert [names(datagram) for datagram in datagrams] == [["seq", "c", "t"], ["seq", "long-name"]]


def test_every_datagram_stands_alone(senml):
    datagrams = senml.pack(MAC, [(c, 5, 0, None) for c in "abcdefghijkl"], 40, seq=9)
    assert len(datagrams) > 2
    for datagram in datagrams:
        first = cbor2.loads(datagram)[0]
        assert first == {BASE_NAME: MAC, NAME: "seq", VALUE: 9}


def test_without_a_sequence_number_the_first_record_has_the_base_name(senml):
    datagrams = senml.pack(MAC, [TEMPERATURE, HUMIDITY], 40)
    assert [cbor2.loads(datagram)[0][BASE_NAME] for datagram in datagrams] == [MAC, MAC]
    assert [names(datagram) for datagram in datagrams] == [["t"], ["h"]]


def test_what_was_not_measured_is_left_out(senml):
    (datagram,) = senml.pack(MAC, [("t", None, -2, "Cel"), HUMIDITY], STOCK_LIMIT, seq=1)
    assert names(datagram) == ["seq", "h"]


def test_a_sequence_number_is_sent_even_if_nothing_was_measured(senml):
    (datagram,) = senml.pack(MAC, [("t", None, -2, "Cel")], STOCK_LIMIT, seq=1)
    assert names(datagram) == ["seq"]
    assert senml.pack(MAC, [("t", None, -2, "Cel")], STOCK_LIMIT) == []


def test_texts_flags_and_bytes_have_their_own_labels(senml):
    records = [("s", "ok", None, None), ("b", True, None, None), ("d", b"\x00\r", None, None)]
    (datagram,) = senml.pack(MAC, records, STOCK_LIMIT)
    assert cbor2.loads(datagram) == [
        {BASE_NAME: MAC, NAME: "s", STRING: "ok"},
        {NAME: "b", BOOLEAN: True},
        {NAME: "d", DATA: b"\x00\r"},
    ]


def test_further_items_of_a_record_are_not_looked_at(senml):
    (datagram,) = senml.pack(MAC, [TEMPERATURE + ("absent", 5)], STOCK_LIMIT)
    assert cbor2.loads(datagram)[0][VALUE] == Decimal("24.23")


def test_the_time_travels_once_per_datagram_as_an_integer(senml):
    datagrams = senml.pack(MAC, [TEMPERATURE, HUMIDITY], 46, base_time=1700000001)
    times = [[record.get(BASE_TIME) for record in cbor2.loads(d)] for d in datagrams]
    assert times == [[1700000001], [1700000001]]


@pytest.mark.parametrize("time", [0, 268435455, 1.7e9, True, "1700000000"])
def test_a_time_that_receivers_would_misread_is_refused(senml, time):
    with pytest.raises(ValueError, match="base_time"):
        senml.pack(MAC, [TEMPERATURE], STOCK_LIMIT, base_time=time)


def test_a_record_too_long_for_any_datagram_is_named(senml):
    with pytest.raises(ValueError, match="'text' needs 96 bytes; allowed: 62"):
        senml.pack(MAC, [TEMPERATURE, ("text", "x" * 60, None, None)], STOCK_LIMIT, seq=1000)


def test_a_base_name_too_long_for_any_datagram_is_named(senml):
    with pytest.raises(ValueError, match="'seq' needs 69 bytes; allowed: 62"):
        senml.pack("x" * 57, [], STOCK_LIMIT, seq=1)


@pytest.mark.parametrize("base", ["", ":a", "-1", "a b", "a\n", "\u00e4", None, 5])
def test_bad_base_names_are_refused(senml, base):
    with pytest.raises(ValueError, match="base_name"):
        senml.pack(base, [TEMPERATURE], STOCK_LIMIT)


@pytest.mark.parametrize("name", ["a b", "t\u00b0", 'a"', None, 5, "seq"])
def test_bad_names_are_refused(senml, name):
    with pytest.raises(ValueError, match="name"):
        senml.pack(MAC, [(name, 1, 0, None)], STOCK_LIMIT, seq=1)


def test_a_name_may_begin_with_what_may_follow_a_base_name(senml):
    (datagram,) = senml.pack("node", [("/t", 1, 0, None), ("", 2, 0, None)], STOCK_LIMIT)
    assert cbor2.loads(datagram) == [
        {BASE_NAME: "node", NAME: "/t", VALUE: 1},
        {VALUE: 2},
    ]


@pytest.mark.parametrize(
    "record",
    [
        ("t", 24.23, -2.0, "Cel"),
        ("t", 24.23, 21, "Cel"),
        ("t", 1e300, -20, "Cel"),  # beyond a double when scaled
        ("t", 1, -2.0, "Cel"),
        ("t", 1, True, "Cel"),
        ("t", [1], 0, "Cel"),
        ("t", 1, 0, ""),
        ("t", 1, 0, 5),
    ],
    ids=str,
)
def test_bad_values_and_units_are_refused(senml, record):
    with pytest.raises(ValueError, match="'t'"):
        senml.pack(MAC, [record], STOCK_LIMIT)


RECORDS = st.lists(
    st.tuples(
        st.text("abcXYZ019-:./_", min_size=1, max_size=6).filter(lambda name: name != "seq"),
        st.none() | st.integers(-(1 << 40), 1 << 40),
        st.integers(-6, 3),
        st.sampled_from([None, "Cel", "%RH", "V"]),
    ),
    max_size=40,
)


@given(RECORDS, st.integers(50, 300), st.none() | st.integers(0, 1 << 31))
def test_everything_arrives_once_and_within_the_limit(senml, records, limit, seq):
    datagrams = senml.pack(MAC, records, limit, seq=seq)
    assert all(size <= limit for size in sizes(datagrams))
    arrived = []
    for datagram in datagrams:
        decoded = decode(datagram)
        if seq is not None:
            first = decoded.pop(0)
            assert (first.name, first.value) == (MAC + "seq", seq)
        arrived += [(record.name, record.value, record.unit) for record in decoded]
    expected = [
        (MAC + name, Decimal(value).scaleb(exponent), unit)
        for name, value, exponent, unit in records
        if value is not None
    ]
    order = lambda item: (item[0], item[1], item[2] or "")  # noqa: E731
    assert sorted(arrived, key=order) == sorted(expected, key=order)
