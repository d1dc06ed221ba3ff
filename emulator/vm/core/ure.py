"""ure of MicroPython 1.11: a small matcher. Its patterns are translated for CPython's `re`.

Known: . [] ^ $ ? * + their lazy forms, ( ) (?: ) | and the classes \\d \\s \\w with their
negations, outside of [] only. Everything else is a literal: `a{2}` matches the text "a{2}",
`\\n` matches "n". A named group or a look-ahead has nothing to repeat: "Error in regex".
Source: MicroPython 1.11 extmod/re1.5/compilecode.c, extmod/modure.c.
"""

from __future__ import annotations

import re
from typing import Any

_CLASSES = "dDsSwW"


class _Translator:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def translate(self) -> str:
        out = self._sequence()
        if self._at < len(self._pattern):
            raise _error()  # a closing parenthesis too many
        return out

    def _sequence(self) -> str:
        out = []
        repeatable = False
        while self._at < len(self._pattern) and self._pattern[self._at] != ")":
            char = self._pattern[self._at]
            self._at += 1
            if char in "?*+":
                if not repeatable:
                    raise _error()
                if self._pattern[self._at : self._at + 1] == "?":
                    self._at += 1
                    char += "?"
                out.append(char)
                repeatable = False
            elif char in "|^$":
                out.append({"|": "|", "^": r"\A", "$": r"\Z"}[char])
                repeatable = False
            else:
                out.append(self._term(char))
                repeatable = True
        return "".join(out)

    def _term(self, char: str) -> str:
        if char == "(":
            return self._group()
        if char == "[":
            return self._set()
        if char == "\\":
            if self._at >= len(self._pattern):
                raise _error()
            char = self._pattern[self._at]
            self._at += 1
            return "\\" + char if char in _CLASSES else re.escape(char)
        return "." if char == "." else re.escape(char)

    def _group(self) -> str:
        opening = "("
        if self._pattern.startswith("?:", self._at):
            self._at += 2
            opening = "(?:"
        body = self._sequence()
        if self._pattern[self._at : self._at + 1] != ")":
            raise _error()
        self._at += 1
        return opening + body + ")"

    def _set(self) -> str:
        """A set: no classes and no escapes in it; `]` always closes."""
        end = self._pattern.find("]", self._at)
        body = self._pattern[self._at : end]
        if end < 0:
            raise _error()
        self._at = end + 1
        negated = body.startswith("^")
        chars = body[1:] if negated else body
        if not chars:
            return "." if negated else r"(?!)"
        out = []
        at = 0
        while at < len(chars):
            first = last = chars[at]
            if chars[at + 1 : at + 2] == "-" and at + 2 < len(chars):
                last = chars[at + 2]
                at += 2
            at += 1
            if first <= last:
                out.append(re.escape(first) + ("-" + re.escape(last) if last != first else ""))
        return ("[^" if negated else "[") + "".join(out) + "]"


def _error() -> ValueError:
    return ValueError("Error in regex")


class Match:
    def __init__(self, match: Any) -> None:
        self._match = match

    def group(self, number: int, /) -> Any:
        if not 0 <= number <= self._match.re.groups:
            raise IndexError(number)
        return self._match.group(number)


class Regex:
    def __init__(self, pattern: str | bytes) -> None:
        text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
        translated = _Translator(text).translate()
        try:
            self._text = re.compile(translated, re.DOTALL | re.ASCII)
            self._bytes = re.compile(translated.encode("utf-8"), re.DOTALL)
        except (re.error, RecursionError):
            raise _error() from None

    def __repr__(self) -> str:
        return f"<re {id(self) & 0xFFFFFFFF:x}>"

    def _on(self, text: Any) -> re.Pattern[Any]:
        return self._text if isinstance(text, str) else self._bytes

    def match(self, text: Any, /) -> Match | None:
        found = self._on(text).match(text)
        return Match(found) if found else None

    def search(self, text: Any, /) -> Match | None:
        found = self._on(text).search(text)
        return Match(found) if found else None

    def split(self, text: Any, maxsplit: int = 0, /) -> list[Any]:
        if self._text.groups:
            raise NotImplementedError("splitting with sub-captures")
        parts: list[Any] = []
        start = 0
        for found in self._on(text).finditer(text):
            if found.end() == found.start() or (maxsplit > 0 and len(parts) >= maxsplit):
                break
            parts.append(text[start : found.start()])
            start = found.end()
        return [*parts, text[start:]]


def compile(pattern: str | bytes, flags: int = 0, /) -> Regex:
    return Regex(pattern)


def _regex(pattern: Any) -> Regex:
    return pattern if isinstance(pattern, Regex) else Regex(pattern)


def match(pattern: Any, text: Any, /) -> Match | None:
    return _regex(pattern).match(text)


def search(pattern: Any, text: Any, /) -> Match | None:
    return _regex(pattern).search(text)


def names() -> dict[str, Any]:
    return {"compile": compile, "match": match, "search": search, "DEBUG": 4096}
