"""Alarms of machine.Timer: at most 16, each an interrupt when its time has come.

Times given in ms or us go through a 32-bit product of ticks (40 per us) and wrap.
Source: Pycom firmware 1.20.2.r4 (machtimer_alarm.c).
"""

from __future__ import annotations

from emulator.board.board import Board, Service
from emulator.board.clock import Event

MAX_ALARMS = 16
TICKS_PER_US = 40


def wrapped_us(value: int, us_per_unit: int) -> int:
    """The time that really passes for a duration given in whole units of 1 or 1000 us."""
    return (value * us_per_unit * TICKS_PER_US & 0xFFFFFFFF) // TICKS_PER_US


class Timers(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._alarms: dict[int, tuple[int, bool, Event]] = {}  # id -> (us, periodic, event)
        self._last_id = 0

    @property
    def armed(self) -> int:
        """How many alarms are due at some time."""
        return len(self._alarms)

    def do_start(self, unit: str, value: float, periodic: bool) -> int:
        """Start an alarm of `value` "s", "ms" or "us"; returns its id."""
        if len(self._alarms) >= MAX_ALARMS:
            raise MemoryError(f"maximum number of {MAX_ALARMS} alarms already reached")
        if unit == "s":
            duration_us = int(value * 1_000_000)
        else:
            duration_us = wrapped_us(int(value), 1000 if unit == "ms" else 1)
        self._last_id += 1
        self._arm(self._last_id, duration_us, periodic)
        return self._last_id

    def do_cancel(self, alarm_id: int) -> None:
        entry = self._alarms.pop(alarm_id, None)
        if entry is not None:
            entry[2].cancel()

    def on_reset(self, cause: int) -> None:
        self._clear()

    def on_sleep(self, duration_ms: int | None) -> None:
        self._clear()

    def _clear(self) -> None:
        for alarm_id in list(self._alarms):
            self.do_cancel(alarm_id)

    def _arm(self, alarm_id: int, duration_us: int, periodic: bool) -> None:
        delay_us = max(1, duration_us)  # an alarm of no length still takes its turn
        event = self.board.clock.schedule(delay_us, lambda: self._fire(alarm_id))
        self._alarms[alarm_id] = (duration_us, periodic, event)

    def _fire(self, alarm_id: int) -> None:
        duration_us, periodic, _ = self._alarms.pop(alarm_id)
        self.board.interrupt("timers", alarm_id, 0)
        if periodic:
            self._arm(alarm_id, max(duration_us, 100), periodic)
