"""A VEML7700 (VEML6030) at register level: light at I2C address 0x10.

Words of 16 bits, the low byte first. Out of shut-down it measures after 2.5 ms, one integration
after the other, with a pause between them if power saving is on; there is no sign that a value is
new. Writing the configuration starts anew. Counts stop at 0xFFFF.

The truth: `light_lx(t)`, averaged over an integration. `resolution_lx` is what one count is at
800 ms and gain 2: 0.0042, 0.0036 in data sheets before 2023. With `curved`, counts at gains 1/4
and 1/8 fall behind above 1000 lx, as the polynomial of Vishay's application note for correcting
them has it; the counts are found by bisection. They never fall when the light rises: what the
polynomial makes of 1000 lx and a little more, up to 1075 lx, shows as 1000 lx.

From memory, not looked up again: the identity, the currents, ready after 1 to 2.5 ms, shut down
after power-on. Not documented: how exact its clock is; here integrations take up to 1.3 times
their nominal length.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.chips import plugging
from emulator.chips.light import mean_light
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import inverse
from emulator.chips.registers16 import Cycles, RegisterChip

ADDRESS = 0x10
LINE = ("veml7700", {"sda_pin": "P9", "scl_pin": "P10"})

_CONF, _HIGH, _LOW, _SAVING, _ALS, _WHITE, _STATUS, _ID = range(8)
_SHUT_DOWN, _INTERRUPT = 0x0001, 0x0002
_IDENTITIES = {0x10: 0xC481, 0x48: 0xD481}
_START_US = 2_500
_GAINS = (1.0, 2.0, 0.125, 0.25)
_INTEGRATIONS_MS = {0b1100: 25, 0b1000: 50, 0b0000: 100, 0b0001: 200, 0b0010: 400, 0b0011: 800}
_PAUSES_MS = (500, 1000, 2000, 4000)
_CURVE = (6.0135e-13, -9.3924e-9, 8.1488e-5, 1.0023, 0.0)


@dataclass(eq=False)
class Veml7700(RegisterChip):
    """One chip at an address, which its identity tells."""

    power_up_ms = (1.0, 2.5)
    start_ma = 0.045
    standby_ma = 0.0005
    active_ma = 0.045
    power_on = (_SHUT_DOWN, 0, 0, 0, 0, 0, 0)
    writable = frozenset(range(4))
    byte_order = "little"
    blank = 0

    light_lx: Truth = truth(320.0, swing=80.0)
    curved: bool = option(False)
    resolution_lx: float = 0.0042
    white_ratio: float = 1.6

    def forget(self) -> None:
        super().forget()
        self.registers[_ID] = _IDENTITIES.get(self.address, _IDENTITIES[ADDRESS])
        self._pause_us = 0  # before each integration

    # Transfers

    def written(self, register: int, word: int) -> None:
        self.registers[register] = word
        if register in (_CONF, _SAVING):
            self._start()

    def was_read(self, register: int) -> None:
        if register == _STATUS:
            self.registers[_STATUS] = 0

    # Integrations

    def integration_ms(self) -> int:
        """Nominal; codes that are not documented count as 100 ms."""
        return _INTEGRATIONS_MS.get(self.registers[_CONF] >> 6 & 0x0F, 100)

    def _start(self) -> None:
        if self.registers[_CONF] & _SHUT_DOWN:
            self.stop_converting()
            self.rest()
            return
        self.draw("active", self.active_ma)
        saving = self.registers[_SAVING]
        self._pause_us = _PAUSES_MS[saving >> 1 & 3] * 1000 if saving & 1 else 0
        nominal_ms = float(self.integration_ms())
        span_ms = self.span_ms((nominal_ms, 1.3 * nominal_ms))
        length_us = round((span_ms + self.extra_ms) * 1000)
        begin_us = self.board.clock.now_us + _START_US
        # as if a pause came before the first one, too
        self.cycles = Cycles(begin_us - self._pause_us, self._pause_us + length_us)
        self.brown_out_in(_START_US + length_us // 2)

    def finish(self, begin_us: int, end_us: int) -> None:
        begin_us += self._pause_us
        light = mean_light(self.light_lx, begin_us, end_us - begin_us)
        gain = _GAINS[self.registers[_CONF] >> 11 & 3]
        if self.curved and gain < 1 and light > 1000:
            light = max(1000.0, inverse(corrected, light, light))
        step = self.resolution_lx * (800 / self.integration_ms()) * (2 / gain)
        counts = min(int(light / step), 0xFFFF)
        self.registers[_ALS] = counts
        self.registers[_WHITE] = min(int(light * self.white_ratio / step), 0xFFFF)
        if self.registers[_CONF] & _INTERRUPT:
            if counts > self.registers[_HIGH]:
                self.registers[_STATUS] |= 0x4000
            if counts < self.registers[_LOW]:
                self.registers[_STATUS] |= 0x8000


def corrected(light_lx: float) -> float:
    """What the application note makes of the light that the chip shows at low gain."""
    value = 0.0
    for factor in _CURVE:
        value = value * light_lx + factor
    return value


plug = plugging.on_i2c(Veml7700, ADDRESS)
