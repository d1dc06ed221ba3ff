"""Records of SenML as encoded items, and their place in a datagram: a part of protocols/senml.py.

Apart from it because a node packs with protocols/senml_batch.py, which needs no more than this.
"""

from micropython import const

from utils import names

_BASE_VERSION = const(-1)  # labels of RFC 8428, table 4
_BASE_NAME = const(-2)
BASE_TIME = const(-3)
_BASE_UNIT = const(-4)
_NAME = const(0)
_UNIT = const(1)
_VALUE = const(2)
_STRING = const(3)
_BOOLEAN = const(4)
TIME = const(6)
_DATA = const(8)

ABSOLUTE_TIME = const(268435456)  # smaller ones count from the time of reception: RFC 8428, 4.5.3
_WITH_SECONDARY_UNITS = const(26)  # version 10 with feature 4: RFC 9100, sections 3 and 4
_SECONDARY_UNITS = (  # RFC 8798, table 3
    " ms min h MHz kW kVA kvar Ah Wh kWh varh kvarh kVAh Wh/km KiB GB Mbit/s B/s MB/s mV mA dBm "
    "ug/m3 mm/h m/h ppm /100 /1000 hPa mm cm km km/h "
)


def codec_of(form):
    """Return the module that encodes "cbor" or "json"."""
    if form == "cbor":
        from utils import cbor as codec
    elif form == "json":
        from protocols import _senml_json as codec
    else:
        raise ValueError("form = {!r}; allowed: 'cbor', 'json'".format(form))
    return codec


def base_items(codec, base_name):
    """Return the encoded items with which the first record of a datagram begins."""
    _check_name("base_name", base_name, "")
    return [codec.label(_BASE_NAME), codec.text(base_name)]


def version_items(codec, units):
    """Return the items in front of all others: a version, if there is a secondary unit."""
    for unit in units:
        if " %s " % unit in _SECONDARY_UNITS:
            return [codec.label(_BASE_VERSION), codec.integer(_WITH_SECONDARY_UNITS)]
    return []


def is_known(value):
    """False for None, NaN and the infinities, for which SenML has no word."""
    return value is not None and not (isinstance(value, float) and value - value != 0)


def with_entry(entries, entry):
    """Return the list with `entry` behind the others of its unit, at the front if it has none.

    A base unit holds for all records after it: those without unit come before.
    """
    place = len(entries) if entry[0] else 0
    for index in range(len(entries)):
        if entries[index][0] == entry[0]:
            place = index + 1
    return entries[:place] + [entry] + entries[place:]


def encoded_records(codec, items, entries):
    """Return (encoded records, base unit that holds behind them or None).

    items: those with which the first record begins.
    """
    units = [entry[0] for entry in entries]
    records = []
    said = None  # base unit
    for unit, name, value in entries:
        items = items + name
        if unit != said:
            label = _UNIT
            if units.count(unit) > 1:  # they stand together
                label = _BASE_UNIT
                said = unit
            items = items + [codec.label(label), codec.text(unit)]
        records.append(codec.mapping(items + value))
        items = []
    return records, said


def entry_of(codec, base_name, record, when=()):
    """Return (unit, encoded name, encoded value and time) of one record."""
    name, value, exponent, unit = record[:4]
    _check_name("name", name, base_name)
    if unit is not None and (not isinstance(unit, str) or not unit):
        raise ValueError("unit of {!r} = {!r}; allowed: a text, None".format(name, unit))
    label, encoded = _value(codec, name, value, exponent)
    named = [codec.label(_NAME), codec.text(name)] if name else []
    return unit, named, [codec.label(label), encoded] + list(when)


def _value(codec, name, value, exponent):
    """Return (label, encoded value)."""
    if value is True or value is False:
        return _BOOLEAN, codec.boolean(value)
    if isinstance(value, str):
        return _STRING, codec.text(value)
    if isinstance(value, (bytes, bytearray)):
        return _DATA, codec.binary(value)
    good = isinstance(value, (int, float)) and (exponent is None or is_int(exponent))
    exponent = exponent or 0
    if good and isinstance(value, float):
        good = -20 <= exponent <= 20
        scaled = value * 10 ** (-exponent if good else 0)
        good = good and scaled - scaled == 0
        value = int(round(scaled)) if good else value
    if not good:
        raise ValueError(
            "value of {!r} = {!r}, exponent {!r}; allowed: int, float with exponent -20 to 20, "
            "bool, str, bytes, None".format(name, value, exponent)
        )
    return _VALUE, codec.number(exponent, value)


def relative(name, time, base_time):
    """Return what to write as the time of a record, so that base_time and it make `time`."""
    if not is_int(time) or -ABSOLUTE_TIME >= time or 0 < time < ABSOLUTE_TIME:
        raise ValueError(
            "time of {!r} = {!r}; allowed: int since 1970, negative int, None".format(name, time)
        )
    return time - base_time if base_time and time > 0 else time


def header_items(codec, time, said_time, said_unit):
    """Return the items in front of the sequence number of a measurement.

    time: seconds since 1970, a negative age in seconds, None for now; said_time, said_unit: the
    base time and base unit of the measurement before it in the datagram, None if there is none.
    """
    items = []
    if time != said_time:
        time = relative("measurement", time or 0, None)
        items = [codec.label(BASE_TIME), codec.integer(time)]
    if said_unit:
        items += [codec.label(_BASE_UNIT), codec.text("")]
    return items


def is_int(value):
    return isinstance(value, int) and value is not True and value is not False


def _check_name(field, name, before):
    """Raise ValueError if `name` may not stand behind `before` (RFC 8428, 4.5.1)."""
    if not isinstance(name, str) or not names.is_name(("x" if before else "") + name):
        raise ValueError(
            "{} = {!r}; allowed: letters, digits and {}, a letter or digit in front".format(
                field, name, names.MARKS
            )
        )
