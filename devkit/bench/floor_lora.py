"""The floor over LoRaWAN.

    boot, LoRa(mode=LORAWAN) with the firmware's own time, nvram_restore(), each payload as one
    uplink at data rate 5 with the receive windows that follow it, nvram_save(), deep sleep.

A session is there, since the first cycle of ours has joined. The radio rests by
itself when its windows are over.
"""

from __future__ import annotations

import functools
from typing import Any

from devkit.bench.floor import ANSWER_US, FIVE, Procedure
from emulator.lorawan import airtime
from emulator.lorawan.regions import REGIONS

KINDS = ("message",)
REPORTS: dict[str, dict[str, object]] = {
    "report": {"_SENSORS": FIVE},
    "report, confirmed": {"_SENSORS": FIVE, "_LORA_CONFIRMED": True},
}
RATE = 5  # _LORA_DR of config.py; in EU868 SF7, 125 kHz
SPREADING, BANDWIDTH = 7, 125_000
UPLINK_HEADERS = 13  # MHDR, DevAddr, FCtrl, FCnt, FPort, MIC (LoRaWAN 1.0.3, 4)
PORT = 2
# mode LORAWAN, frequency and power of the region, 125 kHz, SF7, preamble 8, 4/5, TX_ONLY, ...
SETTINGS = [1, None, None, 0, 7, 8, 1, 1, False, False, False, True, 2, 0]


def time_on_air_us(payload_bytes: int) -> int:
    return airtime.time_on_air_us(payload_bytes + UPLINK_HEADERS, SPREADING, BANDWIDTH)


class Floor(Procedure):
    def run(self) -> None:
        lora: Any = self.board.services["lora"]
        [region] = [each for each in REGIONS.values() if each.name == "EU868"]
        lora.do_init([*SETTINGS, region.number])
        lora.do_nvram_restore()
        confirmed = bool(self.task.settings.get("_LORA_CONFIRMED"))
        for payload in self.task.payloads:
            message = lora._messages[lora.do_send(payload, RATE, confirmed, PORT)]
            self.until(functools.partial(getattr, message, "finished"), ANSWER_US)
        lora.do_nvram_save()
