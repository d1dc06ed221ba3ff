"""Hashing and ciphering of the firmware: the hash accelerator holds one operation at a time.

Source: Pycom firmware 1.20.2.r4 (moduhashlib.c, moducrypto.c).
"""

from __future__ import annotations

import hashlib
from typing import Any

from emulator.board.board import SOFT_RESET, Board, Service
from emulator.board.constants import ESTIMATE, constant

US_PER_KB = constant(60, "us/KB", ESTIMATE, "the ESP32's accelerator; no source found")


class Hashes(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._open: Any = None
        self._random = board.rng("crypto")

    def on_reset(self, cause: int) -> None:
        if cause != SOFT_RESET:
            self._open = None

    def do_new(self, algorithm: str) -> None:
        if self._open is not None:
            raise OSError("only one active hash operation is permitted at a time")
        self._open = hashlib.new(algorithm)

    def do_update(self, data: bytes) -> None:
        self.board.spend_us(len(data) * US_PER_KB // 1024)
        if self._open is not None:
            self._open.update(data)

    def do_digest(self) -> bytes:
        """Finish: the next operation may begin."""
        digest: bytes = self._open.digest()
        self._open = None
        return digest

    def do_random_bits(self, bits: int) -> bytes:
        return self._random.randbytes(-(-bits // 8))
