"""_thread of this firmware. Source: Pycom firmware 1.20.2.r4, py/modthread.c, mpthreadport.c."""

from __future__ import annotations

from typing import Any, NoReturn

from emulator.vm.threads import DeviceLock, Threads

STACK_BYTES = 5 * 1024


def thread_names(threads: Threads) -> dict[str, Any]:
    stack = [STACK_BYTES]

    class Lock(DeviceLock):
        """Not re-entrant; no timeout."""

        def acquire(self, waitflag: int = 1, timeout: int = -1, /) -> bool:
            if self.held and not waitflag:
                return False
            threads.acquire(self)
            return True

        def release(self) -> None:
            if not self.held:
                raise RuntimeError
            self.held = False

        def locked(self) -> bool:
            return self.held

        def __enter__(self) -> bool:
            return self.acquire()

        def __exit__(self, *_: Any) -> None:
            self.release()

    def start_new_thread(function: Any, args: Any, keywords: Any = None, /) -> int:
        return threads.start(function, tuple(args), dict(keywords or {}))

    def stack_size(size: int = 0, /) -> int:
        before, stack[0] = stack[0], max(size, STACK_BYTES)
        return before

    def leave() -> NoReturn:
        raise SystemExit

    return {
        "LockType": Lock,
        "allocate_lock": Lock,
        "start_new_thread": start_new_thread,
        "stack_size": stack_size,
        "get_ident": lambda: threads.current_number + 1,
        "exit": leave,
    }
