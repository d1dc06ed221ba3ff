"""[network] and [radio] of a scenario: the operator, and its cell at this place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from emulator.board.constants import COMPARABLE, constant
from emulator.board.options import check_range

IDLE_MA = constant(1.0, "mA", COMPARABLE, "Martinez 2019: paging each 2.56 s; 0.3 to 6 possible")

# Denied without the fields of +CEREG, or with "deactivated" in them; or granted with other values
# (16 s, 24 h), without T3412, or beside a cause
PsmGrant = Literal[
    "as_asked",
    "denied_absent",
    "denied_111",
    "tau_missing",
    "tau_24h",
    "active_16s",
    "cause_filled",
]
PdpType = Literal["IP", "IPV6", "IPV4V6"]


@dataclass
class Step:
    """One step of what +CEREG goes through; without `after_ms` it ends a drawn attach."""

    stat: int
    after_ms: int | None = None
    cause: int | None = None
    cause_type: int = 0
    tac: str | None = None  # of this step, in place of the network's
    ci: str | None = None

    def __post_init__(self) -> None:
        check_range(self, "stat", 0, 10)
        if self.after_ms is not None and self.after_ms < 0:
            raise ValueError(f"after_ms = {self.after_ms}; 0 or more is needed")


@dataclass
class NetworkOptions:
    """[network]: the operator."""

    plmn: str = "00101"
    name: str = "Test Network"
    short_name: str = "TestNet"
    roaming: bool = False
    tac: str = "1A2B"
    ci: str = "01A2D003"
    band: int = 20
    earfcn: int = 6253
    pci: int = 142
    steps: list[Step] = field(default_factory=list)  # after CFUN=1, instead of a plain attach
    repeat: bool = False  # the steps start over behind the last one
    cgatt_lag_ms: int = -1  # from +CEREG to +CGATT and data; -1: drawn, 0 to 3 s per attach
    pdn_types: list[PdpType] = field(default_factory=lambda: ["IP", "IPV6", "IPV4V6"])
    apns: list[str] = field(default_factory=list)  # accepted ones; empty: any
    default_apn: str = "iot.example"  # for a context without one
    apn_user: str = ""  # the access point asks for it by PAP or CHAP; empty: it does not
    apn_password: str = ""
    ipv4_prefix: str = "10.64.3."
    ipv6_prefix: str = "2001:db8:64:"
    dns_ipv4: list[str] = field(default_factory=lambda: ["192.0.2.53", "198.51.100.53"])
    dns_ipv6: list[str] = field(default_factory=lambda: ["2001:db8::53", "2001:db8:1::53"])
    nitz: bool = True  # the network tells the time
    start_time: str = "2026-03-01T12:00:00"  # UTC at power-on of the board
    time_zone_quarters: int = 4  # local time, in quarter hours
    release_ms: int = 0  # RRC inactivity; 0: drawn by coverage
    cdrx: Literal["sparse", "dense"] = "sparse"  # current of the connected tail
    idle_ma: float = IDLE_MA  # registered, idle, RTS released
    psm: PsmGrant = "as_asked"  # what the network answers to +CPSMS=1
    psm_denied_later: int = 0  # at this tracking area update it withdraws the grant; 0: never
    edrx: bool = True

    def __post_init__(self) -> None:
        check_range(self, "cgatt_lag_ms", -1)
        check_range(self, "release_ms idle_ma psm_denied_later", 0)


@dataclass
class RadioOptions:
    """[radio]: the cell at this place."""

    level: Literal["good", "fair", "edge"] = "good"
    in_coverage: bool = True
    first_attach: bool = False  # the modem does not know the cell yet: a scan of tens of seconds
    attach_ms: int = 0  # a fixed duration instead of a drawn one
    uplink_ms: int = 0
    turn_ms: int = 0
    detach_ms: int = 0
    factor: float = 1.0  # on uplinks, tracking area updates and detaches ("bad operator": 4)
    outliers: bool = True  # some procedures take ten times as long, as seen in the field
    loss: float = -1.0  # share of lost uplink datagrams; below 0: by coverage
    downlink_loss: float = 0.0
    no_service: float = -1.0  # share of attaches preceded by minutes of nothing; below 0: by level
    rsrp_dbm: float = 0.0  # 0: by coverage
    rsrq_db: float = 0.0
    rssi_dbm: float = 0.0
    sinr_db: float = 99.0  # 99: by coverage
    unknown_signal: bool = False  # +CSQ and +CESQ always say "not known"

    def __post_init__(self) -> None:
        check_range(self, "attach_ms uplink_ms turn_ms detach_ms factor", 0)
        check_range(self, "loss no_service", -1, 1)
        check_range(self, "downlink_loss", 0, 1)
