"""Types of arguments: each checks a text of the command line and returns its value."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

from devkit.commands.parser import one_line


def whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
        return number

    return whole


def hours(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours above 0")
    return number


def folder(text: str) -> str:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text!r}")
    return text


def file(text: str) -> str:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return text


def output(text: str) -> str:
    path = Path(text)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written; a file is needed")
    return text


def command(text: str) -> list[str]:
    words = shlex.split(text)
    if not words or shutil.which(words[0]) is None:
        raise argparse.ArgumentTypeError(f"{text!r} begins with no program that can be run")
    return words


def scenario(text: str) -> str:
    from emulator import scenario

    try:
        scenario.load(text)
    except (ValueError, OSError) as problem:
        raise argparse.ArgumentTypeError(one_line(problem)) from problem
    return text


def route(text: str) -> str:
    from emulator.network.routes import Routes

    try:
        Routes.parse([text])
    except ValueError as problem:
        raise argparse.ArgumentTypeError(one_line(problem)) from problem
    return text
