"""network.LTE: the thin face of service "lte", which imitates the firmware's C driver.

Only what belongs to the interpreter is done here: arguments and their order of checks, handlers.
Source: Pycom firmware 1.20.2, esp32/mods/modlte.c, py/argcheck.c.
"""

from _board import call, on_interrupt

_REQUIRED = object()
_LOOK_US = 4000  # how often LTE() looks whether the modem task is done


def _integer(value):
    """mp_obj_get_int: int or bool (no kind of int on a MicroPython VM), nothing else."""
    if isinstance(value, (int, bool)):
        return int(value)
    raise TypeError("can't convert {} to int".format(type(value).__name__))


def _integer_or_message(value):
    """For arguments that the driver looks at late: the message is raised there."""
    try:
        return _integer(value)
    except TypeError as error:
        return error.args[0]


def _text(value):
    """mp_obj_str_get_str: str or bytes; None stays (the argument was left out)."""
    if isinstance(value, bytes):
        return value.decode()
    if value is None or isinstance(value, str):
        return value
    raise TypeError("can't convert '{}' object to str implicitly".format(type(value).__name__))


def _as_is(value):
    return value


def _arguments(table, positional, args, keywords):
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
        elif default is _REQUIRED:
            raise TypeError("'{}' argument required".format(name))
        else:
            values.append(default)
    if used < len(args) + len(keywords):
        raise TypeError("extra keyword arguments given")
    return values


_INIT = (
    ("carrier", _text, None),
    ("cid", _integer, 1),
    ("legacyattach", bool, True),
    ("debug", bool, False),
    ("psm_period_value", _integer, 0),
    ("psm_period_unit", _integer, 7),
    ("psm_active_value", _integer, 0),
    ("psm_active_unit", _integer, 7),
)
_NEW = (("id", _integer, 0),) + _INIT
_ATTACH = (
    ("band", _as_is, None),
    ("apn", _text, None),
    ("log", _as_is, False),
    ("cid", _integer, None),
    ("type", _text, None),
    ("legacyattach", _as_is, None),
    ("bands", _as_is, None),
)
_DEINIT = (("detach", bool, True), ("reset", bool, False), ("dettach", bool, True))
_SEND = (("cmd", _as_is, None), ("timeout", _integer, None))
_CALLBACK = (("trigger", _as_is, _REQUIRED), ("handler", _as_is, None), ("arg", _as_is, None))

_debug = [False]


def _lte(name, *args):
    """A call of the driver; with debug=True the firmware prints what it exchanged meanwhile."""
    if not _debug[0]:
        return call("lte." + name, *args)
    try:
        return call("lte." + name, *args)
    finally:
        for line in call("lte.debug_lines"):
            print(line)  # noqa: T201  (the firmware's own printf)


def _init(values):
    carrier, cid, legacyattach = values[:3]
    if not _lte("open"):
        return
    while _lte("link_pending"):
        call("rtc.sleep_us", _LOOK_US)  # interpreter unlocked: handlers and threads run
    _lte("configure", carrier, cid, legacyattach, values[4:])


class LTE:
    """The one LTE modem; every LTE(...) is the same object."""

    IP = "IP"
    IPV4V6 = "IPV4V6"
    EVENT_COVERAGE_LOSS = 1
    EVENT_BREAK = 2
    PSM_PERIOD_10M = 0
    PSM_PERIOD_1H = 1
    PSM_PERIOD_10H = 2
    PSM_PERIOD_2S = 3
    PSM_PERIOD_30S = 4
    PSM_PERIOD_1M = 5
    PSM_PERIOD_320H = 6
    PSM_PERIOD_DISABLED = 7
    PSM_ACTIVE_2S = 0
    PSM_ACTIVE_1M = 1
    PSM_ACTIVE_6M = 2
    PSM_ACTIVE_DISABLED = 7

    def __new__(cls, *args, **keywords):
        if not _singleton:
            _singleton.append(object.__new__(cls))
        return _singleton[0]

    def __init__(self, *args, **keywords):
        values = _arguments(_NEW, 1, args, keywords)
        _debug[0] = call("lte.debug", values[4] or None)
        _lte("new", bool(keywords), values[0], values[5:])
        _init(values[1:])

    def init(self, *args, **keywords):
        values = _arguments(_INIT, 0, args, keywords)
        _debug[0] = call("lte.debug", values[3])
        _init(values)

    def deinit(self, *args, **keywords):
        _lte("deinit", *_arguments(_DEINIT, 0, args, keywords))

    def psm(self, *args, **keywords):
        # the firmware takes any arguments here and looks at none
        values = _lte("psm")
        from ucollections import namedtuple

        fields = ("enabled", "period_value", "period_unit", "active_value", "active_unit")
        return namedtuple("psm", fields)(*values)

    def attach(self, *args, **keywords):
        _lte("check", False)
        band, apn, log, cid, kind, legacy, bands = _arguments(_ATTACH, 0, args, keywords)
        if bands is not None:
            if not isinstance(bands, (list, tuple)):
                bands = ["object '{}' is not a tuple or list".format(type(bands).__name__)]
            else:
                bands = [_integer_or_message(each) for each in bands]
        if band is not None:
            band = _integer_or_message(band)
        if legacy is not None:
            legacy = bool(legacy)
        _lte("attach", band, bands, apn, kind, log is not False, cid, legacy)

    def detach(self, *args, **keywords):
        _lte("check", False)
        _lte("detach", *_arguments((("reset", bool, False),), 0, args, keywords))

    dettach = detach

    def isattached(self):
        return _lte("isattached")

    def connect(self, *args, **keywords):
        if _lte("in_ppp_with_address"):
            return
        table = (("cid", _integer, None), ("legacy", bool, None))
        _lte("connect", *_arguments(table, 0, args, keywords))

    def isconnected(self):
        return _lte("isconnected")

    def disconnect(self):
        _lte("disconnect")

    def pppsuspend(self):
        _lte("pppsuspend")

    def pppresume(self, *args, **keywords):
        _lte("check", False)
        _lte("pppresume", *_arguments((("cid", _integer, None),), 0, args, keywords))

    def send_at_cmd(self, *args, **keywords):
        _lte("check", True)
        cmd, timeout = _arguments(_SEND, 1, args, keywords)
        if cmd is None:
            raise ValueError("the command must be specified!")
        if not isinstance(cmd, (str, bytes)):
            raise TypeError("invalid argument(s) num/type")
        return _lte("send_at_cmd", cmd, timeout)

    def imei(self):
        return _lte("imei")

    def iccid(self):
        return _lte("iccid")

    def time(self):
        return _lte("time")

    def ue_coverage(self):
        return _lte("ue_coverage")

    def reset(self):
        _lte("reset")

    def factory_reset(self):
        _lte("factory_reset")

    def modem_upgrade_mode():  # no self: to be called on the class
        _lte("modem_upgrade_mode")

    def reconnect_uart():
        _lte("reconnect_uart")

    def lte_callback(self, *args, **keywords):
        trigger, handler, arg = _arguments(_CALLBACK, 3, args, keywords)
        if trigger is None or handler is None:
            call("lte.callback", 0)
            return
        trigger = _integer(trigger)
        if arg is None:
            arg = self
        on_interrupt("lte", 0, lambda *ignored: handler(arg))
        call("lte.callback", trigger)

    def events(self):
        return call("lte.events")


_singleton = []
