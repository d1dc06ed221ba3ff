"""The UARTs: framing, what a peer hears and when, breaks, when the device sees what arrives."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.framing import EVEN, ODD, Framing, Symbol
from emulator.board.pins import Pins
from emulator.board.serial import Serial

SDI12 = Framing(1200, 7, EVEN)
CHAR_US = 8333


class Ear:
    """A peer that notes what it is told: (end_us, value, sound) and spaces (start_us, end_us)."""

    def __init__(self, board, framing=SDI12):
        self.board = board
        self.framing = framing
        self.heard = []
        self.spaces = []

    def character(self, symbol: Symbol, start_us: int) -> None:
        self.heard.append((self.board.clock.now_us, *self.framing.read(symbol)))

    def space(self, start_us: int) -> None:
        self.spaces.append((start_us, self.board.clock.now_us))


@pytest.fixture
def board():
    board = Board()
    board.plug("pins", Pins(board))
    board.plug("serial", Serial(board))
    return board


@pytest.fixture
def serial(board):
    return board.services["serial"]


@pytest.fixture
def ear(board, serial):
    ear = Ear(board)
    serial.listen("P3", ear)
    return ear


def opened(serial, baud=1200, bits=7, parity=EVEN, timeout_chars=2, tx="P3", rx="P4"):
    serial.do_open(1, baud, bits, parity, 1, timeout_chars, 4096, tx, rx)


@pytest.mark.parametrize("parity", [None, EVEN, ODD])
@pytest.mark.parametrize("bits", [7, 8])
def test_what_a_framing_writes_it_reads(bits, parity):
    framing = Framing(1200, bits, parity)
    values = range(1 << bits)
    assert [framing.read(framing.symbol(value)) for value in values] == [(v, True) for v in values]


def test_a_frame_with_even_parity_is_the_byte_with_the_parity_in_bit_7():
    for value in range(128):
        with_parity = value | (value.bit_count() & 1) << 7
        assert Framing(1200, 8).symbol(with_parity) == SDI12.symbol(value)


@pytest.mark.parametrize(
    "sender",
    [Framing(1200, 7, ODD), Framing(9600, 7, EVEN), Framing(300, 7, EVEN), Framing(1300, 7, EVEN)],
    ids=["odd", "9600 baud", "300 baud", "8 % off"],
)
def test_no_character_of_another_framing_is_sound(sender):
    assert not any(SDI12.read(sender.symbol(value))[1] for value in range(128))


def test_eight_bits_without_parity_are_mostly_wrong_for_seven_with_parity():
    sound = [value for value in range(128) if SDI12.read(Framing(1200, 8).symbol(value))[1]]
    assert len(sound) == 64  # those whose number of ones is even anyhow


def test_characters_leave_one_after_the_other_at_the_baud_rate(board, serial, ear):
    opened(serial)
    assert serial.do_write(1, b"0M!") == 3
    assert board.clock.now_us == 0  # they are in the FIFO
    board.clock.advance(100_000)
    assert ear.heard == [
        (CHAR_US, ord("0"), True), (2 * CHAR_US, ord("M"), True), (3 * CHAR_US, ord("!"), True)
    ]  # fmt: skip


def test_a_write_of_more_than_the_fifo_waits(board, serial, ear):
    opened(serial)
    serial.do_write(1, b"x" * 140)
    assert board.clock.now_us == (140 - 129) * CHAR_US


def test_waiting_for_the_end_of_a_transmission(board, serial, ear):
    opened(serial)
    serial.do_write(1, b"0!")
    assert serial.do_wait_tx_done(1, 10) is False
    assert board.clock.now_us == 10_000
    assert serial.do_wait_tx_done(1, 10) is True  # the FIFO is empty, the "!" still on its way
    assert len(ear.heard) == 1
    serial.do_write(1, b"1!")
    assert serial.do_wait_tx_done(1, 1000) is True
    assert board.clock.now_us == 4 * CHAR_US
    assert len(ear.heard) == 4


@pytest.mark.parametrize(
    ("baud", "bits", "length_us"),
    [(1200, 13, 11_666), (1200, 14, 12_500), (9600, 13, 1458), (300, 13, 46_666 - 32_768)],
    ids=["by default too short", "long enough", "9600 baud", "upper bits are lost"],
)
def test_a_break_is_one_bit_longer_than_asked_for(board, serial, ear, baud, bits, length_us):
    opened(serial, baud)
    serial.do_send_break(1, bits)
    assert ear.spaces == [(0, length_us)]


def test_what_is_being_sent_when_the_uart_closes_is_lost(board, serial, ear):
    opened(serial)
    serial.do_write(1, b"0!")
    board.clock.advance(CHAR_US)
    serial.do_close(1)
    board.clock.advance(50_000)
    assert [value for _, value, _ in ear.heard] == [ord("0")]


def test_another_pin_is_another_wire(board, serial, ear):
    opened(serial, tx="P8", rx="P9")
    serial.do_write(1, b"0!")
    board.clock.advance(50_000)
    serial.arrive("P4", SDI12.symbol(0x30))
    board.clock.advance(50_000)
    assert (ear.heard, serial.do_any(1)) == ([], 0)


def arriving(board, serial, text, framing=SDI12):
    for character in text:
        board.clock.advance(framing.char_us)
        serial.arrive("P4", framing.symbol(ord(character)))


def test_what_arrives_is_seen_after_a_silence_of_sixteen_bits(board, serial):
    opened(serial)
    arriving(board, serial, "0\r\n")
    board.clock.advance(13_332)
    assert serial.do_any(1) == 0
    board.clock.advance(2)
    assert serial.do_any(1) == 3
    assert serial.do_read(1, 3) == b"0\r\n"


def test_a_longer_time_out_delays_it_and_a_full_fifo_does_not_wait(board, serial):
    opened(serial, timeout_chars=75)
    arriving(board, serial, "0\r\n")
    board.clock.advance(490_000)
    assert serial.do_any(1) == 0
    arriving(board, serial, "x" * 117)
    assert serial.do_any(1) == 120


def test_wrong_parity_is_delivered_and_cannot_be_told(board, serial):
    opened(serial)
    arriving(board, serial, "0", Framing(1200, 7, ODD))
    board.clock.advance(50_000)
    assert serial.do_read(1, 1) == b"0"


def test_eight_bits_show_the_parity(board, serial):
    opened(serial, bits=8, parity=None)
    arriving(board, serial, "01")
    board.clock.advance(50_000)
    assert serial.do_read(1, 2) == b"\x30\xb1"


def test_reading_waits_for_what_is_on_its_way(board, serial):
    opened(serial, timeout_chars=3)
    for at_us in (0, 60_000):
        board.clock.schedule(at_us, lambda: serial.arrive("P4", SDI12.symbol(ord("x"))))
    assert serial.do_read(1, 2) == b"x"  # seen after 20 ms; 27.5 ms later there is no other
    assert 47_000 < board.clock.now_us < 48_000


def test_a_reset_closes_and_empties(board, serial):
    opened(serial)
    serial.feed(1, b"abc")
    serial.on_reset(0)
    with pytest.raises(OSError, match="UART not Initialized!"):
        serial.do_any(1)
    opened(serial)
    assert serial.do_any(1) == 0
