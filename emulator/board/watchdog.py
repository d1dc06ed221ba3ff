"""The application's watchdog: once armed it cannot be stopped, and unfed it resets the board.

It survives a soft reset and ends with deep sleep. `pycom.wdt_on_boot` arms it before Python runs.
The hardware counts in two stages of half the time; only the end of the second one can be seen.
Source: Pycom firmware 1.20.2.r4 (machwdt.c), 5.6 (mptask.c).
"""

from __future__ import annotations

from typing import Any

from emulator.board.board import SOFT_RESET, WDT_RESET, Board, Reset, Service
from emulator.board.clock import Event

NEVER_MS = 0xFFFFFFFF  # erased flash: no time was ever stored


class Watchdog(Service):
    looks = frozenset({"feed"})

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.timeout_ms = 0
        self._due_us = 0  # when it bites unless it is fed before
        self._bite: Event | None = None  # then or earlier: feeding moves `_due_us` alone

    @property
    def armed(self) -> bool:
        return self._bite is not None

    def do_start(self, timeout_ms: int) -> None:
        """Arm, or re-arm with another time."""
        if timeout_ms <= 0:
            raise ValueError("invalid argument(s) value")
        self._disarm()
        self.timeout_ms = timeout_ms
        self.do_feed()
        self._bite = self.board.clock.schedule_ms(timeout_ms, self._strike)

    def do_feed(self) -> None:
        self._due_us = self.board.clock.now_us + self.timeout_ms * 1000

    def on_reset(self, cause: int) -> None:
        if cause == SOFT_RESET:
            return
        self._disarm()
        settings: Any = self.board.services.get("config")
        if settings is not None and settings.flags["wdt_on_boot"]:
            timeout_ms = settings.flags["wdt_on_boot_timeout"]
            if timeout_ms < NEVER_MS:
                self.do_start(timeout_ms)
            else:  # the firmware takes back an option that was stored without a time
                settings.flags["wdt_on_boot"] = False

    def on_sleep(self, duration_ms: int | None) -> None:
        self._disarm()

    def _disarm(self) -> None:
        if self._bite is not None:
            self._bite.cancel()
            self._bite = None

    def _strike(self) -> None:
        left_us = self._due_us - self.board.clock.now_us
        if left_us > 0:
            self._bite = self.board.clock.schedule(left_us, self._strike)
            return
        self._bite = None
        self.board.stop(Reset(WDT_RESET, "watchdog"))
