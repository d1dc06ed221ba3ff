"""machine.SD: the card in the slot of an expansion board; one object for all calls.

What stands in its sectors is not emulated, but for the mark at the end of the first: files are
reached by os.mount().
Source: Pycom firmware 1.20.2.r4, esp32/mods/pybsd.c.
"""

from _arguments import OnlyOne, as_is, assign, method, to_int
from _board import call
from _texts import NA

_INIT = (("freq", as_is, None),)
_NEW = (("id", to_int, 0),) + _INIT
_INIT_DEVICE, _DEINIT_DEVICE, _SYNC, _COUNT, _SIZE = range(1, 6)  # of ioctl


class SD(OnlyOne):
    def __init__(self, *args, **keywords):
        if assign(_NEW, 2, args, keywords)[0] != 0:
            raise OSError(NA)
        call("sd.start")

    def init(self, *args, **keywords):
        assign(_INIT, 1, args, keywords)
        call("sd.start")

    deinit = method("sd.stop")

    def readblocks(self, number, buffer):
        data = call("sd.read", to_int(number), len(buffer))
        if not data:
            return 1
        buffer[: len(data)] = data
        return 0

    def ioctl(self, command, argument):
        command = to_int(command)
        if command in (_INIT_DEVICE, _DEINIT_DEVICE, _SYNC):
            return 0
        if command == _COUNT:
            return call("sd.sectors")
        return call("sd.sector_bytes") if command == _SIZE else -1
