"""Signal figures from indexes: the tables of 3GPP TS 27.007 8.5 (+CSQ) and 8.69 (+CESQ)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes

MakeDevice = Callable[..., Device]
LEVELS = {  # (rssi, rsrq, rsrp) indexes -> (RSSI dBm, RSRP dBm, RSRQ dB), low edges
    ("0", "0", "0"): [-113, -141, -20],
    ("31", "34", "97"): [-51, -44, -3],
    ("32", "35", "98"): [-1, -1, -1],
    ("99", "255", "255"): [-1, -1, -1],
    ("21", "19", "51"): [-71, -90, -10.5],
    ("-1", "x", ""): [-1, -1, -1],
}


def test_figures_of_indexes(make_device: MakeDevice) -> None:
    lines = [
        [f"+CSQ: {rssi},99", f"+CESQ: 99,99,255,255,{rsrq},{rsrp}"] for rssi, rsrq, rsrp in LEVELS
    ]
    [found] = make_device().run(
        """
        from networking import _nbiot_levels
        show([_nbiot_levels.read(each) for each in given()])
        """,
        lines,
    )
    assert found == list(LEVELS.values())


def test_what_an_answer_lacks_is_unknown(make_device: MakeDevice) -> None:
    [found] = make_device().run(
        "from networking import _nbiot_levels\nshow(_nbiot_levels.read(['+CESQ: 99,99', 'OK']))"
    )
    assert found == [-1, -1, -1]
