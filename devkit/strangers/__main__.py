"""python -m devkit.strangers: see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from devkit.strangers.answers import answering
from devkit.strangers.programs import checkouts
from devkit.strangers.report import renewed, rows, tables
from devkit.strangers.runs import Limits, Outcome, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devkit.strangers", description=__doc__)
    parser.add_argument("folder", type=Path, help="one folder for each checkout")
    parser.add_argument("--renew", type=Path, metavar="PAGE", help="write the tables into it")
    parser.add_argument("--outputs", type=Path, metavar="DIR", help="keep what programs print")
    parser.add_argument("--only", default="", metavar="TEXT", help="in repository/path")
    parser.add_argument("--max-hours", type=float, default=Limits.hours, help="virtual")
    parser.add_argument("--processor-s", type=int, default=Limits.processor_s)
    options, of_run = parser.parse_known_args()
    limits = Limits(options.max_hours, options.processor_s)
    outcomes: list[Outcome] = []
    with answering() as port:
        for checkout in checkouts(options.folder):
            for program in checkout.programs():
                path = program.relative_to(checkout.folder).as_posix()
                if options.only not in f"{checkout.name}/{path}":
                    continue
                outcomes.append(run(checkout, program, limits, port, ["--board=FiPy", *of_run]))
                _tell(outcomes[-1], options.outputs)
    if options.renew is not None:
        page = options.renew.read_text(encoding="utf-8")
        options.renew.write_text(renewed(page, outcomes), encoding="utf-8")
    else:
        print(tables(rows(outcomes)))
    return 0


def _tell(outcome: Outcome, outputs: Path | None) -> None:
    where = f"{outcome.repository}/{outcome.path}"
    print(f"{where}: {outcome.happens} [{outcome.verdict}]", file=sys.stderr, flush=True)
    if outputs is not None:
        outputs.mkdir(parents=True, exist_ok=True)
        (outputs / (where.replace("/", "+") + ".txt")).write_text(outcome.output)


if __name__ == "__main__":
    sys.exit(main())
