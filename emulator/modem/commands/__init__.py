"""The families of AT commands of this modem: one file each, listed here.

A new family is a new file and a new row. A row names module and class, so that nothing is
imported before a modem is built.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from emulator.modem.family import Family

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

# Hooks are called in this order: registration tells the host first, the rest reacts
FAMILIES = (
    ("commands.registration", "Registration"),
    ("commands.connection", "Connection"),
    ("commands.general", "General"),
    ("commands.port", "Port"),
    ("commands.identity", "Identity"),
    ("commands.simcard", "SimCard"),
    ("commands.functionality", "Functionality"),
    ("commands.operator", "Operator"),
    ("commands.packet", "Packet"),
    ("commands.signal", "SignalQuality"),
    ("commands.powersaving", "PowerSaving"),
    ("commands.clock", "NetworkClock"),
    ("commands.manufacturing", "Manufacturing"),
    ("commands.data", "DataMode"),
    ("commands.lookup", "Lookup"),
    ("sockets.dial", "Dialling"),
    ("sockets.config", "Configuration"),
    ("sockets.send", "Sending"),
    ("sockets.receive", "Receiving"),
    ("sockets.serve", "Serving"),
)


def families(modem: Modem) -> list[Family]:
    """Build every family for this modem."""
    built: list[Family] = []
    for module_name, class_name in FAMILIES:
        module = importlib.import_module(f"emulator.modem.{module_name}")
        built.append(getattr(module, class_name)(modem))
    return built
