"""Illuminance from a VEML7700 on I2C (also VEML6030), from darkness to sunlight.

    from sensors import veml7700
    light = veml7700.get_reading("P9", "P10", vcc_pin="P11")   # 318.02 lx

Wiring: SDA and SCL with pull-ups of about 4.7 kOhm to the sensor's supply of 2.5 to 3.6 V; address
0x10, a VEML6030 also 0x48. `vcc_pin` may feed it: 0.05 mA.

A short integration finds out how bright it is; 100 ms then average the flicker of lamps, in steps
of 0.03 lx up to 100 lx and of 0.5 lx up to 26 000 lx. Brighter light is what the short one saw,
in steps of 2.2 lx up to 120 000 lx. Gain 2 is for less than 100 lx, as the maker advises: gains 1
and 2 bend otherwise than 1/8, and brighter light would read less where the gain changes.

Written against Vishay VEML7700 data sheet rev. 1.7 and "Designing the VEML7700 Into an
Application". Revision 1.7 (29 Nov 2023) and product change notice PIN-OPT-7462-2024 change a
constant: a count at the greatest sensitivity is 0.0042 lx, where earlier editions state 0.0036
(RESOLUTION below). What is uncertain: the polynomial of the application note for more than 1000 lx
came with the earlier value, and users quote it from editions of 2024 as well; with the later value
it adds 19 % at 3000 lx, and makes 100 000 lx of 22 000. It is therefore applied only where
`correction` asks for it.
"""

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, SensorError, _i2c, _light

FIELDS = (("lx", "light", "lx", -1, 10),)
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("address", "choice", (0x10, 0x48), 0x10),
    ("correction", "choice", (False, True), False),
)
POWER_UP_MS = 3

last_cause = None

RESOLUTION = 42  # 10 000ths of a lux for one count at 800 ms and gain 2

# configuration   bits 12 and 11 are the gain, 9 to 6 the integration
# integration_ms  how long that is
# scale           by how much one count is more than at 800 ms and gain 2
Setting = namedtuple("Setting", ("configuration", "integration_ms", "scale"))

SHORT = Setting(0x1300, 25, 512)  # gain 1/8
# With the most that the short one may have seen: 100 lx, and three quarters of the range. What is
# more is what the short one saw.
SETTINGS = ((46, Setting(0x0800, 100, 8)), (12287, Setting(0x1000, 100, 128)))  # gain 2, 1/8

_CONFIGURATION = const(0)
_POWER_SAVING = const(3)
_LIGHT = const(4)
_ID = const(7)
_ID_LOW = const(0x81)
_SHUT_DOWN = const(1)
_START_MS = const(5)  # 2.5 from shut-down to measuring
_FULL = const(0xFFFF)
_LINEAR = const(100000)  # hundredths of a lux; above that there is a correction
_LOW_GAIN = const(0x1000)  # for gain 1/4 and 1/8 only
_GREATEST = const(12000000)  # hundredths of a lux: the sun gives no more


def get_reading(sda_pin, scl_pin, vcc_pin=None, address=0x10, correction=False):
    """Return the illuminance in lux: a float in steps of 0.01, or None; `last_cause` says why.

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. address: 0x10 or 0x48. correction: True applies the polynomial of the
    application note to bright light.
    More than 120 000 lx is None with "saturated". "not_ready": it lost its settings while it
    measured; "crc": what was read twice did not agree.
    Blocks for 0.06 s in sunlight, else 0.23 s, for 0.4 s if the light changes meanwhile, for three
    times that if something fails, for 6 s if something holds the bus.
    Raises ValueError for arguments that cannot be.
    """
    global last_cause
    import sensors

    given = {
        "sda_pin": sda_pin,
        "scl_pin": scl_pin,
        "vcc_pin": vcc_pin,
        "address": address,
        "correction": correction,
    }
    values, last_cause = sensors.take("veml7700", given)
    return values[0]


def build(rig, sda_pin, scl_pin, vcc_pin=None, address=0x10, correction=False):
    """The sensor for these arguments, on buses of `rig`."""
    return Veml7700(rig.i2c(sda_pin, scl_pin), address, correction)


class Veml7700(_light.LightSensor):
    """The chip on an I2C bus that the caller opened and will close.

    setting: a Setting to measure with; by default as the light needs it.
    """

    def __init__(self, i2c, address=0x10, correction=False, setting=None):
        self._device = _i2c.Device(i2c, address)
        self._correction = correction
        self._setting = setting

    def measure(self):
        """Measure once; lux."""
        identity = self._same(_ID)
        if identity & 0xFF != _ID_LOW:  # the high byte depends on the address
            # all bits 0 is what a held data line looks like
            raise SensorError("wrong_part" if identity else "stuck")
        setting, counts = yield from self.and_off(self._expose())
        hundredths = lux_hundredths(counts, setting.scale)
        if self._correction and setting.configuration & _LOW_GAIN and hundredths > _LINEAR:
            hundredths = corrected(hundredths)
        if hundredths > _GREATEST:
            raise SensorError("saturated")
        return hundredths / 100

    def switch_off(self):
        self._device.try_write(_words(_CONFIGURATION, _SHUT_DOWN))

    def _expose(self):
        """Integrate such that nothing clips; return (setting, counts)."""
        if self._setting is None:
            short = yield from self._integrate(SHORT)
            for most, setting in SETTINGS:
                if short <= most:
                    counts = yield from self._integrate(setting)
                    # twice as much is done again less sensitively, since the light rose
                    if counts < _FULL and counts * setting.scale <= 2 * most * SHORT.scale:
                        return setting, counts
                    short = 0  # what it saw is no longer so: the next one is to see for itself
            setting = SHORT
            counts = short or (yield from self._integrate(SHORT))
        else:
            setting = self._setting
            counts = yield from self._integrate(setting)
        if counts == _FULL:
            raise SensorError("saturated")
        return setting, counts

    def _integrate(self, setting):
        """Return the counts; they are 0xFFFF if they clipped."""
        device = self._device
        configuration = setting.configuration
        # Out of shut-down it starts anew; a value that is ready is not told of.
        device.write(_words(_CONFIGURATION, configuration | _SHUT_DOWN))
        device.write(_words(_POWER_SAVING, 0))
        device.write(_words(_CONFIGURATION, configuration))
        # half as much again: how exact its clock is, is not documented
        yield _START_MS + setting.integration_ms * 3 // 2
        counts = self._same(_LIGHT)
        if self._same(_CONFIGURATION) != configuration:  # it started anew and has old values
            raise SensorError("not_ready")
        return counts

    def _same(self, register):
        """Read until two words in a row are the same: there is no checksum."""
        answer = _i2c.agreed(self._device.registers, register, 2)
        return answer[0] | answer[1] << 8


def _words(register, value):
    return bytes((register, value & 0xFF, value >> 8))


def lux_hundredths(counts, scale, resolution=RESOLUTION):
    """Return hundredths of a lux for counts of a Setting with this scale.

    resolution: 10 000ths of a lux at 800 ms and gain 2; 36 in the earlier documents.
    """
    return (counts * scale * resolution + 50) // 100


def corrected(hundredths):
    """Return hundredths of a lux by the polynomial of the application note, for over 1000 lx."""
    lux = hundredths / 100
    lux *= ((6.0135e-13 * lux - 9.3924e-9) * lux + 8.1488e-5) * lux + 1.0023
    return int(lux * 100 + 0.5)
