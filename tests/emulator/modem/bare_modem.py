"""A modem on a UART and nothing else: tests write bytes and look at the bytes that come back."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board
from emulator.modem.modem import Modem
from emulator.modem.uart import Uart
from emulator.network.cell import Cell
from emulator.scenario import Scenario, from_table, load

READY = {"radio": {"attach_ms": 4000, "detach_ms": 1500}}


class Rig:
    """RTS is high and the modem awake from the start, unless `rts` says otherwise."""

    def __init__(
        self,
        scenario: Scenario | dict[str, Any] | str = "good",
        seed: int = 1,
        echo: bool = False,
        rts: bool = True,
    ) -> None:
        if isinstance(scenario, str):
            scenario = load(scenario)
        elif isinstance(scenario, dict):
            scenario = from_table(scenario, "test")
        self.board = Board(seed=seed, faults=scenario.faults)
        self.uart = Uart(self.board)
        self.cell = Cell(self.board, scenario.network, scenario.radio)
        self.modem = Modem(self.board, self.uart, self.cell, scenario.modem, scenario.sim)
        if rts:
            self.uart.set_rts(True)
            self.pass_ms(700)
        if not echo:
            self.modem.session.echo = False

    @property
    def now_ms(self) -> float:
        return self.board.clock.now_us / 1000

    def pass_ms(self, milliseconds: float) -> bytes:
        """Let time go by; what the modem said meanwhile."""
        deadline_us = self.board.clock.now_us + round(milliseconds * 1000)
        said = self.uart.read()
        # emptied in time: what does not fit into the ring is held back by CTS
        while self.board.clock.run_until(deadline_us, lambda: self.uart.waiting() > 1500):
            said += self.uart.read()
        return said + self.uart.read()

    def write(self, data: str | bytes) -> None:
        self.uart.write(data.encode("latin-1") if isinstance(data, str) else data)

    def ask(self, line: str, wait_ms: float = 500) -> str:
        """One command line with its CR; everything said within `wait_ms`."""
        self.write(line + "\r")
        return self.pass_ms(wait_ms).decode("latin-1")

    def until(self, text: str, limit_ms: float = 300_000) -> str:
        """Let time go by until `text` has been said; all that was said, or a failing test."""
        deadline_us = self.board.clock.now_us + round(limit_ms * 1000)
        said = ""
        while text not in said:
            assert self.board.clock.run_until(deadline_us, lambda: self.uart.waiting() > 0), (
                f"{text!r} did not come, but {said!r}"
            )
            said += self.uart.read().decode("latin-1")
        return said

    def attach(self) -> None:
        self.ask("AT+CFUN=1")
        deadline_us = self.board.clock.now_us + 600_000_000
        assert self.board.clock.run_until(deadline_us, lambda: self.modem.attached)
        self.pass_ms(10)


def info(*lines: str) -> str:
    """A reply with one information text and OK, byte by byte."""
    return "\r\n" + "\r\n".join(lines) + "\r\n\r\nOK\r\n"


OK = "\r\nOK\r\n"
ERROR = "\r\nERROR\r\n"
