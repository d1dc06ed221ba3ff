"""Types of arguments: each checks a text of the command line and returns its value."""

from __future__ import annotations

import argparse
import contextlib
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


def between(least: int, most: int) -> Callable[[str], int]:
    def between(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, {least} to {most}")
        return int(text)

    return between


def amount(unit: str) -> Callable[[str], float]:
    def amount(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {unit} above 0")
        return number

    return amount


def folder(text: str) -> str:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text!r}")
    return text


def new_folder(text: str) -> str:
    """A folder, or the name of one that can be made."""
    if os.path.lexists(text) and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a file; a folder is needed, or a new name")
    return text


def file(text: str) -> str:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return text


def output(text: str) -> str:
    """A file to write; that a new one can be made is tried, since rights alone do not tell."""
    path = Path(text)
    is_writable = os.access(path, os.W_OK) and not path.is_dir()
    if not os.path.lexists(path):
        with contextlib.suppress(OSError):
            path.touch()
            path.unlink()
            is_writable = True
    if not is_writable:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written; a file is needed")
    return text


def command(text: str) -> list[str]:
    words = shlex.split(text)
    if not words or shutil.which(words[0]) is None:
        raise argparse.ArgumentTypeError(f"{text!r} begins with no program that can be run")
    return words


def scenario(text: str) -> str:
    from emulator import scenario
    from emulator.chips import wiring

    try:
        loaded = scenario.load(text)
        wiring.check(loaded.chips, scenario.shield_chips(loaded.board.shield))
    except (ValueError, OSError) as problem:
        raise argparse.ArgumentTypeError(one_line(problem)) from problem
    return text


def serve(text: str) -> str:
    from emulator.network.serving import check_free

    try:
        check_free(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(one_line(problem)) from problem
    return text


def route(text: str) -> str:
    from emulator.network.routes import Routes

    try:
        Routes.parse([text])
    except ValueError as problem:
        raise argparse.ArgumentTypeError(one_line(problem)) from problem
    return text
