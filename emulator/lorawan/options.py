"""[lora] of a scenario: the gateway and network server around the board."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

DEVICE_KEYS = ("dev_eui", "app_eui", "app_key", "dev_addr", "nwk_skey", "app_skey")
_SIZES = {"dev_eui": 8, "app_eui": 8, "app_key": 16, "dev_addr": 4, "nwk_skey": 16, "app_skey": 16}
_DOWNLINK_KEYS = ("port", "payload", "confirmed")
DEFAULT_DEVICE = {
    "dev_eui": "",
    "app_eui": "70B3D57ED0000001",
    "app_key": "2B7E151628AED2A6ABF7158809CF4F3C",
}


@dataclass
class LoraOptions:
    gateway: bool = True  # one is in range at all
    region: str = field(
        default="EU868", metadata={"allowed": ("EU868", "US915", "AU915", "AS923", "IN865")}
    )
    rssi_dbm: float = -95.0  # at the full power of the region
    snr_db: float = 7.0  # at 125 kHz
    fluctuation_db: float = 1.5  # standard deviation of both, from frame to frame
    uplink_loss: float = 0.0  # share lost to collisions, whatever the signal
    downlink_loss: float = 0.0
    sub_band: int = 0  # US915, AU915: the eight channels heard, 1 to 8; 0: all
    # Who may join (dev_eui "": any board) or was activated by hand (dev_addr, nwk_skey, app_skey)
    devices: list[dict[str, Any]] = field(default_factory=lambda: [dict(DEFAULT_DEVICE)])
    joins_refused: int = 0  # so many join requests stay unanswered
    rx1_delay_s: int = 1  # told at the join; 1 to 15
    adr: bool = True  # the server sets data rate and power of devices that ask for it
    downlinks: list[dict[str, Any]] = field(default_factory=list)  # {port, payload, confirmed}
    forward_host: str = "lorawan.example"  # payloads go there as UDP datagrams, by the routes
    forward_port: int = 5683
    duty_cycle: bool = False  # the MAC refuses to break it; the firmware switches that off


def check(options: LoraOptions) -> None:
    """ValueError for what types do not say."""
    for name in ("uplink_loss", "downlink_loss"):
        if not 0 <= getattr(options, name) <= 1:
            raise ValueError(f"[lora] {name} = {getattr(options, name)}; allowed: 0 to 1")
    for name, most in (("sub_band", 8), ("rx1_delay_s", 15), ("forward_port", 65535)):
        if not (name != "sub_band") <= getattr(options, name) <= most:
            raise ValueError(f"[lora] {name} = {getattr(options, name)}; at most {most}")
    for device in options.devices:
        _check_device(device)
    for downlink in options.downlinks:
        _check_downlink(downlink)


def _check_device(device: dict[str, Any]) -> None:
    for key, value in device.items():
        if key not in DEVICE_KEYS:
            listed = ", ".join(DEVICE_KEYS)
            raise ValueError(f"[lora] devices: unknown key {key!r}; allowed: {listed}")
        digits = 2 * _SIZES[key]
        if not (key == "dev_eui" and value == "") and not _is_hex(value, digits):
            raise ValueError(f"[lora] devices: {key} = {value!r}; {digits} hex digits are needed")
    wanted = ("dev_addr", "nwk_skey", "app_skey")
    if "app_key" not in device and not all(key in device for key in wanted):
        raise ValueError(f"[lora] devices: app_key, or {', '.join(wanted)}, is needed")


def _check_downlink(downlink: dict[str, Any]) -> None:
    for key in downlink:
        if key not in _DOWNLINK_KEYS:
            listed = ", ".join(_DOWNLINK_KEYS)
            raise ValueError(f"[lora] downlinks: unknown key {key!r}; allowed: {listed}")
    payload, port = downlink.get("payload"), downlink.get("port", 1)
    if not isinstance(payload, str) or not _is_hex(payload, len(payload)):
        raise ValueError(f"[lora] downlinks: payload = {payload!r}; hex digits are needed")
    if port not in range(1, 224):
        raise ValueError(f"[lora] downlinks: port = {port!r}; allowed: 1 to 223")


def _is_hex(value: Any, digits: int) -> bool:
    whole = isinstance(value, str) and re.fullmatch("([0-9a-fA-F]{2})*", value) is not None
    return whole and len(value) == digits
