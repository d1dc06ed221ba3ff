"""utils.address against the standard library of CPython."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.device import Device

IPV4 = ("0.0.0.0", "192.0.2.1", "255.255.255.255", "1.2.3.4")
IPV6 = (
    "::", "::1", "2001:db8::1", "2001:DB8::1", "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8", "::ffff:192.0.2.1", "64:ff9b::192.0.2.33", "1:2:3:4:5:6:192.0.2.1",
    "fe80::1", "0:0:0:0:0:0:0:0", "abcd:ef01:2345:6789:abcd:ef01:2345:6789",
)  # fmt: skip
NEITHER = (
    "", " ", "example.org", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.-4", "1..2.3",
    "1.2.3.", ".1.2.3", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\r", "0x1.2.3.4",
    "1.2.3.4:80", "a.b.c.d", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
    "12345::", "g::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "[::1]", "::1%lo", "fe80::1%1",
    "::1/64", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::256.1.1.1", "1.2.3.4::",
    ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:", ":1::", "::1:", "+1.2.3.4",
    "1_0.2.3.4", "::+1", "::1_0", "٣.1.1.1", "::\uff11",
)  # fmt: skip


@pytest.mark.parametrize(
    "texts, family", ((IPV4, 2), (IPV6, 10), (NEITHER, None)), ids=("IPv4", "IPv6", "neither")
)
def test_family(device: Device, texts: tuple[str, ...], family: int | None) -> None:
    [found] = device.run(
        "from utils import address\nshow([address.family(text) for text in given()])", texts
    )
    assert dict(zip(texts, found, strict=True)) == dict.fromkeys(texts, family)


def test_what_is_no_text_is_no_address(device: Device) -> None:
    [found] = device.run(
        "from utils import address\nshow([address.family(value) for value in given()])",
        [None, 1, 1.5, b"1.2.3.4", ["1.2.3.4"], True],
    )
    assert found == [None] * 6


def family_by_cpython(text: str) -> int | None:
    if "%" in text:  # a zone is of no use to the modem
        return None
    try:
        return 2 if ipaddress.ip_address(text).version == 4 else 10
    except ValueError:
        return None


GROUP = st.one_of(
    st.integers(0, 0xFFFF).map("{:x}".format), st.text("0123456789abcdefABCDEFg", max_size=5)
)
OCTET = st.one_of(st.integers(0, 300).map(str), st.text("0123456789", max_size=4))
HOST = st.one_of(
    st.lists(OCTET, min_size=3, max_size=5).map(".".join),
    st.lists(GROUP, min_size=0, max_size=9).map(":".join),
    st.tuples(st.lists(GROUP, max_size=7), st.lists(GROUP, max_size=7)).map(
        lambda halves: ":".join(halves[0]) + "::" + ":".join(halves[1])
    ),
    st.tuples(st.lists(GROUP, max_size=7), st.lists(OCTET, min_size=3, max_size=5)).map(
        lambda parts: ":".join(parts[0]) + "::" + ".".join(parts[1])
    ),
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda value: value.exploded),
    st.text("0123456789abcdef.:", max_size=20),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(HOST, min_size=80, max_size=100))
def test_family_is_that_of_cpython(device: Device, texts: list[str]) -> None:
    [found] = device.run(
        "from utils import address\nshow([address.family(text) for text in given()])", texts
    )
    assert list(zip(texts, found, strict=True)) == [
        (text, family_by_cpython(text)) for text in texts
    ]


def test_the_numbers_are_those_of_the_socket_module(device: Device) -> None:
    [numbers] = device.run(
        "import microATsocket\nshow([microATsocket.AF_INET, microATsocket.AF_INET6])"
    )
    assert numbers == [2, 10] == [socket.AF_INET, socket.AF_INET6]
