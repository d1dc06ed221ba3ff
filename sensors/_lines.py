"""Lines of a configuration turned into a plan of measurements.

    for line in _lines.plan(lines):     # in which sensors.check has found nothing
        print(line.title, line.names)

A line is (kind, {argument: value}); how its measurements are named stands in sensors/__init__.py.
The check of the lines is apart (_check.py): a wake-up of a node needs it once, this file always.
Nothing here touches the hardware.
"""

from ucollections import namedtuple

# title: for the log. fields, names: of its measurements. arguments: of get_reading. alarm: as
# written, None without one.
Line = namedtuple("Line", ("title", "module", "fields", "names", "arguments", "alarm"))


def plan(lines):
    """Return a list of Line."""
    taken = set()
    return [planned(kind, _module(kind), given, taken) for kind, given in lines]


def planned(kind, module, given, taken):
    """Return the Line of one line. taken: names of the lines before; its own are added."""
    arguments, own, alarm = split(given)
    fields = fields_of(module, arguments)
    names = named(fields, own, taken)
    taken.update(names)
    title = "{} ({})".format(kind, ", ".join(names))
    return Line(title, module, fields, names, arguments, alarm)


def split(given):
    """Return (arguments of get_reading, "name", "alarm") of a line's arguments."""
    arguments = dict(given)
    own = arguments.pop("name", None)
    return arguments, own, arguments.pop("alarm", None)


def named(fields, own, taken):
    """Return the names of a line; without a name of its own, numbered until they are free."""
    labels = [field[0] for field in fields]
    if own is not None:
        return [own] if len(labels) == 1 else [own + "." + label for label in labels]
    names = labels
    number = 2
    while any(name in taken for name in names):
        names = [_numbered(label, number) for label in labels]
        number += 1
    return names


def fields_of(module, arguments):
    """Return the FIELDS of a module for these arguments."""
    return module.fields(arguments) if hasattr(module, "fields") else module.FIELDS


def address_of(module, arguments):
    """Return the I2C address of a line, None if the module does not tell."""
    for field in module.ARGUMENTS:
        if field[0] == "address":
            return arguments.get("address", field[3] if len(field) > 3 else None)
    return getattr(module, "ADDRESS", None)


def _module(kind):
    return getattr(__import__("sensors." + kind), kind)  # sensors.find() would look for others


def _numbered(label, number):
    """Return "t2" of "t", and "co2_2" of "co2": the figures are kept apart."""
    return "{}{}{}".format(label, "_" if "0" <= label[-1:] <= "9" else "", number)
