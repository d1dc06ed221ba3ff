"""The state of the driver's session, and the steps that all its methods are made of.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modlte.c (lte_push_at_command, lte_check_attached,
lte_check_sim_present, lte_pause_ppp, lte_check_init, lte_check_inppp).
"""

from __future__ import annotations

import re

from emulator.board.board import Board, UndefinedBehaviour, fail
from emulator.board.constants import CODE, constant
from emulator.driver.ppp import DataModem, PppLink
from emulator.driver.profile import Profile
from emulator.driver.reader import ESCAPE, Answer, AtReader, c_string
from emulator.driver.start import DISCONNECTED, ESCAPE_MS, LONG_MS, SETLPM, SHORT_MS
from emulator.driver.task import (
    TICK_US,
    NeverReturns,
    Procedure,
    Result,
    Wait,
    drive,
)
from emulator.modem.uart import Uart

# State of the session (lteppp.h)
INIT, IDLE, ATTACHING, ATTACHED, PPP, SUSPENDED = range(6)

COMMAND_BYTES = 124  # lte_task_cmd_data_t.data
ENDLESS_MS = 2 * 3_600_000  # a loop of commands without limit is given up after two hours
SIM_RETRY_MS = constant(1000, "ms", CODE, "1.20.2.r4 modlte.c, lte_check_sim_present")
# the modem task looks for a command this often
TASK_TICKS = constant(2, "ms", CODE, "1.20.2.r4 lteppp.c, LTE_TASK_PERIOD_MS")

FAILED = "the requested operation failed"
BADNUM = "invalid argument(s) num/type"
NOT_INITIALIZED = "LTE modem not initialized"
IN_DATA_STATE = "LTE modem is in data state, cannot send AT commands"

_REGISTERED = re.compile(rb"\+CEREG: (?:[0-5],)?(?:1|5)(?:,\"|\r)")


class Session:
    def __init__(
        self, board: Board, uart: Uart, profile: Profile, modem: DataModem | None
    ) -> None:
        self.board = board
        self.uart = uart
        self.profile = profile
        self.reader = AtReader(board, uart)
        self.reader.on_answer = self.observe
        self.ppp = PppLink(board, uart, modem, lambda: self._reached(2))
        self.furthest = -1
        self.debug_lines: list[str] = []
        self.forget()

    def forget(self) -> None:
        """RAM of the ESP32 is lost: everything is as after power-on. The modem is not told."""
        self.link = DISCONNECTED
        self.state = INIT
        self.init = False
        self.cid = 1
        self.debug = False
        self.legacy_attach = True
        self.legacy_version = False
        self.out_of_coverage = False
        self.connected = False  # PPP is up and the modem task has seen it
        self.nic_registered = False
        self.answer = Answer()
        self._task_us = 0
        self.debug_lines.clear()
        self.ppp.drop()

    # time

    def run(self, procedure: Procedure[Result]) -> Result:
        return drive(self.board, procedure)

    def pause(self, ms: int) -> None:
        def sleep() -> Procedure[None]:
            yield Wait(ticks=ms)

        self.run(sleep())

    # commands

    def at(
        self, command: bytes | str, timeout_ms: int = LONG_MS, expected: bytes | None = b"OK"
    ) -> bool:
        """Have the modem task carry out a command; its answer is in `answer`.

        True if the letters `expected` are anywhere in the answer (None: always).
        """
        data = command.encode() if isinstance(command, str) else command
        *pieces, last = self._pieces(data)
        if self.debug:
            self._debug(f"[AT] {self.board.clock.now_ms} {as_str(data)}")
        start_ms = self.board.clock.now_ms
        self._await_task()
        self.answer = self.run(self.reader.exchange(last, timeout_ms, pieces=tuple(pieces)))
        self._task_us = self.board.clock.now_us
        good = expected is None or expected in self.answer.text
        if self.debug:
            took_ms = self.board.clock.now_ms - start_ms
            self._debug(f"[AT-{'OK' if good else 'FAIL'}] +{took_ms} {as_str(self.answer.text)}")
        return good

    def at_until_ok(self, pause_first: bool = True) -> None:
        """AT until the modem says OK: the firmware sets no limit to this."""
        deadline_ms = self.board.clock.now_ms + ENDLESS_MS
        while self.board.clock.now_ms < deadline_ms:
            if pause_first:
                self.pause(SHORT_MS)
            if self.at(b"AT"):
                return
            if not pause_first:
                self.pause(SHORT_MS)
        raise fail(
            self.board,
            NeverReturns(
                "the firmware sends AT until it is answered OK, and the modem does not answer"
            ),
        )

    def wait_for(self, expected: bytes) -> bool:
        """Collect what the modem says by itself, up to the usual timeout for its first byte."""
        return self.run(self.reader.collect(LONG_MS, expected, split=False)).found

    def wait_for_start(self, after_shutdown: bool) -> None:
        """Sit out a restart of the modem."""
        if after_shutdown:
            self.wait_for(b"+S")
        self.pause(SHORT_MS)
        if not self.wait_for(b"+SYSSTART"):
            self.wait_for(b"+SYSSTART")

    def at_twice(self) -> None:
        self.at(b"AT")
        if not self.at(b"AT"):
            raise OSError(FAILED)

    # checks

    def check_init(self) -> None:
        self.watch_ppp()
        if not self.init:
            raise OSError(NOT_INITIALIZED)

    def check_command(self) -> None:
        """Initialised, and not in data state."""
        self.check_init()
        if self.state == PPP:
            raise OSError(IN_DATA_STATE)

    def sim_present(self) -> bool:
        self.at(b"AT+CFUN?", SHORT_MS)
        if b"+CFUN: 0" in self.answer.text:
            self.at(b"AT+CFUN=4")
            self.pause(SHORT_MS)
        for attempt in range(5):
            if attempt:
                self.pause(SIM_RETRY_MS)
            self.at(b"AT+CPIN?")
            if b"READY" in self.answer.text:
                return True
        return False

    def check_attached(self) -> bool:
        """The attached-check that most methods start with. It moves the session's state and may
        switch the radio on (see CFUN below)."""
        if self.state == PPP and self.ppp.address is not None:
            return True
        if self.state == PPP:
            self.pause_ppp()
            self.at_until_ok()
        self.at(b"AT", SHORT_MS)
        self.at(b"AT+CGATT?", SHORT_MS)
        line = _from(self.answer.text, b"+CGATT")
        attached = b"1" in line[7:9]
        if self.legacy_attach:
            attached = self._check_cereg(cgatt=attached)
        self.at(b"AT+CFUN?", SHORT_MS)
        on = b"+CFUN: 1" in self.answer.text
        if self.state >= ATTACHING:
            if not on:
                self.at(b"AT+CFUN=1", SHORT_MS)
        else:
            self.state = ATTACHING if on else IDLE
        if attached:
            self._reached(1)
            if self.state < PPP:
                self.state = ATTACHED
        if not attached and self.state > IDLE:
            self.state = ATTACHING
        return attached

    def _check_cereg(self, cgatt: bool) -> bool:
        mode = b"+CEREG: %d," % self.profile.cereg_mode
        self.at(b"AT+CEREG?", SHORT_MS)
        if not cgatt and b"ERROR" in self.answer.text:
            self.pause(SHORT_MS)
            self.at(b"AT+CEREG?", SHORT_MS)
        line = _from(self.answer.text, mode + b"1") or _from(self.answer.text, mode + b"5")
        if not cgatt:
            # r4 wants the AcT of a mode 2 answer here, which a mode 1 answer never has
            long_form = len(line) >= 31 and line[30:31] in (b"7", b"9")
            return bool(line) and (long_form or self.profile.cereg_without_cgatt)
        if not line:
            self.out_of_coverage = mode + b"4" in self.answer.text
        return bool(line)

    # PPP

    def pause_ppp(self) -> None:
        """Get from data state to command state, by a ladder of up to six attempts."""
        ladder = ((ESCAPE, ESCAPE_MS), (b"AT", SHORT_MS), (b"AT", SHORT_MS)) * 2
        for command, timeout_ms in ladder:
            self.pause(ESCAPE_MS)
            if self.at(command, timeout_ms):
                return
        raise OSError("Pause PPP failed")

    def watch_ppp(self) -> None:
        """What the modem task notices every 2 ms while nobody sends a command."""
        if self.state != PPP:
            self.connected = False
            return
        self.ppp.listen()
        if self.ppp.address is not None:
            self.connected = True
        elif self.connected:
            self.connected = False
            self.state = ATTACHED

    def drop_link(self) -> None:
        """lteppp_deinit: RTS released, so that the modem may sleep."""
        self.uart.set_rts(False)
        self.state = INIT
        self.link = DISCONNECTED

    def set_low_power(self) -> None:
        self.at(SETLPM)

    # internals

    def _pieces(self, data: bytes) -> list[bytes]:
        if len(data) <= COMMAND_BYTES:
            return [data]
        if not self.profile.long_commands:
            raise fail(
                self.board,
                UndefinedBehaviour(
                    f"a command of {len(data)} bytes was given to the LTE driver; firmware "
                    f"{self.profile.name} copies it unchecked into {COMMAND_BYTES} bytes and "
                    "overwrites what lies behind (garbage, a stale answer, or a freeze): "
                    f"{as_str(data[:60])}..."
                ),
            )
        return [data[at : at + COMMAND_BYTES] for at in range(0, len(data), COMMAND_BYTES)]

    def _await_task(self) -> None:
        """The modem task sleeps 2 ticks between two looks at its command queue."""
        period_us = TASK_TICKS * TICK_US
        since_us = self.board.clock.now_us - self._task_us
        self.board.spend_us(period_us - since_us % period_us)

    def observe(self, command: bytes, text: bytes) -> None:
        """What the modem and whoever asks it say to each other tells of its state."""
        if b"+CFUN: 1" in text or (command.startswith(b"AT+CFUN=1") and b"OK" in text):
            self._reached(0)
        if _REGISTERED.search(text):
            self._reached(1)

    def _reached(self, state: int) -> None:
        self.furthest = max(self.furthest, state)

    def _debug(self, line: str) -> None:
        self.debug_lines.append(line)


def as_str(raw: bytes) -> str:
    """The text as Python sees it. The firmware does not check it for UTF-8; a byte that is not
    valid there is kept as a lone surrogate."""
    return c_string(raw).decode("utf-8", "surrogateescape")


def _from(text: bytes, start: bytes) -> bytes:
    """strstr(): the text from `start` on, empty if it is not there."""
    at = text.find(start)
    return text[at:] if at >= 0 else b""
