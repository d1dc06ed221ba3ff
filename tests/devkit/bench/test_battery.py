"""Days on a battery follow from what a report costs and from the sleep."""

from __future__ import annotations

import pytest

from devkit.bench import battery

ROW = {"protocol": "udp", "coverage": "good"}


def rows(**report_mj: float) -> dict[str, dict[str, object]]:
    measured = [
        {**ROW, "link": link, "start": start, "report_mj": report_mj[f"{link}_{start}"]}
        for link, start in battery.WAYS
    ]
    ignored = {**measured[0], "protocol": "coap", "report_mj": 1.0}
    return {row["scenario"]: row for row in battery.rows([*measured, ignored])}


FOUND = rows(lte_cold=4000, uart_cold=3000, uart_resumed=1400, uart_resumed_rai=900)


@pytest.mark.parametrize(
    ("name", "days"),
    [
        # 12.8 kJ / (4 J + 0.0888 mW x period) x period
        ("lte, cold", {"300": 11, "900": 33, "3600": 123, "21600": 541}),
        # and of (3 - 1.4) J the share of the period in six hours, for the attach for the time
        ("uart, resumed", {"300": 31, "900": 86, "3600": 268, "21600": 651}),
        ("nRF9160, power saving mode and RAI, 200 bytes",
         {"300": 150, "900": 381, "3600": 904, "21600": 1462}),
    ],
)  # fmt: skip
def test_days(name: str, days: dict[str, int]) -> None:
    assert FOUND[name]["days"] == days


def test_each_figure_of_others_has_its_source() -> None:
    published = [row for row in FOUND.values() if row["source"] != "measured here"]
    assert len(FOUND) == len(battery.WAYS) + len(published) and len(published) == 3
