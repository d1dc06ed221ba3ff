"""The picture of a run: current over time, with the phases of each cycle named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emulator.board.meter import Change
from emulator.cycle import Cycle

COLOURS = ("#dbe9f6", "#e5f5e0", "#fee6ce", "#efedf5", "#fde0dd", "#f0f0d8")
_WIDTH = 11  # inches
_BEHIND_S = 0.5  # shown of the sleep


def total_current(timeline: Sequence[Change]) -> tuple[list[float], list[float]]:
    """Seconds and mA of the sum of all domains, one point per change."""
    drawn: dict[str, float] = {}
    seconds: list[float] = []
    milliamps: list[float] = []
    for change in timeline:
        drawn[change.domain] = change.milliamps
        seconds.append(change.at_us / 1e6)
        milliamps.append(sum(drawn.values()))
    return seconds, milliamps


def draw(
    timeline: Sequence[Change],
    cycles: Sequence[Cycle],
    path: Path,
    title: str,
    chosen: Mapping[int, str],
) -> None:
    """Write the picture to `path`; the suffix chooses the format.

    chosen: {number of a cycle: its label, "" for the outcome}: these side by side, with the same
    scales of time and current. Empty: all of them below one another, each with scales of its own.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    numbers = list(chosen) or range(1, len(cycles) + 1)
    shown = [cycles[number - 1] for number in numbers]
    rows, columns = (1, len(shown)) if chosen else (len(shown), 1)
    figure, grid = pyplot.subplots(
        rows, columns, sharey=bool(chosen), squeeze=False, constrained_layout=True,
        figsize=(_WIDTH, 3.6 if chosen else 2.9 * rows),
        gridspec_kw={"width_ratios": [_span_s(cycle) for cycle in shown[:columns]]},
    )  # fmt: skip
    figure.suptitle(title)
    seconds, milliamps = total_current(timeline)
    for number, cycle, axes in zip(numbers, shown, grid.flat, strict=True):
        start_s = cycle.started_us / 1e6
        axes.step([at - start_s for at in seconds], milliamps, where="post", linewidth=0.9)
        alike = shown if chosen else [cycle]
        most = max(drawn for each in alike for drawn in _within(seconds, milliamps, each))
        axes.set_xlim(0, _span_s(cycle))
        axes.set_ylim(0, 1.25 * max(1.0, most))
        said = chosen.get(number) or cycle.cause or cycle.ended
        lines = [f"cycle {number}: {said}", f"awake {cycle.awake_ms} ms",
                 f"{cycle.energy_mj / 1000:.2f} J"]  # fmt: skip
        axes.set_title(("\n" if chosen else ", ").join(lines), fontsize=9, loc="left")
        _name_phases(axes, cycle)
    for axes in grid[:, 0]:
        axes.set_ylabel("mA at 3.7 V")
    figure.supxlabel("seconds since the start of the cycle", fontsize="medium")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _span_s(cycle: Cycle) -> float:
    return cycle.awake_ms / 1000 + _BEHIND_S


def _within(seconds: list[float], milliamps: list[float], cycle: Cycle) -> list[float]:
    start_s = cycle.started_us / 1e6
    end_s = start_s + cycle.awake_ms / 1000
    found = [drawn for at, drawn in zip(seconds, milliamps, strict=True) if start_s <= at <= end_s]
    return found or [0.0]


def _name_phases(axes: Any, cycle: Cycle) -> None:
    """Shade each phase; a short one is named above its middle at an angle."""
    top = axes.get_ylim()[1]
    inches = axes.get_window_extent().width / axes.figure.dpi
    for index, phase in enumerate(cycle.phases):
        start_s = phase.start_ms / 1000
        end_s = start_s + phase.duration_ms / 1000
        axes.axvspan(start_s, end_s, color=COLOURS[index % len(COLOURS)], linewidth=0)
        if not phase.duration_ms:
            continue
        wide = phase.duration_ms / 1000 / _span_s(cycle) * inches > 0.054 * len(phase.name)
        axes.text(
            (start_s + end_s) / 2, top * 0.97, phase.name, fontsize=7, rotation=0 if wide else 90,
            horizontalalignment="center", verticalalignment="top",
        )  # fmt: skip
