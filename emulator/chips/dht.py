"""A DHT11 or DHT22 (AM2302): asked by a long low level, it answers with 40 pulses of two widths.

[chips.air]
kind = "dht"
model = "DHT22"             # or "DHT11"
data_pin = "P9"
temperature_c = 21.4        # the physical truth
humidity_rh = 54.8
supply_pin = "P11"          # "" for always on
tenths = false              # a DHT11 of the newer kind, with tenths and temperatures below 0
negative = "sign"           # below 0: a bit of its own; "complement", "complement15" and
                            # "complement12": two's complement of 16, 15 or 12 bits, as some
                            # parts sold as DHT22 send it
early = "silent"            # asked before its interval is over; "old": repeats the last answer
misses = 0                  # so many of the next requests stay unanswered
widths_us = {zero = 30}     # release, response_low, response_high, bit_low, zero, one, last_low

The receiver of the board decides what of an answer is captured: `release_seen`, `response_seen`
(the pulses before the first bit), `end_marker` (a pulse of no length), `lost` and `cut` (so many
pulses missing at either end), `spikes` (so many of 4 us at the end, of noise). `flips` are bits
(0 is the first) that arrive turned over.

What it answers is the measurement before; being asked starts a new one. It cannot be asked while
it starts, nor within the interval, and wants a start pulse that is long enough and not too long.

Sources: Aosong manuals of DHT11, AM2302 and AM2320; for "complement" the reports
micropython/micropython-lib#1074 and adafruit/DHT-sensor-library#182, for the others
xoseperez/espurna#2638 and wiki.forth-ev.de/doku.php/en:pfw:dht22tmpformat. Not settled by them,
and modelled so here: what it holds after power-on is measured at that instant; a start pulse that
is a tenth too long is ignored; when in its interval the measurement ends. From memory: the
currents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.options import Truth, option, refuse, truth
from emulator.chips.part import Part, Span

LINE = ("dht", {"data_pin": "P9", "dht_model": "DHT22"})
INTERFACE = "pulses"
KEYS = {"dht_model": "model"}

# The longest start pulse of the manuals is no sharp limit: the example of Pycom's documentation
# sleeps for all of the 20 ms of a DHT22, which its calls make a little longer.
START_MARGIN = 1.1
ANSWER_US = 200  # a capture that begins later finds nothing any more


@dataclass(frozen=True)
class Model:
    interval_ms: float
    start_ms: Span  # least and greatest length of the start pulse
    measures_ms: Span
    temperature_c: tuple[float, float]
    humidity_rh: tuple[float, float]
    measuring_ma: float
    standby_ma: float


MODELS = {
    "DHT11": Model(1000, (18, 30), (100, 900), (-20, 60), (5, 95), 1.0, 0.1),
    "DHT22": Model(2000, (0.8, 20), (500, 1900), (-40, 80), (0, 99.9), 1.5, 0.05),
}


# Lengths of the pulses of an answer in us: least, typical, greatest
WIDTHS_US = {
    "release": (20, 30, 40),  # high, from the end of the start pulse
    "response_low": (75, 80, 85),
    "response_high": (75, 80, 85),
    "bit_low": (48, 50, 55),
    "zero": (22, 26, 30),
    "one": (68, 70, 75),
    "last_low": (45, 50, 55),
}
TYPICAL_US = {name: typical for name, (_, typical, _) in WIDTHS_US.items()}
Widths = Mapping[str, int]


# The sign bit, or what the tenths below 0 are taken away from
_BELOW_0 = {"sign": 0x8000, "complement": 0x10000, "complement15": 0x8000, "complement12": 0x1000}


@dataclass(eq=False)
class Dht(Part):
    """`line` is told what the board does to the data line, `pulses` is what the receiver catches.

    widths   of the pulses, or a function that gives them for each bit and for what surrounds them
    sends    bytes that it sends instead of what it measures, sum included; None: what it measures
    """

    temperature_c: Truth = truth(21.4, swing=2.0)
    humidity_rh: Truth = truth(54.8, swing=-4.0)
    model: str = option("DHT22", allowed=MODELS)
    tenths: bool = option(False)
    negative: str = option("sign", allowed=_BELOW_0)
    early: str = option("silent", allowed=("silent", "old"))
    misses: int = option(0)
    sends: bytes | None = None
    widths: Widths | Callable[[], Widths] = field(default_factory=lambda: TYPICAL_US)
    release_seen: bool = True
    response_seen: bool = True
    end_marker: bool = True
    lost: int = 0
    cut: int = 0
    spikes: int = 0
    flips: tuple[int, ...] = ()
    hold: Callable[[bool], object] = lambda low: None  # pulls the line down

    def __post_init__(self) -> None:
        super().__post_init__()
        self.traits = MODELS[self.model]
        self.power_up_ms = self.traits.interval_ms, self.traits.interval_ms
        self.standby_ma = self.start_ma = self.traits.standby_ma

    # Supply

    def forget(self) -> None:
        self._stored = self._measured() if self.powered else b""
        self._answer = b""  # what it sends to the request that has just ended
        self._answer_us = 0
        self._low_since_us: int | None = None
        self._asked_us: int | None = None  # when it was last measured

    # The line

    def line(self, pulled: int | None, at_us: int) -> None:
        """The board holds the line low (0), high (1) or leaves it alone (None)."""
        self.hold(self.stuck and self.here())
        if pulled == 0:
            self._low_since_us = at_us
        elif self._low_since_us is not None:
            low_ms = (at_us - self._low_since_us) / 1000
            self._low_since_us = None
            least, most = self.traits.start_ms
            asked = least <= low_ms <= most * START_MARGIN
            if self.here() and not self.busy and not self.stuck and asked:
                self._asked(at_us)

    def _asked(self, at_us: int) -> None:
        if self.misses > 0:
            self.misses -= 1
            return
        last_us = self._asked_us
        if last_us is not None and at_us - last_us < self.traits.interval_ms * 1000:
            if self.early == "silent":
                return
        else:
            self._asked_us = at_us
            self._answer = self._stored
            self.convert(
                "measure", self.traits.measuring_ma, self.traits.measures_ms, self._store, False
            )
        self._answer_us = at_us

    def pulses(self) -> list[tuple[int, int]]:
        """What a receiver catches that begins to listen now."""
        answer = self._answer
        late = self.board.clock.now_us - self._answer_us > ANSWER_US
        if not answer or late or not self.here() or self.stuck:
            return []
        self._answer_us = -ANSWER_US - 1  # sent
        value = int.from_bytes(self.damaged(self.sends or answer), "big")
        for bit in self.flips:
            value ^= 1 << 39 - bit
        found = self._shape(value)
        return found[self.lost : len(found) - self.cut]

    def _shape(self, value: int) -> list[tuple[int, int]]:
        widths = self._widths()
        found = [(1, widths["release"])] if self.release_seen else []
        if self.response_seen:
            found += [(0, widths["response_low"]), (1, widths["response_high"])]
        for bit in range(39, -1, -1):
            each = self._widths()
            found += [(0, each["bit_low"]), (1, each["one" if value >> bit & 1 else "zero"])]
        found += [(0, widths["last_low"]), *[(1, 4), (0, 4)] * self.spikes]
        if self.end_marker:
            found.append((1, 0))
        return found

    def _widths(self) -> Widths:
        return self.widths() if callable(self.widths) else self.widths

    # Measurements

    def _store(self) -> None:
        self._stored = self._measured()

    def _measured(self) -> bytes:
        seconds = self.seconds()
        celsius = _limited(self.temperature_c(seconds), self.traits.temperature_c)
        percent = _limited(self.humidity_rh(seconds), self.traits.humidity_rh)
        if self.model == "DHT11":
            data = dht11_bytes(celsius, percent, self.tenths)
        else:
            data = dht22_bytes(celsius, percent, self.negative)
        return data + bytes((sum(data) % 256,))


def dht22_bytes(celsius: float, percent: float, negative: str = "sign") -> bytes:
    """Tenths as two numbers of 16 bits; the highest bit of the second is its sign."""
    magnitude = math.floor(abs(celsius) * 10 + 0.5)
    tenths = magnitude
    if celsius < 0:
        base = _BELOW_0[negative]
        tenths = base + magnitude if negative == "sign" else (base - magnitude) % base
    humidity = math.floor(percent * 10 + 0.5)
    return humidity.to_bytes(2, "big") + (tenths & 0xFFFF).to_bytes(2, "big")


def dht11_bytes(celsius: float, percent: float, tenths: bool) -> bytes:
    """Whole number and tenths of each; without `tenths` whole ones, from 0 on."""
    if not tenths:
        return bytes((math.floor(percent + 0.5), 0, max(0, math.floor(celsius + 0.5)), 0))
    humidity = divmod(math.floor(percent * 10 + 0.5), 10)
    temperature = divmod(math.floor(abs(celsius) * 10 + 0.5), 10)
    sign = 0x80 if celsius < 0 else 0
    return bytes((*humidity, temperature[0], temperature[1] + sign))


def _limited(value: float, span: tuple[float, float]) -> float:
    return min(max(value, span[0]), span[1])


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """See the top of this file."""
    widths = _widths_of(name, table.pop("widths_us", {}))
    chip = plugging.made(Dht, board, name, table, widths=widths)
    attach(board, chip, plugging.pin(board, name, table, "data_pin", "P9"))
    plugging.supply(board, name, table, chip.power)


def _widths_of(name: str, table: dict[str, Any]) -> Widths:
    for key, value in table.items():
        if key not in WIDTHS_US or type(value) is not int or value < 1:
            allowed = f"{', '.join(WIDTHS_US)}, each an integer of 1 or more"
            refuse(name, f"widths_us.{key}", value, allowed)
    return {**TYPICAL_US, **table}


def attach(board: Board, chip: Dht, data_pin: str) -> None:
    """Connect the chip, and the resistor of its data line, with a pin of the board."""
    pins: Any = board.services["pins"]
    pins.pull_up(data_pin)
    pins.on_level(data_pin, chip.line)
    pins.pulse_sources[data_pin] = chip.pulses
    chip.hold = lambda low: pins.hold_low(data_pin, chip.name, low)
