"""Scenarios: the network, the SIM and the faults that an emulated board meets, as TOML files.

    scenario = load("edge")                  # emulator/scenarios/edge.toml
    scenario = load("my/own/scenario.toml")

A file holds any of the sections [board], [modem], [sim], [network], [radio], [wifi], [lora],
[chips] and [[fault]]. The keys of each are the fields of its class, which stands with the part
that it sets (SECTIONS) and checks itself; all are optional. `like = "good"` at the top starts from
another scenario: its sections are overlaid key by key, its faults are kept.
ValueError says which key is wrong and what is allowed.
"""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from emulator.board import faults, options
from emulator.board.faults import Fault, own_keys
from emulator.board.standard import BoardOptions
from emulator.lorawan.options import LoraOptions
from emulator.modem import command_faults, modem_faults
from emulator.modem.options import ModemOptions, SimOptions
from emulator.network.options import NetworkOptions, RadioOptions
from emulator.network.wifi import options as wifi

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

FOLDER = Path(__file__).parent / "scenarios"
SHIELDS = Path(__file__).parent / "shields"
SECTIONS: dict[str, type] = {
    "board": BoardOptions,
    "modem": ModemOptions,
    "sim": SimOptions,
    "network": NetworkOptions,
    "radio": RadioOptions,
    "wifi": wifi.WifiOptions,
    "lora": LoraOptions,
}
# Words of faults with the keys of each, by point
FAULTS: dict[str, dict[str, type]] = {
    **faults.WORDS,
    "command": command_faults.WORDS,
    "time": {
        **faults.WORDS["time"],
        **modem_faults.WORDS,
        **dict.fromkeys(wifi.FAULT_WORDS, wifi.AccessPointFault),
    },
}


@dataclass
class Scenario:
    name: str = "good"
    description: str = ""
    board: BoardOptions = field(default_factory=BoardOptions)
    modem: ModemOptions = field(default_factory=ModemOptions)
    sim: SimOptions = field(default_factory=SimOptions)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    radio: RadioOptions = field(default_factory=RadioOptions)
    wifi: wifi.WifiOptions = field(default_factory=wifi.WifiOptions)
    lora: LoraOptions = field(default_factory=LoraOptions)
    chips: dict[str, Any] = field(default_factory=dict)  # as the chips understand it
    fault_tables: list[dict[str, Any]] = field(default_factory=list)

    @property
    def faults(self) -> list[Fault]:
        """Fresh faults for one board: they count what they have seen."""
        return [Fault.from_table(table) for table in self.fault_tables]


def names() -> list[str]:
    """Bundled scenarios."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name_or_path: str | Path) -> Scenario:
    """Read a scenario by name, or from a file (anything with a slash or the ending .toml)."""
    return from_table(*_read(name_or_path))


def shields() -> list[str]:
    """What the board can be plugged into: each is a file with tables of chips."""
    return sorted(path.stem for path in SHIELDS.glob("*.toml"))


def check_shield(name: str) -> None:
    if name and name not in shields():
        allowed = ", ".join(['""', *shields()])
        raise ValueError(f"[board] shield = {name!r}; allowed: {allowed}")


def shield_chips(name: str) -> dict[str, dict[str, Any]]:
    """The tables [chips.NAME] of what is on this shield, laid over those of one that it is `like`;
    "": none."""
    if not name:
        return {}
    given = tomllib.loads((SHIELDS / f"{name}.toml").read_text(encoding="utf-8"))
    return _merged(shield_chips(given.get("like", "")), given["chips"])


def table(name_or_path: str | Path) -> dict[str, Any]:
    """What the file itself holds, without the scenario that it is like."""
    return _read(name_or_path)[0]


def _read(name_or_path: str | Path) -> tuple[dict[str, Any], str]:
    given = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or "/" in given or given.endswith(".toml")
    path = Path(given) if is_path else FOLDER / (given + ".toml")
    if not path.is_file():
        near = difflib.get_close_matches(given.removesuffix(".toml"), names(), 1)
        nearest = f" (nearest: {near[0]})" if near else ""
        raise ValueError(f"no scenario {given!r}{nearest}; allowed: a file, {', '.join(names())}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), path.stem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"scenario {path}: {error}") from None


def from_table(table: dict[str, Any], name: str = "scenario") -> Scenario:
    """Build from what a TOML file holds."""
    rest = _whole(table)
    for key, value in rest.items():
        if key not in (*SECTIONS, "description", "chips", "fault"):
            allowed = ", ".join(("like", "description", *SECTIONS, "chips", "fault"))
            raise ValueError(f"unknown section or key {key!r}; allowed: {allowed}")
        if key in (*SECTIONS, "chips") and not isinstance(value, dict):
            raise ValueError(f"{key} = {value!r}; a table [{key}] is needed")
    fault_tables = rest["fault"]
    for fault in fault_tables:
        _check_fault(fault)
    sections: dict[str, Any] = {
        section: options.from_table(kind, rest.get(section, {}), f"[{section}]")
        for section, kind in SECTIONS.items()
    }
    check_shield(sections["board"].shield)
    description, chips = str(rest.get("description", "")), rest.get("chips", {})
    return Scenario(name, description, **sections, chips=chips, fault_tables=fault_tables)


def _whole(table: dict[str, Any], above: tuple[Any, ...] = ()) -> dict[str, Any]:
    """The table, laid over the one that it is `like`; `above` names those laid over this one."""
    rest, base = dict(table), {}
    if "like" in rest:
        like = rest.pop("like")
        if like in above:
            raise ValueError(f"like = {like!r}; a scenario that is not like itself is needed")
        base = _whole(_read(like)[0], (*above, like))
    base.pop("description", None)
    own = rest.get("fault", [])
    if not isinstance(own, list) or not all(isinstance(each, dict) for each in own):
        raise ValueError(f"fault = {own!r}; a list of tables is needed")
    return {**_merged(base, rest), "fault": base.get("fault", []) + own}


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def _check_fault(table: dict[str, Any]) -> None:
    fault = Fault.from_table(table)
    words = FAULTS[fault.point]
    if fault.do not in words:
        allowed = ", ".join(words)
        raise ValueError(f"fault: do = {fault.do!r} at point {fault.point!r}; allowed: {allowed}")
    kind = words[fault.do]
    known = [*own_keys(fault.point), *(each.name for each in fields(kind))]
    for key in fault.options:
        if key not in known:
            text = f"fault {fault.do}: unknown key {key!r}; allowed: {', '.join(known)}"
            raise ValueError(text)
    options.from_table(kind, fault.options, f"fault {fault.do}:")
