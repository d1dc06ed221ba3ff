"""utils.gpio_handler: voltages and levels of pins; utils.adc beneath it."""

from __future__ import annotations

import itertools

import pytest

from emulator.chips.battery import Battery
from emulator.chips.voltage import Voltage

pytestmark = pytest.mark.both_runtimes

IMPORT = "from utils import gpio_handler\n"

# (attenuation, Vref of the firmware, count, mV), evaluated from Espressif's published constants
COUNTS = (0, 1, 500, 1000, 2048, 2880, 2944, 3000, 3500, 4000, 4095)
MILLIVOLTS = {
    "ATTN_0DB": (75, 75, 193, 310, 557, 753, 768, 781, 899, 1016, 1039),
    "ATTN_2_5DB": (78, 78, 234, 390, 718, 978, 998, 1015, 1171, 1328, 1357),
    "ATTN_6DB": (107, 107, 323, 539, 992, 1352, 1380, 1404, 1620, 1836, 1877),
    "ATTN_11DB": (142, 143, 545, 948, 1792, 2462, 2502, 2543, 2857, 3094, 3134),
}
OTHER_VREF = [(1050, "ATTN_0DB", 2048, 535), (1050, "ATTN_11DB", 2048, 1717),
              (1050, "ATTN_11DB", 3500, 2798), (1142, "ATTN_0DB", 2048, 575),
              (1142, "ATTN_11DB", 2048, 1855), (1142, "ATTN_11DB", 3500, 2906)]  # fmt: skip


def counts(device, *values):
    """Have the converter give these counts, over and over."""
    source = itertools.cycle(values)
    device.service("adc").do_read = lambda pin, attn, bits: next(source)


def vcc(device, pin):
    """The levels that the board puts on a pin from now on, with the time in ms."""
    changes: list[tuple[int, int]] = []
    clock = device.board.clock
    device.service("pins").on_change(
        pin, lambda level: changes.append((level, clock.now_us // 1000))
    )
    return changes


def test_counts_become_millivolts_as_the_vendor_says(device):
    """All at once: one start of the board takes long. The ends of the range are no voltages."""
    per_value = 4
    rows = [(attn, count, mv) for attn, line in MILLIVOLTS.items()
            for count, mv in zip(COUNTS, line, strict=True)]  # fmt: skip
    source = itertools.chain.from_iterable([count] * per_value for _, count, _ in rows)
    device.service("adc").do_read = lambda pin, attn, bits: next(source)
    results = device.run(
        IMPORT + f"for attn in {[attn for attn, _, _ in rows]}:\n"
        "    show(gpio_handler.get_input_voltage('P16', 1, getattr(gpio_handler, attn), 4))\n"
    )
    for (attn, count, mv), result in zip(rows, results, strict=True):
        told = count < 4095 and mv > MILLIVOLTS[attn][0]
        assert result == (mv if told else None), (attn, count)


def test_the_reference_of_the_firmware_is_left_alone(device):
    source = itertools.chain.from_iterable([count] * 4 for _, _, count, _ in OTHER_VREF)
    device.service("adc").do_read = lambda pin, attn, bits: next(source)
    lines = [(vref, attn) for vref, attn, _, _ in OTHER_VREF]
    results = device.run(
        IMPORT + f"from machine import ADC\nfor vref, attn in {lines}:\n"
        "    ADC(0).vref(vref)\n"
        "    show(gpio_handler.get_input_voltage('P16', 1, getattr(gpio_handler, attn), 4))\n"
        "    show(ADC(0).vref())\n"
    )
    assert results == [each for vref, _, _, mv in OTHER_VREF for each in (mv, vref)]


@pytest.mark.cpython
@pytest.mark.parametrize(
    ("call", "count", "expected"),
    [
        ("get_input_voltage('P16')", 2048, 1792),
        ("get_input_voltage('P16', 2)", 2048, 3584),
        ("get_input_voltage('P16', voltage_divider=3.054)", 2048, 5473),
        ("get_input_voltage('P13', voltage_divider=11, attn=0)", 1000, 3410),
        ("get_input_voltage('P13', voltage_divider=11, attn=0)", 500, 2123),
        ("get_input_voltage('P13', voltage_divider=11, attn=0)", 0, None),
        ("get_input_voltage('P14', measurement_cycles=1)", 1000, 948),
        ("get_vin()", 2048, 3584),
        ("get_vin('P15')", 4095, None),
    ],
)
def test_voltages(device, call, count, expected):
    counts(device, count)
    assert device.run(IMPORT + f"show(gpio_handler.{call})") == [expected]
    assert ("WARNING gpio" in device.output) == (expected is None)


@pytest.mark.cpython
def test_as_many_samples_as_asked_for(device):
    asked = []

    def read(pin, attn, bits):
        asked.append((pin, attn, bits))
        return 2048

    device.service("adc").do_read = read
    device.run(
        IMPORT + "gpio_handler.get_input_voltage('P20')\n"
        "gpio_handler.get_input_voltage('P19', 1, gpio_handler.ATTN_6DB, 7)\n"
    )
    assert asked == [("P20", 3, 12)] * 500 + [("P19", 2, 12)] * 7


@pytest.mark.cpython
def test_a_refusal_of_the_firmware_is_no_voltage(device):
    def refuse(pin, attn, bits):
        raise OSError("resource not available")

    device.service("adc").do_read = refuse
    assert device.run(IMPORT + "show(gpio_handler.get_vin())") == [None]
    assert "failed" in device.output


def test_a_voltage_that_moves_is_measured_once_more(device):
    source = Voltage(device.board, lambda t: 1500, noise_mv=0)
    source.power(True)
    device.service("adc").sources["P16"] = source
    source.brown_out = 1
    program = IMPORT + "show(gpio_handler.get_input_voltage('P16'))"
    [value] = device.run(program)
    assert value == pytest.approx(1500, abs=5)
    source.brown_out = 2
    assert device.run(program) == [None]
    assert "not_ready" in device.output


@pytest.mark.cpython
@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("get_input_voltage, 'P9'", "pin = 'P9'; allowed: P13, P14"),
        ("get_input_voltage, 16", "pin = 16"),
        ("get_input_voltage, 'P16', 0", "voltage_divider = 0; allowed: a number 1 to 1000"),
        ("get_input_voltage, 'P16', 1, 4", "attn = 4; allowed: ATTN_0DB to ATTN_11DB"),
        ("get_input_voltage, 'P16', 1, 3, 0", "measurement_cycles = 0; allowed: an integer 1"),
        ("set_pin_value, 'P13', 1", "pin = 'P13'; allowed: P0, P1"),
        ("set_pin_value, None, 1", "pin = None"),
        ("timed_pin_pull_up, 'P18'", "pin = 'P18'"),
        ("timed_pin_pull_up, 'P9', -1", "durationms = -1; allowed: an integer 0 to 60000"),
        ("get_input_voltage, 'P16', '2'", "voltage_divider = '2'; allowed: a number 1 to 1000"),
        ("get_input_voltage, 'P16', None", "voltage_divider = None"),
        ("check_minimum_voltage_threshold, 'P23', 'P12'", "pin_battery_voltage = 'P12'"),
        ("check_minimum_voltage_threshold, 'P17'", "pin = 'P17'"),
        ("check_minimum_voltage_threshold, 'P23', 'P13', '3 V'", "threshold_mv = '3 V'"),
        ("check_minimum_voltage_threshold, 'P23', 'P13', 3000, 0", "voltage_divider = 0"),
        ("check_minimum_voltage_threshold, 'P23', 'P13', 3000, 2, 4", "attn = 4"),
        ("check_minimum_voltage_threshold, 'P23', 'P13', 3000, 2, 0, 0", "sleep_ms = 0"),
    ],
)
def test_bad_arguments_are_refused_before_a_pin_moves(device, call, text):
    seen = [vcc(device, pin) for pin in ("P9", "P23")]
    [(name, message)] = device.run(IMPORT + f"show(raised(gpio_handler.{call}))")
    assert name == "ValueError"
    assert text in message
    assert seen == [[], []]


def test_levels_stay_as_they_are_set(device):
    changes = vcc(device, "P9")
    device.run(
        IMPORT + "for value in (1, False, True, 0, 5):\n"
        "    gpio_handler.set_pin_value('P9', value)\n"
    )
    assert [level for level, _ in changes] == [1, 0, 1, 0, 1]
    assert device.service("pins").level("P9") == 1


@pytest.mark.parametrize(("arguments", "length_ms"), [("", 500), (", 20", 20), (", 3500", 3500)])
def test_a_pulse_is_high_for_its_time(device, arguments, length_ms):
    changes = vcc(device, "P21")
    device.run(IMPORT + f"gpio_handler.timed_pin_pull_up('P21'{arguments})")
    (up, up_ms), (down, down_ms) = changes
    assert (up, down) == (1, 0)
    assert length_ms <= down_ms - up_ms <= length_ms + 3


def battery(device, millivolts):
    """Behind 1 MOhm and 100 kOhm at P13, switched by P23, as on an insigh.io board: 18 ms."""
    source = Battery(
        device.board, lambda t: millivolts, ohm=0, top_ohm=1e6, bottom_ohm=1e5, farad=200e-9,
        switched=True, noise_mv=0.2,
    )  # fmt: skip
    device.service("adc").sources["P13"] = source
    device.service("pins").on_change("P23", lambda level: source.power(bool(level)))
    return vcc(device, "P23"), vcc(device, "P22")


CHECK = IMPORT + "show(gpio_handler.check_minimum_voltage_threshold())"


def test_a_good_battery_lets_the_program_go_on(device):
    divider, charger = battery(device, 3600)
    [value] = device.run(CHECK)
    assert value == pytest.approx(3600, abs=30)
    assert [level for level, _ in divider] == [1, 0]
    assert charger == []


def test_a_low_battery_puts_the_node_to_sleep_for_three_minutes(device):
    divider, _ = battery(device, 2900)
    before_us = device.board.clock.now_us
    assert device.run(CHECK, ends="deepsleep") == []
    assert [level for level, _ in divider] == [1, 0]
    assert 180_000_000 < device.board.clock.now_us - before_us < 184_000_000
    assert "asleep" in device.output


@pytest.mark.cpython
def test_a_battery_that_cannot_be_measured_does_not_stop_the_node(device):
    assert device.run(CHECK) == [None]


@pytest.mark.cpython
def test_another_board_another_threshold(device):
    device.service("adc").sources["P16"] = lambda: 1700
    call = "gpio_handler.check_minimum_voltage_threshold(None, 'P16', {}, 2, 3, 60000)"
    [value] = device.run(IMPORT + "show(" + call.format(3300) + ")")
    assert value == pytest.approx(3400, abs=5)
    before_us = device.board.clock.now_us
    device.run(IMPORT + call.format(3500), ends="deepsleep")
    assert 60_000_000 < device.board.clock.now_us - before_us < 64_000_000
