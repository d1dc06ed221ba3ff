"""A GL55 photoresistor to the supply, with a fixed resistor to ground.

[chips.gl55]
pin = "P15"
lux = 200                   # the physical truth, see emulator/chips/plugging.py
r10_kohm = 14               # of this very part: at 10 lx
gamma = 0.65
dark_mohm = 1.0
fixed_ohm = 10000
supply_mv = 3300
supply_pin = ""             # a load switch that is on until the pin is driven; "" for always on
noise_mv = 1
absent = false              # and the other faults of emulator/chips/analog.py

Source: data sheets of the GL55 series (a GL5528 if nothing is said). They give 20 to 30 ms for the
response; that it is a plain delay is an assumption.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from emulator.chips.analog import AnalogPart, on_adc
from emulator.chips.options import Truth, option, truth

LINE = ("gl55", {"data_pin": "P15"})
INTERFACE = "ADC"
KEYS = {"data_pin": "pin"}
RESPONSE_S = 0.025
FARAD = 100e-9  # at the pin


@dataclass(eq=False)
class Gl55(AnalogPart):
    """The photoresistor; `lux` is a function of virtual time in seconds."""

    lux: Truth = truth(200)
    r10_kohm: float = option(14.0)
    gamma: float = option(0.65)
    dark_mohm: float = option(1.0)
    fixed_ohm: float = option(10_000.0)
    supply_mv: float = option(3300.0)

    def rest(self) -> None:
        self.draw("on", self.supply_mv / (self.ohm() + self.fixed_ohm))

    def ohm(self) -> float:
        """In decades: one of illuminance is `gamma` ones of resistance; darkness ends it."""
        lux = self.lux(max(0.0, self.seconds() - RESPONSE_S))
        dark_ohm = self.dark_mohm * 1e6
        if lux <= 0:
            return dark_ohm
        decades = math.log10(self.r10_kohm) + 3 - self.gamma * (math.log10(lux) - 1)
        return 1 / (1 / dark_ohm + 10**-decades)

    def source(self) -> float:
        ohm = self.ohm()
        both_ohm = ohm + self.fixed_ohm
        passed_s = (self.board.clock.now_us - self.powered_us) / 1e6
        charged = 1 - math.exp(-passed_s / (ohm * self.fixed_ohm / both_ohm * FARAD))
        return self.supply_mv * self.fixed_ohm / both_ohm * charged


plug = on_adc(Gl55, "P15")
