"""The floor: what a cycle costs on stock firmware with a driver that costs nothing.

The same board, network, servers, scenario and seed, but instead of device code a host procedure
that takes no time, knows when things have happened, and does only what cannot be left out. No
import, no measurement, no log, no polling. Whatever the firmware starts before Python (the modem,
Wi-Fi) is started in the floor as well.

Each bearer has a file, floor_nbiot.py and so on, found by its name:

    KINDS       kinds of transport over which it is measured (networking/__init__.py)
    REPORTS     name of a report -> lines of config.py with which the template makes it
    Floor       the procedure
    time_on_air_us(payload_bytes)
                optional: what the duty cycle of the bearer counts of one message
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devkit import application
from devkit.application import PUBLISHED
from devkit.servers.receiver import answers
from emulator.board.board import Halt
from emulator.emulator import Emulator
from emulator.network.ipsocket import POLLIN
from emulator.vm.runtime import Outcome

ANSWER_US = 60_000_000  # how long an answer may take before the floor gives up

_TEMPLATE = (
    ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}),
    ("analog_generic", {"data_pin": "P16", "divider": 2}),
)
# A report has six measurements: the template's three, and three figures of NB-IoT (signal,
# quality, attachment). Another bearer has fewer figures: voltages make up for those.
FOUR = (*_TEMPLATE, ("analog_generic", {"name": "a", "data_pin": "P16"}))
FIVE = (*FOUR, ("analog_generic", {"name": "b", "data_pin": "P16"}))


@dataclass(frozen=True)
class Task:
    """What a cycle has to achieve: the pieces that ours sent, in order."""

    payloads: Sequence[bytes]
    host: str
    port: int
    bearer: str = PUBLISHED["_BEARER"]
    protocol: str = "udp"
    data_state: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)  # lines of config.py
    limit_ms: int = 90_000
    period_ms: int = 900_000

    @property
    def answered(self) -> bool:
        """The server answers each payload."""
        return answers(self.protocol)

    @property
    def stream(self) -> bool:
        return application.transport(self.protocol) == "stream"


def floor(bearer: str) -> Any:
    """The module of a bearer's floor."""
    return importlib.import_module(f"devkit.bench.floor_{bearer}")


class Procedure:
    """One cycle of one bearer; `run` carries it out."""

    def __init__(self, emulator: Emulator, task: Task) -> None:
        self.emulator = emulator
        self.board = emulator.board
        self.task = task

    def run(self) -> None:
        raise NotImplementedError

    def until(self, condition: Callable[[], bool], limit_us: int) -> bool:
        """Let time pass until it holds, at most so long."""
        self.board.clock.run_until(self.board.clock.now_us + limit_us, condition)
        return condition()

    def over_sockets(self) -> None:
        """Send the payloads through lwIP, each as soon as the one before is answered."""
        task = self.task
        sockets: Any = self.board.services["socket"]
        number = sockets.do_open(2, 1 if task.stream else 2, 0)
        socket = sockets._sockets[number]
        if task.stream:
            sockets.do_connect(number, task.host, task.port)
            self.until(lambda: bool(socket.ready(4)), ANSWER_US)
        for place, payload in enumerate(task.payloads):
            if task.stream:
                sockets.do_send(number, payload)
            else:
                sockets.do_sendto(number, payload, task.host, task.port)
            last = task.stream and place == len(task.payloads) - 1  # DISCONNECT
            if task.answered and not last:
                sockets.do_wait([[number, POLLIN]], ANSWER_US, ANSWER_US)
                sockets.do_recv(number, 2048)
        if not (task.stream and task.answered):  # the last of MQTT is its goodbye
            sent = socket._stream if task.stream else socket._flow
            self.until(lambda: sent.pending == 0, ANSWER_US)
        sockets.do_close(number)


class FloorVm:
    """Stands in the emulator where a VM stands, and carries out the floor procedure."""

    def __init__(self, emulator: Emulator, task: Task) -> None:
        self._board = emulator.board
        self._task = task
        self._procedure: Procedure = floor(task.bearer).Floor(emulator, task)

    def boot(self, scripts: list[str] | None = None) -> Outcome:
        try:
            self._procedure.run()
            self._sleep()
        except Halt as halt:
            return Outcome("deepsleep", halt)
        return Outcome("finished")

    def run_script(self, path: str) -> Outcome:
        return self.boot()

    def idle(self, duration_us: int) -> Outcome:
        return Outcome("finished")

    def busy(self) -> bool:
        return False

    def shutdown(self) -> None:
        pass

    def _sleep(self) -> None:
        board = self._board
        system: Any = board.services["system"]
        awake_ms = (board.clock.now_us - board.started_us) // 1000
        system.do_deepsleep(max(1000, self._task.period_ms - awake_ms))
