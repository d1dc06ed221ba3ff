"""The device's session keys, message integrity codes and payload ciphering.

Source: LoRaWAN 1.0.3, 4.3.3 (payload), 4.4 (MIC), 6.2.5 (session keys).
"""

from __future__ import annotations

from emulator.lorawan.aes import BLOCK, cmac, encrypt

UP, DOWN = 0, 1
MIC_BYTES = 4


def session_keys(
    app_key: bytes, app_nonce: bytes, net_id: bytes, dev_nonce: int
) -> tuple[bytes, bytes]:
    """(NwkSKey, AppSKey) of a join; app_nonce and net_id as they were on air."""
    rest = (app_nonce + net_id + dev_nonce.to_bytes(2, "little")).ljust(BLOCK - 1, b"\0")
    return encrypt(app_key, b"\x01" + rest), encrypt(app_key, b"\x02" + rest)


def data_mic(key: bytes, direction: int, dev_addr: int, counter: int, frame: bytes) -> bytes:
    """frame: the PHYPayload without its MIC."""
    block = b"\x49" + bytes(4) + _place(direction, dev_addr, counter) + bytes([0, len(frame)])
    return cmac(key, block + frame)[:MIC_BYTES]


def ciphered(key: bytes, direction: int, dev_addr: int, counter: int, payload: bytes) -> bytes:
    """FRMPayload encrypted, or decrypted: it is the same."""
    place = b"\x01" + bytes(4) + _place(direction, dev_addr, counter) + b"\0"
    blocks = range(1, 1 - (-len(payload) // BLOCK))
    stream = encrypt(key, b"".join(place + bytes([number]) for number in blocks))
    return bytes(a ^ b for a, b in zip(payload, stream, strict=False))


def _place(direction: int, dev_addr: int, counter: int) -> bytes:
    parts = bytes([direction]) + dev_addr.to_bytes(4, "little")
    return parts + (counter & 0xFFFFFFFF).to_bytes(4, "little")
