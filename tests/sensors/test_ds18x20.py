"""sensors.ds18x20 on an emulated 1-Wire line: values, several on one line, and all that fails."""

from __future__ import annotations

import contextlib
import dis
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.board.board import FAST_CALL_US
from emulator.chips.ds18x20 import CLONES, MODELS, Ds18x20
from emulator.chips.onewire import OneWirePart, crc8, rom_of
from tests.device import Node

ROM = "28ac410e07000074"
HEAD = "from sensors import ds18x20\nimport sensors\n"
READ = HEAD + "value = ds18x20.get_reading({})\ncause = ds18x20.last_cause\n"

# Scratchpads without their checksum and the temperature: tables of the DS18B20 and DS18S20 data
# sheets, recordings of real parts, and the masks by resolution.
VECTORS = {
    "recorded at 10 bit": ("28", "e001 0000 3f ff1010 3f", 30.0),
    "clone": ("28", "8b01 ffff 7f ffffff 8b", 24.6875),  # milesburton's library, issue 120
    "clone at 25": ("28", "9001 ffff 7f ffffff", 25.0),
    "125": ("28", "d007 4b46 7f ff0c10 f4", 125.0),
    "25.0625": ("28", "9101 4b46 7f ff0c10 70", 25.0625),
    "10.125": ("28", "a200 4b46 7f ff0c10 74", 10.125),
    "0.5": ("28", "0800 4b46 7f ff0c10 e2", 0.5),
    "0": ("28", "0000 4b46 7f ff0c10 c8", 0.0),
    "-0.5": ("28", "f8ff 4b46 7f ff0c10 c3", -0.5),
    "-10.125": ("28", "5eff 4b46 7f ff0c10 6a", -10.125),
    "-25.0625": ("28", "6ffe 4b46 7f ff0c10 e8", -25.0625),
    "-55": ("28", "90fc 4b46 7f ff0c10 4f", -55.0),
    "11 bit": ("28", "9f01 4b46 5f ff0c10", 25.875),
    "10 bit": ("28", "9f01 4b46 3f ff0c10", 25.75),
    "9 bit": ("28", "9f01 4b46 1f ff0c10", 25.5),
    "9 bit below zero": ("28", "f9ff 4b46 1f ff0c10", -0.5),
    "DS1822": ("22", "9101 4b46 7f ff0c10", 25.0625),
    "DS18S20 85 measured": ("10", "ab00 4b46 ff ff0410", 85.5),
    "DS18S20 25.0625": ("10", "3200 0000 00 ff0b10 16", 25.0625),
    "DS18S20 -25.0625": ("10", "ceff 0000 00 ff0d10 a2", -25.0625),
    "DS18S20 -10.125": ("10", "ecff 0000 00 ff0e10 d9", -10.125),
    "MAX31850": ("3b", "9001 0019 f0 ffffff", 25.0),
    "MAX31850 below zero": ("3b", "60ff 0019 f0 ffffff", -10.0),
    "MAX31850 above what others can": ("3b", "0064 0019 f0 ffffff", 1600.0),
}
KINDS = [*((model, "") for model in MODELS), *(("ds18b20", each) for each in CLONES if each)]
MODEL_OF = {"28": "ds18b20", "22": "ds1822", "10": "ds18s20", "3b": "max31850"}


def scratchpad(text: str) -> bytes:
    data = bytes.fromhex(text.replace(" ", ""))
    if len(data) == 9:
        assert crc8(data[:8]) == data[8]
    return data if len(data) == 9 else data + bytes((crc8(data),))


@pytest.fixture
def plug(node: Node) -> Callable[..., Ds18x20]:
    """plug(celsius, vcc_pin=None, model=..., ...) hangs one part on P3."""

    def make(celsius: float = 21.43, vcc_pin: str | None = None, **options: Any) -> Ds18x20:
        options.setdefault("name", "ds18x20")
        chip = Ds18x20(node.board, lambda t: celsius, **options)
        chip.attach("P3")
        if vcc_pin is None:
            chip.power(True)
            node.board.clock.advance(1_000_000)
        else:
            node.pins.on_change(vcc_pin, lambda level: chip.power(bool(level)))
        return chip

    return make


def read(node: Node, arguments: str = "'P3'") -> tuple[float | None, str | None]:
    names = node.variables(READ.format(arguments))
    return names["value"], names["cause"]


@pytest.mark.both_runtimes
def test_values_of_known_scratchpads(node: Node, plug: Callable[..., Ds18x20]) -> None:
    """One line with a part of each family: a run of the VM for all vectors."""
    chips = {family: plug(model=model, name=model) for family, model in MODEL_OF.items()}
    for chip in chips.values():
        chip.traits = replace(chip.traits, max_ms=20)  # fewer polls, which cost time on the VM
    for family, text, _ in VECTORS.values():
        chips[family].told.append(scratchpad(text))
    roms = [chips[family].rom.hex() for family, _, _ in VECTORS.values()]
    told = node.ask(
        HEAD
        + f"for rom in {roms}:\n"
        + "    show([ds18x20.get_reading('P3', rom=rom), ds18x20.last_cause])\n"
    )
    assert told == [[value, None] for _, _, value in VECTORS.values()]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(celsius=st.floats(-55, 125), bits=st.integers(9, 12))
def test_the_temperature_arrives_within_a_step(
    node: Node, plug: Callable[..., Ds18x20], celsius: float, bits: int
) -> None:
    """Whatever it is, from a part of each family."""
    number = node.board.clock.now_us  # no two of one name
    chips = [plug(celsius, name=f"{model} {number}", model=model, bits=bits) for model in MODELS]
    roms = [chip.rom.hex() for chip in chips]
    values = node.variables(
        HEAD + f"v = [ds18x20.get_reading('P3', rom=rom) for rom in {roms}]\n"
    )["v"]
    for chip, value in zip(chips, values, strict=True):
        step = 0.25 if chip.traits.family == 0x3B else 0.0625
        step = 2.0 ** (8 - bits) if chip.traits.family in (0x28, 0x22) else step
        assert value is not None and abs(value - celsius) <= step / 2 + 1e-4
        chip.absent = True


def test_the_first_part_is_read_without_a_rom(node: Node, plug: Callable[..., Ds18x20]) -> None:
    plug(21.43)
    assert read(node) == (21.4375, None)
    assert node.log == []
    assert node.pins.do_mode("P3") == 1  # an input: nothing holds the line


@pytest.mark.parametrize(
    ("lateness", "bits", "least_ms", "most_ms"),
    [(0, 9, 75, 160), (1, 9, 90, 180), (0, 12, 600, 690), (1, 12, 750, 830)],
)
def test_a_reading_takes_as_long_as_the_part(
    node: Node,
    plug: Callable[..., Ds18x20],
    lateness: float,
    bits: int,
    least_ms: int,
    most_ms: int,
) -> None:
    plug(bits=bits).lateness = lateness
    assert least_ms <= node.took_ms("assert ds18x20.get_reading('P3')", "ds18x20") <= most_ms


# several on one line


def scan(node: Node, arguments: str = "'P3'") -> tuple[list[str], str | None]:
    names = node.variables(
        HEAD + f"roms = ds18x20.scan({arguments})\ncause = ds18x20.last_cause\n"
    )
    return names["roms"], names["cause"]


def test_all_parts_of_a_line_are_found(node: Node, plug: Callable[..., Ds18x20]) -> None:
    chips = [plug(name=f"part {number}") for number in range(9)]
    chips.append(plug(name="s", model="ds18s20"))
    found, cause = scan(node)
    assert sorted(found) == sorted(chip.rom.hex() for chip in chips)
    assert cause is None


def test_the_part_of_a_rom_is_read(node: Node, plug: Callable[..., Ds18x20]) -> None:
    warm = plug(40.0, rom=bytes.fromhex(ROM))
    cold = plug(-5.5, name="cold", model="ds18s20")
    for chip, value in ((warm, 40.0), (cold, -5.5)):
        assert read(node, f"'P3', rom='{chip.rom.hex()}'") == (value, None)
        assert read(node, f"'P3', rom='{chip.rom.hex().upper()}'") == (value, None)


def test_lines_of_a_configuration_share_one_conversion(
    node: Node, plug: Callable[..., Ds18x20]
) -> None:
    chips = [plug(10.0 + number, name=f"part {number}", vcc_pin="P11") for number in range(4)]
    lines = [
        ("ds18x20", {"data_pin": "P3", "vcc_pin": "P11", "rom": chip.rom.hex()}) for chip in chips
    ]
    begin_ms = node.board.clock.now_ms
    items = node.variables(HEAD + f"items = sensors.measure({lines})")["items"]
    assert [(item.name, item.value, item.cause) for item in items] == [
        ("t", 1000, None), ("t2", 1100, None), ("t3", 1200, None), ("t4", 1300, None),
    ]  # fmt: skip
    assert node.board.clock.now_ms - begin_ms < 800
    assert [chip.conversions for chip in chips] == [1] * 4


def test_one_missing_part_leaves_the_others_alone(
    node: Node, plug: Callable[..., Ds18x20]
) -> None:
    here = plug(10.0)
    lines = [("ds18x20", {"data_pin": "P3", "rom": rom}) for rom in (ROM, here.rom.hex())]
    items = node.variables(HEAD + f"items = sensors.measure({lines})")["items"]
    assert [(item.value, item.cause) for item in items] == [(None, "absent"), (1000, None)]


def test_two_readings_of_one_bus_are_two_conversions(
    node: Node, plug: Callable[..., Ds18x20]
) -> None:
    chip = plug(10.0)
    program = HEAD + "from machine import Pin\nfrom sensors import _onewire\n"
    program += "part = ds18x20.Ds18x20(_onewire.Bus(Pin('P3')))\nvalues = part.read(), part.read()"
    assert node.variables(program)["values"] == ((10.0,), (10.0,))
    assert chip.conversions == 2


class OtherPart(OneWirePart):
    """Something else on the line, which ignores what thermometers obey."""

    def function(self):  # type: ignore[no-untyped-def]
        yield from self.receive(8)


def test_other_parts_on_the_line_are_passed_over(node: Node, plug: Callable[..., Ds18x20]) -> None:
    other = OtherPart(node.board, rom=rom_of(0x20, 1))  # found before a family 28
    other.attach("P3")
    other.power(True)
    node.board.clock.advance(1000)
    assert read(node) == (None, "wrong_part")
    plug(10.0)
    assert read(node) == (10.0, None)
    assert len(scan(node)[0]) == 2


# supply


def test_the_supply_is_off_after_a_scan(node: Node, plug: Callable[..., Ds18x20]) -> None:
    chip = plug(10.0, vcc_pin="P11")
    assert scan(node, "'P3', vcc_pin='P11'") == ([chip.rom.hex()], None)
    assert node.pins.level("P11") == 0


@pytest.mark.parametrize(("bits", "most_ms"), [(9, 180), (12, 850)])
def test_a_part_that_lives_on_the_line_is_fed(
    node: Node, plug: Callable[..., Ds18x20], bits: int, most_ms: int
) -> None:
    """And not for longer than a conversion at its resolution may take."""
    driven: list[tuple[int, int]] = []
    node.pins.on_change("P3", lambda level: driven.append((level, node.board.clock.now_ms)))
    chip = plug(30.0, bits=bits)
    chip.parasite = True
    chip.lateness = 1
    took_ms = node.took_ms("assert ds18x20.get_reading('P3') == 30", "ds18x20")
    assert took_ms < most_ms
    (on, on_ms), (off, off_ms) = driven[2:]
    assert (on, off) == (1, 0)
    assert chip.conversion_ms() <= off_ms - on_ms < chip.conversion_ms() + 10
    assert node.pins.do_mode("P3") == 1


@pytest.mark.parametrize("bits", [9, 12])
def test_parts_with_and_without_supply_share_a_line(
    node: Node, plug: Callable[..., Ds18x20], bits: int
) -> None:
    fed = plug(30.0, name="fed", bits=bits)
    fed.parasite = True
    supplied = plug(10.0, bits=9, clone="d")  # which takes longer than its resolution says
    lines = [("ds18x20", {"data_pin": "P3", "rom": chip.rom.hex()}) for chip in (fed, supplied)]
    items = node.variables(HEAD + f"items = sensors.measure({lines})")["items"]
    assert [(item.value, item.cause) for item in items] == [(3000, None), (1000, None)]


# trouble


def test_nobody_there(node: Node, plug: Callable[..., Ds18x20]) -> None:
    node.pins.pull_up("P3")
    assert read(node) == (None, "absent")
    assert len(node.log) == 1 and "absent" in node.log[0]
    assert read(node, f"'P3', rom='{ROM}'") == (None, "absent")
    assert scan(node) == ([], "absent")
    plug(10.0)
    assert read(node, f"'P3', rom='{ROM}'") == (None, "absent")


def test_a_held_line(node: Node, plug: Callable[..., Ds18x20]) -> None:
    chip = plug(10.0)
    chip.stuck = True
    assert read(node) == (None, "stuck")
    assert scan(node) == ([], "stuck")
    chip.stuck = False
    node.board.clock.advance(1_000)
    assert read(node) == (10.0, None)
    node.board.clock.schedule_ms(200, lambda: setattr(chip, "stuck", True))
    assert read(node) == (None, "stuck")


def test_a_wrong_checksum_is_asked_for_again(node: Node, plug: Callable[..., Ds18x20]) -> None:
    chip = plug(10.0)
    chip.corrupt = 1
    assert read(node) == (10.0, None)
    assert chip.conversions == 1
    chip.corrupt = 99
    assert read(node) == (None, "crc")
    assert len(node.log) == 1


@pytest.mark.parametrize(
    ("data", "slip"), [("9101 4b46 7f ff0c10", 1), ("e001 4b46 1f ff0c10", 2)]
)
def test_an_answer_that_slipped_has_a_right_checksum_and_is_asked_for_again(
    node: Node, plug: Callable[..., Ds18x20], data: str, slip: int
) -> None:
    """Two or four times the temperature: milesburton/Arduino-Temperature-Control-Library#54."""
    slipped = int.from_bytes(scratchpad(data), "little") << slip & (1 << 72) - 1
    plug(10.0).told = [slipped.to_bytes(9, "little")]
    assert crc8(slipped.to_bytes(9, "little")) == 0
    assert read(node) == (10.0, None)


@pytest.mark.parametrize(("model", "clone"), KINDS)
def test_any_mixture_of_troubles_gives_the_truth_or_a_cause(
    node: Node, plug: Callable[..., Ds18x20], model: str, clone: str
) -> None:
    chip = plug(model=model, clone=clone)
    chip.any_bit_fails = True
    random = node.board.rng("troubles " + model + clone)
    found = 0
    for _ in range(12):
        celsius = random.uniform(-50, 120)
        chip.temperature_c = lambda t, celsius=celsius: celsius  # type: ignore[misc]
        chip.scratchpad[4] = random.choice((0x1F, 0x3F, 0x5F, 0x7F))
        chip.corrupt_rate, chip.brown_out = random.choice((0, 0.1, 0.5)), random.randrange(4)
        chip.parasite = random.random() < 0.3 and clone != "d"
        chip.mute, chip.lateness = random.random() < 0.3, random.random()
        value, cause = read(node)
        assert (value is None) == (cause is not None)
        assert value is None or value == pytest.approx(celsius, abs=0.51)
        assert node.pins.do_mode("P3") == 1  # let go
        found += value is not None
    assert found > 1


def test_a_garbled_search_finds_nobody(node: Node, plug: Callable[..., Ds18x20]) -> None:
    chip = plug(10.0, rom=rom_of(0x28, 5)[:7] + b"\x00")
    assert read(node) == (None, "crc")
    assert scan(node) == ([], "crc")
    chip.rom = bytes(8)  # has a right checksum
    assert read(node) == (None, "stuck")


@pytest.mark.both_runtimes(every=4)
@pytest.mark.parametrize(("model", "clone"), KINDS)
def test_the_power_on_value_is_no_measurement(
    node: Node, plug: Callable[..., Ds18x20], model: str, clone: str
) -> None:
    chip = plug(10.0, model=model, clone=clone)
    chip.brown_out = 1
    assert read(node) == (10.0, None)
    assert chip.conversions == 2
    chip.brown_out = 99
    assert read(node) == (None, "implausible")
    assert len(node.log) == 1


@pytest.mark.both_runtimes
def test_a_part_of_25_degrees_after_power_on_does_not_convert_on_the_power_of_the_line(
    node: Node, plug: Callable[..., Ds18x20]
) -> None:
    plug(10.0, clone="d", parasite=True)
    assert read(node) == (None, "implausible")


@pytest.mark.parametrize("data", ["5005 4b46 1f ff1f10", "5005 4b46 7f ff1010 bd"])
def test_register_6_does_not_tell_that_85_degrees_were_measured(
    node: Node, plug: Callable[..., Ds18x20], data: str
) -> None:
    """PaulStoffregen/OneWire#17; cpetrich/counterfeit_DS18B20, family E."""
    plug(10.0).told = [scratchpad(data)]
    assert read(node) == (10.0, None)


@pytest.mark.parametrize(("model", "clone"), [kind for kind in KINDS if kind[0] != "max31850"])
def test_a_true_85_degrees_is_told(
    node: Node, plug: Callable[..., Ds18x20], model: str, clone: str
) -> None:
    """Or 25, as the register has after power-on; the limits of the part stay."""
    celsius = 25.0 if clone == "d" else 85.0
    chip = plug(celsius, model=model, clone=clone)
    before = bytes(chip.scratchpad[2:5])
    assert read(node) == (celsius, None)
    assert chip.conversions == 2
    assert bytes(chip.scratchpad[2:5]) == before
    assert bytes(chip.eeprom) == b"\x4b\x46\x7f"


def test_a_thermocouple_at_0_degrees_is_told(node: Node, plug: Callable[..., Ds18x20]) -> None:
    chip = plug(0.0, model="max31850")
    assert read(node) == (0.0, None)
    assert chip.conversions == 1


def test_a_part_that_is_not_fed_is_found_out(node: Node, plug: Callable[..., Ds18x20]) -> None:
    """A parasite part that claims a supply starts anew in every conversion."""
    chip = plug(10.0)
    chip.parasite = True
    program = HEAD + "from sensors import _onewire\nds18x20._needs_feeding = lambda bus: False\n"
    names = node.variables(
        program + f"value = ds18x20.get_reading('P3', rom='{chip.rom.hex()}')\n"
        "cause = ds18x20.last_cause\n"
    )
    assert (names["value"], names["cause"]) == (None, "implausible")


def test_a_part_that_does_not_tell_when_it_is_done_is_given_the_time(
    node: Node, plug: Callable[..., Ds18x20]
) -> None:
    chip = plug(10.0)
    chip.mute = True
    chip.lateness = 1
    assert read(node) == (10.0, None)


def test_a_part_that_goes_meanwhile(node: Node, plug: Callable[..., Ds18x20]) -> None:
    chip = plug(10.0)
    node.board.clock.schedule_ms(300, lambda: chip.power(False))
    assert read(node) == (None, "absent")


@pytest.mark.parametrize(
    ("model", "data"),
    [
        ("ds18b20", "d107 4b46 7f ff0c10"),
        ("ds18b20", "8ffc 4b46 7f ff0c10"),
        ("ds18s20", "3200 4b46 ff ff0c00"),
        ("max31850", "9101 0119 f0 ffffff"),
    ],
    ids=["too warm", "too cold", "no counts", "broken thermocouple"],
)
def test_what_cannot_be_measured_is_no_value(
    node: Node, plug: Callable[..., Ds18x20], model: str, data: str
) -> None:
    plug(model=model).told = [scratchpad(data)] * 3
    assert read(node) == (None, "implausible")


# arguments


def test_a_mistyped_rom_is_told_by_the_check_of_a_configuration(node: Node) -> None:
    line = ("ds18x20", {"data_pin": "P3", "rom": "28ac410e07000075"})
    [text] = node.value(f"sensors.check([{line}])", "ds18x20\nimport sensors")
    assert text.startswith("sensor 1 (ds18x20): rom = '28ac410e07000075'; allowed: 16 hex digits")


# timing

# What CPython does and a MicroPython does not, and the calls themselves
NO_STEPS = {"RESUME", "CACHE", "PRECALL", "PUSH_NULL", "CALL", "MAKE_CELL", "EXTENDED_ARG"}


# us of a call into the firmware, and of every other step of the interpreter
@pytest.mark.parametrize(
    ("call_us", "step_us"),
    [(1, 0.5), (4, 0), (2, 1), (4, 0.5)],
)
def test_slots_are_right_for_faster_and_slower_boards(
    node: Node, plug: Callable[..., Ds18x20], call_us: int, step_us: float
) -> None:
    parts = []
    for sample_us, hold_us, presence_us in ((15, 15, (15, 60)), (60, 60, (60, 240))):
        chip = plug(10.0 + sample_us, name=f"part {sample_us}")
        chip.sample_us, chip.hold_us, chip.presence_us = sample_us, hold_us, presence_us
        parts.append(chip)
    with slow(node, call_us, step_us):
        for chip, other in (parts, parts[::-1]):
            chip.absent, other.absent = False, True
            assert read(node, f"'P3', rom='{chip.rom.hex()}'") == (10.0 + chip.sample_us, None)


@pytest.mark.parametrize(("call_us", "least_us", "most_us"), [(2, 5, 15), (4, 3, 10)])
def test_a_bit_is_sampled_as_late_as_the_board_can_afford(
    node: Node, plug: Callable[..., Ds18x20], call_us: int, least_us: int, most_us: int
) -> None:
    """The line rises from the release on, so that the sample may not follow at once."""
    plug(10.0)
    after_us: list[int] = []
    released_us = 0
    irq: Any = node.board.services["irq"]
    do_read, do_write = node.pins.do_read, node.pins.do_write

    def write(name: str, level: int) -> None:
        nonlocal released_us
        released_us = node.board.clock.now_us
        do_write(name, level)

    def sample(name: str) -> int:
        passed_us = node.board.clock.now_us - released_us
        if irq.do_masked() and passed_us < 50:  # else it is presence or the line at rest
            after_us.append(passed_us)
        return do_read(name)

    node.pins.do_read, node.pins.do_write = sample, write
    with slow(node, call_us, 0):
        assert read(node) == (10.0, None)
    assert least_us <= min(after_us) and max(after_us) < most_us


def test_a_very_slow_board_still_reads_usual_parts(
    node: Node, plug: Callable[..., Ds18x20]
) -> None:
    """No program reads a bit within 15 us if three calls take 18; most parts hold it for 30."""
    plug(10.0)
    with slow(node, 6, 1):
        assert read(node) == (10.0, None)


@contextlib.contextmanager
def slow(node: Node, call_us: int, step_us: float) -> Iterator[None]:
    """A board whose interpreter takes time for each step in the driver's slots as well."""
    for service in ("pins", "irq", "rtc"):
        costs = node.board.services[service].call_us
        node.board.services[service].call_us = {
            name: call_us if us == FAST_CALL_US else us for name, us in costs.items()
        }
    owed_us = 0.0

    def step(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal owed_us
        if not frame.f_code.co_filename.endswith(("_onewire.py", "microseconds.py")):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        operation = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        if event == "opcode" and operation not in NO_STEPS:
            owed_us += step_us
            node.board.clock.advance(int(owed_us))
            owed_us %= 1
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        yield
    finally:
        sys.settrace(before)


def test_interrupts_are_off_for_less_than_100_us_at_a_time(
    node: Node, plug: Callable[..., Ds18x20]
) -> None:
    plug(10.0).parasite = True
    irq: Any = node.board.services["irq"]
    longest_us = since_us = 0
    disable, restore = irq.do_disable, irq.do_restore

    def watched_disable() -> int:
        nonlocal since_us
        since_us = node.board.clock.now_us
        return int(disable())

    def watched_restore(state: int) -> None:
        nonlocal longest_us
        longest_us = max(longest_us, node.board.clock.now_us - since_us)
        restore(state)

    irq.do_disable, irq.do_restore = watched_disable, watched_restore
    assert read(node) == (10.0, None)
    assert 60 < longest_us < 100
    assert not irq.do_masked()
