"""Clocks of the ESP32 as the firmware shows them: wall clock, tick counters, RTC memory, sleeping.

The wall clock starts at 1970 on every boot except a wake-up from deep sleep and a soft reset. In
deep sleep it runs by the slow clock, which drifts (slowclock.py).
ticks_ms and ticks_us are taken from it and jump when it is set; ticks_cpu counts from boot.
Source: Pycom firmware 1.20.2.r4 (machrtc.c, modutime.c).
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Mapping
from typing import Any

from emulator.board.board import DEEPSLEEP_RESET, FAST_CALL_US, SOFT_RESET, Board, Service
from emulator.board.slowclock import SlowClock

MASK32 = 0xFFFFFFFF
MEMORY_BYTES = 2048


class Rtc(Service):
    call_us: Mapping[str, int] = {"spin_us": FAST_CALL_US}
    looks = frozenset(
        {"ticks_ms", "ticks_us", "ticks_cpu", "time", "now", "gmtime", "localtime", "synced"}
    )

    def __init__(self, board: Board, drift_percent: float = 0.0) -> None:
        super().__init__(board)
        self.slow = SlowClock(board, drift_percent)
        self._offset_us = 0  # wall clock minus virtual time
        self._boot_us = 0
        self.kept = b""  # the RTC memory
        self._synced = False
        self.timezone_s = 0
        # Added to every tick counter: brings their wrap into reach of a test.
        self.ticks_offset_us = 0

    def on_reset(self, cause: int) -> None:
        self._boot_us = self.board.clock.now_us
        self._synced = self._synced and cause == SOFT_RESET
        if cause not in (DEEPSLEEP_RESET, SOFT_RESET):
            self._offset_us = -self._boot_us
            self.kept = b""
        if cause != SOFT_RESET:
            self.timezone_s = 0

    # wall clock

    def wall_us(self) -> int:
        """Microseconds since 1970, as far as the board knows."""
        return self.board.clock.now_us + self._offset_us

    def set_wall_us(self, wall_us: int) -> None:
        self._offset_us = wall_us - self.board.clock.now_us

    def sleep_end_us(self, duration_us: int) -> int:
        """When a deep sleep of this duration, by its own clock, is to end."""
        return self.slow.end_us(self.board.clock.now_us, duration_us)

    def slept(self, since_us: int) -> None:
        """The deep sleep that began then is over: the wall clock has run by the slow clock."""
        self._offset_us += self.slow.gained_us(since_us, self.board.clock.now_us)

    def do_now(self) -> list[int]:
        """Year, month, day, hour, minute, second, microsecond."""
        return [*self.do_gmtime(None)[:6], self.wall_us() % 1_000_000]

    def do_set(self, when: list[int]) -> None:
        """Set the wall clock to fields as of `now`."""
        self.set_wall_us(_since_1970(when) * 1_000_000 + when[6])

    def do_time(self) -> int:
        return self.wall_us() // 1_000_000

    def do_gmtime(self, seconds: int | None) -> list[int]:
        """Year to second, day of the week from 0 and of the year from 1; None: of the time now."""
        since_1970 = datetime.timedelta(seconds=self.do_time() if seconds is None else seconds)
        return list((datetime.datetime(1970, 1, 1) + since_1970).timetuple()[:8])

    def do_localtime(self, seconds: int | None) -> list[int]:
        return self.do_gmtime((self.do_time() if seconds is None else seconds) + self.timezone_s)

    def do_mktime(self, when: list[int]) -> int:
        """Seconds since 1970 of fields of local time; those out of range are carried over."""
        return _since_1970(when) - self.timezone_s

    def do_timezone(self, seconds: int | None) -> int:
        if seconds is not None:
            self.timezone_s = seconds
        return self.timezone_s

    def do_ntp_sync(self, server: str | None, period_s: int, backup: str | None) -> None:
        """Ask a time server; the answer, if there is one, arrives later."""
        self._synced = False
        sntp: Any = self.board.services.get("sntp")  # emulator/network/sntp.py
        if sntp is None:
            return
        sntp.stop()
        if server is not None:
            servers = [server] if backup is None else [server, backup]
            sntp.start(servers, period_s * 1000, self._told)

    def _told(self, wall_us: int) -> None:
        self.set_wall_us(wall_us)
        self._synced = True

    def do_synced(self) -> bool:
        return self._synced

    def do_memory(self, data: bytes | None) -> bytes | None:
        if data is None:
            return self.kept
        if len(data) > MEMORY_BYTES:
            raise ValueError("buffer too long")
        self.kept = data
        return None

    # tick counters

    def do_ticks_ms(self) -> int:
        return (self.wall_us() + self.ticks_offset_us) // 1000 & MASK32

    def do_ticks_us(self) -> int:
        return self.wall_us() + self.ticks_offset_us & MASK32

    def do_ticks_cpu(self) -> int:
        return self.board.clock.now_us - self._boot_us + self.ticks_offset_us & MASK32

    # sleeping: interrupts are handled meanwhile, so the caller comes back with what is left

    def do_sleep_us(self, duration_us: int) -> int:
        """Sleep; 0 when the time is over, else the instant for `sleep_until`."""
        return self.do_sleep_until(self.board.clock.now_us + duration_us)

    def do_spin_us(self, duration_us: int) -> None:
        """Wait without letting go of the interpreter: no handler runs, no other thread."""
        self.board.spend_us(duration_us)

    def do_sleep_until(self, until_us: int) -> int:
        board = self.board
        irq: Any = board.services["irq"]
        board.clock.run_until(
            until_us, lambda: board.halt is not None or board.interrupted or irq.pending()
        )
        board.raise_halt()
        return 0 if board.clock.now_us >= until_us else until_us


def _since_1970(when: list[int]) -> int:
    year, month = when[0], when[1] - 1
    return calendar.timegm((year + month // 12, month % 12 + 1, *when[2:6]))
