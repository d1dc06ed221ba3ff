"""The sequence number of a node's report, and the units that it leaves out (docs/report.md).

base, seq = sequence_number(records)      # ("JArEMRjl:", 17); ("", None) for other packs
records = with_units(records)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from collector.senml import Record

SEQ = "seq"  # the name of the number, unless it has the bare base name, which ends with BASE_END
BASE_END = ":"
# the first two letters of each phase of node.py and networking/, and the time awake
_MS = ("in", "pr", "ac", "at", "co", "sc", "as", "jo", "re", "se", "de", "aw")
UNITS: dict[str, str | None] = {"rp": "dBm", "rq": "dB", "rs": "dBm", "sn": "dB"}
UNITS |= dict.fromkeys(_MS, "ms") | {"rn": "count", "ra": None}  # ra is a text


def sequence_number(records: Sequence[Record]) -> tuple[str, int | None]:
    """Return (base name, sequence number), or ("", None) for a pack without such a number.

    The first record holds it; its name is the base name, alone or followed by `seq`.
    """
    for record in records[:1]:
        base = record.name if record.name.endswith(BASE_END) else record.name[: -len(SEQ)]
        numbered = base == record.name or record.name.endswith(SEQ)
        if numbered and type(record.value) is int and record.value >= 0:
            if all(each.name.startswith(base) for each in records) and record.value < 2**32:
                return base, record.value
    return "", None


def with_units(records: list[Record]) -> list[Record]:
    """Add the units of the node's own figures, which a report leaves out to be short."""
    base, seq = sequence_number(records)
    if seq is None or records[0].name != base:
        return records
    return [
        dataclasses.replace(record, unit=UNITS.get(record.name[len(base) :]))
        if record.unit is None
        else record
        for record in records
    ]
