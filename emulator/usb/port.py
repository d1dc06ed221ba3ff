"""A pseudo-terminal: the board holds one end, a program on this computer opens the other.

Output that nobody reads is lost after a while, as on a serial line; input is kept until the board
reads it. Ctrl-C is noticed as it comes while a program runs.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import termios
import threading
import tty
from collections.abc import Callable

CTRL_C = 0x03
UNREAD_S = 0.5  # so long output waits for a reader


class Port:
    def __init__(self) -> None:
        self._fd, self._other = os.openpty()  # `_other` stays open, so that `_fd` never hangs up
        tty.setraw(self._other)
        os.set_blocking(self._fd, False)
        self.path = os.ttyname(self._other)
        self.on_break: Callable[[], None] | None = None  # Ctrl-C ends the program; else it is read
        self._bytes: queue.Queue[int] = queue.Queue()
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._read, name="usb", daemon=True)
        self._reader.start()

    def close(self) -> None:
        self._stop.set()
        self._reader.join()
        for fd in (self._fd, self._other):
            with contextlib.suppress(OSError):
                os.close(fd)

    def get(self, wait_s: float) -> int | None:
        """The next byte; None if none comes in time."""
        try:
            return self._bytes.get(timeout=wait_s) if wait_s > 0 else self._bytes.get_nowait()
        except queue.Empty:
            return None

    def forget(self) -> None:
        """The board starts: what it was sent before is lost."""
        while self.get(0) is not None:
            pass

    def write(self, text: str) -> None:
        """Each line feed gets a carriage return, as mp_hal_stdout_tx_strn_cooked() does."""
        data = text.encode("utf-8", "replace").replace(b"\n", b"\r\n")
        while data and not self._stop.is_set():
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self._fd, data) :]
            if data and not select.select([], [self._fd], [], UNREAD_S)[1]:
                with contextlib.suppress(termios.error):
                    termios.tcflush(self._other, termios.TCIFLUSH)

    def _read(self) -> None:
        while not self._stop.is_set():
            if not select.select([self._fd], [], [], 0.02)[0]:
                continue
            with contextlib.suppress(OSError):
                for byte in os.read(self._fd, 4096):
                    if byte == CTRL_C and self.on_break is not None:
                        self.on_break()
                    else:
                        self._bytes.put(byte)
