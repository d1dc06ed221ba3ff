"""The reader of ujson in MicroPython 1.11 for both VMs, in the language that both know.

It takes separators for white space and does not insist on the end of the outermost object:
'{"a":1' is {'a': 1}. Source: MicroPython 1.11 extmod/modujson.c.
"""

_WORDS = {"n": ("null", None), "t": ("true", True), "f": ("false", False)}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NOTHING = object()


def read(text, single):
    """What `text` says; `single` rounds a float as the board does. ValueError if it is no JSON."""
    return _Reader(text, single).read()


class _Reader:
    def __init__(self, text, single):
        self._text = text
        self._single = single
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
            return self._single(float(digits)) if any(c in digits for c in ".eE") else int(digits)
        except ValueError:
            raise ValueError("invalid syntax for number")


def _fail():
    return ValueError("syntax error in JSON")
