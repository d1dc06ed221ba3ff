"""MAC commands, both ways. Source: LoRaWAN 1.0.3, 5 (table 4 and after)."""

from __future__ import annotations

from collections.abc import Iterator

LINK_CHECK, LINK_ADR, DUTY_CYCLE, RX_PARAM, DEV_STATUS, NEW_CHANNEL, RX_TIMING = range(2, 9)
TX_PARAM, DL_CHANNEL = 9, 10
STICKY = (RX_PARAM, RX_TIMING, DL_CHANNEL)  # answered until a downlink comes
FROM_DEVICE = {2: 0, 3: 1, 4: 0, 5: 1, 6: 2, 7: 1, 8: 0, 9: 0, 10: 1}  # bytes behind the CID
FROM_SERVER = {2: 2, 3: 4, 4: 1, 5: 4, 6: 0, 7: 5, 8: 1, 9: 1, 10: 4}


def parse(data: bytes, sizes: dict[int, int]) -> Iterator[tuple[int, bytes]]:
    """(CID, what follows it) of each; what comes behind an unknown or cut one is not read."""
    at = 0
    while at < len(data) and data[at] in sizes:
        end = at + 1 + sizes[data[at]]
        if end > len(data):
            return
        yield data[at], data[at + 1 : end]
        at = end


def link_adr(rate: int, power: int, mask: int, mask_control: int, repeats: int = 1) -> bytes:
    return bytes(
        [LINK_ADR, rate << 4 | power, mask & 0xFF, mask >> 8, mask_control << 4 | repeats]
    )


def frequency(data: bytes) -> int:
    """In Hz, of three bytes."""
    return int.from_bytes(data[:3], "little") * 100
