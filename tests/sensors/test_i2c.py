"""The checksums of the chips: the driver's against the emulation's and published examples."""

from __future__ import annotations

import pytest

from emulator.chips.part import crc8

# Data, start value, checksum: Sensirion and HTU21D data sheets, and frames recorded with drivers
EXAMPLES = [
    ("beef", 0xFF, 0x92),
    ("0000", 0xFF, 0x81),
    ("ffff", 0xFF, 0xAC),
    ("01a4", 0xFF, 0x4D),
    ("abcd", 0xFF, 0x6F),
    ("0342", 0xFF, 0xF3),
    ("683a", 0x00, 0x7C),
    ("dc", 0x00, 0x79),
    ("4e85", 0x00, 0x6B),
    ("0000", 0x00, 0x00),
    ("ffff", 0x00, 0x2D),
]


@pytest.mark.parametrize(("data", "start", "expected"), EXAMPLES)
def test_checksums_are_those_of_the_data_sheets(node, data, start, expected):
    values = list(bytes.fromhex(data))
    assert node.value(f"_i2c.crc8(bytes({values}), {start})", "_i2c") == expected
    assert crc8(bytes.fromhex(data), start) == expected


@pytest.mark.parametrize(
    ("answer", "start", "expected"),
    [
        ("beef92beef92", 0xFF, [0xBEEF, 0xBEEF]),
        ("683a7c", 0x00, [0x683A]),
        ("beef93", 0xFF, "crc"),
        ("beef92beef93", 0xFF, "crc"),
        ("ffffff", 0xFF, "crc"),
        ("ffffff", 0x00, "crc"),
        ("000000", 0x00, "stuck"),
        ("000000", 0xFF, "stuck"),
    ],
)
def test_words_are_taken_only_with_their_checksums(node, answer, start, expected):
    values = list(bytes.fromhex(answer))
    result = node.variables(
        "from sensors import SensorError, _i2c\n"
        f"try:\n    found = _i2c.words(bytes({values}), {start})\n"
        "except SensorError as error:\n    found = error.args[0]\n"
    )
    assert result["found"] == expected
