"""Floats as texts, for both VMs in the language that both know: digits as on a Pycom board.

The board scales a number to one digit before the point by multiplying it with powers of ten, in
single precision, and then takes digit after digit off it. What is lost on the way shows in the
seventh digit: 999 / 10 is printed as 99.90001.
Source: MicroPython 1.11 py/formatfloat.c, py/objfloat.c, py/mpprint.c.
"""

try:
    import struct
except ImportError:  # 1.11 without weak links
    import ustruct as struct

_ALMOST_ONE = 0.9999995
_STR_BUFFER = 16  # of str(), and of a text that is formatted
_FORMAT_BUFFER = 36


def float32(value):
    """The nearest single-precision number."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


_UP = [(step, float32(10.0**step)) for step in (32, 16, 8, 4, 2, 1)]
_DOWN = [(step, float32(10.0**-step), up) for step, up in _UP]
_TENTH = float32(0.1)
_ALMOST_ONE = float32(_ALMOST_ONE)


def float_text(value):
    """str() of a float on the device."""
    text = float_digits(value, "g", 7, _STR_BUFFER)
    return text if any(mark in text for mark in ".en") else text + ".0"


def float_digits(value, kind, precision=6, room=_FORMAT_BUFFER, sign=""):
    """The digits of a float: kind is one of e, f, g, precision negative for 6.

    room: bytes of the board's buffer, its end included, into which the text has to fit.
    """
    value = float32(value)
    if value != value:
        return sign + "nan"
    if value < 0 or (value == 0 and str(value)[0] == "-"):
        sign, value = "-", -value
    if value == float("inf"):
        return sign + "inf"
    room -= 1 + len(sign)
    precision = 6 if precision < 0 else precision
    if kind == "g" and precision == 0:
        precision = 1
    if value == 0:
        return sign + _zero(kind, precision, room)
    scaled = _below_one if value < 1 else _from_one
    return sign + scaled(value, kind, precision, room)


def _zero(kind, precision, room):
    if kind == "f":
        precision = min(precision, room - 2)
        return "0." + "0" * precision if precision > 0 else "0"
    precision = min(precision, room - 6)
    if kind == "g":
        return "0"
    return ("0." + "0" * precision if precision > 0 else "0") + "e+00"


def _below_one(value, kind, precision, room):
    first = "1" if value >= _ALMOST_ONE else "0"
    exponent = 0
    for step, limit, up in _DOWN:
        if limit > value:
            exponent += step
            value = float32(value * up)
    sign = "-"
    if _ALMOST_ONE <= value < 1:
        value = 1.0
        if exponent == 0:
            sign = "+"
    elif value < 1:
        exponent += 1
        value = float32(value * 10.0)
    if kind == "f" or (kind == "g" and exponent <= 4):
        if kind == "g":
            precision += exponent - 1
        precision = max(0, min(precision, room - 2))
        zeros = max(0, min(exponent - 1, precision))
        start = first + ("." + "0" * zeros if precision else "")
        digits, value = _digits(value, precision - zeros)
        # further away than the digits printed: nothing to round
        passed = min(exponent, precision + 1) if precision else 0
        far = kind == "f" and exponent - passed > precision - zeros
        text = _rounded(start + digits, value, not far)[0]
        return _shortened(text) if kind == "g" and precision > 0 else text
    precision = min(precision, room - 6 + (kind == "g"))
    return _with_exponent(value, kind, precision, exponent, sign)


def _from_one(value, kind, precision, room):
    exponent = 0
    for (step, limit), (_, down, _) in zip(_UP, _DOWN):
        if limit <= value:
            exponent += step
            value = float32(value * down)
    if value >= 10:
        exponent += 1
        value = float32(value * _TENTH)
    plain, general = kind, kind == "g"
    if kind == "f":
        if exponent >= room:
            plain = "e"
        elif exponent + precision + 2 > room:
            precision = room - exponent - 2
            if precision < 0:
                precision += 1
    if plain == "e":
        precision = min(precision, room - 6)
    if general:
        precision = min(precision, room - 5)
        if exponent < precision:
            plain = "f"
            precision -= exponent + 1
    precision = max(precision, 0)
    if plain != "f":
        return _with_exponent(value, plain, precision, exponent, "+")
    digits, value = _digits(value, exponent + 1 + precision)
    if precision:
        digits = digits[: exponent + 1] + "." + digits[exponent + 1 :]
    text = _rounded(digits, value, True)[0]
    return _shortened(text) if general and precision > 0 else text


def _with_exponent(value, kind, precision, exponent, sign):
    precision = max(precision, 0)
    count = precision + 1 if kind == "e" else max(precision, 1)
    digits, value = _digits(value, count)
    point = precision > 0
    text, carried = _rounded(digits[0] + "." + digits[1:] if point else digits, value, True)
    if carried and point:  # 9.99 has become 10.00
        text = text[0] + "." + text[1] + text[3:]
        text = text[: count + 1]
        exponent += -1 if sign == "-" else 1
        if exponent == 0:
            sign = "+"
    if kind == "g" and precision > 0:
        text = _shortened(text)
    return "{}e{}{:02d}".format(text, sign, exponent)


def _digits(value, count):
    """So many digits of a number from 1 on, and what is left of it."""
    out = []
    for _ in range(count):
        digit = int(value)
        out.append(str(max(digit, 0)))
        value = float32(float32(value - digit) * 10.0)
    return "".join(out), value


def _rounded(text, rest, near):
    """The digits rounded up if half or more is left; whether a digit more came before them."""
    if not near or rest < 5:
        return text, False
    at = len(text) - 1
    out = list(text)
    while at >= 0:
        if out[at] == ".":
            at -= 1
        elif out[at] == "9":
            out[at] = "0"
            at -= 1
        else:
            out[at] = chr(ord(out[at]) + 1)
            return "".join(out), False
    return "1" + "".join(out), True


def _shortened(text):
    return text.rstrip("0").rstrip(".")
