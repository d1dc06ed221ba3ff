"""The template application on an emulated board: which bearers and protocols it can be given.

Everything is found by file, so that a new bearer or protocol needs no edit here:

networking/NAME.py       a bearer, told by the functions of its contract
protocols/NAME.py        a protocol, told by the NEEDS of its contract
devkit/bearers/NAME.py   optional: what a bearer needs other than the template's bearer
devkit/servers/NAME.py   optional: the server of a protocol; PORT if it has a usual one
emulator/chips/*.py      with `BEARER = "NAME"`: the radio of a bearer that hangs on pins
devkit/reference/        config.py as published: the template's own bearer, protocol, host, port
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.device_files import ROOT

# config.py as it is published, with which figures, documents and tests are made
REFERENCE = ROOT / "devkit" / "reference" / "config.py"
AUTO = "auto"  # value of _PROTOCOL: the bearer decides
KINDS = ("message", "datagram", "stream")  # of transport, in the order of networking/__init__.py
_AUTO = re.compile(r"^AUTO = (.+)", re.MULTILINE)
_TRANSPORT = re.compile(r"^def transport\(", re.MULTILINE)
_NEEDS = re.compile(r"^NEEDS = [\"'](message|datagram|stream)[\"']", re.MULTILINE)
_PORT = re.compile(r"^PORT = (\d+)", re.MULTILINE)
_SETTING = re.compile(r"^(_\w+) = [\"']?([^\s\"'#]+)", re.MULTILINE)
_RADIO_OF = re.compile(r"^BEARER = [\"'](\w+)[\"']", re.MULTILINE)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _published() -> dict[str, Any]:
    """The fields of REFERENCE that say where reports go."""
    found = dict(_SETTING.findall(_text(REFERENCE)))
    texts = {name: found[name] for name in ("_BEARER", "_PROTOCOL", "_HOST")}
    return {**texts, "_PORT": int(found["_PORT"])}


PUBLISHED = _published()


def bearers() -> list[str]:
    """Modules of networking/ with the functions of a bearer, the template's first."""
    return _with(_TRANSPORT, ROOT / "networking", PUBLISHED["_BEARER"])


def protocols() -> list[str]:
    """Modules of protocols/ that say which kind of transport they need, the plainest first."""
    found = _with(_NEEDS, ROOT / "protocols", "")
    return sorted(found, key=lambda name: (KINDS.index(transport(name)), name))


def resolved(bearer: str, protocol: str, root: Path = ROOT) -> str:
    """The protocol behind a value of `_PROTOCOL`. "auto": as named() in protocols/__init__.py, for
    the kinds of transport that the bearer's text names; "" without such a bearer."""
    if protocol != AUTO:
        return protocol
    file = root / "networking" / f"{bearer}.py"
    if not file.is_file():
        return ""
    kinds = _text(file)
    [table] = _AUTO.findall(_text(root / "protocols" / "__init__.py"))
    return next((name for kind, name in ast.literal_eval(table) if f'"{kind}"' in kinds), "")


def transport(protocol: str) -> str:
    """The kind of transport that a protocol needs: "message", "datagram" or "stream"."""
    found = _NEEDS.search(_text(ROOT / "protocols" / f"{protocol}.py"))
    assert found is not None, f"{protocol} is no protocol"
    return found[1]


def board(bearer: str) -> str:
    """The board that has the hardware of a bearer."""
    return str(_of_bearer(bearer, "BOARD", "GPy"))


def chips(bearer: str) -> dict[str, dict[str, Any]]:
    """The radio of a bearer that hangs on pins of the board, as tables for the Emulator."""
    files = sorted((ROOT / "emulator" / "chips").glob("[a-z]*.py"))
    return {path.stem: {} for path in files if bearer in _RADIO_OF.findall(_text(path))}


def settings(
    bearer: str, protocol: str, fields: Mapping[str, Any] = PUBLISHED
) -> dict[str, object]:
    """The fields to change for this bearer and protocol in a configuration that has `fields`."""
    changed: dict[str, object] = {}
    if bearer != fields["_BEARER"]:
        changed["_BEARER"] = bearer
    there = resolved(bearer, fields["_PROTOCOL"])
    if resolved(bearer, protocol) != there:
        changed["_PROTOCOL"] = protocol
        if port(protocol) != port(there):
            changed["_PORT"] = port(protocol)
    return changed


def configure(flash: Path, settings: dict[str, object]) -> None:
    """Change lines of config.py on this flash."""
    lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
    with (flash / "config.py").open("a", encoding="utf-8") as config:
        config.write("".join(["\n", *lines]))


def endpoint(bearer: str, protocol: str, fields: Mapping[str, Any] = PUBLISHED) -> tuple[str, int]:
    """Where payloads of a board go, as the emulated internet names it."""
    changed = {**fields, **settings(bearer, protocol, fields)}
    host, number = _of_bearer(bearer, "ENDPOINT", (changed["_HOST"], changed["_PORT"]))
    return host, number


def port(protocol: str) -> int:
    """The usual port of a protocol: as its server's file says, else the published one."""
    file = ROOT / "devkit" / "servers" / f"{protocol}.py"
    found = _PORT.search(_text(file)) if file.exists() else None
    return int(found[1]) if found else int(PUBLISHED["_PORT"])


def _of_bearer(bearer: str, name: str, default: Any) -> Any:
    module = f"devkit.bearers.{bearer}"
    if importlib.util.find_spec(module) is None:
        return default
    return getattr(importlib.import_module(module), name, default)


def _with(mark: re.Pattern[str], folder: Path, first: str) -> list[str]:
    found = [path.stem for path in folder.glob("[a-z]*.py") if mark.search(_text(path))]
    return sorted(found, key=lambda name: (name != first, name))
