"""Measuring with several sensors at once: turns, supplies, buses, and what one does to others."""

from __future__ import annotations

import pytest

DRIVER = """
from sensors import Sensor, SensorError
from utils import timing

FIELDS = (("x", "something", "s", -3, 1),)
ARGUMENTS = (
    ("vcc_pin", "choice", ("P11", "P8"), None),
    ("sda_pin", "choice", ("P9", "P21"), "P9"),
    ("scl_pin", "choice", ("P10", "P22"), "P10"),
    ("waits", "integers", (0, 60000), (0,)),
    ("what", "text", (0, 20), ""),
    ("alone", "text", (1, 9), None),
)
POWER_UP_MS = 20
last_cause = None
told = []


def get_reading(vcc_pin=None, sda_pin="P9", scl_pin="P10", waits=(0,), what="", alone=None):
    raise RuntimeError("not called in a run")


def build(rig, vcc_pin=None, sda_pin="P9", scl_pin="P10", waits=(0,), what="", alone=None):
    if what == "no bus":
        raise OSError("resource not available")
    return Waiting(rig.i2c(sda_pin, scl_pin), waits, what, alone)


class Waiting(Sensor):
    def __init__(self, i2c, waits, what, alone):
        self.i2c = i2c
        self.waits = waits
        self.what = what
        self.exclusive = alone

    def steps(self):
        start = timing.now_ms()
        told.append((self.what, start))
        for wait_ms in self.waits:
            yield wait_ms
        if self.what == "raises":
            raise KeyError("a mistake")
        if self.what == "fails":
            raise SensorError("crc")
        if self.what == "hangs":
            timing.sleep_ms(5000)
            raise SensorError("stuck")
        return (timing.now_ms() - start,)
"""


@pytest.fixture
def rigged(node):
    (node.flash / "sensors" / "waiting.py").write_text(DRIVER, encoding="utf-8")
    return node


def measured(node, *lines):
    """[(value, cause)], how long it took in ms, and [(what, start)] of the sensors."""
    listed = ", ".join(f'("waiting", {line!r})' for line in lines)
    found = node.variables(
        "import sensors\nfrom utils import timing\nwatch = timing.Stopwatch()\n"
        f"results = sensors.measure(({listed},))\ntook_ms = watch.elapsed_ms()\n"
        "from sensors import waiting\ntold = waiting.told\n"
    )
    values = [(item.value, item.cause) for item in found["results"]]
    return values, found["took_ms"], found["told"]


def test_a_run_takes_as_long_as_its_slowest_sensor(rigged):
    values, took_ms, _ = measured(
        rigged, {"waits": [700]}, {"waits": [100, 100, 100]}, {"waits": [750]}, {"waits": [0]}
    )
    assert 750 <= took_ms <= 780  # modules included
    assert [value for value, _ in values] == [
        pytest.approx(701, abs=2), pytest.approx(303, abs=3), pytest.approx(751, abs=2),
        pytest.approx(0, abs=1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("work_ms", "takes_ms", "done"),
    [((80, 80, 80, 80), 420, 4), ((80, None, 80), 300, 1), ((350, 80), 550, 1), ((), 300, 0)],
    ids=["more", "fails", "late", "none"],
)
def test_other_work_is_done_while_sensors_wait(rigged, work_ms, takes_ms, done):
    """A step that makes a sensor late is the last one."""
    found = rigged.variables(
        "import sensors\nfrom sensors import _lines, _rig, waiting\nfrom utils import timing\n"
        "done = []\ndef work():\n"
        f"    for step_ms in {work_ms!r}:\n"
        "        timing.sleep_ms(step_ms)\n        done.append(step_ms)\n        yield\n"
        "watch = timing.Stopwatch()\n"
        "lines = (('waiting', {'waits': [100, 100, 100]}),)\n"
        "[item] = sensors.measure(lines, checked=True, meanwhile=work())\n"
        "took_ms = watch.elapsed_ms()\n"
    )
    assert found["took_ms"] == pytest.approx(takes_ms, abs=25)
    assert (len(found["done"]), found["item"].cause) == (done, None)


def test_a_sensor_is_never_resumed_before_its_time(rigged):
    """Waits count whole milliseconds, and the scale they are on cuts off parts of them."""
    program = (
        "import sensors, utime\nfrom sensors import waiting\n"
        "class Exact(waiting.Waiting):\n"
        "    def steps(self):\n"
        "        for wait_us in range(100, 2500, 333):\n"
        "            utime.sleep_us(wait_us)\n"
        "            start = utime.ticks_cpu()\n"
        "            yield 3\n"
        "            waited.append(utime.ticks_diff(utime.ticks_cpu(), start))\n"
        "        return (1,)\n"
        "waited = []\nwaiting.Waiting = Exact\n"
        "sensors.measure((('waiting', {}), ('waiting', {})))\n"
    )
    waited = rigged.variables(program)["waited"]
    assert len(waited) == 16
    assert min(waited) >= 3000


def test_exclusive_sensors_go_one_after_the_other_while_others_overlap(rigged):
    _, took_ms, told = measured(
        rigged,
        {"waits": [300], "alone": "wire", "what": "a"},
        {"waits": [300], "alone": "wire", "what": "b"},
        {"waits": [300], "alone": "other", "what": "c"},
        {"waits": [500], "what": "d"},
    )
    starts = dict(told)
    assert starts["b"] - starts["a"] == pytest.approx(301, abs=3)
    assert starts["c"] - starts["a"] < 10
    assert starts["d"] - starts["a"] < 10
    assert 600 <= took_ms <= 635


def test_a_supply_is_on_until_its_last_sensor_is_done_and_off_at_the_end(rigged):
    levels = {"P11": [], "P8": []}
    for pin, seen in levels.items():
        rigged.pins.on_change(
            pin, lambda level, seen=seen: seen.append((level, rigged.board.clock.now_ms))
        )
    measured(
        rigged,
        {"waits": [100], "vcc_pin": "P11"},
        {"waits": [400], "vcc_pin": "P11"},
        {"waits": [50], "vcc_pin": "P8", "what": "fails"},
    )
    for pin, expected_ms in (("P11", 420), ("P8", 70)):
        (on, since_ms), (off, until_ms) = levels[pin]
        assert (on, off) == (1, 0)
        assert until_ms - since_ms == pytest.approx(expected_ms, abs=8)


@pytest.mark.parametrize(("what", "cause"), [("raises", "failed"), ("fails", "crc"),
                                             ("no bus", "failed")])  # fmt: skip
def test_one_that_fails_costs_the_others_nothing(rigged, what, cause):
    values, took_ms, _ = measured(
        rigged, {"waits": [30], "what": what, "vcc_pin": "P11"}, {"waits": [200]}
    )
    assert values[0] == (None, cause)
    assert values[1] == (pytest.approx(201, abs=2), None)
    assert took_ms < 230
    assert rigged.pins.level("P11") == 0
    assert len(rigged.log) + len([line for line in rigged.printed if "ERROR" in line]) == 1


def test_a_bus_that_hangs_is_waited_for_twice(rigged):
    hung = {"what": "hangs"}
    values, took_ms, _ = measured(
        rigged, hung, hung, hung, hung, {"waits": [10], "sda_pin": "P21", "scl_pin": "P22"}
    )
    assert [cause for _, cause in values] == ["stuck"] * 4 + [None]
    assert 10000 <= took_ms < 10100


def test_a_sensor_that_holds_the_bus_for_a_while_costs_the_others_nothing(rigged):
    values, took_ms, _ = measured(rigged, {"what": "hangs"}, {"waits": [10]}, {"waits": [99]})
    assert [cause for _, cause in values] == ["stuck", None, None]
    assert took_ms < 5200


def test_sensors_on_the_same_pins_share_a_bus_and_others_have_their_own(rigged):
    program = (
        "from sensors import _rig\nrig = _rig.Rig()\n"
        "same = rig.i2c('P9', 'P10') is rig.i2c('P9', 'P10')\n"
        "other = rig.i2c('P9', 'P10') is rig.i2c('P21', 'P22')\nrig.i2c('P2', 'P3')\n"
        "text = ''\ntry:\n    rig.i2c('P4', 'P5')\nexcept OSError as error:\n"
        "    text = error.args[0]\nrig.close()\n"
    )
    result = rigged.variables(program)
    assert (result["same"], result["other"], result["text"]) == (True, False, "no I2C bus left")
    assert rigged.i2c._baud == {}


def test_buses_are_given_back_after_a_run(rigged):
    measured(rigged, {}, {"what": "fails"}, {"what": "raises"})
    assert rigged.i2c._baud == {}


def test_a_chip_answers_on_the_pins_it_is_wired_to_only(node):
    node.si7021()
    found = node.variables(
        "from sensors import si7021\n"
        "here = si7021.get_reading('P9', 'P10')[0]\n"
        "there = si7021.get_reading('P21', 'P22')[0]\ncause = si7021.last_cause\n"
    )
    assert (found["here"], found["there"], found["cause"]) == (24.23, None, "absent")


@pytest.mark.parametrize("call", ["_sensirion.finish(steps())", "Waiting().read()"])
def test_no_wait_of_a_sensor_is_cut_short(node, call):
    """Wherever between two milliseconds it begins: a data sheet's time is a least one."""
    program = """
        import utime
        from sensors import Sensor, _sensirion
        def steps(self=None):
            yield 3
            return ()
        class Waiting(Sensor):
            steps = steps
        shortest_us = 9999
        for later in range(40):
            utime.sleep_us(137 + 25 * later)
            begin = utime.ticks_us()
            {}
            shortest_us = min(shortest_us, utime.ticks_diff(utime.ticks_us(), begin))
        show(shortest_us)
        """
    [shortest_us] = node.ask(program.format(call))
    assert 3000 <= shortest_us < 4500
