"""The floor over Wi-Fi.

    boot, with the association that the firmware begins before Python; the address (known at its
    very instant), the payloads, with a protocol that confirms each at the instant at which the one
    before is answered; WLAN.deinit() as soon as the last packet has left, deep sleep.

Where the configuration asks for a scan, the floor does without: it knows its network.
"""

from __future__ import annotations

from devkit.bench.floor import ANSWER_US, FOUR, Procedure

KINDS = ("message", "datagram", "stream")
REPORTS: dict[str, dict[str, object]] = {
    # a node with an access point of its own needs no scan
    "report": {"_SENSORS": FOUR, "_WIFI_FORCE_NO_SCAN": True}
}


class Floor(Procedure):
    def run(self) -> None:
        wlan = self.emulator.wlan  # the firmware knows the network from the first cycle
        if self.until(lambda: wlan.station.address is not None, self.task.search_us):
            self.until(self.over_sockets(), ANSWER_US)
        wlan.do_deinit()
