"""ujson: the VM's own, with the floats of a Pycom board and its lenient reading.

MicroPython 1.11 takes separators for white space and does not insist on the end of the outermost
object; later ones do, so that what they refuse is read again by jsonreader.
"""

import jsonreader
from console import device_text, float32, float_text, writer
from core import core

json = core("json")


def _has_float(value):
    """Whether a float or a key that is no text is in it: later cores write these otherwise."""
    if isinstance(value, float):
        return True
    if isinstance(value, (list, tuple)):
        for item in value:
            if _has_float(item):
                return True
    elif isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or _has_float(value[key]):
                return True
    return False


def dumps(obj):
    if not _has_float(obj):
        return json.dumps(obj)
    if isinstance(obj, float):
        return float_text(obj)
    if isinstance(obj, (list, tuple)):
        return "[" + ", ".join([dumps(item) for item in obj]) + "]"
    if isinstance(obj, dict):
        return "{" + ", ".join([dumps(key) + ": " + dumps(obj[key]) for key in obj]) + "}"
    return device_text(obj, True)


def _single(value):
    if isinstance(value, float):
        return float32(value)
    if isinstance(value, list):
        return [_single(item) for item in value]
    if isinstance(value, dict):
        return {key: _single(value[key]) for key in value}
    return value


def loads(text):
    try:
        value = json.loads(text)
    except ValueError:
        value = jsonreader.read(
            text if isinstance(text, str) else str(bytes(text), "utf-8"), float32
        )
    return _single(value) if _has_float(value) else value


def dump(obj, stream):
    writer(stream)(dumps(obj))


def load(stream):
    if not hasattr(stream, "read"):
        raise OSError("stream operation not supported")
    return loads(stream.read())


def names():
    return {"dump": dump, "dumps": dumps, "load": load, "loads": loads}
