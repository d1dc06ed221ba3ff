"""A copy of this project in which a test may break a rule."""

from __future__ import annotations

from pathlib import Path

from tests.published import publish


def copy(to: Path) -> Path:
    publish(to)
    return to


def append(tree: Path, name: str, text: str) -> int:
    """Add text to a file, which need not exist. Returns the number of its first new line."""
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(before + text, encoding="utf-8")
    return before.count("\n") + 1
