"""The lock file: complete, pinned, in groups; and how little the commands need of it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from devkit.commands import NAMES
from devkit.requirements import GROUPS, lock
from emulator.device_files import ROOT

TEXT = (ROOT / "devkit/requirements/requirements.lock").read_text()
PINS = lock.pins(TEXT)


def closure(*groups: str) -> set[str]:
    asked = [name for group in groups for name in GROUPS[group].names]
    return {pin.name for pin in lock.belonging(asked, PINS)}


def test_everything_is_pinned_with_hashes_and_no_address_is_named() -> None:
    assert len(PINS) > 20
    for pin in PINS:
        assert re.match(r"[\w.-]+==[\w.]+( ;|\s)", pin.text), pin.name
        assert "--hash=sha256:" in pin.text, pin.name
    assert "://" not in TEXT
    assert " @ " not in TEXT
    assert "--index" not in TEXT


def test_groups_have_all_that_they_ask_for_and_nothing_else_is_locked() -> None:
    asked = {name for group in GROUPS.values() for name in group.names}
    locked = {pin.name for pin in PINS}
    assert asked <= locked
    assert closure(*GROUPS) == locked


def test_a_group_has_what_its_packages_need() -> None:
    assert {"cffi", "pycparser", "typing-extensions"} <= closure("run")
    assert {"numpy", "pillow", "six"} <= closure("plot")


def test_running_needs_nothing_of_another_group() -> None:
    others = {name for group in GROUPS if group != "run" for name in GROUPS[group].names}
    assert not closure("run") & others


# Everything that is installed here but does not belong to the group "run" cannot be imported.
BARE = """
import importlib.metadata, sys
sys.path.insert(0, sys.argv.pop(1))
allowed = set(sys.argv.pop(1).split())
from devkit.requirements import lock
closed = {
    module
    for module, names in importlib.metadata.packages_distributions().items()
    if not any(lock._normal(name) in allowed for name in names)
}
class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in closed:
            raise ModuleNotFoundError("not in the group run: " + name)
sys.meta_path.insert(0, Closed())
assert {"pytest", "matplotlib", "serial", "mypy"} <= closed
from devkit import cli
for line in sys.argv[1:]:
    try:
        status = cli.main(line.split())
    except SystemExit as end:
        status = end.code
    assert not status, (line, status)
"""


@pytest.mark.parametrize(
    "lines",
    [
        [f"{name} --help" for name in NAMES],
        [
            "demo --cycles 1 --json --config devkit/reference/config.py",
            "demo --cycles 1 --json --config devkit/reference/config.py --bearer lora",
            "demo --cycles 1 --json --config devkit/reference/config.py --bearer wifi"
            " --protocol coap",
        ],
        ["at AT", "sensors si7021", "run examples/device_info_simple.py"],
    ],
    ids=["help", "demo", "others"],
)
def test_commands_need_no_packages_but_those_of_the_group_run(lines: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(ROOT), " ".join(closure("run")), *lines],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
