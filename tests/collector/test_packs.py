"""Whatever a stranger sends is a list of harmless records or a ValueError, nothing else."""

from __future__ import annotations

import atexit
import functools
import json
import tempfile
from decimal import Decimal
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.decode import packs
from collector.storage.database import Connection, connect
from collector.storage.tables import prepare
from collector.storage.writer import Writer, message_of
from collector.terminal import as_line, as_object, latest, screen_text

NOW = 1_800_000_000.0

_numbers = (
    st.integers(-(2**70), 2**70)
    | st.floats()
    | st.decimals()
    | st.sampled_from([10**5000, 2**1030, Decimal("1E+999999"), Decimal("sNaN"), -(2**63), 2**64])
)
_values = _numbers | st.text(max_size=20) | st.binary(max_size=20) | st.booleans() | st.none()
_fields = st.dictionaries(
    st.integers(-7, 9) | st.text(max_size=3), _values | st.lists(_values, max_size=2), max_size=6
)
_named = st.fixed_dictionaries(
    {0: st.sampled_from(["a", "seq", "b:c"])},
    optional={2: _numbers, 3: st.text(), 5: _numbers, 6: _numbers, -3: _numbers, -5: _numbers},
)


def _use(data: bytes) -> None:
    """All that the collector does with a pack, but for the threads."""
    try:
        records = packs.read(data, NOW)
    except ValueError as problem:
        packs.printable(str(problem))
        return
    connection, writer = _database()
    messages = [message_of(records, "udp", "::1", NOW)]
    writer.name(messages)
    connection.begin()
    try:
        [written] = writer.write(messages)
        rows = connection.execute("SELECT count(*) FROM readings")
        text = screen_text(latest(connection, 50), "", NOW, 80, 24)
    finally:
        connection.rollback()
    assert rows == [(len(written.new),)] and all(map(str.isprintable, text.splitlines()))
    for reading in written.new:
        assert len(as_line(reading).splitlines()) == 1
        assert as_line(reading).isprintable()
        json.dumps(as_object(reading), allow_nan=False)


@functools.cache
def _database() -> tuple[Connection, Writer]:
    folder = tempfile.TemporaryDirectory()
    connection = connect(f"{folder.name}/a.db")
    atexit.register(lambda: (connection.close(), folder.cleanup()))
    with connection.transaction():
        prepare(connection)
    return connection, Writer(connection)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    _use(data)
    _use(b"\x81\xa2\x00\x61a" + data)


@given(st.lists(_fields | _named, max_size=4))
def test_any_pack_in_cbor(pack: list[Any]) -> None:
    _use(cbor2.dumps(pack))


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    _use(b"[" + text.encode("utf-8", "surrogatepass"))
    _use(json.dumps([{"n": "a", "vs": text, "u": text}]).encode())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (cbor2.dumps([{0: "a" * 201, 2: 1}]), "a name of 201 characters; allowed: up to 200"),
        (cbor2.dumps([{0: "a", 1: "u" * 41, 2: 1}]), "a unit of 41 characters"),
        (cbor2.dumps([{0: "a", 2: 10**301}]), "too large"),
        (cbor2.dumps([{0: "a", 2: Decimal("-1E+400")}]), "-1E+400"),
        (bytes(70_000), "70000 bytes; allowed: up to 65536"),
        (b"\x81" * 5_000, "nesting"),
        (b"[" * 50_000, ""),
        (cbor2.dumps([{-5: 0.5, 0: "a", 2: 2**2000}]), ""),
    ],
)
def test_what_would_do_harm_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=r".+") as raised:
        packs.read(data, NOW)
    assert problem in str(raised.value)


def test_a_text_cannot_move_the_cursor_or_break_a_line() -> None:
    assert packs.printable("a\x1b[2J\r\n\u202eb\ud800") == "a\\x1b[2J\\r\\n\\u202eb\\ud800"
    assert len(packs.printable("x" * 1000)) == packs.SHOWN_MAX


def test_long_numbers_are_shown_short() -> None:
    [one, two] = packs.read(cbor2.dumps([{0: "a", 2: 10**250}, {0: "b", 2: Decimal("1.50")}]), NOW)
    assert (packs.shown(one), packs.shown(two)) == ("1e+250", "1.50")
