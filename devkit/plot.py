"""The picture of a run: current over time, with the phases of each cycle named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emulator.board.meter import Change
from emulator.cycle import Cycle

COLOURS = ("#dbe9f6", "#e5f5e0", "#fee6ce", "#efedf5", "#fde0dd", "#f0f0d8")


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


def draw(timeline: Sequence[Change], cycles: Sequence[Cycle], path: Path, title: str) -> None:
    """Write the picture to `path`; the suffix chooses the format."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    seconds, milliamps = total_current(timeline)
    figure, rows = pyplot.subplots(
        len(cycles), 1, figsize=(11, 2.9 * len(cycles)), squeeze=False, constrained_layout=True
    )
    figure.suptitle(title)
    for number, (cycle, axes) in enumerate(zip(cycles, rows[:, 0], strict=True), 1):
        start_s = cycle.started_us / 1e6
        axes.step([at - start_s for at in seconds], milliamps, where="post", linewidth=0.9)
        axes.set_xlim(0, cycle.awake_ms / 1000 + 1)
        axes.set_ylim(0, 1.25 * max([1.0, *_within(seconds, milliamps, cycle)]))
        axes.set_ylabel("mA at 3.7 V")
        axes.set_title(
            f"cycle {number}: {cycle.cause or cycle.ended}, awake {cycle.awake_ms} ms,"
            f" {cycle.energy_mj / 1000:.2f} J",
            fontsize=9,
            loc="left",
        )
        _name_phases(axes, cycle)
    rows[-1, 0].set_xlabel("seconds since the start of the cycle")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _within(seconds: list[float], milliamps: list[float], cycle: Cycle) -> list[float]:
    start_s = cycle.started_us / 1e6
    end_s = start_s + cycle.awake_ms / 1000
    return [drawn for at, drawn in zip(seconds, milliamps, strict=True) if start_s <= at <= end_s]


def _name_phases(axes: object, cycle: Cycle) -> None:
    """Shade each phase; a short one is named above its middle at an angle."""
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    top = axes.get_ylim()[1]
    for index, phase in enumerate(cycle.phases):
        start_s = phase.start_ms / 1000
        end_s = start_s + phase.duration_ms / 1000
        axes.axvspan(start_s, end_s, color=COLOURS[index % len(COLOURS)], linewidth=0)
        wide = phase.duration_ms > cycle.awake_ms * 0.06
        axes.text(
            (start_s + end_s) / 2,
            top * 0.97,
            phase.name,
            fontsize=7,
            rotation=0 if wide else 90,
            horizontalalignment="center",
            verticalalignment="top",
        )
