"""The battery driver on the emulated converter, divider, charger and shunt."""

from __future__ import annotations

import pytest

from emulator.chips import battery as chip

# (arguments, counts at P13 and P14, what comes out); mV from Espressif's constants for Vref 1100
INSIGH = '"P13", divider=11, attenuation_db=0'
SHUNT = INSIGH + ', current_pin="P14"'
VECTORS = [
    (INSIGH, 1000, 0, 3410, None),
    (INSIGH, 500, 0, 2123, None),
    (INSIGH, 0, 0, None, "under_range"),
    (INSIGH, 4095, 0, None, "saturated"),
    (SHUNT, 1000, 1000, [3410, 118.5], None),
    (SHUNT, 1000, 0, [3410, None], "under_range"),  # 142 mV, 17.75 mA: the converter's zero
    (SHUNT, 0, 1000, [None, 118.5], "under_range"),
    ('"P13", cell="li-ion"', 2048, 0, [3584, 5], None),
    ('"P13", cell="li-ion"', 2880, 0, [4924, None], "implausible"),
    ('"P13", cell="li-ion", current_pin="P14", current_ohm=100', 2048, 500, [3584, 5, 5.45], None),
]


def counts(node, **pins):
    node.adc.do_read = lambda pin, attn, bits: pins[pin]


def read(node, arguments):
    return node.value(f"battery.get_reading({arguments}), battery.last_cause", "battery")


def plug(node, **table):
    """The battery of a scenario; nothing is to be left of its table."""
    node.adc.noise_counts = 0
    table.setdefault("noise_mv", 0)
    chip.plug(node.board, "battery", table)
    assert table == {}


@pytest.mark.both_runtimes
def test_vectors(node):
    turn = []
    node.adc.do_read = lambda pin, attn, bits: turn[-1][pin]
    node.pins.on_change("P23", lambda level: level and turn.append(waiting.pop(0)))
    waiting = [{"P13": at_p13, "P14": at_p14} for _, at_p13, at_p14, _, _ in VECTORS]
    program = "from sensors import battery\n" + "".join(
        f"show([battery.get_reading(vcc_pin='P23', settle_ms=0, data_pin={arguments}),"
        " battery.last_cause])\n"
        for arguments, *_ in VECTORS
    )
    for (arguments, *_, values, cause), shown in zip(VECTORS, node.ask(program), strict=True):
        assert shown == [pytest.approx(values), cause], arguments


# Charge of a lithium-ion cell: the points of the table, between them, beside it
LEVELS = [(3270, 0), (3610, 5), (3690, 10), (3750, 25), (3775, 32.5), (3800, 40), (3850, 55),
          (3900, 62.5), (3950, 70), (4080, 85), (4140, 92.5), (4200, 100), (4350, 100), (3000, 0),
          (2000, 0), (1999, None), (4351, None), (0, None)]  # fmt: skip


@pytest.mark.both_runtimes
def test_levels(node):
    shown = node.ask(
        "from sensors import battery\n"
        f"show([battery.level(mv) for mv in {[mv for mv, _ in LEVELS]}])\n"
        "show([battery.level_range(mv) for mv in (3750, 4150, 3300, 2010, 4340, 1000)])\n"
        "show(battery.level_range(3750, 30))\n"
        "show([battery.level(mv) for mv in range(2000, 4351)])\n"
    )
    for (millivolts, percent), told in zip(LEVELS, shown[0], strict=True):
        assert told == pytest.approx(percent, abs=0.51) if percent else told == percent, millivolts
    assert shown[1] == [[6, 58], [79, 100], [0, 2], [0, 0], [100, 100], [None, None]]
    assert shown[2] == [18, 34]
    assert shown[3] == sorted(shown[3])  # more voltage is never less charge


def test_voltage_and_level_of_the_usual_board(node):
    plug(node, open_mv=3900, ohm=0)
    voltage, level = node.value("battery.get_reading('P16', cell='li-ion')", "battery")
    assert voltage == pytest.approx(3900, abs=4)
    assert level == pytest.approx(62, abs=1)


def test_the_bare_voltage_if_nothing_else_is_asked_for(node):
    plug(node, open_mv=3900)
    voltage, cause = read(node, "'P16'")
    assert type(voltage) is int
    assert voltage == pytest.approx(3900, abs=15)
    assert cause is None
    assert node.log == []


@pytest.mark.parametrize(
    ("arguments", "names"),
    [("", ["v"]), (', "cell": "li-ion"', ["v", "el"]), (', "current_pin": "P14"', ["v", "i"]),
     (', "current_pin": "P14", "cell": "li-ion"', ["v", "el", "i"])],
)  # fmt: skip
def test_a_report_has_what_was_asked_for(node, arguments, names):
    counts(node, P13=2048, P14=1000)
    line = f'("battery", {{"data_pin": "P13"{arguments}}})'
    found = node.value(f"sensors.measure(({line},))", "battery\nimport sensors")
    assert [item.name for item in found] == names
    values = {item.name: (item.value, item.exponent, item.unit, item.cause) for item in found}
    right = {"v": (3584, -3, "V", None), "el": (5, 0, "%EL", None), "i": (1185, -4, "A", None)}
    assert values == {name: right[name] for name in names}


def test_the_divider_is_on_only_while_it_is_measured(node):
    plug(node, open_mv=3600, ohm=0, enable_pin="P23", top_ohm=1_000_000, bottom_ohm=100_000)
    times = []
    clock = node.board.clock
    node.pins.on_change("P23", lambda level: times.append((level, clock.now_us // 1000)))
    voltage, cause = read(node, "'P16', 'P23', divider=11, attenuation_db=0")
    assert voltage == pytest.approx(3600, abs=15)
    assert cause is None
    (on, on_ms), (off, off_ms) = times
    assert (on, off) == (1, 0)
    assert 100 <= off_ms - on_ms <= 120


def test_a_divider_that_is_not_switched_on_is_under_range(node):
    plug(node, enable_pin="P23")
    assert read(node, "'P16'") == (None, "under_range")


def test_an_impatient_reader_sees_too_little(node):
    """Half a second of R * C: why settle_ms is an argument."""
    plug(node, open_mv=3600, ohm=0, enable_pin="P23", farad=10e-6)
    patient, _ = read(node, "'P16', 'P23', settle_ms=3000")
    assert patient == pytest.approx(3590, abs=15)
    hasty, _ = read(node, "'P16', 'P23', settle_ms=500")
    assert hasty < 2500


def test_the_charger_is_stopped_while_the_cell_is_measured(node):
    plug(node, open_mv=3700, ohm=0, charger_mv=4200, charger_off_pin="P22")
    changes = []
    node.pins.on_change("P22", changes.append)
    assert read(node, "'P16'")[0] == pytest.approx(4200, abs=4)
    assert read(node, "'P16', charger_off_pin='P22'")[0] == pytest.approx(3700, abs=4)
    assert changes == [1, 0]


def test_the_charger_waits_for_no_other_sensor(node):
    """It is stopped while the cell is measured, not while the rest of the run is."""
    plug(node, charger_mv=4200, charger_off_pin="P22")
    times = []
    clock = node.board.clock
    node.pins.on_change("P22", lambda level: times.append(clock.now_us // 1000))
    node.value(
        "sensors.measure((('battery', dict(data_pin='P16', charger_off_pin='P22')),"
        " ('analog_generic', dict(data_pin='P15', vcc_pin='P11', settle_ms=3000))))",
        "battery\nimport sensors",
    )
    stopped_ms, on_ms = times
    assert 100 <= on_ms - stopped_ms <= 150


def test_the_current_of_the_board(node):
    plug(node, current_pin="P14", current_ohm=8)
    node.board.meter.set("esp", "run", 41)
    (_, current), cause = read(node, "'P16', current_pin='P14'")
    assert current == pytest.approx(41, abs=0.2)
    assert cause is None


@pytest.mark.parametrize(
    ("faults", "cause"),
    [
        ({"shorted_mv": 3300}, "saturated"),
        ({"corrupt_rate": 0.3}, "saturated"),
        ({"open_mv": 7000}, "saturated"),
        ({"open_mv": 200}, "under_range"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_faults_are_told_apart_and_logged_once(node, faults, cause):
    plug(node, **faults)
    assert read(node, "'P16', cell='li-ion'") == ((None, None), cause)
    assert len(node.log) == 1


@pytest.mark.parametrize(
    "faults", [{"brown_out": 1}, {"corrupt": 4}, {"corrupt_rate": 0.02}, {"noise_mv": 20}],
    ids=lambda faults: next(iter(faults)),
)  # fmt: skip
def test_what_passes_does_no_harm(node, faults):
    plug(node, open_mv=3900, ohm=0, **faults)
    voltage, cause = read(node, "'P16'")
    assert voltage == pytest.approx(3900, abs=25)
    assert cause is None


def test_everything_is_off_after_a_failure_of_the_firmware(node):
    plug(node, enable_pin="P23", charger_mv=4200, charger_off_pin="P22")

    def refuse(pin, attn, bits):
        raise OSError("resource not available")

    node.adc.do_read = refuse
    assert read(node, "'P16', 'P23', charger_off_pin='P22'") == (None, "failed")
    assert node.pins.level("P23") == node.pins.level("P22") == 0


def test_alone_on_a_channel(node):
    counts(node, P16=2048)
    result = node.variables(
        "from machine import ADC\nfrom sensors import battery\n"
        "sensor = battery.Battery(ADC(0).channel(pin='P16', attn=3), 2, with_level=True)\n"
        "values = sensor.read()\n"
    )
    assert result["values"] == (3584, 5)
