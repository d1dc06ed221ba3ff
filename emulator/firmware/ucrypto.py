"""ucrypto of the firmware: AES and random bits of the hardware generator. RSA is not emulated.

Source: Pycom firmware 1.20.2.r4, esp32/mods/moducrypto.c.
"""

from _arguments import data_of, forward
from _board import call

getrandbits = forward("hash.random_bits", 1)


class AESCipher:
    """What AES(...) gives."""

    def __init__(self, number):
        self._id = number

    def encrypt(self, data):
        return call("aes.encrypt", self._id, data_of(data))

    def decrypt(self, data):
        return call("aes.decrypt", self._id, data_of(data))


class AES:
    MODE_ECB = 1
    MODE_CBC = 2
    MODE_CFB = 3
    MODE_CTR = 6
    SEGMENT_8 = 8
    SEGMENT_128 = 128

    def __new__(cls, key, mode=1, IV=None, counter=None, segment_size=8):  # noqa: N803
        return AESCipher(
            call(
                "aes.new",
                data_of(key),
                mode,
                None if IV is None else data_of(IV),
                None if counter is None else data_of(counter),
                segment_size,
            )
        )
