"""A TSL2561 (TSL2560, APDS-9301) at register level: two channels of light at I2C address 0x39.

While it is on, one integration follows the other; channels change at the end of each, and keep
their last values while it is off. Switching on and writing the timing start one anew. Reading the
low byte of a channel keeps its high byte for the next read. Counts stop at what the number of
clock periods allows: 5047, 37177, 65535 (TAOS data sheet TAOS059).

The truth: `light_lx(t)` and `infrared(t)`, the ratio of channel 1 to channel 0: about 0.1 for
white LEDs, 0.3 in daylight, 0.6 for filament lamps. What the channels see is found by the lux
equation of the data sheet with real numbers, solved for channel 0. The light is averaged over an
integration, so that lamps may flicker.

`clock` below 0.9 is a part that is slower than the data sheet allows; users have such ones.

From memory, not looked up again: the currents, that it is ready 1 to 3 ms after power-on, and what
is read beyond a register without asking for a word or block: the next registers.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.chips import plugging
from emulator.chips.light import LOOK_US, mean_light
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import I2cPart
from emulator.chips.registers16 import Cycles

ADDRESS = 0x39
LINE = ("tsl2561", {"sda_pin": "P9", "scl_pin": "P10"})

IDENTITIES = {"tsl2561t": 0x50, "tsl2561cs": 0x10, "tsl2560t": 0x40, "tsl2560cs": 0x00}

_CONTROL, _TIMING, _THRESHOLDS, _INTERRUPT, _ID, _DATA = 0, 1, range(2, 6), 6, 10, range(12, 16)
_COMMAND = 0x80
_GAIN, _MANUAL = 0x10, 0x08
_CYCLES = (11, 81, 322)  # of 918 clock periods each
_CLOCK_KHZ = (735.0, 690.0)  # typical, slowest
_FULL = (5047, 37177, 65535, 65535)

# Upper bounds of the ratio r, and lux per count of channel 0 at 402 ms and gain 16:
# a - b * r ** exponent
_PLASTIC = (
    (0.50, 0.0304, 0.062, 1.4),
    (0.61, 0.0224, 0.031, 1),
    (0.80, 0.0128, 0.0153, 1),
    (1.30, 0.00146, 0.00112, 1),
)
_CHIP_SCALE = (
    (0.52, 0.0315, 0.0593, 1.4),
    (0.65, 0.0229, 0.0291, 1),
    (0.80, 0.0157, 0.0180, 1),
    (1.30, 0.00338, 0.00260, 1),
)
RATIO_MAX = 1.29  # beyond, any light is 0 lx to the equation, so that there is no way back


def lux_per_count(ratio: float, chip_scale: bool) -> float:
    """The lux that one count of channel 0 stands for, at 402 ms and gain 16."""
    for greatest, a, b, exponent in _CHIP_SCALE if chip_scale else _PLASTIC:
        if ratio <= greatest:
            return a - b * ratio**exponent
    return 0.0


@dataclass(eq=False)
class Tsl2561(I2cPart):
    """One chip."""

    power_up_ms = (1.0, 3.0)
    start_ma = 0.24
    standby_ma = 0.0032
    active_ma = 0.24

    light_lx: Truth = truth(320.0, swing=80.0)
    infrared: Truth = truth(0.3)
    model: str = option("tsl2561t", allowed=IDENTITIES)
    clock: float = option(1.0, least=0.3, most=1.2)  # the share of its speed

    def forget(self) -> None:
        self._registers = bytearray(16)
        self._registers[_TIMING] = 0x02
        self._channels = (0, 0)  # of the last integration that has ended
        self._shadow = [0, 0]  # high bytes
        self._cycles: Cycles | None = None  # the integrations that follow each other
        self._began_by_hand_us: int | None = None
        self._pointer = 0

    # Transfers

    def command(self, data: bytes) -> None:
        if not data[0] & _COMMAND:
            return
        self._pointer = data[0] & 0x0F
        for place, value in enumerate(data[1:]):
            self._write((self._pointer + place) & 0x0F, value)

    def answer(self, count: int) -> bytes:
        return bytes(self._read((self._pointer + place) & 0x0F) for place in range(count))

    def _write(self, register: int, value: int) -> None:
        if register == _CONTROL:
            self._latch()
            was_on = self._on
            self._registers[_CONTROL] = value & 0x03
            if self._on != was_on:
                self._start() if self._on else self._stop()
        elif register == _TIMING:
            self._latch()
            was_manual = bool(self._registers[_TIMING] & _MANUAL)
            self._registers[_TIMING] = value & 0x1B
            if self._by_hand and was_manual and not value & _MANUAL:
                self._end_by_hand()
            elif self._on:
                self._start()
        elif register in _THRESHOLDS or register == _INTERRUPT:
            self._registers[register] = value

    def _read(self, register: int) -> int:
        if register == _ID:
            return IDENTITIES[self.model]
        if register not in _DATA:
            return self._registers[register]
        channel, high = divmod(register - _DATA[0], 2)
        if high:
            return self._shadow[channel]
        self._latch()
        self._shadow[channel], low = divmod(self._channels[channel], 256)
        return low

    # Integrations

    @property
    def _on(self) -> bool:
        return self._registers[_CONTROL] == 0x03

    @property
    def _by_hand(self) -> bool:
        return self._registers[_TIMING] & 0x03 == 0x03

    def integration_us(self) -> int:
        """How long one takes with the present timing; 0 if it is begun and ended by commands."""
        if self._by_hand:
            return 0
        clock_khz = self.span_ms(_CLOCK_KHZ) * self.clock
        periods = 918 * _CYCLES[self._registers[_TIMING] & 0x03]
        return round(periods * 1000 / clock_khz + self.extra_ms * 1000)

    def _start(self) -> None:
        self.draw("active", self.active_ma)
        now_us = self.board.clock.now_us
        self._began_by_hand_us = now_us if self._registers[_TIMING] & _MANUAL else None
        self._cycles = None if self._by_hand else Cycles(now_us, self.integration_us())
        if not self._by_hand:
            self.brown_out_in(self.integration_us() // 2)

    def _stop(self) -> None:
        self._cycles = self._began_by_hand_us = None
        self.rest()

    def _latch(self) -> None:
        """Bring the channels up to date: the last integration that has ended by now."""
        span_us = self._cycles.latest(self.board.clock.now_us) if self._cycles else None
        if span_us is not None:
            self._channels = self._count(*span_us)

    def _end_by_hand(self) -> None:
        if self._on and self._began_by_hand_us is not None:
            self._channels = self._count(self._began_by_hand_us, self.board.clock.now_us)
        self._began_by_hand_us = None

    def _count(self, begin_us: int, end_us: int) -> tuple[int, int]:
        code = self._registers[_TIMING] & 0x03
        duration_us = end_us - begin_us
        share = duration_us / 402_000 if self._by_hand else _CYCLES[code] / 322
        gain = 1.0 if self._registers[_TIMING] & _GAIN else 1 / 16
        light = mean_light(self.light_lx, begin_us, duration_us)
        ratio = min(max(0.0, self.infrared((end_us - LOOK_US / 2) / 1e6)), RATIO_MAX)
        seen = light / lux_per_count(ratio, self.model.endswith("cs")) * share * gain
        full = _FULL[code]
        return min(round(seen), full), min(round(seen * ratio), full)


plug = plugging.on_i2c(Tsl2561, ADDRESS)
