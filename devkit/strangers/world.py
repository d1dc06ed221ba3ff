"""The surroundings that a program expects, as a scenario: guessed from the text of its files.

Its access point with its password, a network server that knows its LoRaWAN key and region, a card
in the slot and a shield if it uses one. What a person would have set up before starting it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from emulator.board.standard import BoardOptions

_QUOTED = r"""\s*b?['"]([^'"\n]{%s})['"]"""
_SSID = re.compile(r"""(?:ssid\w*['"\]]*\s*(?:==?|[:,])|connect\()""" + _QUOTED % "1,32", re.I)
_PASSWORD = re.compile(
    r"""(?:(?:pass|pwd|psk|key|wpa)\w*['"]?\s*[:=,]|auth\s*=\s*\([^,\n]+,|,)""" + _QUOTED % "8,63",
    re.I,
)
_APP_KEY = re.compile(r"""(?:app|nwk)_?key\w*['"]?\s*[:=][^'"\n]*""" + _QUOTED % "32,60", re.I)
_REGION = re.compile(r"^[^#\n]*LoRa\.(EU868|US915|AU915|AS923|IN865)", re.M)
_HOST = re.compile(
    r"""['"](?:\w+://)?((?:[a-z0-9-]+\.)+[a-z]{2,}|(?:\d{1,3}\.){3}\d{1,3})(?=[:/'"])""", re.I
)
_NOT_HOSTS = re.compile(r"\.(?:py|txt|json|csv|pem|crt|key|bin|log|mpy|html?|md)$|^(?:0\.0|127\.)")
_PORT = re.compile(r"""(?:port\w*['"]?\s*[:=]|['"],|:)\s*(\d{2,5})\b""", re.I)
_PORTS = ("53", "80", "123", "443", "1700", "1883", "5683", "8080", "8883")
_SHIELD = re.compile(r"^[^#\n]*(?:(pysense|SI7006|LTR329|MPL3115)|pytrack|L76GNSS)", re.I | re.M)
_SECOND = re.compile(r"pycoproc_2|Shield2|Pytrack 2")
_MOST_POINTS, _MOST_HOSTS, _MOST_PORTS = 12, 16, 24


def scenario(texts: Sequence[str], card: Path) -> str:
    """A scenario file. card: an empty folder that may stand for an SD card."""
    text = "\n".join(texts)
    lines = ['like = "good"', "[board]"]
    shield = _shield(texts)
    if shield:
        lines.append(f'shield = "{shield}"')
    if re.search(r"\bSD\(", text):
        lines.append(f"sd = {json.dumps(str(card))}")
    region = _REGION.search(text)
    name = region[1] if region else "EU868"
    lines += ["[lora]", f'region = "{name}"', f'stored_region = "{name}"']
    keys = [re.sub(r"[^0-9A-Fa-f]", "", found) for found in _APP_KEY.findall(text)]
    key = next((key for key in keys if len(key) == 32), None)
    if key is not None:
        lines.append(f'devices = [{{ app_key = "{key}" }}]')
    points = _access_points(text)
    if points:
        lines += ["[wifi]", "access_points = ["]
        lines += [f"  {{ ssid = {json.dumps(ssid)}, {how} }}," for ssid, how in points]
        lines += ["]"]
    return "\n".join(lines) + "\n"


def _shield(texts: Sequence[str]) -> str:
    """The board that the program is plugged into, as the first file that names one says."""
    if "shield" not in {field.name for field in fields(BoardOptions)}:
        return ""
    found = next((found for text in texts if (found := _SHIELD.search(text))), None)
    if found is None:
        return ""
    kind = "pysense" if found[1] else "pytrack"
    return kind + "2" * any(map(_SECOND.search, texts))


def _access_points(text: str) -> list[tuple[str, str]]:
    """Each name with the nearest password behind it, open without one."""
    points: dict[str, str] = {}
    for found in _SSID.finditer(text):
        password = _PASSWORD.search(text, found.end(), found.end() + 300)
        shown = f"password = {json.dumps(password[1])}" if password else 'security = "open"'
        points.setdefault(found[1], shown)
    return list(points.items())[:_MOST_POINTS]


def routes(texts: Sequence[str], port: int) -> list[str]:
    """Routes from each host that the program names to a port of this computer."""
    text = "\n".join(texts)
    hosts = dict.fromkeys([*_HOST.findall(text), "pool.ntp.org"])
    named = [host for host in hosts if not _NOT_HOSTS.search(host)][:_MOST_HOSTS]
    ports = dict.fromkeys([*_PORTS, *_PORT.findall(text)])
    usable = [each for each in ports if 0 < int(each) < 65536][:_MOST_PORTS]
    return [f"{host}:{each}=127.0.0.1:{port}" for host in named for each in usable]
