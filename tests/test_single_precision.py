"""The check for calculations that single precision cannot do finds them, and none in our code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.board.board import Board
from emulator.device_files import copy_device_files
from emulator.emulator import Emulator
from tests.single_precision import SinglePrecisionVm


@pytest.fixture
def findings(tmp_path: Path) -> Callable[[str], list[str]]:
    def run(program: str) -> list[str]:
        (tmp_path / "main.py").write_text(program)
        vm = SinglePrecisionVm(Board(), tmp_path, lambda text: None)
        assert vm.boot().kind == "finished"
        return vm.findings

    return run


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("a = 1600000001\nb = a / 1000", "main.py:2: 1600000001 is"),
        ("now_ms = 123456789\nprint(int(now_ms * 0.001 * 1000))", "main.py:2: 123456789 is"),
        ("def f(x):\n    return float(x)\nf(16777217)", "main.py:2: 16777217 is 16777216.0"),
        ("x = 1600000000.5", "main.py:1: 1600000000.5 is 1600000000.0"),
        ("x = 4097.0\ny = x * x", "main.py:2: * gives 16785409.0, on a board 16785408.0"),
        ("x = 0.1\nfor i in range(3):\n    x *= 100.7\nprint(int(x))", None),
        ("x = 5000000.0\nx += x\nx += 7000001", "main.py:3: += gives 17000001.0"),
        ("v = 3.3\nprint(int(v * 1000), round(v / 2), v // 1)", None),
        ("a = 16777216 / 2\nb = 33554432 * 1.0", None),
        ("a = 1600000001 // 1000\nb = 1600000001 % 7\nc = '%d' % 1600000001", None),
        ("a = b = [1]\na += [2]\nassert b == [1, 2]\nc = 'x' * 3 + 'y'", None),
    ],
)
def test_what_is_found(findings: Callable, program: str, found: str | None) -> None:
    said = findings(program)
    if found is None:
        assert said == []
    else:
        assert any(line.startswith(found) for line in said), said


@pytest.mark.parametrize("scenario", ["edge", "modem_mute", "no_cell"])
def test_the_application_needs_no_more_than_single_precision(scenario: str) -> None:
    with Emulator(scenario=scenario, routes=["192.0.2.1:5683=127.0.0.1:9"]) as emulator:
        vm = SinglePrecisionVm(emulator.board, emulator.flash, lambda text: None)
        emulator.vm = vm
        emulator.run(cycles=2)
        assert vm.findings == []


def test_a_defect_sown_into_the_application_is_found(tmp_path: Path) -> None:
    copy_device_files(tmp_path)
    module = tmp_path / "utils" / "timing.py"
    text = module.read_text()
    module.write_text(text + "\n\ndef seconds(ms):\n    return (1700000000000 + ms) / 1000\n")
    (tmp_path / "main.py").write_text("from utils import timing\nprint(timing.seconds(5))\n")
    with Emulator(flash=tmp_path) as emulator:
        vm = SinglePrecisionVm(emulator.board, emulator.flash, lambda text: None)
        emulator.vm = vm
        emulator.run(["main.py"])
        assert [line.split(":")[0] for line in vm.findings] == ["utils/timing.py"] * 2
