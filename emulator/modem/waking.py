"""What a modem has lost and what has changed when RTS wakes it, and when it says what it held.

Without scenario keys nothing is lost, and URCs come by themselves a moment after RTS. Nothing is
published of a Monarch in power saving mode; each key is a way in which hosts of comparable modems
were surprised (docs/emulation.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

WHOLE_LINE = -1
NEXT_COMMAND = -1
CR = b"\r"


class Waking:
    def __init__(self, modem: Modem) -> None:
        self._modem = modem
        self._options = modem.options
        self._to_lose = 0  # of what comes next; WHOLE_LINE

    def begins(self) -> None:
        """RTS has been asserted while the modem slept."""
        self._to_lose = self._options.wake_loses_first

    def ends(self) -> None:
        """It takes commands from now on."""
        garbage = self._options.wake_garbage
        if garbage != "none":
            self._modem.uart.emit(bytes.fromhex(garbage))
        if self._modem.power.woken_from == "psm":
            self._resume()
        self.speaks()

    def speaks(self) -> None:
        """RTS is asserted and the modem awake: URCs that were held come."""
        if self._options.urc_on_wake != NEXT_COMMAND:
            release = self._modem.output.release
            self._modem.after_ms(self._options.urc_on_wake, lambda: release("sleep"))

    def accepts(self) -> None:
        """A command line is accepted."""
        if self._options.urc_on_wake == NEXT_COMMAND:
            self._modem.output.release("sleep")

    def heard(self, data: bytes) -> bytes:
        """What is left of the bytes that have come."""
        if self._to_lose == WHOLE_LINE:
            lost, end, rest = data.partition(CR)
            self._to_lose = 0 if end else WHOLE_LINE
            return rest
        lost_bytes = min(self._to_lose, len(data))
        self._to_lose -= lost_bytes
        return data[lost_bytes:]

    def _resume(self) -> None:
        """Out of power saving mode."""
        modem, options = self._modem, self._options
        if options.psm_sysstart:
            modem.reboot()
            return
        if options.psm_echo == "E1":
            modem.session.echo = True
        if options.psm_new_ip:
            modem.pdn.renew()
        if options.psm_sockets == "closed":
            modem.sockets.drop()
        elif options.psm_sockets == "half" or options.psm_new_ip:
            modem.sockets.break_off()
        if options.psm_registration != "kept":
            modem.emm.come_back_as(int(options.psm_registration))
