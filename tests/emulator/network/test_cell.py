"""Draws of the cell: distributions, independence of the dialogue, signal, counters."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest

from emulator.board.board import Board
from emulator.board.draws import spread
from emulator.network.cell import LEVELS, Cell, Procedure
from emulator.network.options import NetworkOptions, RadioOptions

# seconds, 10th, 50th and 90th percentile: durations in the published captures
DURATIONS = {
    ("attach", "good"): (2.7, 5.5, 8.9),
    ("attach", "fair"): (3.5, 7.0, 11.0),
    ("attach", "edge"): (6.0, 12.0, 40.0),
    ("uplink idle", "good"): (0.85, 1.65, 2.6),
    ("uplink idle", "fair"): (1.2, 2.35, 4.6),
    ("uplink idle", "edge"): (1.7, 3.4, 7.8),
    ("uplink connected", "good"): (0.2, 0.45, 0.9),
    ("turn", "good"): (0.5, 0.9, 1.8),
    ("turn", "edge"): (1.6, 3.5, 9.0),
    ("tau", "fair"): (1.3, 2.0, 3.1),
    ("detach", "good"): (0.8, 1.5, 3.0),
    ("detach", "edge"): (1.8, 4.0, 9.0),
}


def cell(seed: int = 1, **radio: Any) -> Cell:
    options = RadioOptions(**{"outliers": False, "no_service": 0.0, **radio})
    return Cell(Board(seed=seed), NetworkOptions(), options)


def draw(source: Cell, name: str) -> Procedure:
    kind, _, state = name.partition(" ")
    if kind == "uplink":
        return source.uplink(148, state == "connected")
    procedure = getattr(source, kind)()
    assert procedure is not None
    return procedure


@pytest.mark.parametrize(("name", "level"), DURATIONS)
def test_durations_follow_their_percentiles(name: str, level: str) -> None:
    source = cell(level=level)
    drawn = sorted(draw(source, name).duration_ms / 1000 for _ in range(2000))
    for share, expected in zip((0.1, 0.5, 0.9), DURATIONS[name, level], strict=True):
        assert drawn[int(share * len(drawn))] == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize("level", LEVELS)
def test_transmitting_and_receiving_fit_and_go_along_with_the_duration(level: str) -> None:
    source = cell(level=level)
    drawn = [draw(source, "uplink idle") for _ in range(1500)]
    assert all(p.rx_ms + p.tx_ms <= p.duration_ms + 1e-6 and p.gap_ms >= 0 for p in drawn)
    correlation = statistics.correlation(
        [math.log(p.duration_ms) for p in drawn], [math.log(p.rx_ms) for p in drawn]
    )
    assert 0.65 < correlation < 0.95


def test_split_lognormal() -> None:
    assert spread((1.0, 2.0, 8.0), 0.0) == 2.0
    assert spread((1.0, 2.0, 8.0), 1.2816) == pytest.approx(8.0)
    assert spread((1.0, 2.0, 8.0), -1.2816) == pytest.approx(1.0)


def test_each_procedure_has_draws_of_its_own() -> None:
    quiet, busy = cell(seed=9), cell(seed=9)
    for _ in range(5):
        busy.turn()
        busy.signal()
        busy.detach()
    assert busy.attach() == quiet.attach()
    assert [busy.uplink(148, True) for _ in range(3)] == [
        quiet.uplink(148, True) for _ in range(3)
    ]
    assert cell(seed=10).attach() != cell(seed=9).attach()


@pytest.mark.parametrize(("level", "slope"), [("good", 0.52), ("fair", 0.63), ("edge", 2.4)])
def test_each_further_byte_costs_transmit_time(level: str, slope: float) -> None:
    small = cell(level=level).uplink(148, False)
    large = cell(level=level).uplink(148 + 1000, False)
    assert large.tx_ms - small.tx_ms == pytest.approx(1000 * slope)
    assert large.duration_ms - small.duration_ms == pytest.approx(1000 * slope)
    assert large.rx_ms == small.rx_ms


def test_packet_smaller_than_the_reference_still_takes_some_time() -> None:
    tiny = cell(level="edge").uplink(40, True)
    assert 0 < tiny.tx_ms < cell(level="edge").uplink(148, True).tx_ms


@pytest.mark.parametrize(("level", "share"), [("good", 0.005), ("fair", 0.02), ("edge", 0.05)])
def test_loss_by_coverage(level: str, share: float) -> None:
    source = cell(level=level)
    lost = sum(source.uplink(148, True).lost for _ in range(4000))
    assert lost / 4000 == pytest.approx(share, rel=0.4)


@pytest.mark.parametrize("loss", [0.0, 1.0])
def test_loss_as_told(loss: float) -> None:
    source = cell(loss=loss, downlink_loss=loss)
    assert {source.uplink(148, True).lost for _ in range(50)} == {bool(loss)}
    assert {source.turn(60).lost for _ in range(50)} == {bool(loss)}


def test_outliers_take_ten_times_as_long() -> None:
    plain = cell(level="edge")
    with_outliers = cell(level="edge", outliers=True)
    ratios = {
        round(with_outliers.uplink(148, True).duration_ms / plain.uplink(148, True).duration_ms)
        for _ in range(200)
    }
    assert ratios == {1, 10}


def test_fixed_durations_and_the_factor() -> None:
    fixed = cell(attach_ms=4000, uplink_ms=700, turn_ms=300, detach_ms=900)
    names = ("attach", "uplink idle", "turn", "detach")
    assert [round(draw(fixed, name).duration_ms) for name in names] == [4000, 700, 300, 900]
    slow, usual = cell(factor=4.0), cell()
    for name, ratio in (("uplink idle", 4), ("tau", 4), ("detach", 4), ("turn", 1), ("attach", 1)):
        assert draw(slow, name).duration_ms == pytest.approx(ratio * draw(usual, name).duration_ms)


def test_first_attach_depends_on_the_bands_and_may_never_succeed() -> None:
    one = cell(seed=4).attach(known=False, bands=1)
    five = cell(seed=4).attach(known=False, bands=5)
    assert one is not None and five is not None
    assert five.duration_ms == pytest.approx(3 * one.duration_ms)
    source = cell(level="edge")
    assert 20 < sum(source.attach(known=False) is None for _ in range(400)) < 70


def test_minutes_without_service_at_the_edge() -> None:
    source = cell(no_service=1.0)
    procedure = source.attach()
    assert procedure is not None and 60_000 < procedure.duration_ms < 400_000
    assert procedure.rx_ms > 60_000


def test_signal() -> None:
    levels = []
    for level in LEVELS:
        signal = cell(level=level).signal()
        assert signal is not None
        levels.append(signal.rsrp_dbm)
    assert levels == sorted(levels, reverse=True)
    assert cell(in_coverage=False).signal() is None
    assert cell(unknown_signal=True).signal() is None
    fixed = cell(rsrp_dbm=-100.5, rsrq_db=-7.0).signal()
    assert fixed is not None and (fixed.rsrp_dbm, fixed.rsrq_db) == (-100.5, -7.0)


def test_bytes_on_air_are_counted() -> None:
    source = cell()
    source.uplink(148, False)
    source.uplink(60, True)
    source.turn(75)
    assert (source.air_bytes_up, source.air_bytes_down) == (208, 75)


def test_release_time() -> None:
    source = cell()
    drawn = sorted(source.release_ms() for _ in range(1000))
    assert drawn[500] == pytest.approx(11_000, rel=0.05)
    tail = Cell(Board(), NetworkOptions(release_ms=262_000), RadioOptions())
    assert tail.release_ms() == 262_000
