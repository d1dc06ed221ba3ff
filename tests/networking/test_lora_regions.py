"""networking._lora_regions: airtime, limits, data rates; and the account of the duty cycle."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from emulator.lorawan import mac
from emulator.lorawan.airtime import time_on_air_us
from emulator.lorawan.frames import MAX_FCNT_GAP
from emulator.lorawan.regions import BY_NAME
from tests.networking.lora_firmware import DEEPSLEEP, PWRON, WDT, Board

pytestmark = pytest.mark.usefixtures("firmware_gone")


@pytest.fixture
def lora() -> ModuleType:
    return Board().boot(PWRON)


def test_time_on_air_of_no_data_rate(lora: ModuleType) -> None:
    with pytest.raises(ValueError, match="data_rate = 5; allowed: 0 to 4"):
        lora.airtime_ms("US915", 5, 1)


# The figures of the regions, of two public sources:
#   A  Lora-net/LoRaMac-node, dcbcfb32, src/mac/region/Region*.h and .c, RegionCommon.h and .c
#   B  TheThingsNetwork/lorawan-stack, pkg/band/*_rp1_v1_0_2_rev_b.go and what they name
# They agree but for these, where the firmware's own Region*.h (1.20.2.r4) decides, and agrees with
# one of them: B limits EU868 and AU915 to the 222 bytes behind a repeater, where A has 242; A has
# SF10 as the slowest uplink of AU915 in a dwell time, as later editions do; A's RX1 of AS923 and
# IN865 goes beyond DR5. B knows no back-off of joins.
SLOW = ((12, 125), (11, 125), (10, 125), (9, 125), (8, 125), (7, 125))
DOWN = ((12, 500), (11, 500), (10, 500), (9, 500), (8, 500), (7, 500))
FIGURES: dict[str, dict[str, Any]] = {
    "EU868": {
        "channels": {0: 868_100, 1: 868_300, 2: 868_500}, "up": (0, SLOW), "permille": 10,
        "sizes": (51, 51, 51, 115, 242, 242), "rx2": (869_525, 0), "dbm": 16,
        "rx1": "000000 100000 210000 321000 432100 543210",
    },
    "US915": {
        "channels": {0: 902_300, 1: 902_500, 63: 914_900, 64: 903_000, 71: 914_200},
        "up": (0, (*SLOW[2:], (8, 500))), "permille": 0,
        "sizes": (11, 53, 125, 242, 242), "rx2": (923_300, 8), "dbm": 30,
        "rx1": "a988 ba98 cba9 dcba ddcb",
    },
    "AU915": {
        "channels": {0: 915_200, 1: 915_400, 63: 927_800, 64: 915_900, 71: 927_100},
        "up": (0, (*SLOW, (8, 500))), "permille": 0,
        "sizes": (51, 51, 51, 115, 242, 242, 242), "rx2": (923_300, 8), "dbm": 30,
        "rx1": "888888 988888 a98888 ba9888 cba988 dcba98 ddcba9",
    },
    "AS923": {
        "channels": {0: 923_200, 1: 923_400}, "up": (2, SLOW), "permille": 10,
        "sizes": (0, 0, 11, 53, 125, 242), "rx2": (923_200, 2), "dbm": 16,
        "rx1": "22222222 22222223 22222234 32222245 43222255 54322255",
    },
    "IN865": {
        "channels": {0: 865_062.5, 1: 865_402.5, 2: 865_985}, "up": (0, SLOW), "permille": 0,
        "sizes": (51, 51, 51, 115, 242, 242), "rx2": (866_550, 2), "dbm": 30,
        "rx1": "00000012 10000023 21000034 32100045 43210055 54321055",
    },
}  # fmt: skip
# EU868, from and to in kHz, inverse of the duty cycle
BANDS = [(863_000, 865_000, 1000), (865_000, 868_000, 100), (868_000, 868_600, 100),
         (868_700, 869_200, 1000), (869_400, 869_650, 10), (869_700, 870_000, 100)]  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_device_and_emulation_have_the_figures_of_the_region(lora: ModuleType, name: str) -> None:
    told = FIGURES[name]
    region, rules = BY_NAME[name], lora.regions
    least, rates = told["up"]
    channels = region.defaults()
    assert {n: channels[n].frequency_hz / 1000 for n in told["channels"]} == told["channels"]
    assert len(channels) == (72 if region.fixed else len(told["channels"]))
    carried = {rate for each in channels.values()
               for rate in range(each.least_rate, each.most_rate + 1)}  # fmt: skip
    assert sorted(carried) == list(range(least, len(rates)))
    assert rules.data_rates(name)[:2] == (least, len(rates) - 1)
    for rate, (sf, khz) in enumerate(rates):
        assert region.rate(rate) == (sf, khz * 1000)
        assert rules.limit(name, rate) == region.size(rate) == told["sizes"][rate]
        for length in (0, 10, 51, 242):  # time on air, computed twice
            known_us = time_on_air_us(length + 13, sf, khz * 1000)
            assert rules.airtime_us(name, rate, length) == known_us
    for rate, row in enumerate(told["rx1"].split()):
        assert "".join(f"{region.rx1_rate(rate, n):x}" for n in range(len(row))) == row
    if region.fixed:
        assert [region.rate(number) for number in range(8, 14)] == [(s, k * 1000) for s, k in DOWN]
        assert [region.rx1_frequency(n, 0) for n in (0, 7, 8)] == [
            923_300_000, 927_500_000, 923_300_000
        ]  # fmt: skip
    assert region.rx2 == (told["rx2"][0] * 1000, told["rx2"][1])
    assert rules.duty_permille(name) == told["permille"]
    # less 2.15 dB of the antenna; 20 dBm are the radio's most
    assert (region.eirp_dbm, region.power_dbm(0)) == (told["dbm"], min(20, told["dbm"] - 3))
    if name == "EU868":
        bands = [
            (band.low_hz // 1000, band.high_hz // 1000, band.inverse) for band in region.bands
        ]
        assert bands == BANDS


def test_delays_and_back_off_of_joins(lora: ModuleType) -> None:
    assert (mac.JOIN_DELAY_US, mac.JOIN_DELAY2_US, mac.SECOND_WINDOW_US) == (5e6, 6e6, 1e6)
    assert (mac.ADR_ACK_LIMIT, mac.ADR_ACK_DELAY, MAX_FCNT_GAP) == (64, 32, 16384)
    for name in FIGURES:
        joins = [lora.regions.join_rate(name, rate) for rate in range(FIGURES[name]["up"][0], 6)]
        assert set(joins) <= set(BY_NAME[name].join_rates)
    assert [len(lora.regions.other_channels(number)) for number in range(1, 9)] == [63] * 8
    assert not {8, 15, 65} & set(lora.regions.other_channels(2))


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
