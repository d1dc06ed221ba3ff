"""The template application on an emulated board: which bearers and protocols it can be given.

Bearers and protocols are those whose files are there, told by what their contracts ask for. A new
file in networking/ or protocols/ needs no edit here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.device_files import ROOT

# config.py as it is published, with which figures, documents and tests are made
REFERENCE = ROOT / "devkit" / "reference" / "config.py"
DEFAULT_BEARER, DEFAULT_PROTOCOL = "nbiot", "udp"
# LoRaWAN knows no address: the network server hands payloads on to one that it was told
FORWARDED = ("lorawan.example", 5683)
PORTS = {"mqtt": 1883}  # of a protocol; all others have that of config.py
PORT = 5683
PUBLISHED: dict[str, Any] = {  # the fields of REFERENCE that say where reports go
    "_BEARER": DEFAULT_BEARER, "_PROTOCOL": DEFAULT_PROTOCOL, "_HOST": "192.0.2.1", "_PORT": PORT,
}  # fmt: skip
_TRANSPORT = re.compile(r"^def transport\(", re.MULTILINE)
_NEEDS = re.compile(r"^NEEDS = [\"'](message|datagram|stream)[\"']", re.MULTILINE)


def bearers(root: Path = ROOT) -> list[str]:
    """Modules of networking/ with the functions of a bearer, the template's first."""
    return _with(_TRANSPORT, root / "networking", DEFAULT_BEARER)


def protocols(root: Path = ROOT) -> list[str]:
    """Modules of protocols/ that say which kind of transport they need, the template's first."""
    return _with(_NEEDS, root / "protocols", DEFAULT_PROTOCOL)


def transport(protocol: str, root: Path = ROOT) -> str:
    """The kind of transport that a protocol needs: "message", "datagram" or "stream"."""
    text = (root / "protocols" / f"{protocol}.py").read_text("utf-8")
    found = _NEEDS.search(text)
    assert found is not None, f"{protocol} is no protocol"
    return found[1]


def _with(mark: re.Pattern[str], folder: Path, first: str) -> list[str]:
    found = [
        path.stem for path in folder.glob("[a-z]*.py") if mark.search(path.read_text("utf-8"))
    ]
    return sorted(found, key=lambda name: (name != first, name))


def board(bearer: str) -> str:
    """The board that has the hardware of a bearer."""
    return "FiPy" if bearer == "lora" else "GPy"


def settings(
    bearer: str, protocol: str, fields: Mapping[str, Any] = PUBLISHED
) -> dict[str, object]:
    """The fields to change for this bearer and protocol in a configuration that has `fields`."""
    changed: dict[str, object] = {}
    if bearer != fields["_BEARER"]:
        changed["_BEARER"] = bearer
    if protocol != fields["_PROTOCOL"]:
        changed["_PROTOCOL"] = protocol
        if protocol in PORTS or fields["_PROTOCOL"] in PORTS:
            changed["_PORT"] = PORTS.get(protocol, PORT)
    return changed


def configure(flash: Path, settings: dict[str, object]) -> None:
    """Change lines of config.py on this flash."""
    lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
    with (flash / "config.py").open("a", encoding="utf-8") as config:
        config.write("".join(["\n", *lines]))


def endpoint(bearer: str, protocol: str, fields: Mapping[str, Any] = PUBLISHED) -> tuple[str, int]:
    """Where payloads of a board go, as the emulated internet names it."""
    changed = {**fields, **settings(bearer, protocol, fields)}
    return FORWARDED if bearer == "lora" else (changed["_HOST"], changed["_PORT"])
