"""A loop that looks and never sleeps costs little real time, and sees what it would have seen."""

from __future__ import annotations

import contextlib

import pytest

from emulator.board.board import CALL_US, Board, Service
from emulator.board.polling import MOST_US, SHARE
from emulator.board.rtc import Rtc
from emulator.board.watchdog import Watchdog

HALF_HOUR_US = 1_800_000_000
FREE = 1000  # in place of FREE_LOOKS, which takes longer
MOST_CALLS = 200_000  # of a half hour: 90 million without


class Door(Service):
    """Opens by an event; `knock` is a call that does something."""

    looks = frozenset({"is_open"})
    sets = frozenset({"lamp"})

    def __init__(self, board: Board, at_us: int) -> None:
        super().__init__(board)
        self.opened_us = at_us
        board.clock.schedule(at_us, lambda: None)

    def do_is_open(self) -> bool:
        if self.board.clock.now_us < self.opened_us:
            raise OSError(11)  # nothing yet, as a socket says it
        return True

    def do_knock(self) -> None:
        pass

    def do_lamp(self, on: bool) -> None:
        pass


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setattr("emulator.board.polling.FREE_LOOKS", FREE)
    board = Board()
    board.plug("rtc", Rtc(board))
    board.plug("wdt", Watchdog(board))
    return board


def calls_until_open(board: Board, *others: str) -> int:
    count = 0
    while True:
        count += 1
        for other in others:
            board.call(other)
        try:
            if board.call("door.is_open"):
                return count
        except OSError:
            continue


@pytest.mark.parametrize("at_us", [10_007, 3_000_007, HALF_HOUR_US + 7])
def test_a_loop_sees_an_event_at_the_instant_of_its_next_look(board: Board, at_us: int) -> None:
    board.plug("door", Door(board, at_us))
    count = calls_until_open(board)
    assert board.clock.now_us == -(-at_us // CALL_US) * CALL_US
    assert count < MOST_CALLS
    if at_us < FREE * CALL_US:
        assert count == -(-at_us // CALL_US)


def test_a_time_that_is_waited_for_passes_by_a_small_share(board: Board) -> None:
    count, until_ms = 0, HALF_HOUR_US // 1000
    while board.call("rtc.ticks_ms") < until_ms:
        count += 1
    late_us = board.clock.now_us - HALF_HOUR_US
    assert 0 <= late_us <= MOST_US + CALL_US < HALF_HOUR_US // SHARE
    assert count < MOST_CALLS


def test_a_loop_that_does_something_is_as_it_was(board: Board) -> None:
    board.plug("door", Door(board, 800_000))
    assert calls_until_open(board, "door.knock") == 800_000 // (2 * CALL_US)


@pytest.mark.parametrize("changes", [False, True])
def test_a_setting_counts_when_its_value_changes(board: Board, changes: bool) -> None:
    board.plug("door", Door(board, HALF_HOUR_US))
    for turn in range(30_000):
        with contextlib.suppress(OSError):
            board.call("door.is_open")
        board.call("door.lamp", bool(changes and turn % 2))
    usual_us = 30_000 * 2 * CALL_US
    assert (board.clock.now_us == usual_us) == changes


def test_a_printed_text_is_no_look(board: Board) -> None:
    """What print() costs passes between two calls."""
    board.plug("door", Door(board, HALF_HOUR_US))
    for _ in range(50 * FREE):
        board.spend_us(CALL_US)
        with contextlib.suppress(OSError):
            board.call("door.is_open")
    assert board.clock.now_us == 50 * FREE * 2 * CALL_US


def test_a_watchdog_that_is_fed_in_the_loop_never_bites(board: Board) -> None:
    board.plug("door", Door(board, HALF_HOUR_US))
    board.call("wdt.start", 1000)
    assert calls_until_open(board, "wdt.feed") < MOST_CALLS
    assert board.halt is None


def test_a_watchdog_that_is_not_fed_bites_at_its_time(board: Board) -> None:
    board.plug("door", Door(board, HALF_HOUR_US))
    board.call("wdt.start", 60_000)
    started_us = board.clock.now_us
    with pytest.raises(BaseException, match="watchdog"):
        calls_until_open(board)
    assert board.clock.now_us == started_us + 60_000_000
