"""Byte code in a slot of an update, /flash/a or /flash/b, runs as the source that it was made of.

The board's byte code is that of MicroPython 1.11, which neither runtime of the emulation loads.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.device_files import ROOT
from emulator.vm import mpy
from emulator.vm.mpy import DEPLOYED, compiled

pytestmark = pytest.mark.both_runtimes
INTO_SLOT = 'import sys\nsys.path[:0] = ["/flash/{slot}", "/flash/{slot}/lib"]\n'


def put(flash: Path, path: str, code: bytes) -> None:
    (flash / path).parent.mkdir(parents=True, exist_ok=True)
    (flash / path).write_bytes(code)


def of_project(path: str) -> bytes:
    return compiled((ROOT / path).read_bytes(), Path(path).stem, DEPLOYED)


@pytest.fixture
def bare(make_bare, runtime: str):
    return make_bare(runtime=runtime)


@pytest.mark.parametrize("slot", ["a", "b"])
def test_modules_of_this_project_load_from_a_slot(slot: str, bare) -> None:
    for path in ("utils/__init__.py", "utils/names.py", "lib/microATsocket.py"):
        put(bare.flash, f"{slot}/{path[:-3]}.mpy", of_project(path))
    program = "from utils import names\nprint(names.is_name('field-7'), names.__file__[:8])"
    said = bare.run(program, boot=INTO_SLOT.format(slot=slot))
    assert said.split() == ["True", f"/flash/{slot}"]


def test_each_slot_has_its_release_of_a_module(bare) -> None:
    """One that this tree has in neither form."""
    for slot in "ab":
        source = f"said = 'release of slot {slot}'\n".encode()
        code = compiled(source, "names", DEPLOYED)
        mpy.keep(source, code)
        put(bare.flash, f"{slot}/utils/names.mpy", code)
    program = "from utils import names\nprint(names.said)"
    assert bare.run(program, boot=INTO_SLOT.format(slot="b")).strip() == "release of slot b"
    assert bare.run(program, boot=INTO_SLOT.format(slot="a")).strip() == "release of slot a"


def test_the_slot_is_searched_before_the_files_in_flash_itself(bare) -> None:
    put(bare.flash, "utils/names.py", b"said = 'of the root'\n")
    put(bare.flash, "a/utils/names.mpy", of_project("utils/names.py"))
    program = "from utils import names\nprint(hasattr(names, 'said'))"
    assert bare.run(program, boot=INTO_SLOT.format(slot="a")).strip() == "False"


def test_damaged_byte_code_in_a_slot_is_not_taken_for_its_source(bare) -> None:
    code = of_project("utils/names.py")
    put(bare.flash, "a/utils/names.mpy", code[:-1] + bytes([code[-1] ^ 1]))
    bare.run("from utils import names", boot=INTO_SLOT.format(slot="a"))
    assert bare.outcome.kind == "exception"
    assert "Error" in bare.outcome.error
