"""uhashlib of the firmware: one hash at a time for the whole board.

Source: Pycom firmware 1.20.2.r4, esp32/mods/moduhashlib.c.
"""

from _board import call


class _Hash:
    def __init__(self, *data):
        self._digest = None
        call("hash.new", self._algorithm)
        if data:
            self.update(data[0])

    def update(self, data):
        if self._digest is None:
            call("hash.update", data.encode() if isinstance(data, str) else bytes(data))

    def digest(self):
        if self._digest is None:
            self._digest = call("hash.digest")
        return self._digest


class md5(_Hash):  # noqa: N801 - the names of the firmware
    _algorithm = "md5"


class sha1(_Hash):  # noqa: N801
    _algorithm = "sha1"


class sha224(_Hash):  # noqa: N801
    _algorithm = "sha224"


class sha256(_Hash):  # noqa: N801
    _algorithm = "sha256"


class sha384(_Hash):  # noqa: N801
    _algorithm = "sha384"


class sha512(_Hash):  # noqa: N801
    _algorithm = "sha512"
