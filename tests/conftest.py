"""For all tests: where device code runs, repeatable generated input, no packet that leaves."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import os
import shutil
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from devkit import temporary
from devkit.application import REFERENCE
from emulator.device_files import ROOT, configured
from emulator.network.patience import Patience
from tests import device
from tests.device import flash, make_bare, make_device, make_node, node, node_flash
from tests.device_modules import load

__all__ = ["flash", "load", "make_bare", "make_device", "make_node", "node", "node_flash"]

# Compiled modules are kept, in .venv unless the environment names another place, also those of
# the processes that tests start: otherwise every worker compiles all tests again, which takes
# 15 s, and every command its packages.
sys.dont_write_bytecode = False
sys.pycache_prefix = sys.pycache_prefix or str(ROOT / ".venv" / "pycache")
os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

temporary.keep_in_memory()

hypothesis.settings.register_profile(
    "repeatable", derandomize=True, deadline=None, database=None, max_examples=50
)
hypothesis.settings.load_profile("repeatable")

# Device code runs on CPython, and where a test is marked `both_runtimes` on MicroPython's
# WebAssembly build as well. VM_COMMAND names another MicroPython: all of it runs there once, a
# skipped test has failed, and the last line counts the tests that ran device code there. Tests
# marked `cpython` stay on CPython: they look into a program or call one of its functions. With
# `both_runtimes(every=4)` every fourth case of each test, from the first on, runs on the second
# runtime; with VM_COMMAND all do.
VM_COMMAND = os.environ.get("VM_COMMAND", "")
_RAN = "ran device code on"


@pytest.fixture(scope="session", autouse=True)
def no_bytecode_of_temporary_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield
    base = tmp_path_factory.getbasetemp()
    shutil.rmtree(Path(sys.pycache_prefix or "", *base.parts[1:]), ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    """Give all boards the published configuration, whatever a deployment makes of config.py."""
    stack = contextlib.ExitStack()
    stack.enter_context(configured(REFERENCE))
    config.add_cleanup(stack.close)


@pytest.fixture
def runtime(request: pytest.FixtureRequest) -> str:
    """What runs the device code: "cpython" or "micropython"."""
    at_home = request.node.get_closest_marker("cpython")
    return "micropython" if VM_COMMAND and not at_home else "cpython"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = metafunc.definition.get_closest_marker
    if marked("both_runtimes") and "runtime" in metafunc.fixturenames and not VM_COMMAND:
        there = pytest.param("micropython", marks=pytest.mark.vm)
        metafunc.parametrize("runtime", ["cpython", there])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    cases: Counter[str] = Counter()  # on the second runtime, by test

    def wanted(item: pytest.Item) -> bool:
        values = getattr(item, "callspec", None)
        if values is None or values.params.get("runtime") != "micropython":
            return True
        if item.get_closest_marker("cpython"):
            return False
        marker = item.get_closest_marker("both_runtimes")
        if marker is None:
            return True
        name = item.nodeid.partition("[")[0]
        cases[name] += 1
        return (cases[name] - 1) % marker.kwargs.get("every", 1) == 0

    items[:] = [item for item in items if wanted(item)]
    # No worker shall be alone with them at the end, while the others have nothing left
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Leave what was collected out of all later searches for garbage, which otherwise take a third
    of the time of short tests."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if not VM_COMMAND:
        return
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped with VM_COMMAND: {report.longrepr}"
    if report.when == "teardown":
        report.user_properties += [(_RAN, name) for name in sorted(device.ran_on)]
        device.ran_on.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not VM_COMMAND:
        return
    ran: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, name in getattr(report, "user_properties", ()):
                if key == _RAN:
                    ran[name] = ran.get(name, 0) + 1
    for name, count in ran.items() or [("a VM", 0)]:
        terminalreporter.write_line(
            f"VM_COMMAND: {count} tests ran device code on {VM_COMMAND} ({name})"
        )


@pytest.fixture(scope="session", autouse=True)
def servers_here_answer_soon() -> Iterator[None]:
    """Those of the tests do, or never."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Patience, "answer_s", 0.25)
        patch.setattr(Patience, "more_s", 0.05)
        patch.setattr(Patience, "quiet_s", 0.002)
        yield


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


class Loopback(socket.socket):
    """Reaches this computer only; anything else is a mistake of the test."""

    def connect(self, address):
        assert _is_here(address), f"a test connects to {address!r}"
        return super().connect(address)

    def connect_ex(self, address):
        assert _is_here(address), f"a test connects to {address!r}"
        return super().connect_ex(address)

    def sendto(self, data, *rest):
        assert _is_here(rest[-1]), f"a test sends to {rest[-1]!r}"
        return super().sendto(data, *rest)


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", Loopback)
        yield
