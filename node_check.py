"""The whole configuration checked before the hardware is touched: node.py and `./dev check` ask.

    found = node_check.Examined(config)
    found.problems    # texts; with one of them the node only sleeps
    found.misspelt() + found.advice()    # of probable mistakes; the node can work all the same

Each component checks its own fields. The fields of the application, and what the fields of several
components mean together, are checked here. Each text names the fields, and what is allowed.
"""

from utils import boot_fields, configuration, node_fields, plugins

# (former field without its underscore, its successor, values of that)
SUCCESSORS = (
    ("BACKLOG_BYTES", "_JOURNAL_BYTES", "1024 to 65536"),
    ("BACKLOG_PER_CYCLE", "_DRAIN_S", "0 to 600 s"),
)
_AMPLE = 100  # bytes that hold any single measurement
_MARKS = (("bo", 65535, 0, None),)  # that it may have


class Examined:
    """The checked configuration.

    settings          {field: value} of utils/node_fields.py and boot_fields.py, without wrong ones
    bearer, protocol  the modules that the configuration names; None if there is no such module
    problems          one text per problem; with one of them the node must not use the radio
    """

    def __init__(self, config):
        fields = node_fields.FIELDS + boot_fields.FIELDS
        self._config = config
        self._lost = []  # advice about measurements that no report can hold
        self.settings, self.problems = configuration.problems(config, fields)
        self.bearer = self._checked("_BEARER", _bearer)
        self.protocol = self._checked("_PROTOCOL", self._protocol)
        self._check_sensors()
        if not self.problems:
            try:
                self._check_transport()
                self._check_room()
                self._check_watchdog()
                self._check_updates()
            except Exception as error:  # noqa: BLE001 - a damaged file, as in _checked()
                self._damaged(("_BEARER", "_PROTOCOL"), error)

    def fields(self):
        """Return the names of all fields there are or were."""
        from utils import fields

        former = ["_" + row[0] for row in SUCCESSORS]
        return fields.NAMES.split() + [row[0] for row in self._rows()] + former

    def misspelt(self):
        """Return a text for each name that looks like a field and is none."""
        from utils import fields

        return fields.unknown(self._config, self.fields())

    def advice(self):
        """Return texts about probable mistakes, in spite of which the node can work."""
        found = list(self._lost)
        for former, successor, allowed in SUCCESSORS:
            if hasattr(self._config, "_" + former):
                found.append("_%s is now %s; allowed: %s" % (former, successor, allowed))
        if not self.problems and hasattr(self.bearer, "time_fields"):
            names = self.bearer.time_fields(self.protocol.NEEDS)
            longest_s = sum([self._value(name) for name in names])
            if self.settings["_PERIOD_S"] < longest_s:
                text = "%s: an attempt takes up to %d s; allowed: a _PERIOD_S of at least that"
                found.append(text % (self._written(("_PERIOD_S",) + names), longest_s))
        wait_s = getattr(self.bearer, "UNFED_S", 0)
        if not self.problems and self.settings["_WATCHDOG_S"] <= wait_s:
            text = "%s: a wait of up to %d s feeds no watchdog; allowed: more than that"
            found.append(text % (self._written(("_WATCHDOG_S", "_BEARER")), wait_s))
        return found

    def _checked(self, field, find):
        """Return the module that a field names, after its own check; None if there is none."""
        if field not in self.settings:
            return None
        try:
            module = find(self.settings[field])
            self.problems += module.problems(self._config)
            return module
        except ValueError as error:
            self.problems.append(str(error))
        except Exception as error:  # noqa: BLE001 - of the module: a damaged or unfinished file
            self._damaged((field,), error)
        return None

    def _protocol(self, value):
        import protocols

        name = protocols.named(value, self.bearer, self._config)
        also = ("auto",)
        return plugins.find("protocols", name, ("open", "NEEDS"), field="_PROTOCOL", also=also)

    def _damaged(self, fields, error):
        named = ["%s = %r" % (name, self.settings[name]) for name in fields]
        text = "%s cannot be used, %r; allowed: files that load"
        self.problems.append(text % (", ".join(named), error))

    def _check_sensors(self):
        """Check the lines, which must not use pins that have another use."""
        import sensors

        reserved = [(pin, "_BEARER") for pin in getattr(self.bearer, "PINS", ())]
        battery_pin = self.settings.get("_BATTERY_PIN")
        if battery_pin:
            reserved.append((battery_pin, "_BATTERY_PIN"))
        for text in sensors.check(self._lines(), reserved):
            self.problems.append("_SENSORS, " + text)

    def _check_transport(self):
        """The bearer must carry the kind of transport that the protocol needs."""
        kinds = self.bearer.carries(self._config)
        if self.protocol.NEEDS not in kinds:
            names = ("_PROTOCOL", "_BEARER") + getattr(self.bearer, "CARRIES_BY", ())
            text = "%s: the protocol needs a %s; allowed: one that needs a %s"
            written = self._written(names), self.protocol.NEEDS, " or a ".join(kinds)
            self.problems.append(text % written)

    def _check_room(self):
        """A datagram must have room for a measurement. Lost ones among several are advice."""
        bearer = self.bearer
        limit = bearer.room(self._config) if hasattr(bearer, "room") else bearer.datagram_limit()
        left = limit - self.protocol.overhead(self._config)
        if hasattr(self.protocol, "longest"):
            left = min(left, self.protocol.longest(self._config))
        if left >= _AMPLE:
            return
        import sensors
        from protocols import senml_batch

        base = (self.settings["_DEVICE_NAME"] or "8letters") + ":"
        sizes = []
        for name, unit in sensors.records(self._lines()):
            group = senml_batch.Group(65536, 1 << 30, [(name, -32768, -2, unit)], _MARKS, None)
            [pack] = senml_batch.packs(base, [group], 3 * _AMPLE)
            sizes.append(len(pack.payload))
        if sizes and left < max(sizes):
            names = ("_DEVICE_NAME",) + getattr(self.protocol, "OVERHEAD_BY", ())
            names += getattr(self.protocol, "LONGEST_BY", ())
            text = "%s: %d of %d bytes are left for a report; allowed: at least %d"
            written = self._written(names + getattr(bearer, "ROOM_BY", ()))
            found = self.problems if left < min(sizes) else self._lost
            found.append(text % (written, max(0, left), limit, max(sizes)))

    def _check_watchdog(self):
        """The watchdog must be longer than each wait that does not feed it."""
        for name in getattr(self.protocol, "UNFED", ()):
            wait_s = self._value(name)
            if self.settings["_WATCHDOG_S"] <= wait_s:
                text = "%s: a wait of %d s feeds no watchdog; allowed: a longer _WATCHDOG_S"
                self.problems.append(text % (self._written(("_WATCHDOG_S", name)), wait_s))

    def _check_updates(self):
        """Updates come behind an answer to a report, over a protocol that can fetch."""
        names = ("_UPDATE_BYTES_PER_CYCLE", "_PROTOCOL")
        if not getattr(self._config, names[0], 0):  # off, or left at its default
            return
        by = getattr(self.protocol, "UPDATES_BY", None)
        if by is None or False in [self._value(name) for name in by]:
            text = "%s: no release can come; allowed: 0, or a protocol whose server answers"
            self.problems.append(text % self._written(names + (by or ())))

    def _lines(self):
        return getattr(self._config, "_SENSORS", ())

    def _rows(self):
        """The rows that bearer and protocol declare."""
        found = ()
        for module in (self.bearer, self.protocol):
            found += getattr(module, "_FIELDS", None) or getattr(module, "FIELDS", ())
        return found

    def _value(self, name):
        """Return the value of a field; its default if the file does not set it."""
        for row in self._rows():
            if row[0] == name and len(row) > 3:
                return getattr(self._config, name, row[3])
        return getattr(self._config, name)

    def _written(self, names):
        """Write the fields that the file sets, with their values; no secret is shown."""
        secrets = [row[0] for row in self._rows() if "secret" in row[1]]
        texts = []
        for name in names:
            value = getattr(self._config, name, None)
            if value is not None:
                value = configuration.HIDDEN if name in secrets else value
                texts.append("%s = %r" % (name, value))
        return ", ".join(texts)


def _bearer(name):
    return plugins.find("networking", name, ("up", "down", "left"), field="_BEARER")
