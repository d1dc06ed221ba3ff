"""Every constant of the time and energy model is declared, with unit, grade and source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from emulator.board import constants
from emulator.emulator import BOOT_S
from emulator.modem.power import TX_MA

# Names that say by their unit that they are a time or a current
_UNIT = re.compile(r"_(US|MS|S|MA|TICKS|DS)$|_US_PER_|^(BAUD|US_PER_KB)$")
# What takes a time: its literal numbers have no name and so no source
_WAITS = frozenset(
    "pause Wait schedule schedule_ms spend_us start_ms advance wait_us later".split()
)
# Not of a board: bounds of the emulation itself, the computer's side of it, calendar arithmetic
_BOUNDS = frozenset(
    """
    NEVER_MS FOREVER_MS FOREVER_US ENDLESS_MS HANG_US TAIL_US PROMPT_US SENT_US SILENCE_S STEP_S
    UNCALLED_US
    CONNECT_WAIT_S
    SLICE_TICKS HOUR_US _BREAK_MASK_US TICKS_PER_US
    UNCALLED_US SENT_US SENT_STEP_US LOOK_US _FROM_1900_S
    """.split()
)
_ELSEWHERE = ("chips", "firmware", "vm/device", "usb", "terminal.py", "serial_device.py")


def undeclared(text: str, name: str) -> Iterator[str]:
    """FILE:LINE: text of each number in the source that stands for a time or a current."""
    tree = ast.parse(text)
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [each for target in targets for each in ast.walk(target)]
            names = {each.id for each in parts if isinstance(each, ast.Name)}
            named = any(_UNIT.search(each) for each in names - _BOUNDS)
            if named and not isinstance(node.value, ast.Call) and any(_numbers(node.value)):
                yield f"{name}:{node.lineno}: {', '.join(names)}: declare it (board/constants.py)"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _WAITS:
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            if any(_is_bare(value) for value in values):
                yield f"{name}:{node.lineno}: {ast.unparse(node)}: declare its number"


def _numbers(node: ast.AST) -> Iterator[float]:
    """The literal numbers in it, but for the factors of something that has a name."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield node.value
    elif not isinstance(node, ast.BinOp) or not any(
        isinstance(each, ast.Name) for each in ast.walk(node)
    ):
        inside = node.values if isinstance(node, ast.Dict) else ast.iter_child_nodes(node)
        for inner in inside:
            yield from _numbers(inner)


def _is_bare(node: ast.AST) -> bool:
    """Nothing but numbers, more than a tick or an instant."""
    plain = (ast.Constant, ast.Tuple, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Load)
    return max(_numbers(node), default=0) > 1 and all(
        isinstance(each, plain) for each in ast.walk(node)
    )


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_no_number_of_the_model_is_undeclared() -> None:
    found: list[str] = []
    for file in sorted(constants.ROOT.rglob("*.py")):
        name = file.relative_to(constants.ROOT).as_posix()
        if not name.startswith(_ELSEWHERE):
            found += undeclared(file.read_text(encoding="utf-8"), name)
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "WAKE_MS = 40",
        "_WAKE_S: tuple[float, ...] = (0.1, 0.2, 0.4)",
        'TX_MA = {"good": 110.0}',
        "session.pause(100)",
        "Wait(ticks=60 + 40)",
        "self.later((10.0, 30.0), self.reboot)",
    ],
)
def test_a_bare_number_is_found(line: str) -> None:
    assert len(list(undeclared(line, "it.py"))) == 1


@pytest.mark.parametrize(
    "line",
    [
        'WAKE_MS = constant(40, "ms", ESTIMATE, "no source found")',
        "ENTRIES = 126",
        "BOTH_MS = {1: 2 * FIRST_MS + SECOND_MS}",
        "session.pause(WAKE_MS)",
        "Wait(ticks=1)",
        "board.spend_us(0)",
    ],
)
def test_what_is_declared_or_no_time_passes(line: str) -> None:
    assert list(undeclared(line, "it.py")) == []


def test_the_list_shows_what_the_model_reads() -> None:
    listed = {each["name"]: each for each in constants.declared()}
    assert listed["emulator.boot_s"]["value"] == list(BOOT_S)
    assert {level: listed[f"modem.power.tx_ma.{level}"]["value"] for level in TX_MA} == TX_MA
    assert listed["chips.bme280.bme280.standby_ma"]["unit"] == "mA"
    assert listed["chips.bme280.bme280.standby_ma"]["grade"] == "estimate"  # from memory


def test_every_declaration_is_listed_once_with_unit_grade_and_source() -> None:
    listed = constants.declared()
    names = [each["name"] for each in listed]
    assert len(names) == len(set(names))
    declared = sum(len(each.values) for each in constants._declarations.values())
    assert sum(not name.startswith("chips.") for name in names) == declared
    for each in listed:
        assert (
            each["unit"] in constants.UNITS
            and each["grade"] in constants.GRADES
            and each["source"]
        )


def test_a_declaration_without_source_or_with_an_unknown_grade_is_refused() -> None:
    for unit, grade, source in (("ms", "guess", "x"), ("parsec", "code", "x"), ("ms", "code", "")):
        with pytest.raises(ValueError, match="grade"):
            constants.constant(1, unit, grade, source)
