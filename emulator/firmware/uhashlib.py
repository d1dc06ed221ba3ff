"""uhashlib of the firmware: one hash at a time for the whole board.

Source: Pycom firmware 1.20.2.r4, esp32/mods/moduhashlib.c.
"""

from _arguments import data_of
from _board import call


class _Hash:
    def __init__(self, *data):
        self._digest = None
        call("hash.new", self._algorithm)
        if data:
            self.update(data[0])

    def update(self, data):
        if self._digest is None:
            call("hash.update", data_of(data))

    def digest(self):
        if self._digest is None:
            self._digest = call("hash.digest")
        return self._digest


def _hash(algorithm):
    return type(algorithm, (_Hash,), {"_algorithm": algorithm})


md5 = _hash("md5")
sha1 = _hash("sha1")
sha224 = _hash("sha224")
sha256 = _hash("sha256")
sha384 = _hash("sha384")
sha512 = _hash("sha512")
