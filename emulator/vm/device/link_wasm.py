"""The stream of the WebAssembly build: JavaScript (webassembly_host.mjs) moves the bytes.

It is given addresses in the VM's memory, as strings would be converted on their way.
"""

import _link
import uctypes


class Link:
    def __init__(self):
        self._answer = bytearray(4096)
        self._address = uctypes.addressof(self._answer)

    def exchange(self, frame):
        size = _link.exchange(uctypes.addressof(frame), len(frame))
        if size > len(self._answer):
            self._answer = bytearray(2 * size)
            self._address = uctypes.addressof(self._answer)
        _link.answer(self._address)
        return self._answer
