"""The driver on the emulated chip: published values, trouble of every kind, supply and time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.chips.bme280 import DATA, IMAGES, Bme280
from emulator.chips.bme680 import Bme680
from tests.sensors.bosch import all_vectors, near
from tests.single_precision import SinglePrecisionVm

ADDRESS = 0x76
READ = 'bme280.get_reading("P9", "P10"), bme280.last_cause'
READ_SWITCHED = 'bme280.get_reading("P9", "P10", vcc_pin="P11"), bme280.last_cause'

# Coefficients, data from F7 on, and what they mean (hPa, Cel, %RH). Sources: tests of
# periph/devices and of pimoroni/bme280-python, the example of the BMP280 data sheet, and the
# formulas of the data sheet in double precision for the last.
VECTORS = [
    ("a", "4a52c08096c07a76", (1009.42695, 23.72, 65.3056)),
    ("b", "4fca008132707649", (1006.6152, 24.7895, 68.66997)),
    ("c", "655ac07eed007649", (1006.5327, 25.08, 57.803)),
    ("b", "53020061a8004e20", (921.3577, -14.7221, 11.533)),
]
TOLERANCES = (0.02, 0.01, 0.02)  # hPa, Cel, %RH

BROKEN = (None, None, None)


class Recorded(Bme280):
    """Gives recorded words instead of a truth; a byte written to the address 0x20 chooses them."""

    def __init__(self, board, vectors):
        super().__init__(board, lambda t: 1000, lambda t: 20)
        self.vectors = vectors
        self.choose(0)

    def choose(self, number):
        self.nvm = IMAGES[self.vectors[number][0]]
        self.burst = bytes.fromhex(self.vectors[number][1])

    def _give(self, samples):
        self.memory[DATA : DATA + 8] = self.burst


def chip_on(node, values=(1013.25, 21.5, 40.0), vcc_pin=None, **options):
    pressure, celsius, percent = values
    chip = Bme280(node.board, lambda t: pressure, lambda t: celsius, lambda t: percent, **options)
    return node.attach(chip, vcc_pin, ADDRESS)


def close(values, tolerances=TOLERANCES):
    return near(values, tolerances)


@pytest.mark.both_runtimes
def test_recorded_words_mean_what_was_published(node):
    results = all_vectors(node, "bme280", Recorded(node.board, VECTORS), ADDRESS)
    assert len(results) == len(VECTORS)
    for (values, cause), (_, _, expected) in zip(results, VECTORS, strict=True):
        assert cause is None
        assert tuple(values) == close(expected)


def test_single_precision_is_enough(make_node):
    """Nothing is lost in it, and the values are those of the VM with the floats that it has."""
    single, other = make_node(), make_node()
    single.vm = SinglePrecisionVm(
        single.board, single.flash, single.printed.append, install="frozen"
    )
    corners = [("b", word * 8) for word in ("01", "40", "7f", "80", "a5", "ff")]
    found, expected = (
        all_vectors(node, "bme280", Recorded(node.board, [*VECTORS, *corners]), ADDRESS)
        for node in (single, other)
    )
    assert single.vm.findings == []
    assert found == [[list(close(values)), cause] for values, cause in expected]


def test_a_run_measures_in_hectopascal_celsius_and_percent(node):
    chip_on(node, (1013.22, 21.5, 40))
    lines = '(("bme280", {"sda_pin": "P9", "scl_pin": "P10"}),)'
    results = node.value(f"sensors.measure({lines})", "bme280\nimport sensors")
    assert [(item.name, item.value, item.exponent, item.unit, item.cause) for item in results] == [
        ("p", 10132, -1, "hPa", None),
        ("t", 2150, -2, "Cel", None),
        ("h", 400, -1, "%RH", None),
    ]


@pytest.mark.parametrize("model", ["bmp280", "bmp280_sample", "bmp280_as_bme280"])
def test_a_bmp280_gives_pressure_and_temperature_and_says_that_it_is_none(node, model):
    chip_on(node, model=model)
    reading, cause = node.value(READ, "bme280")
    assert reading == (*close((1013.25, 21.5), (0.02, 0.01)), None)
    assert cause == "wrong_part"
    assert len(node.log) == 1


def test_a_bme680_gives_nothing_and_is_not_written_to(node):
    chip = Bme680(node.board, lambda t: 1000, lambda t: 20, lambda t: 40, lambda t: 5e4)
    node.attach(chip, None, ADDRESS)
    assert node.value(READ, "bme280") == (BROKEN, "wrong_part")
    assert {text for text in node.transfers() if text.startswith("write")} == {"write 0x76 d0"}


def test_the_other_address(node):
    node.attach(Bme280(node.board, lambda t: 1000, lambda t: 20), None, 0x77)
    assert node.value(READ, "bme280")[1] == "absent"
    expression = 'bme280.get_reading("P9", "P10", address=0x77), bme280.last_cause'
    assert node.value(expression, "bme280")[1] is None


def test_settings_of_another_program_do_not_matter(node):
    chip = chip_on(node)
    chip.write(b"\xf5\xf0\xf2\x05\xf4\xff")  # filter 16, all 16 times, normal mode
    reading, cause = node.value(READ, "bme280")
    assert (reading, cause) == (close((1013.25, 21.5, 40.0)), None)
    assert chip.memory[0xF4] & 3 == 0


def test_others_go_on_while_it_measures(node):
    chip_on(node)
    waits = node.variables(
        "from machine import I2C\nfrom sensors.bme280 import Bme280\nfrom utils import timing\n"
        "waits = []\n"
        "for wait in Bme280(I2C(0, I2C.MASTER, pins=('P9', 'P10'))).steps():\n"
        "    waits.append(wait)\n    timing.sleep_ms(wait)\n"
    )["waits"]
    assert max(waits) <= 8
    assert len(waits) <= 6


def test_a_supply_that_rises_slowly_is_waited_for(node):
    chip_on(node, vcc_pin="P11").power_up_ms = (9, 9)
    assert node.value(READ_SWITCHED, "bme280")[1] is None
    starts = [text for text in node.transfers() if text.startswith("write 0x76 f5")]
    assert len(starts) == 1


# Coefficients of humidity with every sign turned over, and a third one that is not 0
UNUSUAL = {**IMAGES["b"], 0xE3: 0x20, 0xE4: 0xFF, 0xE5: 0xBA, 0xE6: 0xFC, 0xE7: 0xE2}


@pytest.mark.parametrize("celsius", [-20, 25, 60])
def test_coefficients_of_humidity_are_signed(node, celsius):
    chip_on(node, (1000, celsius, 60), nvm=UNUSUAL)
    assert node.value(READ, "bme280") == (close((1000, celsius, 60), (0.05, 0.01, 0.05)), None)


# Trouble


def test_coefficients_that_are_never_copied_are_busy(node):
    chip = chip_on(node)
    chip._copied = lambda: None
    assert node.value(READ, "bme280") == (BROKEN, "busy")


class Scripted(Bme280):
    """Gives these words, one after the other; the last stays."""

    def script(self, *bursts):
        self.bursts = list(bursts)
        return self

    def _give(self, samples):
        burst = self.bursts.pop(0) if len(self.bursts) > 1 else self.bursts[0]
        self.memory[DATA : DATA + 8] = bytes.fromhex(burst)


def scripted(node, *bursts):
    chip = Scripted(node.board, lambda t: 1000, lambda t: 20, nvm=IMAGES["b"])
    return node.attach(chip.script(*bursts), None, ADDRESS)


GOOD = "4fca008132707649"


@pytest.mark.both_runtimes
@pytest.mark.parametrize(
    ("burst", "reading", "cause"),
    [
        ("8000008000008000", BROKEN, "not_ready"),
        ("4fca008000007649", BROKEN, "not_ready"),
        ("8000008132707649", BROKEN, "not_ready"),
        ("4fca008132708000", (pytest.approx(1006.615, abs=0.001), 24.79, None), "not_ready"),
        ("0000000000000000", BROKEN, "stuck"),
        ("4fca00fffff07649", BROKEN, "implausible"),
        ("4fca00000010ffff", BROKEN, "implausible"),
        ("e000008132707649", (None, 24.79, pytest.approx(68.67, abs=0.01)), "implausible"),
        ("0000108132707649", (None, 24.79, pytest.approx(68.67, abs=0.01)), "implausible"),
        ("4fca00813270ffff", (pytest.approx(1006.615, abs=0.001), 24.79, 100), None),
        ("4fca008132700000", (pytest.approx(1006.615, abs=0.001), 24.79, 0), None),
    ],
)
def test_words_that_no_air_has_are_no_values(node, burst, reading, cause):
    scripted(node, burst)
    assert node.value(READ, "bme280") == (reading, cause)
    assert len(node.log) == (cause is not None)


@pytest.mark.parametrize("first", ["4fca008000007649", "8000008132707649", "4fca008132708000"])
def test_a_word_like_that_of_a_chip_which_has_not_measured_is_looked_at_more_closely(node, first):
    chip = scripted(node, first, GOOD)
    assert node.value(READ, "bme280")[1] is None
    starts = [text for text in node.transfers() if text.startswith("write 0x76 f5")]
    assert starts == ["write 0x76 f5 00 f2 01 f4 25", "write 0x76 f5 00 f2 01 f4 b5"]
    assert chip.bursts == [GOOD]


# Any truth, in the resolution that single samples have: 16 bits


@pytest.fixture
def truths(node):
    """truths(hPa, Cel, %RH) -> (reading, cause), on one node."""
    values = [1000.0, 20.0, 50.0]
    chip = Bme280(node.board, lambda t: values[0], lambda t: values[1], lambda t: values[2])
    node.attach(chip, None, ADDRESS)

    def read(*truth):
        values[:] = truth
        return node.value(READ, "bme280")

    return read


@pytest.mark.parametrize(
    "truth",
    [(300, -40, 0), (1100, 85, 100), (1100, -40, 50), (300, 85, 3.5), (870, 0, 100)],
    ids=str,
)
def test_values_at_the_ends_of_the_ranges(truths, truth):
    reading, cause = truths(*truth)
    assert cause is None
    assert reading == close(truth, (0.05, 0.01, 0.05))


def test_any_truth_is_read_within_the_resolution(truths):
    @settings(max_examples=40)
    @given(st.floats(301, 1099), st.floats(-39.9, 84.9), st.floats(0, 100))
    def check(pressure, celsius, percent):
        reading, cause = truths(pressure, celsius, percent)
        assert cause is None
        assert reading == close((pressure, celsius, percent), (0.05, 0.01, 0.05))

    check()


def test_the_example_leaves_out_what_a_bmp280_lacks(node):
    chip_on(node, (1013.2, 21.5, 40), model="bmp280")
    assert node.example("bme280_simple.py") == ["1013.2 hPa, 21.50 Cel"] * 3
