"""Talk AT to the emulated modem.

With commands: sends them one after the other and prints the raw replies. Without: an interactive
console. Time is virtual, and passes only while a reply is awaited; with --pty it passes as on the
wall.
"""

from __future__ import annotations

import argparse
import contextlib
import select
import signal
import sys
import time
from collections.abc import Iterator

from devkit.commands.options import add_firmware, add_route, add_trace, add_world, write_trace
from devkit.commands.values import whole
from emulator import scenario
from emulator.board.board import Board
from emulator.modem.modem import Modem
from emulator.modem.uart import Uart
from emulator.network.cell import Cell
from emulator.network.routes import Routes
from emulator.serial_device import SerialDevice
from emulator.terminal import WAKE_MS, Terminal

ANSWER_MS = 180_000  # the longest that a command takes (AT+COPS=?)
BOOT_MS = 10_000  # in a scenario in which the modem is just being switched on
IDLE_STEP_S = 0.05


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "command",
        nargs="*",
        metavar="COMMAND",
        help="an AT command, or data after a prompt (\\x1a is Ctrl-Z); the raw replies go to"
        " stdout; `wait 5000` lets 5000 ms pass",
    )
    parser.add_argument(
        "--pty",
        action="store_true",
        help="offer the modem as a serial device, in real time, until interrupted",
    )
    parser.add_argument(
        "--wait-ms",
        type=whole(0),
        metavar="N",
        help="time to wait for the final result code of a command (default: 180000); if given,"
        " also the time to listen for unsolicited lines after the last command",
    )
    parser.add_argument(
        "--escape",
        action="store_true",
        help="show each byte of the replies as in a Python string, one chunk a line",
    )
    add_world(parser)
    add_firmware(parser)
    add_route(parser)
    add_trace(parser)


def main(options: argparse.Namespace) -> int:
    world = World(options)
    board = world.board
    terminal = Terminal(board, world.uart, _escaped if options.escape else _raw)
    try:
        terminal.open(world.settle_ms)
        if options.pty:
            return _serve(terminal)
        console = Console(terminal, options.wait_ms)
        if options.command:
            return console.run(iter(options.command))
        if sys.stdin.isatty():
            return console.interact()
        return console.run(line.rstrip("\r\n") for line in sys.stdin)
    finally:
        world.close()
        write_trace(options, board)


class World:
    """A modem with SIM and network around it, on a board on which nothing runs."""

    def __init__(self, options: argparse.Namespace) -> None:
        given = scenario.load(options.scenario)
        self.board = Board(options.seed, firmware=options.firmware, faults=given.faults)
        self.uart = Uart(self.board)
        self.routes = Routes(self.board, Routes.parse(options.route))
        cell = Cell(self.board, given.network, given.radio)
        self.modem = Modem(self.board, self.uart, cell, given.modem, given.sim, self.routes)
        self.settle_ms = BOOT_MS if given.modem.start == "boot" else WAKE_MS

    def close(self) -> None:
        self.routes.close()


class Console:
    """Lines of text, one command each; `wait N` lets N ms pass."""

    def __init__(self, terminal: Terminal, wait_ms: int | None) -> None:
        self.terminal = terminal
        self.answer_ms = ANSWER_MS if wait_ms is None else wait_ms
        self.listen_ms = wait_ms or 0

    def run(self, lines: Iterator[str]) -> int:
        """All lines without a pause. Status 1 if one of them stayed without an answer."""
        answered = [self.line(text) for text in lines]
        self.terminal.listen(self.listen_ms)
        return 0 if all(answered) else 1

    def line(self, text: str) -> bool:
        word, _, number = text.partition(" ")
        if word == "wait" and number.isdigit() and not self.terminal.prompted:
            self.terminal.listen(int(number))
            return True
        if not text.strip() and not self.terminal.prompted:
            return True
        answered = self.terminal.send(text, self.answer_ms)
        if not answered:
            _remark(f"no final result code within {self.answer_ms} ms after {text!r}")
        return answered

    def interact(self) -> int:
        _remark("the emulated modem; `wait 5000` lets 5000 ms pass; end with Ctrl-D")
        while True:
            text = self._typed()
            if text is None:
                return 0
            self.line(text)

    def _typed(self) -> str | None:
        """The next line that the person types. Until then time passes as on the wall."""
        last_s = time.monotonic()
        while not select.select([sys.stdin], [], [], IDLE_STEP_S)[0]:
            now_s = time.monotonic()
            self.terminal.pass_us(round((now_s - last_s) * 1e6))
            last_s = now_s
        # One line per wake-up: a terminal hands over lines one by one.
        text = sys.stdin.readline()
        return text.rstrip("\r\n") if text else None


def _serve(terminal: Terminal) -> int:
    device = SerialDevice(terminal)
    print(device.path, flush=True)
    _remark("this path is the modem's serial device, in real time; end with Ctrl-C")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        device.serve()
    device.close()
    return 0


def _raw(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _escaped(data: bytes) -> None:
    print(str(data)[2:-1], flush=True)


def _remark(text: str) -> None:
    print(f"./dev at: {text}", file=sys.stderr)
