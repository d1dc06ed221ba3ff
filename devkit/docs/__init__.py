"""Keeps the parts of README.md and docs/ that are made from real runs as those runs are.

package.json and the names in utils/fields.py are kept as well.

    python -m devkit.docs           rewrite every marked part
    python -m devkit.docs --check   say which are out of date; status 1 if any is

Marked parts (devkit/marked.py) have names of devkit/docs/parts.py. Everything is made with seed 1
and the published configuration (devkit/reference), so that only a change of the code changes it. A
comment more in a device file is such a change, since loading it takes time: a part of times and
energies is out of date when a figure is off by more than 2 % (and 10 ms), all others at the first
difference.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from devkit import marked
from devkit.application import REFERENCE
from devkit.bench import workers
from devkit.build import mip
from devkit.docs import configuration
from devkit.docs.parts import PARTS, Rows
from emulator.device_files import ROOT, configured

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)")
MEASURED = (
    "cost",
    "demo",
    "demo-cycle",
    "bench-cycles",
    "bench-reports",
    "bench-links",
    "bench-link-batches",
    "bench-battery",
    "bench-install",
    "bench-modules",
    "bench-measuring",
    "bench-backlog",
    "bench-batches",
    "sensors",
    "update-cost",
    "scenarios",
    "wifi-scenarios",
)
TOLERANCE = 0.02
# Whole figures from 40 up are times, most of them: each may end a few ticks later
MILLISECONDS, MILLISECONDS_FROM = 10, 40


def files(root: Path = ROOT) -> list[Path]:
    """What may have marked parts."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def part(name: str, sample: bool = False) -> str:
    """What is to stand in the marked part of that name. ValueError for a name that is none.

    sample: of a table that takes long, the rows of its sample alone.
    """
    if name not in PARTS:
        raise ValueError(f"marked part {name!r}; allowed: {', '.join(PARTS)}")
    made = PARTS[name]
    with configured(REFERENCE):
        text = made.sampled() if sample and isinstance(made, Rows) else made()
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def fresh(name: str, written: str, sample: bool = False) -> bool:
    """Whether what is written in a marked part still holds. sample: as in part()."""
    rows = PARTS[name]
    if sample and isinstance(rows, Rows):
        try:
            written = rows.sample_of(written)
        except ValueError:
            return False
    made = part(name, sample)
    if name not in MEASURED:
        return written == made
    old, new = _NUMBER.split(written), _NUMBER.split(made)
    if [_words(text) for text in old[::2]] != [_words(text) for text in new[::2]]:
        return False
    return all(_near(one, other) for one, other in zip(old[1::2], new[1::2], strict=True))


def _words(text: str) -> str:
    """Without blanks and rules, which follow the width of the figures."""
    return re.sub(r"[\s-]+", " ", text)


def _near(one: str, other: str) -> bool:
    if one == other:
        return True
    digits = len(one.partition(".")[2])
    value = float(one)
    slack = 1.01 * 10**-digits if digits else MILLISECONDS if value >= MILLISECONDS_FROM else 0.0
    return abs(value - float(other)) <= max(TOLERANCE * value, slack)


def _whole_file(file: Path, made: str, check: bool) -> int:
    """Rewrite a file, or count it if it is out of date."""
    if file.is_file() and file.read_text(encoding="utf-8") == made:
        return 0
    name = file.relative_to(ROOT)
    if check:
        print(f"{name} is out of date")
        return 1
    print(f"{name} rewritten")
    file.write_text(made, encoding="utf-8")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m devkit.docs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args(argv)
    with workers.all_cores():
        return _kept_up(options.check)


def _kept_up(check: bool) -> int:
    stale = _whole_file(ROOT / mip.REPOSITORY, mip.repository(), check)
    stale += _whole_file(configuration.FIELDS_FILE, configuration.names_file(), check)
    for file in files():
        text = file.read_text(encoding="utf-8")
        if check:
            for name, written in marked.parts(text).items():
                if not fresh(name, written):
                    stale += 1
                    print(f"{file.relative_to(ROOT)}: {name} is out of date")
            continue
        new = marked.renewed(text, part)
        if new != text:
            print(f"{file.relative_to(ROOT)} rewritten")
            file.write_text(new, encoding="utf-8")
    return 1 if stale else 0
