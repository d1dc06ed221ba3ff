"""A board with the LTE driver on a scripted modem, for tests of the driver alone.

The modem answers each line from a table; what is not in it is answered OK. The real modem has
tests of its own: here its every word is in the hands of the test.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from emulator.board.board import Board, Service
from emulator.driver.lte import LteDriver
from emulator.modem.uart import Uart
from emulator.network.wifi.options import WifiOptions
from emulator.network.wifi.wlan import Wlan
from emulator.vm.core import collections

FIRMWARE = Path(__file__).resolve().parents[2] / "emulator" / "firmware"
OK = "\r\nOK\r\n"
ERROR = "\r\nERROR\r\n"
Reply = str | bytes | None | list[Any] | Callable[[str], Any]

USUAL: dict[str, Reply] = {
    "AT+CFUN?": "\r\n+CFUN: 4\r\n" + OK,
    "AT+CPIN?": "\r\n+CPIN: READY\r\n" + OK,
    "AT+SQNIBRCFG?": "\r\n+SQNIBRCFG: 1,100\r\n" + OK,
    "AT+SQNCTM?": "\r\n+SQNCTM: standard\r\n" + OK,
    "AT+CGATT?": "\r\n+CGATT: 0\r\n" + OK,
    "AT+CEREG?": "\r\n+CEREG: 1,0\r\n" + OK,
    "AT+SMDD": "\r\n17 bands\r\n" + OK,
    'AT!="showver"': "\r\nSoftware     : LR6.0.0.0-41019 [41019]\r\n" + OK,
    "ATI1": "\r\nUE6.0.0.0\r\nLR6.0.0.0-41019\r\n" + OK,
    "ATO": "\r\nNO CARRIER\r\n",
}
ATTACHED: dict[str, Reply] = {
    "AT+CFUN?": "\r\n+CFUN: 1\r\n" + OK,
    "AT+CGATT?": "\r\n+CGATT: 1\r\n" + OK,
    "AT+CEREG?": "\r\n+CEREG: 1,5\r\n" + OK,
    'AT+CGDATA="PPP",1': "\r\nCONNECT\r\n",
}


class ScriptedModem:
    """Answers `delay_ms` after a line has come. A list in the table is used up one by one, its
    last entry stays; None is silence; a pair (ms, text) answers that much later."""

    def __init__(self, board: Board, uart: Uart, table: Mapping[str, Reply]) -> None:
        self.board = board
        self.uart = uart
        self.table: dict[str, Reply] = {**USUAL, **table}
        self.mute = False
        self.delay_ms = 10.0
        self.in_data_mode = False
        self.addresses = {"IP": "10.1.2.3"}
        self.on_break: Callable[[], None] = lambda: None
        self.sent: list[str] = []
        self._line = b""
        uart.on_bytes = self._receive

    @property
    def baud(self) -> int:
        return self.uart.modem_baud

    @baud.setter
    def baud(self, rate: int) -> None:
        self.uart.modem_baud = rate

    def pdn_addresses(self, cid: int) -> Mapping[str, str]:
        return self.addresses

    def say(self, text: str | bytes, after_ms: float = 0) -> None:
        data = text.encode("latin-1") if isinstance(text, str) else text
        self.board.clock.schedule_ms(after_ms, lambda: self.uart.emit(data))

    def _receive(self, data: bytes) -> None:
        if self.mute or self.uart.baud != self.baud:
            return
        if data == b"+++":
            self.sent.append("+++")
            if self.in_data_mode:
                self.in_data_mode = False
                self.say(OK, self.delay_ms)
            else:
                self._line += data  # stays in the line buffer
            return
        if self.in_data_mode:
            return
        *lines, self._line = (self._line + data).split(b"\r")
        for line in lines:
            self._answer(line.decode("latin-1"))

    def _answer(self, line: str) -> None:
        self.sent.append(line)
        reply = self.table.get(line, OK)
        if line.startswith("+++"):
            reply = ERROR
        if callable(reply):
            reply = reply(line)
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        delay_ms = self.delay_ms
        if isinstance(reply, tuple):
            delay_ms, reply = reply
        if reply is None:
            return
        if reply == "\r\nCONNECT\r\n":
            self.in_data_mode = True
        self.say(reply, delay_ms)


class _Rtc(Service):
    def do_sleep_us(self, duration_us: int) -> int:
        return self.board.wait_us(duration_us)


class LteBoard:
    """Board, driver and scripted modem; `call` is what the face on the device would do."""

    def __init__(
        self,
        table: Mapping[str, Reply] | None = None,
        firmware: str = "1.20.2.r4",
        name: str = "GPy",
        long_commands: bool = False,
    ) -> None:
        self.board = Board(name=name, firmware=firmware)
        self.uart = Uart(self.board)
        self.modem = ScriptedModem(self.board, self.uart, table or {})
        self.driver = LteDriver(self.board, self.uart, self.modem, long_commands=long_commands)
        self.handlers: dict[tuple[str, int], Callable[..., Any]] = {}
        self.board.plug("lte", self.driver)
        self.board.plug("rtc", _Rtc(self.board))
        self.board.plug("wlan", Wlan(self.board, WifiOptions()))

    @property
    def clock_ms(self) -> float:
        return self.board.clock.now_us / 1000

    def took_ms(self, action: Callable[..., Any], *args: Any) -> float:
        start_ms = self.clock_ms
        action(*args)
        return self.clock_ms - start_ms

    def call(self, name: str, *args: Any) -> Any:
        return self.board.call("lte." + name, *args)

    def start(self, carrier: str | None = None, psm: tuple[int, ...] = (0, 7, 0, 7)) -> None:
        if self.call("open"):
            while self.call("link_pending"):
                self.board.call("rtc.sleep_us", 4000)
            self.call("configure", carrier, 1, True, list(psm))

    def started(self) -> LteBoard:
        """After LTE(), with what the modem was sent for it forgotten."""
        self.start()
        self.modem.sent.clear()
        return self

    def connected(self) -> LteBoard:
        """After attaching and connect(), with PPP up."""
        self.modem.table.update(ATTACHED)
        self.start()
        self.call("connect", None, None)
        assert self.call("isconnected")
        self.modem.sent.clear()
        return self

    def at(self, command: str | bytes, timeout_ms: int | None = None) -> str:
        self.call("check", True)
        return self.call("send_at_cmd", command, timeout_ms)

    def network(self) -> ModuleType:
        """The module `network`, run anew as at a boot, on this board."""

        def call(name: str, *args: Any) -> Any:
            result = self.board.call(name, *args)
            while self.board.irqs:
                service, identity, trigger = self.board.irqs.popleft()
                self.handlers[service, identity](trigger)
            return result

        def on_interrupt(service: str, identity: int, function: Callable[..., Any]) -> None:
            self.handlers[service, identity] = function

        board_module = ModuleType("_board")
        vars(board_module).update(call=call, on_interrupt=on_interrupt)
        loaded: dict[str, ModuleType] = {"_board": board_module, "sys": sys}
        loaded["ucollections"] = collections

        def device_import(name: str, *rest: Any) -> ModuleType:
            if name not in loaded:
                loaded[name] = module = ModuleType(name)
                module.__dict__["__builtins__"] = {**vars(builtins), "__import__": device_import}
                path = FIRMWARE / (name + ".py")
                exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
            return loaded[name]

        return device_import("network")
