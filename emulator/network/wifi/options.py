"""[wifi] of a scenario: the access points at this place and what goes wrong with them.

Keys of an access point are the fields of AccessPointOptions; all but `ssid` may be left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from emulator.board.options import check_range

_BSSID = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_PREFIX = re.compile(r"(\d{1,3}\.){3}")


def _check_bssid(bssid: str) -> None:
    if bssid and not _BSSID.fullmatch(bssid):
        raise ValueError(f"bssid = {bssid!r}; allowed: six hex pairs, :")


FAULT_WORDS = ("ap_gone", "ap_back", "wifi_drop")  # at a time


@dataclass
class AccessPointFault:
    ssid: str | None = None  # None: all
    bssid: str | None = None  # as in AccessPointOptions: one of several of a name

    def __post_init__(self) -> None:
        _check_bssid(self.bssid or "")


@dataclass
class AccessPointOptions:
    ssid: str
    bssid: str = ""  # "aa:bb:cc:dd:ee:ff"; empty: made from the ssid and its place in the list
    security: Literal["open", "wep", "wpa", "wpa2", "wpa_wpa2", "wpa2_ent"] = "wpa2"
    password: str = field(default="", repr=False)
    users: dict[str, str] = field(
        default_factory=dict, repr=False
    )  # name -> password, "wpa2_ent" only
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

    def __post_init__(self) -> None:
        if not 1 <= len(self.ssid.encode()) <= 32:
            raise ValueError(f"ssid = {self.ssid!r}; 1 to 32 bytes are needed")
        check_range(self, "channel", 1, 13)
        _check_bssid(self.bssid)
        if not _PREFIX.fullmatch(self.ipv4_prefix):
            raise ValueError(f"ipv4_prefix = {self.ipv4_prefix!r}; such as '192.168.4.'")


def _default_points() -> list[AccessPointOptions]:
    own = AccessPointOptions("field-ap", password="for-documentation", channel=6, rssi_dbm=-61.0)
    neighbour = AccessPointOptions(
        "neighbour",
        password="not-for-documentation",
        channel=11,
        rssi_dbm=-78.0,
        ipv4_prefix="192.168.178.",
    )
    return [own, neighbour]


@dataclass
class WifiOptions:
    """[wifi]"""

    access_points: list[AccessPointOptions] = field(default_factory=_default_points)
    guests: int = 0  # so many stations join the board's own network, 3 s after it begins
    failing_scans: int = 0  # so many scans fail, then all succeed
    scan_error: Literal["failed", "timed_out"] = "failed"
    failing_associations: int = 0  # so many associations are refused, then none
    internal_antenna_db: float = 0.0  # what the internal antenna adds; in a metal box -40
    external_antenna_db: float = -40.0  # what the connector adds; without an antenna -40
