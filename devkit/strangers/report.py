"""The tables of docs/strangers.md: made of a run, with the judgements that stand in the page.

What a run alone does not tell, a person writes into the last column of the page: a verdict of
runs.py, a colon, and the reason. It is kept as long as the same program does the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devkit.strangers.runs import API, BOARD, NEEDS, OPEN, RAN, WRONG, Outcome
from devkit.tables import markdown

BEGIN = "## Result\n"
VERDICTS = (RAN, BOARD, NEEDS, API, WRONG, OPEN)
_ROW = re.compile(r"^\| (\S+) \| (.+?) \| (.+?) \| ([^:|]+?)(?:: (.*?))? \|$", re.M)
_MOST_CHARACTERS = 110

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Row:
    repository: str
    path: str
    happens: str
    verdict: str
    why: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        judged = f"{self.verdict}: {self.why}" if self.why else self.verdict
        return self.repository, self.path, self.happens, judged


def rows(outcomes: Iterable[Outcome], page: str = "") -> list[Row]:
    """page: one that renewed() has made, whose judgements count."""
    known = {(repository, path, happens): (verdict, why)
             for repository, path, happens, verdict, why in _ROW.findall(page)}  # fmt: skip
    return [_row(outcome, known) for outcome in outcomes]


def _row(outcome: Outcome, known: dict[Key, tuple[str, str]]) -> Row:
    happens = outcome.happens.replace("|", "/").strip()
    if len(happens) > _MOST_CHARACTERS:
        happens = happens[: _MOST_CHARACTERS - 3].strip() + "..."
    path = outcome.path.replace("|", "/")
    verdict, why = known.get((outcome.repository, path, happens), (outcome.verdict, ""))
    return Row(outcome.repository, path, happens, verdict, why)


def tables(given: Sequence[Row]) -> str:
    """Counts, a line for each repository, and one for each program that did not just run."""
    repositories = dict.fromkeys(row.repository for row in given)
    counted = Counter((row.repository, row.verdict) for row in given)
    whole = Counter(row.verdict for row in given)
    shown = [verdict for verdict in VERDICTS if whole[verdict]]
    lines = [(name, *(counted[name, verdict] or "" for verdict in shown)) for name in repositories]
    total = (f"{len(lines)} repositories", *(whole[verdict] for verdict in shown))
    special = [row.cells for row in given if row.verdict != RAN or row.why]
    return "\n\n".join(
        [
            markdown((f"{len(given)} programs", *shown), [total, *lines]),
            markdown(("repository", "path", "what happens", "what a board does"), special),
        ]
    )


def renewed(page: str, outcomes: Iterable[Outcome]) -> str:
    head, begin, _ = page.partition(BEGIN)
    return head + BEGIN + "\n" + tables(rows(outcomes, page)) + "\n"
