"""What the modem keeps without power: survives resets of the ESP32 and reboots of the modem.

A factory reset (AT&F, +SQNSFACTORYRESET) brings the factory values back.
"""

from __future__ import annotations

from typing import Any

from emulator.scenario import ModemOptions

# T3412 of 3 minutes and T3324 of 1 minute: what units were found with from the factory
FACTORY_TAU, FACTORY_ACTIVE = "10100011", "00100001"


def factory() -> dict[str, Any]:
    return {
        "cereg": 0,
        "creg": 0,
        "cgreg": 0,
        "cmee": 0,
        "contexts": {1: {"type": "IP", "apn": ""}},
        "auth": {},
        "cpsms": {"mode": 0, "tau": FACTORY_TAU, "active": FACTORY_ACTIVE},
        "edrx": {"mode": 0, "act": 5, "value": "", "ptw": ""},
        "carrier": "standard",
        "bands": [3, 8, 20],
        "autostart": False,
        "profile": {"echo": True, "quiet": False, "verbose": True},
        "ibr": [0, 100],
        "ips": [1, 5000],
        "ri": [0, 0, 1000],
        "ctzu": 1,
        "ctzr": 0,
        "known_cell": False,
        "files": {},
    }


def delivered(options: ModemOptions) -> dict[str, Any]:
    """As the scenario finds the unit: factory values and what was stored since."""
    nv = factory()
    nv["cereg"], nv["creg"], nv["cmee"] = options.cereg, options.creg, options.cmee
    nv["carrier"] = options.carrier
    nv["bands"] = list(options.bands)
    nv["autostart"] = options.autostart
    nv["contexts"][1] = {"type": options.pdp_type, "apn": options.apn}
    return nv
