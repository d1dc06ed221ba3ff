"""The picture of a run: which cycles it shows, and that those side by side can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit import cli
from devkit.plot import draw
from emulator.board.meter import Change
from emulator.cycle import Cycle, Phase

COLD = Cycle("power_on", 0, cause="attached", awake_ms=12_000, energy_mj=4321.0,
             phases=[Phase("boot", 0, 1000), Phase("attachment", 3000, 6000)])  # fmt: skip
RESUMED = Cycle("deepsleep", 900_000_000, cause="attached", awake_ms=2_000, energy_mj=980.0,
                phases=[Phase("boot", 0, 900), Phase("attachment", 900, 0)])  # fmt: skip
TIMELINE = [
    Change(0, "esp", "run", 40.0),
    Change(4_000_000, "radio", "tx", 160.0),
    Change(5_000_000, "radio", "off", 0.0),
    Change(12_000_000, "esp", "deepsleep", 0.0),
    Change(900_000_000, "esp", "run", 40.0),
    Change(902_000_000, "esp", "deepsleep", 0.0),
]


def panels(monkeypatch: pytest.MonkeyPatch, chosen: dict[int, str]) -> list[Any]:
    from matplotlib.figure import Figure  # a second, of each worker that collects this file

    kept: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, dpi: kept.append(self))
    draw(TIMELINE, [COLD, COLD, RESUMED], Path("run.png"), "a run", chosen)
    [figure] = kept
    figure.canvas.draw()
    return figure.axes


def seconds_an_inch(axes: Any) -> float:
    begin, end = axes.get_xlim()
    return float((end - begin) / axes.get_window_extent().width * axes.figure.dpi)


def test_cycles_side_by_side_have_the_same_scales_and_their_energies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = panels(monkeypatch, {2: "cold", 3: ""})
    assert first.get_position().y0 == second.get_position().y0
    assert first.get_position().x1 < second.get_position().x0
    assert seconds_an_inch(first) == pytest.approx(seconds_an_inch(second), rel=0.02)
    assert first.get_ylim() == second.get_ylim() and first.get_ylim()[1] > 200
    assert [axes.get_title("left").split("\n") for axes in (first, second)] == [
        ["cycle 2: cold", "awake 12000 ms", "4.32 J"],
        ["cycle 3: attached", "awake 2000 ms", "0.98 J"],
    ]
    assert [text.get_text() for text in second.texts] == ["boot"]  # what did not happen: no name


def test_all_cycles_are_below_one_another_each_with_its_own_scales(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, _, second = panels(monkeypatch, {})
    assert first.get_position().y0 > second.get_position().y1
    assert first.get_xlim()[1] > second.get_xlim()[1] and first.get_ylim() > second.get_ylim()
    assert first.get_title("left") == "cycle 1: attached, awake 12000 ms, 4.32 J"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--plot-cycles", "1"], "--plot-cycles without a picture; allowed: with --plot FILE.png"),
        (["--plot", "x.png", "--plot-cycles", "1", "4"], "--plot-cycles 4; allowed: 1 to 3"),
    ],
)
def test_cycles_that_cannot_be_drawn_are_refused_before_the_run(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", *arguments]) == 2
    out, err = capsys.readouterr()
    assert said in err and not out
