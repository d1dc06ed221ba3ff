"""Configuration lines become measurements, whatever the sensors are."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import pytest

from tests.single_precision import SinglePrecisionVm

SENSORS = Path(__file__).resolve().parents[2] / "sensors"
DRIVERS = sorted(path.stem for path in SENSORS.glob("[a-z]*.py"))
LISTED = ", ".join(DRIVERS)

# Of RFC 8428, table 6, and RFC 8798, table 3, what these sensors could need
UNITS = {
    "m",
    "kg",
    "g",
    "s",
    "A",
    "K",
    "cd",
    "Hz",
    "V",
    "W",
    "J",
    "Ohm",
    "S",
    "Pa",
    "lx",
    "Cel",
    "%RH",
    "%EL",
    "l",
    "m3",
    "ratio",
    "/",
    "pH",
    "dB",
    "dBm",
    "count",
    "m/s",
    "bit/s",
    "hPa",
    "ppm",
    "mV",
    "mA",
    "g/m3",
    "S/m",
}

LINES = """(
    ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}),
    ("analog_generic", {"name": "battery", "data_pin": "P16", "divider": 2}),
)"""


def measure(node, lines):
    return node.value(f"sensors.measure({lines})", "si7021\nimport sensors")


def check(node, lines):
    return node.value(f"sensors.check({lines})", "si7021\nimport sensors")


def equipped(node):
    node.si7021(vcc_pin="P11")
    node.adc.sources["P16"] = lambda: 1792
    node.adc.noise_counts = 0
    return node


def test_lines_become_scaled_integers_with_units(node):
    results = measure(equipped(node), LINES)
    assert [(item.name, item.exponent, item.unit, item.cause) for item in results] == [
        ("t", -2, "Cel", None),
        ("h", -1, "%RH", None),
        ("battery", -3, "V", None),
    ]
    assert all(type(item.value) is int for item in results)
    values = [Decimal(item.value).scaleb(item.exponent) for item in results]
    assert values[:2] == [Decimal("24.23"), Decimal("54.8")]
    assert values[2] == pytest.approx(Decimal("3.584"), abs=Decimal("0.003"))


def test_a_sensor_that_fails_has_causes_and_the_others_go_on(node):
    equipped(node).detach()
    results = measure(node, LINES)
    assert [(item.name, item.value, item.cause) for item in results[:2]] == [
        ("t", None, "absent"),
        ("h", None, "absent"),
    ]
    assert results[2].value == pytest.approx(3584, abs=3)


def test_half_a_reading_has_one_value_and_one_cause(node):
    chip = equipped(node).si7021(vcc_pin="P11")
    chip._convert_humidity = lambda: None  # so that only ones are read
    results = measure(node, LINES)
    assert [item.value for item in results[:2]] == [2423, None]
    assert results[0].cause is None
    assert results[1].cause == "crc"


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ('("si7021", A), ("si7021", A)', ["t", "h", "t2", "h2"]),
        ('("si7021", A), ("si7021", A), ("si7021", A)', ["t", "h", "t2", "h2", "t3", "h3"]),
        ('("si7021", A), ("si7021", dict(A, name="roof"))', ["t", "h", "roof.t", "roof.h"]),
        ('("analog_generic", B), ("analog_generic", dict(B, name="v2")), ("analog_generic", B)',
         ["v", "v2", "v3"]),
        ('("scd4x", A), ("scd30", A), ("scd30", dict(A, name="roof"))',
         ["co2", "t", "h", "co2_2", "t2", "h2", "roof.co2", "roof.t", "roof.h"]),
        ('["analog_generic", B],', ["v"]),
        ("", []),
    ],
)  # fmt: skip
def test_names_are_distinct(node, lines, names):
    program = (
        'import sensors\nA = {"sda_pin": "P9", "scl_pin": "P10"}\nB = {"data_pin": "P16"}\n'
        f"results = sensors.measure(({lines}))\n"
        if lines
        else "import sensors\nresults = sensors.measure(())\n"
    )
    assert [item.name for item in node.variables(program)["results"]] == names


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('("si7020", {}),', ["sensor 1: module = 'si7020'; allowed: " + LISTED]),
        ('("sensors", {}),', ["sensor 1: module = 'sensors'; allowed: " + LISTED]),
        ('("__init__", {}),', ["sensor 1: module = '__init__'; allowed"]),
        ('("a.b", {}),', ["sensor 1: module = 'a.b'; allowed"]),
        ("(None, {}),", ["sensor 1: module = None; allowed"]),
        ("5,", ["sensor 1 = 5; allowed: (kind, {argument: value})"]),
        ('("si7021",),', ["sensor 1 = ('si7021',); allowed: (kind"]),
        ('("si7021", "P9"),', ["allowed: (kind"]),
        (
            '("si7021", {"sda": "P9", "scl_pin": "P10"}),',
            [
                "sensor 1 (si7021): sda is unknown; allowed: sda_pin, scl_pin, vcc_pin",
                "sensor 1 (si7021): sda_pin is missing; allowed: 'P3', ",
            ],
        ),
        (
            '("analog_generic", {"data_pin": "P16"}), ("analog_generic", {"data_pin": "P1", '
            '"divider": 0, "name": "a b"}),',
            [
                "sensor 2 (analog_generic): data_pin = 'P1'; allowed: 'P13'",
                "sensor 2 (analog_generic): divider = 0; allowed: a number 1 to 1000",
                "sensor 2 (analog_generic): name = 'a b'; allowed: ",
            ],
        ),
        (
            '("analog_generic", {"data_pin": "P16", "name": "t"}), '
            '("analog_generic", {"data_pin": "P15", "name": "t"}),',
            ["sensor 2 (analog_generic): name 't' is taken; allowed: "],
        ),
        (
            '("si7021", {"sda_pin": "P9", "scl_pin": "P9"}),',
            ["sensor 1 (si7021): P9 is used twice; allowed: different pins"],
        ),
        (
            '("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}), '
            '("analog_generic", {"data_pin": "P16", "vcc_pin": "P10"}),',
            ["sensor 2 (analog_generic): vcc_pin = 'P10' is scl_pin of sensor 1 (si7021); a"],
        ),
        (
            '("si7021", {"sda_pin": "P9", "scl_pin": "P10"}), '
            '("si7021", {"sda_pin": "P9", "scl_pin": "P8"}),',
            ["sensor 2 (si7021): P9 belongs to the bus P9, P10; allowed: both pins of a bus"],
        ),
    ],
)
def test_all_problems_are_reported_with_what_is_allowed(node, lines, expected):
    problems = check(node, f"({lines})")
    assert len(problems) == len(expected)
    for problem, start in zip(problems, expected, strict=True):
        assert start in problem
        assert "allowed: " in problem


def test_problems_keep_everything_unpowered(node):
    equipped(node)
    text = node.variables(
        "import sensors\ntext = ''\n"
        f"lines = {LINES} + (('si7020', {{}}), ('si7021', {{}}))\n"
        "try:\n    sensors.measure(lines)\nexcept ValueError as error:\n    text = str(error)\n"
    )["text"]
    assert "si7020" in text
    assert "sensor 4 (si7021): scl_pin is missing" in text
    assert node.board.meter.time_ms("si7021", "start") == 0
    assert node.transfers() == []


def test_lines_are_left_as_they_were(node):
    """A configuration is read many times."""
    result = equipped(node).variables(
        f"import sensors\nlines = {LINES}\nsensors.measure(lines)\nsame = lines == {LINES}\n"
    )
    assert result["same"] is True


DRIVER = """
FIELDS = (("x", "something", "V", -1, 10), ("y", "other", "V", 0, 1))
ARGUMENTS = ()
last_cause = None
def get_reading():
    return {}
"""


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("(1.26, 7)", [(13, None), (7, None)]),
        ("[1.26, 7][0]", [(13, None), (None, "implausible")]),
        ("None", [(None, "implausible"), (None, "implausible")]),
        ("(float('nan'), float('inf'))", [(None, "implausible"), (None, "implausible")]),
        ("open('/flash/nothing')", [(None, "failed"), (None, "failed")]),
    ],
    ids=["good", "short", "none", "no numbers", "raises"],
)
def test_a_driver_that_breaks_its_contract_costs_its_own_values_only(node, reading, expected):
    (node.flash / "sensors" / "odd.py").write_text(DRIVER.format(reading), encoding="utf-8")
    results = measure(equipped(node), '(("odd", {}), ("analog_generic", {"data_pin": "P16"}))')
    assert [(item.value, item.cause) for item in results[:2]] == expected
    assert results[2].value == pytest.approx(1792, abs=2)


COUNTER = """
FIELDS = (("n", "n", "count", {exponent}, {factor}),)
ARGUMENTS = ()
last_cause = None


def get_reading():
    return {digits} / {divisor}
"""


@pytest.mark.parametrize(
    ("digits", "places", "decimals"),
    [(1234567, 0, 2), (6400059, 5, 5), (-8192191, 3, 3), (35, 1, 0)],
)
def test_seven_digits_survive_single_precision(node, runtime, digits, places, decimals):
    if runtime == "cpython":  # another VM has the floats that it has
        node.vm = SinglePrecisionVm(node.board, node.flash, node.printed.append, install="frozen")
    driver = COUNTER.format(
        exponent=-decimals, factor=10**decimals, digits=digits, divisor=10**places
    )
    (node.flash / "sensors" / "counter.py").write_text(driver, encoding="utf-8")
    found = node.variables("import sensors\nfound = sensors.measure((('counter', {}),))\n")[
        "found"
    ]
    assert found[0].value == round(Decimal(digits).scaleb(decimals - places))


def test_a_new_driver_is_found_and_listed_without_being_named_anywhere(node):
    (node.flash / "sensors" / "odd.py").write_text(DRIVER.format("(1, 2)"), encoding="utf-8")
    (problem,) = check(node, '(("nothing", {}),)')
    assert problem.endswith("allowed: " + ", ".join(sorted([*DRIVERS, "odd"])))
    assert [item.value for item in measure(node, '(("odd", {}),)')] == [10, 2]


@pytest.mark.parametrize("missing", ["bme680", "odd_registers"])
def test_a_driver_that_misses_a_module_says_which(node, missing):
    (node.flash / "sensors" / "odd.py").write_text(f"import {missing}\n", encoding="utf-8")
    result = node.variables(
        "import sensors\ntext = ''\ntry:\n    sensors.find('odd')\n"
        "except ImportError as error:\n    text = str(error)\n"
    )
    assert missing in result["text"]


def test_one_sensor_does_not_load_another(node):
    program = "import sys\nimport sensors\nsensors.find('si7021')\nnames = list(sys.modules)\n"
    result = node.variables(program)
    assert "sensors.si7021" in result["names"]
    assert "sensors.analog_generic" not in result["names"]


@pytest.mark.parametrize("driver", DRIVERS)
def test_drivers_declare_what_the_contract_asks_for(node, driver):
    fields, declared, cause = node.value(
        f"{driver}.FIELDS, [field[0] for field in {driver}.ARGUMENTS], {driver}.last_cause", driver
    )
    labels = [field[0] for field in fields]
    assert len(set(labels)) == len(labels)
    for label, name, unit, exponent, factor in fields:
        assert label.isalnum() and len(label) <= 3
        assert name.isidentifier()
        assert unit in UNITS
        assert isinstance(exponent, int) and isinstance(factor, int)
    tree = ast.parse((SENSORS / f"{driver}.py").read_text(encoding="utf-8"))
    (function,) = [
        item for item in tree.body
        if isinstance(item, ast.FunctionDef) and item.name == "get_reading"
    ]  # fmt: skip
    assert [argument.arg for argument in function.args.args] == declared
    assert cause is None


def test_supply_functions_of_the_package_switch_a_pin(node):
    levels = []
    node.pins.on_change("P11", lambda level: levels.append((node.board.clock.now_ms, level)))
    node.variables(
        "import sensors\nsensors.set_sensor_power_on('P11')\nsensors.set_sensor_power_off('P11')\n"
        "sensors.set_sensor_power_on(None)\nsensors.set_sensor_power_off(None)\n"
    )
    (on_ms, on), (off_ms, off) = levels
    assert (on, off) == (1, 0)
    assert off_ms - on_ms == pytest.approx(500, abs=2)
