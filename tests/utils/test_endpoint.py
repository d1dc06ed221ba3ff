"""Addresses compared whatever their spelling; names looked up by whoever can."""

from __future__ import annotations

import ipaddress
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def endpoint(load):
    return load("utils.endpoint")


SAME = [
    ("192.0.2.1", "192.0.2.1"),
    ("2001:db8::1", "2001:DB8:0:0:0:0:0:1"),
    ("2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001"),
    ("2001:db8::c000:201", "2001:db8::192.0.2.1"),
    ("2001:db8::1", "32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1"),
    ("::", "0:0:0:0:0:0:0:0"),
    ("::1", "0::1"),
    ("server.example", "server.example"),
]
OTHER = [
    ("192.0.2.1", "192.0.2.2"),
    ("2001:db8::1", "2001:db8::2"),
    ("2001:db8::1", "2001:db8:1::"),
    ("192.0.2.1", "::192.0.2.1"),
    ("192.0.2.1", ""),
    ("192.0.2.1", None),
    ("192.0.2.1", 7),
    ("192.0.2.1", "192.0.2.01"),
    ("2001:db8::1", "2001:db8::1::"),
    ("2001:db8::1", "32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.256"),
    ("2001:db8::1", "32.1.13.184"),
    ("a", "b"),
    ("x", None),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_address_in_two_spellings(endpoint, one, other) -> None:
    assert endpoint.same(one, other) and endpoint.same(other, one)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_two_addresses(endpoint, one, other) -> None:
    assert not endpoint.same(one, other) and not endpoint.same(other, one)


@given(st.ip_addresses(v=6), st.ip_addresses(v=6))
def test_ipv6_as_the_standard_library_writes_it(endpoint, one, other) -> None:
    assert endpoint.same(str(one), one.exploded)
    assert endpoint.same(str(one), ".".join(map(str, one.packed)))
    assert endpoint.same(str(one), str(other)) == (one == other)


@given(st.text(alphabet="0123456789abf:.", max_size=40), st.ip_addresses())
def test_any_text_can_be_compared(endpoint, text, ip) -> None:
    if endpoint.same(text, str(ip)) and text.count(".") < 15:
        assert ipaddress.ip_address(text) == ip


def test_a_literal_is_asked_of_nobody(endpoint) -> None:
    assert endpoint.resolve(None, "192.0.2.1", 7) == ("192.0.2.1", 7)
    assert endpoint.resolve(None, "2001:db8::1", 7) == ("2001:db8::1", 7)


class Lookup:
    def __init__(self, *found):
        self.found = found

    def getaddrinfo(self, host, port):
        if self.found and isinstance(self.found[0], Exception):
            raise self.found[0]
        return [(10, 2, 0, "", (ip, port)) for ip in self.found]


def test_a_name_is_asked_of_the_transport_or_else_of_the_firmware(endpoint, monkeypatch) -> None:
    assert endpoint.resolve(Lookup("2001:db8::7", "2001:db8::8"), "a.example", 7) == (
        "2001:db8::7",
        7,
    )
    firmware = Lookup("192.0.2.9")
    monkeypatch.setitem(sys.modules, "usocket", SimpleNamespace(getaddrinfo=firmware.getaddrinfo))
    assert endpoint.resolve(object(), "a.example", 7) == ("192.0.2.9", 7)


@pytest.mark.parametrize("found", [(), (OSError(202),), (ValueError("host"),)], ids=str)
def test_no_address_is_an_os_error(endpoint, found) -> None:
    with pytest.raises(OSError):
        endpoint.resolve(Lookup(*found), "a.example", 7)
