"""What holds for every sensor of light, from darkness to more than it can tell."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.device import Node

from .family import SUPPLY, Member, Reading

# Steps of a reading, up to which light. The two calculations of the TSL2561's data sheet differ by
# 2 %, and half a count is 1 lx in sunlight.
STEPS = {
    "bh1750": [(19.0, 0.12), (54_610, 0.84), (inf, 1.9)],
    "veml7700": [(98, 0.04), (26_000, 0.55), (inf, 2.2)],
}
SATURATED = {"bh1750": [121_000, 125_000], "veml7700": [121_000, 145_000], "tsl2561": [120_000]}
SENSORS = list(SATURATED)
LIGHTS = [0, 0.1, 0.2, 0.5, 1, 3, 5, 18, 21, 27, 318, 1200, 1500, 1700, 1900, 2600, 3500, 5000,
          9000, 20_000, 25_000, 30_000, 40_000, 54_000, 55_000, 60_000, 120_000]  # fmt: skip
BRIGHTEST = {"tsl2561": 40_000}


def assert_near(driver: str, reading: Reading, light: float) -> None:
    [value], cause = reading
    assert cause is None, light
    if driver in STEPS:
        step = next(step for most, step in STEPS[driver] if light < most)
        assert light - step <= value <= light + 0.01
    else:
        assert value == pytest.approx(light, rel=0.025, abs=0.07)


def read_all(node: Node, driver: str, lights: list[Any], **options: Any) -> list[Reading]:
    """A reading in each of these lights, a number or a function of time, by one program."""
    member = Member(node, driver, **options)
    waiting = list(lights)

    def next_light(level: int) -> None:
        if level:
            light = waiting.pop(0)
            member.chip.light_lx = light if callable(light) else lambda t: light

    node.pins.on_change(SUPPLY, next_light)
    return member.read(len(lights))


@pytest.mark.parametrize("lateness", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("driver", "options"),
    [*((driver, {}) for driver in SENSORS), ("tsl2561", {"model": "tsl2561cs"})],
)
def test_any_light_from_darkness_to_sunlight(
    node: Node, driver: str, options: dict[str, Any], lateness: float
) -> None:
    lights = [light for light in LIGHTS if light <= BRIGHTEST.get(driver, inf)]
    found = read_all(node, driver, lights, lateness=lateness, **options)
    for light, reading in zip(lights, found, strict=True):
        assert_near(driver, reading, light)
    assert found[0] == ((0.0,), None)


@pytest.mark.parametrize("driver", SENSORS)
def test_more_than_the_sun_or_than_it_can_tell_is_saturated(node: Node, driver: str) -> None:
    for reading in read_all(node, driver, SATURATED[driver]):
        assert reading == ((None,), "saturated")


# of lamps: what is well above a step
MEANS = {"bh1750": (300, 3000), "veml7700": (30, 300, 3000), "tsl2561": (30, 300, 2000, 4000)}


@pytest.mark.parametrize("driver", SENSORS)
def test_lamps_that_flicker(node: Node, driver: str) -> None:
    def lamp(mean: float, hertz: int) -> Callable[[float], float]:
        return lambda t: mean * (1 + math.cos(2 * math.pi * hertz * t))

    cases = [(mean, hertz) for mean in MEANS[driver] for hertz in (100, 120)]
    found = read_all(node, driver, [lamp(*case) for case in cases])
    share = 0.02 if driver == "veml7700" else 0.03
    for (mean, _), reading in zip(cases, found, strict=True):
        assert reading == ((pytest.approx(mean, rel=share),), None)


# ms of a reading at typical and at greatest times, in some lights
ON_MS = {
    "bh1750": [(0, 880, 880), (5, 590, 880), (318, 140, 200), (90_000, 200, 290)],
    "veml7700": [(0, 220, 220), (318, 220, 220), (9000, 220, 220), (60_000, 60, 60),
                 (145_000, 60, 60)],
    "tsl2561": [(0, 470, 470), (318, 470, 470), (3000, 150, 150), (40_000, 150, 150),
                (120_000, 150, 150)],
}  # fmt: skip


@pytest.mark.parametrize("lateness", [0, 1])
@pytest.mark.parametrize("driver", SENSORS)
def test_the_supply_is_on_no_longer_than_the_light_needs(
    node: Node, driver: str, lateness: int
) -> None:
    on_us: list[int] = []
    node.pins.on_change(SUPPLY, lambda level: on_us.append(node.board.clock.now_us))
    lights = [318, *(light for light, *_ in ON_MS[driver])]  # the first has to import
    read_all(node, driver, lights, lateness=float(lateness))
    spans_us = [off - on for on, off in zip(on_us[::2], on_us[1::2], strict=True)]
    for span_us, (light, *most_ms) in zip(spans_us[1:], ON_MS[driver], strict=True):
        assert span_us < most_ms[lateness] * 1000, light


@pytest.mark.parametrize(
    ("driver", "after_ms", "early", "late"),
    [("bh1750", 250, 5, 20_000), ("bh1750", 120, 15, 0), ("veml7700", 80, 100, 9000),
     ("veml7700", 80, 100, 60_000), ("tsl2561", 150, 100, 2600), ("tsl2561", 150, 100, 35_000)],
)  # fmt: skip
def test_light_that_changes_while_it_measures(
    node: Node, driver: str, after_ms: int, early: int, late: int
) -> None:
    member = Member(node, driver)

    def begin(level: int) -> None:
        if level:
            change_us = node.board.clock.now_us + after_ms * 1000
            member.chip.light_lx = lambda t: early if t * 1e6 < change_us else late

    node.pins.on_change(SUPPLY, begin)
    for reading in member.read(2):
        assert_near(driver, reading, late)
    assert member.took_ms < (1700 if driver == "bh1750" else 700)


@pytest.mark.parametrize("light", [0, 5, 318, 40_000, 145_000])
@pytest.mark.parametrize("driver", SENSORS)
def test_it_is_switched_off_afterwards(node: Node, driver: str, light: int) -> None:
    Member(node, driver, switched=False, light_lx=light).read()
    assert node.board.meter.state(driver) == "standby"


@pytest.mark.parametrize(
    ("driver", "fault"),
    [("bh1750", "corrupt"), ("veml7700", "brown_out"), ("tsl2561", "brown_out")],
)
def test_it_is_switched_off_after_a_failure(node: Node, driver: str, fault: str) -> None:
    [(values, _)] = Member(node, driver, switched=False, **{fault: 1000}).read()
    assert values == (None,)
    assert node.board.meter.state(driver) == "standby"


@pytest.mark.parametrize("light", [5, 20_000])
@pytest.mark.parametrize("driver", SENSORS)
def test_a_supply_that_breaks_down_once_does_no_harm(node: Node, driver: str, light: int) -> None:
    steady = {"mean": light, "swing": 0}
    [reading] = Member(node, driver, switched=False, light_lx=steady, brown_out=1).read()
    assert_near(driver, reading, light)


@pytest.mark.parametrize("driver", STEPS)
def test_any_truth_comes_back(node: Node, driver: str) -> None:
    member = Member(node, driver)

    @settings(max_examples=40)
    @given(exponent=st.floats(0, 5.2), lateness=st.floats(0, 1))
    def check(exponent: float, lateness: float) -> None:
        light = 10**exponent - 1
        member.chip.light_lx, member.chip.lateness = lambda t: light, lateness
        [reading] = member.read()
        if light >= 120_003:
            assert reading == ((None,), "saturated")
        else:
            assert_near(driver, reading, light)

    check()
