"""The pins: modes, levels, pulls, hold, edge interrupts, and what hangs on them outside.

Outside the board: `drive("P9", 0)` puts a level on a pin, `drive("P9", None)` lets it go.
`on_change("P22", f)` calls f(level) whenever the level that the board itself puts on the pin
changes: that is how a pin supplies a chip.

A line that several parts share: `pull_up("P3")` is the resistor to the supply,
`hold_low("P3", key, True)` is one part that pulls it down; it is high again once the board and
every key have let go. `on_level("P3", f)` calls f(pulled, at_us) whenever the board does something
else to the line: pulled is 0 while it holds it low (as open drain or as output), 1 while it drives
it high, None while it leaves it alone. Watchers may pull or let go at once.

`pulse_sources["P3"]` is a callable that yields the (level, duration_us) pairs of pulses_get and
of a receiving machine.RMT. These turn the pin into an input first, so `on_level` has told of the
end of a start pulse by then.

Some pins have an owner on the board itself: the modem, the console, the LED. `on_use("P5", f)`
calls f(how) whenever the program sets up or drives the pin, which takes it from the owner: how is
"in", "out" (open drain, a bus), or "adc".

A pin that is only an input takes the mode of an output without an error: ESP-IDF refuses it, and
the firmware does not look. Nothing is driven.
Source: Pycom firmware 1.20.2.r4 (machpin.c, boards/*/pins.csv), ESP-IDF 3.3 (gpio_config).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

from emulator.board.board import FAST_CALL_US, SOFT_RESET, Board, Service
from emulator.board.constants import CODE, ESTIMATE, constant

IN, OUT, OPEN_DRAIN = 1, 2, 7
PULL_UP, PULL_DOWN = 1, 2
RISING, FALLING, LOW_LEVEL, HIGH_LEVEL = 1, 2, 4, 5
EDGES = RISING | FALLING

INPUT_ONLY = ("P13", "P14", "P15", "P16", "P17", "P18")
# GPIO3, 1, 5, 19, 22, 21, 23 and 18 are not in the RTC domain of the ESP32.
NOT_RTC = ("P0", "P1", "P5", "P7", "P11", "P12", "P98", "P99")
_NO_HOLD = "the hold functionality is only available for GPIO pins in the RTC domain"
MODEM_PINS = {"GPy": ("P5", "P98", "P7", "P99"), "FiPy": ("P20", "P18", "P19", "P17")}
CONSOLE_TX, CONSOLE_RX = "P1", "P0"  # UART 0
LED = "P2"
SAFE_BOOT = "P12"
# Left as they are by the firmware's start; it makes inputs with pull-down of all others
KEPT_AT_BOOT = (CONSOLE_TX, LED, SAFE_BOOT)
KEPT_FOR_MODEM = {"GPy": ("P5", "P7"), "FiPy": ("P20", "P18", "P19", "P17")}
# Longest wait for pulses once no edge follows: the receiver's idle threshold.
PULSE_IDLE_US = constant(
    65_535, "us", CODE, "1.20.2.r4 modpycom.c: idle threshold of the receiver"
)
# arguments by name, then the registers of one pin
INIT_US = constant(8, "us", ESTIMATE, "arguments by name, then the registers of one pin")


@dataclass
class Pin:
    name: str
    mode: int = IN
    pull: int | None = PULL_DOWN
    output: int = 0
    peripheral: int | None = None  # level that a peripheral puts out in place of `output`
    outside: int | None = None  # level put on it from outside
    holders: set[str] = field(default_factory=set)  # what pulls it low from outside
    resistor: bool = False  # to the supply, outside
    hold: bool = False
    hold_shown: bool = False  # what hold() says: a reset forgets it, the pad does not
    # mode, pull, output and peripheral set while held
    held_back: tuple[int, int | None, int, int | None] | None = None
    trigger: int = 0
    watchers: list[Callable[[int], object]] = field(default_factory=list)
    shown: int = 0  # level last told to the watchers
    line_watchers: list[Callable[[int | None, int], object]] = field(default_factory=list)
    pulled_shown: int | None = None
    input_only: bool = False
    users: list[Callable[[str], object]] = field(default_factory=list)
    outside_watchers: list[Callable[[], object]] = field(default_factory=list)

    def level(self) -> int:
        if self.mode == OUT and not self.input_only:
            return self.output if self.peripheral is None else self.peripheral
        if self.mode == OPEN_DRAIN and self.output == 0:
            return 0
        if self.holders:
            return 0
        if self.outside is not None:
            return self.outside
        if self.mode == OPEN_DRAIN or self.resistor:
            return 1  # the resistor is stronger than the ESP32's own, some 45 kOhm
        return 1 if self.pull == PULL_UP else 0

    def pulled(self) -> int | None:
        """What the board does to the line; None: nothing."""
        if self.input_only:
            return None
        if self.mode == OUT:
            return self.level()
        return 0 if self.mode == OPEN_DRAIN and self.output == 0 else None


class Pins(Service):
    looks = frozenset({"read"})
    sets = frozenset({"write"})

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.call_us = {  # of this board's pins: a test may make them faster or slower
            "init": INIT_US,
            "set": INIT_US,
            **dict.fromkeys(("read", "write", "toggle", "mode", "pull", "hold"), FAST_CALL_US),
        }
        names = [f"P{number}" for number in range(24)]
        if board.name == "GPy":
            names += ["P98", "P99"]
        self._pins = {name: Pin(name, input_only=name in INPUT_ONLY) for name in names}
        self._index = {name: number for number, name in enumerate(names)}
        self._late: dict[str, list[list[int]]] = {}  # captures that came after the time-out
        self.pulse_sources: dict[str, Callable[[], list[tuple[int, int]]]] = {}

    # the outside

    def level(self, name: str) -> int:
        return self._pins[name].level()

    def drive(self, name: str, level: int | None) -> None:
        """Put a level on a pin from outside, or let go of it with None."""
        pin = self._pins[name]
        self._change(pin, lambda: setattr(pin, "outside", level))
        for watcher in pin.outside_watchers:
            watcher()

    def pull_up(self, name: str, there: bool = True) -> None:
        """Fit the pin with a resistor to the supply, or take it away."""
        pin = self._pins[name]
        self._change(pin, lambda: setattr(pin, "resistor", there))

    def hold_low(self, name: str, key: str, on: bool) -> None:
        """Have `key`, one of many on the line, pull the pin low or let it go."""
        pin = self._pins[name]
        self._change(pin, lambda: (pin.holders.add if on else pin.holders.discard)(key))

    def on_level(self, name: str, watcher: Callable[[int | None, int], object]) -> None:
        """Have `watcher` told what the board does to the line, and when, at each change."""
        self._pins[name].line_watchers.append(watcher)

    def on_change(self, name: str, watcher: Callable[[int], object]) -> None:
        """Have `watcher` told the level that the board puts on the pin, at each change."""
        self._pins[name].watchers.append(watcher)

    def on_drive(self, name: str, watcher: Callable[[], object]) -> None:
        """Have `watcher` told each time `drive` has put a level on the pin."""
        self._pins[name].outside_watchers.append(watcher)

    def on_use(self, name: str, watcher: Callable[[str], object]) -> None:
        """Have `watcher` told each time the program takes the pin from its owner on the board."""
        self._pins[name].users.append(watcher)

    def use(self, name: str, how: str) -> None:
        """The program uses the pin: "in", "out" or "adc"."""
        for watcher in self._pins[name].users:
            watcher(how)

    def own(
        self, name: str, mode: int, output: int, peripheral: int | None = None,
        pull: int | None = None,
    ) -> None:  # fmt: skip
        """The owner on the board sets up or drives its pin: a peripheral that puts out a level
        leaves the number stored for the pin alone."""
        self._pins[name].trigger = 0
        self._put(self._pins[name], mode, pull, output, peripheral, used=False)

    def connected(self, name: str) -> bool:
        """Anything outside drives the line, or looks at it."""
        pin = self._pins[name]
        listeners = (*pin.watchers, *pin.line_watchers, *pin.outside_watchers)
        puts = pin.outside is not None or pin.holders or pin.resistor
        return bool(puts or listeners or name in self.pulse_sources)

    def driven(self, name: str) -> int | None:
        """The level that the board puts on the pad; None: it floats."""
        return self._pins[name].pulled()

    def on_reset(self, cause: int) -> None:
        self._late.clear()
        kept = KEPT_AT_BOOT + KEPT_FOR_MODEM.get(self.board.name, ())
        for pin in self._pins.values():
            pin.trigger = 0
            if cause != SOFT_RESET:
                pin.hold_shown = False
            if pin.hold and cause != SOFT_RESET:
                pin.held_back = IN, PULL_DOWN, 0, None
                continue
            if pin.name in kept:
                if cause != SOFT_RESET:  # the pad as the chip's reset leaves it
                    self._set(pin, IN, None, 0)
                continue
            self._set(pin, IN, PULL_DOWN, 0)

    def on_sleep(self, duration_ms: int | None) -> None:
        for pin in self._pins.values():
            if not pin.hold:
                self._set(pin, IN, None, 0)

    # the device

    def do_names(self) -> list[str]:
        return list(self._pins)

    def do_index(self, name: str) -> int:
        return self._index[name]

    def do_init(self, name: str, mode: int, pull: int | None, value: int | None) -> None:
        """Pin() and Pin.init(): they also end the interrupts that callback() had asked for."""
        self.do_set(name, mode, pull, value)
        self._pins[name].trigger = 0

    def do_set(self, name: str, mode: int, pull: int | None, value: int | None = None) -> None:
        pin = self._pins[name]
        if mode not in (IN, OUT, OPEN_DRAIN) or pull not in (None, PULL_UP, PULL_DOWN):
            raise ValueError("invalid argument(s) value")
        self._put(pin, mode, pull, value)

    def do_mode(self, name: str) -> int:
        return self._pins[name].mode

    def do_pull(self, name: str) -> int | None:
        return self._pins[name].pull

    def do_read(self, name: str) -> int:
        """Of an output the number that was stored, not the level (machpin.c)."""
        pin = self._pins[name]
        return pin.output if pin.mode == OUT else pin.level()

    def do_write(self, name: str, level: int) -> None:
        """Store the number; the pad shows it unless a peripheral drives it."""
        pin = self._pins[name]
        set_to = pin.held_back or (pin.mode, pin.pull, 0, pin.peripheral)
        self._put(pin, *set_to[:2], level, set_to[3], used=set_to[3] is None)

    def do_toggle(self, name: str) -> None:
        """Turn over what the board puts out, whatever level is on the line."""
        pin = self._pins[name]
        self.do_write(name, 1 - (pin.held_back[2] if pin.held_back else pin.output))

    def do_hold(self, name: str, on: bool | None) -> bool:
        pin = self._pins[name]
        if on is not None:
            pin.hold_shown = on
            if name in NOT_RTC:
                raise OSError(_NO_HOLD)
            pin.hold = on
        if pin.held_back and not pin.hold:
            self._set(pin, *pin.held_back)
        return pin.hold_shown

    def _put(
        self, pin: Pin, mode: int, pull: int | None, value: int | None,
        peripheral: int | None = None, used: bool = True,
    ) -> None:  # fmt: skip
        """Set the pin; one that is held stays as it is and shows that when it is let go."""
        if value is None:
            value = pin.held_back[2] if pin.held_back else pin.output
        if pin.hold:
            pin.held_back = mode, pull, value, peripheral
        else:
            self._set(pin, mode, pull, value, peripheral)
        if used and pin.users:
            self.use(pin.name, "in" if mode == IN else "out")

    def do_watch(self, name: str, trigger: int) -> None:
        """Raise an interrupt at these edges or levels; 0: none."""
        pin = self._pins[name]
        pin.trigger = trigger
        if (trigger, pin.level()) in ((LOW_LEVEL, 0), (HIGH_LEVEL, 1)):
            self.board.interrupt("pins", self._index[name], trigger)

    def do_pulses(self, name: str, timeout_ms: int) -> list[list[int]]:
        """What pulses_get receives: two levels an item, padded by a level of no length.

        Given less time than the frame and the idle time behind it take, it gets nothing, and
        the next call gets this capture.
        """
        self._listen(name)
        late = self._late.pop(name, None)
        if late:  # the end of an earlier capture that had no time left
            return late
        pulses = self._heard(name)
        length_us = sum(duration for _, duration in pulses) + PULSE_IDLE_US
        if len(pulses) % 2:
            pulses = [*pulses, (1 - pulses[-1][0], 0)]
        items = [list(pulse) for pulse in pulses]
        if not items or length_us > timeout_ms * 1000:
            self._late[name] = items
            self.board.spend_us(timeout_ms * 1000)
            return []
        self.board.spend_us(length_us)
        return items

    def do_receive(self, name: str, idle_us: int, timeout_ms: int) -> list[list[int]]:
        """What a channel of machine.RMT receives: up to a level that lasts longer than idle."""
        pulses: list[list[int]] = []
        self._listen(name)
        for level, length_us in self._heard(name):
            if not 0 < length_us <= idle_us:
                break
            pulses.append([level, length_us])
        needed_us = sum(length_us for _, length_us in pulses) + idle_us
        if not pulses or needed_us > timeout_ms * 1000:
            self.board.spend_us(timeout_ms * 1000)
            return []
        self.board.spend_us(needed_us)
        return pulses

    def do_send(self, name: str, pulses: list[list[int]], idle: int, wait: bool) -> None:
        """Put levels of so many us on the pin, then `idle`; without `wait` while others go on."""
        pin, at_us = self._pins[name], 0
        for level, length_us in [*pulses, [idle, 0]]:
            self.board.clock.schedule(at_us, functools.partial(self._send, pin, level))
            at_us += length_us
        if wait:
            self.board.spend_us(at_us)

    def _send(self, pin: Pin, level: int) -> None:
        self._put(pin, OUT, pin.pull, level)

    def _listen(self, name: str) -> None:
        """The receiver takes the pin, which turns it into an input."""
        pin = self._pins[name]
        self._set(pin, IN, pin.pull, pin.output)
        self.use(name, "in")

    def _heard(self, name: str) -> list[tuple[int, int]]:
        """What one block of the receiver takes of the pulses on a pin."""
        source = self.pulse_sources.get(name)
        return source()[:128] if source else []

    # changes

    def _set(
        self, pin: Pin, mode: int, pull: int | None, output: int, peripheral: int | None = None
    ) -> None:
        def apply() -> None:
            pin.mode, pin.pull, pin.output = mode, pull, 1 if output else 0
            pin.peripheral = peripheral
            pin.held_back = None

        self._change(pin, apply)

    def _change(self, pin: Pin, apply: Callable[[], None]) -> None:
        before = pin.level()
        apply()
        after = pin.level()
        edge = (RISING if after else FALLING) if after != before else 0
        if edge and (pin.trigger in (EDGES, edge)):
            self.board.interrupt("pins", self._index[pin.name], edge)
        elif edge and (pin.trigger, after) in ((LOW_LEVEL, 0), (HIGH_LEVEL, 1)):
            self.board.interrupt("pins", self._index[pin.name], pin.trigger)
        pulled = pin.pulled()
        driven = 1 if pulled else 0
        if driven != pin.shown:
            pin.shown = driven
            for watcher in pin.watchers:
                watcher(driven)
        if pulled != pin.pulled_shown:
            pin.pulled_shown = pulled
            for line_watcher in pin.line_watchers:
                line_watcher(pulled, self.board.clock.now_us)
