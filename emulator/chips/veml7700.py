"""A VEML7700 (VEML6030) at register level: light at I2C address 0x10.

Words of 16 bits, the low byte first. Out of shut-down it measures after 2.5 ms, one integration
after the other, with a pause between them if power saving is on; there is no sign that a value is
new. Writing the configuration starts anew. Counts stop at 0xFFFF.

The truth: `light_lx(t)`, averaged over an integration. `resolution_lx` is what one count is at
800 ms and gain 2: 0.0042, 0.0036 in data sheets before 2023. With `curved`, counts at gains 1/4
and 1/8 fall behind above 1000 lx, as the polynomial of Vishay's application note for correcting
them has it; the counts are found by bisection.

From memory, not looked up again: the identity, the currents, ready after 1 to 2.5 ms, shut down
after power-on. Not documented: how exact its clock is; here integrations take up to 1.3 times
their nominal length.
"""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.part import I2cPart, Truth

ADDRESS = 0x10
LINE = ("veml7700", {"sda_pin": "P9", "scl_pin": "P10"})

_CONF, _HIGH, _LOW, _SAVING, _ALS, _WHITE, _STATUS, _ID = range(8)
_SHUT_DOWN, _INTERRUPT = 0x0001, 0x0002
_IDENTITIES = {0x10: 0xC481, 0x48: 0xD481}
_START_US = 2_500
_LOOK_US = 1_000
_GAINS = (1.0, 2.0, 0.125, 0.25)
_INTEGRATIONS_MS = {0b1100: 25, 0b1000: 50, 0b0000: 100, 0b0001: 200, 0b0010: 400, 0b0011: 800}
_PAUSES_MS = (500, 1000, 2000, 4000)
_CURVE = (6.0135e-13, -9.3924e-9, 8.1488e-5, 1.0023, 0.0)


class Veml7700(I2cPart):
    """One chip; truth and faults may be changed at any time."""

    power_up_ms = (1.0, 2.5)
    start_ma = 0.045
    standby_ma = 0.0005
    active_ma = 0.045

    def __init__(
        self, board: Board, light_lx: Truth, name: str = "veml7700", address: int = ADDRESS
    ) -> None:
        self.light_lx = light_lx
        self.identity = _IDENTITIES.get(address, _IDENTITIES[ADDRESS])
        self.resolution_lx = 0.0042
        self.white_ratio = 1.6
        self.curved = False
        super().__init__(board, name)
        self.forget()

    def forget(self) -> None:
        self._registers = [_SHUT_DOWN, 0, 0, 0, 0, 0, 0, 0]
        self._pointer = 0
        self._begin_us: int | None = None  # of the first integration
        self._done = 0

    # Transfers

    def command(self, data: bytes) -> None:
        self._pointer = data[0]
        if len(data) != 3 or self._pointer > _SAVING:
            return
        self._latch()
        self._registers[self._pointer] = int.from_bytes(data[1:], "little")
        if self._pointer in (_CONF, _SAVING):
            self._start()

    def answer(self, count: int) -> bytes:
        if self._pointer == _ID:
            return self.identity.to_bytes(2, "little")
        if self._pointer > _ID:
            return b"\x00\x00"
        self._latch()
        value = self._registers[self._pointer]
        if self._pointer == _STATUS:
            self._registers[_STATUS] = 0
        return value.to_bytes(2, "little")

    # Integrations

    def integration_ms(self) -> int:
        """Nominal; codes that are not documented count as 100 ms."""
        return _INTEGRATIONS_MS.get(self._registers[_CONF] >> 6 & 0x0F, 100)

    def _start(self) -> None:
        self._done = 0
        if self._registers[_CONF] & _SHUT_DOWN:
            self._begin_us = None
            self.rest()
            return
        self._begin_us = self.board.clock.now_us + _START_US
        self.draw("active", self.active_ma)
        if self.brown_out > 0:
            self.brown_out -= 1
            self.later_us(_START_US + self._integration_us() // 2, self.interrupt_supply)

    def _integration_us(self) -> int:
        nominal_ms = float(self.integration_ms())
        return round((self.span_ms((nominal_ms, 1.3 * nominal_ms)) + self.extra_ms) * 1000)

    def _latch(self) -> None:
        """Bring light and white up to date: the last integration that has ended by now."""
        if self._begin_us is None:
            return
        saving = self._registers[_SAVING]
        pause_us = _PAUSES_MS[saving >> 1 & 3] * 1000 if saving & 1 else 0
        length_us = self._integration_us()
        passed_us = self.board.clock.now_us - self._begin_us
        done = (passed_us + pause_us) // (length_us + pause_us)
        if done <= self._done:
            return
        self._done = done
        self._take(self._begin_us + (done - 1) * (length_us + pause_us), length_us)

    def _take(self, begin_us: int, length_us: int) -> None:
        looks = max(1, length_us // _LOOK_US)
        times = [(begin_us + (n + 0.5) * length_us / looks) / 1e6 for n in range(looks)]
        light = sum(max(0.0, self.light_lx(t)) for t in times) / looks
        gain = _GAINS[self._registers[_CONF] >> 11 & 3]
        if self.curved and gain < 1 and light > 1000:
            light = flattened(light)
        step = self.resolution_lx * (800 / self.integration_ms()) * (2 / gain)
        counts = min(int(light / step), 0xFFFF)
        self._registers[_ALS] = counts
        self._registers[_WHITE] = min(int(light * self.white_ratio / step), 0xFFFF)
        if self._registers[_CONF] & _INTERRUPT:
            if counts > self._registers[_HIGH]:
                self._registers[_STATUS] |= 0x4000
            if counts < self._registers[_LOW]:
                self._registers[_STATUS] |= 0x8000


def flattened(light_lx: float) -> float:
    """What the chip makes of so much light at low gain: the correction backwards."""
    low, high = 0.0, light_lx
    for _ in range(60):
        middle = (low + high) / 2
        value = 0.0
        for factor in _CURVE:
            value = value * middle + factor
        low, high = (middle, high) if value < light_lx else (low, middle)
    return low


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """Keys: light_lx, curved, and those of plugging."""
    light_lx = plugging.truth(board, name, table, "light_lx", 320.0, swing=80.0)
    chip = Veml7700(board, light_lx, name, table.get("address", ADDRESS))
    chip.curved = plugging.flag(name, table, "curved")
    plugging.i2c(board, name, table, chip, ADDRESS)
