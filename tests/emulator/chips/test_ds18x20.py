"""The emulated thermometers by themselves: registers, EEPROM, timing, alarms, supply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulator.board.board import Board
from emulator.chips.ds18x20 import Ds18x20
from emulator.chips.onewire import bits_of, crc8
from emulator.chips.wiring import wire

from .onewire_master import Master

SKIP = b"\xcc"
CONVERT, READ, WRITE, COPY, RECALL, SUPPLY = (
    SKIP + command for command in (b"\x44", b"\xbe", b"\x4e", b"\x48", b"\xb8", b"\xb4")
)


@pytest.fixture
def master() -> Master:
    return Master(Board())


@pytest.fixture
def plug(master: Master) -> Callable[..., Ds18x20]:
    def make(celsius: float = 25.0625, **options: Any) -> Ds18x20:
        chip = Ds18x20(master.board, lambda t: celsius, **options)
        chip.attach("P3")
        chip.power(True)
        master.wait(10_000)
        return chip

    return make


def converted(master: Master) -> bytes:
    master.ask(CONVERT)
    master.wait(1_000_000)
    return master.ask(READ, 9)


# values from the data sheets' tables; byte 6 of the DS18B20 is 16 less the last four bits
@pytest.mark.parametrize(
    ("model", "celsius", "told"),
    [
        ("ds18b20", 125, "d007 4b46 7f ff 1010"),
        ("ds18b20", 25.0625, "9101 4b46 7f ff 0f10"),
        ("ds18b20", -10.125, "5eff 4b46 7f ff 0210"),
        ("ds18b20", -55, "90fc 4b46 7f ff 1010"),
        ("ds18b20", -300, "90fc 4b46 7f ff 1010"),
        ("ds1822", 0.5, "0800 4b46 7f ff 0810"),
        ("ds18s20", 85, "aa00 4b46 ff ff 0c10"),
        ("ds18s20", 25.0625, "3200 4b46 ff ff 0b10"),
        ("ds18s20", -25.0625, "ceff 4b46 ff ff 0d10"),
        ("ds18s20", -10.125, "ecff 4b46 ff ff 0e10"),
        ("max31850", 1000.25, "843e 0019 f0 ff ffff"),
    ],
)
def test_the_register_after_a_conversion(
    master: Master, plug: Callable[..., Ds18x20], model: str, celsius: float, told: str
) -> None:
    plug(celsius, model=model)
    data = converted(master)
    assert data[:8] == bytes.fromhex(told.replace(" ", ""))
    assert crc8(data) == 0


@pytest.mark.parametrize(("model", "start"), [("ds18b20", "5005"), ("ds18s20", "aa00")])
def test_85_degrees_until_the_first_conversion(
    master: Master, plug: Callable[..., Ds18x20], model: str, start: str
) -> None:
    chip = plug(model=model)
    fresh = master.ask(READ, 9)
    assert fresh[:2] == bytes.fromhex(start) and fresh[6] == 0x0C and crc8(fresh) == 0
    assert converted(master)[:2] != fresh[:2]
    chip.power(False)
    chip.power(True)
    master.wait(10_000)
    assert master.ask(READ, 9) == fresh


@pytest.mark.parametrize(
    ("config", "raw", "most_ms"),
    [(0x1F, 0x01A0, 93.75), (0x3F, 0x019C, 187.5), (0x5F, 0x019E, 375), (0x7F, 0x019E, 750)],
    ids=["9 bit", "10 bit", "11 bit", "12 bit"],
)
@pytest.mark.parametrize("lateness", [0, 1])
def test_resolution_and_duration(
    master: Master,
    plug: Callable[..., Ds18x20],
    config: int,
    raw: int,
    most_ms: float,
    lateness: float,
) -> None:
    chip = plug(25.85)
    chip.lateness = lateness
    master.ask(WRITE + bytes((1, 2, config | 0x9A)))  # bits 7, 4-0 cannot be changed
    assert master.ask(READ, 9)[2:5] == bytes((1, 2, config))
    master.ask(CONVERT)
    begin_us = master.board.clock.now_us
    while not master.read_bit():
        pass
    took_ms = (master.board.clock.now_us - begin_us) / 1000
    assert took_ms == pytest.approx(most_ms * (1 if lateness else 0.8), abs=0.2)
    assert int.from_bytes(master.ask(READ, 2), "little") == raw


def test_the_old_value_stands_until_the_conversion_is_done(
    master: Master, plug: Callable[..., Ds18x20]
) -> None:
    plug(25.0625)
    master.ask(CONVERT)
    master.wait(300_000)
    assert master.ask(READ, 2) == b"\x50\x05"
    master.wait(500_000)
    assert master.ask(READ, 2) == b"\x91\x01"


def test_registers_and_eeprom(master: Master, plug: Callable[..., Ds18x20]) -> None:
    chip = plug()
    master.ask(WRITE + b"\x10\x20\x1f")
    master.ask(RECALL)
    assert master.read_bit() == 1
    assert master.ask(READ, 5)[2:] == b"\x4b\x46\x7f"
    master.ask(WRITE + b"\x10\x20\x1f")
    master.ask(COPY)
    assert master.read_bit() == 0  # it takes up to 10 ms
    master.wait(10_000)
    chip.power(False)
    chip.power(True)
    master.wait(10_000)
    assert master.ask(READ, 5)[2:] == b"\x10\x20\x1f"


def test_a_broken_off_write_leaves_the_rest(master: Master, plug: Callable[..., Ds18x20]) -> None:
    plug()
    master.ask(WRITE + b"\x10")
    assert master.ask(READ, 5)[2:] == b"\x10\x46\x7f"


@pytest.mark.parametrize(
    ("celsius", "alarmed"), [(30.0, True), (29.9, False), (10.9, True), (11.0, False), (-40, True)]
)
def test_alarms(
    master: Master, plug: Callable[..., Ds18x20], celsius: float, alarmed: bool
) -> None:
    chip = plug(celsius)
    master.ask(WRITE + bytes((30, 10, 0x7F)))
    converted(master)
    master.reset()
    master.write(b"\xec")
    bit = bits_of(chip.rom)[0]
    expected = (bit, 1 - bit) if alarmed else (1, 1)
    assert (master.read_bit(), master.read_bit()) == expected


@pytest.mark.parametrize("parasite", [False, True])
def test_the_supply_is_told(master: Master, plug: Callable[..., Ds18x20], parasite: bool) -> None:
    plug().parasite = parasite
    assert master.ask(SUPPLY, 1) == (b"\x00" if parasite else b"\xff")


@pytest.mark.parametrize(
    ("after_us", "for_us", "works"),
    [(9, 800_000, True), (11, 800_000, False), (5, 500_000, False), (None, 0, False)],
    ids=["in time", "too late", "too short", "never"],
)
def test_a_part_on_the_line_must_be_fed(
    master: Master,
    plug: Callable[..., Ds18x20],
    after_us: int | None,
    for_us: int,
    works: bool,
) -> None:
    chip = plug()
    chip.parasite = True
    chip.lateness = 1
    master.slot_us = 61  # the last slot ends with its 60 us low, and 1 us
    master.zero_us = 60
    master.ask(CONVERT)
    if after_us is not None:
        master.wait(after_us - 1)
        master.feed(True)
        master.wait(for_us)
        master.feed(False)
    master.wait(1_000_000)
    assert (master.ask(READ, 2) == b"\x91\x01") is works


def test_a_reset_starves_a_part_that_converts_on_the_line(
    master: Master, plug: Callable[..., Ds18x20]
) -> None:
    plug().parasite = True
    master.ask(CONVERT)
    master.feed(True)
    master.wait(100_000)
    master.feed(False)
    master.reset()
    master.wait(1_000_000)
    assert master.ask(READ, 2) == b"\x50\x05"


def test_current(master: Master, plug: Callable[..., Ds18x20]) -> None:
    chip = plug(bits=9)
    meter = master.board.meter
    assert meter.milliamps("ds18x20") < 0.001
    master.ask(CONVERT)
    assert 1 <= meter.milliamps("ds18x20") <= 1.5
    master.wait(100_000)
    assert meter.milliamps("ds18x20") < 0.001
    chip.power(False)
    assert meter.milliamps("ds18x20") == 0


def test_faults(master: Master, plug: Callable[..., Ds18x20]) -> None:
    chip = plug()
    chip.corrupt = 1
    assert crc8(converted(master)) != 0
    assert crc8(master.ask(READ, 9)) == 0
    chip.brown_out = 1
    assert converted(master)[:2] == b"\x50\x05"
    chip.told = [b"\x01" * 9]
    assert master.ask(READ, 9) == b"\x01" * 9
    chip.mute = True
    master.ask(CONVERT)
    assert master.read_bit() == 1


# wiring


def test_tables_of_a_scenario(master: Master) -> None:
    wire(
        master.board,
        {
            "si7021": {"kind": "none"},
            "battery": {"kind": "none"},
            "soil": {"kind": "ds18x20", "serial": 0x70E41AC, "temperature_c": 10, "bits": 9},
            "air": {"kind": "ds18x20", "pin": "P3", "model": "ds18s20", "supply_pin": "P11",
                    "th": -1, "tl": -2},
        },
    )  # fmt: skip
    master.wait(10_000)
    assert master.ask(b"\x55" + bytes.fromhex("28ac410e07000074") + b"\xbe", 9)[2:5] == (
        b"\x4b\x46\x1f"
    )
    master.pins.do_init("P11", 2, None, 1)
    master.pins.do_write("P11", 0)
    assert master.ask(b"\x33", 8) == bytes.fromhex("28ac410e07000074")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"rom": "28ac410e07000075"}, "rom = '28ac410e07000075'; allowed: 16 hex digits"),
        ({"rom": 3}, "rom = 3; allowed"),
        ({"serial": -1}, "serial = -1; allowed: 0 to"),
        ({"pin": "P77"}, "pin = 'P77'; allowed: P0"),
    ],
)
def test_what_a_table_refuses(master: Master, table: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="soil") as caught:
        wire(master.board, {"si7021": {"kind": "none"}, "battery": {"kind": "none"},
                            "soil": {"kind": "ds18x20", **table}})  # fmt: skip
    assert words in str(caught.value)
