"""A node for the sensor tests: the device files on an emulated board, with chips to taste."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.board.adc import Adc
from emulator.board.board import HARD_RESET, Board, Reset
from emulator.board.faults import Fault
from emulator.board.i2c import I2c
from emulator.board.pins import Pins
from emulator.chips.si7021 import ADDRESS, Si7021
from emulator.vm.cpython import CpythonVm
from emulator.vm.micropython import MicroPythonVm
from tests.device import MARK, SUPPORT, as_python

ROOT = Path(__file__).resolve().parents[2]


class Node:
    """Runs pieces of device code; `printed` is what they and the loggers wrote."""

    def __init__(self, flash: Path, faults: list[Fault], runtime: str = "cpython") -> None:
        for folder in ("sensors", "utils"):
            shutil.copytree(ROOT / folder, flash / folder)
        (flash / "support.py").write_text(SUPPORT, encoding="utf-8")
        self.flash = flash
        self.board = Board(faults=faults)
        self.printed: list[str] = []
        make: Any = {"cpython": CpythonVm, "micropython": MicroPythonVm}[runtime]
        self.vm = make(self.board, flash, self.printed.append, install="frozen")

    def run(self, program: str) -> dict[str, Any]:
        """Run a program on the device; return its variables (CPython only)."""
        self._run(program)
        return vars(self.vm.main)

    def ask(self, program: str) -> list[Any]:
        """Run a program on the device; return what it has told with show(value)."""
        del self.printed[:]
        self._run("from support import *\n" + textwrap.dedent(program))
        lines = "".join(self.printed).splitlines()
        return [
            as_python(json.loads(line[len(MARK) :])) for line in lines if line.startswith(MARK)
        ]

    def _run(self, program: str) -> None:
        (self.flash / "program.py").write_text(program, encoding="utf-8")
        outcome = self.vm.run_script("program.py")
        assert outcome.error is None, outcome.error

    def value(self, expression: str, imports: str) -> Any:
        return self.run(f"from sensors import {imports}\nresult = {expression}\n")["result"]

    def refusal(self, call: str, imports: str) -> str:
        """The text of the ValueError that a call raises; "" if it raises none."""
        program = f"try:\n    {call}\nexcept ValueError as error:\n    text = str(error)\n"
        return str(self.run(f"from sensors import {imports}\ntext = ''\n{program}")["text"])

    def example(self, name: str, seconds: int = 25) -> list[str]:
        """What examples/`name` prints until it is stopped, warnings left out."""
        self.board.clock.schedule_ms(seconds * 1000, self.stop)
        outcome = self.vm.run_script(ROOT / "examples" / name)
        assert outcome.kind == "reset"
        printed = "".join(self.printed).splitlines()
        return [text for text in printed if "WARNING" not in text]

    @property
    def log(self) -> list[str]:
        return [line for line in "".join(self.printed).splitlines() if "WARNING" in line]

    def attach(self, chip: Any, vcc_pin: str | None = None, address: int = ADDRESS) -> Any:
        """Wire a chip to P9 and P10, supplied by a pin or always."""
        self.i2c.attach(None, address, chip, ("P9", "P10"))
        if vcc_pin is None:
            chip.power(True)
            self.board.clock.advance(1_000_000)
        else:
            self.pins.on_change(vcc_pin, lambda level: chip.power(bool(level)))
        return chip

    def detach(self, address: int = ADDRESS) -> None:
        self.i2c.detach(None, address, ("P9", "P10"))

    def si7021(
        self,
        celsius: float = 24.2252,
        percent: float = 54.7948,
        model: str = "si7021",
        vcc_pin: str | None = None,
    ) -> Si7021:
        return self.attach(
            Si7021(self.board, lambda t: celsius, lambda t: percent, model, noise=(0, 0)), vcc_pin
        )

    def stop(self) -> None:
        """End the program that runs, as a reset does; to be scheduled on the board's clock."""
        self.board.stop(Reset(HARD_RESET, "enough"))

    def transfers(self) -> list[str]:
        return [entry.text for entry in self.board.trace.of("i2c")]

    @property
    def i2c(self) -> I2c:
        service = self.board.services["i2c"]
        assert isinstance(service, I2c)
        return service

    @property
    def pins(self) -> Pins:
        service = self.board.services["pins"]
        assert isinstance(service, Pins)
        return service

    @property
    def adc(self) -> Adc:
        service = self.board.services["adc"]
        assert isinstance(service, Adc)
        return service


@pytest.fixture
def make_node(tmp_path: Path, runtime: str) -> Iterator[Callable[..., Node]]:
    """make_node(*faults): each fault as a table of a scenario."""
    made: list[Node] = []

    def make(*faults: dict[str, Any]) -> Node:
        made.append(Node(tmp_path, [Fault.from_table(fault) for fault in faults], runtime))
        return made[-1]

    yield make
    for node in made:
        node.vm.shutdown()


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node()
