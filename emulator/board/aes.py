"""AES as the firmware's hardware does it: ECB, CBC, CFB and CTR with keys of 16, 24 or 32 bytes.

Source of the errors: Pycom firmware 1.20.2.r4 (moducrypto.c).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulator.board.board import Board, Service

ECB, CBC, CFB, CTR = 1, 2, 3, 6
BLOCK = 16
BADVAL = "invalid argument(s) value"


@dataclass
class _Session:
    """A cipher object of the program. `chain` goes on from call to call, in either direction."""

    key: bytes
    mode: int
    chain: bytes
    segment_bits: int
    stream: Any = None  # of CTR, which may end a call within a block

    def context(self, encrypt: bool) -> Any:
        """Begin at `chain`. The library is imported here because few programs need it."""
        from cryptography.hazmat.decrepit.ciphers.modes import CFB as CFB128
        from cryptography.hazmat.decrepit.ciphers.modes import CFB8
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        mode = {
            ECB: lambda chain: modes.ECB(),
            CBC: modes.CBC,
            CFB: CFB8 if self.segment_bits == 8 else CFB128,
            CTR: modes.CTR,
        }[self.mode](self.chain)
        cipher = Cipher(algorithms.AES(self.key), mode)
        return cipher.encryptor() if encrypt else cipher.decryptor()


class Aes(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._sessions: list[_Session] = []

    def on_reset(self, cause: int) -> None:
        self._sessions.clear()

    def do_new(
        self, key: bytes, mode: int, iv: bytes | None, counter: bytes | None, segment: int
    ) -> int:
        """A new cipher object; CBC and CFB need an IV of 16 bytes, CTR a counter of 16 bytes."""
        chain = counter if mode == CTR else iv
        if mode not in (ECB, CBC, CFB, CTR) or segment not in (8, 128):
            raise ValueError(BADVAL)
        if mode != ECB and (chain is None or len(chain) != BLOCK):
            raise ValueError(BADVAL)
        if len(key) not in (16, 24, 32):
            raise ValueError(BADVAL)
        session = _Session(key, mode, chain or bytes(BLOCK), segment)
        if mode == CTR:
            session.stream = session.context(encrypt=True)
        self._sessions.append(session)
        return len(self._sessions) - 1

    def do_encrypt(self, session_id: int, data: bytes) -> bytes:
        return self._run(self._sessions[session_id], data, True)

    def do_decrypt(self, session_id: int, data: bytes) -> bytes:
        return self._run(self._sessions[session_id], data, False)

    def _run(self, session: _Session, data: bytes, encrypt: bool) -> bytes:
        if session.mode == CTR:
            return bytes(session.stream.update(data))
        size = 1 if session.mode == CFB and session.segment_bits == 8 else BLOCK
        if len(data) % size:
            raise ValueError(BADVAL)
        out = bytes(session.context(encrypt).update(data))
        session.chain = (session.chain + (out if encrypt else data))[-BLOCK:]
        return out
