"""Device source as text that CPython's parser reads in the way of the board's lexer.

    text = readable("x = 010\\n")      # "x = 10\\n"

- A comment may hold any bytes.
- A tab goes to the next multiple of eight columns, a form feed is a column.
- A decimal number may begin with zeros, and have underscores anywhere.
- Any character beyond ASCII is a letter of a name, such as the blanks that a web page leaves.
- bytes may hold any character, as its UTF-8; a character by its name (\\N{...}) is not known.

No line is added or taken away.
Source: MicroPython 1.11 py/lexer.c, py/parsenum.c.
"""

from __future__ import annotations

import re

_SUSPECT = re.compile(r"[^\x20-\x7e\n\r]|\b0\d|\d_|\\N\{")
_TOKEN = re.compile(
    r"""(?P<string>(?P<prefix>\b[rRbBuU]{1,2}|)(?P<quote>'''|\"""|'|")
            (?:\\(?:\r\n|.|\n)|(?!(?P=quote)).)*?(?P=quote))
      | (?P<comment>\#[^\r\n]*)
      | (?P<number>(?:0[xXoObB]\w*)|(?:\d|\.\d)(?:[eE][+-](?=\d)|[\w.])*)
      | (?P<name>(?:[^\W\d]|[^\x00-\x7f])(?:\w|[^\x00-\x7f])*)
      | (?P<joined>\\(?:\r\n?|\n))
      | (?P<line>\r\n?|\n)(?P<indent>[ \t\f]*)
      | (?P<open>[(\[{]) | (?P<close>[)\]}])
    """,
    re.VERBOSE | re.DOTALL,
)
_INTEGER = re.compile(r"\d[\d_]*")


def readable(text: str, mode: str = "exec", filename: str = "") -> str:
    """The text for CPython's parser. NotImplementedError for \\N{...}."""
    if mode == "eval" and text[:1] in (" ", "\t"):
        raise IndentationError("unexpected indent", (filename, 1, None, None))
    return _Lexer().changed(text) if _SUSPECT.search(text) else text


class _Lexer:
    def __init__(self) -> None:
        self._depth = 0  # of brackets: no indentation in them

    def changed(self, text: str) -> str:
        start = re.match(r"[ \t\f]*", text)
        assert start is not None
        return _columns(start[0]) + _TOKEN.sub(self._token, text[start.end() :])

    def _token(self, found: re.Match[str]) -> str:
        kind, token = found.lastgroup, found[0]
        if found["string"] is not None:
            return _string(token, found["prefix"].lower())
        if kind == "comment":
            return re.sub("[\ud800-\udfff]", "?", token)
        if kind == "number":
            return _number(token)
        if kind == "name" and not token.isidentifier():
            return "".join([char if char.isidentifier() else _letter(char) for char in token])
        if found["line"] is not None:
            return found["line"] + (_columns(found["indent"]) if not self._depth else "")
        if kind == "open":
            self._depth += 1
        elif kind == "close":
            self._depth = max(0, self._depth - 1)
        return token


def _letter(char: str) -> str:
    """What CPython takes for a letter instead of this one."""
    return char if char < "\x80" else chr(0x20000 + ord(char) % 0xA000)


def _columns(indent: str) -> str:
    column = 0
    for char in indent:
        column = column + 1 if char != "\t" else (column // 8 + 1) * 8
    return " " * column


def _number(token: str) -> str:
    if not _INTEGER.fullmatch(token):
        return token
    return token.replace("_", "").lstrip("0") or "0"


def _string(token: str, prefix: str) -> str:
    if "b" in prefix:
        if token.isascii() or "r" in prefix:
            return token
        return "".join([char if char < "\x80" else ascii(char.encode())[2:-1] for char in token])
    if "r" not in prefix and re.search(r"(?<!\\)(?:\\\\)*\\N\{", token):
        raise NotImplementedError("unicode name escapes")
    return token
