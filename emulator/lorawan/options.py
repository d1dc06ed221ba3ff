"""[lora] of a scenario: the gateway and network server around the board."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from emulator.board.options import check_range
from emulator.board.secrets import HIDDEN


@dataclass
class DeviceOptions:
    """Who may join: app_key is given. Or who was activated by hand: the last three are."""

    dev_eui: str = ""  # any board
    app_eui: str = ""
    app_key: str = field(default="", repr=False)
    dev_addr: str = ""
    nwk_skey: str = field(default="", repr=False)
    app_skey: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        sizes = {"dev_eui": 8, "app_eui": 8, "app_key": 16}
        sizes |= {"dev_addr": 4, "nwk_skey": 16, "app_skey": 16}
        for key, size in sizes.items():
            value = getattr(self, key)
            if value and not (_is_hex(value) and len(value) == 2 * size):
                shown = HIDDEN if key.endswith("key") else value
                raise ValueError(f"{key} = {shown!r}; {2 * size} hex digits are needed")
        if not self.app_key and not (self.dev_addr and self.nwk_skey and self.app_skey):
            raise ValueError("app_key, or dev_addr, nwk_skey, app_skey, is needed")


@dataclass
class DownlinkOptions:
    payload: str
    port: int = 1
    confirmed: bool = False

    def __post_init__(self) -> None:
        if not _is_hex(self.payload):
            raise ValueError(f"payload = {self.payload!r}; hex digits are needed")
        check_range(self, "port", 1, 223)


def _default_devices() -> list[DeviceOptions]:
    key = "2B7E151628AED2A6ABF7158809CF4F3C"
    return [DeviceOptions(app_eui="70B3D57ED0000001", app_key=key)]


@dataclass
class LoraOptions:
    gateway: bool = True  # one is in range at all
    region: Literal["EU868", "US915", "AU915", "AS923", "IN865"] = "EU868"
    # of the board's config block, which an updater writes; LoRa() without region= takes it
    stored_region: Literal["none", "EU868", "US915", "AU915", "AS923", "IN865"] = "none"
    rssi_dbm: float = -95.0  # at the full power of the region
    snr_db: float = 7.0  # at 125 kHz
    fluctuation_db: float = 1.5  # standard deviation of both, from frame to frame
    uplink_loss: float = 0.0  # share lost to collisions, whatever the signal
    downlink_loss: float = 0.0
    sub_band: int = 0  # US915, AU915: the eight channels heard, 1 to 8; 0: all
    devices: list[DeviceOptions] = field(default_factory=_default_devices)
    joins_refused: int = 0  # so many join requests stay unanswered
    rx1_delay_s: int = 1  # told at the join; 1 to 15
    adr: bool = True  # the server sets data rate and power of devices that ask for it
    nb_trans: int = 1  # and how often they send each unconfirmed uplink, 1 to 15
    downlinks: list[DownlinkOptions] = field(default_factory=list)
    forward_host: str = "lorawan.example"  # payloads go there as UDP datagrams, by the routes
    forward_port: int = 5683
    duty_cycle: bool = False  # the MAC refuses to break it; the firmware switches that off

    def __post_init__(self) -> None:
        check_range(self, "uplink_loss downlink_loss", 0, 1)
        check_range(self, "sub_band", 0, 8)
        check_range(self, "rx1_delay_s nb_trans", 1, 15)
        check_range(self, "forward_port", 1, 65535)


def _is_hex(value: str) -> bool:
    return re.fullmatch("([0-9a-fA-F]{2})*", value) is not None
