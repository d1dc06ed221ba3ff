"""The stream of the WebAssembly build: JavaScript (webassembly_host.mjs) moves the bytes.

It is given addresses in the VM's memory, as strings would be converted on their way.
"""

import _link
import uctypes

_address = uctypes.addressof
_exchange = _link.exchange  # looked up once: each time it would be made anew


class Link:
    def __init__(self):
        self._answer = bytearray(4096)
        self._place = _address(self._answer)

    def exchange(self, frame):
        room = len(self._answer)
        size = _exchange(_address(frame), len(frame), self._place, room)
        if size > room:
            self._answer = bytearray(2 * size)
            self._place = _address(self._answer)
            _link.answer(self._place)
        return self._answer
