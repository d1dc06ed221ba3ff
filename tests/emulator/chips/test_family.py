"""What holds for every chip on I2C: a new one is tried by being there."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.sensors.catalogue import entries
from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.wiring import DEFAULT, wire
from tests.emulator.chips.conftest import after_ms

CHIPS = [entry for entry in entries().values() if entry.interface == "I2C"]
# What is written before an answer is read: the identity, a command or a register
QUESTIONS = {"bh1750": "01", "bme280": "d0", "bme680": "d0", "scd30": "d100", "scd4x": "3682",
             "sht4x": "89", "si7021": "e7", "tsl2561": "8a", "veml7700": "07"}  # fmt: skip


@pytest.fixture(params=CHIPS, ids=lambda entry: entry.kind)
def chip(request: pytest.FixtureRequest, wired: Board) -> Any:
    """On its bus, as a scenario plugs it."""
    entry = request.param
    tables: dict[str, dict[str, Any]] = {name: {"kind": "none"} for name in DEFAULT}
    wire(wired, {**tables, entry.kind: {"kind": entry.kind, **entry.wiring, "supply_pin": "P11"}})
    [chip] = wired.services["i2c"]._chips.values()
    after_ms(wired, 5000)
    return chip


def ask(chip: Any) -> bytes:
    chip.write(bytes.fromhex(QUESTIONS.get(chip.name, "00")))
    after_ms(chip.board, 20)
    return bytes(chip.read(2))


def test_one_wrong_bit_in_as_many_answers_as_wanted(chip: Any) -> None:
    right = ask(chip)
    chip.corrupt = 2
    wrong = [ask(chip) for _ in range(2)]
    assert right == ask(chip)
    for answer in wrong:
        differing = int.from_bytes(answer, "big") ^ int.from_bytes(right, "big")
        assert differing.bit_count() == 1


def test_the_share_of_wrong_answers(chip: Any) -> None:
    right = ask(chip)
    chip.corrupt_rate = 0.5
    assert {ask(chip) == right for _ in range(30)} == {True, False}


def test_a_chip_that_holds_its_line_answers_zeros(chip: Any) -> None:
    chip.stuck = True
    assert ask(chip) == b"\x00\x00"


@pytest.mark.parametrize("how", ["absent", "no supply"])
def test_nobody_answers(chip: Any, how: str) -> None:
    if how == "absent":
        chip.absent = True
    else:
        chip.power(False)
    with pytest.raises(Nack):
        chip.write(b"\x00")
    with pytest.raises(Nack):
        chip.read(1)
