"""Arguments of the firmware's functions, as its interpreter takes them apart, and handlers.

Source: Pycom firmware 1.20.2, py/argcheck.c, py/obj.c, util/mpirq.c.
"""

from _board import call, on_interrupt

REQUIRED = object()
_tuples = {}  # types by their fields


def to_int(value):
    """mp_obj_get_int: int or bool (no kind of int on a MicroPython VM), nothing else."""
    if isinstance(value, (int, bool)):
        return int(value)
    raise TypeError("can't convert {} to int".format(type(value).__name__))


def to_float(value):
    """mp_obj_get_float: int, bool or float."""
    if isinstance(value, (int, bool, float)):
        return float(value)
    raise TypeError("can't convert {} to float".format(type(value).__name__))


def to_text(value):
    """mp_obj_str_get_str: str or bytes; None stays (the argument was left out)."""
    if isinstance(value, bytes):
        return value.decode()
    if value is None or isinstance(value, str):
        return value
    raise TypeError("can't convert '{}' object to str implicitly".format(type(value).__name__))


def to_sequence(value, least=0, most=None):
    """mp_obj_get_array: a tuple or a list, of so many items if that is said."""
    if not isinstance(value, (tuple, list)):
        raise TypeError("object '{}' is not a tuple or list".format(type(value).__name__))
    most = most or least
    if most and not least <= len(value) <= most:
        raise ValueError("requested length {} but object has length {}".format(least, len(value)))
    return value


def as_is(value):
    return value


def assign(table, positional, args, keywords):
    """Assign arguments as the firmware does: table of (name, convert, default), of which the
    first `positional` may be given by position. Returns the values in the table's order."""
    if len(args) > positional:
        raise TypeError("extra positional arguments given")
    values = []
    used = len(args)
    for index, (name, convert, default) in enumerate(table):
        if index < len(args):
            values.append(convert(args[index]))
        elif name in keywords:
            values.append(convert(keywords[name]))
            used += 1
        elif default is REQUIRED:
            raise TypeError("'{}' argument required".format(name))
        else:
            values.append(default)
    if used < len(args) + len(keywords):
        raise TypeError("extra keyword arguments given")
    return values


def data_of(data, *part):
    """The bytes of anything with the buffer protocol; of (data, count) the beginning, of (data,
    start, count) a part, as the write methods take it.

    Source: MicroPython 1.11, py/stream.c, stream_write_method.
    """
    if isinstance(data, str):
        data = data.encode()
    elif hasattr(data, "__bytes__"):  # in CPython: what has a buffer of its own, too
        data = bytes(data)
    try:
        data = bytes(memoryview(data))
    except TypeError:
        raise TypeError("object with buffer protocol required")
    if not part:
        return data
    start = part[0] if len(part) == 2 else 0
    return data[start : start + part[-1]]


def attrtuple(fields, values):
    """mp_obj_new_attrtuple: a tuple whose items have names, printed without a name of its own."""
    from ucollections import namedtuple

    if fields not in _tuples:  # making a type takes longer than all else
        _tuples[fields] = namedtuple("", fields)
    return _tuples[fields](*values)


class OnlyOne:
    """Base of what there is one of on the board: every call of the class gives the same object."""

    _made = None

    def __new__(cls, *args, **keywords):
        if cls._made is None:
            cls._made = object.__new__(cls)
        return cls._made


def forward(name, count=0):
    """A function whose body is on the board: its `count` arguments go there as they are."""

    def function(*args):
        if len(args) != count:
            message = "function takes {} positional arguments but {} were given"
            raise TypeError(message.format(count, len(args)))
        return call(name, *args)

    return function


def method(name, *which):
    """The same as a method without arguments; these attributes tell the board which object."""
    return lambda self: call(name, *[getattr(self, each) for each in which])


def setting(service, name, convert=to_int):
    """A method that reads a setting of a radio, or writes what it is given."""

    def access(self, *value):
        if not value:
            return call(service + ".get", name)
        call(service + ".set", name, convert(value[0]))

    return access


CALLBACK = (("trigger", as_is, REQUIRED), ("handler", as_is, None), ("arg", as_is, None))


def set_handler(service, owner, args, keywords):
    """What callback(trigger, handler, arg) of a radio's object does; its handler gets `arg`, or
    the object itself."""
    trigger, handler, arg = assign(CALLBACK, 3, args, keywords)
    if trigger is None or handler is None:
        call(service + ".callback", 0)
        return
    trigger = to_int(trigger)
    if arg is None:
        arg = owner
    on_interrupt(service, 0, lambda *ignored: handler(arg))
    call(service + ".callback", trigger)
