"""Values of measurements as the journal keeps them, in RTC memory and on flash."""

from utils import cbor


def encoded(value):
    """Return the CBOR of an int, bool, str or bytes; None is written as an empty array."""
    if value is None:
        return cbor.array(())
    if value is True or value is False:
        return cbor.boolean(value)
    if isinstance(value, str):
        return cbor.text(value)
    if isinstance(value, (bytes, bytearray)):
        return cbor.binary(value)
    return cbor.integer(value)


def plain(record):
    """Return (name, value, exponent, unit) with an int for a float; None where no value is.

    Raises ValueError for what is no record: see protocols/senml.py.
    """
    name, value, exponent, unit = record[:4]
    exponent = exponent or 0
    if value is None or isinstance(value, float) and value - value != 0:
        return None
    if isinstance(value, float):
        if not -20 <= exponent <= 20 or value * 10**-exponent - value * 10**-exponent != 0:
            raise ValueError("value of {!r} = {!r}, exponent {!r}".format(name, value, exponent))
        value = int(round(value * 10**-exponent))
    kinds = (int, str, bytes, bytearray)
    if isinstance(name, str) and isinstance(value, kinds) and isinstance(exponent, int):
        if unit is None or isinstance(unit, str):
            return name, value, exponent, unit
    raise ValueError("record {!r}".format(tuple(record[:4])))
