"""Threads of the device: host threads of which exactly one, the holder of the baton, runs.

The baton is passed only where the firmware releases its lock for long enough to matter: in the
sleeps of utime, in a blocking acquire, and now and then in a loop that never calls the board.
Everything else, a whole send_at_cmd included, runs undivided; so a run stays reproducible.
Source: Pycom firmware 1.20.2.r4, esp32/mpthreadport.c (stand-in: FreeRTOS switches at any time).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from emulator.board.board import Board, Halt
from emulator.vm.bridge import Bridge
from emulator.vm.language.texts import board_text

FOREVER_US = 1 << 62


class Task:
    def __init__(self, number: int) -> None:
        self.number = number
        self.baton = threading.Semaphore(0)
        self.until_us = 0
        self.lock: Any = None  # one of _thread that it waits for
        self.host: threading.Thread | None = None

    def ready(self, now_us: int) -> bool:
        if self.lock is not None and not self.lock.held:
            return True
        return self.until_us <= now_us


class Threads:
    def __init__(
        self, board: Board, bridge: Bridge, report: Callable[[str, BaseException], None]
    ) -> None:
        self._board = board
        self._bridge = bridge
        self._report = report
        self._main = Task(0)
        self._tasks = [self._main]
        self._current = self._main
        self._count = 0
        self._killed = False

    @property
    def others(self) -> int:
        """How many threads run beside the main one."""
        return len(self._tasks) - 1

    @property
    def current_number(self) -> int:
        return self._current.number

    def start(self, function: Callable[..., Any], args: Any, keywords: Any) -> int:
        self._count += 1
        task = Task(self._count)
        self._tasks.append(task)

        def body() -> None:
            task.baton.acquire()
            try:
                if not self._killed:
                    function(*args, **keywords)
            except (Halt, SystemExit):
                pass
            except Exception as error:  # noqa: BLE001 - whatever the program raises
                who = board_text(function, True)
                self._report(f"Unhandled exception in thread started by {who}", error)
            finally:
                self._end(task)

        task.host = threading.Thread(target=body, name=f"device-{task.number}", daemon=True)
        task.host.start()
        self._bridge.on_wait = self.sleep_until
        self._bridge.on_pause = self.yield_
        return task.number

    def sleep_until(self, until_us: int) -> None:
        """Let the others run until then."""
        self._current.until_us = until_us
        self._block()

    def acquire(self, lock: Any) -> None:
        while lock.held:
            self._board.last_calls.append(("thread.acquire", ()))
            self._current.lock = lock
            self._current.until_us = FOREVER_US
            try:
                self._block()
            finally:
                self._current.lock = None
                self._current.until_us = 0
        lock.held = True

    def yield_(self) -> None:
        """Let every other thread that can run do so once."""
        other = self._next_ready()
        if other is not None:
            self._current.until_us = 0
            self._hand_to(other)

    def stop(self) -> None:
        """The program is over: end all threads but the main one."""
        self._killed = True
        if self._bridge.closed is None and self.others:
            self._bridge.closed = Halt("the program is over")
        for task in self._tasks[1:]:
            task.baton.release()
            if task.host is not None:
                task.host.join(timeout=5)
        self._tasks = [self._main]

    def _block(self) -> None:
        """Pass the baton or let time pass until the current task can go on."""
        me = self._current
        clock = self._board.clock
        irq: Any = self._board.services["irq"]
        while True:
            if self._board.halt is not None:
                raise self._board.halt
            if irq.pending():
                self._bridge.dispatch()
            if me.ready(clock.now_us) or (self._board.interrupted and me is self._main):
                return
            # Ctrl-C is the main thread's, also while another one waits; no time passes before it
            other = self._main if self._board.interrupted else self._next_ready()
            if other is not None:
                self._hand_to(other)
                continue
            wake_us = min(task.until_us for task in self._tasks)
            clock.run_until(wake_us, lambda: irq.pending() or self._board.disturbed)

    def _next_ready(self) -> Task | None:
        """The next task in turn after the current one that can run."""
        here = self._tasks.index(self._current)
        for task in self._tasks[here + 1 :] + self._tasks[:here]:
            if task.ready(self._board.clock.now_us):
                return task
        return None

    def _hand_to(self, task: Task) -> None:
        me = self._current
        self._current = task
        task.baton.release()
        me.baton.acquire()
        if self._killed and me is not self._main:
            raise self._bridge.closed or Halt("the program is over")
        if self._board.halt is not None:
            raise self._board.halt

    def _end(self, task: Task) -> None:
        if self._killed:
            return
        self._tasks.remove(task)
        if self.others == 0:
            self._bridge.on_wait = self._bridge.on_pause = None
        self._current = self._main
        self._main.baton.release()
