"""The device's cryptography: AES-CMAC and the session keys, on the board's own AES.

Source: RFC 4493; LoRaWAN 1.0.3, 4.3.3 (payload), 4.4 (MIC), 6.2.5 (session keys).
"""

from __future__ import annotations

from emulator.board.aes import BLOCK, Cipher

UP, DOWN = 0, 1
MIC_BYTES = 4


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


def cmac(key: bytes, message: bytes) -> bytes:
    """AES-CMAC, 16 bytes."""
    cipher = Cipher(key)
    subkey = _doubled(cipher.encrypt(bytes(BLOCK)))
    blocks = max(1, -(-len(message) // BLOCK))
    last = message[(blocks - 1) * BLOCK :]
    if len(last) < BLOCK:
        subkey = _doubled(subkey)
        last = (last + b"\x80").ljust(BLOCK, b"\0")
    state = bytes(BLOCK)
    for at in range(0, (blocks - 1) * BLOCK, BLOCK):
        state = cipher.encrypt(xor(state, message[at : at + BLOCK]))
    return cipher.encrypt(xor(state, xor(last, subkey)))


def _doubled(block: bytes) -> bytes:
    """Times x in GF(2^128) (RFC 4493, 2.3)."""
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number ^= 0x87
    return (number & (1 << 128) - 1).to_bytes(BLOCK, "big")


def session_keys(
    app_key: bytes, app_nonce: bytes, net_id: bytes, dev_nonce: int
) -> tuple[bytes, bytes]:
    """(NwkSKey, AppSKey) of a join; app_nonce and net_id as they were on air."""
    cipher = Cipher(app_key)
    rest = (app_nonce + net_id + dev_nonce.to_bytes(2, "little")).ljust(BLOCK - 1, b"\0")
    return cipher.encrypt(b"\x01" + rest), cipher.encrypt(b"\x02" + rest)


def data_mic(key: bytes, direction: int, dev_addr: int, counter: int, frame: bytes) -> bytes:
    """frame: the PHYPayload without its MIC."""
    block = b"\x49" + bytes(4) + _place(direction, dev_addr, counter) + bytes([0, len(frame)])
    return cmac(key, block + frame)[:MIC_BYTES]


def ciphered(key: bytes, direction: int, dev_addr: int, counter: int, payload: bytes) -> bytes:
    """FRMPayload encrypted, or decrypted: it is the same."""
    cipher = Cipher(key)
    place = b"\x01" + bytes(4) + _place(direction, dev_addr, counter) + b"\0"
    stream = b"".join(
        cipher.encrypt(place + bytes([number + 1])) for number in range(-(-len(payload) // BLOCK))
    )
    return xor(payload, stream)


def _place(direction: int, dev_addr: int, counter: int) -> bytes:
    parts = bytes([direction]) + dev_addr.to_bytes(4, "little")
    return parts + (counter & 0xFFFFFFFF).to_bytes(4, "little")
