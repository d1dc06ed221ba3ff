"""What each region allows: channels, data rates, sizes, receive windows, duty cycle, power.

Source: LoRaWAN Regional Parameters 1.0.2 rev B: EU863-870 (2.2), US902-928 (2.5), AU915-928 (2.7,
data rates as in the firmware, of the 2.6 kind with SF12 at DR0), AS923 (2.9), IN865-867 (2.11);
numbers of the regions: Pycom firmware 1.20.2.r4, modlora.c; power and what a rate falls to: its
Region*.c. Sub-bands of EU868: ETSI EN 300 220, as in LoRaMac-node's RegionEU868.h.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Rate = tuple[int, int]  # spreading factor, bandwidth in Hz
MOST_DBM = 20  # of the radio
_KHZ125 = (12, 11, 10, 9, 8, 7)
_SLOW_TO_FAST: tuple[Rate | None, ...] = tuple((sf, 125_000) for sf in _KHZ125)
# Least signal to noise ratio in dB by spreading factor (SX1276 data sheet, table 13)
LEAST_SNR_DB = {6: -5.0, 7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}


@dataclass
class Channel:
    frequency_hz: int
    least_rate: int
    most_rate: int


@dataclass(frozen=True)
class Band:
    """A part of the spectrum and the inverse of its duty cycle: 100 is 1 %."""

    low_hz: int
    high_hz: int
    inverse: int


@dataclass(frozen=True)
class Region:
    """One region; what most of them have in common are the defaults."""

    name: str
    number: int  # LoRa.EU868, ...
    rates: tuple[Rate | None, ...]  # None: not LoRa, or reserved
    defaults: Callable[[], dict[int, Channel]]
    rx2: tuple[int, int]  # frequency, data rate
    rx1_rate: Callable[[int, int], int]  # (uplink rate, offset)
    frequencies: tuple[int, int]  # in Hz
    frequency_hz: int  # of raw LoRa without frequency=
    # most bytes of FRMPayload by data rate, without FOpts
    sizes: tuple[int, ...] = (51, 51, 51, 115, 242, 242, 242, 242)
    join_rate: int = 5
    join_rates: tuple[int, ...] = (0, 1, 2, 3, 4, 5)
    socket_rate: int = 5  # of a new socket
    least_rate: int = 0
    default_rate: int = 0  # for one that no channel has
    fastest: int = 5  # for ADR
    eirp_dbm: float = 30.0  # at power index 0, with the antenna
    antenna_db: float = 2.15
    least_power: int = 10  # the greatest index
    fixed: bool = False  # a plan of 64 + 8 channels
    bands: tuple[Band, ...] = ()

    @property
    def channels(self) -> int:
        """How many there may be."""
        return 72 if self.fixed else 16

    def power_dbm(self, index: int) -> int:
        """What the radio is set to."""
        return min(MOST_DBM, math.floor(self.eirp_dbm - 2 * index - self.antenna_db))

    def rx1_frequency(self, channel: int, frequency_hz: int) -> int:
        """Of the first receive window after an uplink on a channel of this frequency."""
        return 923_300_000 + channel % 8 * 600_000 if self.fixed else frequency_hz

    def rate(self, number: int) -> Rate | None:
        return self.rates[number] if 0 <= number < len(self.rates) else None

    def size(self, rate: int) -> int:
        return self.sizes[rate] if 0 <= rate < len(self.sizes) else 0

    def inverse_duty(self, frequency_hz: int) -> int:
        band = self.band(frequency_hz)
        return self.bands[band].inverse if band >= 0 else 1

    def band(self, frequency_hz: int) -> int:
        """An index for each sub-band of its own; -1 for the rest."""
        for index, band in enumerate(self.bands):
            if band.low_hz <= frequency_hz < band.high_hz:
                return index
        return -1


def _plan(*frequencies_hz: int, least: int = 0, most: int = 5) -> Callable[[], dict[int, Channel]]:
    return lambda: {
        index: Channel(frequency, least, most) for index, frequency in enumerate(frequencies_hz)
    }


def _fixed_plan(first_hz: int, wide_hz: int, most: int, wide: int) -> dict[int, Channel]:
    plan = {index: Channel(first_hz + index * 200_000, 0, most) for index in range(64)}
    for index in range(8):
        plan[64 + index] = Channel(wide_hz + index * 1_600_000, wide, wide)
    return plan


def _lower(rate: int, offset: int) -> int:
    return max(0, rate - offset)


def _fixed_rx1(first: int, fastest_up: int) -> Callable[[int, int], int]:
    """From the downlink rate that belongs to DR0 on, as far as the uplink rates go."""
    return lambda rate, offset: max(8, min(13, first + min(rate, fastest_up) - offset))


def _either_way_rx1(least: int) -> Callable[[int, int], int]:
    """Offsets 6 and 7 are one and two steps up."""

    def rx1_rate(rate: int, offset: int) -> int:
        step = offset if offset < 6 else 5 - offset
        return min(5, max(least, rate - step))

    return rx1_rate


_DOWN_500 = tuple((sf, 500_000) for sf in _KHZ125)

EU868 = Region(
    name="EU868",
    number=5,
    rates=(*_SLOW_TO_FAST, (7, 250_000), None),
    defaults=_plan(868_100_000, 868_300_000, 868_500_000),
    rx2=(869_525_000, 0),
    rx1_rate=_lower,
    eirp_dbm=16.0,
    least_power=7,
    frequencies=(863_000_000, 870_000_000),
    frequency_hz=868_000_000,
    bands=(
        Band(863_000_000, 865_000_000, 1000),
        Band(865_000_000, 868_000_000, 100),
        Band(868_000_000, 868_600_000, 100),
        Band(868_700_000, 869_200_000, 1000),
        Band(869_400_000, 869_650_000, 10),
        Band(869_700_000, 870_000_000, 100),
    ),
)
US915 = Region(
    name="US915",
    number=8,
    rates=(*_SLOW_TO_FAST[2:], (8, 500_000), *(None,) * 3, *_DOWN_500),
    sizes=(11, 53, 125, 242, 242, 0, 0, 0, 53, 129, 242, 242, 242, 242),
    defaults=lambda: _fixed_plan(902_300_000, 903_000_000, 3, 4),
    rx2=(923_300_000, 8),
    rx1_rate=_fixed_rx1(first=10, fastest_up=4),
    join_rate=4,
    join_rates=(0, 4),
    socket_rate=4,
    fastest=3,
    antenna_db=0.0,
    frequencies=(902_000_000, 928_000_000),
    frequency_hz=915_000_000,
    fixed=True,
)
AU915 = Region(
    name="AU915",
    number=1,
    rates=(*_SLOW_TO_FAST, (8, 500_000), None, *_DOWN_500),
    sizes=(51, 51, 51, 115, 242, 242, 242, 0, 53, 129, 242, 242, 242, 242),
    defaults=lambda: _fixed_plan(915_200_000, 915_900_000, 5, 6),
    rx2=(923_300_000, 8),
    rx1_rate=_fixed_rx1(first=8, fastest_up=6),
    join_rate=6,
    join_rates=(0, 6),
    socket_rate=4,
    frequencies=(915_000_000, 928_000_000),
    frequency_hz=915_000_000,
    fixed=True,
)
AS923 = Region(
    name="AS923",
    number=0,
    rates=(*_SLOW_TO_FAST, (7, 250_000), None),
    sizes=(0, 0, 11, 53, 125, 242, 242, 242),  # with the uplink dwell time of 400 ms
    defaults=_plan(923_200_000, 923_400_000, least=2),
    rx2=(923_200_000, 2),
    rx1_rate=_either_way_rx1(least=2),  # with downlink dwell time nothing below DR2
    join_rate=2,
    join_rates=(2,),
    least_rate=2,
    default_rate=2,
    eirp_dbm=16.0,
    least_power=7,
    frequencies=(915_000_000, 928_000_000),
    frequency_hz=923_000_000,
    bands=(Band(915_000_000, 928_000_000, 100),),
)
IN865 = Region(
    name="IN865",
    number=7,
    rates=(*_SLOW_TO_FAST, None, None),
    defaults=_plan(865_062_500, 865_402_500, 865_985_000),
    rx2=(866_550_000, 2),
    rx1_rate=_either_way_rx1(least=0),
    join_rates=tuple(range(16)),  # not checked there; one without LoRa falls to join_rate
    socket_rate=0,
    frequencies=(865_000_000, 867_000_000),
    frequency_hz=865_000_000,
)
REGIONS = {region.number: region for region in (AS923, AU915, EU868, IN865, US915)}
BY_NAME = {region.name: region for region in REGIONS.values()}
