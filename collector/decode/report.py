"""The measurements in a pack, and the units that a node's report leaves out (docs/report.md).

base, found = measurements(records)       # "JArEMRjl:", [Measurement(17, None, True, records)]
records = with_units(records)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector.decode.senml import Record

SEQ = "seq"  # the name of the number, unless it has the bare base name, which ends with BASE_END
BASE_END = ":"
SEQ_END, BOOT_END = 2**32, 2**16  # beyond the largest of each
BOOT, UNTIMED = "bo", "tu"
# the first two letters of each phase of node.py and networking/, and the time awake
_MS = ("in", "pr", "ac", "at", "co", "sc", "as", "jo", "re", "se", "de", "aw")
UNITS: dict[str, str | None] = {"rp": "dBm", "rq": "dB", "rs": "dBm", "sn": "dB"}
UNITS |= dict.fromkeys(_MS, "ms") | {"rn": "count", "ra": None, "gu": "count"}  # ra is a text
UNITS |= {BOOT: None, UNTIMED: None, "lk": None, "ps": None}
UNITS |= {"rl": None, "up": "%", "rj": None, "rc": None, "ch": None}  # rc and ch are texts


@dataclass(slots=True)
class Measurement:
    """The records that belong to one sequence number; all of a pack that has none."""

    seq: int | None
    boot: int | None  # as the node says; None: its current one
    timed: bool  # False: the node does not know when it was
    records: list[Record]  # the sequence number first; without BOOT and UNTIMED


def sequence_number(records: Sequence[Record]) -> tuple[str, int | None]:
    """Return (base name, sequence number), or ("", None) for a pack without such a number.

    The first record holds it; its name is the base name, alone or followed by `seq`.
    """
    for record in records[:1]:
        base = record.name if record.name.endswith(BASE_END) else record.name[: -len(SEQ)]
        numbered = base == record.name or record.name.endswith(SEQ)
        if numbered and _is_number(record):
            if all(each.name.startswith(base) for each in records):
                return base, int(record.value)  # type: ignore[arg-type]
    return "", None


def measurements(records: Sequence[Record]) -> tuple[str, list[Measurement]]:
    """Return the base name and the measurements of a pack.

    Each record with the name of the first and a whole number begins a measurement. A pack without
    a sequence number is one measurement of its base name, or of "" if it has several.
    """
    base, seq = sequence_number(records)
    if seq is None:
        bases = {each.base for each in records}
        return bases.pop() if len(bases) == 1 else "", [Measurement(None, None, True, [*records])]
    groups: list[list[Record]] = []
    for record in records:
        if record.name == records[0].name and _is_number(record):
            groups.append([record])
        else:
            groups[-1].append(record)
    return base, [_measurement(base, group) for group in groups]


def _measurement(base: str, group: list[Record]) -> Measurement:
    boot, timed, kept = None, True, []
    for record in group:
        mark = record.name[len(base) :] if group[0].name == base else ""
        if mark == BOOT and _is_number(record) and int(record.value) < BOOT_END:  # type: ignore
            boot = int(record.value)  # type: ignore[arg-type]
        elif mark == UNTIMED and isinstance(record.value, bool):
            timed = not record.value
        else:
            kept.append(record)
    return Measurement(int(group[0].value), boot, timed, kept)  # type: ignore[arg-type]


def _is_number(record: Record) -> bool:
    return type(record.value) is int and 0 <= record.value < SEQ_END


def with_units(records: list[Record]) -> list[Record]:
    """Add the units that a report leaves out to be short: those of the node's own figures and,
    behind the first measurement of a pack, that of the last record of the same name before."""
    base, seq = sequence_number(records)
    if seq is None or records[0].name != base:
        return records
    found: list[Record] = []
    said: dict[str, str | None] = {}
    later = False
    for record in records:
        name = record.name
        later = later or bool(found) and name == base and _is_number(record)
        unit = record.unit or later and said.get(name) or UNITS.get(name[len(base) :])
        said[name] = unit
        found.append(record._replace(unit=unit) if unit and not record.unit else record)
    return found
