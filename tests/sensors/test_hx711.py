"""The driver of the HX711 on the emulated pins: words of the data sheet, trouble, supply."""

from __future__ import annotations

import pytest

from emulator.chips.hx711 import Hx711, attach

# 24 bits, as sent, and the number they are (two's complement)
WORDS = [(0x000000, 0), (0x000001, 1), (0x012345, 74565), (0xFEDCBA, -74566), (0xFFFFFF, -1)]
SATURATED = [0x7FFFFF, 0x800000]
COUNTS_PER_RATIO = 128 / 0.5 * 0x800000


class Chip(Hx711):
    """A chip whose next words a test can dictate; the last one stays."""

    dictated: tuple[int, ...] = ()

    def _convert_at(self, seconds):
        super()._convert_at(seconds)
        if self.dictated and self._done >= 4:
            self._word, *rest = self.dictated
            self.dictated = tuple(rest) or self.dictated


@pytest.fixture
def equip(node):
    def make(counts=0, vcc_pin=None, rate=10, **attributes):
        chip = Chip(node.board, lambda t: counts / COUNTS_PER_RATIO, rate=rate, name="hx711")
        for name, value in attributes.items():
            setattr(chip, name, value)
        attach(node.board, chip, "P9", "P10")
        if vcc_pin is None:
            chip.power(True)
        else:
            node.pins.on_change(vcc_pin, lambda level: chip.power(bool(level)))
        return chip

    return make


def read(node, arguments=""):
    return node.value(f"hx711.get_reading('P9', 'P10', {arguments}), hx711.last_cause", "hx711")


def took_ms(node, arguments):
    return node.took_ms(f"hx711.get_reading('P9', 'P10', vcc_pin='P11', {arguments})", "hx711")


@pytest.mark.both_runtimes
def test_all_words_become_the_numbers_that_they_are(node, equip):
    chip = equip(vcc_pin="P11")
    chip.dictated = tuple(word for word, _ in WORDS for _ in range(3)) + (*SATURATED, 0)
    told = node.ask(
        """
        from sensors import hx711
        from machine import Pin
        from utils import timing
        for _ in range(5):
            show(hx711.get_reading("P9", "P10", vcc_pin="P11"))
        for _ in range(2):
            show([hx711.get_reading("P9", "P10", vcc_pin="P11", samples=1), hx711.last_cause])
        """
    )
    assert told == [*(number for _, number in WORDS), *[[None, "saturated"]] * 2]


@pytest.mark.both_runtimes
def test_a_scale_makes_it_a_weight(node, equip):
    equip(84215 + 21470 * 12)
    told = node.ask(
        """
        from sensors import hx711
        show(hx711.get_reading("P9", "P10", tare=84215))
        show(hx711.get_reading("P9", "P10", tare=84215, scale=21470))
        show(hx711.get_reading("P9", "P10", tare=84215, scale=-85880.0))
        """
    )
    assert told == [257640, 12.0, -3.0]


@pytest.mark.parametrize("gain", [128, 64, 32])
def test_each_gain_reads_its_input(node, equip, gain):
    chip = equip(100000, vcc_pin="P11")
    chip.ratio_b = lambda t: 40000 / COUNTS_PER_RATIO
    expected = {128: 100000, 64: 50000, 32: 10000}[gain]
    assert read(node, f"vcc_pin='P11', gain={gain}") == (expected, None)
    assert chip.misread == 0


@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("rate", [10, 80])
@pytest.mark.parametrize("speed", [0.9, 1.0, 1.17])
@pytest.mark.parametrize("gain", [128, 64])
def test_only_settled_conversions_count(node, equip, silent, rate, speed, gain):
    """Also of parts whose oscillator is off, and of such that tell of unsettled conversions."""
    equip(100000, rate=rate, settles_silently=silent, speed=speed, lateness=0.0, vcc_pin="P11")
    expected = 100000 * gain // 128
    assert read(node, f"vcc_pin='P11', samples=1, gain={gain}") == (expected, None)


@pytest.mark.parametrize("late", [0, 1])
def test_it_takes_no_longer_than_documented(node, equip, late):
    equip(vcc_pin="P11", lateness=late)
    assert 590 < took_ms(node, "") < 700
    assert 390 < took_ms(node, "samples=1") < 480
    assert 790 < took_ms(node, "samples=1, gain=64") < 930


@pytest.mark.parametrize("word", [0xFFFFFF, 0x7FFFFF, 0])
def test_one_damaged_word_of_three_does_no_harm(node, equip, word):
    chip = equip(vcc_pin="P11")
    chip.dictated = (5000, word, 5002)
    assert read(node, "vcc_pin='P11'")[0] in (5000, 5002)


def test_the_median_of_an_even_number_is_between_the_middle_two(node, equip):
    chip = equip(vcc_pin="P11")
    chip.dictated = (1, 8, 4, 1000)
    assert read(node, "vcc_pin='P11', samples=4") == (6, None)


@pytest.mark.parametrize("counts", [-9e6, 9e6])
@pytest.mark.parametrize("arguments", ["", "tare=5, scale=100"])
def test_an_input_out_of_range_is_saturated(node, equip, counts, arguments):
    equip(counts)
    assert read(node, arguments) == (None, "saturated")
    assert len(node.log) == 1


def test_the_clock_is_never_high_for_long(node, equip):
    """Pulses of more than 60 us switch the chip off; data sheet, figure 2: 50 us at most."""
    chip = equip(vcc_pin="P11")
    edges = []
    node.pins.on_change("P10", lambda level: edges.append((node.board.clock.now_us, level)))
    node.board.services["irq"].call_us = {"disable": 30, "restore": 30}
    read(node, "vcc_pin='P11'")
    high = [b[0] - a[0] for a, b in zip(edges, edges[1:], strict=False) if a[1]]
    assert len(high) == 1 + 3 * 25  # the first one starts the chip anew
    assert high[0] > 60
    assert max(high[1:]) <= 10
    assert chip.misread == 0


def test_handlers_are_held_back_while_the_clock_is_high(node, equip):
    chip = equip(12345)
    node.variables("from sensors import hx711\nhx711.get_reading('P9', 'P10')\n")
    disabled = []
    irq = node.board.services["irq"]
    node.pins.on_change("P10", lambda level: disabled.append((level, irq.do_masked())))
    node.value("hx711.get_reading('P9', 'P10')", "hx711")
    pulses = [masked for level, masked in disabled if level]
    assert pulses.count(True) == 3 * 25
    assert pulses.count(False) <= 2  # those that switch it off
    assert not irq.do_masked()
    assert chip.misread == 0


@pytest.mark.parametrize("gain", [128, 64])
@pytest.mark.parametrize("skipped", range(8))
def test_a_brown_out_at_any_conversion_costs_time_only(node, equip, gain, skipped):
    chip = equip(100000, vcc_pin="P11")
    real = chip._next_in

    def count(delay_us):
        nonlocal skipped
        if skipped == 0:
            chip.brown_out = 1
        skipped -= 1
        real(delay_us)

    chip._next_in = count
    assert read(node, f"vcc_pin='P11', gain={gain}") == (100000 * gain // 128, None)


@pytest.mark.parametrize("fault", [None, "absent", "stuck"])
def test_it_is_not_fed_by_its_clock_line_afterwards(node, equip, fault):
    equip(vcc_pin="P11", **({fault: True} if fault else {}))
    assert read(node, "vcc_pin='P11'")[1] == fault
    assert [node.pins.level(pin) for pin in ("P10", "P11")] == [0, 0]


@pytest.mark.parametrize("clock_pin", ["P11"])
def test_a_clock_pin_that_the_board_cannot_hold_will_do(node, clock_pin):
    chip = Chip(node.board, lambda t: 1000 / COUNTS_PER_RATIO)
    attach(node.board, chip, "P9", clock_pin)
    chip.power(True)
    told = node.value(f"hx711.get_reading('P9', '{clock_pin}'), hx711.last_cause", "hx711")
    assert told == (1000, None)


def test_a_chip_always_supplied_sleeps_between_readings_and_in_deep_sleep(node, equip):
    chip = equip(4711)
    assert read(node) == (4711, None)
    node.board.clock.advance(1000)
    assert node.board.meter.state("hx711") == "sleep"
    for service in node.board.services.values():
        service.on_sleep(60_000)
    node.board.clock.advance(60_000_000)
    node.board.reset(3)
    assert node.board.meter.state("hx711") == "sleep"
    assert read(node) == (4711, None)
    assert chip.misread == 0


def test_both_inputs_of_one_chip_can_be_two_sensors(node, equip):
    chip = equip(100000)
    chip.ratio_b = lambda t: 40000 / COUNTS_PER_RATIO
    lines = (
        '(("hx711", {"data_pin": "P9", "clock_pin": "P10", "scale": 1000}),'
        ' ("hx711", {"data_pin": "P9", "clock_pin": "P10", "gain": 32, "name": "b"}))'
    )
    results = node.value(f"sensors.measure({lines})", "hx711\nimport sensors")
    assert [(item.name, item.value, item.exponent, item.unit) for item in results] == [
        ("w", 100000, -3, "kg"),
        ("b", 10000, 0, "count"),
    ]
