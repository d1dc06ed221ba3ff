"""Tables for people: aligned text, headings with units, figures to the right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tabulate import tabulate


def table(rows: Sequence[Sequence[Any]], headings: Sequence[str]) -> str:
    """Render rows under headings; None is shown as a dash."""
    return tabulate(
        rows, headers=headings, tablefmt="simple", missingval="-", disable_numparse=False
    )


def markdown(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The same as Markdown."""
    return "\n".join(map(_line, [headings, ["---"] * len(headings), *rows]))


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join("-" if cell is None else str(cell) for cell in cells) + " |"
