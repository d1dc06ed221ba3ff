"""The emulated SDI-12 probe and its wire by themselves."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.board.board import Board
from emulator.board.framing import EVEN, ODD, Framing
from emulator.board.pins import Pins
from emulator.board.serial import Serial
from emulator.chips import sdi12
from emulator.chips.sdi12_probe import checksum
from emulator.chips.sdi12_wire import Wire

CHAR_US = 8333


class Desk:
    """A board at work with the wire: `ask` sends a command and returns what came back, as text."""

    def __init__(self):
        self.board = Board()
        self.board.plug("pins", Pins(self.board))
        self.board.plug("serial", Serial(self.board))
        self.pins = self.board.services["pins"]
        self.serial = self.board.services["serial"]
        self.pins.do_init("P8", 2, None, 0)
        self.open()

    def open(self, baud=1200, bits=7, parity=EVEN):
        self.serial.do_open(1, baud, bits, parity, 1, 2, 4096, "P3", "P4")

    def plug(self, name="probe", **table):
        for key, truth in table.items():
            if isinstance(truth, (int, float)) and key.endswith(("_percent", "_c", "_cm")):
                table[key] = {"mean": truth, "swing": 0}
        sdi12.plug(self.board, name, table)
        assert table == {}
        self.wait(1000)
        return Wire.of(self.board).probes[-1]

    def wait(self, ms):
        self.board.clock.advance(round(ms * 1000))

    def send(self, command, break_bits=14, mark_ms=9.0, direction=1, pause_ms=0.0):
        self.pins.do_write("P8", direction)
        if break_bits:
            self.serial.do_send_break(1, break_bits)
        self.wait(mark_ms)
        for letter in command:
            self.serial.do_write(1, letter.encode())
            self.wait(8.34 + pause_ms)
        self.pins.do_write("P8", 0)

    def heard(self, wait_ms):
        self.wait(wait_ms)
        return self.serial.do_read(1, 999).decode("latin-1") if self.serial.do_any(1) else ""

    def ask(self, command, wait_ms=500, **how):
        self.send(command, **how)
        return self.heard(wait_ms)


@pytest.fixture
def desk():
    return Desk()


def test_the_checksum_is_that_of_the_specification():
    assert checksum("0+3.14") == "OqZ"
    assert checksum("1+2.7+85.2-0.2-2.7+770.5") == "CAH"


def test_a_conversation(desk):
    desk.plug(moisture_percent=1.55, temperature_c=22.7, conductivity_us_cm=134)
    assert desk.ask("0!") == "0\r\n"
    assert desk.ask("?!") == "0\r\n"
    assert desk.ask("0I!") == "013METER   TER12 112T12-00024680\r\n"
    assert desk.ask("0M!", 130) == "00013\r\n0\r\n"
    assert desk.ask("0D0!") == "0+1833.2+22.7+134\r\n"
    assert desk.ask("0D1!") == "0\r\n"
    assert desk.ask("0MC!", 130).startswith("00013")
    assert desk.ask("0D0!") == "0+1833.2+22.7+134" + checksum("0+1833.2+22.7+134") + "\r\n"
    assert desk.ask("0C!") == "000103\r\n"
    assert desk.ask("0R0!") == "0+1833.2+22.7+134\r\n"
    assert desk.ask("0RC0!")[-5:-2] == checksum("0+1833.2+22.7+134")
    assert desk.ask("0V!") == "00001\r\n"
    assert desk.ask("0D0!") == "0+0\r\n"


@pytest.mark.parametrize("command", ["1!", "0X!", "0M0!", "0M7!", "?I!", "0D!", "!", "00!", "0AB"])
def test_what_is_not_for_it_is_not_answered(desk, command):
    desk.plug()
    assert desk.ask(command) == ""


def test_it_answers_after_8_to_15_ms_without_gaps(desk):
    for lateness, pause_ms in ((0.0, 8.33), (1.0, 14.9)):
        probe = desk.plug(name=f"late {lateness}", lateness=lateness)
        desk.send("0!")
        end_us = desk.board.clock.now_us
        desk.wait(100)
        said = [e.at_us for e in desk.board.trace.of("sdi12") if e.text.startswith("<")][-3:]
        assert said[0] - end_us == pytest.approx(pause_ms * 1000 + CHAR_US, abs=100)
        assert said[2] - said[0] == 2 * CHAR_US
        probe.absent = True


@pytest.mark.parametrize(
    "how",
    [
        {"break_bits": 12}, {"mark_ms": 7}, {"mark_ms": 130}, {"direction": 0}, {"pause_ms": 2},
        {"break_bits": 0},
    ],
    ids=lambda how: str(*how.items()),
)  # fmt: skip
def test_what_it_does_not_hear(desk, how):
    desk.plug()
    assert desk.ask("0!") == "0\r\n"
    assert desk.ask("0!", **how) == ""


def test_without_a_break_it_listens_for_87_ms(desk):
    desk.plug()
    assert desk.ask("0!", 50) == "0\r\n"
    assert desk.ask("0!", break_bits=0, mark_ms=10) == "0\r\n"


@pytest.mark.parametrize(
    "framing",
    [(9600, 7, EVEN), (1200, 7, ODD), (1300, 7, EVEN), (600, 7, EVEN)],
    ids=["9600 baud", "odd parity", "8 % too fast", "600 baud"],
)
def test_another_framing_is_not_understood(desk, framing):
    probe = desk.plug()
    desk.pins.do_write("P8", 1)
    desk.serial.do_send_break(1, 14)
    desk.open(*framing)
    desk.wait(9)
    desk.serial.do_write(1, b"0!")
    desk.wait(200)
    assert probe.commands == []


def test_its_answer_is_lost_while_the_board_sends(desk):
    desk.plug()
    desk.send("0!")
    desk.pins.do_write("P8", 1)
    assert desk.heard(100) == ""


def test_releasing_the_wire_too_early_loses_the_command(desk):
    probe = desk.plug()
    desk.pins.do_write("P8", 1)
    desk.serial.do_send_break(1, 14)
    desk.wait(9)
    desk.serial.do_write(1, b"0!")
    desk.wait(10)  # the firmware's write returns long before
    desk.pins.do_write("P8", 0)
    desk.wait(100)
    assert probe.commands == []


def test_a_character_that_begins_before_the_wire_is_taken_is_lost(desk):
    probe = desk.plug()
    desk.send("", mark_ms=9)
    desk.serial.do_write(1, b"0!")
    desk.wait(4)
    desk.pins.do_write("P8", 1)
    desk.wait(100)
    assert probe.commands == []


def test_a_break_made_with_the_pin_by_hand(desk):
    desk.plug()
    desk.serial.do_close(1)
    desk.pins.do_init("P3", 2, None, 0)
    desk.pins.do_write("P8", 1)
    desk.wait(12.5)
    desk.pins.do_write("P3", 1)
    desk.wait(8.4)
    desk.open()
    assert desk.ask("0!", break_bits=0, mark_ms=0) == "0\r\n"


def test_a_sleeper_misses_what_comes_before_it_has_woken(desk):
    desk.plug(wake_ms=60)
    assert desk.ask("0!") == ""
    assert desk.ask("0!", mark_ms=70) == "0\r\n"


@pytest.mark.parametrize("break_bits", [14, 0])
@pytest.mark.parametrize("disturbance", ["0!", "5!", "x"])
def test_a_word_before_the_request_gives_m_up(desk, disturbance, break_bits):
    desk.plug(values=[1, 2], seconds=5)
    assert desk.ask("0M!", 150) == "00052\r\n"
    desk.ask(disturbance, 100, break_bits=break_bits)
    assert desk.heard(5000) == ""
    assert desk.ask("0D0!") == "0\r\n"


def test_c_goes_on_while_others_talk_and_is_given_up_by_its_own_address(desk):
    desk.plug(name="one", values=[1.5])
    desk.plug(name="two", address="2", values=[2.5])
    desk.ask("0C!", 100)
    assert desk.ask("2C!", 100) == "200101\r\n"
    desk.wait(1000)
    assert desk.ask("0D0!") == "0+1.50\r\n"
    assert desk.ask("2D0!") == "2+2.50\r\n"
    desk.ask("0C!", 100)
    assert desk.ask("0D0!") == "0\r\n"


def test_two_at_one_address_spoil_each_others_words(desk):
    desk.plug(name="one", address="3")
    desk.plug(name="two", address="3", model="acclima", lateness=0.1)
    assert "METER" not in desk.ask("3I!")


def test_the_address_is_kept_without_supply_and_results_are_not(desk):
    probe = desk.plug()
    assert desk.ask("0A7!") == "7\r\n"
    assert desk.ask("7M!", 200).startswith("70013\r\n7")
    probe.power(False)
    assert desk.ask("7!") == ""
    probe.power(True)
    assert desk.ask("7!", 10) == ""  # it starts
    desk.wait(300)
    assert desk.ask("7D0!") == "7\r\n"


def test_a_brown_out_while_it_measures_loses_the_result(desk):
    desk.plug(brown_out=1, values=[1])
    assert desk.ask("0M!", 1500) == "00011\r\n"
    assert desk.ask("0D0!") == "0\r\n"


def test_faults_of_the_answer(desk):
    probe = desk.plug(values=[1.25])
    probe.corrupt = 1
    assert desk.ask("0!") == "1\r\n"  # the firmware does not tell that the parity is wrong
    probe.unseen = 1
    assert desk.ask("0!") == "3\r\n"
    probe.garbage = "what"
    assert desk.ask("0!") == "what\r\n"
    probe.garbage = None
    probe.cut = 2
    assert desk.ask("0I!") == "01"
    probe.cut = None
    probe.silent = 1
    assert desk.ask("0!") == ""
    probe.endless = True
    assert len(desk.ask("0!", 5000)) > 300
    probe.endless = False
    probe.stuck = True
    assert desk.ask("0!") == "\x00"


def test_its_currents(desk):
    probe = desk.plug(model="acclima", supply_pin="P11")
    meter = desk.board.meter
    assert meter.state("probe") == "standby"
    desk.ask("0M!", 200)
    assert (meter.state("probe"), meter.milliamps("probe")) == ("measure", 70.0)
    desk.wait(3000)
    assert meter.state("probe") == "standby"
    probe.power(False)
    assert meter.milliamps("probe") == 0
    assert meter.time_ms("probe", "measure") == 600


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"address": "00"}, "address = '00'; allowed: one of 0-9, a-z, A-Z"),
        ({"model": "teros13"}, "model = 'teros13'; allowed: teros12"),
        ({"drv_in_pin": "P44"}, "drv_in_pin = 'P44'"),
        ({"wake_ms": 200}, "wake_ms = 200; allowed: 0 to 100"),
        ({"endless": 1}, "endless = 1; allowed: true, false"),
        ({"garbage": 5}, "garbage = 5; allowed: a text"),
        ({"moisture_percent": "wet"}, "moisture_percent = 'wet'"),
    ],
    ids=lambda item: str(*item) if isinstance(item, dict) else None,
)
def test_a_table_that_cannot_be(desk, table, text):
    with pytest.raises(ValueError, match=r"chips\.probe") as error:
        sdi12.plug(desk.board, "probe", table)
    assert text in str(error.value)


def test_any_truth_comes_back_from_the_words(desk):
    truths = [0.0, 0.0, 0.0]
    probe = desk.plug()
    probe.truths = [lambda t, place=place: truths[place] for place in range(3)]

    @settings(max_examples=40, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.floats(0, 60), st.floats(-40, 60), st.integers(0, 20000))
    def hold(moisture, celsius, conductivity):
        truths[:] = [moisture, celsius, conductivity]
        text = desk.ask("0R0!")
        counts, degrees, micro = text[1:-2].replace("-", "+-").split("+")[1:]
        assert float(counts) * 0.03879 - 69.56 == pytest.approx(moisture, abs=0.003)
        assert float(degrees) == pytest.approx(celsius, abs=0.0501)
        assert int(micro) == conductivity

    hold()


def test_eight_bits_with_a_parity_of_ones_own_are_heard_alike(desk):
    desk.plug()
    desk.open(1200, 8, None)
    coded = "".join(chr(ord(c) | (ord(c).bit_count() & 1) << 7) for c in "0!")
    desk.pins.do_write("P8", 1)
    desk.serial.do_send_break(1, 14)
    desk.wait(9)
    desk.serial.do_write(1, coded.encode("latin-1"))
    desk.wait(18)
    desk.pins.do_write("P8", 0)
    assert desk.heard(100) == "0\x8d\n"


def test_random_noise_never_upsets_it(desk):
    rng = random.Random(5)
    desk.plug(values=[1])
    for _ in range(60):
        desk.open(*rng.choice([(1200, 7, EVEN), (1200, 8, None), (9600, 8, None)]))
        desk.send(rng.choices("0?!MCDRIAV19x\x00\x7f", k=rng.randint(0, 12)))
        desk.wait(rng.randint(0, 300))
    desk.open()
    desk.wait(3000)
    probe = Wire.of(desk.board).probes[0]
    assert desk.ask(probe.address + "!") == probe.address + "\r\n"
    assert Framing(1200, 7, EVEN).char_us == CHAR_US
