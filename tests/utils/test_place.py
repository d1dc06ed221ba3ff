"""utils.place: a thousand nodes each have a place of their own, and stay at it."""

from __future__ import annotations

import ast

import pytest

from tests.device import Bare, restore

pytestmark = pytest.mark.both_runtimes

BEFORE = "from utils import place\n"


@pytest.fixture
def board(make_bare, runtime) -> Bare:
    found = make_bare(runtime=runtime)
    restore(found.flash, ("utils",))
    return found


def value(board: Bare, expression: str, before: str = "") -> object:
    return ast.literal_eval(board.values(expression, BEFORE + before))


# (period in s, width of the places in s): short periods whole, long ones a quarter
WIDTHS = [(10, 10), (60, 60), (900, 900), (1800, 900), (3600, 900), (86400, 21600)]


@pytest.mark.parametrize(("period_s", "width_s"), WIDTHS)
def test_places_fill_their_width_evenly(board, period_s, width_s):
    found = value(
        board,
        f"[place.offset_ms(bytes([36, 10, 196, n * 37 & 255, n * n & 255, n & 255]), {period_s})"
        " for n in range(300)]",
    )
    tenths = [0] * 10
    for offset_ms in found:
        tenths[offset_ms * 10 // (width_s * 1000)] += 1
    assert min(tenths) >= 15, tenths
    assert max(tenths) <= 45, tenths


def test_boards_of_one_batch_have_places_far_apart(board):
    """Their ids follow each other by four."""
    found = value(
        board,
        "[place.offset_ms(b'\\x24\\x0a\\xc4\\x51' + (4 * n).to_bytes(2, 'big'), 900)"
        " for n in range(100)]",
    )
    tenths = [found_ms // 90000 for found_ms in found]
    assert {tenths.count(tenth) for tenth in range(10)} <= set(range(6, 15))
    assert (
        min(abs(after - before) for before, after in zip(found, found[1:], strict=False)) > 60000
    )


def test_the_fresh_part_does_not_accumulate(board):
    """The place holds over 100 cycles whose fresh part, time awake and sleep vary."""
    found = value(
        board,
        "woken",
        "woken, run_ms = [], 0\n"
        "for cycle in range(100):\n"
        "    awake_ms = 1000 + cycle * 7919 % 90000\n"
        "    run_ms = place.wake_ms(run_ms + awake_ms, 900, 123456, lambda n: cycle * 977 % n)\n"
        "    woken.append(run_ms)\n",
    )
    for number, woken_ms in enumerate(found):
        assert 0 <= woken_ms - (number * 900000 + found[0] // 900000 * 900000 + 123456) < 45000


# (time since the start in ms, start of a cycle that was not at the place, next wake-up)
NEXT = [
    (0, None, 300_000),
    (299_999, None, 300_000),
    (300_000, None, 1_200_000),
    (1_234_567, None, 2_100_000),  # a cycle that took longer than its period leaves one out
    (5_000, 0, 1_200_000),
    (430_000, 410_000, 2_100_000),  # after a spread: not sooner than a period
    (301_000, 300_000, 1_200_000),
]


@pytest.mark.parametrize(("run_ms", "off_place_ms", "woken_ms"), NEXT)
def test_the_next_wake_up_is_at_the_place(board, run_ms, off_place_ms, woken_ms):
    call = f"place.wake_ms({run_ms}, 900, 300000, lambda n: 0, {off_place_ms})"
    assert value(board, call) == woken_ms


def test_the_spread_after_a_power_cut_is_up_to_ten_minutes(board):
    assert value(board, "[place.spread_ms(lambda n: part * (n - 1)) for part in (0, 1)]") == [
        0,
        599_999,
    ]
