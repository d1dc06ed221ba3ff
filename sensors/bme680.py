"""Pressure, temperature, humidity and gas resistance from a BME680 or BME688 on I2C.

    from sensors import bme680
    pressure, temperature, humidity, gas = bme680.get_reading("P9", "P10")
    # 987.169 hPa, 26.69 Cel, 42.41 %RH, 499500 Ohm

Wiring: SDA and SCL with pull-ups of about 4.7 kOhm to the sensor's supply, 1.71 to 3.6 V; CSB to
the supply (it chooses I2C); SDO to ground for address 0x76, to the supply for 0x77, never open.
`vcc_pin` may feed the sensor: it draws up to 15 mA while it heats, check what the pin can give.

The gas resistance falls as the air has more reducing gases in it, such as solvents or breath. It
differs from part to part by a factor and drifts for hours after the first use: compare a part with
its own past, at equal `heater_c` and `heater_ms` and at equal intervals, not with another part.
The heater also warms the chip; frequent readings show the temperature up to 1 Cel too high.

A reading takes about 0.22 s with the heater on for 150 ms. The chip is reset, measures the
temperature alone, from which the setting of the heater follows, then everything, and sleeps again.

Written against Bosch data sheets BST-BME680-DS001 (3.1 to 3.4, 5.3) and BST-BME688-DS000 (3.5,
5.3), on Pycom firmware 1.20.2.r4. Not tried on a BME688: its gas formula follows the vendor's.
"""

import struct

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, Sensor, SensorError, _bosch, _i2c

FIELDS = (
    ("p", "pressure", "hPa", -1, 10),  # exact to 1 hPa
    ("t", "temperature", "Cel", -2, 100),
    ("h", "humidity", "%RH", -1, 10),  # exact to 3 %RH
    ("g", "gas", "Ohm", 0, 1),
)
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("address", "choice", (0x76, 0x77), 0x77),
    ("heater_c", "integer", (200, 400), 320),
    ("heater_ms", "integer", (20, 4032), 150),
)
POWER_UP_MS = 2

# hPa, Cel, %RH, Ohm
Reading = namedtuple("Reading", ("pressure", "temperature", "humidity", "gas"))

last_cause = None

_ID = const(0x61)
_VARIANT = const(0xF0)  # 0: BME680, 1: BME688
_STATUS = const(0x1D)
_NEW = const(0x80)
_RUNNING = const(0x60)
_VALID = const(0x30)  # the gas was measured, and at the heater's temperature
_ENDS = (0x0000, 0xFFCF)  # of the gas word without these: beyond the first and the last range
_RESET_MS = const(10)
_POLL_MS = const(5)
_SPARE_MS = const(20)  # the data sheet states no greatest time of a measurement

# Oversampling codes of the great measurement: temperature 8 times, pressure 4, humidity 2
_TEMPERATURE, _PRESSURE, _HUMIDITY = const(4), const(3), const(2)
_MEASURE_MS = const(33)  # with these, without the heater (vendor's driver)
_AMBIENT_MS = const(0)  # the coefficients take longer to be read

# The temperature alone, once and without gas: pairs of register and value
_AMBIENT = b"\x72\x00\x75\x00\x71\x00\x74\x21"

# In tenths of a percent, by the range of the gas word (3.4.1)
_GAS_1 = (0, 0, 0, 0, 0, -10, 0, -8, 0, 0, -2, -5, 0, -10, 0, 0)
_GAS_2 = (0, 0, 0, 0, 1, 7, 0, -8, -1, 0, 0, 0, 0, 0, 0, 0)


def get_reading(sda_pin, scl_pin, vcc_pin=None, address=0x77, heater_c=320, heater_ms=150):
    """Return Reading(pressure in hPa, temperature in Cel, humidity in %RH, gas in Ohm).

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. address: 0x76 or 0x77. heater_c: temperature of the gas sensor, 200 to
    400 Cel. heater_ms: how long it is held before the gas is measured, 20 to 4032; if that is too
    short to get there, there is no gas. It is an int, the others are floats; None for what failed.
    Blocks for heater_ms + 80 ms, twice that if it has to repeat, 6 s if something holds the bus.
    Raises ValueError for arguments that cannot be; `last_cause` says why a value is None:
    "not_ready" of the gas alone: the heater did not reach its temperature, of the humidity too: it
    was not measured; "saturated" of the gas: beyond the ranges of its converter; "implausible" of
    the pressure: it is outside 300 to 1100 hPa; "crc": readings of the same registers differed.
    """
    global last_cause
    import sensors

    given = {
        "sda_pin": sda_pin,
        "scl_pin": scl_pin,
        "vcc_pin": vcc_pin,
        "address": address,
        "heater_c": heater_c,
        "heater_ms": heater_ms,
    }
    values, last_cause = sensors.take("bme680", given)
    return Reading(*values)


def build(rig, sda_pin, scl_pin, vcc_pin=None, address=0x77, heater_c=320, heater_ms=150):
    """The sensor for these arguments; see sensors/__init__.py."""
    return Bme680(rig.i2c(sda_pin, scl_pin), address, heater_c, heater_ms)


class Bme680(Sensor):
    """The chip on an I2C bus that the caller opened and will close."""

    def __init__(self, i2c, address=0x77, heater_c=320, heater_ms=150):
        self._device = _i2c.Device(i2c, address)
        self._heater_c = heater_c
        self._heater_ms = heater_ms

    def steps(self):
        """Measure; Reading(pressure, temperature, humidity, gas), None for what failed."""
        return (yield from _bosch.twice(self._measure))

    def _measure(self, attempt):
        self.cause = None
        device = self._device
        chip = yield from _bosch.identify(device)
        if chip != _ID:
            raise SensorError("wrong_part")
        yield from _bosch.reset(device, _RESET_MS)
        device.write(_AMBIENT)
        fused = _Coefficients(device)  # meanwhile
        data = yield from self._converted(_AMBIENT_MS)
        ambient_c = _bosch.heat(_bosch.word20(data, 5), *fused.temperature) / 5120
        settings = (
            (0x70, 0x00),  # the heater is not switched off
            (0x71, 0x20 if fused.high else 0x10),  # gas, with the first heater setting
            (0x5A, _heater_setting(self._heater_c, ambient_c, fused.heater)),
            (0x64, _heater_time(self._heater_ms)),
            (0x72, _HUMIDITY),
            (0x74, _TEMPERATURE << 5 | _PRESSURE << 2 | 0x01),  # last: it starts
        )
        device.write(bytes([byte for pair in settings for byte in pair]))
        data = yield from self._converted(_MEASURE_MS + self._heater_ms)
        if _bosch.word20(data, 2) == _bosch.UNMEASURED:  # still those of the first measurement
            raise SensorError("not_ready")
        return self._values(fused, data, attempt)

    def _converted(self, typ_ms):
        """A generator: wait for the end of what was started; returns the data, 1D to 2D."""
        limit_ms = typ_ms + typ_ms // 4 + _SPARE_MS
        status = yield from _bosch.poll(
            self._device, _STATUS, _over, typ_ms, limit_ms, step_ms=_POLL_MS
        )
        if not status & _NEW:  # it lost its supply or was reset: nothing runs, nothing has come
            raise SensorError("not_ready")
        data = _i2c.agreed(self._device.registers, _STATUS, 17)
        if not any(data):
            raise SensorError("stuck")
        return data

    def _values(self, fused, data, attempt):
        fine = _bosch.heat(_bosch.word20(data, 5), *fused.temperature)
        pressure = _bosch.pressure(_bosch.word20(data, 2), fine, fused.pressure)
        humidity = gas = None
        high, low = data[15:17] if fused.high else data[13:15]
        if low & _VALID != _VALID:
            self.cause = "not_ready"
        elif (high << 8 | low) & ~_VALID in _ENDS:
            self.cause = "saturated"
        else:
            gas = _gas(high << 2 | low >> 6, low & 15, fused)
        raw = _bosch.humidity_word(data, 8, attempt)
        if raw is None:
            self.cause = "not_ready"
        else:
            humidity = _bosch.percent(_humidity(raw, fine, fused.humidity))
        if pressure is None:
            self.cause = "implausible"
        return Reading(pressure, _bosch.celsius(fine), humidity, gas)


class _Coefficients:
    """What is fused into a chip, each signed as the data sheet has it (5.3)."""

    def __init__(self, device):
        # 8A to A0, E1 to EE
        first = struct.unpack("<hbBHhbBhhbbHhhB", _i2c.agreed(device.registers, 0x8A, 23))
        t2, t3, _, p1, p2, p3, _, p4, p5, p7, p6, _, p8, p9, p10 = first
        second = _i2c.agreed(device.registers, 0xE1, 14)
        h3, h4, h5, h6, h7, t1, g2, g1, g3 = struct.unpack("<bbbBbHhbb", second[3:])
        other = _i2c.agreed(device.registers, 0x00, 5)
        self.temperature = t1, t2, t3 << 4
        self.pressure = p1, p2, p3 << 5, p4, p5, p6, p7 << 7, p8, p9, p10
        # H1 and H2 have 12 bits and share a byte, H1 its lower half
        h1 = second[2] << 4 | second[1] & 15
        h2 = second[0] << 4 | second[1] >> 4
        self.humidity = h1, h2, h3, h4, h5, h6, h7
        self.heater = g1, g2, g3, other[2] >> 4 & 3, (other[0] ^ 0x80) - 0x80
        self.range_error = (other[4] >> 4 ^ 8) - 8
        self.high = _i2c.agreed(device.registers, _VARIANT, 1)[0] == 1


def _over(status):
    """There are new data, or nothing runs that could bring them."""
    return status & _NEW or not status & _RUNNING


def _heater_setting(target_c, ambient_c, fused):
    """Return the register that heats to `target_c` (3.3.5): 0x6A for 320 at 25 Cel, say."""
    g1, g2, g3, resistance_range, resistance_value = fused
    ohm = (g1 / 16 + 49) * (1 + (g2 / 32768 * 0.0005 + 0.00235) * target_c)
    ohm += g3 / 1024 * ambient_c
    setting = 3.4 * (ohm * 4 / (4 + resistance_range) / (1 + 0.002 * resistance_value) - 25)
    return min(max(int(setting), 0), 255)


def _heater_time(duration_ms):
    """Return the register for a duration, rounded down (5.3.3.3): 6 bits, times a power of 4."""
    exponent = 0
    while duration_ms > 63:
        duration_ms >>= 2
        exponent += 1
    return exponent << 6 | duration_ms


def _humidity(raw, fine, coefficients):
    """Return the humidity in 1/65536 %RH (3.3.3). `fine` is the temperature in 1/5120 Cel."""
    h1, h2, h3, h4, h5, h6, h7 = coefficients
    distance = (raw - 16 * h1) * 10240 - h3 * fine
    slope = (25 << 40) + fine * (h4 * (5 << 16) + h5 * fine)  # over 25 << 40
    value = distance * h2 * slope // (125 << 53)
    return value + (h6 * (5 << 17) + h7 * fine) * value * value // (5 << 47)


def _gas(raw, gas_range, fused):
    """Return the gas resistance in Ohm, an int (3.4.1)."""
    if fused.high:
        return (1000000 << 18 >> gas_range) // (4096 + 3 * (raw - 512))
    base = (1340 + 5 * fused.range_error) * (1000 + _GAS_1[gas_range])
    below = (1000 + _GAS_2[gas_range]) * ((raw - 512) * 1000 + base) << gas_range
    return (base * 8000000000 + below // 2) // below
