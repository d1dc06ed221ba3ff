"""Pressure, temperature and humidity from a BME280 on I2C; pressure and temperature of a BMP280.

    from sensors import bme280
    pressure, temperature, humidity = bme280.get_reading("P9", "P10")   # 1006.615, 24.79, 68.67

Wiring: SDA and SCL with pull-ups of about 4.7 kOhm to the sensor's supply, 1.71 to 3.6 V; CSB to
the supply (it chooses I2C); SDO to ground for address 0x76, to the supply for 0x77, never open.
`vcc_pin` may feed the sensor, which draws less than 1 mA.

Many modules sold as BME280 carry a BMP280, which has no humidity: it is measured with all the
same, the humidity is None and the cause "wrong_part". So with one that has the id of a BME280, but
no coefficients of humidity. Any other chip gives no values.

A reading takes about 20 ms. The chip is reset before, so that no setting of another program
matters and no old value can be taken for a new one, then measures once and sleeps again. Every
item is sampled once: that has a noise of 3 Pa, 0.005 Cel and 0.07 %RH, far below the errors of
1 hPa, 1 Cel and 3 %RH. The chip warms itself and its board little that way, but a board that is
warm from its radio reads too high and too dry.

Written against Bosch data sheets BST-BME280-DS002 (3.3, 4.2, 5.4, 9.1) and BST-BMP280-DS001
(3.11, 4.3), on Pycom firmware 1.20.2.r4.
"""

import struct

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, Sensor, SensorError, _bosch, _i2c
from utils import timing

FIELDS = (
    ("p", "pressure", "hPa", -1, 10),  # exact to 1 hPa
    ("t", "temperature", "Cel", -2, 100),
    ("h", "humidity", "%RH", -1, 10),  # exact to 3 %RH
)
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("address", "choice", (0x76, 0x77), 0x76),
)
POWER_UP_MS = 2

Reading = namedtuple("Reading", ("pressure", "temperature", "humidity"))  # hPa, Cel, %RH

last_cause = None

_BME280 = const(0x60)
_BMP280 = (0x58, 0x56, 0x57)  # the latter two are samples

_STATUS = const(0xF3)
_COPYING = const(0x01)  # of the coefficients, after a reset
_MEASURING = const(0x08)
_DATA = const(0xF7)
_COEFFICIENTS = const(0x88)
_COEFFICIENTS_HUMIDITY = const(0xE1)

_RESET_MS = const(2)
_COPYING_MAX_MS = const(10)

# By attempt: oversampling code of pressure and temperature, ms that a measurement takes, typical
# and greatest (9.1). The second attempt samples 16 times: the word of a chip that measured nothing
# is also that of a temperature near 26 Cel, which single samples hit far more often.
_MODES = ((1, 8, 10), (5, 68, 79))


def get_reading(sda_pin, scl_pin, vcc_pin=None, address=0x76):
    """Return Reading(pressure in hPa, temperature in Cel, humidity in %RH), None for what failed.

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. address: 0x76 or 0x77. The values are floats.
    Blocks for 25 ms, 0.15 s if it has to repeat, 6 s if something holds the bus.
    Raises ValueError for arguments that cannot be; `last_cause` says why a value is None:
    "wrong_part" of the humidity alone: it is a BMP280; "not_ready" of the humidity alone: it was
    not measured; "implausible" of the pressure alone: it is outside 300 to 1100 hPa; "crc":
    readings of the same registers kept differing.
    """
    global last_cause
    import sensors

    given = {"sda_pin": sda_pin, "scl_pin": scl_pin, "vcc_pin": vcc_pin, "address": address}
    values, last_cause = sensors.take("bme280", given)
    return Reading(*values)


def build(rig, sda_pin, scl_pin, vcc_pin=None, address=0x76):
    """The sensor for these arguments; see sensors/__init__.py."""
    return Bme280(rig.i2c(sda_pin, scl_pin), address)


class Bme280(Sensor):
    """The chip on an I2C bus that the caller opened and will close."""

    def __init__(self, i2c, address=0x76):
        self._device = _i2c.Device(i2c, address)

    def steps(self):
        """Measure; Reading(pressure, temperature, humidity) as floats, None for what failed."""
        return (yield from _bosch.twice(self._measure))

    def _measure(self, attempt):
        self.cause = None
        device = self._device
        chip = yield from _bosch.identify(device)
        if chip != _BME280 and chip not in _BMP280:
            raise SensorError("wrong_part")
        yield from _bosch.reset(device, _RESET_MS)
        yield from _bosch.poll(device, _STATUS, _copied, 0, _COPYING_MAX_MS)
        watch = timing.Stopwatch()
        code, typ_ms, max_ms = _MODES[attempt]
        # Pairs of register and value. Off: the filter; once: humidity, which counts from the next
        # write to F4 on; last, F4: forced mode. A BMP280 has no F2 and ignores it.
        device.write(bytes((0xF5, 0x00, 0xF2, 0x01, 0xF4, code << 5 | code << 2 | 0x01)))
        coefficients = self._coefficients(chip)  # while it measures
        yield from _bosch.poll(device, _STATUS, _measured, typ_ms - watch.elapsed_ms(), max_ms)
        data = _i2c.agreed(device.registers, _DATA, 8 if chip == _BME280 else 6)
        return self._values(coefficients, data, attempt)

    def _coefficients(self, chip):
        """Return (T1 to T3, those of the pressure, H1 to H6 or None)."""
        registers = self._device.registers
        fused = struct.unpack("<HhhHhhhhhhhhBB", _i2c.agreed(registers, _COEFFICIENTS, 26))
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = fused[3:12]
        for_pressure = (p1, p2, p3, p4, p5, p6 * 4, p7, p8, p9, 0)
        if chip != _BME280:
            return fused[:3], for_pressure, None
        more = _i2c.agreed(registers, _COEFFICIENTS_HUMIDITY, 7)
        h2, h3, h4, nibbles, h5, h6 = struct.unpack("<hBbBbb", more)
        if not h2:  # told a BME280 by its id, but never adjusted for humidity
            return fused[:3], for_pressure, None
        # H4 and H5 have 12 bits and share a byte, H4 its lower half
        for_humidity = (fused[13], h2, h3, h4 << 4 | nibbles & 15, h5 << 4 | nibbles >> 4, h6)
        return fused[:3], for_pressure, for_humidity

    def _values(self, coefficients, data, attempt):
        if not any(data):
            raise SensorError("stuck")
        for_temperature, for_pressure, for_humidity = coefficients
        fine = _bosch.heat(_bosch.word20(data, 3), *for_temperature)
        raw = _bosch.word20(data, 0)
        if raw == _bosch.UNMEASURED:  # would be 650 to 820 hPa
            raise SensorError("not_ready")
        pressure = _bosch.pressure(raw, fine, for_pressure)
        humidity = None
        if for_humidity is None:
            self.cause = "wrong_part"
        else:
            raw = _bosch.humidity_word(data, 6, attempt)
            if raw is None:
                self.cause = "not_ready"
            else:
                humidity = _bosch.percent(_humidity(raw, fine, for_humidity))
        if pressure is None:
            self.cause = "implausible"
        return Reading(pressure, _bosch.celsius(fine), humidity)


def _copied(status):
    return not status & _COPYING


def _measured(status):
    return not status & _MEASURING


def _humidity(raw, fine, coefficients):
    """Return the humidity in 1/65536 %RH (4.2.3 of the data sheet)."""
    h1, h2, h3, h4, h5, h6 = coefficients
    off = fine - 76800  # from 15 Cel, in 1/5120
    distance = (raw << 14) - (h4 << 20) - h5 * off
    value = distance * h2 * ((1 << 52) + h6 * off * ((1 << 26) + h3 * off)) >> 66
    return value - (h1 * value * value >> 35)
