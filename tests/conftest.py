"""For all tests: repeatable generated input, and no packet that leaves this computer."""

from __future__ import annotations

import ipaddress
import os
import socket

import hypothesis
import pytest

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture
def runtime() -> str:
    """What runs the device code: "cpython" or "micropython".

    Files and tests marked `both_runtimes` run on both, but for tests marked `cpython`. Any other
    test runs on MicroPython with RUNTIME=micropython ./dev test tests/lib
    """
    return os.environ.get("RUNTIME", "cpython")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = metafunc.definition.get_closest_marker
    if marked("both_runtimes") and "runtime" in metafunc.fixturenames:
        there = pytest.param("micropython", marks=pytest.mark.vm)
        metafunc.parametrize("runtime", ["cpython", there])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def wanted(item: pytest.Item) -> bool:
        values = getattr(item, "callspec", None)
        there = values is not None and values.params.get("runtime") == "micropython"
        return not (there and item.get_closest_marker("cpython"))

    items[:] = [item for item in items if wanted(item)]


def _is_here(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = address[0]
    if host in ("", "localhost"):
        return True
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
        return (getattr(found, "ipv4_mapped", None) or found).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets of a test reach this computer only; anything else is a mistake of the test."""

    class Loopback(socket.socket):
        def connect(self, address):
            assert _is_here(address), f"a test connects to {address!r}"
            return super().connect(address)

        def connect_ex(self, address):
            assert _is_here(address), f"a test connects to {address!r}"
            return super().connect_ex(address)

        def sendto(self, data, *rest):
            assert _is_here(rest[-1]), f"a test sends to {rest[-1]!r}"
            return super().sendto(data, *rest)

    monkeypatch.setattr(socket, "socket", Loopback)
