"""The first hour of a node: nobody can know the rate of its RTC before the second good time."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.soak.rig import Rig
from devkit.soak.server import Server
from devkit.soak.truth import Truth
from emulator.board.board import DEEPSLEEP_RESET

DATES = """
SELECT t.measured, t.value, h.value FROM readings t JOIN readings h USING (boot, seq)
WHERE t.name = 't' AND h.name = 'h'
"""


@pytest.mark.parametrize("drift", [3.0, -3.0])
@pytest.mark.parametrize("silent", [0, 3], ids=["at once", "after an outage"])
def test_measurements_of_the_first_hour_are_dated_right(
    tmp_path: Path, drift: float, silent: int
) -> None:
    table = {"board": {"rtc_drift": drift}, "network": {"nitz": False}}
    (tmp_path / "flash").mkdir()
    with Rig(tmp_path / "flash").board(table, 1, "nbiot", grown=False) as emulator:
        server, truth = Server(emulator, tmp_path, seed=1), Truth(emulator)
        with server:
            emulator.run()
            if silent:
                server.trouble = "silent"
                emulator.run(cycles=silent, cause=DEEPSLEEP_RESET)
                server.trouble = ""
            emulator.run(cause=DEEPSLEEP_RESET)
        first_us = truth.taken[0].at_us
        dates = server.rows(DATES)
        assert len(dates) == len(truth.taken) == silent + 2
        for measured, t, h in dates:
            taken = truth.of(t, h)
            assert taken is not None
            allowed_s = 2.5 + 0.01 * (taken.at_us - first_us) / 1e6
            assert measured == pytest.approx(server.utc_s(taken.at_us), abs=allowed_s)
