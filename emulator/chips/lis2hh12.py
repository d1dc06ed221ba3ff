"""A LIS2HH12 at register level: acceleration in three axes at I2C address 0x1E (30).

Registers of one byte; a read goes on to the next one while IF_ADD_INC is set. CTRL1 sets the rate,
CTRL4 the full scale; values are 16 bits, the low byte first. Activity: while no axis changes by
more than ACT_THS for ACT_DUR, the part is inactive, which CTRL3 may put on INT1.
Source: ST LIS2HH12 data sheet (registers, sensitivities, currents); for how INT1 is used Pycom's
LIS2HH12.py: active low, wired to P13 and to the shield's microcontroller.

The truths: `x_g(t)`, `y_g(t)`, `z_g(t)`, gravity included: a shield that lies flat has z_g = 1.

From memory: currents.
Assumed: the first value is there 2 ms after it was switched on; activity is the change between two
looks 100 ms apart, and the part is active when the function is switched on; no FIFO, no self-test,
no other interrupts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.options import Truth, truth
from emulator.chips.part import I2cPart
from emulator.chips.registers16 import Cycles
from emulator.chips.shield_lines import lines_of

ADDRESS = 0x1E

_WHO, _THRESHOLD, _DURATION, _STATUS, _OUT = 0x0F, 0x1E, 0x1F, 0x27, 0x28
_CTRL1, _CTRL3, _CTRL4, _CTRL5 = 0x20, 0x22, 0x23, 0x24
_START = {_WHO: 0x41, _CTRL1: 0x07, _CTRL4: 0x04}
_WRITABLE = (*range(0x1E, 0x27), *range(0x2E, 0x2F), *range(0x30, 0x3D))
_INCREMENT, _INACTIVE_ON_INT1, _ACTIVE_LOW, _SOFT_RESET = 0x04, 0x20, 0x02, 0x40
_NEW = 0x0F
_RATES_HZ = (0, 10, 50, 100, 200, 400, 800, 0)
_FULL_SCALES_G = (2, 2, 4, 8)
_FIRST_US, _LOOK_US = 2_000, 100_000
_NOISE_G = 0.001


@dataclass(eq=False)
class Lis2hh12(I2cPart):
    """One chip; truths and faults may be changed at any time."""

    power_up_ms = (1.0, 20.0)
    standby_ma = 0.005
    active_ma = 0.18

    x_g: Truth = truth(0.012)
    y_g: Truth = truth(-0.008)
    z_g: Truth = truth(1.003)

    def __post_init__(self) -> None:
        self.on_int1 = lambda level: None
        super().__post_init__()

    def forget(self) -> None:
        self.registers = dict.fromkeys(range(0x40), 0)
        self.registers.update(_START)
        self.pointer = 0
        self._cycles: Cycles | None = None
        self._is_inactive, self._quiet_us = False, 0
        self.on_int1(False)

    # Transfers

    def command(self, data: bytes) -> None:
        self.pointer = data[0] & 0x7F
        for value in data[1:]:
            if self.pointer in _WRITABLE:
                self._written(self.pointer, value)
            self._step()

    def answer(self, count: int) -> bytes:
        self._measure()
        answer = bytearray()
        for _ in range(count):
            answer.append(self.registers.get(self.pointer, 0))
            if self.pointer == _OUT + 5:
                self.registers[_STATUS] = 0
            self._step()
        return bytes(answer)

    def _step(self) -> None:
        if self.registers[_CTRL4] & _INCREMENT:
            self.pointer += 1

    def _written(self, register: int, value: int) -> None:
        before = self.registers[register]
        self.registers[register] = value
        if register == _CTRL5 and value & _SOFT_RESET:
            self.new_task()
            self.forget()
            self.rest()
        elif register == _CTRL1 and (value ^ before) & 0x70:
            self._start()
        elif register in (_CTRL3, _CTRL5):
            if (value & ~before) & _INACTIVE_ON_INT1 and register == _CTRL3:
                self._watch()
            self._tell()

    # Values

    @property
    def rate_hz(self) -> int:
        return _RATES_HZ[self.registers[_CTRL1] >> 4 & 7]

    @property
    def full_scale_g(self) -> int:
        return _FULL_SCALES_G[self.registers[_CTRL4] >> 4 & 3]

    def _start(self) -> None:
        self._cycles = None
        if not self.rate_hz:
            self.rest()
            return
        self.draw("active", self.active_ma)
        period_us = 1_000_000 // self.rate_hz
        self._cycles = Cycles(self.board.clock.now_us + _FIRST_US - period_us, period_us)

    def _seen(self, at_us: int) -> tuple[float, ...]:
        return tuple(axis(at_us / 1e6) for axis in (self.x_g, self.y_g, self.z_g))

    def _measure(self) -> None:
        span_us = self._cycles.latest(self.board.clock.now_us) if self._cycles else None
        if span_us is None:
            return
        for number, force in enumerate(self._seen(span_us[1])):
            steps = round((force + self.rng.gauss(0, _NOISE_G)) * 32768 / self.full_scale_g)
            steps = min(max(steps, -32768), 32767)
            self.registers[_OUT + 2 * number] = steps & 0xFF
            self.registers[_OUT + 2 * number + 1] = steps >> 8 & 0xFF
        self.registers[_STATUS] = _NEW

    # Activity

    def _watch(self) -> None:
        """Look again and again whether anything moves, as long as INT1 is to tell."""
        self.new_task()
        self._is_inactive, self._quiet_us = False, self.board.clock.now_us
        self._before = self._seen(self.board.clock.now_us)
        self.later_us(_LOOK_US, self.of_task(self._look))

    def _look(self) -> None:
        if not self.registers[_CTRL3] & _INACTIVE_ON_INT1:
            return
        now_us = self.board.clock.now_us
        before, self._before = self._before, self._seen(now_us)
        threshold_g = self.registers[_THRESHOLD] * self.full_scale_g / 128
        if any(abs(a - b) > threshold_g for a, b in zip(before, self._before, strict=True)):
            self._quiet_us, self._is_inactive = now_us, False
        elif self.rate_hz:
            patience_s = self.registers[_DURATION] * 8 / self.rate_hz
            self._is_inactive = now_us - self._quiet_us >= patience_s * 1e6
        self._tell()
        self.later_us(_LOOK_US, self.of_task(self._look))

    def _tell(self) -> None:
        asserted = self._is_inactive and bool(self.registers[_CTRL3] & _INACTIVE_ON_INT1)
        self.on_int1(asserted != bool(self.registers[_CTRL5] & _ACTIVE_LOW))


def _connect(chip: Lis2hh12, board: Board, table: dict[str, Any]) -> None:
    """int_pin: of the board, to which INT1 goes; int_line: of the shield."""
    pins: Any = board.services["pins"]
    line = table.pop("int_line", "")
    pin = plugging.pin(board, chip.name, table, "int_pin", "") if table.get("int_pin") else ""

    def on_int1(level: bool) -> None:
        if pin:
            pins.drive(pin, int(level))
        if line:
            lines_of(board).put(line, level)

    chip.on_int1 = on_int1


plug = plugging.on_i2c(Lis2hh12, ADDRESS, _connect)
