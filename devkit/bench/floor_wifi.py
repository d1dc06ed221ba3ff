"""The floor over Wi-Fi.

    boot, with the association that the firmware begins before Python; the address (known at its
    very instant), the payloads, with a protocol that confirms each at the instant at which the one
    before is answered; WLAN.deinit() as soon as the last packet has left, deep sleep.

Where the configuration asks for a scan, the floor does without: it knows its network.
"""

from __future__ import annotations

from typing import Any

from devkit.bench.floor import FOUR, Procedure
from emulator.network.wifi.wlan import STA

KINDS = ("message", "datagram", "stream")
REPORTS: dict[str, dict[str, object]] = {
    # a node with an access point of its own needs no scan
    "report": {"_SENSORS": FOUR, "_WIFI_FORCE_NO_SCAN": True}
}
NETWORK = ("field-ap", "for-documentation")  # _WIFI_NETS of credentials_example.py


class Floor(Procedure):
    def run(self) -> None:
        wlan = self.emulator.wlan
        settings: Any = self.board.services["config"]
        if not settings.flags["wifi_ssid_sta"]:  # the first cycle, as in ours
            flags = {"wifi_mode_on_boot": STA, "wifi_on_boot": True, "lte_modem_en_on_boot": False,
                     "wifi_ssid_sta": NETWORK[0], "wifi_pwd_sta": NETWORK[1]}  # fmt: skip
            settings.flags.update(flags)
            wlan.do_init({"mode": STA})
            wlan.do_connect(*NETWORK, None, False, None, 0, -1)
        limit_us = self.task.limit_ms * 1000
        if self.until(lambda: wlan.station.address is not None, limit_us):
            self.over_sockets()
        wlan.do_deinit()
