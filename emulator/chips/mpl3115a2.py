"""A MPL3115A2 at register level: pressure or altitude, and temperature, at I2C address 0x60.

Active, it takes a sample at once and then every 2^ST seconds; a sample takes 6 to 512 ms by the
oversampling. OST takes a single one in standby. STATUS tells what is new: reading the first byte
of a value clears its bit. Other settings than SBYB, OST and RST are kept only by a write that
finds it in standby, or puts it there. Altitude is that of the standard atmosphere above BAR_IN.
Source: Freescale (NXP) MPL3115A2 data sheet rev. 3.

The truths: `pressure_pa(t)`, `temperature_c(t)`.

From memory: currents.
Assumed: it answers 2 ms after power-on (at the latest after 60, the turn-on time of the data
sheet: programs met an "I2C bus error" there); noise; STATUS is 0 when it goes active (else
programs that read one of two values and set it up again would fail); no FIFO, alarms, raw mode.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.chips import plugging
from emulator.chips.options import Truth, truth
from emulator.chips.part import I2cPart
from emulator.chips.registers16 import Cycles

ADDRESS = 0x60

_STATUS, _PRESSURE, _TEMPERATURE, _DR_STATUS, _WHO, _DATA_CFG = 0x00, 0x01, 0x04, 0x06, 0x0C, 0x13
_SYSMOD, _BAR_IN, _CTRL1, _CTRL2, _OFF_P, _OFF_T, _OFF_H = 0x11, 0x14, 0x26, 0x27, 0x2B, 0x2C, 0x2D
_START = {_WHO: 0xC4, _BAR_IN: 0xC5, _BAR_IN + 1: 0xE7}
_WRITABLE = (0x0F, _DATA_CFG, *range(0x14, 0x1C), *range(0x1C, 0x26), *range(_CTRL2, 0x2E))
_LAST = 0x2D
_ACTIVE, _ONCE, _RESET, _ALTITUDE = 0x01, 0x02, 0x04, 0x80
_NEW_T, _NEW_P, _NEW = 0x02, 0x04, 0x08  # of STATUS; the upper half: overwritten
_SAMPLE_MS = (6, 10, 18, 34, 66, 130, 258, 512)
_NOISE_PA, _NOISE_CEL = 1.5, 0.02


@dataclass(eq=False)
class Mpl3115a2(I2cPart):
    """One chip; truths and faults may be changed at any time."""

    power_up_ms = (2.0, 60.0)
    start_ma = 2.0
    standby_ma = 0.002

    pressure_pa: Truth = truth(100_900.0, swing=300.0)
    temperature_c: Truth = truth(23.6, swing=2.0)

    def forget(self) -> None:
        self.registers = dict.fromkeys(range(_LAST + 1), 0)
        self.registers.update(_START)
        self.pointer = 0
        self._cycles: Cycles | None = None
        self._settings = 0  # of CTRL_REG1

    # Transfers

    def command(self, data: bytes) -> None:
        self._catch_up()
        self.pointer = data[0]
        for value in data[1:]:
            if self.pointer == _CTRL1:
                self._control(value)
            elif self.pointer in _WRITABLE:
                self.registers[self.pointer] = value
            self.pointer += 1

    def answer(self, count: int) -> bytes:
        self._catch_up()
        answer = bytearray()
        for register in range(self.pointer, self.pointer + count):
            answer.append(self.registers.get(register, 0))
            if register == _PRESSURE:
                self._clear(_NEW_P | _NEW)
            elif register == _TEMPERATURE:
                self._clear(_NEW_T | _NEW)
        return bytes(answer)

    def _clear(self, bits: int) -> None:
        self.registers[_STATUS] &= ~(bits | bits << 4)
        self.registers[_DR_STATUS] = self.registers[_STATUS]

    def _control(self, value: int) -> None:
        was_active = self.registers[_CTRL1] & _ACTIVE
        if value & _RESET:
            self.forget()
            self.busy_for(self.power_up_ms)
            self.rest()
            return
        if was_active and value & _ACTIVE:  # the settings stay
            value = self.registers[_CTRL1] | value & _ONCE
        self.registers[_CTRL1] = value
        self.registers[_SYSMOD] = value & _ACTIVE
        if value & _ACTIVE:
            if not was_active:
                self._start()
            return
        self._cycles = None
        self.rest()
        if value & _ONCE:
            self.convert("measure", 0.265, (self._sample_ms(), self._sample_ms()), self._sampled)

    # Samples

    def _sample_ms(self) -> float:
        return _SAMPLE_MS[self.registers[_CTRL1] >> 3 & 7]

    def _start(self) -> None:
        sample_us = round((self._sample_ms() + self.extra_ms) * 1000)
        period_us = max(sample_us, 1_000_000 << (self.registers[_CTRL2] & 0x0F))
        self._clear(_NEW_P | _NEW_T | _NEW)
        self.draw("active", 0.0085 + 0.0005 * self._sample_ms())  # 8.5 to 265 uA
        self._cycles = Cycles(self.board.clock.now_us + sample_us - period_us, period_us)
        self.brown_out_in(sample_us // 2)

    def _catch_up(self) -> None:
        if self._cycles is not None and self._cycles.latest(self.board.clock.now_us) is not None:
            self._put()

    def _sampled(self) -> None:
        self.registers[_CTRL1] &= ~_ONCE
        self._put()

    def _put(self) -> None:
        """A sample is over: its values, in steps of 1/16 m or 1/4 Pa, and of 1/16 Cel."""
        now_s = self.seconds()
        offsets = [_signed(self.registers[each]) for each in (_OFF_P, _OFF_T, _OFF_H)]
        pressure = self.pressure_pa(now_s) + self.rng.gauss(0, _NOISE_PA) + 4 * offsets[0]
        celsius = self.temperature_c(now_s) + self.rng.gauss(0, _NOISE_CEL) + offsets[1] / 16
        if self.registers[_CTRL1] & _ALTITUDE:
            sea = 2 * (self.registers[_BAR_IN] << 8 | self.registers[_BAR_IN + 1])
            metres = 44330.77 * (1 - (pressure / sea) ** 0.1902632) + offsets[2]
            word = round(metres * 16) << 4 & 0xFFFFFF
        else:
            word = min(max(round(pressure * 4), 0), 0xFFFFF) << 4
        values = word.to_bytes(3, "big") + (round(celsius * 16) << 4 & 0xFFFF).to_bytes(2, "big")
        self.registers.update(enumerate(values, _PRESSURE))
        unread = self.registers[_STATUS] & 0x0F
        self.registers[_STATUS] = unread << 4 | _NEW | _NEW_P | _NEW_T
        self.registers[_DR_STATUS] = self.registers[_STATUS]


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


plug = plugging.on_i2c(Mpl3115a2, ADDRESS)
