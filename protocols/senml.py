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

from protocols import _senml_entries as coding
from utils.names import short_name  # noqa: F401 - base names are made of it

SEQUENCE = "seq"  # name of the record with the sequence number


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
    codec = coding.codec_of(form)
    base = coding.base_items(codec, base_name)
    if base_time is not None:
        if not coding.is_int(base_time) or base_time < coding.ABSOLUTE_TIME:
            raise ValueError(
                "base_time = {!r}; allowed: seconds since 1970 as an int".format(base_time)
            )
        base += [codec.label(coding.BASE_TIME), codec.integer(base_time)]
    if times is not None and len(times) != len(records):
        raise ValueError("{} times; allowed: {}".format(len(times), len(records)))
    datagrams = []  # each a list of (unit, encoded name, encoded value and time)
    first = []
    if seq is not None:
        first = [coding.entry_of(codec, base_name, (seq_name, seq, 0, None))]
        datagrams.append(_fitting(codec, base, first, limit, seq_name))
    for index in range(len(records)):
        record = records[index]
        name = record[0]
        if not coding.is_known(record[1]):
            continue
        if first and name == seq_name:
            raise ValueError("name = {!r}; allowed: another, that is the number".format(name))
        when = []
        if times is not None and times[index] is not None:
            time = coding.relative(name, times[index], base_time)
            when = [codec.label(coding.TIME), codec.integer(time)]
        entry = coding.entry_of(codec, base_name, record, when)
        for number in range(len(datagrams)):
            longer = coding.with_entry(datagrams[number], entry)
            if len(_encoded(codec, base, longer)) <= limit:
                datagrams[number] = longer
                break
        else:
            longer = first + [entry]
            datagrams.append(_fitting(codec, base, longer, limit, name))
    return [_encoded(codec, base, datagram) for datagram in datagrams]


def _encoded(codec, base, entries):
    """Return the bytes of a datagram."""
    base = coding.version_items(codec, [entry[0] for entry in entries]) + base
    return codec.array(coding.encoded_records(codec, base, entries)[0])


def _fitting(codec, base, entries, limit, name):
    """Return the list of entries, or raise ValueError if its datagram is too long."""
    size = len(_encoded(codec, base, entries))
    if size > limit:
        raise ValueError("record {!r} needs {} bytes; allowed: {}".format(name, size, limit))
    return entries
