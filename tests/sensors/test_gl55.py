"""The photoresistor driver on the emulated converter and photoresistor."""

from __future__ import annotations

import itertools

import pytest

from emulator.board.adc import raw_to_mv
from emulator.chips import gl55 as chip

# mV at 3300 mV and 10 kOhm -> lx with r10 14 kOhm and gamma 0.6, with 15 kOhm and 0.7: the law
# of the data sheets, evaluated in double precision
VECTORS = [
    (300, 0.3775, 0.6653),
    (1000, 4.372, 5.430),
    (1650, 17.52, 17.85),
    (2500, 117.0, 90.9),
    (3000, 813.2, 478.8),
]
PARTS = ("r10_kohm=14, gamma=0.6", "r10_kohm=15, gamma=0.7")


def count_of(millivolts):
    """The count that reads closest to so many mV at 11 dB."""
    return min(range(4095), key=lambda raw: abs(raw_to_mv(raw, 3) - millivolts))


def read(node, arguments="'P15'"):
    return node.value(f"gl55.get_reading({arguments}), gl55.last_cause", "gl55")


def plug(node, vcc_pin="", **table):
    node.adc.noise_counts = 0
    table.setdefault("noise_mv", 0)
    chip.plug(node.board, "gl55", dict(table, supply_pin=vcc_pin))
    node.board.clock.advance(1_000_000)


@pytest.mark.both_runtimes
def test_vectors(node):
    """The law itself is exact; through the converter it is as exact as one millivolt allows."""
    voltages = [voltage for voltage, *_ in VECTORS]
    source = iter([count for mv in voltages for count in [count_of(mv)] * 65 * len(PARTS)])
    node.adc.do_read = lambda pin, attn, bits: next(source)
    exact, read_out, outside = node.ask(
        "from sensors import gl55\n"
        f"show([[gl55.lux(mv, {PARTS[0]}), gl55.lux(mv, {PARTS[1]})] for mv in {voltages}])\n"
        f"show([[gl55.get_reading('P15', {PARTS[0]}), gl55.get_reading('P15', {PARTS[1]})]"
        f" for _ in {voltages}])\n"
        "show([gl55.lux(mv) for mv in (0, -1, 3300, 3301)])\n"
    )
    for (voltage, *lux), told, measured in zip(VECTORS, exact, read_out, strict=True):
        assert told == pytest.approx(lux, rel=0.0006), voltage
        assert measured == pytest.approx(lux, rel=0.01), voltage
    assert outside == [None] * 4


@pytest.mark.both_runtimes
def test_nothing_overflows_at_the_ends_of_what_is_allowed(node):
    ends = list(itertools.product((0.1, 1000), (0.3, 1.5), (100, 1000000), (1000, 5500)))
    [values] = node.ask(
        "from sensors import gl55\n"
        f"show([gl55.lux(mv, *part) for part in {ends} for mv in (143, 999)])\n"
    )
    assert all(value is not None and 0 <= value < 1e38 for value in values)


def test_spread_is_that_of_the_types_extremes(node):
    """A GL5528 has 8 to 20 kOhm at 10 lx and gamma from 0.6 to 0.7: four corners."""
    [low, high], known = (
        node.value(f"gl55.spread(gl55.lux(1650){arguments})", "gl55")
        for arguments in ("", ", r10_spread=0, gamma_spread=0")
    )
    corners = [10 * (10 / r10) ** (-1 / gamma) for r10 in (8, 20) for gamma in (0.6, 0.7)]
    assert (low, high) == (
        pytest.approx(min(corners), rel=0.01),
        pytest.approx(max(corners), rel=0.01),
    )
    assert known == (pytest.approx(16.78, abs=0.01),) * 2


@pytest.mark.parametrize("value", ["0", "-1", "float('nan')"])
def test_spread_of_no_light_is_refused(node, value):
    text = node.refusal(f"gl55.spread({value})", "gl55")
    assert text.startswith("value = ")


@pytest.mark.parametrize(
    ("table", "cause"),
    [
        ({"lux": 0}, "under_range"),
        ({"lux": 20000}, "saturated"),
        ({"shorted_mv": 3300}, "saturated"),
    ],
    ids=["dark", "sunlight", "to the supply"],
)
def test_what_cannot_be_told_is_no_measurement(node, table, cause):
    plug(node, **table)
    assert read(node) == (None, cause)
    assert len(node.log) == 1


@pytest.mark.parametrize(
    ("supply", "level"), [(2500, 2500), (2500, 2800)], ids=["at the supply", "above it"]
)
def test_a_pin_at_the_supply_is_implausible(node, supply, level):
    plug(node, shorted_mv=level)
    assert read(node, f"'P15', supply_mv={supply}") == (None, "implausible")


def test_more_than_the_sun_is_implausible(node):
    plug(node, lux=800)
    assert read(node, "'P15', r10_kohm=1000") == (None, "implausible")


@pytest.mark.parametrize("faults", [{"brown_out": 1}, {"corrupt": 3}, {"noise_mv": 10}],
                         ids=lambda faults: next(iter(faults)))  # fmt: skip
def test_what_passes_does_no_harm(node, faults):
    plug(node, lux=100, **faults)
    lux, cause = read(node)
    assert lux == pytest.approx(100, rel=0.08)
    assert cause is None


def test_a_report_rounds_to_tenths(node):
    plug(node, lux=17.5)
    [item] = node.value(
        'sensors.measure((("gl55", {"data_pin": "P15"}),))', "gl55\nimport sensors"
    )
    assert (item.name, item.exponent, item.unit) == ("lx", -1, "lx")
    assert item.value == pytest.approx(175, abs=4)
