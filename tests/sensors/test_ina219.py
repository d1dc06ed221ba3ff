"""The INA219 driver on the emulated bus: values of the data sheet, ranges, trouble, supply."""

from __future__ import annotations

import pytest

from emulator.board.i2c import Nack
from emulator.chips.ina219 import ADDRESS, Ina219
from emulator.chips.si7021 import Si7021

NOTHING = (None, None, None)


class Fixed:
    """Registers as given, one set after the other: the next one counts from the next reset on.

    A set is (shunt, bus), each a word or a list, used up from the front, whose last word stays.
    """

    def __init__(self, *sets):
        self.sets = [[part if isinstance(part, list) else [part] for part in one] for one in sets]
        self.sets.insert(0, [[0], [0]])
        self.configuration = 0x399F
        self.written = []
        self.pointer = 0

    def power(self, on):
        pass

    def write(self, data):
        self.pointer = data[0]
        if len(data) == 3:
            word = int.from_bytes(data[1:], "big")
            self.written.append(word)
            self.configuration = 0x399F if word & 0x8000 else word
            if word & 0x8000 and len(self.sets) > 1:
                del self.sets[0]
            elif word & 7 == 3:
                for part in self.sets[0]:
                    if len(part) > 1:
                        del part[0]

    def read(self, n):
        shunt, bus = self.sets[0]
        word = {0: self.configuration, 1: shunt[0], 2: bus[0]}[self.pointer]
        return word.to_bytes(2, "big")[:n]


def read(node, arguments="'P9', 'P10'"):
    """The values as a plain tuple, and the cause."""
    values, cause = node.value(f"ina219.get_reading({arguments}), ina219.last_cause", "ina219")
    return tuple(values), cause


def plugged(node, bus_mv=12000.0, current_ma=400.0, vcc_pin=None, **options):
    chip = Ina219(node.board, lambda t: bus_mv, lambda t: current_ma, **options)
    return node.attach(chip, vcc_pin, ADDRESS)


# (shunt register, bus register, shunt in mOhm) -> mV, mA, mW. The first is the data sheet's worked
# example; the others are words of published drivers' tests with what they stand for. Bit 1 of the
# bus register, ready, is set in all, since the driver waits for it.
VECTORS = [
    (0x07D0, 0x5D9A, 2, (11980, 10000, 119800)),
    (0x0FA0, 0x5D9A, 40, (11980, 1000, 11980)),
    (0x0FA0, 0x5D9A, 100, (11980, 400, 4792)),
    (0xF060, 0x1F42, 40, (4000, -1000, -4000)),
    (0xF060, 0x1F42, 100, (4000, -400, -1600)),
    (0x0001, 0xFA02, 100, (32000, 0.1, 3.2)),
    (0x0001, 0x7D02, 10000, (16000, 0.001, 0.016)),
    (0xFFFF, 0x2592, 100, (4808, -0.1, -0.4808)),
    (0x0000, 0x000A, 100, (4, 0, 0)),
    (0x7CFF, 0x5D9A, 100, (11980, 3199.9, 38334.802)),
    (0x8301, 0x5D9A, 0.5, (11980, -639980, -7666960.4)),
    # an overflow that the chip announces, and the ends of the largest range
    (0x07D0, 0x0FA3, 100, (2000, None, None)),
    (0x7D00, 0x5D9A, 100, (11980, None, None)),
    (0x8300, 0x5D9A, 100, (11980, None, None)),
]


@pytest.mark.both_runtimes
def test_registers_become_millivolts_milliamperes_and_milliwatts(node):
    sets = [(shunt, bus) for shunt, bus, _, _ in VECTORS]
    node.attach(Fixed(*sets, (0xF060, 0x1F42)), address=ADDRESS)
    shown = node.ask(
        f"""
        from sensors import ina219
        for shunt_mohm in {[shunt_mohm for _, _, shunt_mohm, _ in VECTORS]}:
            reading = ina219.get_reading("P9", "P10", shunt_mohm=shunt_mohm)
            show([tuple(reading), ina219.last_cause])
        import sensors
        line = ("ina219", {{"sda_pin": "P9", "scl_pin": "P10", "shunt_mohm": 40}})
        show([[item.value, item.exponent] for item in sensors.measure([line])])
        """
    )
    assert shown.pop() == [[4000, -3], [-10000, -4], [-40000, -4]]
    for (values, cause), (_, _, _, expected) in zip(shown, VECTORS, strict=True):
        assert values[0] == expected[0]
        assert type(values[0]) is int
        if expected[1] is None:
            assert (values[1:], cause) == ([None, None], "saturated")
        else:
            assert values[1:] == pytest.approx(expected[1:], rel=1e-6, abs=1e-6)
            assert cause is None


# 10 uV steps over the shunt -> code of the smallest range that leaves a quarter free
RANGES = [(0, 0), (10, 0), (319, 0), (321, 1), (-321, 1), (640, 1), (641, 2), (1281, 3), (3199, 3)]


@pytest.mark.parametrize(("current_ma", "code"), RANGES)
def test_the_smallest_range_that_fits_is_chosen(node, current_ma, code):
    plugged(node, current_ma=current_ma)
    values, cause = read(node)
    assert (values[1], cause) == (current_ma, None)
    configurations = [text for text in node.transfers() if text.startswith("write 0x40 00 ")]
    final = int(configurations[-2][len("write 0x40 00 ") :].replace(" ", ""), 16)
    assert final >> 11 & 3 == code


def test_a_current_that_grows_meanwhile_is_measured_in_a_larger_range(node):
    # at the first look, in the largest range; then so much, that each next one is exceeded
    node.attach(Fixed(([0, 10, 4000, 8000, 16000], 0x5D9A)), address=ADDRESS)
    assert read(node) == ((11980, 1600.0, pytest.approx(19168)), None)


def test_the_voltage_is_given_while_the_current_is_too_large(node):
    plugged(node, current_ma=3300)
    assert read(node) == ((12000, None, None), "saturated")
    assert len(node.log) == 1
    assert "saturated" in node.log[0]


@pytest.mark.parametrize("flags", [False, True])
def test_both_readings_of_the_overflow_flag_are_understood(node, flags):
    plugged(node, current_ma=390, flags_clipping=flags)
    assert read(node)[0][1] == 390
    plugged(node, current_ma=-3300, flags_clipping=flags)
    assert read(node) == ((12000, None, None), "saturated")


def test_a_calibration_that_somebody_left_raises_no_false_overflow(node):
    chip = plugged(node)
    chip.write(b"\x05\xff\xfe")
    assert read(node) == ((12000, 400.0, 4800.0), None)


def test_an_impossible_voltage_is_no_measurement(node):
    node.attach(Fixed((100, 0xFA0A)), address=ADDRESS)
    assert read(node) == (NOTHING, "implausible")


@pytest.mark.parametrize("averages", [1, 2, 16, 128])
@pytest.mark.parametrize("late", [0, 1], ids=["typical", "greatest"])
def test_it_waits_as_long_as_the_averaging_takes(node, averages, late):
    plugged(node).lateness = late
    program = (
        "import utime\nfrom sensors import ina219\n"
        f"ina219.get_reading('P9', 'P10', averages={averages})\n"  # the imports are done now
        "begin = utime.ticks_cpu()\n"
        f"reading = ina219.get_reading('P9', 'P10', averages={averages})\n"
        "took_us = utime.ticks_diff(utime.ticks_cpu(), begin)\n"
    )
    result = node.variables(program)
    assert tuple(result["reading"]) == (12000, 400.0, 4800.0)
    assert result["took_us"] < 15_000 + averages * (1172 if late else 1064) + 1000


def test_averaging_covers_a_load_that_switches(node):
    chip = plugged(node)
    chip.current_ma = lambda t: 200 if int(t * 1e4) % 2 else 100  # 5 kHz
    values, cause = read(node, "'P9', 'P10', averages=128")
    assert cause is None
    assert values[1] == pytest.approx(150, abs=5)


def test_it_is_put_to_rest_after_a_reading_and_after_a_failure(node):
    chip = plugged(node)
    read(node)
    assert node.board.meter.milliamps("ina219") == 0.006
    chip.extra_ms = 50
    assert read(node) == (NOTHING, "busy")
    assert node.board.meter.milliamps("ina219") == 0.006


class Refusing:
    """Acknowledges its address but no register."""

    def power(self, on):
        pass

    def write(self, data):
        if data:
            raise Nack

    def read(self, n):
        return b"\xff" * n


class Mute:
    """Takes what is written and has no answer, as an SHT4x that was asked for nothing."""

    def power(self, on):
        pass

    def write(self, data):
        pass

    def read(self, n):
        raise Nack


class Woken(Fixed):
    """A PCA9685, whose first register is 0 once the driver has written to it."""

    configuration = property(lambda self: 0, lambda self, word: None)


def climate(model):
    return lambda node: Si7021(node.board, lambda t: 20, lambda t: 50, model)


OTHERS = [
    ("Si7021", climate("si7021")),
    ("HTU21D", climate("htu21d")),
    ("PCA9685", lambda node: Woken((0x0404, 0))),
    ("part without this register", lambda node: Refusing()),
    ("part without an answer", lambda node: Mute()),
]


@pytest.mark.parametrize("make", [case[1] for case in OTHERS], ids=[case[0] for case in OTHERS])
def test_another_part_at_its_address_gives_no_value(node, make):
    node.attach(make(node), address=ADDRESS)
    assert read(node) == (NOTHING, "wrong_part")


def test_the_driver_of_another_part_at_this_address_sees_that_it_is_none(node):
    plugged(node)
    expression = "si7021.get_reading('P9', 'P10'), si7021.last_cause"
    assert node.value(expression, "si7021") == ((None, None), "wrong_part")


def test_a_slow_start_is_waited_for(node):
    chip = plugged(node, vcc_pin="P11")
    chip.power_up_ms = (9, 9)
    assert read(node, "'P9', 'P10', 'P11'")[1] is None


def test_another_address_and_several_chips_on_one_bus(node):
    for number in range(3):
        chip = Ina219(
            node.board, lambda t: 5000, lambda t, n=number: 10.0 * n, name=f"ina{number}"
        )
        node.attach(chip, address=0x40 + number * 5)
    lines = [
        ("ina219", {"sda_pin": "P9", "scl_pin": "P10", "address": 0x40 + number * 5})
        for number in range(3)
    ]
    begin = "import utime, sensors\nsensors.measure(LINES)\nbegin = utime.ticks_cpu()\n"
    result = node.variables(
        f"LINES = {lines}\n{begin}"
        "items = sensors.measure(LINES)\n"
        "took_us = utime.ticks_diff(utime.ticks_cpu(), begin)\n"
    )
    found = [(item.name, item.value, item.exponent, item.unit) for item in result["items"]]
    assert found == [
        ("v", 5000, -3, "V"), ("i", 0, -4, "A"), ("w", 0, -4, "W"),
        ("v2", 5000, -3, "V"), ("i2", 100, -4, "A"), ("w2", 500, -4, "W"),
        ("v3", 5000, -3, "V"), ("i3", 200, -4, "A"), ("w3", 1000, -4, "W"),
    ]  # fmt: skip
    assert result["took_us"] < 55_000  # one alone: 29 ms


def test_two_lines_for_one_chip_do_not_disturb_each_other(node):
    plugged(node)
    line = {"sda_pin": "P9", "scl_pin": "P10"}
    lines = [("ina219", dict(line, averages=averages)) for averages in (128, 1)]
    items = node.variables(f"import sensors\nitems = sensors.measure({lines})\n")["items"]
    assert [item.value for item in items] == [12000, 4000, 48000] * 2
    assert node.transfers().count("write 0x40 00 80 00") == 2  # none had to begin anew


@pytest.mark.parametrize(
    ("shunt_mohm", "exponent"), [(0.5, -3), (2, -3), (10, -3), (100, -4), (1000, -5), (9999, -6)]
)
def test_a_report_has_the_decimals_that_the_shunt_can_tell(node, shunt_mohm, exponent):
    plugged(node, current_ma=12345 / shunt_mohm, shunt_mohm=shunt_mohm)
    line = ("ina219", {"sda_pin": "P9", "scl_pin": "P10", "shunt_mohm": shunt_mohm})
    items = node.variables(f"import sensors\nitems = sensors.measure([{line}])\n")["items"]
    assert [item.exponent for item in items] == [-3, exponent, exponent]
    step_ma = 10 / shunt_mohm
    assert items[1].value * 10.0 ** (exponent + 3) == pytest.approx(
        12345 / shunt_mohm, abs=step_ma
    )
