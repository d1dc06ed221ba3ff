"""The words for what went wrong: those of the contract, and no others anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "sensors").glob("*.py"))
_USED = re.compile(
    r'(?:SensorError\(|\bcause = |fail\()"(\w+)"|SensorError\("(\w+)" if .* else "(\w+)"\)'
)


def known() -> set[str]:
    text = (ROOT / "sensors" / "__init__.py").read_text("utf-8")
    return set(re.findall(r'"(\w+)"', text.split("Causes: ", 1)[1].split("\n\n", 1)[0]))


def test_the_documents_explain_each():
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", (ROOT / "docs/sensors.md").read_text(), re.M)
    explained = {word for row in rows for word in re.findall(r"`(\w+)`", row)}
    assert known() <= explained


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_drivers_use_no_others(path):
    used = {word for found in _USED.findall(path.read_text("utf-8")) for word in found if word}
    assert used <= known()
