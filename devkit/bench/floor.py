"""The floor: what a cycle costs on stock firmware with a driver that costs nothing.

The same board, modem and network, scenario and seed, but instead of device code a host procedure
that takes no time, knows when things have happened, and does only what cannot be left out:

    boot, LTE() with all the firmware's own waits and commands, AT+CFUN=1, the registration (known
    at its very instant), one AT+SQNSD, then per datagram AT+SQNSSENDEXT and the payload, AT+CFUN=4
    with the detach that the network asks for, LTE.deinit(detach=False), deep sleep.

No import, no measurement, no PDP context definition (the modem stores it), no SIM or signal
query, no socket configuration (the defaults send raw bytes), no polling, no log. In data state:
LTE.connect, isconnected at its instant, the datagrams, LTE.disconnect. Where there is nothing to
send to, it knows that too: without a SIM the radio stays off; after a permanent denial it goes
off at once; without a cell it is on for as long as the configuration allows, since nobody can
know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from devkit.board.board import Halt
from devkit.emulator import Emulator
from devkit.vm.runtime import Outcome


@dataclass(frozen=True)
class Task:
    """What a cycle has to achieve."""

    payloads: Sequence[bytes]
    host: str
    port: int
    data_state: bool = False
    attach_limit_ms: int = 90_000
    period_ms: int = 900_000


class FloorVm:
    """Stands in the emulator where a VM stands, and carries out the floor procedure."""

    def __init__(self, emulator: Emulator, task: Task) -> None:
        self._emulator = emulator
        self._board = emulator.board
        self._lte: Any = emulator.driver
        self._task = task

    def boot(self, scripts: list[str] | None = None) -> Outcome:
        try:
            self._cycle()
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

    def _cycle(self) -> None:
        lte = self._lte
        lte.do_open()
        lte._wait_for_task()
        lte.do_configure(None, 1, True, [0, 7, 0, 7])
        if self._emulator.scenario.sim.state == "ready":
            self._at("AT+CFUN=1")
            if self._registered():
                self._send()
            self._at("AT+CFUN=4", 15_000)
        lte.do_deinit(False, False, True)

    def _at(self, command: str | bytes, timeout_ms: int = 9500) -> str:
        return str(self._lte.do_send_at_cmd(command, timeout_ms))

    def _registered(self) -> bool:
        """Wait for the registration, or for a denial for good."""
        modem = self._emulator.modem
        limit_us = self._board.clock.now_us + self._task.attach_limit_ms * 1000
        self._board.clock.run_until(
            limit_us, lambda: modem.registered or modem.emm.denied_for_good
        )
        return bool(modem.registered)

    def _send(self) -> None:
        task = self._task
        if task.data_state:
            self._send_in_data_state()
            return
        self._at(f'AT+SQNSD=1,1,{task.port},"{task.host}",0,0,1')
        for payload in task.payloads:
            self._at(f"AT+SQNSSENDEXT=1,{len(payload)}")
            self._at(payload)

    def _send_in_data_state(self) -> None:
        lte, task = self._lte, self._task
        lte.session.check_attached()  # connect() asks by itself and needs the state
        lte.do_connect(None, None)
        self._board.clock.run_until(
            self._board.clock.now_us + 60_000_000, lambda: lte.ppp_address is not None
        )
        sockets: Any = self._board.services["socket"]
        number = sockets.do_open(2, 2, 0)
        for payload in task.payloads:
            sockets.do_sendto(number, payload, task.host, task.port)
        sockets.do_close(number)
        lte.do_disconnect()
