"""The check of lines of a configuration: all that is wrong in them.

    texts = _check.lines(lines)

A line is (kind, {argument: value}); how its measurements are named stands in sensors/__init__.py.
Nothing here touches the hardware.
"""

from micropython import const

from sensors import _lines
from utils import configuration

_BUSES = const(3)  # what a run can have, see Rig.i2c
# A node's own figures and marks, which a receiver knows by their names (docs/report.md)
_OF_THE_NODE = ("rp", "rq", "rs", "sn", "at", "co", "as", "jo", "re", "in", "pr", "ac", "sc", "se")
_OF_THE_NODE += ("de", "aw", "rn", "ra", "bo", "tu", "gu", "lk", "ps", "rl", "up", "rj", "rc")
_OF_THE_NODE += ("ch",)
_SHARED = ("sda_pin", "scl_pin", "vcc_pin")  # by sensors of any kind
_STATUS = "_e"  # behind a name: why it was not measured


def lines(given, reserved=()):
    """Return one text per problem.

    reserved: (pin, field or part that has it) for each pin that is used elsewhere.
    """
    allowed = "(kind, {argument: value})"
    if not isinstance(given, (tuple, list)):
        return ["sensors = {!r}; allowed: a tuple of lines {}".format(given, allowed)]
    if len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], dict):
        text = "sensors = {!r} is a line itself; allowed: a tuple of lines, ({},)"
        return [text.format(given, allowed)]
    found = []
    taken = _Taken(reserved)
    number = 0
    for line in given:
        number += 1
        where = "sensor {}".format(number)
        if not (isinstance(line, (tuple, list)) and len(line) == 2 and isinstance(line[1], dict)):
            found.append("{} = {!r}; allowed: {}".format(where, line, allowed))
            continue
        try:
            module = _find(line[0])
            where += " ({})".format(line[0])
            wrong = _line(line, module, taken, where)
        except ValueError as error:  # no such module, and which there are
            found.append("{}: {}".format(where, error.args[0]))
        except Exception as error:  # noqa: BLE001 - of the driver: a damaged or unfinished file
            text = "{}: {!r} cannot be used, {!r}; allowed: a driver that loads"
            found.append(text.format(where, line[0], error))
        else:
            found.extend("{}: {}".format(where, text) for text in wrong)
    return found


def _line(line, module, taken, where):
    """Return one text per problem of one line that has the form of one."""
    arguments, own, alarm = _lines.split(line[1])
    wrong = problems_of(module, arguments)
    if own is not None and not _is_name(own):
        text = "name = {!r}; allowed: 1 to 20 letters, digits, -:./_, no {} at the end"
        wrong.append(text.format(own, _STATUS))
    elif not wrong:
        fields = _lines.fields_of(module, arguments)
        names = taken.names(fields, own, wrong)
        if alarm is not None:
            from sensors import _alarm

            wrong += _alarm.problems(alarm, [field[0] for field in fields], names)
    if not wrong:
        wrong = taken.wiring(where, line[0], module, arguments)
    return wrong


def problems_of(module, given):
    """One text per argument that is not as the module allows."""
    found = problems(module.ARGUMENTS, given)
    if not found and hasattr(module, "problems"):
        found = module.problems(given)
    return found


def problems(arguments, given):
    """One text per argument that is unknown, missing or not as `arguments` allows."""
    known = [field[0] for field in arguments]
    found = []
    for name in sorted(given, key=str):
        if name not in known:
            found.append("{} is unknown; allowed: {}".format(name, ", ".join(known)))
    pins = [given[name] for name in known if name in given and name.endswith("_pin")]
    for pin in pins:
        if isinstance(pin, str) and pins.count(pin) > 1:
            found.append("{} is used twice; allowed: different pins".format(pin))
            break
    holder = _Given(given)
    for field in arguments:
        name, kind, limits = field[:3]
        value = given.get(name)
        if name in given and value is None and field[3:] == (None,):
            continue
        if kind == "choice" and (name in given or len(field) < 4):
            text = _choice(name, value, limits, name in given)
            if text:
                found.append(text)
        else:
            found.extend(configuration.problems(holder, (field,))[1])
    return found


def _choice(name, value, limits, is_given):
    """The problem of an argument that has to be one of `limits`; None if there is none."""
    who = None
    if name.endswith("_pin"):
        from utils import pins

        limits = [pin for pin in limits if not pins.owner(pin)]
        who = pins.owner(value)
    # 68.0 equals 68, and True 1, and neither is an address
    if any(value == choice and type(value) is type(choice) for choice in limits):
        return None
    allowed = ", ".join([_shown(name, choice) for choice in limits])
    if not is_given:
        return "{} is missing; allowed: {}".format(name, allowed)
    text = "{} = {}; allowed: {}".format(name, _shown(name, value), allowed)
    return "{}; {} is that of {}".format(text, value, who) if who else text


def _shown(name, value):
    """As one would write it."""
    if name == "address" and type(value) is int:
        return "0x{:02x}".format(value)
    return repr(value)


class _Given:
    """Shows a dict as an object with attributes, which is what utils.configuration reads."""

    def __init__(self, given):
        for name in given:
            if isinstance(name, str):
                setattr(self, name, given[name])


class _Taken:
    """The names, pins and addresses that lines before have."""

    def __init__(self, reserved):
        self._names = set()
        self._pins = {}  # pin -> (argument, kind, where)
        self._reserved = dict(reserved)
        self._buses = {}  # pin -> the pair of its bus
        self._pairs = set()  # of all buses
        self._addresses = {}  # (sda, scl, address) -> (kind, where, supply)

    def names(self, fields, own, wrong):
        """Return the names of one line; what is wrong with them is added to `wrong`."""
        names = _lines.named(fields, own, self._names)
        for name in names:
            if name in self._names:
                wrong.append("name {!r} is taken; allowed: one that is not".format(name))
            if name in _OF_THE_NODE:
                wrong.append("name {!r} is a figure of the node; allowed: another".format(name))
        self._names.update(names)
        return names

    def wiring(self, where, kind, module, arguments):
        """One text per pin or address that means something else in an earlier line."""
        found = []
        for name in sorted(arguments):
            pin = arguments[name]
            if name.endswith("_pin") and pin is not None:
                before = self._pins.setdefault(pin, (name, kind, where))
                shared = name in _SHARED
                if before[1] == kind and not shared:
                    shared = name in getattr(module, "SHARED_PINS", ()) or _is_analog(module, name)
                text = "{} = {!r} is {} of {}; allowed: another pin"
                if before[2] != where and (before[0] != name or not shared):
                    found.append(text.format(name, pin, before[0], before[2]))
                elif pin in self._reserved and not _is_analog(module, name):
                    text = "{} = {!r} is that of {}; allowed: another pin"
                    found.append(text.format(name, pin, self._reserved[pin]))
        if found or "sda_pin" not in arguments:
            return found
        pair = arguments["sda_pin"], arguments["scl_pin"]
        for pin in pair:
            if self._buses.setdefault(pin, pair) != pair:
                text = "{} belongs to the bus {}, {}; allowed: both pins of a bus or none"
                found.append(text.format(pin, self._buses[pin][0], self._buses[pin][1]))
                return found
        self._pairs.add(pair)
        if len(self._pairs) > _BUSES:
            text = "{}, {} are the pins of one more bus; allowed: {} of them"
            found.append(text.format(pair[0], pair[1], _BUSES))
        address = _lines.address_of(module, arguments)
        if address is not None:
            supply = arguments.get("vcc_pin")
            before = self._addresses.setdefault(pair + (address,), (kind, where, supply))
            # two of a kind are parts of one chip, such as the inputs of a converter; a chip has
            # one supply, and two chips that answer at once are not told apart
            if before[0] != kind or before[2] != supply:
                text = "address 0x{:02x} is that of {} on the same pins; allowed: another"
                found.append(text.format(address, before[1]))
        return found


def _is_analog(module, name):
    """True for an argument that names an analog pin, which a second measurement can share."""
    from utils import pins

    for field in module.ARGUMENTS:
        if field[0] == name:
            return all(pin in pins.ADC for pin in field[2])
    return False


def _find(kind):
    import sensors

    return sensors.find(kind)


def _find(kind):
    import sensors

    return sensors.find(kind)


def _is_name(text):
    """True for the part of a name that stands behind the node's own."""
    if not isinstance(text, str) or not 1 <= len(text) <= 20 or text.endswith(_STATUS):
        return False
    from utils import names

    return names.is_name("x" + text)
