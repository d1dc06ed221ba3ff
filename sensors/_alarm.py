"""Bounds of measurements: the "alarm" of a line of the configuration.

    ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "alarm": {"t": (-10, 30.5), "h": (None, 90)}})

A key is a label of the sensor ("t"), or a name in the report ("t2", "roof.t"). The bounds are
numbers in the unit of the report; a value equal to one of them is inside.
"""

from micropython import const

from utils import configuration

_MOST = const(1000000000)  # of a bound
# A float of this VM has 24 bits, so that 30.1 is 30.1000004: a bound that is as near as this to a
# whole step of the measurement is that step.
_PARTS = const(1 << 22)


def problems(alarm, labels, names):
    """Return one text per mistake in the "alarm" of a line whose measurements have these names."""
    allowed = '{label: (low, high)}, such as {"%s": (-10, None)}' % labels[0]
    if not isinstance(alarm, dict) or not alarm:
        return ["alarm = %r; allowed: %s" % (alarm, allowed)]
    known = labels + [name for name in names if name not in labels]
    found = []
    for key in sorted(alarm, key=str):
        text = "alarm: %r is unknown; allowed: %s"
        if key not in known:
            found.append(text % (key, ", ".join(known)))
        elif not _are_bounds(alarm[key]):
            text = "alarm: %r = %r; allowed: (low, high), two numbers of which one may be None"
            found.append(text % (key, alarm[key]))
    for label, name in zip(labels, names):
        if label != name and label in alarm and name in alarm:
            found.append("alarm: %r is also named %r; allowed: one of them" % (label, name))
    return found


def is_outside(value, exponent, bounds):
    """True if value * 10 ** exponent is below or above the bounds (low, high)."""
    low, high = bounds
    if low is not None and _sign(value, exponent, low) < 0:
        return True
    return high is not None and _sign(value, exponent, high) > 0


def _are_bounds(bounds):
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        return False
    given = [bound for bound in bounds if bound is not None]
    if not given or not all(configuration.is_number(bound, -_MOST, _MOST) for bound in given):
        return False
    return given[0] <= given[-1]


def _sign(value, exponent, bound):
    """Return an int with the sign of value * 10 ** exponent - bound. Whole numbers are exact."""
    if exponent > 0:
        value *= 10**exponent
    scale = 10 ** max(0, -exponent)
    whole = int(bound)  # the fraction apart, since a float has 24 bits
    rest = (bound - whole) * scale
    nearest = int(round(rest))
    value -= whole * scale + nearest
    if value or abs(rest - nearest) * _PARTS <= abs(bound) * scale:
        return value
    return -1 if rest > nearest else 1  # the bound is between two steps
