"""Write the skeleton of a sensor: driver, emulated chip, tests that run, example.

The files are made for a chip on I2C with a checksum; edit them until they say what the data sheet
does. Nothing that exists is overwritten.
"""

from __future__ import annotations

import argparse
import keyword
import re
from pathlib import Path

from devkit.commands import UsageError
from emulator.device_files import ROOT

TEMPLATES = ROOT / "devkit" / "sensors" / "templates"
# Template -> where it goes; `NAME` and `Name` in a text become the module's and the class's name.
FILES = {
    "driver": "sensors/{}.py",
    "chip": "emulator/chips/{}.py",
    "driver_test": "tests/sensors/test_{}.py",
    "chip_test": "tests/emulator/chips/test_{}.py",
    "example": "examples/{}_simple.py",
}
_LONGEST = 20
_ALLOWED = "1 to 20 lower-case letters, digits and underscores, a letter first, no word of Python"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("sensor",), help="what to begin")
    parser.add_argument(
        "name", metavar="NAME", help="its module: lower-case letters, digits, underscores"
    )


def main(options: argparse.Namespace) -> int:
    for path in create(options.name):
        print(path.relative_to(ROOT))
    name = options.name
    print(
        f"\nThey work as they are: ./dev test tests/sensors/test_{name}.py"
        f" tests/emulator/chips/test_{name}.py\n"
        f"Next: put the data sheet's commands, times and formula into sensors/{name}.py and"
        f" emulator/chips/{name}.py\nits examples into the tests, and look at ./dev sensors {name}"
    )
    return 0


def create(name: str, root: Path = ROOT) -> list[Path]:
    """Write all files or none; the paths. UsageError names what is wrong."""
    if (
        not re.fullmatch("[a-z][a-z0-9_]*", name)
        or len(name) > _LONGEST
        or keyword.iskeyword(name)
    ):
        raise UsageError(f"name {name!r}; allowed: {_ALLOWED}")
    paths = {template: root / path.format(name) for template, path in FILES.items()}
    there = [path for path in paths.values() if path.exists()]
    if there:
        raise UsageError(
            f"{there[0].relative_to(root)} is there already; allowed: a name without files"
        )
    for template, path in paths.items():
        path.write_text(filled(template, name), encoding="utf-8")
    return list(paths.values())


def filled(template: str, name: str) -> str:
    text = (TEMPLATES / f"{template}.txt").read_text("utf-8")
    title = "".join(part.capitalize() for part in name.split("_"))
    return text.replace("NAME", name).replace("Name", title)
