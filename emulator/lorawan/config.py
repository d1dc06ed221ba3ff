"""What a LoRa object was initialised with, checked as the firmware does.

Source: Pycom firmware 1.20.2.r4, modlora.c lora_init_helper, lora_validate_*.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from emulator.lorawan.regions import Region

BANDWIDTHS_HZ = (125_000, 250_000, 500_000)
DEFAULT_DBM = {"EU868": 14}
DEFAULT_POWER_DBM = 20


@dataclass
class Config:
    mode: int
    frequency: int
    tx_power: int
    bandwidth: int
    sf: int
    preamble: int
    coding_rate: int
    power_mode: int
    tx_iq: bool
    rx_iq: bool
    adr: bool
    public: bool
    tx_retries: int
    device_class: int

    @property
    def bandwidth_hz(self) -> int:
        return BANDWIDTHS_HZ[self.bandwidth]

    @staticmethod
    def check_mode(mode: int) -> None:
        if mode not in (0, 1):
            raise ValueError(f"invalid mode {mode}")

    @classmethod
    def checked(cls, values: list[Any], region: Region) -> Config:
        """values: in the order of the fields, frequency and power may be None."""
        given = list(values[: len(fields(cls))])
        if given[1] is None:
            given[1] = region.frequency_hz
        if given[2] is None:
            given[2] = DEFAULT_DBM.get(region.name, DEFAULT_POWER_DBM)
        config = cls(*given)
        for name in ("frequency", "tx_power", "bandwidth", "sf", "coding_rate"):
            config.check(name, region)
        if not 0 <= config.power_mode <= 2:
            raise ValueError(f"invalid power mode {config.power_mode}")
        if config.device_class not in (0, 2):
            raise ValueError(f"invalid device_class {config.device_class}")
        return config

    def with_value(self, name: str, value: int, region: Region) -> Config:
        given: dict[str, Any] = {name: value}
        changed = replace(self, **given)
        changed.check(name, region)
        return changed

    def check(self, name: str, region: Region) -> None:
        value = getattr(self, name)
        low, high = region.frequencies
        limits = {
            "frequency": (low, high, "frequency {} out of range"),
            "tx_power": (2, 20, "Tx power {} out of range"),
            "bandwidth": (0, 2, "bandwidth {} not supported"),
            "sf": (6, 12, "spreading factor {} out of range"),
            "coding_rate": (1, 4, "coding rate {} out of range"),
        }
        if name in limits:
            least, most, text = limits[name]
            if not least <= value <= most:
                raise ValueError(text.format(value))
