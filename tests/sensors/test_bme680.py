"""The driver on the emulated chip: published values, gas, heater, every kind of trouble."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.chips.bme280 import Bme280
from emulator.chips.bme680 import GAS_WAIT, IMAGES, RES_HEAT, STATUS, Bme680
from tests.sensors.bosch import all_vectors, near
from tests.single_precision import SinglePrecisionVm

ADDRESS = 0x77
READ = 'bme680.get_reading("P9", "P10"), bme680.last_cause'

# Coefficients, data from 1D on, what they mean (hPa, Cel, %RH, Ohm). Sources: tests of
# pimoroni/bme680-python for the first, the vendor's driver for the others.
TPH = (987.12, 26.69, 42.40)
VECTORS = [
    ("a", "8000564cd07a5f804a4b0000000030", (*TPH, None)),  # beyond the first range
    ("a", "8000564cd07a5f804a4b0000008034", (*TPH, 499_500)),
    ("a", "800050910075300059d8000000af37", (1016.25, 19.99, 67.26, 55_197)),
    ("b", "800050910075300059d8000000af37", (1016.25, 19.99, 67.26, 55_172)),
    ("a", "800057e4005cc6004650000000" "4b3a", (915.29, -11.57, 33.27, 9_284)),
    ("a", "8000564cd07a5f804a4b0000008014", (*TPH, None)),  # not a real conversion of the gas
    ("a", "8000564cd07a5f804a4b0000008024", (*TPH, None)),  # the heater was not there yet
]  # fmt: skip
GAS_SHARE = 0.003
TOLERANCES = (0.1, 0.02, 0.05)  # hPa, Cel, %RH

AIR = (1013.25, 21.5, 40.0)
BROKEN = (None, None, None, None)


class Recorded(Bme680):
    """Gives recorded words instead of a truth; a byte written to the address 0x20 chooses them."""

    def __init__(self, board, vectors):
        super().__init__(board, lambda t: 1000, lambda t: 20, lambda t: 40, lambda t: 5e4)
        self.vectors = vectors
        self.choose(0)

    def choose(self, number):
        self.nvm = IMAGES[self.vectors[number][0]]
        self.burst = bytes.fromhex(self.vectors[number][1])

    def _end(self, *heater):
        super()._end(*heater)
        self.memory[STATUS : STATUS + 15] = self.burst


def chip_on(node, air=AIR, ohm=82_000, vcc_pin=None, **options):
    pressure, celsius, percent = air
    chip = Bme680(
        node.board,
        lambda t: pressure,
        lambda t: celsius,
        lambda t: percent,
        lambda t: ohm,
        **options,
    )
    return node.attach(chip, vcc_pin, ADDRESS)


def close(values, tolerances=TOLERANCES):
    """Tolerances of the air; that of the gas is a share."""
    *air, ohm = values
    return (*near(air, tolerances), None if ohm is None else pytest.approx(ohm, rel=GAS_SHARE))


GOOD = close((*AIR, 82_000))


# The heater's registers for wanted and ambient temperatures, and for durations
HEATER = """
for target, ambient in ((320, 25), (300, 0), (200, 25), (400, 25)):
    show(bme680._heater_setting(target, ambient, (-30, -24754, 18, 1, 48)))
for duration in (20, 63, 64, 100, 150, 252, 4032):
    show(bme680._heater_time(duration))
"""


@pytest.mark.both_runtimes
def test_recorded_words_mean_what_was_published(node):
    results = all_vectors(node, "bme680", Recorded(node.board, VECTORS), ADDRESS, HEATER)
    readings, heater = results[: len(VECTORS)], results[len(VECTORS) :]
    for (values, cause), (_, _, expected) in zip(readings, VECTORS, strict=True):
        assert tuple(values) == close(expected)
        assert isinstance(values[3], int) == (cause is None)
    causes = [cause for _, cause in readings]
    assert causes == ["saturated", None, None, None, None, "not_ready", "not_ready"]
    # the vendor's two formulas, in whole numbers and in floating point, differ by one
    assert heater[:4] == [0x6A, 0x65, pytest.approx(0x4E, abs=1), pytest.approx(0x7C, abs=1)]
    assert heater[4:] == [0x14, 0x3F, 0x50, 0x59, 0x65, 0x7F, 0xFF]


def test_single_precision_is_enough(make_node):
    """Nothing is lost in it, and the values are those of the VM with the floats that it has."""
    single, other = make_node(), make_node()
    single.vm = SinglePrecisionVm(
        single.board, single.flash, single.printed.append, install="frozen"
    )
    air = "8000564cd07a5f804a4b00000000"
    corners = [("a", air + f"{word:02x}") for word in range(0x30, 0x40)]
    corners += [("b", "8000" + byte * 8 + "000000ffff") for byte in ("40", "60", "7f", "a5")]
    vectors = [*VECTORS, *corners]
    found, expected = (
        all_vectors(node, "bme680", Recorded(node.board, vectors), ADDRESS, HEATER)
        for node in (single, other)
    )
    assert single.vm.findings == []
    count = len(vectors)
    assert found[:count] == [[list(close(values)), cause] for values, cause in expected[:count]]
    assert found[count:] == pytest.approx(expected[count:], abs=1)


def test_a_bme688_is_read_with_its_own_gas_formula(node):
    chip_on(node, model="bme688")
    assert node.value(READ, "bme680") == (GOOD, None)


def test_a_run_measures_with_units(node):
    chip_on(node, (1013.22, 21.5, 40), 81_900)
    lines = '(("bme680", {"sda_pin": "P9", "scl_pin": "P10"}),)'
    results = node.value(f"sensors.measure({lines})", "bme680\nimport sensors")
    told = [(item.name, item.value, item.exponent, item.unit, item.cause) for item in results]
    assert told[:3] == [
        ("p", 10132, -1, "hPa", None),
        ("t", 2150, -2, "Cel", None),
        ("h", 400, -1, "%RH", None),
    ]
    assert told[3] == ("g", pytest.approx(81_900, rel=GAS_SHARE), 0, "Ohm", None)


# The heater


@pytest.mark.parametrize("around_c", [-35, 0, 25, 70])
@pytest.mark.parametrize("heater_c", [200, 320, 400])
def test_the_plate_gets_the_wanted_temperature_wherever_the_node_is(node, around_c, heater_c):
    chip = chip_on(node, (1000, around_c, 40))
    node.value(f'bme680.get_reading("P9", "P10", heater_c={heater_c})', "bme680")
    assert chip.plate_c == pytest.approx(heater_c - 2, abs=3)  # rounded down in steps of 4 Cel


def test_the_correction_of_the_heater_is_signed(node):
    chip = chip_on(node, nvm={**IMAGES["a"], 0x00: 0xD0})
    node.value(READ, "bme680")
    assert chip.plate_c == pytest.approx(318, abs=3)


def test_the_heater_is_on_for_as_long_as_wanted(node):
    chip = chip_on(node)
    node.value('bme680.get_reading("P9", "P10", heater_ms=100)', "bme680")
    assert chip.memory[GAS_WAIT] == 0x59
    assert chip.memory[RES_HEAT] > 0
    assert node.board.meter.time_ms("bme680", "heater") == pytest.approx(102, abs=1)


@pytest.mark.parametrize("cut", ["short", "off", "hot"])
def test_a_heater_that_is_not_stable_costs_the_gas_only(node, cut):
    chip = chip_on(node)
    if cut == "off":
        chip.store = lambda register, value: Bme680.store(
            chip, register, 0x08 if register == 0x70 else value
        )
    elif cut == "hot":
        chip.store = lambda register, value: Bme680.store(
            chip, register, 0xFF if register == RES_HEAT else value
        )
    else:
        chip.store = lambda register, value: Bme680.store(
            chip, register, 10 if register == GAS_WAIT else value
        )
    reading, cause = node.value(READ, "bme680")
    assert (reading, cause) == (close((*AIR, None)), "not_ready")
    assert len(node.log) == 1


def test_others_go_on_while_it_measures(node):
    chip_on(node)
    waits = node.variables(
        "from machine import I2C\nfrom sensors.bme680 import Bme680\nfrom utils import timing\n"
        "waits = []\n"
        "for wait in Bme680(I2C(0, I2C.MASTER, pins=('P9', 'P10'))).steps():\n"
        "    waits.append(wait)\n    timing.sleep_ms(wait)\n"
    )["waits"]
    assert sum(waits) > 190
    assert len(waits) < 8


# Trouble


@pytest.mark.parametrize("model", ["bme280", "bmp280"])
def test_another_chip_gives_nothing_and_is_not_written_to(node, model):
    node.attach(Bme280(node.board, lambda t: 1000, lambda t: 20, model=model), None, ADDRESS)
    assert node.value(READ, "bme680") == (BROKEN, "wrong_part")
    assert {text for text in node.transfers() if text.startswith("write")} == {"write 0x77 d0"}


@pytest.mark.parametrize("conversion", [1, 2, 3], ids=["ambient", "air", "heater"])
def test_a_brown_out_during_a_measurement_is_repeated(node, conversion):
    chip = chip_on(node)
    convert = chip.convert
    count = 0

    def counting(*args, **options):
        nonlocal count
        count += 1
        chip.brown_out = int(count == conversion)
        return convert(*args, **options)

    chip.convert = counting
    assert node.value(READ, "bme680") == (GOOD, None)
    assert count == 3 + conversion


def test_a_gas_measurement_that_never_ends_is_busy_and_not_waited_for_long(node):
    chip = chip_on(node)
    chip._heat = lambda: None
    begin_us = node.board.clock.now_us
    assert node.value(READ, "bme680") == (BROKEN, "busy")
    assert node.board.clock.now_us - begin_us < 700_000


def test_data_of_the_temperature_alone_are_not_taken_for_all(node):
    chip = chip_on(node)
    chip.store = lambda register, value: (
        register == 0x74 and value != 0x21 or Bme680.store(chip, register, value)
    )
    assert node.value(READ, "bme680") == (BROKEN, "not_ready")


def test_a_measurement_of_another_program_is_broken_off(node):
    chip = chip_on(node)
    chip.write(b"\x64\xff\x5a\x60\x71\x10\x72\x05\x74\xb5")  # four seconds of heating
    assert node.value(READ, "bme680") == (GOOD, None)


@pytest.mark.both_runtimes
@pytest.mark.parametrize(
    ("burst", "reading", "cause"),
    [
        ("8000564cd0800000" "4a4b0000008034", BROKEN, "not_ready"),
        ("8000564cd0fffff0" "4a4b0000008034", BROKEN, "implausible"),
        ("8000000010" "7a5f804a4b0000008034", (None, 26.69, 42.41, 499_500), "implausible"),
        ("8000ffff00" "7a5f804a4b0000008034", (None, 26.69, 42.41, 499_500), "implausible"),
        ("8000564cd07a5f80" "ffff0000008034", (987.169, 26.69, 100, 499_500), None),
        ("8000564cd07a5f80" "00000000008034", (987.169, 26.69, 0, 499_500), None),
        ("8000564cd07a5f80" "80000000008034", (987.169, 26.69, None, 499_500), "not_ready"),
        ("8000564cd07a5f80" "4a4b000000ffff", (987.169, 26.69, 42.41, None), "saturated"),
    ],
)  # fmt: skip
def test_words_that_no_air_has_are_no_values(node, burst, reading, cause):
    node.attach(Recorded(node.board, [("a", burst)]), None, ADDRESS)
    found, why = node.value(READ, "bme680")
    assert found == (BROKEN if reading == BROKEN else pytest.approx(reading, abs=0.01))
    assert why == cause
    assert len(node.log) == (cause is not None)


# Any truth, in the chip's resolution: 19, 18 and 16 bits, of the gas 10


@pytest.mark.parametrize("model", ["bme680", "bme688"])
def test_any_truth_is_read_within_the_resolution(node, model):
    truth = [1000.0, 20.0, 50.0, 50_000.0]
    chip = Bme680(
        node.board,
        lambda t: truth[0],
        lambda t: truth[1],
        lambda t: truth[2],
        lambda t: truth[3],
        model=model,
    )
    node.attach(chip, None, ADDRESS)

    @settings(max_examples=12)
    @given(st.floats(300, 1100), st.floats(-40, 85), st.floats(0, 100), st.floats(3.2, 7))
    def check(pressure, celsius, percent, magnitude):
        truth[:] = pressure, celsius, percent, 10**magnitude
        reading, cause = node.value(READ, "bme680")
        assert cause is None
        assert reading == close(truth, (0.02, 0.007, 0.03))

    check()
