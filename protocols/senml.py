"""Reports as SenML (RFC 8428) in CBOR, packed into as few datagrams as possible.

    from protocols import senml
    for payload in senml.pack("240ac4123456:", records, limit=62, seq=17):
        ...

records   (name, value, exponent, unit) in order of importance, such as ("t", 2423, -2, "Cel") for
          24.23 Cel; more items per record are not looked at, so that `sensors.Measurement` and
          the metrics of a bearer serve as they are. `value` is an int, bool, str, bytes, or None,
          which is left out, since SenML has no word for it. `exponent` counts for ints alone and
          may be 0 or None; `unit` is one of RFC 8428, or None.

Integers stay integers and others become decimal fractions (section 6), so that what was measured
arrives to the last digit. Bytes of a record, for a name of n and a unit of u letters:

    1 + (2 + n) + (2 + u, if there is a unit) + 1 + value
    value: int 1 below 24, 2 below 256, 3 below 65536; decimal fraction 3 more

The base name costs 2 + its length in each datagram and the list 1. "t" in Cel and "h" in %RH take
16 bytes each and "v" in V takes 14; with a sequence number up to 255 and a base name of 13 letters
that makes 57 bytes for "t" and "h", and 71 with "v". Short names pay: use one or two letters.
"""

from micropython import const

from utils import cbor

SEQUENCE = "seq"  # name of the record with the sequence number

_BASE_NAME = const(-2)  # labels of RFC 8428, table 4
_BASE_TIME = const(-3)
_NAME = const(0)
_UNIT = const(1)
_VALUE = const(2)
_STRING = const(3)
_BOOLEAN = const(4)
_DATA = const(8)

_NAME_CHARACTERS = "-:./_"  # beside letters and digits, but not in front: RFC 8428, 4.5.1
_ABSOLUTE_TIME = const(268435456)  # smaller ones count from the time of reception: RFC 8428, 4.5.3


def pack(base_name, records, limit, seq=None, base_time=None, seq_name=SEQUENCE):
    """Return a list of datagrams, each bytes of at most `limit` and a complete SenML pack.

    base_name: what makes the names unique all over the world, in front of each of them.
    seq: int; travels as a record of its own in every datagram, also if there is no other record.
    seq_name: name of that record; "" saves 5 bytes, and the bare base name is its name then.
    base_time: int, seconds since 1970 as the time of all records; None if the clock is unknown.

    A record goes into the first datagram with room for it, so that a short one fills the gap that
    a longer one left. Nothing is truncated: a record that does not fit into a datagram by itself
    raises ValueError, as do bad names, values that are not of the types above, and a bad time.
    """
    _check_name("base_name", base_name, "")
    base = [cbor.integer(_BASE_NAME), cbor.text(base_name)]
    if base_time is not None:
        if not _is_int(base_time) or base_time < _ABSOLUTE_TIME:
            raise ValueError(
                "base_time = {!r}; allowed: seconds since 1970 as an int".format(base_time)
            )
        base += [cbor.integer(_BASE_TIME), cbor.integer(base_time)]
    datagrams = []  # each a list of encoded records, the first of which has the base fields
    first = []
    if seq is not None:
        first = [cbor.mapping(base + _items(base_name, seq_name, seq, 0, None))]
        datagrams.append(_fitting(first, limit, seq_name))
    for record in records:
        name, value, exponent, unit = record[:4]
        if value is None:
            continue
        if first and name == seq_name:
            raise ValueError("name = {!r}; allowed: another, that is the number".format(name))
        items = _items(base_name, name, value, exponent, unit)
        encoded = cbor.mapping(items)
        for datagram in datagrams:
            if len(cbor.array(datagram + [encoded])) <= limit:
                datagram.append(encoded)
                break
        else:
            start = first + [encoded] if first else [cbor.mapping(base + items)]
            datagrams.append(_fitting(start, limit, name))
    return [cbor.array(datagram) for datagram in datagrams]


def _fitting(records, limit, name):
    """Return a copy of the list of encoded records, or raise ValueError if it is too long."""
    size = len(cbor.array(records))
    if size > limit:
        raise ValueError("record {!r} needs {} bytes; allowed: {}".format(name, size, limit))
    return list(records)


def _items(base_name, name, value, exponent, unit):
    """Return the encoded keys and values of one record."""
    _check_name("name", name, base_name)
    items = [cbor.integer(_NAME), cbor.text(name)] if name else []
    if unit is not None:
        if not isinstance(unit, str) or not unit:
            raise ValueError("unit of {!r} = {!r}; allowed: a text, None".format(name, unit))
        items += [cbor.integer(_UNIT), cbor.text(unit)]
    label, encoded = _value(name, value, exponent)
    return items + [cbor.integer(label), encoded]


def _value(name, value, exponent):
    """Return (label, encoded value)."""
    if value is True or value is False:
        return _BOOLEAN, cbor.boolean(value)
    if isinstance(value, str):
        return _STRING, cbor.text(value)
    if isinstance(value, (bytes, bytearray)):
        return _DATA, cbor.binary(value)
    if not _is_int(value) or not (exponent is None or _is_int(exponent)):
        raise ValueError(
            "value of {!r} = {!r}, exponent {!r}; allowed: int with an int exponent, bool, str, "
            "bytes, None".format(name, value, exponent)
        )
    if exponent:
        return _VALUE, cbor.decimal(exponent, value)
    return _VALUE, cbor.integer(value)


def _is_int(value):
    return isinstance(value, int) and value is not True and value is not False


def _check_name(field, name, before):
    """Raise ValueError if `name` may not stand behind `before` (RFC 8428, 4.5.1)."""
    good = isinstance(name, str) and (bool(before) or _is_alphanumeric(name[:1]))
    if good:
        for character in name:
            good = good and (_is_alphanumeric(character) or character in _NAME_CHARACTERS)
    if not good:
        raise ValueError(
            "{} = {!r}; allowed: letters, digits and {}, a letter or digit in front".format(
                field, name, _NAME_CHARACTERS
            )
        )


def _is_alphanumeric(character):
    return ("a" <= character <= "z" or "A" <= character <= "Z" or "0" <= character <= "9") and len(
        character
    ) == 1
