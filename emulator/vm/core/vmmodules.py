"""gc and micropython: the face of the VM to its program.

The heap is the board's (its size, and what a collection costs): emulator/board/system.py.
Source: Pycom firmware 1.20.2.r4, py/modgc.c, py/modmicropython.c; no schedule() on this port.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def gc_names(call: Callable[..., Any]) -> dict[str, Any]:
    state: dict[str, Any] = {"enabled": True, "threshold": -1}

    def switch(on: bool) -> Callable[[], None]:
        def set_it() -> None:
            state["enabled"] = on

        return set_it

    def threshold(amount: int | None = None, /) -> Any:
        if amount is None:
            return state["threshold"]
        state["threshold"] = amount
        return None

    return {
        "collect": lambda: call("system.gc_collect"),
        "mem_free": lambda: call("system.mem_free"),
        "mem_alloc": lambda: call("system.mem_alloc"),
        "enable": switch(True),
        "disable": switch(False),
        "isenabled": lambda: state["enabled"],
        "threshold": threshold,
    }


def micropython_names(write: Callable[[str], None]) -> dict[str, Any]:
    level = [0]

    def const(value: Any, /) -> Any:
        return value

    def opt_level(value: int | None = None, /) -> Any:
        if value is None:
            return level[0]
        level[0] = value
        return None

    def mem_info(verbose: Any = None, /) -> None:
        write("stack: 1024 out of 11264\nGC: total: 2560000, used: 100000, free: 2460000\n")

    return {
        "const": const,
        "opt_level": opt_level,
        "mem_info": mem_info,
        "qstr_info": lambda verbose=None, /: write("qstr pool: n_pool=1\n"),
        "stack_use": lambda: 1024,
        "alloc_emergency_exception_buf": lambda size, /: None,
        "heap_lock": lambda: None,
        "heap_unlock": lambda: None,
        "kbd_intr": lambda char, /: None,
    }
