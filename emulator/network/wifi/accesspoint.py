"""One access point: how well it is heard, whom it lets in, which address it gives.

A passphrase is compared as the stations of WPA do it: PBKDF2 makes of passphrase and SSID the
key that the four-way handshake proves (IEEE 802.11-2016, J.4.1); nothing else decides.
"""

from __future__ import annotations

import functools
import hashlib
import random
import string

from emulator.board.constants import COMPARABLE, constant
from emulator.board.draws import Z90, Percentiles, drawn
from emulator.network.wifi.options import AccessPointOptions

OPEN, WEP, WPA_PSK, WPA2_PSK, WPA_WPA2_PSK, WPA2_ENT = range(6)  # wifi_auth_mode_t of ESP-IDF
AUTH_MODES = {
    "open": OPEN,
    "wep": WEP,
    "wpa": WPA_PSK,
    "wpa2": WPA2_PSK,
    "wpa_wpa2": WPA_WPA2_PSK,
    "wpa2_ent": WPA2_ENT,
}
SENSITIVITY_DBM = -92.0  # weaker beacons are not heard

# 10th, 50th, 90th percentile in ms (docs/emulation.md)
ASSOCIATION_MS = constant(
    (40.0, 65.0, 140.0),
    "ms",
    COMPARABLE,
    "ESP8266 and ESP32: 0.12 s in all, 1.1 to 2.0 s with DHCP",
)
# four messages, and lwIP's check that the address is free
DHCP_MS = constant(
    (500.0, 750.0, 1300.0),
    "ms",
    COMPARABLE,
    "ESP8266 and ESP32: 0.12 s in all, 1.1 to 2.0 s with DHCP",
)
# on top of the association
EAP_MS = constant(
    (250.0, 400.0, 900.0),
    "ms",
    COMPARABLE,
    "ESP8266 and ESP32: 0.12 s in all, 1.1 to 2.0 s with DHCP",
)


@functools.cache
def pairwise_master_key(passphrase: str, ssid: str) -> bytes:
    """64 hex digits are the key itself."""
    if len(passphrase) == 64 and all(each in string.hexdigits for each in passphrase):
        return bytes.fromhex(passphrase)
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode(), ssid.encode(), 4096, 32)


def drawn_ms(source: random.Random, percentiles: Percentiles) -> float:
    """Cut at twice the distance of the outer percentiles."""
    return drawn(source, percentiles, 2.0 * Z90)


class AccessPoint:
    def __init__(self, options: AccessPointOptions, number: int, source: random.Random) -> None:
        self.options = options
        self.ssid = options.ssid
        self.channel = options.channel
        self.auth_mode = AUTH_MODES[options.security]
        self.present = options.present
        digest = hashlib.sha256(f"{number}/{options.ssid}".encode()).digest()
        given = bytes.fromhex(options.bssid.replace(":", ""))
        self.bssid = given or b"\x02" + digest[:5]  # locally administered
        self.antenna_db = 0.0  # of the board's antenna in use
        self.hosts: list[str] = []  # the names of those that got an address
        self._source = source

    @property
    def gateway(self) -> str:
        return self.options.ipv4_prefix + "1"

    def rssi(self) -> int:
        """One reading, dBm."""
        mean_dbm = self.options.rssi_dbm + self.antenna_db
        reading = self._source.gauss(mean_dbm, self.options.fluctuation_db)
        return round(min(-10.0, reading))

    def heard(self) -> int | None:
        """RSSI of a beacon or probe response just now; None: none came."""
        reading = self.rssi()
        return reading if self.present and reading >= SENSITIVITY_DBM else None

    def admits(self, key: str | None, user: str | None, enterprise: bool) -> bool:
        if self.auth_mode == OPEN:
            return not enterprise
        if self.auth_mode == WPA2_ENT:
            return enterprise and user is not None and self.options.users.get(user) == key
        if key is None or enterprise:
            return False
        if self.auth_mode == WEP:
            return key == self.options.password
        mine = pairwise_master_key(self.options.password, self.ssid)
        return mine == pairwise_master_key(key, self.ssid)

    def association_ms(self) -> float:
        if self.options.association_ms:
            return float(self.options.association_ms)
        eap_ms = drawn_ms(self._source, EAP_MS) if self.auth_mode == WPA2_ENT else 0.0
        return drawn_ms(self._source, ASSOCIATION_MS) + eap_ms

    def dhcp_ms(self) -> float | None:
        """None: no answer ever."""
        if not self.options.dhcp:
            return None
        return float(self.options.dhcp_ms) or drawn_ms(self._source, DHCP_MS)

    def lease(self, mac: bytes) -> str:
        return self.options.ipv4_prefix + str(20 + mac[-1] % 200)
