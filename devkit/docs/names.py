"""The part of docs/emulation.md that says which names of a board are emulated."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devkit.tables import markdown
from emulator import names
from emulator.board.board import Board
from emulator.names import Name
from emulator.vm.cpython import CpythonVm

BOARD, BUILD = "FiPy", "pybytes"  # which has all names but those of a GPy's pins

# There, and without the effect that they have on a board: what they do here
IMITATED = {
    "machine.SPI": "a bus with nothing on it, which reads ones",
    "machine.PWM": "checks its arguments; no pin changes",
    "machine.info": "prints a fixed text",
    "machine.ADC.vref_to_pin": "checks the pin",
    "network.Bluetooth.init": "nothing",
    "network.Bluetooth.deinit": "nothing",
    "network.WLAN.wifi_protocol": "all three; takes a setting",
    "network.Server": "the servers have their ports, and answer nobody",
    "socket.socket.setsockopt": "checks the value",
    "os.dupterm": "nothing",
    "pycom.sigfox_info": "False",
    "pycom.diff_update_enabled": "False",
    "pycom.pybytes_device_token": "empty: nobody has provisioned the board",
    "pycom.pybytes_mqttServiceAddress": "empty",
    "pycom.pybytes_userId": "empty",
    "pycom.pybytes_network_preferences": "empty",
    "pycom.pybytes_extra_preferences": "empty",
    "pycom.pybytes_force_update": "False",
    "pycom.pybytes_lte_config": "that of an erased config block",
    "pycom.smart_config_on_boot": "keeps the setting; Pybytes would read it",
    "_pybytes.Pybytes": "answers as on a board that nobody has provisioned",
    "micropython.mem_info": "prints a fixed text",
    "micropython.qstr_info": "prints a fixed text",
    "micropython.stack_use": "1024",
    "micropython.alloc_emergency_exception_buf": "nothing",
    "micropython.heap_lock": "nothing",
    "micropython.heap_unlock": "nothing",
    "micropython.kbd_intr": "nothing",
    "gc.enable": "only what isenabled() says",
    "gc.disable": "only what isenabled() says",
    "gc.threshold": "keeps the number",
}


def missing() -> dict[str, list[str]]:
    """Module as programs name it -> what of it is not emulated, constants aside; classes of which
    nothing is there are named once."""
    with tempfile.TemporaryDirectory() as folder:
        vm = CpythonVm(Board(name=BOARD, build=BUILD), Path(folder), lambda text: None)
        imports = vm.importer.imports
        found = {}
        for module, has in names.modules(BOARD, BUILD).items():
            if module != "__main__":
                whole = vars(vm.importer.loaded["__main__"]) if module == "builtins" else None
                whole = imports.builtin(module) if whole is None else whole["__builtins__"]
                found[usual(module)] = list(_lacking(whole, has))
        vm.shutdown()
    return found


def usual(module: str) -> str:
    """The name by which programs import a module."""
    aliases = names.table()[module].aliases
    return aliases[0] if aliases else module


def _lacking(whole: Any, has: dict[str, Name], above: str = "") -> Iterator[str]:
    for name, entry in has.items():
        if name.startswith("__") or entry.kind == names.CONSTANT:
            continue
        value = whole.get(name) if isinstance(whole, dict) else getattr(whole, name, None)
        if value is None or type(value).__name__ == "Missing":
            yield above + name
        elif entry.kind == names.CLASS and not above and not isinstance(whole, dict):
            yield from _lacking(value, entry.names, f"{name}.")


def table() -> str:
    """Rows of modules: which names are emulated, which only imitated, which missing."""
    whole, rows, gone = [], [], []
    for module, lacking in sorted(missing().items()):
        imitated = [
            name.partition(".")[2] for name in IMITATED if name.partition(".")[0] == module
        ]
        has = names.everywhere(names.weak().get(module, module))
        used = {
            name
            for name, entry in has.items()
            if entry.kind != names.CONSTANT and not name.startswith("__")
        }
        if used and used <= set(lacking):
            gone.append(module)
        elif imitated or lacking:
            rows.append([f"`{module}`", "all others", _code(imitated), _code(_brief(lacking))])
        else:
            whole.append(module)
    rows = [[_code(whole), "all", "", ""], *rows, [_code(gone), "constants", "", "all others"]]
    return markdown(["module", "emulated", "by name only", "missing"], rows)


def imitated() -> str:
    """What the names do that are there by name only."""
    return markdown(["name", "here"], [[f"`{name}`", does] for name, does in IMITATED.items()])


def _brief(lacking: list[str]) -> list[str]:
    """With the methods of a class in one word: A.b, A.c as A.b .c"""
    shown: list[str] = []
    for name in lacking:
        kind, _, method = name.partition(".")
        if method and shown and shown[-1].startswith(kind + "."):
            shown[-1] += f" .{method}"
        else:
            shown.append(name)
    return shown


def _code(items: list[str]) -> str:
    return ", ".join(f"`{item}`" for item in items)
