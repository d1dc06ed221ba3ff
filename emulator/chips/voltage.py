"""A plain voltage at a pin: the output of a tank sensor, of a potentiometer, of another board.

[chips.tank]
kind = "voltage"
pin = "P18"
level_mv = 640              # the physical truth, see emulator/chips/plugging.py
noise_mv = 1                # standard deviation of single samples
absent = false              # and the other faults of emulator/chips/analog.py
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.chips.analog import AnalogPart, on_adc
from emulator.chips.options import Truth, truth

LINE = ("analog_generic", {"data_pin": "P18"})
INTERFACE = "ADC"
KEYS = {"data_pin": "pin"}


@dataclass(eq=False)
class Voltage(AnalogPart):
    """A pin on which a voltage stands that is given; supply_pin: of what gives it."""

    level_mv: Truth = truth(1500)

    def source(self) -> float:
        return self.level_mv(self.seconds())


plug = on_adc(Voltage, "P18")
