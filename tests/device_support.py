"""Stands on the flash of the boards of tests/device.py as support.py: not for upload.

    from support import *
    show(nbiot.connect(configured(_APN="iot")))    # told to the test, which has it as `shown`
    given()                                        # what the test handed over

A value travels as one line of JSON. Whatever JSON lacks is an object with one key: its kind.
"""

import ubinascii
import ujson
import ustruct

MARK = "@@"
SINGLE = 1.0 + 1e-9 == 1.0  # floats of this VM
FLOAT = ">f" if SINGLE else ">d"


class Line:
    """One printed line, in pieces: a VM of few KB need not hold it whole."""

    def __init__(self):
        self._parts = [MARK]

    def add(self, text):
        self._parts.append(text)
        if len(self._parts) > 60:
            self.flush("")

    def flush(self, end="\n"):
        print("".join(self._parts), end=end)
        self._parts = []

    def value(self, value):
        if value is None or isinstance(value, (bool, int, str)):
            self.add(ujson.dumps(value))
        elif isinstance(value, float):
            kind = "single" if SINGLE else "double"
            self.tagged(kind, hexed(ustruct.pack(FLOAT, value)))
        elif isinstance(value, (bytes, bytearray)):
            self.tagged("hex", hexed(bytes(value)))
        elif isinstance(value, dict):
            self.add('{"dict": ')
            self.items([[key, value[key]] for key in value])
            self.add("}")
        elif isinstance(value, list):
            self.items(value)
        else:
            named = type(value) is not tuple
            self.add('{"named": [' if named else '{"tuple": ')
            self.items(value)
            if named:
                self.add(", ")
                self.value({name: getattr(value, name) for name in names(value)})
            self.add("]}" if named else "}")

    def tagged(self, kind, text):
        self.add('{"' + kind + '": "' + text + '"}')

    def items(self, values):
        self.add("[")
        for number, item in enumerate(values):
            if number:
                self.add(", ")
            self.value(item)
        self.add("]")


def hexed(data):
    return ubinascii.hexlify(data).decode()


def names(value):
    """Of the fields of a named tuple."""
    return [name for name in dir(value) if name[0] != "_" and name not in ("count", "index")]


def can_be_told(value):
    if isinstance(value, dict):
        return all(can_be_told(key) and can_be_told(value[key]) for key in value)
    if isinstance(value, (list, tuple)):
        return all(can_be_told(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str, bytes, bytearray))


def unplain(value):
    if isinstance(value, list):
        return [unplain(item) for item in value]
    if not isinstance(value, dict):
        return value
    [kind] = value.keys()
    inner = value[kind]
    if kind == "double":
        return ustruct.unpack(">d", ubinascii.unhexlify(inner))[0]
    if kind == "hex":
        return ubinascii.unhexlify(inner)
    if kind == "tuple":
        return tuple([unplain(item) for item in inner])
    return {unplain(key): unplain(item) for key, item in inner}


def show(value):
    if not can_be_told(value):
        raise TypeError(type(value))
    line = Line()
    line.value(value)
    line.flush()


def show_variables(found):
    """Those of the program whose value can be told, each with its name."""
    for name in list(found):
        if name[0] != "_" and name != "pybytes_config" and can_be_told(found[name]):
            show((name, found[name]))


def given():
    with open("/flash/given.json") as file:
        return unplain(ujson.loads(file.read()))


def raised(action, *args, **keywords):
    """[name, text] of the exception, or None."""
    try:
        action(*args, **keywords)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
        return [type(error).__name__, str(error)]


class Settings:
    pass


def outcome():
    """nbiot.last_outcome() as a dict."""
    from networking import nbiot

    last = nbiot.last_outcome()
    names = ("status", "cause", "phases", "registration", "reject_cause")
    return {name: getattr(last, name) for name in names}


def configured(**fields):
    """A configuration object as the nbiot documentation asks for; None leaves a field out."""
    settings = Settings()
    values = {
        "_APN": "iot.example",
        "_IP_VERSION": "IPV4V6",
        "_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": 60,
        "_MAX_CONNECTION_ATTEMPT_TIME_SEC": 30,
    }
    values.update(fields)
    for name, value in values.items():
        if value is not None:
            setattr(settings, name, value)
    return settings
