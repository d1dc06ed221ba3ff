"""Tables and blocks as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown(headings: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    rows: list[list[object]] = [
        list(headings),
        ["---"] * len(headings),
        *[list(line) for line in lines],
    ]
    return "\n".join("| " + " | ".join(str(item) for item in line) + " |" for line in rows)


def block(text: str, kind: str = "text") -> str:
    return f"```{kind}\n{text.rstrip()}\n```"
