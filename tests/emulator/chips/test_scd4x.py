"""The chip by itself: states, times, checksums, what it keeps without supply, currents."""

from __future__ import annotations

import pytest

from emulator.board.i2c import Nack
from emulator.chips.scd4x import Scd4x
from emulator.chips.sensirion import with_checksums
from tests.emulator.chips.conftest import after_ms

READY, WAITING = "800604", "8000a2"


def chip_on(board, ppm=500.0, celsius=25.003, percent=37.002, model="scd41", **options) -> Scd4x:
    chip = Scd4x(board, lambda t: ppm, lambda t: celsius, lambda t: percent, model, **options)
    chip.power(True)
    after_ms(board, 1000)
    return chip


def send(chip, command, *words):
    chip.write(bytes.fromhex(command) + with_checksums(*words))


def ask(board, chip, command, count=3) -> str:
    send(chip, command)
    after_ms(board, 1)
    return chip.read(count).hex()


@pytest.mark.parametrize(
    ("command", "answer"),
    [("2318", "05da"), ("2322", "000081"), ("2313", "0001b0"),
     ("e4b8", WAITING)],
)  # fmt: skip
def test_what_a_new_chip_answers(board, command, answer):
    assert ask(board, chip_on(board), command).startswith(answer)


@pytest.mark.parametrize(("model", "word"), [("scd40", "0"), ("scd41", "1")])
def test_the_variant_is_told_unless_the_chip_is_too_old(board, model, word):
    chip = chip_on(board, model=model)
    assert ask(board, chip, "202f")[0] == word
    chip.knows_variant = False
    with pytest.raises(Nack):
        send(chip, "202f")


def test_serial_numbers_differ(board):
    one, two = (ask(board, chip_on(board, name=name), "3682", 9) for name in ("one", "two"))
    assert len(one) == 18
    assert one != two


@pytest.mark.parametrize(("start", "interval_s"), [("21b1", 5), ("21ac", 30)])
def test_values_come_at_the_interval_and_are_read_once(board, start, interval_s):
    chip = chip_on(board)
    send(chip, start)
    after_ms(board, interval_s * 1000 - 10)
    assert ask(board, chip, "e4b8") == WAITING
    with pytest.raises(Nack):
        ask(board, chip, "ec05", 9)
    after_ms(board, 10)
    assert [ask(board, chip, "e4b8") for _ in range(2)] == [READY, READY]
    # The words of the data sheet's example
    assert ask(board, chip, "ec05", 9) == "01f4336667a25eb93c"
    assert ask(board, chip, "e4b8") == WAITING
    with pytest.raises(Nack):
        ask(board, chip, "ec05", 9)


@pytest.mark.parametrize(
    "command", ["21b1", "21ac", "219d", "2196", "2318", "2322", "2313", "3682", "202f", "3615",
                "3639", "3632", "3646", "36e0"],
)  # fmt: skip
def test_most_commands_are_refused_while_it_measures(board, command):
    chip = chip_on(board)
    send(chip, "21b1")
    with pytest.raises(Nack):
        send(chip, command)
    send(chip, "e000", 900)
    assert chip.compensated_hpa == 900
    send(chip, "3f86")
    after_ms(board, 499)
    with pytest.raises(Nack):
        send(chip, command)
    after_ms(board, 1)
    send(chip, command)


def test_a_single_value_takes_5_s_and_the_first_is_wrong(board):
    chip = chip_on(board)
    for expected in (800, 500):
        send(chip, "219d")
        after_ms(board, 4999)
        with pytest.raises(Nack):
            send(chip, "e4b8")
        after_ms(board, 1)
        assert ask(board, chip, "e4b8") == READY
        assert int(ask(board, chip, "ec05", 9)[:4], 16) == expected


def test_a_single_value_can_be_without_co2(board):
    chip = chip_on(board)
    send(chip, "2196")
    after_ms(board, 50)
    assert ask(board, chip, "ec05", 9) == "0000816667a25eb93c"


@pytest.mark.parametrize("command", ["219d", "2196", "36e0"])
def test_an_scd40_knows_no_single_values_and_no_sleep(board, command):
    with pytest.raises(Nack):
        send(chip_on(board, model="scd40"), command)


def test_asleep_it_acknowledges_nothing_and_wakes_in_its_time(board):
    chip = chip_on(board)
    send(chip, "36e0")
    assert board.meter.milliamps("scd4x") == 0.0005
    for command in ("3682", "e4b8", "36f6"):
        with pytest.raises(Nack):
            send(chip, command)
    after_ms(board, 19)
    with pytest.raises(Nack):
        send(chip, "3682")
    after_ms(board, 1)
    send(chip, "3682")
    send(chip, "219d")
    after_ms(board, 5000)
    assert int(ask(board, chip, "ec05", 9)[:4], 16) == 800


@pytest.mark.parametrize(
    "frame", ["242701ae00", "2427", "242701ae", "36", "1234", "e000038400"],
    ids=["checksum", "no argument", "no checksum", "one byte", "unknown", "pressure checksum"],
)  # fmt: skip
def test_wrong_frames_are_neither_acknowledged_nor_carried_out(board, frame):
    chip = chip_on(board)
    with pytest.raises(Nack):
        chip.write(bytes.fromhex(frame))
    assert (chip.current["altitude_m"], chip.compensated_hpa) == (0, 0)


def test_settings_are_kept_without_supply_only_after_they_were_persisted(board):
    chip = chip_on(board)

    def altitude_after_power_loss() -> int:
        chip.power(False)
        with pytest.raises(Nack):
            send(chip, "2322")
        chip.power(True)
        after_ms(board, 1000)
        return int(ask(board, chip, "2322")[:4], 16)

    send(chip, "2427", 430)
    assert ask(board, chip, "2322")[:4] == "01ae"
    assert altitude_after_power_loss() == 0
    send(chip, "2427", 430)
    send(chip, "3615")
    after_ms(board, 799)
    with pytest.raises(Nack):
        send(chip, "2322")
    after_ms(board, 1)
    assert altitude_after_power_loss() == 430
    send(chip, "2427", 10)
    send(chip, "3646")
    after_ms(board, 30)
    assert ask(board, chip, "2322")[:4] == "01ae"
    send(chip, "3632")
    after_ms(board, 1200)
    assert ask(board, chip, "2322")[:4] == "0000"


@pytest.mark.parametrize(("late", "duration"), [(0, 30), (1, 1000)])
def test_the_start_takes_its_time(board, late, duration):
    chip = Scd4x(board, lambda t: 500, lambda t: 20, lambda t: 50)
    chip.lateness = late
    chip.power(True)
    after_ms(board, duration - 1)
    with pytest.raises(Nack):
        send(chip, "3682")
    after_ms(board, 1)
    send(chip, "3682")


def test_a_recalibration_needs_three_minutes_of_measuring(board):
    chip = chip_on(board, ppm=530)
    for minutes, answer in ((2, "ffffac"), (3, "7fce7b")):  # -50: the data sheet's example
        send(chip, "21b1")
        after_ms(board, minutes * 60_000)
        send(chip, "3f86")
        after_ms(board, 500)
        send(chip, "362f", 480)
        after_ms(board, 399)
        with pytest.raises(Nack):
            chip.read(3)
        after_ms(board, 1)
        assert chip.read(3).hex() == answer
    send(chip, "21b1")
    after_ms(board, 5000)
    assert int(ask(board, chip, "ec05", 9)[:4], 16) == 480


@pytest.mark.parametrize("malfunction", [0, 1])
def test_the_self_test_takes_10_s(board, malfunction):
    chip = chip_on(board)
    chip.malfunction = malfunction
    send(chip, "3639")
    after_ms(board, 9_999)
    with pytest.raises(Nack):
        chip.read(3)
    after_ms(board, 1)
    assert chip.read(3) == with_checksums(malfunction)


@pytest.mark.parametrize(
    ("start", "average_ma"), [("21b1", 15.0), ("21ac", 3.2), (None, 0.15)], ids=str
)
def test_average_and_peak_current(board, start, average_ma):
    chip = chip_on(board)
    if start:
        send(chip, start)
    before_mj = board.meter.energy_mj("scd4x")
    after_ms(board, 600_000)
    charge_mc = (board.meter.energy_mj("scd4x") - before_mj) / 3.7
    assert charge_mc / 600 == pytest.approx(average_ma, abs=0.1)
    peaks = [change.milliamps for change in board.meter.timeline if change.domain == "scd4x"]
    assert max(peaks) == (175 if start else 0.15)


def test_a_brown_out_and_extra_time(board):
    chip = chip_on(board)
    chip.extra_ms = 300
    chip.brown_out = 1
    send(chip, "219d")
    after_ms(board, 5300)
    assert ask(board, chip, "e4b8") == WAITING  # it started anew half way
    send(chip, "219d")
    after_ms(board, 5299)
    with pytest.raises(Nack):
        send(chip, "e4b8")
    after_ms(board, 1)
    assert ask(board, chip, "e4b8") == READY
