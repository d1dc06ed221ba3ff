"""Write the skeleton of a sensor, a bearer or a protocol, with tests that run as they are.

A sensor is a driver and its emulated chip on I2C; a bearer, a radio modem on a UART and its
emulated chip; a protocol, the device's part and the server. Edit them until they say what the
data sheet does. Nothing that exists is overwritten.
"""

from __future__ import annotations

import argparse
import builtins
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from devkit.build.components import KINDS as DEVICE_FOLDERS
from devkit.commands import UsageError
from emulator.device_files import FOLDERS, ROOT

TEMPLATES = ROOT / "devkit" / "templates"
_LONGEST = 20
SHADOWED = (
    "const",
    "machine",
    "network",
    "pycom",
    "config",
    "credentials",
    "node",
    "node_check",
    "node_send",
    "node_start",
    *FOLDERS,
)
_ALLOWED = (
    "1 to 20 lower-case letters, digits and underscores, a letter first, no name of Python, of the"
    " firmware or of a folder here"
)


@dataclass(frozen=True)
class Kind:
    """A folder of devkit/templates. In a template NAME, Name and UPPER stand for the name of the
    module, of its class, and of the module in upper case."""

    files: dict[str, str]  # template -> its place, `{}` is the name
    advice: str  # `{}` is the name

    def paths(self, name: str) -> list[str]:
        return [place.format(name) for place in self.files.values()]


KINDS = {
    "sensor": Kind(
        {
            "driver": "sensors/{}.py",
            "chip": "emulator/chips/{}.py",
            "driver_test": "tests/sensors/test_{}.py",
            "chip_test": "tests/emulator/chips/test_{}.py",
            "example": "examples/{}_simple.py",
        },
        "put the data sheet's commands, times and formula into sensors/{0}.py and"
        " emulator/chips/{0}.py,\nits examples into the tests, and look at ./dev sensors {0}",
    ),
    "bearer": Kind(
        {
            "bearer": "networking/{}.py",
            "chip": "emulator/chips/{}.py",
            "bearer_test": "tests/networking/test_{}.py",
            "chip_test": "tests/emulator/chips/test_{}.py",
            "example": "examples/{}_simple.py",
        },
        "put the modem's commands and times into networking/{0}.py and emulator/chips/{0}.py,"
        "\nand look at ./dev demo --bearer {0}",
    ),
    "protocol": Kind(
        {
            "protocol": "protocols/{}.py",
            "server": "devkit/servers/{}.py",
            "protocol_test": "tests/protocols/test_{}.py",
            "server_test": "tests/devkit/servers/test_{}.py",
        },
        "put the messages into protocols/{0}.py, a server that others wrote into"
        " devkit/servers/{0}.py,\nand look at ./dev demo --protocol {0}",
    ),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=KINDS, help="what to begin")
    parser.add_argument(
        "name", metavar="NAME", help="its module: lower-case letters, digits, underscores"
    )


def main(options: argparse.Namespace) -> int:
    paths = create(options.what, options.name)
    for path in paths:
        print(path.relative_to(ROOT))
    tests = " ".join(str(path.relative_to(ROOT)) for path in paths if path.name[:5] == "test_")
    print(f"\nThey work as they are: ./dev test {tests}")
    print(f"Next: {KINDS[options.what].advice.format(options.name)}")
    return 0


def create(what: str, name: str, root: Path = ROOT) -> list[Path]:
    """Write all files or none; the paths. UsageError names what is wrong."""
    if (
        not re.fullmatch("[a-z][a-z0-9_]*", name)
        or len(name) > _LONGEST
        or keyword.iskeyword(name)
        or name in (*dir(builtins), *sys.stdlib_module_names, *SHADOWED)
    ):
        raise UsageError(f"name {name!r}; allowed: {_ALLOWED}")
    kind = KINDS[what]
    # the names of components are unique, whatever their folder
    taken = [*kind.paths(name), *[f"{folder}/{name}.py" for folder in DEVICE_FOLDERS]]
    for path in taken:
        if (root / path).exists():
            raise UsageError(f"name {name!r}: {path} is there already; allowed: a name not in use")
    made = [root / path for path in kind.paths(name)]
    for template, file in zip(kind.files, made, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(filled(what, template, name), encoding="utf-8")
    return made


def filled(what: str, template: str, name: str) -> str:
    text = (TEMPLATES / what / f"{template}.txt").read_text("utf-8")
    title = "".join(part.capitalize() for part in name.split("_"))
    text = text.replace("UPPER", name.upper()).replace("NAME", name)
    return re.sub(r"\bName(?![a-z])", title, text)
