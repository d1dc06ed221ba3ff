"""AES and AES-CMAC of `cryptography`, as both the device and the network server need them."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16


def encrypt(key: bytes, data: bytes) -> bytes:
    """Encrypt whole blocks, each by itself."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(data)


def decrypt(key: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).decryptor().update(data)


def cmac(key: bytes, data: bytes) -> bytes:
    """The 16 bytes of RFC 4493."""
    signer = CMAC(algorithms.AES(key))
    signer.update(data)
    return signer.finalize()
