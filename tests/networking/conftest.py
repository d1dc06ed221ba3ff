"""For tests of the bearers: without a board, and of NB-IoT over either link to the modem.

A file of nbiot's is marked `both_links`: its tests run with the firmware's link and with that of
networking/_nbiot_uart.py, which shows that nothing above a link depends on network.LTE. Those
marked `lte_link` stay on the firmware's, and so do cases in data state. The second link knows no
firmware release, and runs on CPython only, but for tests/networking/test_nbiot_uart.py; with
`both_links(every=6)` it runs every sixth case of each test.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.device import COMMAND, Device
from tests.networking import modem_wire

LTE, UART = "lte", "uart"
_FIRST_RELEASE = "1.20.2.r4"


@pytest.fixture
def link() -> str:
    """By what nbiot talks to the modem: "lte" or "uart"."""
    return LTE


@pytest.fixture
def make_device(make_device: Callable[..., Device], link: str) -> Callable[..., Device]:
    """make_device(scenario, ...) as everywhere, with the link of this test on the flash."""

    def make(*args: Any, **options: Any) -> Device:
        device = make_device(*args, **options | {"modem_on_boot": False})
        modem_wire.plug(device)
        return device

    return make if link == UART else make_device


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = metafunc.definition.get_closest_marker
    if marked("both_links") and "link" in metafunc.fixturenames:
        links = [LTE] if marked("lte_link") or COMMAND else [LTE, UART]
        metafunc.parametrize("link", links)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    cases: Counter[str] = Counter()  # of the second link, by test

    def wanted(item: pytest.Item) -> bool:
        marker = item.get_closest_marker("both_links")
        values = getattr(item, "callspec", None)
        if marker is None or values is None or values.params.get("link") != UART:
            return True
        if values.params.get("runtime") == "micropython":
            return False
        if values.params.get("firmware", _FIRST_RELEASE) != _FIRST_RELEASE:
            return False
        case = values.params.get("case")
        if values.params.get("data_state") or getattr(case, "data_state", False):
            return False
        if "stream" in values.params.values():
            return False
        name = item.nodeid.partition("[")[0]
        cases[name] += 1
        return (cases[name] - 1) % marker.kwargs.get("every", 1) == 0

    items[:] = [item for item in items if wanted(item)]


@pytest.fixture
def firmware_gone() -> Iterator[None]:
    """For tests that load device modules with stand-ins for the firmware: forget both after."""
    before = dict(sys.modules)
    yield
    for name in set(sys.modules) - set(before):
        if name.split(".")[0] not in ("tests", "emulator", "devkit"):
            del sys.modules[name]
    sys.modules.update(before)
