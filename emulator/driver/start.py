"""What the modem task does each time the link to the modem is taken up.

Source: Pycom firmware 1.20.2.r4, esp32/lte/lteppp.c (TASK_LTE, lteppp_check_ffh_mode,
lteppp_check_sim_present) and esp32/mods/modlte.c (modlte_start_modem).
"""

from __future__ import annotations

from emulator.board.board import HARD_RESET
from emulator.board.constants import CODE, constant
from emulator.driver.profile import Profile
from emulator.driver.reader import ESCAPE, Answer, AtReader
from emulator.driver.task import Procedure, Wait
from emulator.modem.uart import BAUD, Uart

# State of the link to the modem (lteppp.h)
CONNECTED, CONNECTING, DISCONNECTED, RECOVERY = range(4)

SHORT_MS = constant(300, "ms", CODE, "1.20.2.r4 lteppp.h")
LONG_MS = constant(9500, "ms", CODE, "1.20.2.r4 lteppp.h")
ESCAPE_MS = constant(1150, "ms", CODE, "1.20.2.r4 lteppp.h")
RECOVERY_BAUD = constant(115_200, "baud", CODE, "1.20.2.r4 lteppp.c, lteppp_check_ffh_mode")
# Whoever wakes the task sleeps for 100 ms (modlte_start_modem); the task itself starts at once.
NOTIFY_TICKS = constant(100, "ms", CODE, "1.20.2.r4 modlte.c, modlte_start_modem")
# connect_lte_uart, between the pins and the driver of the UART
UART_TICKS = constant(5, "ms", CODE, "1.20.2.r4 lteppp.c, connect_lte_uart")
RTS_TICKS = constant(500, "ms", CODE, "1.20.2.r4 lteppp.c, TASK_LTE")
AT_TRIALS = 5
SETLPM = b'AT!="setlpm airplane=1 enable=1"'


class StartSequence:
    """One run of the sequence; `run()` is the procedure, its result the new state of the link.

    new_task: the first run after a reset of the ESP32, which makes the UART. All later ones find
    it as the one before has left it, in every release.
    """

    def __init__(
        self, uart: Uart, reader: AtReader, profile: Profile, reset_cause: int, new_task: bool
    ) -> None:
        self._uart = uart
        self._reader = reader
        self._profile = profile
        self._reset_cause = reset_cause
        self._new_task = new_task

    def run(self) -> Procedure[int]:
        if self._new_task:
            yield Wait(ticks=UART_TICKS)
        self._uart.set_rts(True)
        yield Wait(ticks=RTS_TICKS)
        state = yield from self._reach()
        if state == CONNECTED:
            yield from self._set_up()
        elif state == DISCONNECTED:
            self._uart.set_rts(False)
        return state

    def _reach(self) -> Procedure[int]:
        """Get the modem out of data state, if it is in it, and to answer an AT."""
        if (yield from self._ok(ESCAPE, ESCAPE_MS)):
            yield Wait(ticks=ESCAPE_MS)
            return CONNECTED if (yield from self._poll_at()) else DISCONNECTED
        yield from self._ok(b"AT", SHORT_MS)
        if (yield from self._ok(b"AT", SHORT_MS)):
            return CONNECTED
        yield Wait(ticks=ESCAPE_MS)
        escaped = yield from self._ok(ESCAPE, ESCAPE_MS)
        if (yield from self._poll_at()):
            return CONNECTED
        if not escaped and self._profile.recovery_check:
            return (yield from self._check_recovery())
        return DISCONNECTED

    def _poll_at(self) -> Procedure[bool]:
        for _ in range(AT_TRIALS + 1):
            if (yield from self._ok(b"AT", SHORT_MS)):
                return True
        return False

    def _check_recovery(self) -> Procedure[int]:
        """A modem whose firmware is lost answers at the boot loader's 115200 baud."""
        self._uart.baud = RECOVERY_BAUD
        for _ in range(3):
            answer = yield from self._send(b"AT", ESCAPE_MS)
            if b"ERROR\r\n" in answer.text or b"OK\r\n" in answer.text:
                return RECOVERY  # and the UART stays at this rate
        self._uart.baud = BAUD
        return DISCONNECTED

    def _set_up(self) -> Procedure[None]:
        yield from self._send(b"ATE0", SHORT_MS)
        yield from self._send(b"AT+CPSMS=0", SHORT_MS)
        yield from self._send(b"AT+CEREG=%d" % self._profile.cereg_mode, SHORT_MS)
        answer = yield from self._send(b"AT+CFUN?", LONG_MS)
        at = answer.text.find(b"+CFUN: ")
        if at >= 0 and answer.text[at + 7 : at + 8] not in (b"1", b"4"):
            yield from self._send(b"AT+CFUN=4", LONG_MS)
        answer = yield from self._send(b"AT+CPIN?", LONG_MS)
        if self._reset_cause <= HARD_RESET:  # power-on: do not leave the radio to a missing SIM
            yield from self._send(b"AT+CFUN?", LONG_MS)
            if b"ERROR" in answer.text:
                yield from self._send(b"AT+CFUN=0", LONG_MS)
        yield from self._send(SETLPM, LONG_MS)
        if self._profile.break_event:
            answer = yield from self._send(b"AT+SQNIBRCFG?", LONG_MS)
            if b"+SQNIBRCFG: 1,100" not in answer.text:
                yield from self._send(b"AT+SQNIBRCFG=1,100", LONG_MS)

    def _send(self, command: bytes, timeout_ms: int) -> Procedure[Answer]:
        """The task's own commands end as soon as the letters OK have come."""
        return (yield from self._reader.exchange(command, timeout_ms, b"OK", split=False))

    def _ok(self, command: bytes, timeout_ms: int) -> Procedure[bool]:
        answer = yield from self._send(command, timeout_ms)
        return answer.found
