"""The emulated board: one clock, one meter, one trace, and the components plugged into it.

The board knows no modem and no chip by name. A component is plugged in under a service name;
device code reaches it through `emulator/firmware`, whose thin modules do nothing but
`call("adc.read", "P16", 3, 12)`. The part before the dot is the service, the part after it names
its method `do_read`. Arguments and results are None, bool, int, float, str, bytes, or lists and
dicts of these, so that the same call can travel over a byte stream from a MicroPython VM.

An error is raised as the builtin exception that the device is to see (OSError, ValueError, ...).
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Mapping
from typing import Any

from emulator.board.clock import Clock
from emulator.board.constants import COMPARABLE, ESTIMATE, constant
from emulator.board.faults import Fault, Faults
from emulator.board.meter import Meter
from emulator.board.polling import Polling
from emulator.board.trace import Trace

# What Python costs is charged from what both runtimes count alike; an instruction takes 2.5 us on
# this chip (docs/emulation.md). A call into the firmware is 8 of them: it also lets polling loops
# make progress. A character of a text that a call hands over is 18, before the next call: the
# template takes such texts apart. The rest is charged when a module is loaded (vm/importer.py).
CALL_US = constant(
    20, "us", COMPARABLE, "8 instructions at 2.5 us (1.5 to 4.5); MicroPython on a PC, scaled"
)
TEXT_US = constant(45, "us", COMPARABLE, "18 instructions, counted in the template, 2.5 us each")
# A call that does next to nothing in C: a pin, an interrupt lock, the entry of a busy wait.
# Pycom's own 1-Wire library reads bits that it samples four such calls and 2 us of waiting after
# the falling edge, where the parts allow 15 us in all: 3.25 us at most (docs/emulation.md).
FAST_CALL_US = constant(
    3, "us", ESTIMATE, "upper limit: Pycom's 1-Wire library reads bits in time"
)

# reset_cause() values of the firmware (Pycom firmware, esp32/mods/modmachine.c)
PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET, BROWN_OUT_RESET = range(6)
LAST_CALLS = 64  # that are remembered: a turn of a loop has less
CAUSE_NAMES = ("power_on", "hard", "watchdog", "deepsleep", "soft", "brown_out")


class Halt(BaseException):
    """The program on the device ends here: RAM is lost. Not an Exception: no handler stops it."""

    kind = "reset"  # how the account of a run calls this end


class UndefinedBehaviour(Halt):
    """The firmware would corrupt its own memory here: a board freezes, reboots or lies.

    The run ends with this message, which no handler on the device can swallow.
    """

    kind = "undefined"


class DeepSleep(Halt):
    kind = "deepsleep"

    def __init__(self, duration_ms: int | None) -> None:
        super().__init__(duration_ms)
        self.duration_ms = duration_ms  # None: until a wake-up pin


class SwitchedOff(Halt):
    """A part outside has switched the supply of the whole board off, the modem's too.

    Whoever does so sets `on` when it switches it on again, which is a start like any power-on.
    """

    kind = "off"

    def __init__(self, wakes: bool = True) -> None:
        """wakes: something can switch the supply on again."""
        super().__init__("switched off")
        self.wakes = wakes
        self.on = False


class Reset(Halt):
    def __init__(self, cause: int, why: str) -> None:
        super().__init__(cause, why)
        self.cause = cause
        self.why = why


class PowerCut(Reset):
    """The supply of the whole board is gone for a moment, the modem's too."""

    def __init__(self) -> None:
        super().__init__(PWRON_RESET, "power cut")


class Service:
    """Base of everything that is plugged into the board. Override what you need."""

    call_us: Mapping[str, int] = {}  # of each method that does not cost CALL_US
    # methods that change nothing: see polling.py. What they hand over changes by events, or is a
    # time
    looks: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()  # those that do nothing more when they are repeated

    def __init__(self, board: Board) -> None:
        self.board = board

    def on_reset(self, cause: int) -> None:
        """The ESP32 starts anew (`cause` as above): RAM-like state goes, flash-like stays."""

    def on_sleep(self, duration_ms: int | None) -> None:
        """The ESP32 enters deep sleep."""


_PARTS: dict[str, tuple[str, str, str]] = {}  # of the names of calls


def _parts(name: str) -> tuple[str, str, str]:
    """Service, method and the method's own name in the service."""
    service, _, method = name.partition(".")
    parts = _PARTS[name] = service, method, "do_" + method
    return parts


def _characters(result: Any) -> int:
    """Of the texts that a call hands over."""
    if type(result) is str:
        return len(result)
    return sum(map(_characters, result)) if type(result) is list else 0


class Board:
    """One powered board. `name` is what sys.platform says: "GPy" or "FiPy"."""

    def __init__(
        self,
        seed: int = 1,
        name: str = "GPy",
        firmware: str = "1.20.2.r4",
        faults: list[Fault] | None = None,
        build: str = "pybytes",
    ) -> None:
        """build: of the firmware, "base" or "pybytes" (what new boards come with)."""
        self.seed = seed
        self.name = name
        self.firmware = firmware
        self.build = build
        self.clock = Clock()
        self.meter = Meter(self.clock)
        self.trace = Trace(self.clock)
        self.faults = Faults(self.clock, self.trace, faults or [])
        self.services: dict[str, Service] = {}
        self.irqs: deque[tuple[str, int, int]] = deque()  # (service, object id, trigger)
        self.halt: Halt | None = None
        self.polling = Polling(self.clock)
        self.interrupted = False  # Ctrl-C was typed, and has not been raised yet
        self.reset_cause = PWRON_RESET
        self.cycle = 0
        self.started_us = 0  # when the ESP32 last started
        # of the program, the newest last: what it waited for (emulator/waits)
        self.last_calls: deque[tuple[str, tuple[Any, ...]]] = deque(maxlen=LAST_CALLS)
        self.at_prompt = False  # the program has ended, and the board has not
        self._text_us = 0  # of Python, for the text that the last call has handed over

    def plug(self, name: str, service: Service) -> None:
        self.services[name] = service

    def call(self, name: str, *args: Any) -> Any:
        """Carry out one firmware call on behalf of the device."""
        if self.halt is not None:  # no `finally` and no bare `except` on the device outlives it
            raise self.halt
        service_name, method, function_name = _PARTS.get(name) or _parts(name)
        service = self.services.get(service_name)
        function = getattr(service, function_name, None)
        if function is None:
            raise AttributeError(f"this board has no {name}")
        assert service is not None
        self.last_calls.append((name, args))
        cost_us = service.call_us.get(method, CALL_US) + self._text_us
        polls = method in service.looks
        if polls:
            cost_us = self.polling.charge_us(cost_us)
        elif method in service.sets:
            polls = True
            self.polling.set(name, args)
        self.clock.advance(cost_us, self.halted)
        if self.halt is not None:
            raise self.halt
        self._text_us = 0
        try:
            result = function(*args)
        finally:
            if polls:
                self.polling.ended()
        if result.__class__ is str or result.__class__ is list:
            self._text_us = _characters(result) * TEXT_US
        return result

    def spend_us(self, duration_us: int) -> None:
        """The device is busy for this time. What ends the program, a watchdog or a brown-out, ends
        it at its own instant: the rest of the time is not spent."""
        self.clock.advance(duration_us, self.halted)
        if self.halt is not None:
            raise self.halt

    def wait_us(self, duration_us: int) -> int:
        """Let the device sleep until the time is over or an interrupt is pending; the rest."""
        deadline = self.clock.now_us + duration_us
        self.clock.run_until(deadline, lambda: self.disturbed)
        self.raise_halt()
        return max(0, deadline - self.clock.now_us)

    def stop(self, halt: Halt) -> None:
        """End the program; from an event, as soon as the device does anything."""
        if self.halt is None:
            self.halt = halt

    def halted(self) -> bool:
        """Whether anything has ended the program."""
        return self.halt is not None

    @property
    def disturbed(self) -> bool:
        """Something is to be handled before any further wait."""
        return bool(self.irqs) or self.interrupted or self.halt is not None

    def raise_halt(self) -> None:
        """Let the program end here if anything has ended it."""
        if self.halt is not None:
            raise self.halt

    def break_off(self, fault: Fault) -> None:
        """Carry out a `power_cut` or a `reset` at a file or an NVS operation: end the program."""
        keys: Any = fault.keys()
        if fault.do == "power_cut":
            self.stop(PowerCut())
        else:
            self.stop(Reset(CAUSE_NAMES.index(keys.cause), f"fault at {fault.point}"))
        self.raise_halt()

    def interrupt(self, service: str, object_id: int, trigger: int) -> None:
        """Queue a call of a handler on the device; 32 fit, further ones are lost (mpirq.c)."""
        if len(self.irqs) < 32:
            self.irqs.append((service, object_id, trigger))

    def reset(self, cause: int) -> None:
        """Start the ESP32 anew: the state that a reset of this kind loses is lost."""
        self.halt = None
        self._text_us = 0
        self.irqs.clear()
        self.last_calls.clear()
        self.at_prompt = False
        self.reset_cause = cause
        self.started_us = self.clock.now_us
        self.trace.add("reset", CAUSE_NAMES[cause])
        for service in self.services.values():
            service.on_reset(cause)

    def rng(self, purpose: str) -> random.Random:
        """A random source of its own for each purpose, so that one draw more in one component
        leaves all others as they were: same seed, same run."""
        digest = hashlib.sha256(f"{self.seed}/{purpose}".encode()).digest()
        return random.Random(int.from_bytes(digest[:8], "big"))


def fail(board: Board, halt: Halt) -> Halt:
    """End the program on the device with `halt`; to be raised by the caller."""
    board.stop(halt)
    return board.halt or halt
