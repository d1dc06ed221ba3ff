"""The voltage driver on the emulated converter."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.chips.battery import Battery
from emulator.chips.voltage import Voltage

# mV by count, evaluated from Espressif's published constants for Vref 1100 mV
COUNTS = (0, 1, 500, 1000, 2048, 2880, 2944, 3000, 3500, 4000, 4095)
MILLIVOLTS = {
    0: (75, 75, 193, 310, 557, 753, 768, 781, 899, 1016, 1039),
    2.5: (78, 78, 234, 390, 718, 978, 998, 1015, 1171, 1328, 1357),
    6: (107, 107, 323, 539, 992, 1352, 1380, 1404, 1620, 1836, 1877),
    11: (142, 143, 545, 948, 1792, 2462, 2502, 2543, 2857, 3094, 3134),
}
SAMPLES = 65  # the first is left out


def read(node, arguments):
    return node.value(
        f"analog_generic.get_reading({arguments}), analog_generic.last_cause", "analog_generic"
    )


def counts(node, *values):
    """Have the converter give these counts, over and over."""
    source = itertools.cycle(values)
    node.adc.do_read = lambda pin, attn, bits: next(source)


@pytest.mark.both_runtimes
def test_counts_become_millivolts_as_the_vendor_says(node):
    rows = [(db, count, mv) for db, line in MILLIVOLTS.items()
            for count, mv in zip(COUNTS, line, strict=True)]  # fmt: skip
    source = itertools.chain.from_iterable([count] * SAMPLES for _, count, _ in rows)
    node.adc.do_read = lambda pin, attn, bits: next(source)
    results = node.ask(
        "from sensors import analog_generic\n"
        f"for db in {[db for db, _, _ in rows]}:\n"
        "    value = analog_generic.get_reading('P16', attenuation_db=db)\n"
        "    show([value, analog_generic.last_cause])\n"
    )
    for (db, count, mv), result in zip(rows, results, strict=True):
        cause = "saturated" if count == 4095 else None
        if mv == MILLIVOLTS[db][0]:
            cause = "under_range"
        assert result == [None if cause else mv, cause], (db, count)


@pytest.mark.parametrize(
    ("count", "divider", "millivolts"),
    [(2048, "2", 3584), (2048, "3.054", 5473), (500, "11", 5995), (2048, "1.0", 1792)],
)
def test_divider_multiplies(node, count, divider, millivolts):
    counts(node, count)
    value, cause = read(node, f"'P16', divider={divider}")
    assert (value, cause) == (millivolts, None)
    assert isinstance(value, int)


def test_the_mean_is_finer_than_one_count(node):
    counts(node, 2048, 2049)  # 1792 and 1793 mV
    assert read(node, "'P16', divider=10") == (17925, None)


def test_an_isolated_spike_at_full_scale_is_left_out(node):
    counts(node, *[2048] * 31, 4095)
    assert read(node, "'P16'") == (1792, None)


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ((0,), "under_range"),
        ((0, 0, 0, 1), "under_range"),
        ((4095,), "saturated"),
        ((4090, 4095), "saturated"),
        ((4090,) * 7 + (4095,), "saturated"),
    ],
    ids=["zero", "mostly zero", "full", "half full", "an eighth full"],
)
def test_what_the_converter_cannot_tell_is_no_measurement(node, values, cause):
    counts(node, *values)
    assert read(node, "'P16', divider=11") == (None, cause)
    assert len(node.log) == 1


def test_an_open_pin_is_under_range(node):
    assert read(node, "'P13'") == (None, "under_range")


@pytest.mark.both_runtimes
def test_the_pin_that_was_measured_before_leaves_nothing(node):
    """espressif/arduino-esp32#7820: without a capacitor, the first sample is that of the other."""
    node.adc.carry = 1.0
    node.adc.sources.update(P14=lambda: 2400, P15=lambda: 1000)
    program = "for pin in ('P14', 'P15', 'P14'):\n    show(analog_generic.get_reading(pin))\n"
    told = node.ask("from sensors import analog_generic\n" + program)
    assert told == [pytest.approx(mv, abs=3) for mv in (2400, 1000, 2400)]


def test_noise_is_averaged_away(node):
    node.adc.sources["P16"] = source = Voltage(node.board, lambda t: 1500, noise_mv=10)
    source.power(True)
    program = (
        "from sensors import analog_generic\n"
        "results = [analog_generic.get_reading('P16') for _ in range(20)]\n"
    )
    results = node.variables(program)["results"]
    assert all(abs(result - 1500) <= 5 for result in results)
    assert max(results) - min(results) < 8


@pytest.fixture
def divider(node):
    """100 kOhm each and 1 uF: 50 ms; its foot is switched by P23."""
    source = Battery(node.board, lambda t: 3600, 0, farad=1e-6, switched=True, noise_mv=0)
    node.adc.sources["P16"] = source
    node.adc.noise_counts = 0
    node.pins.on_change("P23", lambda level: source.power(bool(level)))
    return source


@pytest.mark.parametrize(
    ("settle", "low", "high"),
    [("", 3595, 3605), (", settle_ms=250", 3570, 3590), (", settle_ms=50", 2200, 2400)],
)
def test_a_switched_divider_settles_before_it_is_read(node, divider, settle, low, high):
    value, cause = read(node, "'P16', vcc_pin='P23', divider=2" + settle)
    assert cause is None
    assert low <= value <= high
    assert node.pins.level("P23") == 0


def test_a_divider_that_is_not_switched_on_is_under_range(node, divider):
    assert read(node, "'P16', divider=2") == (None, "under_range")


def test_two_voltages_on_one_switch_settle_together(node, divider):
    node.adc.sources["P15"] = lambda: 800
    measure = (
        "sensors.measure((('analog_generic', dict(data_pin='P16', vcc_pin='P23', divider=2)),"
        " ('analog_generic', dict(data_pin='P15', vcc_pin='P23'))))"
    )
    assert [item.value for item in node.value(measure, "analog_generic\nimport sensors")] == [
        pytest.approx(3600, abs=5),
        pytest.approx(800, abs=5),
    ]
    assert node.took_ms(measure, "analog_generic\nimport sensors") < 530


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(millivolts=st.floats(160, 3000), divider=st.sampled_from((1, 2, 3.054, 11, 101)))
def test_any_voltage_comes_back_within_a_step_of_the_converter(node, millivolts, divider):
    node.adc.sources["P16"] = lambda: millivolts
    value, cause = read(node, f"'P16', divider={divider}")
    assert cause is None
    assert abs(value - millivolts * divider) <= 2.5 * divider + 0.5


def test_supply_is_off_after_a_failure_of_the_firmware(node, divider):
    def refuse(pin, attn, bits):
        raise OSError("resource not available")

    node.adc.do_read = refuse
    assert read(node, "'P16', vcc_pin='P23'") == (None, "failed")
    assert node.pins.level("P23") == 0


@pytest.mark.parametrize("connected", [True, False])
def test_the_converter_is_released(node, connected):
    def refuse(pin, attn, bits):
        raise OSError("resource not available")

    counts(node, 2048)
    if not connected:
        node.adc.do_read = refuse
    result = node.variables(
        "import machine\nfrom sensors import analog_generic\n"
        "used = []\n"
        "class Watched(machine.ADC):\n"
        "    def __init__(self, *args):\n"
        "        super().__init__(*args)\n"
        "        used.append('open')\n"
        "    def deinit(self):\n"
        "        super().deinit()\n"
        "        used.append('released')\n"
        "machine.ADC = Watched\n"
        "analog_generic.get_reading('P16')\n"
    )
    assert result["used"] == ["open", "released"]
