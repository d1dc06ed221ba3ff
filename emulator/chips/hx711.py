"""A HX711 with a load cell: conversions of 24 bits, fetched by pulses on the clock line.

[chips.scale]
kind = "hx711"
data_pin = "P9"
clock_pin = "P10"
load_kg = 12.3              # the physical truth
b_mv_per_v = 0.0            # what stands at input B, by the supply
capacity_kg = 50            # of the cell; with its mv_per_v and its zero_mv_per_v
rate = 10                   # conversions in a second, or 80
noise_counts = 30           # standard deviation at gain 128

What it does: the pulses after the 24 bits select input and gain of the next conversion; a clock
line that is high for more than 60 us switches it off, and on when it falls, with input A and gain
128; after a start or a change it takes four conversions to settle; an input out of range reads
7FFFFF or 800000. `speed` is its oscillator as a share of nominal, `settles_silently` False makes
DOUT fall for each of the conversions that have not settled, too.

Source: AVIA Semiconductor HX711 data sheet (tables 1 to 3, figure 2). Not settled by it, and
modelled so here: DOUT is high while the chip is off; a conversion that ends while the one before
is being fetched takes its place; fewer than 25 or more than 27 pulses leave input and gain as
they were (`misread` counts them). From memory: the currents. The bridge, 1 kOhm at 3.3 V, is
supplied by the chip and is off with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.options import Truth, option
from emulator.chips.part import Part, Span

LINE = ("hx711", {"data_pin": "P9", "clock_pin": "P10"})
INTERFACE = "clock, data"

PERIOD_MS: dict[int, Span] = {10: (100.0, 110.0), 80: (12.5, 13.75)}
GAIN_OF_PULSES = {25: 128, 26: 32, 27: 64}
FULL_SCALE = 1 << 23
OFF_US = 60  # a clock line that is high for longer
_SETTLING = 4  # conversions
_ON_MA, _OFF_MA, _BRIDGE_MA = 1.5, 0.001, 3.3
_UNREAD = 8  # conversions nobody fetched: from then on they are made up for when one is


@dataclass(eq=False)
class Hx711(Part):
    """`clock(level)` is the clock line; `show` is called with each level of DOUT (None: open).

    ratio_a, ratio_b   truths: the voltage between the two pins of an input, by the supply
    """

    ratio_a: Truth
    ratio_b: Truth = lambda seconds: 0.0
    rate: int = option(10, allowed=PERIOD_MS)
    noise_counts: float = option(0.0, most=1e6)
    speed: float = option(1.0, least=0.5, most=2)
    settles_silently: bool = True
    show: Callable[[int | None], object] = lambda level: None

    def __post_init__(self) -> None:
        self.misread = 0
        self.level: int | None = None  # of DOUT
        self._clock_level = 0
        self._edges = 0  # rising ones, ever
        super().__post_init__()

    # Supply

    def forget(self) -> None:
        self.on = False
        self.new_task()
        self.gain = 128
        self._put(None if not self.powered else 1)

    def started(self) -> None:
        if self._clock_level:
            self._switch_off()
        else:
            self._start()

    def rest(self) -> None:
        if self.on:
            self.draw("convert", _ON_MA + _BRIDGE_MA)
        else:
            self.draw("sleep", _OFF_MA)

    def _start(self) -> None:
        self.forget()
        self.on = True
        self._pulses = 0
        self._word = 0
        self._settle()
        self.rest()
        self._next_in(self._period_us())

    def _switch_off(self) -> None:
        self.forget()
        self._put(1)
        self.rest()

    # The clock line

    def clock(self, level: int) -> None:
        if level == self._clock_level:
            return
        self._clock_level = level
        if not self.powered:
            return
        if level:
            self._edges += 1
            edge = self._edges
            self.later_us(OFF_US + 1, lambda: self._still_high(edge))
            if self.on:
                self._pulse()
        elif not self.on:
            self._start()
        elif not self._pulses:
            self.misread += 1  # nothing was ready

    def _still_high(self, edge: int) -> None:
        if self._clock_level and edge == self._edges and self.on:
            self._switch_off()

    def _pulse(self) -> None:
        if self._unread >= _UNREAD:
            self._catch_up()
        if not self._pulses and self.level != 0:
            return  # nothing is ready
        self._pulses += 1
        self._last_pulse_us = self.board.clock.now_us
        if self._pulses <= 24:
            self._put(self._word >> 24 - self._pulses & 1)
        else:
            self._put(1)

    def _put(self, level: int | None) -> None:
        if self.absent or not self.powered:
            level = None
        elif self.stuck:
            level = 0
        self.level = level
        self.show(level)

    # Conversions

    def _period_us(self) -> int:
        return round((self.span_ms(PERIOD_MS[self.rate]) / self.speed + self.extra_ms) * 1000)

    def _settle(self) -> None:
        self._inputs = [0.0] * _SETTLING  # the filter
        self._done = 0  # conversions since
        self._unread = 0

    def _next_in(self, delay_us: int) -> None:
        self.brown_out_in(delay_us // 2)
        self.later_us(delay_us, self.of_task(self._converted))

    def _converted(self) -> None:
        selected = GAIN_OF_PULSES.get(self._pulses, self.gain)
        if self._pulses and self._pulses not in GAIN_OF_PULSES:
            self.misread += 1
        fetched = self._pulses > 0
        self._pulses = 0
        if selected != self.gain:
            self.gain = selected
            self._settle()
            self._next_in(self._last_pulse_us + self._period_us() - self.board.clock.now_us)
            return
        self._convert_at(self.seconds())
        self._unread = 0 if fetched else self._unread + 1
        if self._done >= _SETTLING or not self.settles_silently:
            self._put(0)
        if self._unread < _UNREAD:
            self._next_in(self._period_us())
        else:
            self._ended_us = self.board.clock.now_us

    def _catch_up(self) -> None:
        """Make the conversions that ended while nobody looked, as far as they still matter."""
        period_us = self._period_us()
        passed = (self.board.clock.now_us - self._ended_us) // period_us
        for number in range(max(1, passed - _SETTLING + 1), passed + 1):
            self._convert_at((self._ended_us + number * period_us) / 1e6)
        self._unread = 0
        self._next_in(self._ended_us + (passed + 1) * period_us - self.board.clock.now_us)

    def _convert_at(self, seconds: float) -> None:
        ratio = self.ratio_b if self.gain == 32 else self.ratio_a
        self._inputs = [*self._inputs[1:], ratio(seconds)]
        self._done += 1
        # full scale is half the supply by the gain, on either side
        share = sum(self._inputs) / _SETTLING * self.gain / 0.5
        noise = self.rng.gauss(0, self.noise_counts) * self.gain / 128
        counts = min(max(round(share * FULL_SCALE + noise), -FULL_SCALE), FULL_SCALE - 1)
        # turned round, for damage to hit a bit that weighs something
        word = (counts & 0xFFFFFF).to_bytes(3, "little")
        self._word = int.from_bytes(self.damaged(word), "little")


def load_cell(load_kg: Truth, capacity_kg: float, mv_per_v: float, zero_mv_per_v: float) -> Truth:
    """What a bridge gives for a load, as a share of its supply."""
    return lambda seconds: (zero_mv_per_v + mv_per_v * load_kg(seconds) / capacity_kg) / 1000


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """See the top of this file."""
    cell = load_cell(
        plugging.truth(board, name, table, "load_kg", 12.3, swing=0.5),
        plugging.value(name, table, "capacity_kg", 50.0, least=0.001, most=1e6),
        plugging.value(name, table, "mv_per_v", 2.0, least=-100, most=100),
        plugging.value(name, table, "zero_mv_per_v", 0.05, least=-100, most=100),
    )
    at_b = plugging.truth(board, name, table, "b_mv_per_v", 0.0)
    table.setdefault("noise_counts", 30)
    chip = plugging.made(
        Hx711, board, name, table, ratio_a=cell, ratio_b=lambda seconds: at_b(seconds) / 1000
    )
    data_pin = plugging.pin(board, name, table, "data_pin", "P9")
    attach(board, chip, data_pin, plugging.pin(board, name, table, "clock_pin", "P10"))
    plugging.supply(board, name, table, chip.power)


def attach(board: Board, chip: Hx711, data_pin: str, clock_pin: str) -> None:
    """Connect the chip with two pins of the board."""
    pins: Any = board.services["pins"]
    chip.show = lambda level: pins.drive(data_pin, level)
    pins.on_change(clock_pin, chip.clock)
    chip.clock(pins.level(clock_pin))
