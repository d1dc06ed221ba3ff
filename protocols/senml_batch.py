"""Several measurements packed into datagrams of SenML, one datagram at a time.

    from protocols import senml_batch
    groups = [
        senml_batch.Group(17, -900, [("t", 2423, -2, "Cel")], [], None),
        senml_batch.Group(18, None, [("t", 2431, -2, "Cel")], [], None),
    ]
    for pack in senml_batch.packs("kCsQxGOU:", groups, limit=124):
        print(len(pack.payload), pack.complete)      # 51 [Group(seq=17, ...), Group(seq=18, ...)]

A group is one measurement. Each datagram stands alone:

- A record whose name is the bare base name begins a measurement. Its value is the sequence number.
  Its base time holds for the records up to the next such record.
- time: None is the time of reception. A negative int is an age in seconds, an int above 2 ** 28 is
  in seconds since 1970. In front of a later measurement of the same datagram None is written as 0.
- records: as in protocols/senml.py. Those without a unit come first; a unit that several records
  of a measurement have is said once. An empty base unit ends it before the next measurement.
- A record leaves its unit out if its name has the same in an earlier measurement of the datagram
  (docs/report.md). One that has none, where its name has one, goes in the next datagram.
- marks: records without a unit that say how to read the others; they stand behind the number
  wherever it stands.
- A datagram is filled record by record. A measurement that does not fit goes on in the next one,
  behind its sequence number, its time and its marks.
- key: whatever the caller knows the measurement by.
"""

from ucollections import namedtuple

from protocols import _senml_entries as senml

Group = namedtuple("Group", ("seq", "time", "records", "marks", "key"))
# groups: those with a record in the datagram; complete: those of which it has the last record
Pack = namedtuple("Pack", ("payload", "groups", "complete"))


def packs(base_name, groups, limit, unfit=None, form="cbor"):
    """Yield a Pack for each datagram of at most `limit` bytes, in the order of the groups.

    groups: any iterable; a group is taken from it when those before have found their place.
    unfit: function(group, text), called for a record that no datagram can hold, or that is none;
        it is left out. With text = None: nothing of the group can be sent. Without this function
        both raise ValueError. A bad base name or time always does.
    """
    codec = senml.codec_of(form)
    unfit = unfit or _refuse
    datagram = _Datagram(codec, base_name, limit)
    for group in groups:
        marks = [senml.entry_of(codec, base_name, mark) for mark in group.marks]
        alone = _Datagram(codec, base_name, limit)
        rest = _entries(codec, base_name, group, marks, alone, unfit)
        while rest is not None:
            rest = datagram.fill(group, marks, rest)
            if rest is not None:
                yield datagram.pack()
                datagram = _Datagram(codec, base_name, limit)
    if datagram.groups:
        yield datagram.pack()


def _entries(codec, base_name, group, marks, alone, unfit):
    """Return the encoded records of a group, each of which fits a datagram; None if none does."""
    entries = []
    good = True
    for record in group.records:
        if senml.is_known(record[1]):
            try:
                entry = senml.entry_of(codec, base_name, record)
                if not alone.tried(group, marks + [entry]):
                    raise ValueError("record {!r}: longer than a datagram".format(record[0]))
                entries.append(entry)
            except ValueError as error:
                unfit(group, str(error))
                good = False
    if entries or good and alone.tried(group, marks):
        return entries
    unfit(group, None)
    return None


def _refuse(group, text):
    raise ValueError(text or "measurement {}: longer than a datagram".format(group.seq))


class _Datagram:
    """One datagram in the making."""

    def __init__(self, codec, base_name, limit):
        self._codec = codec
        self._limit = limit
        self._base = senml.base_items(codec, base_name)
        self._version = []
        self._first = None  # items of the first record behind the base
        self._records = []  # the others, encoded
        self._size = 0  # of the others
        self._time = self._unit = None  # base time and base unit that hold behind them
        self._units = {}  # encoded name: its unit, of what is in the datagram
        self.groups = []
        self.complete = []

    def fill(self, group, marks, entries):
        """Add records of a group. Return None if it is complete, else the list of the others."""
        part, rest = marks, []
        best = None if entries else self.tried(group, part)
        for entry in entries:
            unit, name, value = entry
            said = self._units.get(b"".join(name))
            longer = senml.with_entry(part, (None, name, value) if unit == said else entry)
            # a record without a unit would get the one that its name has here already
            tried = None if said and not unit else self.tried(group, longer)
            if tried:
                part, best = longer, tried
            else:
                rest.append(entry)
        if not best:
            return rest
        self._first, added, self._version, self._unit = best
        self._records += added
        self._size += sum([len(record) for record in added])
        self._time = group.time
        for unit, name, _ in part:
            if unit:
                self._units[b"".join(name)] = unit
        self.groups.append(group)
        if rest:
            return rest
        self.complete.append(group)
        return None

    def tried(self, group, part):
        """Return (first record, other records to add, version, base unit), None if too long."""
        codec = self._codec
        head = senml.header_items(codec, group.time, self._time, self._unit)
        head += senml.entry_of(codec, "x", ("", group.seq, 0, None))[2]
        added, unit = senml.encoded_records(codec, [], part)
        version = self._version or senml.version_items(codec, [entry[0] for entry in part])
        first = self._first
        if first is None:
            first = head
        else:
            added = [codec.mapping(head)] + added
        size = len(codec.mapping(version + self._base + first)) + self._size
        size += sum([len(record) for record in added])
        size += len(codec.array([b""] * (1 + len(self._records) + len(added))))
        return (first, added, version, unit) if size <= self._limit else None

    def pack(self):
        codec = self._codec
        first = codec.mapping(self._version + self._base + self._first)
        return Pack(codec.array([first] + self._records), self.groups, self.complete)
