"""What the environmental chips of Bosch have in common: how they are read, and their arithmetic.

None of them sends checksums. Whatever counts is therefore read until two readings in a row agree.

The coefficients fused into a chip turn its raw words into values. The data sheets give polynomials
in floating point, and coarser ones for 32 bits. Here the polynomials are evaluated in whole
numbers, which this VM has in any length: each is brought to one denominator, which is divided by
at the end. That gives what double precision gives; a board, with its single precision, could not.

Sources: Bosch data sheets BST-BME280-DS002 (4.2, 5.4), BST-BME680-DS001 (3.3, 5.3).
"""

from micropython import const

from sensors import SensorError, _i2c
from utils import timing

UNMEASURED = const(0x80000)  # the word of what was not measured since the reset
_UNMEASURED_HUMIDITY = const(0x8000)

_ID = const(0xD0)
_RESET = b"\xe0\xb6"
_WAKE_MAX_MS = const(10)  # 2 ms from 1.58 V on; the supply has to get there, too


def identify(device):
    """A generator: wait until the chip answers; returns its id, which is not 0."""
    deadline = timing.Deadline(_WAKE_MAX_MS)
    while True:
        late = deadline.expired()
        try:
            found = _i2c.agreed(device.registers, _ID, 1)[0]
        except SensorError as error:
            if late or error.args[0] == "stuck":
                raise
        else:
            if not found:  # so reads a data line that is held down
                raise SensorError("stuck")
            return found
        yield 1


def reset(device, wait_ms):
    """A generator: bring all registers to their defaults, whatever the chip was set to before.

    wait_ms: until it is asked again, which goes on for 10 ms.
    """
    device.write(_RESET)
    yield wait_ms
    yield from identify(device)


def poll(device, register, done, first_ms, limit_ms, step_ms=1):
    """A generator: return the status register as soon as `done(status)` is true.

    first_ms: from now to the first look. Raises SensorError("busy") after `limit_ms` from now.
    """
    deadline = timing.Deadline(limit_ms)
    yield max(0, first_ms)
    while True:
        late = deadline.expired()
        status = device.registers(register, 1)[0]
        if done(status):
            return status
        if late:
            raise SensorError("busy")
        yield step_ms


def twice(measure):
    """A generator: the steps `measure(attempt)` for attempt 0 and, where that can help, for 1."""
    try:
        return (yield from measure(0))
    except SensorError as error:
        if error.args[0] in ("stuck", "wrong_part"):
            raise
    return (yield from measure(1))


def word20(data, place):
    """The 20-bit word of three bytes from `place` on, the first one highest."""
    return data[place] << 12 | data[place + 1] << 4 | data[place + 2] >> 4


def humidity_word(data, place, attempt):
    """The word of the humidity, or None if it is that of a humidity that was not measured.

    It also stands for a true one near 70 %RH: the first attempt raises SensorError("not_ready").
    """
    word = data[place] << 8 | data[place + 1]
    if word != _UNMEASURED_HUMIDITY:
        return word
    if not attempt:
        raise SensorError("not_ready")
    return None


def heat(raw, t1, t2, t3):
    """Return the temperature in 1/5120 Cel, which the other values are corrected with.

    Raises SensorError: "not_ready" if nothing was measured, "implausible" outside -40 to 85 Cel.
    """
    if raw == UNMEASURED:
        raise SensorError("not_ready")
    distance = raw - 16 * t1
    fine = (distance * ((t2 << 20) + distance * t3) + (1 << 33)) >> 34
    # half a hundredth on either side is rounding
    if not -204826 <= fine <= 435226:
        raise SensorError("implausible")
    return fine


def celsius(fine):
    """Cel, rounded to hundredths."""
    return ((fine * 5 + 128) >> 8) / 100


def pressure(raw, fine, coefficients):
    """Return the pressure in hPa, rounded to thousandths, or None outside 300 to 1100 hPa.

    coefficients: P1 to P10 of a BME680 with P3 * 32 and P7 * 128. For a BME280 P6 is to be
    multiplied by 4, and there is no P10. So the two chips have one polynomial.
    """
    p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 = coefficients
    off = fine - 128000  # from 25 Cel, in 1/5120
    offset = off * off * p6 + (off * p5 << 19) + (p4 << 37)
    slope = ((1 << 55) + off * off * p3 + (off * p2 << 20)) * p1
    if slope <= 0:  # no chip is fused like that
        return None
    straight = ((1048576 - raw << 33) - offset) * (6250 << 30) // slope  # in 1/256 Pa
    bent = straight * (straight * p9 + (p8 << 24)) + (p7 << 47) >> 43
    bent += straight * straight * straight * p10 >> 61
    thousandths = (straight + bent) * 10 + 128 >> 8
    if not 299950 <= thousandths <= 1100050:  # the end itself, in the steps of the converter
        return None
    return thousandths / 1000


def percent(relative):
    """%RH, rounded to thousandths, of 1/65536 %RH; the polynomials leave 0 to 100 a little."""
    return (min(max(relative, 0), 100 << 16) * 1000 + 32768 >> 16) / 1000
