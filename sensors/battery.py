"""Battery: its voltage behind a divider, and if wanted its charge level and its current.

    from sensors import battery
    voltage_mv = battery.get_reading("P16")                             # 3902
    voltage_mv, level = battery.get_reading("P16", cell="li-ion")       # 3902, 63 %
    battery.get_reading("P13", "P23", divider=11, attenuation_db=0, settle_ms=500,
                        charger_off_pin="P22", current_pin="P14")       # (3410, 118.5 mA)

Wiring: the tap of a divider at `data_pin`, below 10 kOhm or with 100 nF to ground. `vcc_pin`
switches the divider on, where there is such a pin. `charger_off_pin` stops a charger while it is
high, so that the cell itself is measured and not what charges it. `current_pin` is the output of
an amplifier at a shunt: `current_ohm` is the shunt times the gain, such as 0.08 Ohm * 100.

Exactness: the converter is off by up to 60 mV at 11 dB and 23 mV at 0 dB (utils/adc.py), and the
divider multiplies that: 120 mV with two equal resistors at 11 dB, 250 mV with a divider of 11 at
0 dB, and the tolerance of the resistors on top. A divider put right once beside a voltmeter (true
mV / mV at the pin) leaves about 30 mV. The cell sags by the current of the board at that moment:
some 10 mV while no radio is on.

The charge level is read off the voltage that a lithium-ion cell of 4.2 V has at rest at 20 Cel.
From 10 to 60 % that voltage hardly moves, so that the level is coarse there: 30 mV are up to 9
points, 120 mV are up to 35. `level_range` tells what a voltage may mean; below 0 Cel, under load
or shortly after charging it is farther off. Cells that hold one voltage nearly to their end
(LiFePO4, lithium thionyl chloride) have no level that could be told from it. The table is what
cells of LiCoO2 and NMC have in common, from memory: no single data sheet.

Written against Pycom firmware 1.20.2.r4.
"""

from sensors import ADC_PINS, IO_PINS, Sensor, SensorError, _analog
from utils.adc import ATTENUATIONS_DB

FIELDS = (
    ("v", "voltage", "V", -3, 1),  # get_reading returns mV
    ("el", "level", "%EL", 0, 1),
    ("i", "current", "A", -4, 10),  # and mA
)
ARGUMENTS = (
    ("data_pin", "choice", ADC_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("divider", "number", (1, 1000), 2),
    ("settle_ms", "integer", (0, 60000), 100),
    ("attenuation_db", "choice", ATTENUATIONS_DB, 11),
    ("cell", "choice", ("li-ion",), None),
    ("charger_off_pin", "choice", IO_PINS, None),
    ("current_pin", "choice", ADC_PINS, None),
    ("current_ohm", "number", (0.01, 10000), 8),
)

last_cause = None

_CURRENT_ATTENUATION_DB = 11

# Voltage of a cell at rest in mV and its charge in %; straight lines between
_LI_ION = (
    (3270, 0), (3610, 5), (3690, 10), (3750, 25), (3800, 40), (3850, 55), (3950, 70), (4080, 85),
    (4200, 100),
)  # fmt: skip
_CELL_LEAST_MV = 2000  # below, the protection of the cell has cut it off long ago
_CELL_GREATEST_MV = 4350  # above, it is no such cell, or the divider is another


def get_reading(
    data_pin,
    vcc_pin=None,
    divider=2,
    settle_ms=100,
    attenuation_db=11,
    cell=None,
    charger_off_pin=None,
    current_pin=None,
    current_ohm=8,
):
    """Return the voltage in mV, an int; with `cell` or `current_pin` a tuple, in this order:
    voltage in mV, level in % (an int), current in mA (a float), those of them that are asked for.

    data_pin: "P13" to "P20". vcc_pin: switches the divider on before and off after; None: it is
    always on. divider: (Rtop + Rbottom) / Rbottom, 1 to 1000. settle_ms: from switching on to the
    first sample: 5 * C * (both resistors in parallel); 500 where a charger is stopped.
    attenuation_db: 0, 2.5, 6 or 11, the range of the converter at `data_pin`.
    cell: "li-ion" for the level of one such cell. charger_off_pin: high meanwhile.
    current_pin: "P13" to "P20", at 11 dB. current_ohm: V at that pin / A.
    What could not be measured is None, and `last_cause` says why: "under_range", "saturated",
    "not_ready" for a voltage that does not stand still, and "implausible" for one that no such
    cell has: then only the level is None.
    Raises ValueError for arguments that cannot be. Blocks for `settle_ms` (if there is something
    to switch) and about 10 ms, 50 ms if it repeats.
    """
    global last_cause
    import sensors

    given = {"data_pin": data_pin, "vcc_pin": vcc_pin, "divider": divider, "cell": cell}
    given.update(settle_ms=settle_ms, attenuation_db=attenuation_db)
    given.update(charger_off_pin=charger_off_pin)
    given.update(current_pin=current_pin, current_ohm=current_ohm)
    values, last_cause = sensors.take("battery", given)
    return values[0] if len(values) == 1 else values


def fields(given):
    """Those of FIELDS that this dict of arguments asks for."""
    asked = [FIELDS[0]]
    if given.get("cell") is not None:
        asked.append(FIELDS[1])
    if given.get("current_pin") is not None:
        asked.append(FIELDS[2])
    return tuple(asked)


def level(voltage_mv):
    """Return the charge in %, an int, of a lithium-ion cell at rest; None if it is none."""
    if not _CELL_LEAST_MV <= voltage_mv <= _CELL_GREATEST_MV:
        return None
    below_mv, below = _LI_ION[0]
    if voltage_mv <= below_mv:
        return below
    for above_mv, above in _LI_ION[1:]:
        if voltage_mv <= above_mv:
            past_mv = voltage_mv - below_mv
            return below + int(round((above - below) * past_mv / (above_mv - below_mv)))
        below_mv, below = above_mv, above
    return below


def level_range(voltage_mv, error_mv=120):
    """Return (lowest, highest) charge in % behind a voltage that is exact to `error_mv`.

    120 is what a board is off by at most, with a divider of 2 at 11 dB. A cell's own table adds
    some 5 points each way. (None, None) if it is no such cell.
    """
    if level(voltage_mv) is None:
        return None, None
    least = max(voltage_mv - error_mv, _CELL_LEAST_MV)
    return level(least), level(min(voltage_mv + error_mv, _CELL_GREATEST_MV))


def build(
    rig,
    data_pin,
    vcc_pin=None,
    divider=2,
    settle_ms=100,
    attenuation_db=11,
    cell=None,
    charger_off_pin=None,
    current_pin=None,
    current_ohm=8,
):
    """The sensor of these arguments; see sensors/__init__.py."""
    charger = shunt = None
    if charger_off_pin is not None:
        # under its own key, so that it goes low at the end of the run whatever happens
        charger = rig.share(("charger", charger_off_pin), lambda: _Stopped(charger_off_pin))
    if current_pin is not None:
        shunt = _analog.channel(rig, current_pin, _CURRENT_ATTENUATION_DB)
    switched = vcc_pin is not None or charger is not None
    return Battery(
        _analog.channel(rig, data_pin, attenuation_db),
        divider,
        settle_ms if switched else 0,
        cell is not None,
        charger,
        shunt,
        current_ohm,
    )


class Battery(Sensor):
    """A battery at a machine.ADCChannel.

    charger: something with on() and deinit(), or None. shunt: the channel of the current, or None.
    """

    def __init__(
        self,
        channel,
        divider=2,
        settle_ms=0,
        with_level=False,
        charger=None,
        shunt=None,
        current_ohm=8,
    ):
        self._channel = channel
        self._divider = divider
        self._settle_ms = settle_ms
        self._with_level = with_level
        self._charger = charger
        self._shunt = shunt
        self._current_ohm = current_ohm

    def steps(self):
        """Measure; the values that are asked for, see `fields`, None for those that failed."""
        if self._charger is not None:
            self._charger.on()
        yield self._settle_ms
        voltage_mv = yield from self._mean(self._channel, self._divider)
        shunt_mv = None
        if self._shunt is not None:
            shunt_mv = yield from self._mean(self._shunt, 1)
        if self._charger is not None:
            self._charger.deinit()
        return self._values(voltage_mv, shunt_mv)

    def _mean(self, channel, divider):
        """One of two values that may fail alone."""
        try:
            return (yield from _analog.settled_mv(channel, divider))
        except SensorError as error:
            self.cause = error.args[0]
            return None

    def _values(self, voltage_mv, shunt_mv):
        values = [voltage_mv]
        if self._with_level:
            percent = None if voltage_mv is None else level(voltage_mv)
            if percent is None and voltage_mv is not None:
                self.cause = self.cause or "implausible"
            values.append(percent)
        if self._shunt is not None:
            values.append(None if shunt_mv is None else shunt_mv / self._current_ohm)
        return tuple(values)


class _Stopped:
    """Holds a charger off from on() to deinit()."""

    def __init__(self, name):
        from machine import Pin

        self._pin = Pin(name, mode=Pin.OUT)
        self._pin.value(0)

    def on(self):
        self._pin.value(1)

    def deinit(self):
        self._pin.value(0)
