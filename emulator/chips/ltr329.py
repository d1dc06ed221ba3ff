"""A LTR-329ALS-01 at register level: light at I2C address 0x29, in two channels.

Registers of one byte; a read goes on to the next one. Switched on (ALS_CONTR, bit 0), it
integrates after 5 to 10 ms, then once in each repetition time. Until then zeros are read, which is
what programs see that set it up and read at once (issue 552 of Pycom's firmware). ALS_STATUS tells
new data; reading the last of its four bytes clears that. Channel 1 sees infrared only.
Source: Lite-On LTR-329ALS-01 data sheet (registers, appendix A).

The truth: `light_lx(t)`, averaged over an integration. `infrared` is the share of channel 1 in the
sum of both, by which the data sheet tells kinds of light: below 0.45 daylight and LEDs.

From memory: currents.
Assumed: a write to one of the two registers starts anew with zeros, as the issue suggests; the
four bytes of data stay together while they are read; an integration that is longer than the
repetition time takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.chips import plugging
from emulator.chips.light import mean_light
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import I2cPart
from emulator.chips.registers16 import Cycles

ADDRESS = 0x29

_CONTR, _RATE, _PART, _MAKER, _DATA, _STATUS = 0x80, 0x85, 0x86, 0x87, 0x88, 0x8C
_START = {_CONTR: 0x00, _RATE: 0x03, _PART: 0xA0, _MAKER: 0x05, _STATUS: 0x00, 0x8F: 0x00,
          0x97: 0xFF, 0x98: 0xFF, 0x99: 0x00, 0x9A: 0x00, 0x9E: 0x00}  # fmt: skip
_WRITABLE = (_CONTR, _RATE, 0x8F, 0x97, 0x98, 0x99, 0x9A, 0x9E)
_ACTIVE, _RESET, _NEW = 0x01, 0x02, 0x04
_GAINS = (1, 2, 4, 8, 1, 1, 48, 96)
_INTEGRATIONS_MS = (100, 50, 200, 400, 150, 250, 300, 350)
_REPETITIONS_MS = (50, 100, 200, 500, 1000, 2000, 2000, 2000)
# Light by the share of channel 1, of both channels (appendix A): below this share, lux of a count
# of channel 0 and of channel 1 at gain 1 and 100 ms
_KINDS = ((0.45, 1.7743, 1.1059), (0.64, 4.2785, -1.9548), (0.85, 0.5926, 0.1185))


@dataclass(eq=False)
class Ltr329(I2cPart):
    """One chip; truth and faults may be changed at any time."""

    power_up_ms = (1.0, 100.0)
    start_ma = 0.005
    standby_ma = 0.005
    active_ma = 0.22

    light_lx: Truth = truth(320.0, swing=80.0)
    infrared: float = option(0.3, most=0.84)

    def forget(self) -> None:
        self.registers = dict(_START)
        self.registers.update(dict.fromkeys(range(_DATA, _DATA + 4), 0))
        self.pointer = _CONTR
        self._cycles: Cycles | None = None

    def command(self, data: bytes) -> None:
        self.pointer = data[0]
        for value in data[1:]:
            if self.pointer in _WRITABLE:
                self._written(self.pointer, value)
            self.pointer += 1

    def answer(self, count: int) -> bytes:
        self._measure()
        answer = bytearray()
        for register in range(self.pointer, self.pointer + count):
            answer.append(self.registers.get(register, 0))
            if register == _DATA + 3:
                self.registers[_STATUS] &= ~_NEW
        return bytes(answer)

    def _written(self, register: int, value: int) -> None:
        if register == _CONTR and value & _RESET:
            self.forget()
            self.rest()
            return
        self.registers[register] = value
        if register not in (_CONTR, _RATE):
            return
        self._cycles = None
        self.registers.update(dict.fromkeys(range(_DATA, _DATA + 4), 0))
        if not self.registers[_CONTR] & _ACTIVE:
            self.rest()
            return
        self.draw("active", self.active_ma)
        rate = self.registers[_RATE]
        integration_ms = _INTEGRATIONS_MS[rate >> 3 & 7] + self.extra_ms
        self._integration_us = round(integration_ms * 1000)
        period_us = max(self._integration_us, _REPETITIONS_MS[rate & 7] * 1000)
        begin_us = self.board.clock.now_us + round(self.span_ms((5, 10)) * 1000)
        # the first integration comes at once, each other at the end of its repetition time
        self._cycles = Cycles(begin_us + self._integration_us - period_us, period_us)

    def _measure(self) -> None:
        span_us = self._cycles.latest(self.board.clock.now_us) if self._cycles else None
        if span_us is None:
            return
        end_us = span_us[1]
        light = mean_light(self.light_lx, end_us - self._integration_us, self._integration_us)
        gain = self.registers[_CONTR] >> 2 & 7
        scale = _GAINS[gain] * self._integration_us / 100_000
        shares = 1 - self.infrared, self.infrared
        lux = next(a * shares[0] + b * shares[1] for most, a, b in _KINDS if self.infrared < most)
        visible, infrared = (min(int(light * scale * each / lux), 0xFFFF) for each in shares)
        words = infrared.to_bytes(2, "little") + visible.to_bytes(2, "little")
        self.registers.update(enumerate(words, _DATA))
        self.registers[_STATUS] = gain << 4 | _NEW


plug = plugging.on_i2c(Ltr329, ADDRESS)
