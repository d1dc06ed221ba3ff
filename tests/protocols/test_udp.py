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


@pytest.fixture(params=["socket", "bearer"])
def transport(request):
    class Bearer:
        def __init__(self, accepted):
            self.socket = Socket(accepted)
            self.calls = self.socket.calls

        def send(self, payload, host, port):
            return self.socket.sendto(payload, (host, port))

    return Socket if request.param == "socket" else Bearer


@pytest.mark.parametrize(
    ("accepted", "outcome"),
    [(3, "unknown"), (0, "refused"), (2, "refused"), (OSError("no route"), "refused")],
    ids=str,
)
def test_outcome_by_what_the_transport_accepted(udp, transport, accepted, outcome):
    way = transport(accepted)
    assert udp.deliver(way, b"\x01\x00\xff", "2001:db8::1", 5683) == outcome
    assert way.calls == [(b"\x01\x00\xff", ("2001:db8::1", 5683))]


def test_a_mistake_of_the_caller_is_not_hidden(udp, transport):
    with pytest.raises(ValueError, match="port"):
        udp.deliver(transport(ValueError("port")), b"x", "192.0.2.1", 99999)
