"""The limit over NB-IoT: an ideal host at the modem's own UART.

    boot, RTS asserted at the first instant, and at the instant at which the modem takes commands
    either of
        registered still    nothing
        not so              AT+CFUN=1 (behind AT+CFUN=4, if it is on without service), the
                            packet service, known at its very instant
    AT+SQNSD unless a socket was kept; AT+SQNSSENDEXT, with release assistance where the modem
    takes it; at the instant of its prompt the payload; where the server confirms, AT+SQNSRECV at
    the instant at which the answer is there
    unless the registration is kept: AT+CFUN=4 at the instant at which the last datagram has left,
    with the detach that the network asks for
    RTS released, deep sleep.

No AT to find the modem, no echo, no query, no socket configuration: the host knows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from devkit.bench.floor import ANSWER_US, Procedure
from emulator.board.framing import Framing
from emulator.modem.modem import Modem
from emulator.modem.radio import NOTHING_MORE, ONE_ANSWER
from emulator.modem.sockets.open import Slot
from emulator.modem.uart import BAUD

UART = 1
PINS = {"GPy": ("P5", "P98", "P7", "P99"), "FiPy": ("P20", "P18", "P19", "P17")}
FRAMING = Framing(BAUD)
RING_BYTES = 4096
UDP, TCP = 1, 0  # of +SQNSD


class OverModem(Procedure):
    """What the references of NB-IoT have in common: sockets of the modem."""

    @property
    def modem(self) -> Modem:
        return self.emulator.modem

    def attach(self, ask: Callable[[str], object]) -> bool:
        """Have the packet service, or a denial for good."""
        modem = self.modem
        if modem.sim.options.state != "ready":
            return False
        if modem.cfun == 1 and not (modem.attached or modem.emm.searching):
            ask("AT+CFUN=4")
        until_us = self.board.clock.now_us + self.task.search_us
        if modem.cfun != 1:
            ask("AT+CFUN=1")
        left_us = until_us - self.board.clock.now_us
        self.until(lambda: modem.attached or modem.emm.denied_for_good, left_us)
        return modem.attached

    def over_modem(
        self, ask: Callable[[str], object], hand_over: Callable[[Slot, int], object]
    ) -> Callable[[], bool]:
        """Send the payloads, told by their place; return what tells that all have left."""
        task = self.task
        slot = self._kept() or self._dialled(ask)

        def is_answered() -> bool:
            if slot.socket is None:
                return False
            slot.socket.ask()
            return slot.socket.unread > 0

        if task.together:
            self._together(ask, partial(hand_over, slot), is_answered, slot)
        for place in range(0 if task.together else len(task.payloads)):
            if self.awaits(place):
                self.exchange(partial(hand_over, slot, place), is_answered)
                ask(f"AT+SQNSRECV={slot.number},1500")
            else:
                hand_over(slot, place)
        if task.closes:
            ask(f"AT+SQNSH={slot.number}")
        radio = self.modem.radio
        return lambda: bool(task.answered) or _pending(slot) == 0 or not radio.busy

    def _together(
        self, ask: Callable[[str], object], hand_over: Callable[[int], object],
        is_answered: Callable[[], bool], slot: Slot,
    ) -> None:  # fmt: skip
        """Hand over all, and what is lost on air once more; then take their answers."""
        payloads, routes = self.task.payloads, self.emulator.routes
        due, answers, before = list(range(len(payloads))), 0, len(routes.sent)

        def lost() -> list[int]:
            ends = routes.sent[before:]
            return [payloads.index(each.data) for each in ends if each.what == "lost"]

        while answers < len(payloads):
            for place in due:
                hand_over(place)
            self.until(lambda: is_answered() or bool(lost()), ANSWER_US)
            due, before = lost(), len(routes.sent)
            if is_answered():
                ask(f"AT+SQNSRECV={slot.number},1500")
                answers += 1
            elif not due:
                return

    def _kept(self) -> Slot | None:
        slots = self.modem.sockets.slots
        sound = (slot for slot in slots if slot.socket and slot.socket.connected)
        return next((slot for slot in sound if slot.socket and not slot.socket.half_closed), None)

    def _dialled(self, ask: Callable[[str], object]) -> Slot:
        task = self.task
        slot = next(slot for slot in self.modem.sockets.slots if slot.socket is None)
        kind = TCP if task.stream else UDP
        ask(f'AT+SQNSD={slot.number},{kind},{task.port},"{task.host}",0,0,1')
        return slot


class Limit(OverModem):
    boot_flags = {"lte_modem_en_on_boot": False}  # else the firmware keeps the pins

    def run(self) -> None:
        power, modem = self.modem.power, self.modem
        serial: Any = self.board.services["serial"]
        pins = PINS[self.board.name]
        serial.do_open(
            UART, BAUD, FRAMING.bits, FRAMING.parity, FRAMING.stop, 1, RING_BYTES, *pins
        )
        self.until(lambda: modem.powered and power.awake, ANSWER_US)
        self.until(lambda: False, 0)  # what else happens at this instant: a registration is lost
        if self.attach(self._ask) and self.task.payloads:
            has_left = self.over_modem(self._ask, self._hand_over)
            if not self.task.kept:
                self.until(has_left, ANSWER_US)
        if modem.cfun == 1 and not self.task.kept:
            self._ask("AT+CFUN=4")
        serial.do_close(UART)

    def _write(self, data: bytes) -> None:
        serial: Any = self.board.services["serial"]
        serial.do_write(UART, data)

    def _ask(self, line: str) -> None:
        """Send a command; go on at the instant of its final result code."""
        session = self.modem.session
        self._write(line.encode() + b"\r")
        self.until(lambda: session.busy, ANSWER_US)
        self.until(lambda: not session.busy, ANSWER_US)

    def _hand_over(self, slot: Slot, place: int) -> None:
        session, payload = self.modem.session, self.task.payloads[place]
        assistance = f",{self._expected(place)}" if self._assists(place) else ""
        self._write(f"AT+SQNSSENDEXT={slot.number},{len(payload)}{assistance}\r".encode())
        self.until(lambda: session.asks, ANSWER_US)
        self._write(payload)
        self.until(lambda: not session.busy, ANSWER_US)

    def _assists(self, place: int) -> bool:
        task = self.task
        last = place == len(task.payloads) - 1 and not task.together  # it awaits several answers
        return last and task.kept and self.modem.options.rai != "absent"

    def _expected(self, place: int) -> int:
        return ONE_ANSWER if self.awaits(place) else NOTHING_MORE


def _pending(slot: Slot) -> int:
    flow = slot.socket.flow if slot.socket else None
    return flow.pending if flow else 0
