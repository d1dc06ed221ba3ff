"""Time on air of a LoRa packet, exact to the microsecond.

Source: Semtech SX1276 data sheet, 4.1.1.7 (the formula of AN1200.13); LoRaWAN Regional Parameters:
preamble of 8 symbols, explicit header, coding rate 4/5, a CRC on uplinks only.
"""

from __future__ import annotations

from emulator.board.constants import DATA_SHEET, constant

PREAMBLE_SYMBOLS = 8
# longer symbols are sent with "low data rate optimisation"
LOW_RATE_SYMBOL_US = constant(16_000, "us", DATA_SHEET, "Semtech AN1200.13")


def symbol_us(sf: int, bandwidth_hz: int) -> int:
    return (1 << sf) * 1_000_000 // bandwidth_hz


def time_on_air_us(
    phy_bytes: int,
    sf: int,
    bandwidth_hz: int = 125_000,
    *,
    coding_rate: int = 1,
    preamble_symbols: int = PREAMBLE_SYMBOLS,
    crc: bool = True,
    header: bool = True,
) -> int:
    """phy_bytes: the whole PHYPayload. sf: 6 to 12. coding_rate: 1 to 4 for 4/5 to 4/8."""
    if not 6 <= sf <= 12:
        raise ValueError(f"sf = {sf}; allowed: 6 to 12")
    slow = symbol_us(sf, bandwidth_hz) > LOW_RATE_SYMBOL_US
    bits = 8 * phy_bytes - 4 * sf + 28 + 16 * crc - 20 * (not header)
    blocks = max(0, -(-bits // (4 * (sf - 2 * slow))))
    payload_symbols = 8 + blocks * (coding_rate + 4)
    quarters = 4 * preamble_symbols + 17 + 4 * payload_symbols
    return quarters * (1 << sf) * 250_000 // bandwidth_hz
