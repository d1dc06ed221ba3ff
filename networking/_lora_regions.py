"""Rules of the LoRaWAN regions: data rates, payload limits, duty cycle; and time on air.

Only data rates that the default channels carry: the firmware sends another one at the slowest rate
(Pycom firmware 1.20.2.r4, LoRaMac.c, ScheduleTx).

Sources: LoRaWAN 1.0.2 Regional Parameters revision B; Semtech SX1276 datasheet, 4.1.1.6 and
4.1.1.7.
Pure integers: single-precision floats would lose microseconds.
"""

NAMES = ("EU868", "US915", "AU915", "AS923", "IN865")

_OVERHEAD = 13  # MHDR 1, FHDR 7 without options, FPort 1, MIC 4
JOIN_REQUEST = 10  # 23 bytes, less the overhead above

# Spreading factor and bandwidth in kHz of each data rate
_SLOW = ((12, 125), (11, 125), (10, 125), (9, 125), (8, 125), (7, 125))
_US = ((10, 125), (9, 125), (8, 125), (7, 125), (8, 500))
# Maximum payload in bytes at each data rate, without options in the header
_LIMITS = b"\x33\x33\x33\x73\xf2\xf2\xf2"  # 51, 51, 51, 115, 242, 242, 242
_US_LIMITS = b"\x0b\x35\x7d\xf2\xf2"  # 11, 53, 125, 242, 242
# A dwell time of 400 ms holds until the network lifts it
_DWELL_LIMITS = b"\0\0\x0b\x35\x7d\xf2\xf2"

# name: (rates, limits, least data rate, usual data rate, data rates of a join request, permille)
# A join request at another rate raises, except in IN865.
_ALL = (0, 1, 2, 3, 4, 5)
_REGIONS = {
    "EU868": (_SLOW, _LIMITS, 0, 5, _ALL, 10),
    "US915": (_US, _US_LIMITS, 0, 3, (0, 4), 0),
    "AU915": (_SLOW + ((8, 500),), _LIMITS, 0, 5, (0, 6), 0),
    "AS923": (_SLOW, _DWELL_LIMITS, 2, 5, (2,), 10),
    "IN865": (_SLOW, _LIMITS, 0, 5, _ALL, 0),
}
SUB_BANDS = ("US915", "AU915")  # 64 channels of 125 kHz and 8 of 500 kHz


def data_rates(region):
    """Return (least, greatest, usual) data rate of an uplink."""
    rates, _, least, usual, _, _ = _REGIONS[region]
    return least, len(rates) - 1, usual


def limit(region, data_rate):
    """Return the maximum payload of one uplink in bytes."""
    return _REGIONS[region][1][data_rate]


def join_rate(region, data_rate):
    """Return the data rate of a join request, at most `data_rate` if possible."""
    rates = _REGIONS[region][4]
    return max([rate for rate in rates if rate <= data_rate] or rates[:1])


def other_channels(sub_band):
    """Return the numbers of the channels that do not belong to a sub-band, 1 to 8."""
    own = range(8 * sub_band - 8, 8 * sub_band)
    return [number for number in range(72) if number not in own and number != 63 + sub_band]


def duty_permille(region):
    """Return the duty cycle in permille: 10 is 1 %, 0 is no limit."""
    return _REGIONS[region][5]


def airtime_us(region, data_rate, length):
    """Return the time on air in microseconds of an uplink with `length` bytes of payload.

    Coding rate 4/5, preamble of 8 symbols, explicit header, CRC, as every LoRaWAN uplink.
    """
    sf, bandwidth_khz = _REGIONS[region][0][data_rate]
    symbol_us = (1000 << sf) // bandwidth_khz
    per_block = 4 * (sf - 2 * (symbol_us >= 16000))  # low data rate optimisation
    bits = 8 * (length + _OVERHEAD) - 4 * sf + 44
    symbols = 8 + max(0, (bits + per_block - 1) // per_block * 5)
    return symbols * symbol_us + 49 * symbol_us // 4
