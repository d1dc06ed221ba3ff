"""Tables for people: aligned text, headings with units, figures to the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate


def table(rows: Sequence[Sequence[Any]], headings: Sequence[str]) -> str:
    """Render rows under headings; None is shown as a dash."""
    return tabulate(
        rows, headers=headings, tablefmt="simple", missingval="-", disable_numparse=False
    )
