"""What docs/report.md says of a pack: its sequence number, and the units it leaves out.

base, seq = sequence(records)      # ("JArEMRjl:", 17), or ("", None): no report of ours
records = with_units(records)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from collector.senml import Record

SEQ = "seq"  # a number may also stand under the bare base name, which ends with MARK then
MARK = ":"
# the first two letters of each phase of node.py and networking/, and the time awake
_MS = ("in", "pr", "ac", "at", "co", "sc", "as", "jo", "re", "se", "de", "aw")
UNITS = {"rp": "dBm", "rq": "dB", "rs": "dBm", "sn": "dB", **dict.fromkeys(_MS, "ms")}


def sequence(records: Sequence[Record]) -> tuple[str, int | None]:
    """(base name, sequence number) of a pack as docs/report.md describes; ("", None): of another.

    It stands first, in a record that is called as the base name or has `seq` behind it.
    """
    for record in records[:1]:
        base = record.name if record.name.endswith(MARK) else record.name[: -len(SEQ)]
        numbered = base == record.name or record.name.endswith(SEQ)
        if numbered and type(record.value) is int and record.value >= 0:
            if all(each.name.startswith(base) for each in records) and record.value < 2**32:
                return base, record.value
    return "", None


def with_units(records: list[Record]) -> list[Record]:
    """A node leaves out the units of its own figures, to keep a report short."""
    base, seq = sequence(records)
    if seq is None or records[0].name != base:
        return records
    return [
        dataclasses.replace(record, unit=UNITS.get(record.name[len(base) :]))
        if record.unit is None
        else record
        for record in records
    ]
