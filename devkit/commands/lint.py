"""Check all source files: lint, format, types, spelling, imports, budgets, device compile.

Prints a line FILE:LINE: RULE: text for each problem, and changes no file. The project's own rules
are the tables [tool.devkit] of pyproject.toml. `./dev test` runs the same checks.
"""

from __future__ import annotations

import argparse
import sys

from devkit import checks, requirements
from devkit.checks import sources


def main(options: argparse.Namespace) -> int:
    requirements.need("check")
    problems = checks.run_all(sources.ROOT)
    for problem in problems:
        print(problem)
    if problems:
        count = f"{len(problems)} problem{'s' * (len(problems) > 1)}"
        print(f"./dev lint: {count}", file=sys.stderr)
    return 1 if problems else 0
