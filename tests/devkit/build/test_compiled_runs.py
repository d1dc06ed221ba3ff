"""A build runs: its compiled files on a real MicroPython, put there whole or by its installer.

Only the build for a current MicroPython, since that is what the VM is; .mpy files of Pycom boards
run nowhere else, and are compiled from the same sources by the same code.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.build.folder import build
from devkit.build.targets import CURRENT
from emulator.emulator import Emulator
from tests.devkit.build.test_each_component_alone import USES, outcome_of

pytestmark = pytest.mark.vm


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, current_compiler: str) -> Path:
    folder = tmp_path_factory.mktemp("built") / CURRENT.name
    build(CURRENT, folder)
    return folder


def test_application_reports_from_a_build(built: Path) -> None:
    assert not list((built / "flash/networking").glob("*.py"))
    said: list[str] = []
    with Emulator(
        flash=built / "flash", vm="micropython", console=said.append, max_hours=1
    ) as emulator:
        [cycle] = emulator.run()
    assert (cycle.error, cycle.ended, cycle.cause) == (None, "deepsleep", "attached")
    assert cycle.accepted == 1, "".join(said)


class Board:
    """A board's file system in a folder, as mpremote's transport shows it to its installer."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def fs_exists(self, path: str) -> bool:
        return (self.root / path.lstrip("/")).exists()

    def fs_mkdir(self, path: str) -> None:
        (self.root / path.lstrip("/")).mkdir()

    def fs_writefile(self, path: str, data: bytes, **more: object) -> None:
        (self.root / path.lstrip("/")).write_bytes(data)


@pytest.mark.parametrize("name", ["nbiot", "si7021", "microATreceive"])
def test_component_works_where_mip_puts_it(name: str, built: Path, tmp_path: Path) -> None:
    mip = pytest.importorskip("mpremote.mip")
    (tmp_path / "flash/lib").mkdir(parents=True)
    mip._install_package(
        Board(tmp_path), str(built / f"mip/{name}.json"), "", "/flash/lib", None, True
    )
    program, printed = USES[name]
    assert outcome_of(program, tmp_path / "flash", "micropython")[-len(printed) :] == printed
