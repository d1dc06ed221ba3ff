"""Scenarios: the network, the SIM and the trouble that an emulated board meets, as TOML files.

    scenario = load("edge")                  # emulator/scenarios/edge.toml
    scenario = load("my/own/scenario.toml")

A file holds any of the sections [modem], [sim], [network], [radio], [wifi], [lora], [chips] and
[[fault]]; the keys of each are the fields of the classes below and of emulator/lorawan/options.py
and emulator/network/wifi/options.py, all of them optional. `like = "good"` at the top starts from
another scenario: its sections are overlaid key by key, its faults are kept.
ValueError says which key is wrong and what is allowed.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.board.faults import Fault
from emulator.lorawan import options as lorawan
from emulator.lorawan.options import LoraOptions
from emulator.modem import command_faults
from emulator.network.wifi.options import WifiOptions, check_points

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

FOLDER = Path(__file__).parent / "scenarios"


def _one_of(*allowed: Any) -> Any:
    return field(default=allowed[0], metadata={"allowed": allowed})


@dataclass
class ModemOptions:
    """[modem]: the module itself and the state in which the board finds it."""

    # "running": supplied and started long before the board; "boot": started together with it;
    # "off": dead, it never answers
    start: str = _one_of("running", "boot", "off")
    cfun: int = field(default=4, metadata={"allowed": (0, 1, 4)})  # found so when "running"
    low_power: bool = True  # setlpm was given before (an earlier deinitialisation left it so)
    autostart: bool = False  # CFUN=1 by itself after every start of the modem
    boot_ms: int = 0  # start to +SYSSTART; 0: drawn, 3.5 s (2.3 to 6)
    imei: str = "354340987654326"  # 35434...: the firmware looks for this beginning
    manufacturer: str = "PYCOM"
    model: str = ""  # empty: the name of the board
    ue_version: str = "UE6.0.0.0-ER0"
    lr_version: str = "LR6.0.0.0-41019"
    build: int = 41019
    cereg: int = field(default=1, metadata={"allowed": (0, 1, 2, 3, 4, 5)})  # as stored in NV
    creg: int = field(default=0, metadata={"allowed": (0, 1, 2, 3)})
    cmee: int = field(default=0, metadata={"allowed": (0, 1, 2)})
    carrier: str = "standard"  # +SQNCTM
    bands: list[int] = field(default_factory=lambda: [3, 8, 20])  # scan list
    apn: str = ""  # stored for context 1
    pdp_type: str = field(
        default="IP", metadata={"allowed": ("IP", "IPV6", "IPV4V6")}
    )  # stored for context 1
    cgcontrdp_mtu: int = 1428  # 0: the shorter form of older builds
    chunk_bytes: int = 0  # answers leave in pieces of so many bytes; 0: whole
    chunk_gap_ms: float = 5.0  # between such pieces
    urc_every_ms: int = 0  # a URC of `urc_texts` in turn, so often; 0: none
    urc_texts: list[str] = field(default_factory=lambda: ["+CEDRXP: 5"])
    rai: bool = False  # +SQNSSENDEXT takes a release assistance field (without effect here)
    ring: str = _one_of("datagram", "drained")  # +SQNSRING for each datagram, or once till empty
    nothing_to_read: str = _one_of("error", "empty")  # +SQNSRECV without data: error or length 0
    long_datagram: str = _one_of("truncate", "keep")  # more than +SQNSRECV asked for


@dataclass
class SimOptions:
    """[sim]"""

    state: str = _one_of("ready", "absent", "pin", "puk")
    pin: str = "1234"
    puk: str = "12345678"
    ready_ms: int = 0  # after power-up of the card; 0: drawn, 0.6 s (0.3 to 2)
    imsi: str = "001010123456789"
    iccid: str = "8900101234567890123"
    number: str = ""


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
    # What +CEREG goes through after CFUN=1, instead of searching and being registered: a list of
    # {stat, after_ms, cause, cause_type, tac, ci}; without after_ms a step ends a drawn attach
    steps: list[dict[str, Any]] = field(default_factory=list)
    repeat: bool = False  # the steps start over behind the last one
    cgatt_lag_ms: int = 0  # +CGATT follows +CEREG so much later
    pdn_types: list[str] = field(default_factory=lambda: ["IP", "IPV6", "IPV4V6"])
    apns: list[str] = field(default_factory=list)  # accepted ones; empty: any
    default_apn: str = "iot.example"  # for a context without one
    ipv4_prefix: str = "10.64.3."
    ipv6_prefix: str = "2001:db8:64:"
    dns_ipv4: list[str] = field(default_factory=lambda: ["192.0.2.53", "198.51.100.53"])
    dns_ipv6: list[str] = field(default_factory=lambda: ["2001:db8::53", "2001:db8:1::53"])
    nitz: bool = True  # the network tells the time
    start_time: str = "2026-03-01T12:00:00"  # UTC at power-on of the board
    time_zone_quarters: int = 4  # local time, in quarter hours
    release_ms: int = 0  # RRC inactivity; 0: drawn by coverage
    cdrx: str = _one_of("sparse", "dense")  # current of the connected tail
    idle_ma: float = 1.0  # registered, idle, RTS low
    psm: bool = True  # the network grants power saving as requested
    edrx: bool = True


@dataclass
class RadioOptions:
    """[radio]: the cell at this place."""

    level: str = _one_of("good", "fair", "edge")
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


@dataclass
class Scenario:
    name: str = "good"
    description: str = ""
    modem: ModemOptions = field(default_factory=ModemOptions)
    sim: SimOptions = field(default_factory=SimOptions)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    radio: RadioOptions = field(default_factory=RadioOptions)
    wifi: WifiOptions = field(default_factory=WifiOptions)
    lora: LoraOptions = field(default_factory=LoraOptions)
    chips: dict[str, Any] = field(default_factory=dict)  # as the chips understand it
    fault_tables: list[dict[str, Any]] = field(default_factory=list)

    @property
    def faults(self) -> list[Fault]:
        """Fresh faults for one board: they count what they have seen."""
        return [Fault.from_table(table) for table in self.fault_tables]


SECTIONS = ("modem", "sim", "network", "radio", "wifi", "lora")
STEP_KEYS = ("stat", "after_ms", "cause", "cause_type", "tac", "ci")
# Words of faults at a time, for modem and access points, with their further keys
TIME_FAULTS: dict[str, tuple[str, ...]] = {
    "mute": ("for_ms", "forever"),
    "crash": ("file",),
    "urc": ("text",),
    "lose_coverage": (),
    "regain_coverage": (),
    "detach_by_network": ("cause",),
    "ap_gone": ("ssid",),
    "ap_back": ("ssid",),
    "wifi_drop": ("ssid",),
}


def names() -> list[str]:
    """The scenarios that come along."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name_or_path: str | Path) -> Scenario:
    """Read a scenario by name, or from a file (anything with a slash or the ending .toml)."""
    given = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or "/" in given or given.endswith(".toml")
    path = Path(given) if is_path else FOLDER / (given + ".toml")
    if not path.is_file():
        raise ValueError(f"scenario {given!r}: allowed are a file, or {', '.join(names())}")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"scenario {path}: {error}") from None
    return from_table(table, path.stem)


def from_table(table: dict[str, Any], name: str = "scenario") -> Scenario:
    """Build from what a TOML file holds."""
    rest = dict(table)
    like = rest.pop("like", None)
    scenario = load(like) if like is not None else Scenario()
    scenario.name = name
    scenario.description = str(rest.pop("description", ""))
    scenario.chips = _merged(scenario.chips, rest.pop("chips", {}))
    for fault in _tables(rest.pop("fault", []), "fault"):
        _check_fault(fault)
        scenario.fault_tables.append(fault)
    for section in SECTIONS:
        values = rest.pop(section, {})
        if not isinstance(values, dict):
            raise ValueError(f"{section} = {values!r}; a table [{section}] is needed")
        _overlay(section, getattr(scenario, section), values)
    lorawan.check(scenario.lora)
    if rest:
        allowed = ", ".join(("like", "description", *SECTIONS, "chips", "fault"))
        raise ValueError(f"unknown section or key {next(iter(rest))!r}; allowed: {allowed}")
    return scenario


def _merged(base: dict[str, Any], over: Any) -> dict[str, Any]:
    if not isinstance(over, dict):
        raise ValueError(f"chips = {over!r}; a table [chips] is needed")
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def _overlay(section: str, options: Any, values: dict[str, Any]) -> None:
    fields = {item.name: item for item in dataclasses.fields(options)}
    for key, value in values.items():
        if key not in fields:
            raise ValueError(f"[{section}] unknown key {key!r}; allowed: {', '.join(fields)}")
        _check_value(f"[{section}] {key}", getattr(options, key), value)
        allowed = fields[key].metadata.get("allowed")
        if allowed is not None and value not in allowed:
            listed = ", ".join(str(item) for item in allowed)
            raise ValueError(f"[{section}] {key} = {value!r}; allowed: {listed}")
        if key == "steps":
            for step in _tables(value, "steps"):
                _check_step(step)
        if key == "access_points":
            check_points(_tables(value, key))
        setattr(options, key, value)


def _check_value(where: str, default: Any, value: Any) -> None:
    kind = type(default)
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        fits = True
    if not fits:
        raise ValueError(f"{where} = {value!r}; a {kind.__name__} is needed")
    if isinstance(default, list) and default:
        for item in value:
            _check_value(where, default[0], item)


def _tables(value: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{what} = {value!r}; a list of tables is needed")
    return value


def _check_step(step: dict[str, Any]) -> None:
    for key, value in step.items():
        if key not in STEP_KEYS:
            raise ValueError(f"steps: unknown key {key!r}; allowed: {', '.join(STEP_KEYS)}")
        _check_value(f"steps: {key}", "" if key in ("tac", "ci") else 0, value)
    if step.get("stat") not in range(11):
        raise ValueError(f"steps: stat = {step.get('stat')!r}; allowed: 0 to 10")
    if step.get("after_ms", 0) < 0:
        raise ValueError(f"steps: after_ms = {step['after_ms']}; 0 or more is needed")


def _check_fault(table: dict[str, Any]) -> None:
    Fault.from_table(table)
    if table["point"] == "command":
        command_faults.check(table)
    elif table["point"] == "time" and table["do"] in TIME_FAULTS:
        allowed = ("point", "do", "at_ms", *TIME_FAULTS[table["do"]])
        for key in table:
            if key not in allowed:
                listed = ", ".join(allowed)
                raise ValueError(f"fault {table['do']}: unknown key {key!r}; allowed: {listed}")
        if table["do"] == "urc" and not isinstance(table.get("text"), str):
            raise ValueError(f"fault urc: text = {table.get('text')!r}; the line is needed")
