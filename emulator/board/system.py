"""The ESP32 as a whole: resets, sleep and wake-up, identity, heap, the entropy source, the LED.

Source: Pycom firmware 1.20.2.r4 (modmachine.c, util/mpsleep.c, modpycom.c).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from emulator.board.board import DEEPSLEEP_RESET, WDT_RESET, Board, DeepSleep, Reset, Service
from emulator.board.constants import DATA_SHEET, ESTIMATE, MEASURED, constant
from emulator.board.led import Led

PWRON_WAKE, PIN_WAKE, RTC_WAKE, ULP_WAKE = range(4)
ALL_LOW, ANY_HIGH = range(2)

PSRAM_HEAP_BYTES = 2560 * 1024
INTERNAL_HEAP_BYTES = 67 * 1024  # modules of chip revision 0
VM_BYTES = 60 * 1024  # what an idle interpreter has allocated
# One collection: over the heap in PSRAM, and over the small one (docs/emulation.md)
COLLECT_PSRAM_US = constant(100_000, "us", MEASURED, "stalls of 100 ms, Pycom issue 404")
COLLECT_INTERNAL_US = constant(3_000, "us", ESTIMATE, "a fortieth of the heap, in faster memory")

LIGHT_SLEEP_MA = constant(
    2.0, "mA", DATA_SHEET, "ESP32 5.2: 0.8 for the chip; the rest estimated, 1 to 4"
)
ESP_LIGHT_SLEEP = ("lightsleep", LIGHT_SLEEP_MA)  # mA of the whole board


class System(Service):
    looks = frozenset({"mem_free", "mem_alloc", "free_heap"})
    sets = frozenset({"rgbled"})

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        digest = hashlib.sha256(f"mac/{board.seed}".encode()).digest()
        self.mac = bytes.fromhex("240ac4") + digest[:3]
        self.heap_bytes = PSRAM_HEAP_BYTES
        self.main_script: str | None = None
        self._random = board.rng("system.rng")
        self._wake: tuple[int, list[str]] = (PWRON_WAKE, [])
        self._remaining_ms = 0
        self._wake_pins: list[str] = []
        self._wake_mode = ALL_LOW
        self._led = Led(board)
        self.do_heartbeat, self.do_rgbled = self._led.do_heartbeat, self._led.do_rgbled
        pins = board.services.get("pins")
        if pins is not None:
            self._led.watch(pins)

    # resets and sleep

    def do_reset_cause(self) -> int:
        return self.board.reset_cause

    def do_reset(self) -> None:
        """machine.reset(): a hardware watchdog does it, and the next boot says so."""
        self._halt(Reset(WDT_RESET, "machine.reset"))

    def do_deepsleep(self, duration_ms: int | None) -> None:
        self._wake, self._remaining_ms = (RTC_WAKE, []), 0
        for service in self.board.services.values():
            service.on_sleep(duration_ms)
        self._halt(DeepSleep(duration_ms))

    def do_light_sleep(self, duration_ms: int | None) -> None:
        board = self.board
        state, milliamps = board.meter.state("esp"), board.meter.milliamps("esp")
        board.meter.set("esp", *ESP_LIGHT_SLEEP)
        try:
            end_us = None if duration_ms is None else board.clock.now_us + duration_ms * 1000
            self._remaining_ms = self._pass_time(end_us, board.halted)
            board.raise_halt()
        finally:
            board.meter.set("esp", state, milliamps)

    def do_pin_sleep_wakeup(self, pins: list[str], mode: int, pull: bool) -> None:
        self._wake_pins, self._wake_mode = list(pins), mode

    def do_wake_reason(self) -> list[Any]:
        return [self._wake[0], self._wake[1] or None]

    def do_remaining_sleep_time(self) -> int:
        return self._remaining_ms

    def sleep_through(self, duration_ms: int | None) -> bool:
        """Let the time of a deep sleep pass, until its end, a wake-up pin, or what halts the board
        meanwhile (a brown-out). The cycle runner calls this between DeepSleep and board.reset().

        False: nothing will ever wake the board (neither a time nor a pin).
        """
        if isinstance(self.board.halt, DeepSleep):
            self.board.halt = None  # what halts the board from now on ends the sleep
        if duration_ms is None and not self._wake_pins:
            return False
        rtc: Any = self.board.services["rtc"]
        since_us = self.board.clock.now_us
        asked_us = None if duration_ms is None else duration_ms * 1000
        end_us = None if asked_us is None else rtc.sleep_end_us(asked_us)
        self._remaining_ms = self._pass_time(end_us, self.board.halted)
        rtc.slept(since_us)
        return duration_ms is not None or self._wake[0] == PIN_WAKE

    def _pass_time(self, end_us: int | None, stop: Callable[[], bool]) -> int:
        """Sleep until this time or until a pin wakes; the rest in ms."""
        board = self.board
        forever_us = 10 * 365 * 86_400_000_000
        until_us = board.clock.now_us + forever_us if end_us is None else end_us
        board.clock.run_until(until_us, lambda: bool(self._pin_wakes()) or stop())
        woken = self._pin_wakes()
        self._wake = (PIN_WAKE, woken) if woken else (RTC_WAKE, [])
        return max(0, until_us - board.clock.now_us) // 1000 if end_us is not None else 0

    def _pin_wakes(self) -> list[str]:
        pins: Any = self.board.services.get("pins")
        if pins is None or not self._wake_pins:
            return []
        high = [name for name in self._wake_pins if pins.level(name)]
        if self._wake_mode == ANY_HIGH:
            return high
        return [] if high else list(self._wake_pins)

    def on_reset(self, cause: int) -> None:
        if cause != DEEPSLEEP_RESET:
            self._wake = (PWRON_WAKE, [])
            self._remaining_ms = 0
        self._wake_pins = []
        self.main_script = None
        config: Any = self.board.services.get("config")
        self._led.reset(config.flags["heartbeat_on_boot"] if config else True)

    def _halt(self, halt: DeepSleep | Reset) -> None:
        self.board.stop(halt)
        self.board.raise_halt()

    # identity and the rest

    def do_unique_id(self) -> bytes:
        return self.mac

    def do_board(self) -> dict[str, str]:
        board = self.board
        return {"name": board.name, "firmware": board.firmware, "build": board.build}

    def do_temperature(self) -> int:
        """The raw register of the sensor on the die: no unit."""
        return 110 + self._random.randrange(8)

    def do_random(self, bits: int) -> int:
        return self._random.getrandbits(bits)

    def do_random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def do_main(self, name: str) -> None:
        self.main_script = name

    def do_gc_collect(self) -> None:
        psram = self.heap_bytes > INTERNAL_HEAP_BYTES
        self.board.spend_us(COLLECT_PSRAM_US if psram else COLLECT_INTERNAL_US)

    def do_mem_free(self) -> int:
        return self.heap_bytes - VM_BYTES

    def do_mem_alloc(self) -> int:
        return VM_BYTES

    def do_free_heap(self) -> list[int | str]:
        """Internal and external C heap."""
        psram = self.heap_bytes > INTERNAL_HEAP_BYTES
        return [95_000, 1_570_000 if psram else "NO_EXT_RAM"]
