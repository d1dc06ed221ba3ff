"""ujson of MicroPython 1.11: lenient reading, one fixed way of writing.

Source: MicroPython 1.11 extmod/modujson.c, py/obj*.c.
"""

from __future__ import annotations

from typing import Any

from emulator.vm.console import device_text, float32, float_text, stream_writer
from emulator.vm.device import jsonreader
from emulator.vm.errors import DeviceOSError


def _quote(text: str) -> str:
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char >= " ":
            out.append(char)
        elif char in "\n\r\t":
            out.append({"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char])
        else:
            out.append(f"\\u{ord(char):04x}")
    return '"' + "".join(out) + '"'


def dumps(obj: Any, /) -> str:
    if obj is None or obj is True or obj is False:
        return {None: "null", True: "true", False: "false"}[obj]
    if isinstance(obj, str):
        return _quote(obj)
    if isinstance(obj, bytes):
        return _quote(obj.decode("latin-1"))
    if isinstance(obj, float):
        return float_text(obj)
    if isinstance(obj, (list, tuple)):
        return "[" + ", ".join(dumps(item) for item in obj) + "]"
    if isinstance(obj, dict):
        pairs = (dumps(key) + ": " + dumps(value) for key, value in obj.items())
        return "{" + ", ".join(pairs) + "}"
    return device_text(obj, True)


def loads(text: str | bytes, /) -> Any:
    if isinstance(text, (bytes, bytearray)):
        text = bytes(text).decode("utf-8", "replace")
    if not isinstance(text, str):
        raise TypeError("object with buffer protocol required")
    return jsonreader.read(text, float32)


def dump(obj: Any, stream: Any, /) -> None:
    stream_writer(stream)(dumps(obj))


def load(stream: Any, /) -> Any:
    if not hasattr(stream, "read"):
        raise DeviceOSError("stream operation not supported")
    return loads(stream.read())


def names() -> dict[str, Any]:
    return {"dump": dump, "dumps": dumps, "load": load, "loads": loads}
