"""JSON beside CBOR, times, units, floats: read by the collector's decoder and a foreign one."""

from __future__ import annotations

import base64
import json
import struct
import sys
from decimal import Decimal
from types import SimpleNamespace

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.decode.senml import decode

BN = "240ac43118e5:"
NOW = 1_700_000_000
SIX = [
    ("t", 2154, -2, "Cel"),
    ("h", 549, -1, "%RH"),
    ("v", 3882, -3, "V"),
    ("rp", -92, 0, None),
    ("rq", -95, -1, None),
    ("at", 3578, 0, None),
]


@pytest.fixture(scope="module")
def senml(load):
    import binascii

    sys.modules["ubinascii"] = binascii
    yield load("protocols.senml")
    del sys.modules["ubinascii"]


@pytest.fixture(params=["cbor", "json"])
def form(request):
    return request.param


def resolved(datagrams, now_s=0):
    return [record for datagram in datagrams for record in decode(datagram, now_s)]


def test_six_measurements_take_at_most_90_bytes(senml):
    name = senml.short_name(bytes.fromhex("240ac43118e5")) + ":"
    (datagram,) = senml.pack(name, SIX, 90, seq=65535, seq_name="")
    assert len(datagram) == 89
    assert [record.shown for record in decode(datagram)] == [
        *("65535", "-92", "-9.5", "3578", "21.54", "54.9", "3.882")
    ]


def test_a_json_pack_is_compact_and_says_what_cbor_says(senml):
    records = [
        ("t", 2420, -2, "Cel"),
        ("s", 'a"\\\n\u00e9', None, None),
        ("d", b"\xfb\xff", 0, None),
    ]
    (text,) = senml.pack(BN, records, 300, seq=7, form="json")
    assert text.decode() == (
        '[{"bn":"240ac43118e5:","n":"seq","v":7},{"n":"s","vs":"a\\"\\\\\\u000a\u00e9"},'
        '{"n":"d","vd":"-_8"},{"n":"t","u":"Cel","v":24.20}]'
    )
    assert json.loads(text)[2]["vd"] == base64.urlsafe_b64encode(b"\xfb\xff").decode().strip("=")
    assert decode(text) == decode(senml.pack(BN, records, 300, seq=7)[0])


@pytest.mark.parametrize(
    ("exponent", "mantissa", "text"),
    [
        (0, -5, "-5"),
        (-1, -5, "-0.5"),
        (-3, 7, "0.007"),
        (-9, 7, "7e-9"),
        (3, 7, "7e3"),
        (-2, -2423, "-24.23"),
        (-4, 24230000, "2423.0000"),
    ],
)
def test_numbers_in_json_are_written_digit_by_digit(senml, exponent, mantissa, text):
    (pack,) = senml.pack("a", [("n", mantissa, exponent, None)], 99, form="json")
    assert pack.decode() == '[{"bn":"a","n":"n","v":' + text + "}]"


def test_what_is_no_number_is_left_out_and_a_float_is_rounded_to_its_resolution(senml, form):
    # single precision as on the board: 24.23 is 24.229999542236328
    (single,) = struct.unpack("f", struct.pack("f", 24.23))
    records = [
        ("t", single, -2, "Cel"),
        ("nan", float("nan"), -2, "Cel"),
        ("inf", float("inf"), 0, None),
        ("minus", float("-inf"), None, None),
        ("none", None, 0, None),
        ("p", 101325.4, 2, "Pa"),
        ("w", -0.4, None, None),
    ]
    (datagram,) = senml.pack("a", records, 300, form=form)
    assert {record.name: record.value for record in decode(datagram)} == {
        "at": Decimal("24.23"),
        "ap": 101300,
        "aw": 0,
    }
    assert b"nan" not in datagram and b"inf" not in datagram
    assert senml.pack("a", records[1:5], 300, form=form) == []


def test_kept_records_carry_their_time(senml, form):
    records = [("a", 1, 0, None), ("b", 2, 0, None), ("c", 3, 0, None), ("d", None, 0, None)]
    times = [None, -60, NOW - 3600, -1]
    (with_clock,) = senml.pack("n", records, 300, base_time=NOW, times=times, form=form)
    assert [record.time for record in decode(with_clock)] == [NOW, NOW - 60, NOW - 3600]
    (without,) = senml.pack("n", records, 300, times=times, form=form)
    assert [record.time for record in decode(without, NOW + 5)] == [0, NOW - 55, NOW - 3600]


@pytest.mark.parametrize("time", [5, 268435455, -268435456, 1.5, True, "now"])
def test_a_time_that_is_neither_age_nor_clock_is_refused(senml, time):
    with pytest.raises(ValueError, match="time of 'a'"):
        senml.pack("n", [("a", 1, 0, None)], 99, times=[time])


def test_times_are_one_per_record_and_forms_are_known(senml):
    with pytest.raises(ValueError, match="1 times; allowed: 2"):
        senml.pack("n", [("a", 1, 0, None)] * 2, 99, times=[None])
    with pytest.raises(ValueError, match="form = 'xml'; allowed: 'cbor', 'json'"):
        senml.pack("n", [], 99, form="xml")


def test_a_unit_that_several_records_have_is_said_once(senml, form):
    records = [("a", 1, 0, "V"), ("x", 5, 0, None), ("b", 2, 0, "A"), ("c", 3, 0, "V")]
    (datagram,) = senml.pack("n", records, 300, form=form)
    units = [(record.name, record.unit) for record in decode(datagram)]
    assert units == [("nx", None), ("na", "V"), ("nc", "V"), ("nb", "A")]
    assert datagram.count(b"V") == 1


@pytest.mark.parametrize(
    ("unit", "version"), [("dBm", 26), ("ms", 26), ("km/h", 26), ("dB", None), ("dBW", None)]
)
def test_secondary_units_come_with_the_version_that_allows_them(senml, unit, version):
    records = [("a", 1, 0, "V"), ("b", 2, 0, unit)]
    (datagram,) = senml.pack("n", records, 99)
    assert [record.get(-1) for record in cbor2.loads(datagram)] == [version, None]


def test_short_names_are_different_and_begin_with_a_letter_or_digit(senml):
    # first octets of manufacturers end in two zero bits: universal, individual (IEEE 802)
    ids = [bytes((first, 10, 196, 1, 2, 255 - first)) for first in range(0, 256, 4)]
    names = {senml.short_name(each) for each in ids}
    assert len(names) == len(ids)
    for name in names:
        assert len(name) == 8
        assert decode(senml.pack(name, [("t", 1, 0, None)], 99)[0])[0].name == name + "t"


NAMES = st.text("abcXYZ019-:./_", min_size=1, max_size=6).filter(lambda name: name != "seq")
NUMBERS = st.tuples(
    NAMES,
    st.integers(-(1 << 63), 1 << 63),
    st.integers(-12, 6),
    st.sampled_from([None, "Cel", "V", "ms"]),
)
OTHERS = st.tuples(
    NAMES,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.booleans()
    | st.binary(max_size=8),
    st.none(),
    st.none(),
)


@given(records=st.lists(NUMBERS | OTHERS, max_size=12), way=st.sampled_from(["cbor", "json"]))
def test_every_value_arrives_in_both_forms(senml, way, records):
    datagrams = senml.pack(BN, records, 260, seq=1, form=way)
    assert all(len(datagram) <= 260 for datagram in datagrams)
    arrived = [
        (record.name, record.value, record.unit)
        for record in resolved(datagrams)
        if record.name != BN + "seq"
    ]
    expected = [
        (BN + name, Decimal(value).scaleb(exponent) if type(value) is int else value, unit)
        for name, value, exponent, unit in records
    ]
    assert sorted(arrived, key=repr_of) == sorted(expected, key=repr_of)


def repr_of(item):
    name, value, unit = item
    number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return name, str(Decimal(value).normalize()) if number else repr(value), unit or ""


def test_a_foreign_decoder_finds_the_same(senml, form, monkeypatch):
    """PyPI's micropython-senml (KPN, Arduino), which looks at names and values only.

    It wants a name in each record, expects cbor2 of 2023, where its modules had other names, and
    floats where RFC 8428, 6 allows decimal fractions.
    """
    cbor = SimpleNamespace(loads=lambda data: as_floats(cbor2.loads(data)), dumps=cbor2.dumps)
    for name in ("encoder", "decoder"):
        monkeypatch.setitem(sys.modules, "cbor2." + name, cbor)
        monkeypatch.setattr(cbor2, name, cbor, raising=False)
    foreign = pytest.importorskip("senml.senml_pack")
    monkeypatch.setattr(foreign, "decoder", cbor)
    records = [*SIX, ("s", 'say "ok"\n', None, None), ("b", True, None, None)]
    (datagram,) = senml.pack(BN, records, 400, seq=7, form=form)
    pack = foreign.SenmlPack(BN)
    getattr(pack, "from_" + form)(datagram)
    found = {BN + record.name: record.value for record in pack}
    ours = {record.name: record.value for record in decode(datagram)}
    assert {name: str(value) for name, value in found.items()} == {
        name: str(value) for name, value in ours.items()
    }
    assert len(found) == 9


def as_floats(records):
    """The records with floats instead of decimal fractions."""
    return [
        {key: float(value) if isinstance(value, Decimal) else value for key, value in each.items()}
        for each in records
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"n":"a","v":NaN}]', "NaN is no number of JSON"),
        ('[{"n":"a","v":-Infinity}]', "-Infinity is no number"),
        ('[{"n":"a","v":1e999999}]', "beyond a double"),
        ('[{"n":"a","v":' + "9" * 5000 + "}]", "a number of 5000 digits"),
        ('[{"n":"a","n":"b","v":1}]', "a name twice"),
        ('[{"n":"a","v":"1"}]', "field v = '1' has the wrong type"),
        ('[{"n":"a","v":1,"x_":1}]', "field 'x_' must be understood"),
        ('[{"n":"a","vd":"+/=="}]', "not base64url"),
        ('[{"n":"a","vd":"A"}]', "field vd"),
        ('[{"bver":27,"n":"a","v":1}]', "version 27"),
        ('[{"n":"a","v":1}] ]', "no JSON"),
        ("[" * 100000, "no JSON"),
        ('[{"n":"a","v":1}]\x00', "no JSON"),
        ("[]", "array of records"),
    ],
    ids=range(14),
)
def test_json_that_is_no_senml_says_why(text, problem):
    with pytest.raises(ValueError, match=r".+") as raised:
        decode(text.encode())
    assert problem in str(raised.value)


def test_no_cbor_says_a_value_that_is_no_number():
    for value in (float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")):
        with pytest.raises(ValueError, match="is no number"):
            decode(cbor2.dumps([{0: "a", 2: value}]))
    assert decode(cbor2.dumps([{-1: 26, 0: "a", 1: "mV", 2: 5}]))[0].unit == "mV"
