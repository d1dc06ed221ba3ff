"""An SHT40, SHT41 or SHT45 at register level: temperature and humidity at 0x44, 0x45 or 0x46.

One byte is a command, a read gets its answer once. While it measures, heats or resets nothing is
acknowledged, nor is a read for which there is nothing.

Source: Sensirion SHT4x data sheet (commands, times, signal conversion). From memory, not looked
up again: all currents but that of the idle chip, and that a write is refused while it is busy.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.board.i2c import Nack
from emulator.chips import plugging
from emulator.chips.options import Truth, truth
from emulator.chips.part import I2cPart, Span
from emulator.chips.sensirion import signal, with_checksums

ADDRESS = 0x44
LINE = ("sht4x", {"sda_pin": "P9", "scl_pin": "P10"})

# command: (ms typical and greatest, standard deviation of one value in Cel and %RH)
_MEASURE: dict[int, tuple[Span, float, float]] = {
    0xFD: ((6.9, 8.3), 0.04, 0.08),
    0xF6: ((3.7, 4.5), 0.07, 0.15),
    0xE0: ((1.3, 1.6), 0.1, 0.25),
}
# command: (mA at 3.3 V, ms typical and greatest with the measurement at its end)
_HEAT: dict[int, tuple[float, Span]] = {
    0x39: (60.0, (1000, 1100)),
    0x32: (60.0, (100, 110)),
    0x2F: (33.0, (1000, 1100)),
    0x24: (33.0, (100, 110)),
    0x1E: (6.0, (1000, 1100)),
    0x15: (6.0, (100, 110)),
}
_MEASURING_MA = 0.32
_RESET_MS: Span = (0.5, 1.0)


@dataclass(eq=False)
class Sht4x(I2cPart):
    """One chip. `repeatability`: 1 for the noise of the data sheet, 0 for none."""

    power_up_ms = (0.3, 1.0)
    start_ma = 0.05
    standby_ma = 0.00008

    temperature_c: Truth = truth(21.4, swing=2.0)
    humidity_rh: Truth = truth(54.8, swing=-4.0)
    repeatability: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        serial = self.board.rng("serial " + self.name).randbytes(4)
        self.serial = int.from_bytes(serial, "big")

    def forget(self) -> None:
        self._answer = b""

    def command(self, data: bytes) -> None:
        code = data[0]
        self._answer = b""
        if len(data) > 1:
            raise Nack(f"{self.name} takes one byte, not {data.hex()}")
        if code in _MEASURE:
            span, *noise = _MEASURE[code]
            self.convert("measuring", _MEASURING_MA, span, lambda: self._measure(*noise))
        elif code in _HEAT:
            milliamps, span = _HEAT[code]
            self.convert("heater", milliamps, span, lambda: self._measure(0.04, 0.08))
        elif code == 0x89:
            self._answer = with_checksums(self.serial >> 16, self.serial & 0xFFFF)
        elif code == 0x94:
            self.busy_for(_RESET_MS)
        else:
            raise Nack(f"{self.name} knows no command {data.hex()}")

    def general_call(self, data: bytes) -> None:
        """To all chips of the bus; 06 resets, also while it measures."""
        if self.here() and data == b"\x06":
            self.interrupt_supply()

    def answer(self, count: int) -> bytes:
        if not self._answer:
            raise Nack(f"{self.name} has nothing to say")
        answer, self._answer = self._answer, b""
        return answer

    def _measure(self, celsius_noise: float, percent_noise: float) -> None:
        now = self.seconds()
        celsius = self.temperature_c(now) + self._noise(celsius_noise)
        percent = self.humidity_rh(now) + self._noise(percent_noise)
        self._answer = with_checksums(signal(celsius, -45.0, 130.0), signal(percent, -6.0, 119.0))

    def _noise(self, deviation: float) -> float:
        return self.rng.gauss(0, deviation * self.repeatability)


plug = plugging.on_i2c(Sht4x, ADDRESS)
