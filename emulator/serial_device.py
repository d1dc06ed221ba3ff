"""The emulated modem as a serial device of this computer: a pseudo-terminal, in real time.

Any program that speaks AT to a serial port can open the path that is printed. Bytes pass both
ways unchanged; the speed that the program sets is accepted and has no meaning.
"""

from __future__ import annotations

import os
import select
import time
import tty

from emulator.terminal import Terminal

STEP_S = 0.01  # how far virtual time lags behind at most


class SerialDevice:
    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        terminal.show = self._to_program
        # Our own handle on the slave keeps the line up between two programs that use it.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._unsent = b""
        self._stopped = False

    @property
    def path(self) -> str:
        return os.ttyname(self._slave)

    def serve(self) -> None:
        """Until stopped or interrupted. Virtual time follows the wall's."""
        clock = self.terminal.board.clock
        begun_s = time.monotonic() - clock.now_us / 1e6
        while not self._stopped:
            writable = [self._master] if self._unsent else []
            ready = select.select([self._master], writable, [], STEP_S)
            behind_us = round((time.monotonic() - begun_s) * 1e6) - clock.now_us
            self.terminal.pass_us(max(0, behind_us))
            if self._unsent:
                self._to_program(b"")
            if ready[0]:
                self.terminal.write(os.read(self._master, 1024))

    def stop(self) -> None:
        """Have `serve` return; for another thread."""
        self._stopped = True

    def close(self) -> None:
        os.close(self._master)
        os.close(self._slave)

    def _to_program(self, data: bytes) -> None:
        """As much as the program takes; the rest waits, and meanwhile in the modem, too."""
        self._unsent += data
        try:
            self._unsent = self._unsent[os.write(self._master, self._unsent) :]
        except BlockingIOError:
            pass
        self.terminal.paused = bool(self._unsent)
