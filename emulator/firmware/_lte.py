"""network.LTE: the thin face of service "lte", which imitates the firmware's C driver.

Only what belongs to the interpreter is done here: arguments and their order of checks, handlers.
Source: Pycom firmware 1.20.2, esp32/mods/modlte.c, py/argcheck.c.
"""

from _arguments import OnlyOne, as_is, assign, attrtuple, method, set_handler, to_int, to_text
from _board import call

_LOOK_US = 4000  # how often LTE() looks whether the modem task is done


def _integer_or_message(value):
    """For arguments that the driver looks at late: the message is raised there."""
    try:
        return to_int(value)
    except TypeError as error:
        return error.args[0]


_INIT = (
    ("carrier", to_text, None),
    ("cid", to_int, 1),
    ("legacyattach", bool, True),
    ("debug", bool, False),
    ("psm_period_value", to_int, 0),
    ("psm_period_unit", to_int, 7),
    ("psm_active_value", to_int, 0),
    ("psm_active_unit", to_int, 7),
)
_NEW = (("id", to_int, 0),) + _INIT
_ATTACH = (
    ("band", as_is, None),
    ("apn", to_text, None),
    ("log", as_is, False),
    ("cid", to_int, None),
    ("type", to_text, None),
    ("legacyattach", as_is, None),
    ("bands", as_is, None),
)
_DEINIT = (("detach", bool, True), ("reset", bool, False), ("dettach", bool, True))
_SEND = (("cmd", as_is, None), ("timeout", to_int, None))

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


def _method(name):
    """A method without arguments of the driver."""
    return lambda self: _lte(name)


def _init(values):
    carrier, cid, legacyattach = values[:3]
    if not _lte("open"):
        return
    while _lte("link_pending"):
        call("rtc.sleep_us", _LOOK_US)  # interpreter unlocked: handlers and threads run
    _lte("configure", carrier, cid, legacyattach, values[4:])


class LTE(OnlyOne):
    """The one LTE modem; every LTE(...) is the same object."""

    IP = "IP"
    IPV4V6 = "IPV4V6"
    EVENT_COVERAGE_LOSS, EVENT_BREAK = 1, 2
    PSM_PERIOD_10M, PSM_PERIOD_1H, PSM_PERIOD_10H, PSM_PERIOD_2S = range(4)
    PSM_PERIOD_30S, PSM_PERIOD_1M, PSM_PERIOD_320H, PSM_PERIOD_DISABLED = range(4, 8)
    PSM_ACTIVE_2S, PSM_ACTIVE_1M, PSM_ACTIVE_6M = range(3)
    PSM_ACTIVE_DISABLED = 7

    def __init__(self, *args, **keywords):
        values = assign(_NEW, 1, args, keywords)
        _debug[0] = call("lte.debug", values[4] or None)
        _lte("new", bool(keywords), values[0], values[5:])
        _init(values[1:])

    def init(self, *args, **keywords):
        values = assign(_INIT, 0, args, keywords)
        _debug[0] = call("lte.debug", values[3])
        _init(values)

    def deinit(self, *args, **keywords):
        _lte("deinit", *assign(_DEINIT, 0, args, keywords))

    def psm(self, *args, **keywords):
        # the firmware takes any arguments here and looks at none
        fields = ("enabled", "period_value", "period_unit", "active_value", "active_unit")
        return attrtuple(fields, _lte("psm"))

    def attach(self, *args, **keywords):
        _lte("check", False)
        band, apn, log, cid, kind, legacy, bands = assign(_ATTACH, 0, args, keywords)
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
        _lte("detach", *assign((("reset", bool, False),), 0, args, keywords))

    dettach = detach

    isattached = _method("isattached")
    isconnected = _method("isconnected")

    def connect(self, *args, **keywords):
        if _lte("in_ppp_with_address"):
            return
        table = (("cid", to_int, None), ("legacy", bool, None))
        _lte("connect", *assign(table, 0, args, keywords))

    disconnect = _method("disconnect")
    pppsuspend = _method("pppsuspend")

    def pppresume(self, *args, **keywords):
        _lte("check", False)
        _lte("pppresume", *assign((("cid", to_int, None),), 0, args, keywords))

    def send_at_cmd(self, *args, **keywords):
        _lte("check", True)
        cmd, timeout = assign(_SEND, 1, args, keywords)
        if cmd is None:
            raise ValueError("the command must be specified!")
        if not isinstance(cmd, (str, bytes)):
            raise TypeError("invalid argument(s) num/type")
        return _lte("send_at_cmd", cmd, timeout)

    imei = _method("imei")
    iccid = _method("iccid")
    time = _method("time")
    ue_coverage = _method("ue_coverage")
    reset = _method("reset")
    factory_reset = _method("factory_reset")

    def modem_upgrade_mode():  # no self: to be called on the class
        _lte("modem_upgrade_mode")

    def reconnect_uart():
        _lte("reconnect_uart")

    def lte_callback(self, *args, **keywords):
        set_handler("lte", self, args, keywords)

    events = method("lte.events")
