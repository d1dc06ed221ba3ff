"""One uplink through the firmware's LoRa socket, with every wait bounded.

The firmware's blocking send waits for the end of all repetitions, without a deadline and without
feeding the watchdog. This one does not block and polls the firmware's events.
"""

from micropython import const

from utils import timing

TX_FAILED = const(4)  # events of the firmware
_TX_DONE = const(2)
_POLL_MS = const(50)
_MOST_DOWNLINK = const(242)
_QUEUED = const(16)  # more downlinks than the firmware keeps


class Uplink:
    """A socket for one payload and its answer. Raises the firmware's OSErrors.

    lora: the firmware's object; confirmed: bool; data_rate, port: int.
    """

    def __init__(self, lora, confirmed, data_rate, port):
        import usocket

        self._lora = lora
        self._socket = usocket.socket(usocket.AF_LORA, usocket.SOCK_RAW)
        self._socket.setsockopt(usocket.SOL_LORA, usocket.SO_CONFIRMED, confirmed)
        self._socket.setsockopt(usocket.SOL_LORA, usocket.SO_DR, data_rate)
        self._socket.bind(port)
        self._socket.setblocking(False)
        self.newest()  # drop earlier downlinks: they do not answer this uplink

    def transmit(self, payload, limit_ms):
        """Send the payload and wait for the end. Return the events, 0 if none came in time."""
        self._lora.events()  # clears them
        self._socket.send(payload)
        return timing.wait_for(self._ended, limit_ms, _POLL_MS)

    def newest(self):
        """Empty the queue of downlinks; return the newest, None if there is none."""
        newest = None
        for _ in range(_QUEUED):
            try:
                data = self._socket.recv(_MOST_DOWNLINK)
            except OSError:  # nothing there
                break
            if not data:
                break
            newest = data
        return newest

    def close(self):
        self._socket.close()

    def _ended(self):
        return ended(self._lora)


def ended(lora):
    """Return the events of the end of a transmission, 0 without any."""
    return lora.events() & (_TX_DONE | TX_FAILED)
