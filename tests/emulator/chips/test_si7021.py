"""The chips at 0x40 against the data sheets: commands, times, checksums, supply."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.part import crc8
from emulator.chips.si7021 import Si7021
from tests.emulator.chips.conftest import after_ms

# Conversion times in ms, typical and greatest, by user register: the data sheets' tables.
# Humidity of a Si7021 includes the temperature.
RESOLUTIONS = {0x00: 0, 0x01: 1, 0x80: 2, 0x81: 3}
TIMES = [
    ("si7021", 0x00, 0xF3, 7, 10.8),
    ("si7021", 0x80, 0xF3, 4, 6.2),
    ("si7021", 0x01, 0xF3, 2.4, 3.8),
    ("si7021", 0x81, 0xF3, 1.5, 2.4),
    ("si7021", 0x00, 0xF5, 17, 22.8),
    ("si7021", 0x81, 0xF5, 7.3, 9.4),
    ("si7021", 0x80, 0xF5, 7.7, 10.7),
    ("si7021", 0x01, 0xF5, 5.0, 6.9),
    ("htu21d", 0x00, 0xF3, 44, 50),
    ("htu21d", 0x81, 0xF3, 6, 7),
    ("htu21d", 0x00, 0xF5, 14, 16),
    ("htu21d", 0x01, 0xF5, 2, 3),
    ("sht20", 0x00, 0xF3, 66, 85),
    ("sht20", 0x80, 0xF3, 33, 43),
    ("sht20", 0x00, 0xF5, 22, 29),
    ("sht20", 0x81, 0xF5, 12, 15),
]

# Answers with known values: the data sheets' examples, values by their formulas.
TEMPERATURES = [(24.2252, "678c"), (-15.2217, "2e14"), (24.6864, "6838"), (-16.4443, "2c4c")]
HUMIDITIES = [(54.7948, "7c82"), (32.3377, "4e86"), (42.492, "6352"), (37.953, "5a02")]


def chip_on(
    board: Board, model: str = "si7021", celsius: float = 21.5, percent: float = 40.0, **options
) -> Si7021:
    """A chip that has been powered for a second."""
    options.setdefault("noise", (0, 0))
    chip = Si7021(board, lambda t: celsius, lambda t: percent, model, **options)
    chip.power(True)
    board.clock.advance(1_000_000)
    return chip


def converted(board: Board, chip: Si7021, command: int, count: int = 3) -> bytes:
    chip.write(bytes((command,)))
    after_ms(board, 100)
    return chip.read(count)


@pytest.mark.parametrize(("celsius", "word"), TEMPERATURES, ids=str)
def test_temperature_of_the_examples(board, celsius, word):
    answer = converted(board, chip_on(board, celsius=celsius), 0xF3)
    assert answer[:2].hex() == word
    assert answer[2] == crc8(answer[:2])


@pytest.mark.parametrize(("percent", "word"), HUMIDITIES, ids=str)
def test_humidity_of_the_examples(board, percent, word):
    """12 bits, and in the lowest two the status 10; the bits in between are 0."""
    answer = converted(board, chip_on(board, percent=percent), 0xF5)
    assert abs(int(answer[:2].hex(), 16) - int(word, 16)) <= 8
    assert answer[1] & 0x0F == 0x02


@pytest.mark.parametrize(
    ("data", "crc"),
    # CRC pairs of the HTU21D manual and the SHT20 data sheet, and of a published capture
    [("683a", 0x7C), ("4e85", 0x6B), ("6352", 0x64), ("dc", 0x79), ("678c", 0xFC),
     ("0000", 0x00), ("ffff", 0x2D)],
)  # fmt: skip
def test_checksum_of_the_examples(data, crc):
    assert crc8(bytes.fromhex(data)) == crc


@pytest.mark.parametrize("lateness", [0, 1], ids=["typical", "greatest"])
@pytest.mark.parametrize(("model", "register", "command", "typ", "most"), TIMES)
def test_reads_are_not_acknowledged_until_the_conversion_ends(
    board, model, register, command, typ, most, lateness
):
    chip = chip_on(board, model)
    chip.write(bytes((0xE6, register)))
    chip.lateness = lateness
    duration = most if lateness else typ
    chip.write(bytes((command,)))
    after_ms(board, duration - 0.1)
    with pytest.raises(Nack):
        chip.read(3)
    with pytest.raises(Nack):
        chip.write(b"\xe7")
    after_ms(board, 0.1)
    answer = chip.read(3)
    assert crc8(answer[:2]) == answer[2]


def test_extra_time_is_added_to_a_conversion(board):
    chip = chip_on(board)
    chip.extra_ms = 30
    chip.write(b"\xf3")
    after_ms(board, 36)
    with pytest.raises(Nack):
        chip.read(3)
    after_ms(board, 1)
    assert len(chip.read(3)) == 3


def test_temperature_of_the_humidity_conversion_comes_without_another(board):
    celsius = [20.0]
    chip = Si7021(board, lambda t: celsius[0], lambda t: 50.0, noise=(0, 0))
    chip.power(True)
    after_ms(board, 100)
    chip.write(b"\xf5")
    celsius[0] = 30.0
    after_ms(board, 17)
    chip.read(3)
    chip.write(b"\xe0")
    answer = chip.read(3)
    assert 175.72 * int.from_bytes(answer[:2], "big") / 65536 - 46.85 == pytest.approx(
        20, abs=0.02
    )
    assert answer[2] == 0xFF  # there is no checksum


@pytest.mark.parametrize("model", ["htu21d", "sht20"])
@pytest.mark.parametrize("command", [b"\xe0", b"\x11", b"\x84\xb8"], ids=bytes.hex)
def test_the_other_kinds_lack_the_commands_of_silicon_labs(board, model, command):
    with pytest.raises(Nack):
        chip_on(board, model).write(command)


@pytest.mark.parametrize("data", [b"\x00", b"\xf6", b"\xfa", b"\xf3\x00", b"\xe6\x00\x00"])
def test_unknown_commands_are_not_acknowledged(board, data):
    with pytest.raises(Nack):
        chip_on(board).write(data)


def test_identity_revision_and_serial_number(board):
    chip = chip_on(board)
    chip.write(b"\xfc\xc9")
    answer = chip.read(6)
    assert answer[0] == 0x15
    assert answer[2] == crc8(answer[:2])
    chip.write(b"\x84\xb8")
    assert chip.read(1) == b"\x20"
    chip.write(b"\xfa\x0f")
    serial = chip.read(8)
    assert serial[1] == crc8(serial[:1])
    other = chip_on(board, name="other")
    other.write(b"\xfa\x0f")
    assert other.read(8) != serial


@pytest.mark.parametrize(("model", "value"), [("si7021", 0x3A), ("htu21d", 0x02), ("sht20", 0x02)])
def test_user_register_starts_as_documented_and_keeps_reserved_bits(board, model, value):
    chip = chip_on(board, model)
    chip.write(b"\xe7")
    assert chip.read(1)[0] == value
    chip.write(b"\xe6\x81")
    chip.write(b"\xe7")
    assert chip.read(1)[0] & 0xB9 == value & 0x38 | 0x81


def test_resolution_cuts_the_low_bits(board):
    chip = chip_on(board, celsius=23.456)
    chip.write(b"\xe6\x81")
    assert converted(board, chip, 0xF3)[1] & 0x1F == 0


def test_low_supply_is_flagged(board):
    chip = chip_on(board)
    chip.vdd_mv = 1800
    chip.write(b"\xe7")
    assert chip.read(1)[0] == 0x7A


@pytest.mark.parametrize("lateness", [0, 1])
def test_nothing_is_acknowledged_while_it_resets(board, lateness):
    chip = chip_on(board)
    chip.lateness = lateness
    chip.write(b"\xe6\x01")
    chip.write(b"\xfe")
    after_ms(board, 14.9 if lateness else 4.9)
    with pytest.raises(Nack):
        chip.write(b"\xe7")
    after_ms(board, 0.2)
    chip.write(b"\xe7")
    assert chip.read(1) == b"\x3a"


@pytest.mark.parametrize(("model", "kept"), [("si7021", 0), ("htu21d", 0), ("sht20", 4)])
def test_only_the_sht20_keeps_its_heater_through_a_reset(board, model, kept):
    chip = chip_on(board, model)
    chip.write(bytes((0xE6, 0x04)))
    chip.write(b"\xfe")
    after_ms(board, 20)
    chip.write(b"\xe7")
    assert chip.read(1)[0] & 0x04 == kept


def test_without_supply_there_is_nobody_and_registers_are_lost(board):
    chip = chip_on(board)
    chip.write(b"\xe6\x81")
    chip.write(b"\xf5")
    chip.power(False)
    with pytest.raises(Nack):
        chip.read(1)
    after_ms(board, 100)
    chip.power(True)
    after_ms(board, 17.9)
    with pytest.raises(Nack):
        chip.write(b"\xe7")
    after_ms(board, 0.2)
    chip.write(b"\xe7")
    assert chip.read(1) == b"\x3a"


def test_bytes_behind_the_answer_are_ones(board):
    chip = chip_on(board)
    assert chip.read(1) == b"\xff"  # a bare read while idle is acknowledged
    assert converted(board, chip, 0xF3, 6)[3:] == b"\xff\xff\xff"
    assert chip.read(3) == b"\xff\xff\xff"  # an answer is given once


def test_address_alone_is_acknowledged(board):
    chip_on(board).write(b"")


@pytest.mark.parametrize(("command", "duration"), [(0xE3, 7), (0xE5, 17)])
def test_hold_commands_outlast_the_patience_of_the_bus(board, command, duration):
    chip = chip_on(board)
    chip.write(bytes((command,)))
    after_ms(board, duration - 0.1)
    with pytest.raises(Nack):
        chip.read(3)
    after_ms(board, 0.1)
    assert crc8(chip.read(3)) == 0


def test_currents_by_state(board):
    chip = Si7021(board, lambda t: 20, lambda t: 50)
    meter = board.meter
    seen = [(meter.state("si7021"), meter.milliamps("si7021"))]

    def look() -> None:
        seen.append((meter.state("si7021"), meter.milliamps("si7021")))

    chip.power(True)
    look()
    after_ms(board, 30)
    look()
    chip.write(b"\xf5")
    look()
    after_ms(board, 17)
    look()
    chip.write(b"\xf3")
    look()
    after_ms(board, 7)
    chip.write(bytes((0x51, 0x02)))
    chip.write(bytes((0xE6, 0x3E)))
    look()
    chip.power(False)
    look()
    assert seen == [
        ("off", 0.0),
        ("start", 3.5),
        ("standby", 0.00006),
        ("rh", 0.150),
        ("standby", 0.00006),
        ("t", 0.090),
        ("heater", pytest.approx(3.1 + 2 * 6.1 + 0.00006)),
        ("off", 0.0),
    ]


def test_events_of_an_earlier_power_cycle_are_void(board):
    chip = chip_on(board)
    chip.write(b"\xf5")
    chip.power(False)
    after_ms(board, 100)
    assert board.meter.state("si7021") == "off"


def test_truth_follows_virtual_time(board):
    chip = Si7021(board, lambda t: t, lambda t: 50.0, noise=(0, 0))
    chip.power(True)
    after_ms(board, 10_000)
    word = int.from_bytes(converted(board, chip, 0xF3)[:2], "big")
    assert 175.72 * word / 65536 - 46.85 == pytest.approx(10, abs=0.01)


def test_noise_is_there_and_repeats_with_the_seed():
    def words(seed: int) -> list[bytes]:
        board = Board(seed)
        chip = chip_on(board, noise=(0.05, 0.05))
        return [converted(board, chip, 0xF3) for _ in range(10)]

    assert words(1) == words(1)
    assert words(1) != words(2)
    assert len(set(words(1))) > 1
