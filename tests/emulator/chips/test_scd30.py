"""The module by itself: commands, checksums, interval, what it keeps without supply, currents."""

from __future__ import annotations

import struct

import pytest

from emulator.board.i2c import Nack
from emulator.chips.scd30 import Scd30
from emulator.chips.sensirion import pressure_at_hpa, with_checksums
from tests.emulator.chips.conftest import after_ms

READY, WAITING = "0001b0", "000081"


def chip_on(board, ppm=439.0, celsius=27.25, percent=48.75, started=True) -> Scd30:
    """A module that has booted; it begins to measure, if at all, at this very moment."""
    chip = Scd30(board, lambda t: ppm, lambda t: celsius, lambda t: percent)
    chip.power(True)
    after_ms(board, 2000)
    if started:
        chip.write(bytes.fromhex("0010000081"))
    return chip


def ask(board, chip, command, count=3) -> str:
    chip.write(bytes.fromhex(command))
    after_ms(board, 3)
    return chip.read(count).hex()


def values(answer) -> tuple[float, ...]:
    data = bytes.fromhex(answer)
    return struct.unpack(">3f", b"".join(data[at : at + 2] for at in range(0, 18, 3)))


@pytest.mark.parametrize(
    ("command", "answer"),
    [("d100", "0342f3"), ("4600", "0002e3"), ("5306", "000081"), ("5102", "000081"),
     ("5403", "000081"), ("5204", "01904c"), ("0202", WAITING)],
)  # fmt: skip
def test_what_a_new_module_answers(board, command, answer):
    found = ask(board, chip_on(board, started=False), command)
    assert found == with_checksums(int(answer[:4], 16)).hex()
    assert found == answer


def test_there_is_no_value_before_the_interval_is_over(board):
    chip = chip_on(board)
    after_ms(board, 1990)
    assert ask(board, chip, "0202") == WAITING
    with pytest.raises(Nack):
        ask(board, chip, "0300", 18)
    after_ms(board, 10)
    assert ask(board, chip, "0202") == READY
    assert values(ask(board, chip, "0300", 18)) == (439.0, 27.25, 48.75)


def test_a_value_is_new_until_it_is_read(board):
    chip = chip_on(board)
    after_ms(board, 2100)
    assert [ask(board, chip, "0202") for _ in range(2)] == [READY, READY]
    first = ask(board, chip, "0300", 18)
    assert ask(board, chip, "0202") == WAITING
    assert ask(board, chip, "0300", 18) == first
    after_ms(board, 2000)
    assert ask(board, chip, "0202") == READY


def test_an_answer_takes_3_ms_and_is_read_once(board):
    chip = chip_on(board)
    chip.write(b"\xd1\x00")
    after_ms(board, 2.9)
    with pytest.raises(Nack):
        chip.read(3)
    after_ms(board, 0.1)
    chip.read(3)
    with pytest.raises(Nack):
        chip.read(3)


@pytest.mark.parametrize(
    "frame",
    ["46000005" + "00", "4600000f", "00", "1234", "510201ae00", "5102" + "01ae" + "ff"],
    ids=["checksum", "no checksum", "one byte", "unknown", "wrong", "altitude checksum"],
)
def test_wrong_frames_are_neither_acknowledged_nor_carried_out(board, frame):
    chip = chip_on(board)
    with pytest.raises(Nack):
        chip.write(bytes.fromhex(frame))
    assert (chip.interval_s, chip.altitude_m, chip.writes) == (2, 0, 1)


@pytest.mark.parametrize(
    ("command", "word"),
    [(0x4600, 1), (0x4600, 1801), (0x5306, 2), (0x5204, 399), (0x5204, 2001), (0x0010, 699)],
)
def test_values_out_of_range_have_no_effect(board, command, word):
    chip = chip_on(board)
    chip.write(command.to_bytes(2, "big") + with_checksums(word))
    assert chip.writes == 1
    assert chip.compensated_hpa == 0


def test_settings_and_mode_survive_the_loss_of_the_supply_but_the_pressure_does_not(board):
    chip = chip_on(board)
    for command, word in ((0x4600, 5), (0x5102, 430), (0x5403, 250), (0x5306, 1), (0x0010, 900)):
        chip.write(command.to_bytes(2, "big") + with_checksums(word))
    assert chip.compensated_hpa == 900
    after_ms(board, 10_000)
    chip.power(False)
    with pytest.raises(Nack):
        chip.write(b"\xd1\x00")
    after_ms(board, 60_000)
    chip.power(True)
    after_ms(board, 1699)
    with pytest.raises(Nack):
        chip.write(b"\xd1\x00")
    after_ms(board, 1)
    assert [ask(board, chip, command)[:4] for command in ("4600", "5102", "5403", "5306")] == [
        "0005", "01ae", "00fa", "0001",
    ]  # fmt: skip
    assert chip.compensated_hpa == 0
    after_ms(board, 4900)
    assert ask(board, chip, "0202") == WAITING
    after_ms(board, 200)
    assert ask(board, chip, "0202") == READY


def test_a_stopped_module_stays_stopped(board):
    chip = chip_on(board)
    after_ms(board, 1900)
    chip.write(b"\x01\x04")
    after_ms(board, 10_000)
    assert ask(board, chip, "0202") == WAITING
    chip.power(False)
    chip.power(True)
    after_ms(board, 10_000)
    assert ask(board, chip, "0202") == WAITING


@pytest.mark.parametrize("late", [0, 1])
def test_a_reset_is_a_start_without_a_switch(board, late):
    chip = chip_on(board)
    chip.lateness = late
    after_ms(board, 2100)
    chip.write(b"\xd3\x04")
    after_ms(board, 1999 if late else 1699)
    with pytest.raises(Nack):
        chip.write(b"\xd1\x00")
    after_ms(board, 1)
    assert ask(board, chip, "0202") == WAITING
    after_ms(board, 2000)
    assert ask(board, chip, "0202") == READY


def test_the_clock_is_held_after_a_measurement_and_for_longer_once_a_day(board):
    chip = chip_on(board)
    after_ms(board, 1999)
    assert chip.stretch_us() == 0
    after_ms(board, 1)
    assert chip.stretch_us() == 30_000
    after_ms(board, 30)
    assert chip.stretch_us() == 0
    longest = 0
    chip.write(bytes.fromhex("4600") + with_checksums(1800))
    for _ in range(2 * 86_400 // 1800):
        before_us = board.clock.now_us
        board.clock.run_until(before_us + 1_900_000_000, lambda: chip.stretch_us() > 0)
        longest += chip.stretch_us() == 150_000
        after_ms(board, 1000)
    assert longest in (1, 2)


def test_the_temperature_offset_pressure_and_calibration_act(board):
    chip = chip_on(board, ppm=800)
    chip.self_heating_c = 2.5
    chip.pressure_hpa = lambda t: pressure_at_hpa(1000)

    def next_values():
        after_ms(board, 4000)
        return values(ask(board, chip, "0300", 18))

    assert next_values()[:2] == (pytest.approx(709.6, abs=1), 29.75)
    chip.write(bytes.fromhex("5102") + with_checksums(1000))
    chip.write(bytes.fromhex("5403") + with_checksums(250))
    assert next_values()[:2] == (pytest.approx(800, abs=0.01), 27.25)
    chip.write(bytes.fromhex("0010") + with_checksums(1013))
    assert next_values()[0] == pytest.approx(709.6, abs=1)
    chip.write(bytes.fromhex("5204") + with_checksums(400))
    assert next_values()[0] == pytest.approx(400, abs=0.01)


def test_the_pressure_at_a_height_is_that_of_the_standard_atmosphere():
    assert pressure_at_hpa(0) == 1013.25
    assert pressure_at_hpa(1000) == pytest.approx(898.75, abs=0.1)  # ISO 2533
    assert pressure_at_hpa(3000) == pytest.approx(701.1, abs=0.2)


@pytest.mark.parametrize(("interval_s", "average_ma"), [(2, 19.0), (15, 6.5)])
def test_average_and_peak_current(board, interval_s, average_ma):
    chip = chip_on(board)
    chip.write(bytes.fromhex("4600") + with_checksums(interval_s))
    after_ms(board, 60_000)
    before_mj = board.meter.energy_mj("scd30")
    after_ms(board, 600_000)
    charge_mc = (board.meter.energy_mj("scd30") - before_mj) / 3.7
    assert charge_mc / 600 == pytest.approx(average_ma, abs=0.2)
    peaks = [change.milliamps for change in board.meter.timeline if change.domain == "scd30"]
    assert max(peaks) == 75
    chip.power(False)
    assert board.meter.milliamps("scd30") == 0


def test_a_brown_out_is_a_start_and_the_first_value_after_it_may_be_0_ppm(board):
    chip = chip_on(board)
    chip.zero_first = 1
    chip.brown_out = 1
    starting = board.clock.run_until(4_000_000, lambda: board.meter.state("scd30") == "start")
    assert starting
    after_ms(board, 1700 + 1990)
    assert ask(board, chip, "0202") == WAITING
    after_ms(board, 10)
    assert values(ask(board, chip, "0300", 18))[0] == 0
    after_ms(board, 2000)
    assert values(ask(board, chip, "0300", 18))[0] == 439


def test_extra_time_is_added(board):
    chip = chip_on(board)
    chip.extra_ms = 500
    after_ms(board, 2200)
    assert ask(board, chip, "0202") == WAITING
    after_ms(board, 500)
    assert ask(board, chip, "0202") == READY
    chip.absent = True
    assert chip.stretch_us() == 0
