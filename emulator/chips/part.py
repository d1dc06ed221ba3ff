"""What all emulated parts have: a supply, a start, conversions that take time, current, faults.

A part forgets everything when its supply goes, and draws from the energy meter under its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, fields

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.options import Truth, option

Span = tuple[float, float]  # ms, typical and greatest


@dataclass(eq=False)
class Part:
    """Base of the chips. Give `power_up_ms` and `standby_ma`; override `forget` and `started`.

    A chip is a dataclass as well: its fields are its truths, its options and what tests change.
    The ones below are the faults that every part has.
    """

    power_up_ms = (0.0, 0.0)  # from supply on to ready
    start_ma = 0.0  # meanwhile
    standby_ma = 0.0
    any_bit_fails = False  # which bit is turned over: the last, or any

    board: Board
    _: KW_ONLY
    name: str = ""  # by default that of the class
    # where between typical and greatest each conversion and start ends
    lateness: float = option(0.0, most=1)
    extra_ms: float = option(0.0, most=60_000)  # added to each conversion
    absent: bool = option(False)  # it is not there
    stuck: bool = option(False)  # it holds its line down, so that all reads are zeros
    corrupt: int = option(0)  # so many of the next answers arrive with one bit turned over
    corrupt_rate: float = option(0.0, most=1)  # the share of answers to which that happens
    # so many of the next conversions lose the supply for an instant half way through
    brown_out: int = option(0)

    def __post_init__(self) -> None:
        self.name = self.name or type(self).__name__.lower()
        for each in fields(self):
            if "option" in each.metadata and getattr(self, each.name) is not each.default:
                value = getattr(self, each.name)
                limits = each.metadata["option"]
                setattr(self, each.name, limits.checked(self.name, each.name, value))
        self.powered = False
        self.powered_us = 0  # since then
        self.rng = self.board.rng("chip " + self.name)
        self._ready_us = 0  # busy until then
        self._period = 0  # of supply: makes events of the time before void
        self._task = 0
        self.board.meter.set(self.name, "off", 0.0)
        self.forget()

    # For the chip to override

    def forget(self) -> None:
        """All that the supply kept is as after power-on; what is in non-volatile memory stays."""

    def started(self) -> None:
        """The start is over."""

    # Supply

    def power(self, on: bool) -> None:
        """Switch the supply. Off, the part forgets everything; on, it starts."""
        if on == self.powered:
            return
        self.powered = on
        self._period += 1
        self._ready_us = 0
        self.new_task()
        self.forget()
        if not on:
            self.board.meter.set(self.name, "off", 0.0)
            return
        self.powered_us = self.board.clock.now_us
        start_us = self.busy_for(self.power_up_ms)
        self.draw("start", self.start_ma)

        def ready() -> None:
            self.rest()
            self.started()

        self.later_us(start_us, ready)

    def here(self) -> bool:
        """It is there and supplied."""
        return self.powered and not self.absent

    # Time and current

    @property
    def busy(self) -> bool:
        return self.board.clock.now_us < self._ready_us

    def busy_for(self, span: Span) -> int:
        """Not ready for so long from now; how long that is, in us."""
        duration_us = round(self.span_ms(span) * 1000)
        self._ready_us = self.board.clock.now_us + duration_us
        return duration_us

    def span_ms(self, span: Span) -> float:
        """Where between typical and greatest this part is."""
        return span[0] + (span[1] - span[0]) * self.lateness

    def seconds(self) -> float:
        """Virtual time, for the truths."""
        return self.board.clock.now_us / 1e6

    def later_us(self, delay_us: int, call: Callable[[], object]) -> None:
        """Call later, unless the supply goes before."""
        period = self._period
        self.board.clock.schedule(delay_us, lambda: call() if period == self._period else None)

    def new_task(self) -> None:
        """Make what `of_task` was given so far void: the chip does something else now."""
        self._task += 1

    def of_task(self, call: Callable[[], object]) -> Callable[[], object]:
        """`call`, as long as no other task has begun."""
        task = self._task
        return lambda: call() if task == self._task else None

    def draw(self, state: str, milliamps: float) -> None:
        self.board.meter.set(self.name, state, milliamps)

    def rest(self) -> None:
        self.draw("standby", self.standby_ma)

    def convert(
        self,
        state: str,
        milliamps: float,
        span: Span,
        done: Callable[[], object] = lambda: None,
        blocks: bool = True,
    ) -> int:
        """A conversion: draws current, ends with `done()` and rest; its duration in us.

        blocks: the part is busy meanwhile. A brown-out that is due takes the supply away half way.
        """
        duration_us = round((self.span_ms(span) + self.extra_ms) * 1000)
        if blocks:
            self._ready_us = self.board.clock.now_us + duration_us
        self.draw(state, milliamps)
        self.brown_out_in(duration_us // 2)

        def end() -> None:
            self.rest()
            done()

        self.later_us(duration_us, end)
        return duration_us

    def brown_out_in(self, delay_us: int) -> None:
        """Lose the supply in the middle of a conversion that begins, if a brown-out is due."""
        if self.brown_out > 0:
            self.brown_out -= 1
            self.later_us(delay_us, self.interrupt_supply)

    def interrupt_supply(self) -> None:
        """The supply is away for an instant."""
        self.power(False)
        self.power(True)

    # Answers

    def damaged(self, answer: bytes) -> bytes:
        """The answer as it arrives: with a bit turned over, if that is due."""
        if not self.hit() or not answer:
            return answer
        bit = self.rng.randrange(8 * len(answer)) if self.any_bit_fails else 0
        return (int.from_bytes(answer, "big") ^ 1 << bit).to_bytes(len(answer), "big")

    def hit(self) -> bool:
        """Whether the answer that is due now is one of those that are damaged."""
        if self.corrupt > 0:
            self.corrupt -= 1
            return True
        return self.corrupt_rate > 0 and self.rng.random() < self.corrupt_rate


@dataclass(eq=False)
class I2cPart(Part):
    """A chip on an I2C bus: `command` what is written to it, `answer` what is read from it."""

    any_bit_fails = True  # a wire does not choose its bits

    _: KW_ONLY
    address: int = 0  # on the bus; 0: as usual for its kind

    def command(self, data: bytes) -> None:
        """One write transfer: the bytes after the address, at least one; `Nack` refuses them."""

    def answer(self, count: int) -> bytes:
        """One read transfer; what is short is filled up with 0xFF, as an open bus reads."""
        return b""

    def acknowledges(self, reading: bool) -> bool:
        """Whether the address is acknowledged now, by a part that is supplied."""
        return not self.busy

    # for the bus

    def write(self, data: bytes) -> None:
        self._need(reading=False)
        if data:  # without data it is the probe of a scan
            self.command(data)

    def read(self, count: int) -> bytes:
        self._need(reading=True)
        if self.stuck:
            return bytes(count)
        return self.damaged(self.answer(count)[:count]).ljust(count, b"\xff")

    def _need(self, reading: bool) -> None:
        if not self.here():
            raise Nack(f"{self.name} is not there")
        if not self.stuck and not self.acknowledges(reading):
            raise Nack(f"{self.name} is busy")


def looks(truth: Truth, begin_us: int, end_us: int, count: int) -> list[float]:
    """What a truth was at so many instants, evenly over a conversion."""
    step_us = (end_us - begin_us) / count
    return [truth((begin_us + (number + 0.5) * step_us) / 1e6) for number in range(count)]


def inverse(function: Callable[[float], float], value: float, high: float) -> float:
    """Where, between 0 and `high`, a monotonic function has this value: found by halving."""
    low = 0.0
    rising = function(high) > function(low)
    for _ in range(60):
        middle = (low + high) / 2
        if (function(middle) < value) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def crc(message: int, polynomial: int) -> int:
    """A checksum: what a long division of the message, as a polynomial, leaves."""
    degree = polynomial.bit_length() - 1
    message <<= degree
    while message >> degree:
        message ^= polynomial << message.bit_length() - degree - 1
    return message


def crc8(data: bytes, start: int = 0) -> int:
    """CRC-8 of several makers: x^8 + x^5 + x^4 + 1."""
    return crc(int.from_bytes(data, "big") ^ start << 8 * len(data) >> 8, 0x131)


def mirrored(number: int, bits: int = 8) -> int:
    """The number with its lowest bit first, as some wires have it."""
    return int(f"{number:0{bits}b}"[::-1], 2)
