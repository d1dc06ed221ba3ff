"""Parts on a 1-Wire line: presence, widths, ROM commands, several at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.board.board import Board
from emulator.chips.onewire import OneWirePart, Talk, bits_of, crc8, rom_of

from .onewire_master import Master

READ_ROM, SKIP_ROM, MATCH_ROM, SEARCH, ALARM_SEARCH = b"\x33", b"\xcc", b"\x55", b"\xf0", b"\xec"


class Echo(OneWirePart):
    """Answers a byte with its complement."""

    def function(self) -> Talk:
        value = yield from self.receive(8)
        yield from self.send(bytes((value ^ 0xFF,)))


@pytest.fixture
def master() -> Master:
    return Master(Board())


@pytest.fixture
def plug(master: Master) -> Callable[..., Echo]:
    return lambda serial=1: plugged(master, serial)


def plugged(master: Master, serial: int) -> Echo:
    part = Echo(master.board, rom=rom_of(0x99, serial), name=f"part {serial}")
    part.attach("P3")
    part.power(True)
    master.wait(1000)
    return part


@pytest.mark.parametrize(
    ("data", "checksum"),
    [("28ac410e070000", 0x74), ("021cb801000000", 0xA2), ("313233343536373839", 0xA1), ("", 0)],
)
def test_checksum(data: str, checksum: int) -> None:
    assert crc8(bytes.fromhex(data)) == checksum


@pytest.mark.parametrize(("low_us", "answers"), [(479, False), (480, True), (960, True)])
def test_only_a_long_low_is_a_reset(
    master: Master, plug: Callable[..., Echo], low_us: int, answers: bool
) -> None:
    plug()
    assert master.reset(low_us) == ([30, 150] if answers else [])


def test_presence_pulses_of_several_parts_overlap(
    master: Master, plug: Callable[..., Echo]
) -> None:
    plug(1).presence_us = (15, 60)
    plug(2).presence_us = (60, 240)
    assert master.reset() == [15, 300]


@pytest.mark.parametrize(
    ("one_us", "zero_us", "read_us", "sample_us", "right"),
    [
        (1, 60, 1, 14, True),
        (15, 120, 14, 15, True),
        (15, 60, 1, 29, True),
        (31, 60, 1, 14, False),
        (1, 29, 1, 14, False),
        (1, 60, 1, 31, False),
    ],
    ids=["short", "long", "late", "one too long", "zero too short", "read too late"],
)
def test_bits_are_told_by_widths(
    master: Master,
    plug: Callable[..., Echo],
    one_us: int,
    zero_us: int,
    read_us: int,
    sample_us: int,
    right: bool,
) -> None:
    plug()
    master.one_us, master.zero_us = one_us, zero_us
    master.read_us, master.sample_us = read_us, sample_us
    assert (master.ask(SKIP_ROM + b"\xa5", 1) == b"\x5a") is right


def test_the_rom_of_a_single_part_is_read(master: Master, plug: Callable[..., Echo]) -> None:
    part = plug()
    assert master.ask(READ_ROM, 8) == part.rom
    assert master.ask(READ_ROM, 10)[8:] == b"\xff\x00"  # all ones is taken, and answered


def test_two_that_answer_at_once_are_a_wired_and(
    master: Master, plug: Callable[..., Echo]
) -> None:
    first, second = plug(0x0F), plug(0x35)
    told = master.ask(READ_ROM, 8)
    assert told == bytes(one & other for one, other in zip(first.rom, second.rom, strict=True))


def test_matched_parts_answer_and_others_are_silent(
    master: Master, plug: Callable[..., Echo]
) -> None:
    part = plug(1)
    plug(2)
    assert master.ask(MATCH_ROM + part.rom + b"\xa5", 1) == b"\x5a"
    assert master.ask(MATCH_ROM + rom_of(0x99, 3) + b"\xa5", 1) == b"\xff"
    assert master.ask(b"\x77\xa5", 1) == b"\xff"  # no ROM command


def test_a_part_ignores_the_line_after_its_dialogue(
    master: Master, plug: Callable[..., Echo]
) -> None:
    plug()
    assert master.ask(SKIP_ROM + b"\xa5", 3) == b"\x5a\xff\xff"


@settings(max_examples=30)
@given(st.sets(st.integers(0, 2**48 - 1), min_size=1, max_size=8), st.randoms())
def test_a_search_in_any_direction_ends_at_one_part(serials: set[int], random) -> None:
    """The bit and its complement tell what is there; who differs from the direction drops out."""
    master = Master(Board())
    left = {bytes(bits_of(plugged(master, serial).rom)) for serial in serials}
    master.reset()
    master.write(SEARCH)
    for place in range(64):
        ones = {bits[place] for bits in left}
        assert (master.read_bit(), master.read_bit()) == (int(0 not in ones), int(1 not in ones))
        turn = random.choice(sorted(ones))
        master.write_bit(turn)
        left = {bits for bits in left if bits[place] == turn}
    assert len(left) == 1
    master.write(b"\xa5")
    assert master.read(1) == b"\x5a"  # the one that is left is selected


def test_who_takes_no_turn_leaves_the_search(master: Master, plug: Callable[..., Echo]) -> None:
    part = plug()
    master.reset()
    master.write(SEARCH)
    bit = bits_of(part.rom)[0]
    assert (master.read_bit(), master.read_bit()) == (bit, 1 - bit)
    master.write_bit(1 - bit)
    assert (master.read_bit(), master.read_bit()) == (1, 1)


def test_only_alarmed_parts_take_part_in_an_alarm_search(
    master: Master, plug: Callable[..., Echo]
) -> None:
    part = plug()
    master.reset()
    master.write(ALARM_SEARCH)
    assert (master.read_bit(), master.read_bit()) == (1, 1)
    part.alarm = True
    master.reset()
    master.write(ALARM_SEARCH)
    bit = bits_of(part.rom)[0]
    assert (master.read_bit(), master.read_bit()) == (bit, 1 - bit)


def test_faults(master: Master, plug: Callable[..., Echo]) -> None:
    part = plug()
    part.absent = True
    assert master.reset() == []
    part.absent = False
    part.stuck = True
    assert master.pins.level("P3") == 0
    master.reset()
    assert master.pins.level("P3") == 0
    part.stuck = False
    assert master.ask(READ_ROM, 8) == part.rom


def test_without_supply_a_part_lets_go_at_once_and_starts_anew(
    master: Master, plug: Callable[..., Echo]
) -> None:
    part = plug()
    master.pulse(480)
    master.wait(40)
    assert master.pins.level("P3") == 0
    part.power(False)
    assert master.pins.level("P3") == 1
    assert master.reset() == []
    part.power(True)
    master.wait(1000)
    assert master.read(1) == b"\xff"  # it waits for a reset
    assert master.ask(READ_ROM, 8) == part.rom
