"""Voltage, current and power of a supply or a battery from an INA219 on I2C (also INA220).

    from sensors import ina219
    voltage, current, power = ina219.get_reading("P9", "P10")         # 11980 mV, 412.3 mA, 4939 mW

Wiring: SDA and SCL with pull-ups; the shunt between IN+ and IN-, the load at IN-, whose voltage
to ground is the one that is measured (0 to 26 V). Current that flows from IN- to IN+, such as that
of a battery that is charged, is negative, and so is its power. Address 0x40 to 0x4F by A1 and A0;
0x40 is also that of Si7021, HTU21D and SHT20, 0x44 and 0x45 that of an SHT4x.

A step is 4 mV, and 10 uV over the shunt: 0.1 mA with the 100 mOhm of the usual boards, which
measure up to 3.2 A. The range over the shunt is chosen for each reading, 40, 80, 160 or 320 mV,
since the smaller ones have the smaller offset; if the largest is exceeded, current and power are
None and the cause is "saturated", while the voltage is still given.

Current and power are calculated here from the two voltages. The chip could do it, but the factor
it needs is rounded (1 in 4096 with 100 mOhm, more with a large shunt), the sign of the power is
lost, and after a brown-out it would report a current of 0, as its factor is 0 then.

A reading takes about 30 ms. Nothing is added to the 1 mA of the chip while it measures; afterwards
it is put to rest (6 uA). Written against Texas Instruments INA219 data sheet SBOS448 (sections on
programming, register details), on Pycom firmware 1.20.2.r4.
"""

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, Sensor, SensorError, _registers
from utils import timing

FIELDS = (
    ("v", "voltage", "V", -3, 1),
    ("i", "current", "A", -4, 10),
    ("w", "power", "W", -4, 10),
)
ADDRESSES = tuple(range(0x40, 0x50))
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("address", "choice", ADDRESSES, 0x40),
    ("shunt_mohm", "number", (0.1, 100000), 100),
    ("averages", "choice", (1, 2, 4, 8, 16, 32, 64, 128), 16),
)
POWER_UP_MS = 1

Reading = namedtuple("Reading", ("voltage", "current", "power"))  # mV, mA, mW

last_cause = None

_CONFIGURATION = const(0)
_SHUNT = const(1)
_BUS = const(2)

_RESET = const(0x8000)
_AFTER_RESET = const(0x399F)
_TRIGGERED = const(3)  # shunt and bus once
# Bus range 32 V, as the step of 4 mV is the same in that of 16 V, which would only cut off.
_RANGE_32V = const(0x2000)

_READY = const(0x02)  # in the bus register
_OVERFLOW = const(0x01)
_BUS_MAX = const(8000)  # 32 V

_RANGES = const(4)  # by the gain code: 40, 80, 160, 320 mV
_RANGE_COUNTS = const(4000)  # of the smallest, each of 10 uV
_SAMPLE_US = const(532)  # typical, 586 at most; one of the shunt and one of the bus
_WAKE_MS = const(10)
_PAUSE_MS = const(10)


def fields(given):
    """FIELDS with as many decimals as the shunt of these arguments can tell."""
    shunt_mohm = given.get("shunt_mohm", 100)
    decimals = 0
    while 10 ** (decimals + 1) < shunt_mohm:  # a step is 10 uV / shunt
        decimals += 1
    return (
        FIELDS[0],
        ("i", "current", "A", -3 - decimals, 10**decimals),
        ("w", "power", "W", -3 - decimals, 10**decimals),
    )


def get_reading(sda_pin, scl_pin, vcc_pin=None, address=0x40, shunt_mohm=100, averages=16):
    """Return Reading(voltage in mV, current in mA, power in mW), None for what failed.

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply of the chip is
    switched on before and off after. address: 0x40 to 0x4F. shunt_mohm: 0.1 to 100000 mOhm.
    averages: so many samples of 1.1 ms make a reading: 1, 2, 4 ... 128; a load that switches
    needs as many as cover its period.
    The voltage is an int, the others are floats. Blocks for 15 ms and 1.1 ms for each sample, more
    if the current jumps; for 1.2 s at most, or 6 s if something holds the bus.
    Raises ValueError for arguments that cannot be; `last_cause` says why a value is None.
    """
    global last_cause
    import sensors

    given = {
        "sda_pin": sda_pin,
        "scl_pin": scl_pin,
        "vcc_pin": vcc_pin,
        "address": address,
        "shunt_mohm": shunt_mohm,
        "averages": averages,
    }
    values, last_cause = sensors.take("ina219", given)
    return Reading(*values)


def build(rig, sda_pin, scl_pin, vcc_pin=None, address=0x40, shunt_mohm=100, averages=16):
    """The sensor for these arguments, on buses of `rig`."""
    return Ina219(rig.i2c(sda_pin, scl_pin), address, shunt_mohm, averages)


class Ina219(Sensor):
    """The chip on an I2C bus that the caller opened and will close; arguments as get_reading.

    Reads (voltage in mV, current in mA, power in mW).
    """

    def __init__(self, i2c, address=0x40, shunt_mohm=100, averages=16):
        self.exclusive = ("ina219", id(i2c), address)
        self._registers = _registers.Registers(i2c, address)
        self._shunt_mohm = shunt_mohm
        self._averages = averages

    def steps(self):
        try:
            return (yield from self._measure())
        except SensorError as error:
            if error.args[0] == "stuck":
                raise
        yield _PAUSE_MS  # it may be starting anew
        return (yield from self._measure())

    def _measure(self):
        # The reset proves that it is an INA219. It also drops a factor that somebody may have left
        # there, with which the chip could announce an overflow that is none of ours.
        yield from self._registers.find(_CONFIGURATION, _RESET, _AFTER_RESET, 0xFFFF, _WAKE_MS)
        try:
            counts, bus = yield from self._in_the_best_range()
        except SensorError as error:
            if error.args[0] != "stuck":
                self._rest()
            raise
        self._rest()
        if bus >> 3 > _BUS_MAX:
            raise SensorError("implausible")
        voltage_mv = (bus >> 3) * 4
        if counts is None:
            self.cause = "saturated"
            return voltage_mv, None, None
        current_ma = counts * 10 / self._shunt_mohm
        return voltage_mv, current_ma, voltage_mv * current_ma / 1000

    def _in_the_best_range(self):
        """Return (steps of 10 uV over the shunt or None if there are too many, bus register)."""
        gain = _RANGES - 1
        counts, bus = yield from self._convert(gain, 1)
        if counts is not None:
            # a quarter is left free for peaks, which the chip cuts off before it averages
            gain = 0
            while gain < _RANGES - 1 and abs(counts) * 5 > (_RANGE_COUNTS << gain) * 4:
                gain += 1
        while True:
            counts, bus = yield from self._convert(gain, self._averages)
            if counts is not None or gain == _RANGES - 1:
                return counts, bus
            gain += 1

    def _convert(self, gain, averages):
        """Return (steps of 10 uV, bus register); None for steps that leave the range."""
        averaging = 8  # the code of one sample of 12 bits; each further one stands for the double
        while averages >> averaging - 7:
            averaging += 1
        configuration = _RANGE_32V | gain << 11 | averaging << 7 | averaging << 3 | _TRIGGERED
        took_ms = (2 * _SAMPLE_US * averages + 999) // 1000
        self._registers.write(_CONFIGURATION, configuration)
        yield took_ms
        deadline = timing.Deadline(took_ms // 8 + 2)
        while True:
            late = deadline.expired()
            bus = self._registers.peek(_BUS)
            if bus & _READY:
                break
            if late:
                raise SensorError("busy" if self._registers.read(_CONFIGURATION) else "stuck")
            yield 1
        counts = _registers.signed(self._registers.read(_SHUNT))
        bus = self._registers.read(_BUS, bus)
        # after a brown-out it goes on by itself, with the configuration of its start
        if not self._registers.holds(_CONFIGURATION, configuration):
            raise SensorError("busy")
        if bus & _OVERFLOW or abs(counts) >= _RANGE_COUNTS << gain:
            counts = None
        return counts, bus

    def _rest(self):
        """Power down; what remains is a matter of energy and no reason to lose a reading."""
        try:
            self._registers.write(_CONFIGURATION, 0)
        except SensorError:
            pass
