"""Words for the names in reports, which are short to save bytes.

label("rp", "dBm")      # "RSRP, signal power"
label("roof.t2")        # "roof: temperature 2"
label("soil")           # "soil": a name that is not known

The names are those of docs/report.md and of the sensor drivers (docs/sensors.md).
"""

from __future__ import annotations

import re

CAUSE_END = "_e"  # of the name of a record with the cause of a missing value

WORDS = {
    # Measurements
    "t": "temperature", "h": "humidity", "p": "pressure", "v": "voltage", "el": "charge",
    "i": "current", "w": "power", "lx": "light", "g": "gas resistance", "co2": "CO2",
    "raw": "counts", "vwc": "soil moisture", "ec": "conductivity",
    "ecp": "conductivity of the pore water", "er": "permittivity", "s": "salinity",
    "sf": "sap flow", "vo": "outer sap velocity", "vi": "inner sap velocity",
    "ro": "outer log ratio", "ri": "inner log ratio",
    # The node's own figures
    "rp": "RSRP, signal power", "rq": "RSRQ, signal quality", "rs": "RSSI, signal strength",
    "sn": "SNR, signal to noise", "lk": "modem reached by UART", "ps": "modem may not rest",
    "gu": "measurements given up", "rl": "release", "up": "update fetched",
    "rj": "release rejected", "rc": "cause of the rejection", "ch": "changed by hand",
    "rn": "resets", "ra": "step of the last reset", "aw": "time awake",
    "at": "attachment", "co": "connection", "as": "association", "jo": "join",
    "re": "resumption", "in": "initialization", "pr": "preparation", "ac": "activation",
    "sc": "scan", "se": "sending", "de": "deactivation",
}  # fmt: skip
_WITH_UNIT = {("w", "kg"): "weight"}


def label(name: str, unit: str | None = None) -> str:
    """Return words for a name without its base name; the name itself if it is not known."""
    if name.endswith(CAUSE_END) and len(name) > len(CAUSE_END):
        return f"{label(name[: -len(CAUSE_END)])}: cause"
    whose, dot, short = name.rpartition(".")
    words = _words(short, unit)
    if words is None:
        return name
    return f"{whose}: {words}" if dot else words


def _words(short: str, unit: str | None) -> str | None:
    """Return the words for `t`, and with a number for `t2` and `co2_2`."""
    found = _WITH_UNIT.get((short, unit or "")) or WORDS.get(short)
    numbered = re.fullmatch(r"(.*?[a-z])([2-9]|[1-9][0-9])|(.*[0-9])_([0-9]+)", short)
    if found is None and numbered is not None:
        bare, number = numbered[1] or numbered[3], numbered[2] or numbered[4]
        words = WORDS.get(bare)
        found = f"{words} {number}" if words else None
    return found
