"""networking._lora_regions: airtime, limits, data rates; and the account of the duty cycle."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.networking.lora_firmware import DEEPSLEEP, PWRON, WDT, Board

pytestmark = pytest.mark.usefixtures("firmware_gone")


@pytest.fixture
def lora() -> ModuleType:
    return Board().boot(PWRON)


# By hand from the formula of the SX1276 datasheet. 29 bytes in all are published with 67, 226, 412
# and 1650 ms for SF7, SF9, SF10 and SF12.
@pytest.mark.parametrize(
    ("region", "data_rate", "length", "airtime_ms"),
    [
        ("EU868", 5, 16, 67),
        ("EU868", 3, 16, 227),
        ("EU868", 2, 16, 412),
        ("EU868", 0, 16, 1647),
        ("EU868", 5, 10, 62),
        ("EU868", 0, 51, 2794),
        ("EU868", 6, 16, 34),
        ("US915", 0, 11, 371),
        ("US915", 4, 242, 177),
        ("AU915", 6, 16, 31),
    ],
)
def test_time_on_air(
    lora: ModuleType, region: str, data_rate: int, length: int, airtime_ms: int
) -> None:
    assert lora.airtime_ms(region, data_rate, length) == airtime_ms


def test_time_on_air_of_no_data_rate(lora: ModuleType) -> None:
    with pytest.raises(ValueError, match="data_rate = 5; allowed: 0 to 4"):
        lora.airtime_ms("US915", 5, 1)


@pytest.mark.parametrize(
    ("region", "least", "limits"),
    [
        ("EU868", 0, [51, 51, 51, 115, 242, 242, 242]),
        ("US915", 0, [11, 53, 125, 242, 242]),
        ("AU915", 0, [51, 51, 51, 115, 242, 242, 242]),
        ("AS923", 2, [11, 53, 125, 242, 242]),
        ("IN865", 0, [51, 51, 51, 115, 242, 242]),
    ],
)
def test_payload_limits(lora: ModuleType, region: str, least: int, limits: list[int]) -> None:
    first, last, usual = lora.regions.data_rates(region)
    assert first == least and first <= usual <= last
    assert [lora.regions.limit(region, rate) for rate in range(first, last + 1)] == limits


# The account


@pytest.fixture
def account() -> Callable[..., Any]:
    def make(board: Board, cause: int = PWRON, slept_s: int = 0, permille: int = 10) -> Any:
        board.boot(cause, slept_s)
        import importlib

        return importlib.import_module("networking._lora_account").Account(permille)

    return make


def spend(board: Board, account: Any, airtime_us: int, seconds: int) -> list[int]:
    """Send whenever it is allowed; the seconds at which it was."""
    sent = []
    end = board.us + seconds * 1_000_000
    while board.us < end:
        if not account.wait_ms(airtime_us):
            account.charge(airtime_us)
            sent.append(board.us // 1_000_000)
        wait_ms = account.wait_ms(airtime_us)
        board.fed = board.us
        board.us += max(airtime_us, wait_ms * 1000)
    return sent


@pytest.mark.parametrize("airtime_us", [61_696, 1_646_592, 2_793_472])
def test_no_hour_has_more_than_the_duty_cycle(account: Any, airtime_us: int) -> None:
    board = Board()
    sent = spend(board, account(board), airtime_us, 3 * 3600)
    for start in sent:
        on_air_us = sum(airtime_us for at in sent if start <= at < start + 3600)
        assert on_air_us <= 36_000_000
    assert len(sent) * airtime_us > 3 * 3600 * 4_500  # and it is not much shyer than half of it


def test_account_outlives_deep_sleep(account: Any) -> None:
    board = Board()
    first = account(board)
    for _ in range(6):
        first.charge(2_793_472)
    wait_ms = first.wait_ms(2_793_472)
    first.keep()
    assert wait_ms > 100_000
    left_ms = account(board, DEEPSLEEP, slept_s=60).wait_ms(2_793_472)
    assert wait_ms - 63_000 < left_ms < wait_ms - 57_000
    assert account(board, DEEPSLEEP, slept_s=600).wait_ms(2_793_472) == 0


def test_a_value_that_cannot_be_blocks_for_one_uplink_at_most(account: Any) -> None:
    board = Board()
    for value in (2_000_000_000, "text"):
        board.nvs["lora_even"] = value
        assert 0 < account(board, WDT).wait_ms(61_696) <= 12_340
    board.nvs["lora_even"] = -1
    assert account(board, WDT).wait_ms(61_696) == 0
    board.nvs["lora_even"] = 2_000_000_000
    assert account(board, PWRON).wait_ms(61_696) == 0


def test_no_duty_cycle_no_account(account: Any) -> None:
    board = Board()
    free = account(board, permille=0)
    free.charge(400_000_000)
    free.keep()
    assert free.wait_ms(400_000) == 0 and not board.nvs
