"""The driver of DHT11 and DHT22: captures of every legal shape, trouble, supply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.chips.dht import TYPICAL_US, WIDTHS_US, Dht, attach

READ = "dht.get_reading('P9', {!r}{}), dht.last_cause"

# Five bytes and (Cel, %RH) or the cause. Sources: AM2302 data sheet; AM2320 manual; DHT11 data
# sheet, and a capture published with a tutorial (hutscape). Others: by the formats of the manuals.
VECTORS = [
    ("DHT22", "028c015fee", (35.1, 65.2)),
    ("DHT22", "0292010da2", (26.9, 65.8)),
    ("DHT22", "0292806579", (-10.1, 65.8)),
    ("DHT22", "0292010db2", "crc"),
    ("DHT22", "03e8019084", "crc"),
    ("DHT22", "03e703200d", (80.0, 99.9)),
    ("DHT22", "0001819012", (-40.0, 0.1)),
    ("DHT22", "0001819113", "implausible"),
    ("DHT22", "0001032125", "implausible"),
    ("DHT22", "03e90100ed", "implausible"),
    ("DHT22", "0000000000", "implausible"),
    ("DHT22", "fffffffffc", "implausible"),
    # two's complement, as some parts send below 0; the sign of the others; the limits of both
    ("DHT22", "02b7fff6ae", (-1.0, 69.5)),
    ("DHT22", "02b7ff4c04", (-18.0, 69.5)),
    ("DHT22", "02b7ffffb7", (-0.1, 69.5)),
    ("DHT22", "02b7800039", (0.0, 69.5)),
    ("DHT22", "02b7800a43", (-1.0, 69.5)),
    ("DHT22", "02b7fe7027", (-40.0, 69.5)),
    ("DHT22", "02b7fe6f26", 'implausible'),
    ("DHT22", "02b70fffc7", (-0.1, 69.5)),  # of 12 and 15 bits
    ("DHT22", "02b70fce96", (-5.0, 69.5)),
    ("DHT22", "02b77f72aa", (-14.2, 69.5)),
    ("DHT22", "02b70e7037", (-40.0, 69.5)),
    ("DHT22", "02b70e6f36", 'implausible'),
    ("DHT22", "02b71fffd7", 'implausible'),
    ("DHT22", "02b78190ca", (-40.0, 69.5)),
    ("DHT22", "02b78191cb", 'implausible'),
    ("DHT22", "3500180451", "wrong_part"),
    ("DHT11", "3500180451", (24.4, 53.0)),
    ("DHT11", "26001c0042", (28.0, 38.0)),
    ("DHT11", "3505018bc6", "implausible"),  # 11 tenths
    ("DHT11", "35050189c4", (-1.9, 53.5)),
    ("DHT11", "1400320046", (50.0, 20.0)),
    ("DHT11", "3c0063009f", "implausible"),  # 99 Cel
    ("DHT11", "0000180018", "implausible"),  # 0 %RH
    ("DHT11", "3500180452", "crc"),
    ("DHT11", "0000000000", "implausible"),
    ("DHT11", "028c015fee", "wrong_part"),
]  # fmt: skip
IDS = [f"{model} {data}" for model, data, _ in VECTORS]

EXAMPLE = bytes.fromhex("028c015fee")
READING = ((35.1, 65.2), None)


def capture(data, zero=26, one=70, low=50, before=((1, 30), (0, 80), (1, 80)), end=((1, 0),)):
    """The pulses of an answer, written down independently of the emulated chip."""
    bits = "".join(f"{byte:08b}" for byte in data)
    pairs = [pulse for bit in bits for pulse in ((0, low), (1, one if bit == "1" else zero))]
    return [*before, *pairs, (0, 50), *end]


@pytest.fixture
def equip(node):
    def make(celsius=21.4, percent=54.8, model="DHT22", vcc_pin=None, **attributes):
        def constant(value):
            return value if callable(value) else lambda t: value

        chip = Dht(node.board, constant(celsius), constant(percent), model)
        for name, value in attributes.items():
            setattr(chip, name, value)
        attach(node.board, chip, "P9")
        if vcc_pin is None:
            chip.power(True)
            node.board.clock.advance(5_000_000)
        else:
            node.pins.on_change(vcc_pin, lambda level: chip.power(bool(level)))
        return chip

    return make


def read(node, model="DHT22", rest=""):
    return node.value(READ.format(model, rest), "dht")


def duration_ms(node, model="DHT22", rest=""):
    read(node, model, rest)  # the imports are done now
    node.board.clock.advance(5_000_000)
    before = node.board.clock.now_us
    read(node, model, rest)
    return (node.board.clock.now_us - before) / 1000


@pytest.mark.both_runtimes
def test_all_vectors(node, equip):
    """From pulses at the pin to values, in one run for each model."""
    chips = {}
    told = []
    for model, pin in (("DHT11", "P10"), ("DHT22", "P9")):
        chips[model] = Dht(node.board, lambda t: 20, lambda t: 50, model, name=model)
        chips[model].power(True)
        attach(node.board, chips[model], pin)
        answers = [bytes.fromhex(data) for each, data, _ in VECTORS if each == model]
        node.pins.pulse_sources[pin] = repeating(chips[model], answers)
        told += node.ask(
            f"""
            from sensors import dht
            from utils import timing
            for number in range({len(answers)}):
                timing.sleep_ms(3000)
                reading = dht.get_reading({pin!r}, {model!r})
                show([reading[0], reading[1], dht.last_cause])
            """
        )
    expected = [
        [None, None, value] if isinstance(value, str) else [*value, None]
        for _, _, value in sorted(VECTORS, key=lambda row: row[0])
    ]
    assert len(told) == len(VECTORS)
    for (temperature, humidity, cause), want in zip(told, expected, strict=True):
        assert cause == want[2]
        if cause is None:
            assert (temperature, humidity) == pytest.approx(tuple(want[:2]), abs=1e-5)


def repeating(chip, answers):
    """Send one answer during each reading: the first request, the second, and a repetition."""
    number = -1

    def pulses():
        nonlocal number
        if not chip.pulses():
            number += 1  # the driver empties the receiver before each reading
            return []
        return capture(answers[number])

    return pulses


@pytest.mark.parametrize(("model", "data", "value"), VECTORS, ids=IDS)
def test_the_decoder_by_itself(node, model, data, value):
    pulses = capture(bytes.fromhex(data))
    result = node.variables(
        "from sensors import SensorError, dht\n"
        f"try:\n    result = dht.decode({model!r}, dht.frame({pulses!r}))\n"
        "except SensorError as error:\n    result = error.args[0]\n"
    )["result"]
    assert result == value


@pytest.mark.parametrize(
    "pulses",
    [
        capture(EXAMPLE),
        capture(EXAMPLE, zero=30, one=75, before=((1, 25), (0, 80), (1, 75))),
        capture(EXAMPLE, zero=22, one=68, low=55),
        capture(EXAMPLE, before=((1, 26), (0, 80), (1, 70))),  # that look like bits
        capture(EXAMPLE, before=((0, 80), (1, 80))),
        capture(EXAMPLE, before=((1, 85),)),
        capture(EXAMPLE, before=(), end=()),
        capture(EXAMPLE, before=((0, 2000), (1, 30), (0, 80), (1, 80)), end=((1, 0), (0, 0))),
        capture(EXAMPLE, end=((1, 65535),)),
        capture(EXAMPLE, end=((1, 120), (0, 0), (1, 0))),
    ],
    ids=["typical", "long", "short", "look like bits", "no release", "no low", "bits only",
         "start pulse", "idle", "zeros"],
)  # fmt: skip
def test_every_legal_capture_is_decoded(node, equip, pulses):
    chip = equip()
    node.pins.pulse_sources["P9"] = lambda: pulses if chip.pulses() else []
    assert read(node) == READING
    assert node.log == []


def test_the_capture_of_the_example_has_85_tuples():
    assert len(capture(EXAMPLE)) == 85


WIDTHS = st.fixed_dictionaries(
    {name: st.integers(least, most) for name, (least, _, most) in WIDTHS_US.items()}
)


def test_any_mixture_of_legal_widths_is_decoded(node):
    chip = Dht(node.board, lambda t: 0, lambda t: 0)

    @given(
        data=st.binary(min_size=4, max_size=4),
        widths=st.lists(WIDTHS, min_size=1, max_size=41),
        shape=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    )
    def check(data, widths, shape):
        turn = iter(widths * 41)
        chip.widths = lambda: next(turn)
        chip.release_seen, chip.response_seen, chip.end_marker = shape
        data += bytes((sum(data) & 0xFF,))
        pulses = chip._shape(int.from_bytes(data, "big"))
        assert node.value(f"dht.frame({pulses!r})", "dht") == data

    check()


@pytest.mark.parametrize("model", ["DHT11", "DHT22"])
@pytest.mark.parametrize("late", [0, 1])
def test_a_reading_is_of_now_and_not_of_the_time_before(node, equip, model, late):
    """The truth rises by a degree a minute; what was measured before is minutes old."""
    equip(lambda t: 20 + t / 60, 50, model, tenths=True, lateness=late)
    read(node, model)
    node.board.clock.advance(600_000_000)
    (temperature, _), cause = read(node, model)
    assert cause is None
    assert temperature == pytest.approx(20 + node.board.clock.now_us / 60e6, abs=0.15)


@pytest.mark.parametrize("model", ["DHT11", "DHT22"])
def test_also_with_a_switched_supply(node, equip, model):
    equip(lambda t: 20 + t, 50, model, tenths=True, vcc_pin="P11", lateness=1.0)
    (temperature, _), cause = read(node, model, ", 'P11'")
    assert cause is None
    # not that of power-on; the measurement that the first request started ends before the second
    assert temperature == pytest.approx(20 + node.board.clock.now_us / 1e6, abs=0.5)


@pytest.mark.parametrize(
    ("model", "rest", "least", "most"),
    [
        ("DHT11", "", 1000, 1250),  # with the line that tells the result
        ("DHT22", "", 2000, 2250),
        ("DHT11", ", 'P11'", 2000, 2250),
        ("DHT22", ", 'P11'", 4000, 4300),
    ],
)
def test_it_takes_no_longer_than_documented(node, equip, model, rest, least, most):
    equip(model=model, vcc_pin="P11" if rest else None)
    assert least < duration_ms(node, model, rest) < most
    assert node.log == []


@pytest.mark.parametrize("early", ["silent", "old"])
def test_readings_right_behind_one_another_work(node, equip, early):
    equip(early=early)
    read(node)
    assert read(node) == ((21.4, 54.8), None)
    assert read(node) == ((21.4, 54.8), None)
    assert node.log == []


def test_one_damaged_answer_costs_a_repetition(node, equip):
    equip(corrupt=2)  # the first answer does not count anyway
    assert read(node) == ((21.4, 54.8), None)
    assert node.log == []


@pytest.mark.parametrize(("misses", "value"), [(1, (21.4, 54.8)), (2, (None, None))])
def test_a_request_without_an_answer(node, equip, misses, value):
    chip = equip(misses=misses)
    assert read(node) == (value, None if value[0] else "absent")
    assert chip.misses == 0


def test_one_request_without_an_answer_after_one_with_it_costs_a_repetition(node, equip):
    chip = equip()
    node.board.clock.schedule_ms(1000, lambda: setattr(chip, "misses", 1))
    assert read(node) == ((21.4, 54.8), None)
    assert chip.misses == 0


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"absent": True}, "absent"),
        ({"stuck": True}, "stuck"),
        ({"corrupt": 99}, "crc"),
        ({"corrupt_rate": 1.0}, "crc"),
        ({"flips": (3,)}, "crc"),
        ({"flips": (3, 35)}, "crc"),
        ({"cut": 4}, "crc"),
        ({"cut": 60}, "crc"),
        ({"lost": 10}, "crc"),
        # the sum is also right if all bits move: 51.2 Cel instead of 25.6
        ({"spikes": 1, "sends": bytes.fromhex("0140010042")}, "crc"),
        ({"spikes": 1, "sends": bytes.fromhex("0140010042"), "release_seen": False}, "crc"),
        ({"sends": bytes(5)}, "implausible"),
        ({"widths": {**TYPICAL_US, "one": 40}}, "implausible"),
    ],
    ids=str,
)
def test_trouble_has_a_cause_and_never_a_value(node, equip, fault, cause):
    equip(**fault)
    before = node.board.clock.now_us
    assert read(node) == ((None, None), cause)
    assert len(node.log) == 1
    assert node.board.clock.now_us - before < 4_500_000
    assert node.pins.do_mode("P9") == 7  # open drain, and let go of
    assert node.pins._pins["P9"].output == 1


@pytest.mark.parametrize(
    ("configured", "there", "cause"),
    [("DHT11", "DHT22", "wrong_part"), ("DHT22", "DHT11", "absent")],  # too short a start pulse
)
def test_the_other_model_gives_no_value(node, equip, configured, there, cause):
    equip(model=there)
    assert read(node, configured) == ((None, None), cause)


@pytest.mark.parametrize("vcc", [None, "P11"])
def test_a_brown_out_while_it_measures_is_no_answer(node, equip, vcc):
    """It starts anew and is silent for 2 s; the repetition finds it awake."""
    equip(vcc_pin=vcc, brown_out=1, lateness=1.0)
    assert read(node, "DHT22", f", {vcc!r}") == ((21.4, 54.8), None)
    assert node.log == []


@pytest.mark.parametrize("earlier_ms", [10, 20])
def test_a_capture_that_an_earlier_call_left_behind_is_not_taken(node, equip, earlier_ms):
    """Somebody listened for too short a time: the receiver still has that capture."""
    equip()
    node.variables(
        "import pycom\nfrom machine import Pin\nfrom utils import timing\n"
        "pin = Pin('P9', mode=Pin.OPEN_DRAIN, value=0)\ntiming.sleep_ms(2)\n"
        f"early = pycom.pulses_get(pin, {earlier_ms})\nassert early == []\n"
    )
    late = [[level, length] for level, length in capture(bytes.fromhex("0292806579"))]
    assert node.pins._late["P9"]
    node.pins._late["P9"] = late
    node.board.clock.advance(5_000_000)
    assert read(node) == ((21.4, 54.8), None)


def test_it_listens_for_long_enough_and_once_per_request(node, equip):
    equip()
    spans = []
    real = node.pins.do_pulses
    node.pins.do_pulses = lambda name, timeout: spans.append(timeout) or real(name, timeout)
    read(node)
    assert [span >= 75 for span in spans] == [False, True, True]


def test_two_sensors_take_as_long_as_the_slower_one(node, equip):
    equip()
    lines = (
        '(("dht", {"data_pin": "P9", "dht_model": "DHT22"}),'
        ' ("dht", {"data_pin": "P22", "dht_model": "DHT11"}))'
    )
    other = Dht(node.board, lambda t: 19, lambda t: 40, "DHT11", name="other")
    attach(node.board, other, "P22")
    other.power(True)
    node.board.clock.advance(2_000_000)
    node.value(f"sensors.measure({lines})", "dht\nimport sensors")
    node.board.clock.advance(5_000_000)
    before = node.board.clock.now_us
    results = node.value(f"sensors.measure({lines})", "dht\nimport sensors")
    assert [(item.name, item.value, item.exponent, item.unit) for item in results] == [
        ("t", 214, -1, "Cel"),
        ("h", 548, -1, "%RH"),
        ("t2", 190, -1, "Cel"),
        ("h2", 400, -1, "%RH"),
    ]
    assert node.board.clock.now_us - before < 2_500_000


def test_a_refusal_of_the_firmware_is_failed_and_lets_go_of_the_line(node, equip):
    equip(vcc_pin="P11")

    def refuse(name, timeout_ms):
        raise OSError("no memory")

    node.pins.do_pulses = refuse
    assert read(node, "DHT22", ", 'P11'") == ((None, None), "failed")
    assert node.pins.level("P11") == 0
    assert node.pins._pins["P9"].output == 1
