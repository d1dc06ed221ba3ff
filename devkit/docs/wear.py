"""Flash erases of the journal a day, counted on the emulated board (docs/journal.md).

A node with a period of 15 minutes and six values in a measurement runs until its journal has been
filled and goes round; then a day is counted.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from devkit.soak.powercuts import Life, Plan
from emulator.board.board import PWRON_RESET
from emulator.board.nvs import ENTRIES_PER_PAGE

COLUMNS = (
    "`_KEEP`", "file system", "reports", "data", "folders", "FAT table", "NVS pages",
    "one sector at most", "100,000 erases take",
)  # fmt: skip
DAY = 96  # cycles
BEFORE = 480  # until segments are used again
ENDURANCE = 100_000  # erases of a sector: data sheet of the W25Q64JV
# a cycle tries in so many; in an outage the back-off makes it 12 attempts a day or fewer
NETWORK = {"delivered": (True, 1), "no network, 12 attempts": (False, 8)}
NVS_PAGES = 7
FAT_SEGMENTS = 8  # four, in two copies each; LittleFS writes data to any free sector


CASES = [
    (keep, filesystem, name)
    for keep in ("rtc", "flash")
    for filesystem in ("littlefs", "fat")
    for name in NETWORK
]


def row(keep: str, filesystem: str, name: str) -> tuple[str, ...]:
    online, every = NETWORK[name]
    plan = Plan(keep, filesystem, send_every=every, online=(online,), cycles=BEFORE + DAY)
    with tempfile.TemporaryDirectory(prefix="wear-") as folder:
        worn, entries = _day(Path(folder) / "flash", plan)
    return keep, filesystem, name, *_figures(filesystem, worn, entries)


def _day(flash: Path, plan: Plan) -> tuple[Counter[tuple[str, str]], int]:
    """Sectors erased in a day by area and place, and entries written to NVS."""
    life = Life(flash, 1, plan, [])
    services: Any = life.board.services
    cause: int | None = PWRON_RESET
    for cycle in range(BEFORE + DAY):
        if cycle == BEFORE:
            before, entries = Counter(services["flash"].worn), services["nvs"].written
        assert cause is not None
        cause = life.start(cause)
    return services["flash"].worn - before, services["nvs"].written - entries


def _figures(filesystem: str, worn: Counter[tuple[str, str]], entries: int) -> tuple[str, ...]:
    areas: Counter[str] = Counter()
    for (area, _), count in worn.items():
        areas[area] += count
    # LittleFS writes the two sectors of a folder in turn. The place of a folder in the turn comes
    # again after 1.5 days or more: the mean of the four counts.
    folders = 4 if filesystem == "littlefs" else 8
    most = [areas["folder"] / folders / (2 if filesystem == "littlefs" else 1)]
    if filesystem == "fat":
        most += [areas["data"] / FAT_SEGMENTS, areas["table"]]
    pages = entries / ENTRIES_PER_PAGE
    years = ENDURANCE / max(*most, pages / NVS_PAGES) / 365
    shown = (areas["data"], areas["folder"], areas["table"])
    return (
        *(str(count) for count in shown),
        f"{pages:.1f}",
        f"{max(most):.0f}",
        f"{years:.0f} years" if years < 100 else "more than 100 years",
    )
