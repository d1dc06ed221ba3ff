"""How long a battery lasts, from what one report costs as measured, sleep included.

A report costs what board and modem take from one reset to the next, less what they take asleep in
that time. With another period nothing but the sleep changes. A node that resumes its registration
attaches all the same once in a while, for the time, if its protocol does not tell it: that counts.
Beside them stand reports of others, as published, with the sleep of this board, of which they say
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from devkit.bench.cases import STARTS, Case
from emulator.board.meter import RAIL_VOLT
from emulator.emulator import DEEPSLEEP_MA
from emulator.modem.power import OFF_MA

BATTERY_MJ = 12_800_000  # of a LiPo with 1200 mAh at 3.7 V, 80 % of which are of use
PERIODS_S = {300: "5 min", 900: "15 min", 3600: "1 h", 21600: "6 h"}
SLEEP_MW = RAIL_VOLT * (DEEPSLEEP_MA + OFF_MA)
DAY_S = 86_400
TIME_S = 21_600  # a node asks for the time so often (utils/clock.py)
PROTOCOL = "udp"  # as in the published figures nothing is waited for
SHOWN = {start.name: start.shown for start in STARTS}
WAYS = (("lte", "cold"), ("uart", "cold"), ("uart", "resumed"), ("uart", "resumed_rai"))


@dataclass(frozen=True)
class Published:
    name: str
    mj: int  # a report
    source: str


PUBLISHED = (
    Published("nRF9160, power saving mode and RAI, 200 bytes", 270, "boaks/zephyr-coaps-client, "
        "docu/POWERCONSUMPTION.md: whole board, commercial networks"),
    Published("SARA-N2 or BC95, 64 bytes, lower figure", 360, "Martinez et al., IEEE Internet of "
        "Things Journal 2019: the modem alone, connection released at once, read off a plot"),
    Published("SARA-N2 or BC95, 128 bytes, upper figure", 440, "the same"),
)  # fmt: skip


def counts(case: Case) -> bool:
    """Its row is one of those that `rows` needs."""
    way = case.link, case.start
    return way in WAYS and (case.protocol, case.coverage) == (PROTOCOL, "good")


def rows(measured: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """From rows of reports over the links in good coverage."""
    found = {
        (row["link"], row["start"]): row["report_mj"]
        for row in measured
        if row["protocol"] == PROTOCOL and row["coverage"] == "good"
    }
    ours = [
        _row(f"{link}, {SHOWN[start]}", found[link, start], "measured here", found[link, "cold"])
        for link, start in WAYS
    ]
    return ours + [_row(each.name, each.mj, each.source) for each in PUBLISHED]


def _row(name: str, report_mj: float, source: str, attaching_mj: float = 0) -> dict[str, Any]:
    """attaching_mj: what a report costs that attaches for the time; 0: none does."""
    more_mj = max(0.0, attaching_mj - report_mj)
    days = {}
    for period_s in PERIODS_S:
        each_mj = report_mj + SLEEP_MW * period_s + more_mj * min(1.0, period_s / TIME_S)
        days[str(period_s)] = round(BATTERY_MJ / each_mj * period_s / DAY_S)
    return {"scenario": name, "report_mj": round(report_mj), "days": days, "source": source}
