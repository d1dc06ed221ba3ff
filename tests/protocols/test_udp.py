"""Plain datagrams: accepted is not delivered."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def udp(load):
    return load("protocols.udp")


class Socket:
    def __init__(self, accepted):
        self.accepted = accepted
        self.calls = []

    def sendto(self, payload, address):
        self.calls.append((payload, address))
        if isinstance(self.accepted, Exception):
            raise self.accepted
        return self.accepted


@pytest.mark.parametrize(
    ("accepted", "outcome"),
    [(3, "unknown"), (0, "refused"), (2, "refused"), (OSError("no route"), "refused")],
    ids=str,
)
def test_outcome_by_what_the_transport_accepted(udp, accepted, outcome):
    way = Socket(accepted)
    assert udp.deliver(way, b"\x01\x00\xff", "2001:db8::1", 5683) == outcome
    assert way.calls == [(b"\x01\x00\xff", ("2001:db8::1", 5683))]


def test_a_mistake_of_the_caller_is_not_hidden(udp):
    with pytest.raises(ValueError, match="port"):
        udp.deliver(Socket(ValueError("port")), b"x", "192.0.2.1", 99999)


@pytest.mark.parametrize(("confirmed", "outcome"), [(True, "delivered"), (False, "unknown")])
def test_a_transport_that_confirms_tells_of_delivery(udp, confirmed, outcome):
    class Radio(Socket):
        confirms = True
        closed = False

        def close(self):
            self.closed = True

    class Settings:
        _HOST = "192.0.2.1"
        _PORT = 5683

    radio = Radio(3)
    radio.confirmed = confirmed
    session = udp.open(radio, Settings)
    assert session.confirms
    assert session.deliver(b"abc") == outcome
    assert radio.calls == [(b"abc", ("192.0.2.1", 5683))]
    session.close()
    assert radio.closed


def test_a_plain_socket_confirms_nothing(udp):
    class Settings:
        _HOST = "192.0.2.1"
        _PORT = 5683

    session = udp.open(Socket(3), Settings)
    assert not session.confirms and session.deliver(b"abc") == "unknown"
