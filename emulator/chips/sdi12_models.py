"""Kinds of SDI-12 probes: who they say they are, what they measure and how long that takes.

Layout of the identification: SDI-12 specification 1.4. Names, order of the values and the moisture
of METER's probes: their manuals, as in sensors/_sdi12_probes.py. From memory and not tried: the
firmware numbers, times, announced times, and all currents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.chips.part import Span


@dataclass(frozen=True)
class Value:
    """One value: the key of its truth, a mean and how far it moves, digits behind the point, and
    what the probe sends for a truth."""

    key: str
    mean: float
    swing: float = 0.0
    decimals: int = 1
    sent: Callable[[float], float] = lambda truth: truth


@dataclass(frozen=True)
class Job:
    """What one measuring command does. `seconds`: announced; `span`: what it takes, ms."""

    values: tuple[int, ...]  # places in Model.values
    seconds: int
    span: Span


@dataclass(frozen=True)
class Model:
    vendor: str
    model: str
    firmware: str
    values: tuple[Value, ...]
    jobs: dict[str, Job]  # "M", "M1", "C", ..., "R0"
    version: str = "13"
    optional: str = ""
    power_up_ms: Span = (100.0, 250.0)
    standby_ma: float = 0.03
    awake_ma: float = 0.5
    measuring_ma: float = 3.6
    checksums: bool = True


def _teros_counts(percent: float) -> float:
    """Mineral soil: the counts at which the manual's line has this moisture."""
    return (percent / 100 + 0.6956) / 3.879e-4


_MOISTURE = Value("moisture_percent", 24.5, 3.0, 1)
_COUNTS = Value("moisture_percent", 24.5, 3.0, 1, _teros_counts)
_TEMPERATURE = Value("temperature_c", 14.6, 2.0, 1)
_CONDUCTIVITY = Value("conductivity_us_cm", 134.0, 20.0, 0)
_DEPTHS = range(1, 5)


def _alike(values: tuple[int, ...], seconds: int, span: Span, *commands: str) -> dict[str, Job]:
    return {command: Job(values, seconds, span) for command in commands}


MODELS: dict[str, Model] = {
    "teros12": Model(
        "METER", "TER12", "112", (_COUNTS, _TEMPERATURE, _CONDUCTIVITY),
        _alike((0, 1, 2), 1, (25.0, 150.0), "M", "C", "R0"),
        optional="T12-00024680",
    ),
    "teros11": Model(
        "METER", "TER11", "112", (_COUNTS, _TEMPERATURE),
        _alike((0, 1), 1, (25.0, 150.0), "M", "C", "R0"),
    ),
    "acclima": Model(
        "Acclima", "TR310S", "200",
        (
            _MOISTURE, _TEMPERATURE, Value("permittivity", 11.8, 1.0),
            _CONDUCTIVITY, Value("pore_conductivity_us_cm", 1150.0, 100.0, 0),
        ),
        _alike((0, 1, 2, 3, 4), 2, (600.0, 1900.0), "M", "C"),
        power_up_ms=(300.0, 500.0), standby_ma=0.01, measuring_ma=70.0,
    ),
    "implexx": Model(
        "IMPLEXX", "IX-SF", "020",
        (
            Value("sap_flow_l_h", 1.25, 0.8, 3), Value("outer_velocity_cm_h", 12.5, 8.0, 3),
            Value("inner_velocity_cm_h", 8.2, 5.0, 3), Value("outer_log_ratio", 0.512, 0.3, 5),
            Value("inner_log_ratio", 0.334, 0.2, 5),
        ),
        _alike((0, 1, 2, 3, 4), 120, (110_000.0, 119_000.0), "M", "C"),
        power_up_ms=(500.0, 1000.0), standby_ma=1.0, measuring_ma=30.0,
    ),
    "enviropro": Model(
        "ENVIROPR", "EP100G", "041",
        tuple(Value(f"moisture_{depth}_percent", 20.0 + depth, 2.0, 2) for depth in _DEPTHS)
        + tuple(Value(f"salinity_{depth}", 900.0 + depth, 50.0, 0) for depth in _DEPTHS)
        + tuple(Value(f"temperature_{depth}_c", 16.0 - depth, 1.0, 2) for depth in _DEPTHS),
        {
            "C": Job((0, 1, 2, 3), 2, (1200.0, 1900.0)),
            "C1": Job((4, 5, 6, 7), 2, (1200.0, 1900.0)),
            "C2": Job((8, 9, 10, 11), 2, (1200.0, 1900.0)),
        },
        power_up_ms=(500.0, 1000.0), standby_ma=0.5, measuring_ma=40.0,
    ),
}  # fmt: skip


def plain(values: int, seconds: int = 1, decimals: int = 2) -> Model:
    """A probe of no known make with so many values, each named value_1, value_2, ..."""
    places = tuple(range(values))
    return Model(
        "ACME", "PROBE", "001",
        tuple(Value(f"value_{place + 1}", place + 1.0, 0.0, decimals) for place in places),
        _alike(places, seconds, (seconds * 300.0, seconds * 950.0), "M", "M1", "C", "C1", "R0"),
    )  # fmt: skip
