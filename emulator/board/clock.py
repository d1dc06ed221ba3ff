"""Virtual time: an integer microsecond counter and the events that are due on it.

Nothing in the emulation sleeps or reads the computer's clock. Whoever spends time calls `advance`
or `run_until`; everything that happens meanwhile (a URC, a watchdog bite, the end of a radio
procedure) is an event scheduled here and runs at its own instant, in order.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Event:
    """Handle of one scheduled call."""

    __slots__ = ("at_us", "call", "cancelled")

    def __init__(self, at_us: int, call: Callable[[], object]) -> None:
        self.at_us = at_us
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Time since the emulated board was first powered, in microseconds."""

    def __init__(self) -> None:
        self.now_us = 0
        self.pace: Callable[[int], None] | None = (
            None  # told of each step; `--realtime` waits in it
        )
        self._queue: list[tuple[int, int, Event]] = []
        self._order = itertools.count()
        self._running_events = False
        self._deadline_us = 0  # of the run_until() that runs events

    @property
    def now_ms(self) -> int:
        return self.now_us // 1000

    def schedule(self, delay_us: int, call: Callable[[], object]) -> Event:
        """Run `call` once, `delay_us` from now; events of one instant in the order scheduled."""
        delay_us = int(delay_us)
        event = Event(self.now_us + delay_us if delay_us > 0 else self.now_us, call)
        heapq.heappush(self._queue, (event.at_us, next(self._order), event))
        return event

    def schedule_ms(self, delay_ms: float, call: Callable[[], object]) -> Event:
        return self.schedule(round(delay_ms * 1000), call)

    def advance(self, duration_us: int, stop: Callable[[], bool] | None = None) -> None:
        """Spend `duration_us`, or less if `stop()` holds; due events run on the way."""
        until_us = self.now_us + int(duration_us) if duration_us > 0 else self.now_us
        queue = self._queue
        if self._running_events or (queue and queue[0][0] <= until_us):
            self.run_until(until_us, stop)
        elif self.pace is not None:
            self._move_to(until_us)
        else:  # nothing is due: most of the calls of a program
            self.now_us = until_us

    def run_until(self, deadline_us: int, stop: Callable[[], bool] | None = None) -> bool:
        """Spend time until `stop()` holds or the deadline is reached. True if `stop()` holds.

        `stop` is asked before time is spent and after every event, so the clock stands at the
        very instant at which the condition became true.
        """
        if self._running_events:
            raise RuntimeError("an event spent time; events only schedule further events")
        if stop is not None and stop():
            return True
        queue = self._queue
        self._running_events = True
        self._deadline_us = deadline_us
        try:
            while queue and queue[0][0] <= deadline_us:
                at_us, _, event = heapq.heappop(queue)
                if event.cancelled:
                    continue
                if at_us > self.now_us:
                    self._move_to(at_us)
                event.call()
                if stop is not None and stop():
                    return True
        finally:
            self._running_events = False
        self._move_to(deadline_us)
        return stop is not None and stop()

    def quiet_until_us(self) -> int:
        """Asked by an event: the first instant at which anything else may happen, since another
        event is due or whoever lets time pass goes on."""
        after_us = self._deadline_us + 1
        return min(after_us, self._queue[0][0]) if self._queue else after_us

    def next_us(self) -> int | None:
        """When the next event is due; None: no event is."""
        queue = self._queue
        while queue and queue[0][2].cancelled:
            heapq.heappop(queue)
        return queue[0][0] if queue else None

    def _move_to(self, at_us: int) -> None:
        if at_us > self.now_us:
            if self.pace is not None:
                self.pace(at_us - self.now_us)
            self.now_us = at_us


class Timer:
    """One call that is due, at most: starting anew replaces it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event: Event | None = None

    @property
    def running(self) -> bool:
        return self._event is not None

    def start_ms(self, delay_ms: float, call: Callable[[], object]) -> None:
        def due() -> None:
            self._event = None
            call()

        self.stop()
        self._event = self._clock.schedule_ms(delay_ms, due)

    def stop(self) -> None:
        if self._event is not None:
            self._event.cancel()
            self._event = None
