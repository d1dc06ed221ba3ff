"""Reports as SenML (RFC 8428) in CBOR or JSON, packed into as few datagrams as possible.

    from protocols import senml
    for payload in senml.pack("240ac4123456:", records, limit=62, seq=17):
        ...

records   (name, value, exponent, unit) in order of importance, such as ("t", 2423, -2, "Cel") for
          24.23 Cel; more items per record are not looked at, so that `sensors.Measurement` and
          the metrics of a bearer serve as they are. `unit` is one of RFC 8428 or 8798, or None.
value     int: value * 10 ** exponent is meant; an exponent of None is 0
          float: the number itself, rounded to a multiple of 10 ** exponent
          None, NaN, infinity: nothing was measured, and the record is left out, since SenML has no
          word for it (RFC 8428, 4.3 and 5)
          bool, str, bytes: as they are

An int passes through no float, so that what was measured arrives to the last digit. In CBOR it
is an integer, a half-precision float or a decimal fraction: the shortest that is exact. Bytes of
a record in CBOR, for a name of n and a unit of u letters:

    1 + (2 + n) + (2 + u, if there is a unit) + 1 + value
    value: int 1 below 24, 2 below 256, 3 below 65536; half float 3; decimal fraction: int + 3

The base name costs 2 + its length in each datagram and the list 1. Where records of a datagram
have the same unit, it is said once (base unit). Units that RFC 8798 calls secondary, such as dBm,
ms and mV, need a version number (RFC 9100), which takes 3 bytes in each datagram with one of them.
"""

from micropython import const

from utils import names

SEQUENCE = "seq"  # name of the record with the sequence number

_BASE_VERSION = const(-1)  # labels of RFC 8428, table 4
_BASE_NAME = const(-2)
_BASE_TIME = const(-3)
_BASE_UNIT = const(-4)
_NAME = const(0)
_UNIT = const(1)
_VALUE = const(2)
_STRING = const(3)
_BOOLEAN = const(4)
_TIME = const(6)
_DATA = const(8)

_ABSOLUTE_TIME = const(268435456)  # smaller ones count from the time of reception: RFC 8428, 4.5.3
_WITH_SECONDARY_UNITS = const(26)  # version 10 with feature 4: RFC 9100, sections 3 and 4
_SECONDARY_UNITS = (  # RFC 8798, table 3
    " ms min h MHz kW kVA kvar Ah Wh kWh varh kvarh kVAh Wh/km KiB GB Mbit/s B/s MB/s mV mA dBm "
    "ug/m3 mm/h m/h ppm /100 /1000 hPa mm cm km km/h "
)


def pack(
    base_name, records, limit, seq=None, base_time=None, seq_name=SEQUENCE, times=None, form="cbor"
):
    """Return a list of datagrams, each bytes of at most `limit` and a complete SenML pack.

    base_name: what makes the names unique all over the world, in front of each of them.
    seq: int; travels as a record of its own in every datagram, also if there is no other record.
    seq_name: name of that record; "" saves 5 bytes, and the bare base name is its name then.
    base_time: int, seconds since 1970 as the time of all records; None if the clock is unknown.
    times: None, or one for each record: seconds since 1970, or negative seconds counted from
        base_time, without it from the reception; None for a record of now. All are ints.
    form: "cbor" (application/senml+cbor) or "json" (application/senml+json).

    A record goes into the first datagram with room for it, so that a short one fills the gap that
    a longer one left, and there behind others of its unit. Nothing is truncated: a record that
    does not fit into a datagram by itself raises ValueError, as do bad names, values that are not
    of the types above, and bad times.
    """
    codec = codec_of(form)
    base = base_items(codec, base_name)
    if base_time is not None:
        if not _is_int(base_time) or base_time < _ABSOLUTE_TIME:
            raise ValueError(
                "base_time = {!r}; allowed: seconds since 1970 as an int".format(base_time)
            )
        base += [codec.label(_BASE_TIME), codec.integer(base_time)]
    if times is not None and len(times) != len(records):
        raise ValueError("{} times; allowed: {}".format(len(times), len(records)))
    datagrams = []  # each a list of (unit, encoded name, encoded value and time)
    first = []
    if seq is not None:
        first = [entry_of(codec, base_name, (seq_name, seq, 0, None))]
        datagrams.append(_fitting(codec, base, first, limit, seq_name))
    for index in range(len(records)):
        record = records[index]
        name = record[0]
        if not is_known(record[1]):
            continue
        if first and name == seq_name:
            raise ValueError("name = {!r}; allowed: another, that is the number".format(name))
        when = []
        if times is not None and times[index] is not None:
            when = [codec.label(_TIME), codec.integer(_relative(name, times[index], base_time))]
        entry = entry_of(codec, base_name, record, when)
        for number in range(len(datagrams)):
            longer = with_entry(datagrams[number], entry)
            if len(_encoded(codec, base, longer)) <= limit:
                datagrams[number] = longer
                break
        else:
            longer = first + [entry]
            datagrams.append(_fitting(codec, base, longer, limit, name))
    return [_encoded(codec, base, datagram) for datagram in datagrams]


def short_name(unique_id):
    """Return 8 letters, digits, - and _ for the 6 bytes of machine.unique_id(): a base name.

    It is base64url, of the address turned left by two bits: those two are 0 in the address of a
    single device by its manufacturer (IEEE 802), so that a letter or digit comes first, as a name
    demands. Different addresses give different names.
    """
    from ubinascii import b2a_base64

    turned = int.from_bytes(unique_id, "big") << 2
    turned = (turned | turned >> 48) & 0xFFFFFFFFFFFF
    text = b2a_base64(turned.to_bytes(6, "big")).decode()[:8]
    return text.replace("+", "-").replace("/", "_")


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


def _encoded(codec, base, entries):
    """Return the bytes of a datagram."""
    base = version_items(codec, [entry[0] for entry in entries]) + base
    return codec.array(encoded_records(codec, base, entries)[0])


def _fitting(codec, base, entries, limit, name):
    """Return the list of entries, or raise ValueError if its datagram is too long."""
    size = len(_encoded(codec, base, entries))
    if size > limit:
        raise ValueError("record {!r} needs {} bytes; allowed: {}".format(name, size, limit))
    return entries


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
    good = isinstance(value, (int, float)) and (exponent is None or _is_int(exponent))
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


def _relative(name, time, base_time):
    """Return what to write as the time of a record, so that base_time and it make `time`."""
    if not _is_int(time) or -_ABSOLUTE_TIME >= time or 0 < time < _ABSOLUTE_TIME:
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
        time = _relative("measurement", time or 0, None)
        items = [codec.label(_BASE_TIME), codec.integer(time)]
    if said_unit:
        items += [codec.label(_BASE_UNIT), codec.text("")]
    return items


def _is_int(value):
    return isinstance(value, int) and value is not True and value is not False


def _check_name(field, name, before):
    """Raise ValueError if `name` may not stand behind `before` (RFC 8428, 4.5.1)."""
    if not isinstance(name, str) or not names.is_name(("x" if before else "") + name):
        raise ValueError(
            "{} = {!r}; allowed: letters, digits and {}, a letter or digit in front".format(
                field, name, names.MARKS
            )
        )
