"""The template application on an emulated board: which bearers and protocols it can be given.

Everything is found by file, so that a new bearer or protocol needs no edit here:

networking/NAME.py       a bearer, told by the functions of its contract
protocols/NAME.py        a protocol, told by the NEEDS of its contract
devkit/bearers/NAME.py   optional: what a bearer needs other than the template's bearer
devkit/servers/NAME.py   optional: the server of a protocol; PORT if it has a usual one
emulator/chips/*.py      with `BEARER = "NAME"`: the radio of a bearer that hangs on pins
config.py                the template's own bearer, protocol, host and port
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from typing import Any

from emulator.device_files import ROOT

_TRANSPORT = re.compile(r"^def transport\(", re.MULTILINE)
_NEEDS = re.compile(r"^NEEDS = [\"'](message|datagram|stream)[\"']", re.MULTILINE)
_PORT = re.compile(r"^PORT = (\d+)", re.MULTILINE)
_RADIO_OF = re.compile(r"^BEARER = [\"'](\w+)[\"']", re.MULTILINE)
_SETTING = r"^{} = [\"']?([^\s\"'#]+)"


class NoSetting(Exception):
    """config.py lacks a line that the workbench reads; the text says which."""


def default_bearer() -> str:
    return _template("_BEARER")


def default_protocol() -> str:
    return _template("_PROTOCOL")


def bearers() -> list[str]:
    """Modules of networking/ with the functions of a bearer, the template's first."""
    return _with(_TRANSPORT, ROOT / "networking", default_bearer())


def protocols() -> list[str]:
    """Modules of protocols/ that say which kind of transport they need, the template's first."""
    return _with(_NEEDS, ROOT / "protocols", default_protocol())


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


def settings(bearer: str, protocol: str) -> dict[str, object]:
    """The lines of config.py that differ from the template's."""
    changed: dict[str, object] = {}
    if bearer != default_bearer():
        changed["_BEARER"] = bearer
    if protocol != default_protocol():
        changed["_PROTOCOL"] = protocol
    if port(protocol) != int(_template("_PORT")):
        changed["_PORT"] = port(protocol)
    return changed


def configure(flash: Path, settings: dict[str, object]) -> None:
    """Change lines of config.py on this flash."""
    lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
    with (flash / "config.py").open("a", encoding="utf-8") as config:
        config.write("".join(["\n", *lines]))


def endpoint(bearer: str, protocol: str) -> tuple[str, int]:
    """Where payloads of a board go, as the emulated internet names it."""
    host, number = _of_bearer(bearer, "ENDPOINT", (_template("_HOST"), port(protocol)))
    return host, number


def port(protocol: str) -> int:
    """The usual port of a protocol; without one, and for the template's protocol, config.py's."""
    file = ROOT / "devkit" / "servers" / f"{protocol}.py"
    found = _PORT.search(_text(file)) if file.exists() else None
    if found is None or protocol == default_protocol():
        return int(_template("_PORT"))
    return int(found[1])


def _template(name: str) -> str:
    """The value of a setting in config.py, which need not be free of mistakes elsewhere."""
    found = re.search(_SETTING.format(name), _text(ROOT / "config.py"), re.MULTILINE)
    if found is None:
        raise NoSetting(f"config.py has no line {name} = ...; allowed: a file with that line")
    return found[1]


def _of_bearer(bearer: str, name: str, default: Any) -> Any:
    module = f"devkit.bearers.{bearer}"
    if importlib.util.find_spec(module) is None:
        return default
    return getattr(importlib.import_module(module), name, default)


def _with(mark: re.Pattern[str], folder: Path, first: str) -> list[str]:
    found = [path.stem for path in folder.glob("[a-z]*.py") if mark.search(_text(path))]
    return sorted(found, key=lambda name: (name != first, name))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
