"""`python -m collector`: the collector as a program."""

from __future__ import annotations

import argparse
import sys

from collector import arguments, program


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m collector", description=program.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    arguments.add(parser)
    try:
        return program.main(parser.parse_args())
    except program.UsageError as problem:
        parser.error(str(problem))


if __name__ == "__main__":
    sys.exit(main())
