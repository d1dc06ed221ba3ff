"""The parser of a command's arguments. Standard library only, as `./dev --help` needs no more."""

from __future__ import annotations

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Wrong usage is one line; it shows the usage where the message names nothing allowed."""

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")
        if message.startswith(("unrecognized", "the following", "ambiguous")):
            usage = " ".join(self.format_usage().split()).removeprefix("usage: ")
            message = f"{message}; allowed: {usage}"
        self.exit(2, f"{self.prog}: {message}\n")


def one_line(problem: BaseException) -> str:
    if isinstance(problem, OSError) and problem.filename is not None:
        return f"{problem.filename}: {problem.strerror}"
    return "; ".join(str(problem).splitlines())
