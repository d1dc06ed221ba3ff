"""Service "lte": the LTE driver of the Pycom firmware, in front of the modem's UART.

    lte = LteDriver(board, uart, modem)
    board.plug("lte", lte)

`emulator/firmware/network.py` is its face on the device. The modem is reached by AT text alone;
only the addresses of a PPP session come from it directly (ppp.DataModem). What the modem
itself remembers survives every reset of the ESP32; what the driver remembers does not.
Source: Pycom firmware 1.20.2, esp32/mods/modlte.c and esp32/lte/lteppp.c; docs/emulation.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emulator.board.board import SOFT_RESET, Board, Service, UndefinedBehaviour
from emulator.driver import attach, end, init, queries
from emulator.driver import data as data_state
from emulator.driver.pins import ModemPins
from emulator.driver.ppp import DataModem
from emulator.driver.profile import profile_for
from emulator.driver.session import PPP, Session, as_str
from emulator.driver.start import (
    CONNECTING,
    DISCONNECTED,
    LONG_MS,
    NOTIFY_TICKS,
    RECOVERY,
    StartSequence,
)
from emulator.driver.task import (
    Background,
    NeverReturns,
    never_returns,
    tick_after,
)
from emulator.modem.uart import BAUD, Uart

__all__ = ["LteDriver", "NeverReturns", "UndefinedBehaviour"]

EVENT_BREAK = 2
_DATA = 2  # of `furthest`: PPP with an address
_UPGRADE = " Perform a modem firmware update."


def _of_session(
    function: Callable[..., Any], first: Callable[[Session], None] = lambda session: None
) -> Callable[..., Any]:
    """A method of the device that is a function of the session, behind the checks that are made
    first."""

    def method(driver: LteDriver, *args: Any) -> Any:
        first(driver.session)
        return function(driver.session, *args)

    return method


class LteDriver(Service):
    looks = frozenset({"check", "isconnected", "events"})

    def __init__(
        self,
        board: Board,
        uart: Uart,
        modem: DataModem | None = None,
        floating_rts: bool = False,
        uart1: bool = True,
        long_commands: bool = False,
    ) -> None:
        """floating_rts: the modem reads RTS as asserted while the board does not drive it.
        uart1: machine.UART on the modem's pins reaches it.
        long_commands: the build takes AT lines of any length, whatever its release does."""
        super().__init__(board)
        self.uart = uart
        self.modem = modem
        profile = profile_for(board.firmware)
        if long_commands:
            profile = replace(profile, long_commands=True)
        self.session = Session(board, uart, profile, modem)
        self.pins = ModemPins(board, uart, floating_rts, uart1)
        uart.on_talk = self.session.observe
        board.plug("modem_pins", self.pins)
        self._task: Background | None = None
        self._task_made = False  # FreeRTOS has it until the ESP32 is reset
        self._reset_cause = board.reset_cause
        self._trigger = 0
        self._events = 0
        if modem is not None:
            modem.on_break = self.uart_break

    # for the rest of the emulation

    @property
    def at_exchanges(self) -> int:
        """Commands transmitted since `take_counters`, the firmware's own ones included."""
        return self.session.reader.exchanges + self.uart.exchanges

    @property
    def furthest(self) -> int:
        """Furthest state seen since `take_counters`: -1 nothing, 0 +CFUN: 1, 1 registered,
        2 PPP with an address."""
        return self.session.furthest

    @property
    def link(self) -> str | None:
        """How the program has used the modem since `take_counters`: "uart" by a UART of its own,
        "lte" by the firmware, None if its radio stayed off. After both: "lte" if that carried
        data."""
        if self.uart.exchanges and self.furthest < _DATA:
            return "uart"
        return "lte" if self.furthest >= 0 else None

    def take_counters(self) -> dict[str, int]:
        """The counters of the cycle that ends here; they start anew."""
        counters = {"at_exchanges": self.at_exchanges, "furthest": self.furthest}
        self.session.reader.exchanges = self.uart.exchanges = 0
        self.session.furthest = -1
        return counters

    @property
    def ppp_address(self) -> str | None:
        """IPv4 address of the PPP interface while the session is in data state."""
        self.session.watch_ppp()
        return self.session.ppp.address if self.session.state == PPP else None

    @property
    def nic_registered(self) -> bool:
        """LTE is in the firmware's list of network interfaces."""
        return self.session.nic_registered

    def start_on_boot(self) -> None:
        """Begin to take up the link before boot.py runs (pycom.lte_modem_en_on_boot(True)).

        The firmware sleeps for 100 ms behind it (mptask.c, modlte_start_modem).
        """
        if self.session.link == DISCONNECTED:
            self._start_task()
            clock = self.board.clock
            until_us = tick_after(clock.now_us, NOTIFY_TICKS)
            clock.run_until(until_us, lambda: self.board.halt is not None)
            self.board.raise_halt()

    def uart_break(self) -> None:
        """The modem signals a URC by a line break: it does so in data state only."""
        self.uart.line_break()
        if self.session.state == PPP and self.session.profile.break_event:
            self._events |= EVENT_BREAK & self._trigger
            if self._trigger:
                self.board.interrupt("lte", 0, EVENT_BREAK)

    def on_reset(self, cause: int) -> None:
        self._trigger = 0
        if cause == SOFT_RESET:
            # only the interpreter starts anew: session and task live on, the NIC list does not
            self.session.nic_registered = False
            return
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._task_made = False
        self._reset_cause = cause
        self._events = 0
        self.session.forget()
        self.uart.set_rts(False)
        self.uart.baud = BAUD
        self.uart.flush()

    def on_sleep(self, duration_ms: int | None) -> None:
        if self._task is not None:
            self._task.cancel()
        self.uart.set_rts(False)

    # constructor and init: the face calls open, then link_pending until False, then configure

    do_new = staticmethod(init.check_new)
    do_configure = _of_session(init.configure)

    def do_debug(self, on: bool | None) -> bool:
        """Switch the firmware's AT log on or off; None leaves it. Returns how it is now."""
        if on is not None:
            self.session.debug = on
        return self.session.debug

    def do_open(self) -> bool:
        """Take up the link. True: `configure` is to follow once `link_pending` says False."""
        session = self.session
        if session.init:
            return False
        if session.link == DISCONNECTED:
            self._start_task()
            session.pause(NOTIFY_TICKS)  # with the interpreter locked
        elif session.link == CONNECTING:
            self._wait_for_task()  # with the interpreter locked
            if session.link == DISCONNECTED:
                raise OSError("Couldn't connect to Modem (modem_state=connecting)")
            if session.link == RECOVERY:
                raise never_returns(
                    self.board,
                    "LTE() waits for the modem task, which has given up: the modem is in "
                    "recovery mode",
                )
        elif session.link == RECOVERY:
            raise OSError("Couldn't connect to Modem (modem_state=recovery)." + _UPGRADE)
        return True

    def do_link_pending(self) -> bool:
        """Whether the modem task is still at it; the face sleeps and asks again, with the
        interpreter unlocked. OSError if the task has given up."""
        if self._task is not None and not self._task.done:
            return True
        problem = {DISCONNECTED: "disconnected)", RECOVERY: "recovery)." + _UPGRADE}
        if self.session.link in problem:
            raise OSError(
                "Couldn't start connection to Modem (modem_state=" + problem[self.session.link]
            )
        return False

    def _start_task(self) -> None:
        session = self.session
        session.link = CONNECTING
        first = not self._task_made
        if first:
            self._task_made = True
            self.pins.set_up()
        sequence = StartSequence(
            self.uart, session.reader, session.profile, self._reset_cause, first
        )
        self._task = Background(self.board, self._take_up(sequence))

    def _take_up(self, sequence: StartSequence) -> Any:
        self.session.link = yield from sequence.run()

    def _wait_for_task(self) -> None:
        task = self._task
        while task is not None and not task.done:
            self.board.clock.run_until(
                self.board.clock.now_us + LONG_MS * 1000,
                lambda: task.done or self.board.halt is not None,
            )
            self.board.spend_us(0)

    # AT commands

    def do_check(self, commands: bool) -> None:
        """The checks that come before a method's own arguments are looked at."""
        if commands:
            self.session.check_command()
        else:
            self.session.check_init()

    def do_send_at_cmd(self, command: str | bytes, timeout_ms: int | None) -> str:
        """What the modem said, unchanged; '' when it said nothing in time."""
        session = self.session
        if timeout_ms is not None and not session.profile.timeout_keyword:
            raise TypeError("extra keyword arguments given")
        wait_ms = LONG_MS if timeout_ms is None else timeout_ms & 0xFFFFFFFF
        data = command.encode("utf-8", "surrogateescape") if isinstance(command, str) else command
        session.at(data, wait_ms, expected=None)
        text = session.answer.text
        while session.answer.remaining:
            session.at(b"Pycom_Dummy", wait_ms, expected=None)
            text += session.answer.text
        return as_str(text)

    do_imei = _of_session(queries.imei, Session.check_command)
    do_time = _of_session(queries.time, Session.check_command)
    do_iccid = _of_session(queries.iccid, Session.check_command)
    do_psm = _of_session(queries.psm, Session.check_command)
    do_isattached = _of_session(Session.check_attached, Session.check_init)

    def do_ue_coverage(self) -> bool:
        self.do_check(True)
        return self.session.check_attached() and not self.session.out_of_coverage

    # network

    do_attach = _of_session(attach.attach)
    do_detach = _of_session(end.detach)
    do_connect = _of_session(data_state.connect)
    do_disconnect = _of_session(data_state.disconnect, Session.check_init)
    do_pppsuspend = _of_session(data_state.suspend, Session.watch_ppp)
    do_pppresume = _of_session(data_state.resume)

    def do_in_ppp_with_address(self) -> bool:
        """connect() looks at this before its arguments."""
        self.do_check(False)
        return self.session.state == PPP and self.session.ppp.address is not None

    def do_isconnected(self) -> bool:
        self.do_check(False)
        return self.session.connected

    # the end

    do_deinit = _of_session(end.deinit, Session.watch_ppp)
    do_reset = _of_session(end.reset, Session.check_init)
    do_factory_reset = _of_session(end.factory_reset, Session.check_init)

    def do_modem_upgrade_mode(self) -> None:
        self.session.init = False
        raise never_returns(
            self.board,
            "LTE.modem_upgrade_mode() turns the board into a bridge between its UART and the "
            "modem until power is cut; no Python runs any more",
        )

    def do_reconnect_uart(self) -> None:
        """Sets the UART up again, with RTS released: up to r6 nothing is heard of the modem until
        a deinit() and init(). r7 makes the driver of the UART anew and gives it flow control."""
        self.pins.set_up()
        self.uart.set_rts(self.session.profile.fresh_uart)
        self.uart.baud = BAUD
        self.uart.flush()
        self.session.run(self.session.ppp.disconnect())
        self.session.init = False

    # handlers

    def do_callback(self, trigger: int) -> None:
        self._trigger = trigger

    def do_events(self) -> int:
        events, self._events = self._events, 0
        return events

    def do_debug_lines(self) -> list[str]:
        """What the firmware printed since the last call, with debug=True."""
        lines = list(self.session.debug_lines)
        self.session.debug_lines.clear()
        return lines
