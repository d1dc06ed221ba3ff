"""The ADS1115 driver on the emulated bus: published values, ranges, several inputs, trouble."""

from __future__ import annotations

import pytest

from emulator.chips.ads1115 import ADDRESS, Ads1115
from emulator.chips.si7021 import Si7021

AUTO_STEPS_MV = {6144: 0.1875, 4096: 0.125, 2048: 0.0625, 1024: 0.03125, 512: 0.015625,
                 256: 0.0078125}  # fmt: skip


class Fixed:
    """Always idle; gives the words one after the other, a new one after each configuration that
    starts no conversion. With `conversions`, a new one after each conversion."""

    def __init__(self, words, conversions=False):
        self.words = [None, *words]
        self.conversions = conversions
        self.configuration = 0x0583
        self.pointer = 0

    def power(self, on):
        pass

    def write(self, data):
        self.pointer = data[0]
        if len(data) == 3:
            word = int.from_bytes(data[1:], "big")
            self.configuration = word
            if bool(word & 0x8000) == self.conversions:
                del self.words[0]

    def read(self, n):
        word = {0: self.words[0], 1: self.configuration | 0x8000}[self.pointer]
        return word.to_bytes(2, "big")[:n]


def read(node, arguments="'P9', 'P10'"):
    return node.value(f"ads1115.get_reading({arguments}), ads1115.last_cause", "ads1115")


def plugged(node, *levels_mv, vcc_pin=None, address=ADDRESS, **options):
    """A chip with these constant levels at its inputs, the others at 0."""
    levels = (levels_mv + (0.0,) * 4)[:4]
    inputs = [lambda t, level=level: level for level in levels]
    return node.attach(Ads1115(node.board, *inputs, **options), vcc_pin, address)


# (word, range in mV, model, mV or None for one that leaves the range): words of published drivers'
# tests and what they stand for
VECTORS = [
    (0x1000, 4096, "ads1115", 512.0),
    (0xFFFF, 2048, "ads1115", -0.0625),
    (0x7FFE, 4096, "ads1115", 4095.75),
    (0x8001, 2048, "ads1115", -2047.9375),
    (0xFF50, 6144, "ads1015", -33.0),
    (0x7FE0, 2048, "ads1015", 2046.0),
    (0xFFF0, 2048, "ads1015", -1.0),
    (0x0001, 256, "ads1115", 0.0078125),
    (0x0000, 6144, "ads1115", 0.0),
    (0x7FFF, 4096, "ads1115", None),
    (0x8000, 2048, "ads1115", None),
    (0x7FF0, 2048, "ads1015", None),
    (0x7FF0, 2048, "ads1115", None),  # an ADS1015 sold as an ADS1115
]
NUMBERS = [
    (0x7FFF, 4096, 4095.875),
    (0x1000, 4096, 512.0),
    (-0x8000, 2048, -2048.0),
    (-1, 2048, -0.0625),
    (-176, 6144, -33.0),
    (32767, 6144, 6143.8125),
    (-32767, 256, -255.9921875),
]


@pytest.mark.both_runtimes
def test_words_of_the_converter_become_millivolts(node):
    node.attach(Fixed([*[word for word, _, _, _ in VECTORS], 0x1000]), address=ADDRESS)
    shown = node.ask(
        f"""
        from sensors import ads1115
        for range_mv, model in {[(range_mv, model) for _, range_mv, model, _ in VECTORS]}:
            voltage = ads1115.get_reading(
                "P9", "P10", channel="0-1", full_scale_mv=range_mv, model=model
            )
            show([voltage if voltage is None else int(voltage * 128), ads1115.last_cause])
        for number, range_mv in {[(number, range_mv) for number, range_mv, _ in NUMBERS]}:
            show(int(ads1115.millivolts(number, range_mv) * 128))
        import sensors
        line = ("ads1115", {{"sda_pin": "P9", "scl_pin": "P10", "full_scale_mv": 4096}})
        show([[item.value, item.exponent] for item in sensors.measure([line])])
        """
    )
    assert shown.pop() == [[5120, -4]]
    # Steps of the finest range: exact in single precision as well, which prints seven digits.
    assert shown[: len(VECTORS)] == [
        [None, "saturated"] if voltage is None else [voltage * 128, None]
        for _, _, _, voltage in VECTORS
    ]
    assert shown[len(VECTORS) :] == [voltage * 128 for _, _, voltage in NUMBERS]


def test_a_reading_is_started_polled_and_fetched_as_the_data_sheet_says(node):
    plugged(node, 512.0)
    assert read(node, "'P9', 'P10', full_scale_mv=4096") == (512.0, None)
    transfers = node.transfers()
    start = transfers.index("write 0x48 01 c3 83")
    assert transfers[start + 1 : start + 5] == [
        "write 0x48 01", "read 0x48 c3 83", "write 0x48 00", "read 0x48 10 00",
    ]  # fmt: skip


CHANNELS = [(0, 1000), (1, 700), (2, 300), (3, 250), ("'0-1'", 300), ("'0-3'", 750),
            ("'1-3'", 450), ("'2-3'", 50)]  # fmt: skip


def test_each_input_and_each_pair(node):
    plugged(node, 1000.0, 700.0, 300.0, 250.0)
    for channel, millivolts in CHANNELS:
        found = read(node, f"'P9', 'P10', channel={channel}")
        assert found == (pytest.approx(millivolts, abs=0.02), None), channel


# mV -> the finest range that leaves an eighth free
RANGES = [(0, 256), (5.2, 256), (-200, 256), (226, 256), (235, 512), (-900, 1024), (1000, 2048),
          (2000, 4096), (3300, 4096), (4000, 6144), (5000, 6144), (-4000, 6144)]  # fmt: skip


@pytest.mark.parametrize(("level_mv", "range_mv"), RANGES)
def test_the_finest_range_that_fits_is_chosen(node, level_mv, range_mv):
    levels = (level_mv, 0.0) if level_mv >= 0 else (0.0, -level_mv)
    plugged(node, *levels, vdd_mv=5500)
    value, cause = read(node, "'P9', 'P10', channel='0-1'")
    assert cause is None
    assert abs(value - level_mv) <= AUTO_STEPS_MV[range_mv] / 2
    started = [text for text in node.transfers() if text.startswith("write 0x48 01 ")][-1]
    code = int(started[len("write 0x48 01 ") :].replace(" ", ""), 16) >> 9 & 7
    assert list(AUTO_STEPS_MV)[code] == range_mv


def test_a_voltage_that_grows_meanwhile_is_measured_in_a_wider_range(node):
    node.attach(Fixed([10, 0x7FFF, 0x7FFF, 0x4000], conversions=True), address=ADDRESS)
    assert read(node) == (512.0, None)


def test_a_voltage_beyond_the_widest_range_is_saturated(node):
    node.attach(Fixed([0x7FFF] * 9, conversions=True), address=ADDRESS)
    assert read(node) == (None, "saturated")
    assert len(node.log) == 1


@pytest.mark.parametrize("range_mv", [256, 1024, 2048])
def test_a_voltage_beyond_a_chosen_range_is_saturated(node, range_mv):
    plugged(node, range_mv + 1.0)
    assert read(node, f"'P9', 'P10', full_scale_mv={range_mv}") == (None, "saturated")


def test_an_input_at_ground_may_read_slightly_below_zero(node):
    plugged(node, 0.0).offset_uv = -20.0
    value, cause = read(node)
    assert (value, cause) == (-0.0234375, None)


def test_an_input_far_below_ground_is_no_measurement(node):
    node.attach(Fixed([0x8100] * 9), address=ADDRESS)
    assert read(node, "'P9', 'P10', full_scale_mv=2048") == (None, "implausible")


@pytest.mark.parametrize(("divider", "millivolts"), [("2", 3000), ("3.054", 4581), ("11", 16500)])
def test_divider_multiplies(node, divider, millivolts):
    plugged(node, 1500.0)
    value, cause = read(node, f"'P9', 'P10', divider={divider}")
    assert (value, cause) == (pytest.approx(millivolts, rel=3e-5), None)


def test_an_ads1015_is_read_in_its_steps_and_in_a_tenth_of_the_time(node):
    plugged(node, 1234.0, model="ads1015")
    program = (
        "import utime\nfrom sensors import ads1115\n"
        "def run():\n"
        "    return ads1115.get_reading('P9', 'P10', model='ads1015', full_scale_mv=2048)\n"
        "run()\nbegin = utime.ticks_cpu()\nvalue = run()\n"
        "took_us = utime.ticks_diff(utime.ticks_cpu(), begin)\n"
    )
    result = node.variables(program)
    assert result["value"] == 1234
    assert result["took_us"] < 8_000


# Several lines

LINE = {"sda_pin": "P9", "scl_pin": "P10"}


def measure(node, lines):
    """What sensors.measure gave, and the ms that it took without the imports."""
    result = node.variables(
        f"import utime, sensors\nLINES = {lines}\nsensors.measure(LINES)\n"
        "begin = utime.ticks_cpu()\nitems = sensors.measure(LINES)\n"
        "took_us = utime.ticks_diff(utime.ticks_cpu(), begin)\n"
    )
    return result["items"], result["took_us"] / 1000


def test_inputs_of_one_chip_do_not_collide_while_others_are_measured(node):
    plugged(node, 100.0, 200.0, 300.0, 400.0)
    plugged(node, 2000.0, name="other", address=0x49)
    node.attach(Si7021(node.board, lambda t: 20.0, lambda t: 50.0, noise=(0, 0)))
    lines = [("ads1115", dict(LINE, channel=channel)) for channel in range(4)]
    lines.append(("ads1115", dict(LINE, address=0x49)))
    lines.append(("si7021", LINE))
    items, took_ms = measure(node, lines)
    assert [item.cause for item in items] == [None] * 7
    values_mv = [item.value * 10.0 ** (item.exponent + 3) for item in items[:5]]
    assert values_mv == pytest.approx([100, 200, 300, 400, 2000], abs=0.07)
    assert items[5].value == 2000
    # four conversions of 8 ms and four short ones, one after the other, with 16 transfers each
    assert took_ms < 125


def test_settling_is_waited_for_once_for_all_inputs(node):
    chip = plugged(node, vcc_pin="P11")
    on_s = []
    node.pins.on_change("P11", lambda level: on_s.append(chip.seconds()) if level else None)
    chip.inputs = (lambda t: 1000.0 if t - on_s[-1] > 0.29 else 10.0,) * 4
    lines = [
        ("ads1115", dict(LINE, channel=channel, vcc_pin="P11", settle_ms=300))
        for channel in range(4)
    ]
    items, took_ms = measure(node, lines)
    values_mv = [item.value * 10.0 ** (item.exponent + 3) for item in items]
    assert values_mv == pytest.approx([1000] * 4, abs=0.07)
    assert took_ms < 400
    assert node.pins.level("P11") == 0


def test_settling_is_not_waited_for_without_a_switched_supply(node):
    plugged(node, 500.0)
    _, took_ms = measure(node, [("ads1115", dict(LINE, settle_ms=5000))])
    assert took_ms < 50


@pytest.mark.parametrize(
    ("arguments", "exponent"),
    [
        ({}, -6),
        ({"full_scale_mv": 256}, -6),
        ({"full_scale_mv": 2048}, -5),
        ({"full_scale_mv": 4096}, -4),
        ({"full_scale_mv": 4096, "divider": 11}, -3),
        ({"full_scale_mv": 2048, "model": "ads1015"}, -3),
        ({"full_scale_mv": 6144, "divider": 1000}, -3),
        ({"divider": 2}, -5),
    ],
)
def test_a_report_has_the_decimals_that_the_converter_can_tell(node, arguments, exponent):
    plugged(node, 100.0, model=arguments.get("model", "ads1115"))
    [item], _ = measure(node, [("ads1115", dict(LINE, **arguments))])
    assert (item.name, item.unit, item.exponent) == ("v", "V", exponent)
    millivolts = 100 * arguments.get("divider", 1)
    assert item.value * 10.0 ** (exponent + 3) == pytest.approx(millivolts, rel=0.01)


# Trouble


@pytest.mark.parametrize(
    ("fault", "value"), [("corrupt", 1), ("corrupt", 2), ("brown_out", 1)], ids=str
)
def test_one_disturbance_costs_a_repetition(node, fault, value):
    """Also with arguments that make the configuration that the chip has when it starts."""
    chip = plugged(node, 1000.0, vcc_pin="P11")
    setattr(chip, fault, value)
    arguments = "'P9', 'P10', vcc_pin='P11', channel='0-1', full_scale_mv=2048"
    assert read(node, arguments) == (1000.0, None)


class Lux:
    """Answers as a TSL2561 does whose bytes lack the command bit: with one of its registers."""

    def power(self, on):
        pass

    def write(self, data):
        pass

    def read(self, n):
        return b"\x03" + bytes(n - 1)


@pytest.mark.parametrize("other", ["TSL2561", "Si7021"])
def test_another_part_at_its_address_gives_no_value(node, other):
    chip = Lux() if other == "TSL2561" else Si7021(node.board, lambda t: 20, lambda t: 50)
    node.attach(chip, address=0x49)
    assert read(node, "'P9', 'P10', address=0x49") == (None, "wrong_part")
