"""Illuminance from a TSL2561 on I2C (also TSL2560, APDS-9301), from darkness to sunlight.

    from sensors import tsl2561
    light = tsl2561.get_reading("P9", "P10", vcc_pin="P11")   # 318.4 lx

Wiring: SDA and SCL with pull-ups of about 4.7 kOhm to the sensor's supply of 2.7 to 3.6 V; address
0x29 with ADDR at ground, 0x39 open, 0x49 at the supply. `vcc_pin` may feed it: 0.6 mA at most.

The chip counts two photodiodes, one of which sees mainly infrared, over 13.7, 101 or 402 ms, with
a gain of 1 or 16. Here a short integration finds out how bright it is; then follows one that uses
as much of the range as is safe. That one takes whole periods of lamps that flicker at 100 or
120 Hz, which 13.7 ms would not. Resolution 0.1 lx in dim light, 2 lx in sunlight.

Written against TAOS data sheet TSL2560/TSL2561, TAOS059N (registers, "Calculating Lux", simplified
lux calculation). The coefficients depend on the package, which the id register tells: chip-scale
(CS) or any other. The two forms of calculation in there differ by up to 2 %, single parts by more.
An integration that shows far less than the short one saw is given as much time again: there are
parts for which the documented time is too short.
"""

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, SensorError, _i2c, _light

FIELDS = (("lx", "light", "lx", -1, 10),)
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("address", "choice", (0x29, 0x39, 0x49), 0x39),
)
POWER_UP_MS = 3  # not documented

last_cause = None

# timing     value of the timing register: bit 4 is the gain, bits 1 and 0 the integration
# wait_ms    918 * 11, 81 or 322 periods of a clock that has 690 kHz at least, and 2 ms more
# full       the most that is not taken for clipped, a little below 5047, 37177 and 65535
# scale      1024ths by which counts are multiplied to be those of 402 ms and gain 16
Setting = namedtuple("Setting", ("timing", "wait_ms", "full", "scale"))

PROBE = Setting(0x10, 17, 4900, 0x7517)
# The most sensitive first. 101 ms with gain 1 clip at the same light as 13.7 ms do.
SETTINGS = (
    Setting(0x12, 431, 65000, 0x400),
    Setting(0x11, 110, 37000, 0xFE7),
    Setting(0x01, 110, 37000, 0xFE7 << 4),
)

# (greatest ratio of the channels in 512ths, weight of channel 0, of channel 1, in 16384ths of a
# lux); beyond the last row it is infrared only
_PLASTIC = (
    (0x40, 0x1F2, 0x1BE),
    (0x80, 0x214, 0x2D1),
    (0xC0, 0x23F, 0x37B),
    (0x100, 0x270, 0x3FE),
    (0x138, 0x16F, 0x1FC),
    (0x19A, 0xD2, 0xFB),
    (0x29A, 0x18, 0x12),
)
_CHIP_SCALE = (
    (0x43, 0x204, 0x1AD),
    (0x85, 0x228, 0x2C1),
    (0xC8, 0x253, 0x363),
    (0x10A, 0x282, 0x3DF),
    (0x14D, 0x177, 0x1DD),
    (0x19A, 0x101, 0x127),
    (0x29A, 0x37, 0x2B),
)
_PACKAGES = {0x0: _CHIP_SCALE, 0x1: _CHIP_SCALE, 0x4: _PLASTIC, 0x5: _PLASTIC}  # by id >> 4

# Registers, with bit 7 that marks a command and bit 5 for two bytes at once
_CONTROL_AND_TIMING = const(0xA0)
_ID = const(0x8A)
_CHANNEL_0 = const(0xAC)
_CHANNEL_1 = const(0xAE)
_ON = b"\x80\x03"
_OFF = b"\x80\x00"


def get_reading(sda_pin, scl_pin, vcc_pin=None, address=0x39):
    """Return the illuminance in lux: a float in steps of 0.1, or None; `last_cause` says why.

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. address: 0x29, 0x39 or 0x49.
    0 is darkness, or light that is infrared only. More than the chip can tell is None with
    "saturated": more than 71 000 lx without infrared, 40 000 lx of sunlight, where every third
    count is infrared, 16 000 lx where every second is. "not_ready": it lost its settings while it
    measured; "crc": what was read twice did not agree.
    Blocks for 0.15 s in bright and 0.47 s in dim light, for 0.7 s if the light changes meanwhile,
    for three times that if something fails, for 6 s if something holds the bus.
    Raises ValueError for arguments that cannot be.
    """
    global last_cause
    import sensors

    given = {"sda_pin": sda_pin, "scl_pin": scl_pin, "vcc_pin": vcc_pin, "address": address}
    values, last_cause = sensors.take("tsl2561", given)
    return values[0]


def build(rig, sda_pin, scl_pin, vcc_pin=None, address=0x39):
    """The sensor for these arguments, on buses of `rig`."""
    return Tsl2561(rig.i2c(sda_pin, scl_pin), address)


class Tsl2561(_light.LightSensor):
    """The chip on an I2C bus that the caller opened and will close.

    setting: a Setting to measure with; by default the most sensitive that does not clip.
    """

    def __init__(self, i2c, address=0x39, setting=None):
        self._device = _i2c.Device(i2c, address)
        self._setting = setting

    def measure(self):
        """Measure once; lux."""
        package = self._identify()
        scale, counts = yield from self.and_off(self._expose())
        return lux_tenths(counts[0], counts[1], scale, package) / 10

    def switch_off(self):
        self._device.try_write(_OFF)

    def _identify(self):
        """Return the table for the package. Nothing is written to a chip that is another one."""
        identity = self._same(_ID, 1)[0]
        package = _PACKAGES.get(identity >> 4)
        if package is None:
            raise SensorError("wrong_part")
        return package

    def _expose(self):
        """Integrate such that nothing clips; return (scale, (channel 0, channel 1))."""
        settings = SETTINGS
        probed = None
        if self._setting is None:
            probed = yield from self._integrate(PROBE)
        else:
            settings = (self._setting,)
        for setting in settings:
            # what clipped all the same, since the light rose, is done again less sensitively
            if setting is settings[-1] or _fits(probed, setting):
                counts = yield from self._integrate(setting)
                if probed and _not_ended(counts, setting, probed):
                    yield setting.wait_ms
                    counts = self._counts(setting)
                if max(counts) <= setting.full:
                    return setting.scale, counts
                probed = None
        raise SensorError("saturated")

    def _integrate(self, setting):
        """Integrate; return (channel 0, channel 1)."""
        device = self._device
        for data in (_OFF, bytes((0x81, setting.timing)), _ON):  # from off to on it starts anew
            device.write(data)
        if not self._is_set(setting):
            # all bits 0 is what a held data line looks like, as well as the id of a TSL2560CS
            raise SensorError("wrong_part" if any(self._same(_ID, 1)) else "stuck")
        yield setting.wait_ms
        return self._counts(setting)

    def _counts(self, setting):
        """Return (channel 0, channel 1) of the last integration that has ended."""
        counts = self._word(_CHANNEL_0), self._word(_CHANNEL_1)
        if not self._is_set(setting):  # it started anew, and zeros would look like darkness
            raise SensorError("not_ready")
        return counts

    def _is_set(self, setting):
        control, timing = self._same(_CONTROL_AND_TIMING, 2)
        return control & 0x03 == 0x03 and timing == setting.timing

    def _word(self, register):
        answer = self._same(register, 2)
        return answer[0] | answer[1] << 8

    def _same(self, register, count):
        """Read until two answers in a row are the same: there is no checksum.

        Counts stay the same for the time of an integration; if they change, the next two agree.
        """
        return _i2c.agreed(self._device.registers, register, count)


def _fits(probed, setting):
    """True if three quarters of the range are enough for the light that the probe has seen."""
    if probed is None:
        return False
    return 4 * max(probed) * PROBE.scale < 3 * setting.full * setting.scale


def _not_ended(counts, setting, probed):
    """True if these are the counts of the probe, or show less than a quarter of its light.

    That is how the channels look while the first integration goes on.
    """
    if counts == probed and any(counts):
        return True
    seen = max(probed)
    return seen > 3 and 4 * max(counts) * setting.scale < seen * PROBE.scale


def lux_tenths(channel0, channel1, scale, package):
    """Return tenths of a lux for counts, by the integer calculation of the data sheet.

    scale: of the Setting they were counted with. package: rows such as those above.
    """
    channel0 = channel0 * scale >> 10
    channel1 = channel1 * scale >> 10
    if channel0:
        ratio = ((channel1 << 10) // channel0 + 1) >> 1
        for greatest, weight0, weight1 in package:
            if ratio <= greatest:
                parts = max(0, channel0 * weight0 - channel1 * weight1)
                return (10 * parts + 8192) >> 14
    return 0
