"""Who may know whom: imports point downward.

    boot, main, node     anything on the device
    networking, sensors, protocols
                         utils, lib, their own __init__.py and their own parts; never a sibling
    lib                  utils
    utils                utils and the firmware
    any device code      never devkit or tests
    emulator/firmware      `_board` and each other: the only door to the board
    emulator/board         emulator/board: modem and chips are plugged into it, not known by name

Besides: in device code only utils/timing.py asks for ticks or sleeps, and only
utils/microseconds.py waits for and measures microseconds.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from devkit.checks import sources

GROUPS = ("networking", "sensors", "protocols")
TIMING = "utils/timing.py"
MICROSECONDS = "utils/microseconds.py"
_TICKS = {"ticks_ms", "ticks_us", "ticks_cpu", "ticks_add", "ticks_diff"}
_SLEEPS = {"sleep", "sleep_ms", "sleep_us"}
_CLOCKS = {"time", "utime", "machine"}


def problems(root: Path, names: list[str]) -> list[str]:
    found = []
    modules = {name.removesuffix(".py") for name in sources.all_files(root)}
    for name in names:
        try:
            tree = ast.parse((root / name).read_text(encoding="utf-8"))
        except SyntaxError:
            continue  # said by other checks
        findings = list(_directions(tree, name, modules))
        if sources.is_device(name) and name != TIMING:
            own = {"sleep_us", "ticks_cpu", "ticks_diff"} if name == MICROSECONDS else set()
            findings += _clock_use(tree, (_TICKS | _SLEEPS) - own)
        found += [f"{name}:{line}: {what}" for line, what in sorted(set(findings))]
    return found


def imported(tree: ast.Module, name: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of all that a file imports; members of packages included."""
    package = PurePosixPath(name).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def _directions(tree: ast.Module, name: str, modules: set[str]) -> Iterator[tuple[int, str]]:
    for line, target in imported(tree, name):
        parts = target.split(".")
        path = "/".join(parts)
        if path not in modules and path + "/__init__" not in modules:
            parts = parts[:-1] or parts  # `from sensors import SensorError`: a name, not a module
        why = forbidden(name, parts)
        if why:
            yield line, f"imports {target}: {why}"


def forbidden(name: str, target: list[str]) -> str:
    """Why the file `name` must not import the dotted name `target`; "" if it may."""
    if sources.is_device(name):
        if target[0] in ("collector", "devkit", "emulator", "tests"):
            return "device code never knows the computer's side"
        return _forbidden_on_device(name, target)
    if sources.is_firmware(name) and target[0] in ("collector", "devkit", "emulator", "tests"):
        return "the firmware meets the board through _board only"
    if name.startswith("emulator/board/") and target[0] == "emulator" and target[1:2] != ["board"]:
        return "the board knows nothing that is plugged into it"
    return ""


def _forbidden_on_device(name: str, target: list[str]) -> str:
    parts = PurePosixPath(name).parts
    group = parts[0]
    if target[0] in ("main", "boot", "node") and len(parts) > 1:
        return "nothing knows the application"
    if group in ("utils", "lib"):
        if target[0] in GROUPS or target[0] == "config":
            return f"{group} knows only utils and the firmware"
    elif group in GROUPS and target[0] in GROUPS:
        if target[0] != group:
            return f"{group} and {target[0]} do not know each other"
        if len(target) > 1 and not _same_component(parts[1], target[1]):
            return f"members of {group} do not know each other"
    elif group in GROUPS and target[0] == "config":
        return "the configuration is handed in"
    return ""


def _same_component(file: str, member: str) -> bool:
    """Parts of one component share the first word (nbiot.py, nbiot_scripts.py, nbiot/); what
    begins with an underscore is no plug-in but a part that a group keeps to itself."""
    if member.startswith("_"):
        return True
    if file == "__init__.py":
        return False

    def first(text: str) -> str:
        return text.removesuffix(".py").lstrip("_").split("_")[0]

    return first(file) == first(member)


def _clock_use(tree: ast.Module, names: set[str]) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in _CLOCKS and node.attr in names:
                found.append((node.lineno, f"{node.value.id}.{node.attr}"))
        elif isinstance(node, ast.ImportFrom) and node.module in _CLOCKS:
            found += [
                (node.lineno, f"{node.module}.{alias.name}")
                for alias in node.names
                if alias.name in names
            ]
    return [(line, f"uses {what}; waiting and ticks belong to {TIMING}") for line, what in found]
