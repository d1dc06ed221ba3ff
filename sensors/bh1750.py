"""Illuminance from a BH1750FVI on I2C, from darkness to sunlight.

    from sensors import bh1750
    light = bh1750.get_reading("P9", "P10", vcc_pin="P11")   # 318.33 lx

Wiring: SDA and SCL with pull-ups of about 4.7 kOhm to the sensor's supply of 2.4 to 3.6 V; address
0x23 with ADDR at ground, 0x5C at the supply. `vcc_pin` may feed it: 0.2 mA at most.

Measured in steps of 0.8 lx up to 54 612 lx; if that is too little once more less sensitively, up
to 120 000 lx in steps of 1.9; if it is below 20 lx once more with all there is, in steps of 0.11.

Written against ROHM BH1750FVI technical note 2009.04 rev. B (instruction set, measurement time
register). The chip has no identity, no checksum, no flag that a value is new. Therefore:
- The value is set to 0 before each conversion, and must then be 0: else it is another chip.
  Whatever is not 0 later is a new value.
- A value counts when it was read twice.
- 0 may be darkness. A data line that is held down is told apart by an address that no chip has:
  such a line acknowledges it. Where one conversion has seen light and the next has not, all is
  done again. What nothing can tell from darkness is a chip that finishes no conversion, or
  loses its supply in each.
"""

from micropython import const

from sensors import IO_PINS, SensorError, _i2c, _light
from utils import timing

FIELDS = (("lx", "light", "lx", -1, 10),)
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("address", "choice", (0x23, 0x5C), 0x23),
)
POWER_UP_MS = 3  # not documented

last_cause = None

# What to convert with: (opcode, measurement time register, 31 to 254). Both convert once.
HIGH = const(0x20)
HIGH2 = const(0x21)  # twice as many counts
NORMAL = (HIGH, 69)
BRIGHT = (HIGH, 31)
DIM = (HIGH2, 254)

_OFF = b"\x00"
_ON = b"\x01"
_RESET = b"\x07"  # taken only while on

_TYP_MS = const(120)  # with the register at 69; proportional to it
_MAX_MS = const(180)
_POLL_MS = const(10)
_FULL = const(0xFFFF)
_GREATEST = const(12000000)  # hundredths of a lux: the sun gives no more
_FEW = const(24)  # counts, 20 lx
_DARK = const(3)  # counts there may be without any light
_NOBODY = const(0x7F)  # reserved by the I2C specification


def get_reading(sda_pin, scl_pin, vcc_pin=None, address=0x23):
    """Return the illuminance in lux: a float in steps of 0.01, or None; `last_cause` says why.

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. address: 0x23 or 0x5C.
    More than 120 000 lx is None with "saturated". "not_ready": one conversion saw light, another
    none, also at the repetition; "crc": what was read twice did not agree.
    Blocks for 0.13 to 0.2 s, 0.3 s in sunlight, 0.6 to 0.9 s below 20 lx, three times that if
    something fails, 6 s if something holds the bus.
    Raises ValueError for arguments that cannot be.
    """
    global last_cause
    import sensors

    given = {"sda_pin": sda_pin, "scl_pin": scl_pin, "vcc_pin": vcc_pin, "address": address}
    values, last_cause = sensors.take("bh1750", given)
    return values[0]


def build(rig, sda_pin, scl_pin, vcc_pin=None, address=0x23):
    """The sensor for these arguments, on buses of `rig`."""
    return Bh1750(rig.i2c(sda_pin, scl_pin), address)


class Bh1750(_light.LightSensor):
    """The chip on an I2C bus that the caller opened and will close.

    setting: (opcode, register) to measure with; by default as the light needs it.
    """

    def __init__(self, i2c, address=0x23, setting=None):
        self._device = _i2c.Device(i2c, address)
        self._nobody = _i2c.Device(i2c, _NOBODY)
        self._setting = setting

    def measure(self):
        """Measure once; lux."""
        setting, counts = yield from self.and_off(self._adjust())
        hundredths = lux_hundredths(counts, setting)
        if hundredths > _GREATEST:
            raise SensorError("saturated")
        return hundredths / 100

    def switch_off(self):
        self._device.try_write(_OFF)

    def _adjust(self):
        """Convert as the light needs it; return (setting, counts)."""
        setting = self._setting or NORMAL
        counts = yield from self._convert(setting)
        if self._setting is None and (counts == _FULL or counts < _FEW):
            before = counts
            setting = DIM if counts < _FEW else BRIGHT
            counts = yield from self._convert(setting)
            if counts == 0 and before > _DARK or counts == _FULL and setting is DIM:
                raise SensorError("not_ready")
        if counts == _FULL:
            raise SensorError("saturated")
        return setting, counts

    def _convert(self, setting):
        """Convert once and return the counts."""
        device = self._device
        opcode, register = setting
        device.write(_ON)
        device.write(_RESET)
        if any(device.read(2)):
            raise SensorError("wrong_part")
        for command in (0x40 | register >> 5, 0x60 | register & 0x1F, opcode):
            device.write(bytes((command,)))
        deadline = timing.Deadline(_MAX_MS * register // 69 + 2)
        yield _TYP_MS * register // 69
        while True:
            late = deadline.expired()
            counts = self._counts()
            if counts:
                return counts
            if late:
                break
            yield _POLL_MS
        if self._nobody.try_write(_OFF):
            raise SensorError("stuck")
        return 0

    def _counts(self):
        """Read until two answers in a row are the same."""
        answer = _i2c.agreed(self._device.read, 2)
        return answer[0] << 8 | answer[1]


def lux_hundredths(counts, setting):
    """Return hundredths of a lux: counts / 1.2 with HIGH and 69, in proportion with others."""
    opcode, register = setting
    divisor = 12 * register * (2 if opcode == HIGH2 else 1)
    return (counts * 69 * 1000 + divisor // 2) // divisor
