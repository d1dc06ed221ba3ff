"""The first line of a commit message: `component: Sentence.`, under 72 characters.

    networking/nbiot: Retry attach after a denied registration.

git calls this as a commit-msg hook (`python -m devkit.checks commit-subject FILE`).
"""

from __future__ import annotations

import re
from pathlib import Path

from devkit.checks.problem import Problem

MOST = 71
_COMPONENT = r"[A-Za-z.][\w./-]*"
_SUBJECT = re.compile(rf"{_COMPONENT}(, {_COMPONENT})*: [A-Z].*[^.\s]\.")
# Written by git itself, or only on the way to a rebase.
_GITS_OWN = re.compile(r"(Merge|Revert|fixup!|squash!|amend!) ")


def problems(root: Path, names: list[str]) -> list[Problem]:
    return [
        Problem(name, 1, "commit-subject", what)
        for name in names
        for what in look((root / name).read_text(encoding="utf-8"))
    ]


def look(message: str) -> list[str]:
    """What is wrong with a commit message; lines that git drops (# ...) do not count."""
    lines = [line.rstrip() for line in message.splitlines() if not line.startswith("#")]
    while lines and not lines[0]:
        del lines[0]
    if not lines:
        return ["it is empty"]
    subject = lines[0]
    if _GITS_OWN.match(subject):
        return []
    found = []
    if len(subject) > MOST:
        found.append(f"{len(subject)} characters in the first line; at most {MOST} are allowed")
    if not _SUBJECT.fullmatch(subject):
        found.append(f"{subject!r} does not read `component: Sentence.`")
    if len(lines) > 1 and lines[1]:
        found.append("an empty line belongs between the first line and the rest")
    return found
