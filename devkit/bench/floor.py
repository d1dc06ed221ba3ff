"""References: what a cycle costs if its host costs nothing.

The same board, seed, scenario, servers and payload, and the state in which ours has left all of
them; but instead of device code a host procedure that takes no time, knows when things have
happened, and does only what cannot be left out. No import, no measurement, no log, no polling.
Whatever the firmware starts before Python is started here as well.

    limit       over the direct UART, where the bearer is NB-IoT
    lte floor   NB-IoT by the firmware's driver, with its waits and commands

Success is what it was in the cycle of ours: see Task. So a reference can be beaten only if it does
more than necessary.

Each bearer has a file, floor_nbiot.py and so on, found by its name:

    KINDS       kinds of transport over which it is measured (networking/__init__.py)
    REPORTS     name of a report -> lines of config.py with which the template makes it
    Floor       the procedure, the limit of this bearer unless there is
    references(link)
                optional: name -> procedure, that of the rows' ratios first
    time_on_air_us(payload_bytes)
                optional: what the duty cycle of the bearer counts of one message
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from devkit import application
from devkit.application import PUBLISHED
from devkit.servers.receiver import answers
from emulator.board.board import DeepSleep
from emulator.emulator import Emulator
from emulator.network.ipsocket import POLLIN
from emulator.vm.runtime import Outcome

LIMIT, LTE_FLOOR = "limit", "lte floor"
ANSWER_US = 60_000_000  # how long an answer may take before the reference gives up
_LOOKS = 5
GOODBYES = (b"\xe0\0",)  # pieces of a stream that nobody answers: DISCONNECT of MQTT

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
    """What a cycle has to achieve: what ours has achieved in it.

    A payload is a success once it is handed over, if the registration is kept; if not, once it
    has left the radio; with a protocol that confirms, once it is answered, if it was to ours. What
    is lost on air is sent again if ours was answered in the end; what ours lost in the modem is
    not sent at all. A cycle of ours that did not touch the radio, since it only measures or backs
    off, is matched by one that does not either; one that searched in vain by one that searches
    for as long, since nobody can know.
    """

    payloads: Sequence[bytes]
    host: str
    port: int
    bearer: str = PUBLISHED["_BEARER"]
    protocol: str = "udp"
    data_state: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)  # lines of config.py
    touched: bool = True  # the radio was
    kept: bool = False  # the registration outlives the sleep
    answered: int = 0  # different payloads, from the first one on, that the server answered
    repeats: bool = True  # what is lost on air is sent again; False: as often as it stands there
    together: bool = False  # all are handed over before an answer is awaited
    closes: bool = False  # a stream is closed before the sleep: its end costs no radio later
    search_us: int = 90_000_000  # from asking for service to giving up
    end_us: int | None = None  # of the sleep, on the clock of the board

    @property
    def stream(self) -> bool:
        return application.transport(self.protocol) == "stream"

    @property
    def confirms(self) -> bool:
        """The server answers each payload."""
        return answers(self.protocol)


def floor(bearer: str) -> Any:
    """The module of a bearer's floor."""
    return importlib.import_module(f"devkit.bench.floor_{bearer}")


def references(bearer: str, link: str | None) -> dict[str, type[Procedure]]:
    """By name; the first one is that of the ratios."""
    module = floor(bearer)
    if hasattr(module, "references"):
        found: dict[str, type[Procedure]] = module.references(link)
        return found
    return {LIMIT: module.Floor}


class Procedure:
    """One cycle of one bearer; `run` carries it out."""

    boot_flags: Mapping[str, object] = {}  # of pycom, where they differ from those of ours

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

    def exchange(self, send: Callable[[], object], is_answered: Callable[[], bool]) -> None:
        """Send until it is answered: again at the instant at which it is lost on air."""
        sent = self.emulator.routes.sent
        while True:
            before = len(sent)
            send()

            def lost(before: int = before) -> bool:
                return self.task.repeats and any(each.what == "lost" for each in sent[before:])

            self.until(lambda: is_answered() or lost(), ANSWER_US)
            if is_answered() or not lost():
                return

    def awaits(self, place: int) -> bool:
        """The payload at this place is to be answered before another one is sent."""
        payloads = self.task.payloads
        payload, behind = payloads[place], payloads[place + 1 :]
        number = len(set(payloads[:place]) - {payload})
        return number < self.task.answered and payload not in (*GOODBYES, *behind)

    def over_sockets(self) -> Callable[[], bool]:
        """Send the payloads through lwIP; return what tells that all of them have left."""
        task = self.task
        sockets: Any = self.board.services["socket"]
        number = sockets.do_open(2, 1 if task.stream else 2, 0)
        socket = sockets._sockets[number]
        if task.stream:
            sockets.do_connect(number, task.host, task.port)
            self.until(lambda: bool(socket.ready(4)), ANSWER_US)

        def send(payload: bytes) -> None:
            if task.stream:
                sockets.do_send(number, payload)
            else:
                sockets.do_sendto(number, payload, task.host, task.port)

        def is_answered() -> bool:
            socket.await_data(True)
            if not socket.ready(POLLIN):
                socket.expect()
            return bool(socket.ready(POLLIN))

        for place, payload in enumerate(task.payloads):
            if self.awaits(place):
                self.exchange(partial(send, payload), is_answered)
                sockets.do_recv(number, 2048)
            else:
                send(payload)
        under = socket._flow
        sockets.do_close(number)
        return lambda: bool(task.answered) or under.pending == 0


class ReferenceVm:
    """Stands in the emulator where a VM stands: one procedure a cycle."""

    def __init__(self, emulator: Emulator, kind: type[Procedure], tasks: Sequence[Task]) -> None:
        self._emulator = emulator
        self._kind = kind
        self._tasks = iter(tasks)

    def boot(self, scripts: list[str] | None = None) -> Outcome:
        task = next(self._tasks)
        try:
            if task.touched:
                self._kind(self._emulator, task).run()
            self._sleep(task)
        except DeepSleep as halt:  # another end is none of an ideal host: it would cost too little
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

    def _sleep(self, task: Task) -> None:
        """Until ours woke up again: both are compared over the same time."""
        board = self._emulator.board
        system: Any = board.services["system"]
        rtc: Any = board.services["rtc"]
        end_us = board.clock.now_us if task.end_us is None else task.end_us
        asked_us = end_us - board.clock.now_us
        for _ in range(_LOOKS):  # the clock of the sleep drifts
            asked_us += end_us - rtc.sleep_end_us(asked_us)
        system.do_deepsleep(max(1000, asked_us // 1000))
