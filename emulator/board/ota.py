"""Update of the firmware image: writes into the inactive slot, one sector erased ahead.

A write longer than a sector runs into flash that is not erased; nothing is reported, and
`verify` says no. Source: Pycom firmware 1.20.2.r4 (modpycom.c, ftp/updater.c).
"""

from __future__ import annotations

from emulator.board.board import Board, Service
from emulator.board.constants import DATA_SHEET, constant

FAILED = "the requested operation failed"
SECTOR_BYTES = 4096
SECTOR_US = constant(
    45_000 + 16 * 600,
    "us",
    DATA_SHEET,
    "W25Q64JV, typical: a sector erased and its 16 pages programmed",
)
SLOT_BYTES = 1980 * 1024


class Ota(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.image: bytearray | None = None
        self.finished = False
        self._damaged = False

    def on_reset(self, cause: int) -> None:
        if not self.finished:
            self.image = None

    def do_start(self) -> None:
        self.image, self.finished, self._damaged = bytearray(), False, False
        self.board.spend_us(2 * SECTOR_US)

    def do_write(self, data: bytes) -> None:
        if self.image is None or len(self.image) + len(data) > SLOT_BYTES:
            raise OSError(FAILED)
        self._damaged = self._damaged or len(data) > SECTOR_BYTES
        self.image += data
        self.board.spend_us(-(-len(data) // SECTOR_BYTES) * SECTOR_US)

    def do_finish(self) -> None:
        if self.image is None:
            raise OSError(FAILED)
        self.finished = True
        self.board.spend_us(SECTOR_US)

    def do_verify(self) -> bool:
        return self.finished and bool(self.image) and not self._damaged

    def do_slot(self) -> int:
        """Offset of the slot that the next update goes into."""
        return 0x1A0000
