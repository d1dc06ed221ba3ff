"""Several measurements in a datagram, read by the collector's decoder."""

from __future__ import annotations

from decimal import Decimal

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.decode.packs import read

BN = "kCsQxGOU:"
NOW = 1_700_000_000
NONE = ("x", 1, 0, None)
THREE = [("t", 2423, -2, "Cel"), ("h", 548, -1, "%RH"), ("v", 3784, -3, "V")]


@pytest.fixture(scope="module")
def batch(load):
    return load("protocols.senml_batch")


def packed(batch, groups, limit=124, *arguments, **named):
    whole = [batch.Group(*group, *[[]] * (5 - len(group))) for group in groups]
    return list(batch.packs(BN, whole, limit, *arguments, **named))


def seqs(packs):
    return [group.seq for pack in packs for group in pack.complete]


def measurements(payloads):
    """[(sequence number, time, {name: (value, unit)})] as docs/report.md has them read."""
    found = []
    for payload in payloads:
        for record in read(payload, NOW):
            name = record.name.removeprefix(BN)
            if not name:
                assert not record.unit
                found.append((record.value, record.time, {}))
            else:
                assert record.time == found[-1][1]
                assert name not in found[-1][2]
                found[-1][2][name] = (record.value, record.unit or None)
    return found


def merged(payloads):
    """The same with the parts of a measurement put together: {number: (time, values)}."""
    whole = {}
    for seq, time, values in measurements(payloads):
        assert whole.setdefault(seq, (time, {}))[0] == time
        assert not values.keys() & whole[seq][1].keys()
        whole[seq][1].update(values)
    return whole


def test_measurements_share_a_datagram_and_each_has_its_time(batch):
    groups = [(7, -900, THREE[:1]), (8, None, THREE[:1]), (9, NOW, []), (10, NOW, [NONE])]
    (pack,) = packed(batch, groups)
    assert cbor2.loads(pack.payload) == [
        {-2: BN, -3: -900, 2: 7},
        {0: "t", 1: "Cel", 2: Decimal("24.23")},
        {-3: 0, 2: 8},
        {0: "t", 2: Decimal("24.23")},
        {-3: NOW, 2: 9},
        {2: 10},
        {0: "x", 2: 1},
    ]
    assert seqs([pack]) == [group.seq for group in pack.groups] == [7, 8, 9, 10]


def test_a_unit_is_said_where_its_name_has_another_before_in_the_datagram(batch):
    """A base unit ends with its measurement; none where there was one needs another datagram."""
    groups = [(seq, None, [("n", 1, 0, unit), NONE, ("t", 1, 0, "Cel"), ("t2", 1, 0, "Cel")])
              for seq, unit in enumerate([None, "Cel", "Cel", "V", "V", None, "Cel"])]  # fmt: skip
    packs = packed(batch, groups, 300)
    assert [len(pack.groups) for pack in packs] == [6, 2]
    assert [pack.payload.count(unit) for pack in packs for unit in (b"Cel", b"V")] == [2, 1, 1, 0]
    wanted = {seq: (0, {each[0]: (1, each[3]) for each in found}) for seq, _, found in groups}
    assert merged(pack.payload for pack in packs) == wanted


def test_a_secondary_unit_of_a_later_measurement_sets_the_version_of_the_datagram(batch):
    (pack,) = packed(batch, [(1, None, THREE), *[(2, None, [("m", 5, 0, "mV")])] * 2])
    assert [record.get(-1) for record in cbor2.loads(pack.payload)] == [26, *[None] * 7]
    read(pack.payload, NOW)


def test_what_does_not_fit_goes_on_behind_its_number_time_and_marks(batch):
    groups = [(seq, -60, THREE, [("bo", 7, 0, None)]) for seq in (1, 2, 3)]
    packs = packed(batch, groups, 96)
    assert [len(pack.groups) for pack in packs] == [2, 2, 1]
    parts = measurements(pack.payload for pack in packs)
    assert [(seq, time) for seq, time, _ in parts] == [(n, NOW - 60) for n in (1, 2, 2, 3, 3)]
    assert all(values["bo"] == (7, None) for _, _, values in parts)


def test_a_datagram_is_made_when_it_is_asked_for(batch):
    taken = []

    def groups():
        for seq in range(100):
            taken.append(seq)
            yield batch.Group(seq, None, THREE, [], None)

    next(batch.packs(BN, groups(), 124))
    assert len(taken) <= 4


def test_what_no_datagram_holds_is_left_out_and_told(batch):
    told = []
    long = ("long", "x" * 90, None, None)
    groups = [(1, None, [long, *THREE]), (2, None, [long]), (3, None, [("t", [], 0, None)]),
              (4, None, THREE), (5, None, [])]  # fmt: skip
    packs = packed(batch, groups, 80, lambda group, text: told.append((group.seq, text)))
    assert [(seq, text and text.split("'")[1]) for seq, text in told] == [
        (1, "long"), (2, "long"), (2, None), (3, "t"), (3, None)
    ]  # fmt: skip
    assert seqs(packs) == [1, 4, 5]
    assert len(merged(pack.payload for pack in packs)[1][1]) == 3
    with pytest.raises(ValueError, match="'long'"):
        packed(batch, groups, 80)
    told.clear()
    assert packed(batch, groups[3:], 12, lambda *_: told.append(1)) == []
    assert len(told) == 5  # three records and two measurements


@pytest.mark.parametrize("time", [5, 2**28 - 1, -(2**28), 1.5, True])
def test_a_time_that_receivers_would_misread_is_refused(batch, time):
    with pytest.raises(ValueError, match="time of"):
        packed(batch, [(1, time, THREE)])


RECORD = st.tuples(
    st.sampled_from("th") | st.text("abXYZ019", min_size=1, max_size=5),  # no own figures
    st.none() | st.integers(-(1 << 40), 1 << 40) | st.booleans() | st.text("ab", max_size=9),
    st.integers(-6, 3),
    st.sampled_from([None, "Cel", "%RH", "V", "mV"]),
)
GROUP = st.tuples(
    st.none() | st.integers(-90000, -1) | st.integers(NOW, NOW + 9),
    st.lists(RECORD, max_size=8, unique_by=lambda record: record[0]),
)


@given(st.lists(GROUP, max_size=9), st.integers(70, 300), st.integers(0, 2**31 - 10),
       st.sampled_from(["cbor", "json"]))  # fmt: skip
def test_everything_arrives_once_within_the_limit(batch, groups, limit, first, form):
    limit = limit * 2 if form == "json" else limit
    groups = [(first + index, *group) for index, group in enumerate(groups)]
    packs = packed(batch, groups, limit, form=form)
    assert all(len(pack.payload) <= limit for pack in packs)
    assert seqs(packs) == [group[0] for group in groups]
    got = merged(pack.payload for pack in packs)
    assert got == {
        seq: (
            0 if time is None else NOW + time if time < 0 else time,
            {name: (exact(value, exponent), unit)
             for name, value, exponent, unit in records if value is not None},
        )
        for seq, time, records in groups
    }  # fmt: skip


def exact(value, exponent):
    return value if isinstance(value, (bool, str)) else Decimal(value).scaleb(exponent)
