"""Values as texts, for both VMs in the language that both know: on the console, and in JSON.

JSON is that of MicroPython 1.11, which takes separators for white space and does not insist on
the end of the outermost object: '{"a":1' is {'a': 1}.
Source: MicroPython 1.11 extmod/modujson.c, py/obj*.c.
"""

try:
    from floats import float32, float_text
except ImportError:  # in CPython, where this folder is a package
    from emulator.vm.device.floats import float32, float_text

_WORDS = {"n": ("null", None), "t": ("true", True), "f": ("false", False)}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NOTHING = object()


def device_text(value, as_repr=False):
    """str() or repr() of a value as the device shows it."""
    kind = type(value)
    if kind is str:
        return repr(value) if as_repr else value
    if kind is float:
        return float_text(value)
    if kind is list:
        return "[" + ", ".join([device_text(item, True) for item in value]) + "]"
    if kind is tuple:
        comma = "," if len(value) == 1 else ""
        return "(" + ", ".join([device_text(item, True) for item in value]) + comma + ")"
    if kind is dict:
        pairs = [device_text(k, True) + ": " + device_text(v, True) for k, v in value.items()]
        return "{" + ", ".join(pairs) + "}"
    if as_repr and isinstance(value, BaseException):
        return kind.__name__ + device_text(value.args)
    return repr(value) if as_repr else str(value)


# JSON


def _quote(text):
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char >= " ":
            out.append(char)
        elif char in "\n\r\t":
            out.append({"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char])
        else:
            out.append("\\u{:04x}".format(ord(char)))
    return '"' + "".join(out) + '"'


def dumps(obj):
    if obj is None or obj is True or obj is False:
        return {None: "null", True: "true", False: "false"}[obj]
    if isinstance(obj, str):
        return _quote(obj)
    if isinstance(obj, bytes):
        return _quote([chr(byte) for byte in obj])
    if isinstance(obj, float):
        return float_text(obj)
    if isinstance(obj, (list, tuple)):
        return "[" + ", ".join([dumps(item) for item in obj]) + "]"
    if isinstance(obj, dict):
        return "{" + ", ".join([dumps(key) + ": " + dumps(obj[key]) for key in obj]) + "}"
    return device_text(obj, True)


def loads(text):
    """What `text` says. ValueError if it is no JSON."""
    if isinstance(text, (bytes, bytearray)):
        text = str(bytes(text), "utf-8", "replace")
    if not isinstance(text, str):
        raise TypeError("object with buffer protocol required")
    return _Reader(text).read()


def json_names(writer, failure, made=lambda value: value):
    """The names of ujson. writer(stream) gives its `write`; failure: the OSError of the device;
    made(value): what device code is given of a value that was read."""

    def dump(obj, stream):
        writer(stream)(dumps(obj))

    def load(stream):
        if not hasattr(stream, "read"):
            raise failure("stream operation not supported")
        return made(loads(stream.read()))

    def loads_(text):
        if isinstance(text, bytearray):
            raise TypeError("object with buffer protocol required")
        return made(loads(text))

    return {"dump": dump, "dumps": dumps, "load": load, "loads": loads_}


class _Reader:
    def __init__(self, text):
        self._text = text
        self._at = 0
        self._stack = []
        self._top = _NOTHING
        self._key = _NOTHING

    def read(self):
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char in ",: \t\n\r":
                continue
            if char in "]}":
                if self._top is _NOTHING:
                    raise _fail()
                if not self._stack:
                    break
                self._top = self._stack.pop()
                continue
            enter = char in "[{"
            value = ([] if char == "[" else {}) if enter else self._primitive(char)
            if self._top is _NOTHING:
                self._top = value
                if not enter:
                    break
                continue
            self._store(value, enter)
            if enter:
                self._stack.append(self._top)
                self._top = value
        if self._text[self._at :].strip(" \t\n\r\v\f") or self._top is _NOTHING or self._stack:
            raise _fail()
        return self._top

    def _store(self, value, enter):
        if isinstance(self._top, list):
            self._top.append(value)
        elif self._key is _NOTHING:
            if enter:
                raise _fail()
            self._key = value
        else:
            self._top[self._key] = value
            self._key = _NOTHING

    def _primitive(self, char):
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

    def _string(self):
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
                        raise _fail()
                else:
                    char = _ESCAPES.get(char, char)
            out.append(char)
        if self._at >= len(self._text):
            raise _fail()
        self._at += 1
        return "".join(out)

    def _number(self):
        start = self._at - 1
        while self._at < len(self._text) and self._text[self._at] in "0123456789.eE-":
            self._at += 1
        digits = self._text[start : self._at]
        try:
            return float32(float(digits)) if any(c in digits for c in ".eE") else int(digits)
        except ValueError:
            raise ValueError("invalid syntax for number")


def _fail():
    return ValueError("syntax error in JSON")
