"""AES as the firmware's hardware does it: ECB, CBC, CFB and CTR with keys of 16, 24 or 32 bytes.

Written from FIPS 197 and NIST SP 800-38A; for an emulator's few blocks, not for speed or secrecy.
Source of the errors: Pycom firmware 1.20.2.r4 (moducrypto.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emulator.board.board import Board, Service

ECB, CBC, CFB, CTR = 1, 2, 3, 6
BLOCK = 16
BADVAL = "invalid argument(s) value"


def _double(value: int) -> int:
    """Times x in the field of AES (FIPS 197, 4.2.1)."""
    return (value << 1 ^ 0x11B) & 0xFF if value & 0x80 else value << 1


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = _double(a), b >> 1
    return product


def _make_sbox() -> list[int]:
    """FIPS 197, 5.1.1: inverse in the field, then the affine map."""
    sbox = [0x63] * 256
    for value in range(1, 256):
        inverse = next(other for other in range(1, 256) if _times(value, other) == 1)
        rotated = inverse | inverse << 8
        bits = 0
        for shift in range(5):
            bits ^= rotated >> (8 - shift) & 0xFF
        sbox[value] = bits ^ 0x63
    return sbox


class Cipher:
    """The bare block cipher."""

    _sbox: list[int] = []
    _inverse: list[int] = []

    def __init__(self, key: bytes) -> None:
        if len(key) not in (16, 24, 32):
            raise ValueError(BADVAL)
        if not Cipher._sbox:
            Cipher._sbox = _make_sbox()
            Cipher._inverse = [Cipher._sbox.index(value) for value in range(256)]
        self._rounds = len(key) // 4 + 6
        self._keys = self._expand(key)

    def _expand(self, key: bytes) -> list[bytes]:
        words = [list(key[at : at + 4]) for at in range(0, len(key), 4)]
        size, constant = len(words), 1
        while len(words) < 4 * (self._rounds + 1):
            word = list(words[-1])
            if len(words) % size == 0:
                word = [self._sbox[byte] for byte in word[1:] + word[:1]]
                word[0] ^= constant
                constant = _double(constant)
            elif size > 6 and len(words) % size == 4:
                word = [self._sbox[byte] for byte in word]
            words.append([a ^ b for a, b in zip(word, words[-size], strict=True)])
        flat = bytes(byte for word in words for byte in word)
        return [flat[at : at + BLOCK] for at in range(0, len(flat), BLOCK)]

    def encrypt(self, block: bytes) -> bytes:
        state = _xor(block, self._keys[0])
        for number in range(1, self._rounds + 1):
            state = bytes(self._sbox[state[(at + at % 4 * 4) % BLOCK]] for at in range(BLOCK))
            if number < self._rounds:
                state = _mix(state, (2, 3, 1, 1))
            state = _xor(state, self._keys[number])
        return state

    def decrypt(self, block: bytes) -> bytes:
        state = block
        for number in range(self._rounds, 0, -1):
            state = _xor(state, self._keys[number])
            if number < self._rounds:
                state = _mix(state, (14, 11, 13, 9))
            state = bytes(self._inverse[state[(at - at % 4 * 4) % BLOCK]] for at in range(BLOCK))
        return _xor(state, self._keys[0])


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


def _mix(state: bytes, row: tuple[int, ...]) -> bytes:
    out = []
    for column in range(0, BLOCK, 4):
        for at in range(4):
            value = 0
            for other in range(4):
                value ^= _times(state[column + other], row[(other - at) % 4])
            out.append(value)
    return bytes(out)


@dataclass
class _Session:
    cipher: Cipher
    mode: int
    chain: bytes
    segment: int
    rest: bytes = b""  # CTR: key stream not used yet


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
        self._sessions.append(_Session(Cipher(key), mode, chain or bytes(BLOCK), segment))
        return len(self._sessions) - 1

    def do_encrypt(self, session_id: int, data: bytes) -> bytes:
        return self._run(self._sessions[session_id], data, True)

    def do_decrypt(self, session_id: int, data: bytes) -> bytes:
        return self._run(self._sessions[session_id], data, False)

    def _run(self, session: _Session, data: bytes, encrypt: bool) -> bytes:
        if session.mode == CTR:
            return _counter(session, data)
        size = 1 if session.mode == CFB and session.segment == 8 else BLOCK
        if len(data) % size:
            raise ValueError(BADVAL)
        pieces = _feedback if session.mode == CFB else _blocks
        return b"".join(pieces(session, data, encrypt, size))


def _blocks(session: _Session, data: bytes, encrypt: bool, size: int) -> Iterator[bytes]:
    chained = session.mode == CBC
    for at in range(0, len(data), size):
        block = data[at : at + size]
        if encrypt:
            out = session.cipher.encrypt(_xor(block, session.chain) if chained else block)
            session.chain = out
        else:
            out = session.cipher.decrypt(block)
            out = _xor(out, session.chain) if chained else out
            session.chain = block
        yield out


def _feedback(session: _Session, data: bytes, encrypt: bool, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        out = _xor(piece, session.cipher.encrypt(session.chain))
        session.chain = (session.chain + (out if encrypt else piece))[-BLOCK:]
        yield out


def _counter(session: _Session, data: bytes) -> bytes:
    while len(session.rest) < len(data):
        session.rest += session.cipher.encrypt(session.chain)
        count = int.from_bytes(session.chain, "big") + 1
        session.chain = (count % (1 << 128)).to_bytes(BLOCK, "big")
    out = _xor(data, session.rest)
    session.rest = session.rest[len(data) :]
    return out
