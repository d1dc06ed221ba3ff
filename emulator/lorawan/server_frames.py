"""PHYPayloads as the network server reads and builds them.

Only the ciphers (aes.py) are shared with the device's side (frames.py, keys.py): what one side
gets wrong the other refuses. Source: LoRaWAN 1.0.3, 4 and 6.2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from emulator.lorawan.aes import cmac, decrypt, encrypt


def mic(key: bytes, data: bytes) -> bytes:
    return cmac(key, data)[:4]


@dataclass
class JoinRequest:
    app_eui: bytes
    dev_eui: bytes
    dev_nonce: int
    signed: bytes
    mic: bytes


def read_join_request(frame: bytes) -> JoinRequest | None:
    if len(frame) != 23:
        return None
    _, app_eui, dev_eui, nonce, signature = struct.unpack("<B8s8sH4s", frame)
    return JoinRequest(app_eui[::-1], dev_eui[::-1], nonce, frame[:-4], signature)


def join_accept(
    app_key: bytes, nonce: bytes, net_id: bytes, dev_addr: int, settings: bytes, cf_list: bytes
) -> bytes:
    """settings: DLSettings and RxDelay."""
    header = b"\x20"
    body = nonce + net_id + struct.pack("<I", dev_addr) + settings + cf_list
    return header + decrypt(app_key, body + mic(app_key, header + body))


def session_keys(app_key: bytes, nonce: bytes, net_id: bytes, dev_nonce: int) -> list[bytes]:
    """NwkSKey and AppSKey."""
    tail = nonce + net_id + struct.pack("<H", dev_nonce) + bytes(7)
    return [encrypt(app_key, bytes([which]) + tail) for which in (1, 2)]


@dataclass
class DataUp:
    confirmed: bool
    dev_addr: int
    control: int
    short_counter: int
    options: bytes
    port: int | None
    encrypted: bytes
    signed: bytes
    mic: bytes


def read_data(frame: bytes) -> DataUp | None:
    if len(frame) < 12 or frame[0] not in (0x40, 0x80):
        return None
    addr, control, counter = struct.unpack_from("<IBH", frame, 1)
    after = 8 + (control & 0x0F)
    signed = frame[:-4]
    if after > len(signed):
        return None
    port = signed[after] if after < len(signed) else None
    return DataUp(
        frame[0] == 0x80, addr, control, counter, signed[8:after], port,
        signed[after + 1 :], signed, frame[-4:],
    )  # fmt: skip


def data_mic(key: bytes, down: bool, addr: int, counter: int, signed: bytes) -> bytes:
    first = struct.pack("<B4xBIIxB", 0x49, down, addr, counter, len(signed))
    return mic(key, first + signed)


def crypt(key: bytes, down: bool, addr: int, counter: int, data: bytes) -> bytes:
    blocks = range(1, 1 + (len(data) + 15) // 16)
    plain = b"".join(struct.pack("<B4xBIIxB", 1, down, addr, counter, n) for n in blocks)
    return bytes(a ^ b for a, b in zip(data, encrypt(key, plain), strict=False))


def data_down(
    keys: tuple[bytes, bytes],
    addr: int,
    counter: int,
    control: int,
    options: bytes,
    port: int | None,
    payload: bytes,
    confirmed: bool,
) -> bytes:
    """keys: NwkSKey, AppSKey."""
    head = 0xA0 if confirmed else 0x60
    frame = struct.pack("<BIBH", head, addr, control | len(options), counter & 0xFFFF) + options
    if port is not None:
        frame += bytes([port]) + crypt(keys[1] if port else keys[0], True, addr, counter, payload)
    return frame + data_mic(keys[0], True, addr, counter, frame)
