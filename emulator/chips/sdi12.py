"""A probe that speaks SDI-12; several may hang on one wire (emulator/chips/sdi12_wire.py).

[chips.soil]
kind = "sdi12"
model = "teros12"          # teros11, acclima, implexx, enviropro; or values = [1.1, 2.2] for any
address = "0"
moisture_percent = 24.5    # the truths are named in emulator/chips/sdi12_models.py
supply_pin = "P11"
drv_in_pin = "P3"          # also rcv_out_pin, direction_pin ("" for none)
wake_ms = 0                # from break to listening, 100 at most; also the faults of the class

How it behaves stands in emulator/chips/sdi12_probe.py.
"""

from __future__ import annotations

import re
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.options import refuse
from emulator.chips.sdi12_models import MODELS, plain
from emulator.chips.sdi12_probe import Probe
from emulator.chips.sdi12_wire import DEFAULT_PINS, Wire

INTERFACE = "SDI-12"
LINE = ("sdi12", {"drv_in_pin": "P3", "rcv_out_pin": "P4", "direction_pin": "P8",
                  "vcc_pin": "P11", "probe": "teros12"})  # fmt: skip
KEYS = {"probe": "model"}
UNSAID = {"direction_pin": ""}  # of a line that does not say it

_PINS = ("drv_in_pin", "rcv_out_pin", "direction_pin")


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """Hang a probe on its wire, as the module's docstring shows."""
    address = table.pop("address", "0")
    if not (isinstance(address, str) and re.fullmatch("[0-9a-zA-Z]", address)):
        refuse(name, "address", address, "one of 0-9, a-z, A-Z")
    values = table.pop("values", None)
    kind = table.pop("model", "teros12")
    if values is not None:
        model = plain(len(values), int(table.pop("seconds", 1)))
        table.update(zip((value.key for value in model.values), values, strict=True))
    elif kind in MODELS:
        model = MODELS[kind]
    else:
        refuse(name, "model", kind, f"{', '.join(MODELS)}, or values")
    pins = [table.pop(key, default) for key, default in zip(_PINS, DEFAULT_PINS, strict=True)]
    for key, pin in zip(_PINS, pins, strict=True):
        if pin or key != "direction_pin":
            plugging.check_pin(board, name, key, pin)
    truths = [
        plugging.truth(board, name, table, value.key, value.mean, value.swing)
        for value in model.values
    ]
    wire = Wire.of(board, (pins[0], pins[1], pins[2] or None))
    probe = plugging.made(
        Probe, board, name, table, wire=wire, model=model, truths=truths, address=address
    )
    plugging.supply(board, name, table, probe.power)
