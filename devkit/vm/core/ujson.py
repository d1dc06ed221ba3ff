"""ujson of MicroPython 1.11: lenient reading, one fixed way of writing.

The reader takes separators for white space and does not insist on the end of the outermost
object: '{"a":1' is {'a': 1}. Source: MicroPython 1.11 extmod/modujson.c, py/obj*.c.
"""

from __future__ import annotations

from typing import Any

from devkit.vm.console import device_text, float32, float_text, stream_writer
from devkit.vm.errors import DeviceOSError

_WORDS = {"n": ("null", None), "t": ("true", True), "f": ("false", False)}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NO_KEY = object()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._stack: list[Any] = []
        self._top: Any = _NO_KEY
        self._key: Any = _NO_KEY

    def read(self) -> Any:
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char in ",: \t\n\r":
                continue
            if char in "]}":
                if self._top is _NO_KEY:
                    raise _fail()
                if not self._stack:
                    break
                self._top = self._stack.pop()
                continue
            enter = char in "[{"
            value: Any = ([] if char == "[" else {}) if enter else self._primitive(char)
            if self._top is _NO_KEY:
                self._top = value
                if not enter:
                    break
                continue
            self._store(value, enter)
            if enter:
                self._stack.append(self._top)
                self._top = value
        if self._text[self._at :].strip(" \t\n\r\v\f") or self._top is _NO_KEY or self._stack:
            raise _fail()
        return self._top

    def _store(self, value: Any, enter: bool) -> None:
        if isinstance(self._top, list):
            self._top.append(value)
        elif self._key is _NO_KEY:
            if enter:
                raise _fail()
            self._key = value
        else:
            self._top[self._key] = value
            self._key = _NO_KEY

    def _primitive(self, char: str) -> Any:
        if char in _WORDS:
            word, value = _WORDS[char]
            if not self._text.startswith(word, self._at - 1):
                raise _fail()
            self._at += len(word) - 1
            return value
        if char == '"':
            return self._string()
        if char == "-" or char.isdigit():
            return self._number()
        raise _fail()

    def _string(self) -> str:
        out = []
        while self._at < len(self._text) and self._text[self._at] != '"':
            char = self._text[self._at]
            self._at += 1
            if char == "\\":
                char = self._text[self._at : self._at + 1]
                self._at += 1
                if char == "u":
                    digits = self._text[self._at : self._at + 4]
                    self._at += 4
                    try:
                        char = chr(int(digits, 16))
                    except ValueError:
                        raise _fail() from None
                else:
                    char = _ESCAPES.get(char, char)
            out.append(char)
        if self._at >= len(self._text):
            raise _fail()
        self._at += 1
        return "".join(out)

    def _number(self) -> int | float:
        start = self._at - 1
        while self._at < len(self._text) and self._text[self._at] in "0123456789.eE-":
            self._at += 1
        digits = self._text[start : self._at]
        try:
            return float32(float(digits)) if any(c in digits for c in ".eE") else int(digits)
        except ValueError:
            raise ValueError("invalid syntax for number") from None


def _fail() -> ValueError:
    return ValueError("syntax error in JSON")


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
    return _Reader(text).read()


def dump(obj: Any, stream: Any, /) -> None:
    stream_writer(stream)(dumps(obj))


def load(stream: Any, /) -> Any:
    if not hasattr(stream, "read"):
        raise DeviceOSError("stream operation not supported")
    return loads(stream.read())


def names() -> dict[str, Any]:
    return {"dump": dump, "dumps": dumps, "load": load, "loads": loads}
