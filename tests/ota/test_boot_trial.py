"""The word in NVS at each start: which slot runs, and what is written before it does."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from emulator.device_files import ROOT

pytestmark = pytest.mark.both_runtimes

CONFIRMED, TRIAL, SLOT_B = 1 << 28, 2 << 28, 1 << 27
OLD, NEW = 7, 9


def trial(slot: int, tries: int, cycles: int) -> int:
    return TRIAL | slot << 27 | tries << 24 | cycles << 18 | NEW


PROGRAM = """
from support import show
import boot_trial, pycom
show(boot_trial.slot(pycom.nvs_get("ota")))
show([pycom.nvs_get(key, None) for key in ("ota", "ota_bad", "resets")])
"""


@pytest.fixture
def board(make_bare: Any) -> Any:
    bare = make_bare()
    for name in ("boot_trial.py", "tests/device_support.py"):
        target = "support.py" if "/" in name else name
        shutil.copy(ROOT / name, bare.flash / target)
    return bare


@pytest.mark.parametrize(
    ("word", "floor", "slot", "after"),
    [
        (trial(0, 3, 24), OLD, 1, [trial(0, 2, 24), None, 2]),
        (trial(1, 1, 1), OLD, 0, [trial(1, 0, 1), None, 2]),
        (trial(0, 0, 24), OLD, 0, [CONFIRMED | OLD, NEW | 1 << 18, 0]),  # crashed
        (trial(1, 2, 0), OLD, 1, [CONFIRMED | SLOT_B | OLD, NEW | 2 << 18, 0]),  # undelivered
        (trial(0, 0, 0), NEW, 1, [CONFIRMED | SLOT_B | NEW, None, 2]),  # the floor had risen
    ],
)
def test_a_try_is_taken_or_the_old_set_returns(board, word, floor, slot, after):
    for key, value in (("ota", word), ("ota_floor", floor), ("resets", 2)):
        board.service("nvs").put(key, value)
    board.run(PROGRAM)
    assert board.shown == [slot, after]


SLEEP = """
import sys
sys.path[:0] = ["/flash/{slot}"]
import node_start
node_start._sleep(1000)
"""


@pytest.mark.parametrize(
    ("slot", "word", "after"),
    [
        ("b", trial(0, 2, 24), trial(0, 3, 23)),
        ("b", trial(0, 0, 1), trial(0, 1, 0)),
        ("a", trial(0, 2, 24), trial(0, 2, 24)),  # the old set, as the try was not counted
        ("a", CONFIRMED | OLD, CONFIRMED | OLD),
    ],
)
def test_a_sleep_that_spares_the_battery_costs_a_cycle_of_the_trial_and_no_try(
    board, slot, word, after
):
    for folder in ("utils", "ota"):
        shutil.copytree(ROOT / folder, board.flash / folder)
    shutil.copy(ROOT / "node_start.py", board.flash)
    board.service("nvs").put("ota", word)
    board.run(SLEEP.format(slot=slot))
    assert board.outcome.kind == "deepsleep"
    assert board.service("nvs").records["ota", "int"] == after


def test_a_start_that_only_sleeps_after_resets_costs_no_try(board):
    shutil.copy(ROOT / "node_reset.py", board.flash)
    for key, value in (("ota", trial(0, 0, 24)), ("resets", 2)):
        board.service("nvs").put(key, value)
    board.run("import node_reset\nnode_reset.start(None)")
    assert board.outcome.kind == "deepsleep"
    assert board.service("nvs").records["ota", "int"] == trial(0, 1, 24)


@pytest.mark.parametrize(("floor", "seq"), [(OLD, OLD), ("damaged", 0)])
def test_the_old_set_does_not_wait_for_failures_of_the_other_one(board, floor, seq):
    nvs = board.service("nvs")
    for key, value in (("ota", trial(0, 2, 0)), ("ota_floor", floor), ("back_off", "1 x")):
        nvs.put(key, value)
    board.run(PROGRAM)
    assert board.shown == [0, [CONFIRMED | seq, NEW | 2 << 18, 0]]
    assert nvs.records["back_off", "text"] == ""


def set_file(board: Any, slot: str, seq: int) -> None:
    board.put(f"{slot}/set", f"set 1\nseq {seq}\n")


REST = """
from support import show
import boot_trial, pycom
show(boot_trial.rest_s())
show([pycom.nvs_get(key, None) for key in ("ota", "ota_floor", "ota_bad")])
"""
TRY = 1 << 24
NEWER = CONFIRMED | SLOT_B | NEW  # runs


@pytest.mark.parametrize(
    ("word", "sets", "rest_s", "after"),
    [
        (trial(0, 2, 24), {"a": OLD, "b": NEW}, 10, [trial(0, 2, 24), None, None]),
        (NEWER, {"a": OLD, "b": NEW}, 10, [NEWER + TRY, None, None]),
        (NEWER + TRY, {"a": OLD, "b": NEW}, 10, [NEWER + 2 * TRY, None, None]),
        (NEWER + 2 * TRY, {"a": OLD}, 10, [CONFIRMED | OLD, None, NEW | 3 << 18]),  # damaged
        (NEWER + 2 * TRY, {"b": NEW}, 3600, [NEWER + 2 * TRY, None, None]),
        # one that was rejected, or damaged before
        (CONFIRMED | OLD | 2 * TRY, {"b": NEW}, 3600, [CONFIRMED | OLD + 2 * TRY, None, None]),
        (None, {}, 3600, [None, None, None]),  # a board without slots
        (None, {"b": NEW}, 10, [NEWER, NEW, None]),  # the NVS was lost
        (None, {"a": NEW, "b": OLD}, 10, [CONFIRMED | SLOT_B | OLD, OLD, None]),
        ("damaged", {"a": OLD}, 10, [CONFIRMED | OLD, OLD, None]),
    ],
)
def test_a_file_that_cannot_be_imported_is_tried_again_soon_where_that_helps(
    board, word, sets, rest_s, after
):
    if word is not None:
        board.service("nvs").put("ota", word)
    for slot, seq in sets.items():
        set_file(board, slot, seq)
    board.run(REST)
    assert board.shown == [rest_s, after]
