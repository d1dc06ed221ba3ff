"""Probes for the SDI-12 tests: emulated ones by a table, and one that says what it is told to."""

from __future__ import annotations

from functools import partial

from emulator.chips import sdi12
from emulator.chips.sdi12_wire import CHAR_US, FRAMING, Wire

PINS = '"P3", "P4", "P8"'


def plug(node, supply_pin="", name="probe", pins=(), **table):
    """An emulated probe on the default pins; it has been on for a while unless it is switched."""
    table["supply_pin"] = supply_pin
    table.update(zip(("drv_in_pin", "rcv_out_pin", "direction_pin"), pins, strict=False))
    sdi12.plug(node.board, name, table)
    assert table == {}
    if not supply_pin:
        node.board.clock.advance(1_500_000)
    wire = (pins[0], pins[1], pins[2] or None) if pins else ("P3", "P4", "P8")
    return Wire.of(node.board, wire).probes[-1]


def value(mean):
    """A truth that stays as it is."""
    return {"mean": mean, "swing": 0}


class Script:
    """Answers each command with given bytes, or with the next ones of a list, the last for ever.

    A str is sent with parity and line end, bytes are sent as they stand. None: no answer.
    """

    holds_down = False

    def __init__(self, node, answers):
        self.board = node.board
        self.wire = Wire.of(node.board)
        self.wire.probes.append(self)
        self.answers = answers
        self.asked = []
        self.breaks = []  # (end_us, duration_us)
        self.starts = []  # of the first character of each command
        self._text = ""

    def space(self, duration_us):
        self.breaks.append((self.board.clock.now_us, duration_us))
        self._text = ""

    def character(self, value, start_us):
        assert value is not None
        if not self._text:
            self.starts.append(start_us)
        self._text += chr(value)
        if value == ord("!"):
            text, self._text = self._text, ""
            self.asked.append(text)
            self.say(self.next_answer(text), 9_000)

    def next_answer(self, command):
        answer = self.answers.get(command)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer

    def say(self, answer, delay_us):
        if answer is None:
            return
        if isinstance(answer, str):
            symbols = [FRAMING.symbol(ord(character)) for character in answer + "\r\n"]
        else:
            from emulator.board.framing import Framing

            symbols = [Framing(1200, 8).symbol(byte) for byte in answer]
        for number, symbol in enumerate(symbols):
            at_us = delay_us + number * CHAR_US
            self.board.clock.schedule(at_us, partial(self.wire.say, symbol))
