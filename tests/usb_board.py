"""The emulated board on a pseudo-terminal, in a thread of the test."""

from __future__ import annotations

import os
import select
import threading
import time
from pathlib import Path
from typing import Any

from emulator.usb.board import UsbBoard
from emulator.usb.port import Port

PATIENCE_S = 20.0


class Rehearsal:
    """options: those of UsbBoard. `said`: its starts and sleeps."""

    def __init__(self, flash: Path, **options: Any) -> None:
        self.flash = flash
        self.said: list[str] = []
        self.usb = Port()
        self.port = self.usb.path
        self.board = UsbBoard(self.usb, wall=False, say=self.said.append, flash=flash, **options)
        listens = threading.Event()
        self._thread = threading.Thread(
            target=self.board.serve, args=(listens.set,), name="board", daemon=True
        )
        self._thread.start()
        assert listens.wait(PATIENCE_S)

    def close(self) -> None:
        self.board.end()
        assert self.ends()
        self.board.close()
        self.usb.close()

    def ends(self) -> bool:
        self._thread.join(PATIENCE_S)
        return not self._thread.is_alive()

    def wait_for(self, said: str) -> None:
        """Until the board has told this."""
        deadline = time.monotonic() + PATIENCE_S
        while not any(said in line for line in self.said):
            assert time.monotonic() < deadline, self.said
            time.sleep(0.01)

    def type(self, data: bytes, until: bytes) -> bytes:
        """Write to the port as a terminal program does, and read until this has come."""
        fd = os.open(self.port, os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(fd, data)
            got = b""
            deadline = time.monotonic() + PATIENCE_S
            while not got.endswith(until):
                assert time.monotonic() < deadline, got
                if select.select([fd], [], [], 0.2)[0]:
                    got += os.read(fd, 4096)
            return got
        finally:
            os.close(fd)
