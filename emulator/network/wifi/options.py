"""[wifi] of a scenario: the access points at this place and what goes wrong with them.

Keys of an access point are the fields of AccessPointOptions; all but `ssid` may be left out.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any

SECURITIES = ("open", "wep", "wpa", "wpa2", "wpa_wpa2", "wpa2_ent")
_CHANNELS = range(1, 14)
_BSSID = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_PREFIX = re.compile(r"(\d{1,3}\.){3}")


@dataclass
class AccessPointOptions:
    ssid: str
    bssid: str = ""  # "aa:bb:cc:dd:ee:ff"; empty: made from the ssid and its place in the list
    security: str = "wpa2"
    password: str = ""
    users: dict[str, str] = field(default_factory=dict)  # name -> password, "wpa2_ent" only
    channel: int = 1
    rssi_dbm: float = -60.0
    fluctuation_db: float = 2.0  # standard deviation of one reading
    hidden: bool = False
    present: bool = True  # False: away until `ap_back`
    dhcp: bool = True  # False: nobody answers
    ipv4_prefix: str = "192.168.4."  # /24; the access point is .1, gateway and DNS server
    association_ms: int = 0  # authentication, association, keys; 0: drawn
    dhcp_ms: int = 0  # 0: drawn
    drop_after_ms: int = 0  # so long after each association it throws the station out; 0: never
    loss: float = 0.0  # share of packets lost behind all retries


def _default_points() -> list[dict[str, Any]]:
    return [
        {
            "ssid": "field-ap",
            "password": "for-documentation",
            "channel": 6,
            "rssi_dbm": -61.0,
        },
        {
            "ssid": "neighbour",
            "password": "not-for-documentation",
            "channel": 11,
            "rssi_dbm": -78.0,
            "ipv4_prefix": "192.168.178.",
        },
    ]


@dataclass
class WifiOptions:
    """[wifi]"""

    access_points: list[dict[str, Any]] = field(default_factory=_default_points)
    failing_scans: int = 0  # so many scans fail, then all succeed
    scan_error: str = field(default="failed", metadata={"allowed": ("failed", "timed_out")})

    def points(self) -> list[AccessPointOptions]:
        return [AccessPointOptions(**table) for table in self.access_points]


_FIELDS = {item.name: item for item in dataclasses.fields(AccessPointOptions)}


def check_points(tables: list[dict[str, Any]]) -> None:
    """ValueError naming key, value and what is allowed."""
    for table in tables:
        for key, value in table.items():
            _check_key(key, value)
        ssid = table.get("ssid")
        if not isinstance(ssid, str) or not 1 <= len(ssid.encode()) <= 32:
            raise ValueError(f"access_points: ssid = {ssid!r}; 1 to 32 bytes are needed")
        point = AccessPointOptions(**table)
        if point.security not in SECURITIES:
            allowed = ", ".join(SECURITIES)
            raise ValueError(f"access_points: security = {point.security!r}; allowed: {allowed}")
        if point.channel not in _CHANNELS:
            raise ValueError(f"access_points: channel = {point.channel!r}; allowed: 1 to 13")
        if point.bssid and not _BSSID.fullmatch(point.bssid):
            raise ValueError(f"access_points: bssid = {point.bssid!r}; allowed: six hex pairs, :")
        if not _PREFIX.fullmatch(point.ipv4_prefix):
            raise ValueError(
                f"access_points: ipv4_prefix = {point.ipv4_prefix!r}; such as '192.168.4.'"
            )


def _check_key(key: str, value: Any) -> None:
    if key not in _FIELDS:
        raise ValueError(f"access_points: unknown key {key!r}; allowed: {', '.join(_FIELDS)}")
    kind: Any = {"str": str, "bool": bool, "int": int, "float": float}.get(
        str(_FIELDS[key].type), dict
    )
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        fits = True
    if not fits:
        raise ValueError(f"access_points: {key} = {value!r}; a {kind.__name__} is needed")
