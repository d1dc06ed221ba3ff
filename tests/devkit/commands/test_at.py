"""`./dev at`: commands from the command line, a pipe, a person, or a serial program."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import serial

from devkit import cli
from devkit.checks.sources import ROOT
from devkit.commands import at as console
from emulator.board.board import Board
from emulator.modem.uart import RING_BYTES, Uart
from emulator.serial_device import SerialDevice
from emulator.terminal import Terminal, unescape


class Line:
    """A modem that answers what it is told to, `after_ms` after the last byte it waits for."""

    def __init__(self, answers: dict[bytes, bytes], after_ms: int = 5) -> None:
        self.board = Board()
        self.uart = Uart(self.board)
        self.uart.on_bytes = self._heard
        self.answers = answers
        self.after_ms = after_ms
        self.heard = b""
        self.shown: list[bytes] = []
        self.terminal = Terminal(self.board, self.uart, self.shown.append)
        self.terminal.open()

    def later(self, delay_ms: float, text: bytes) -> None:
        self.board.clock.schedule_ms(delay_ms, lambda: self.uart.emit(text))

    def _heard(self, data: bytes) -> None:
        self.heard += data
        for asked, answer in self.answers.items():
            if self.heard.endswith(asked):
                self.later(self.after_ms, answer)

    def said(self) -> bytes:
        return b"".join(self.shown)


@pytest.mark.parametrize(
    "final",
    [
        b"\r\nOK\r\n",
        b"\r\nERROR\r\n",
        b"\r\n+CME ERROR: 10\r\n",
        b"\r\n+CME ERROR: SIM not inserted\r\n",
        b"\r\n+CMS ERROR: 500\r\n",
        b"\r\nNO CARRIER\r\n",
        b"\r\nCONNECT\r\n",
        b"\r\n+CEREG: 1,5\r\n\r\nOK\r\n",
        b"AT\r\r\nOK\r\n",  # with echo
        b"\r\n+CEREG: 2\r\n\r\nOK\r\n\r\n+CEREG: 5\r\n",  # URCs before and behind
        b"AT\r0\r",  # ATV0
        b"\r\n> ",
    ],
)
def test_answer_is_complete_with_its_final_result_code(final: bytes) -> None:
    line = Line({b"AT\r": final}, after_ms=3000)
    before_ms = line.board.clock.now_ms
    assert line.terminal.send("AT", 60_000)
    assert line.said() == final
    assert 3000 <= line.board.clock.now_ms - before_ms < 3100


@pytest.mark.parametrize(
    "text", [b"\r\nOKAY\r\n", b"\r\n+X: OK\r\n", b'\r\n+X: 1,"ERROR"\r\n', b"\r\n> x\r\n", b""]
)
def test_what_only_looks_like_an_end_is_none(text: bytes) -> None:
    line = Line({b"AT\r": text})
    assert not line.terminal.send("AT", 2000)
    assert line.said() == text


def test_answer_in_pieces_is_one_answer() -> None:
    line = Line({})
    for at_ms, piece in enumerate([b"\r", b"\n+CSQ: 1", b"7,99\r\n\r\nO", b"K", b"\r", b"\n"], 1):
        line.later(at_ms * 50, piece)
    assert line.terminal.send("AT+CSQ", 5000)
    assert line.said() == b"\r\n+CSQ: 17,99\r\n\r\nOK\r\n"


def test_data_after_a_prompt_go_out_as_they_are() -> None:
    answers = {b"AT+SQNSSEND=1\r": b"\r\n> ", b"\x1a": b"\r\nOK\r\n"}
    line = Line(answers)
    assert line.terminal.send("AT+SQNSSEND=1", 1000)
    assert line.terminal.send(r"a\r\n\xff\x1a", 1000)
    assert line.heard == b"AT+SQNSSEND=1\ra\r\n\xff\x1a"
    assert not line.terminal.prompted


def test_data_of_a_connection_and_the_way_back() -> None:
    line = Line({b"ATO\r": b"\r\nCONNECT\r\n", b"ping": b"pong", b"+++": b"\r\nOK\r\n"})
    line.terminal.send("ATO", 1000)
    line.terminal.send("ping", 1000)
    assert line.terminal.online
    began_ms = line.board.clock.now_ms
    assert line.terminal.send("+++", 5000)
    assert line.heard == b"ATO\rping+++"
    assert line.board.clock.now_ms - began_ms >= 2000
    assert not line.terminal.online


def test_end_of_a_connection_by_the_other_side_is_noticed() -> None:
    line = Line({b"ATO\r": b"\r\nCONNECT\r\n"})
    line.terminal.send("ATO", 1000)
    line.later(100, b"\r\nNO CARRIER\r\n")
    line.terminal.listen(200)
    line.terminal.send("AT", 100)
    assert line.heard.endswith(b"AT\r")


def test_unescape() -> None:
    assert unescape(r"a\r\n\t\0\e\x1A\\x\q") == b"a\r\n\t\0\x1b\x1a\\x\\q"
    assert unescape("\u00e4") == b"\xc3\xa4"


def test_lines_wait_for_time_and_listen_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    line = Line({b"AT\r": b"\r\nOK\r\n"})
    line.later(7000, b"\r\n+CEREG: 2\r\n")
    line.later(11_000, b"\r\n+CEREG: 5\r\n")
    status = console.Console(line.terminal, 3000).run(iter(["AT", "", "wait 9000", "AT"]))
    assert status == 0
    assert line.heard == b"AT\rAT\r"
    assert line.said() == b"\r\nOK\r\n\r\n+CEREG: 2\r\n\r\nOK\r\n" + b"\r\n+CEREG: 5\r\n"
    assert capsys.readouterr().err == ""


def test_silence_is_told_and_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    line = Line({b"ATI\r": b"\r\nOK\r\n"})
    assert console.Console(line.terminal, None).run(iter(["AT", "ATI"])) == 1
    assert "no final result code within 180000 ms after 'AT'" in capsys.readouterr().err
    assert line.said() == b"\r\nOK\r\n"


@pytest.fixture
def device() -> Iterator[SerialDevice]:
    """A line that is served as a serial device, in a thread."""
    answers = {b"AT\r": b"\r\nOK\r\n", b"BIG\r": bytes(range(256)) * 64}
    line = Line(answers)
    line.later(500, b"\r\n+SYSSTART\r\n")
    served = SerialDevice(line.terminal)
    thread = threading.Thread(target=served.serve)
    thread.start()
    yield served
    served.stop()
    thread.join()
    served.close()


def test_serial_program_talks_to_the_modem(device: SerialDevice) -> None:
    with serial.Serial(device.path, 921600, timeout=5) as port:
        port.write(b"AT\r")
        assert port.read(6) == b"\r\nOK\r\n"


def test_serial_program_gets_unsolicited_lines_without_asking(device: SerialDevice) -> None:
    with serial.Serial(device.path, 115200, timeout=5) as port:
        assert port.read(13) == b"\r\n+SYSSTART\r\n"


def test_serial_device_passes_all_bytes_and_waits_for_a_slow_program(
    device: SerialDevice,
) -> None:
    with serial.Serial(device.path, timeout=5) as port:
        port.write(b"BIG\r")
        time.sleep(0.3)  # more than the kernel keeps for a program that does not read
        assert port.read(256 * 64) == bytes(range(256)) * 64


def test_serial_device_is_raw_for_a_program_that_sets_nothing(device: SerialDevice) -> None:
    port = os.open(device.path, os.O_RDWR | os.O_NOCTTY)
    os.write(port, b"AT\r")
    data = b""
    while len(data) < 6:
        data += os.read(port, 6)
    os.close(port)
    assert data == b"\r\nOK\r\n"


def test_flow_control_reaches_the_modem_when_the_program_does_not_read() -> None:
    line = Line({})
    device = SerialDevice(line.terminal)
    line.later(1, bytes(100_000))
    for _ in range(100):
        line.terminal.listen(20)
    assert line.uart.waiting() == RING_BYTES
    device.close()


def test_serial_device_outlives_its_programs(device: SerialDevice) -> None:
    for _ in range(3):
        with serial.Serial(device.path, timeout=5) as port:
            port.reset_input_buffer()
            port.write(b"AT\r")
            assert port.read_until(b"OK\r\n").endswith(b"\r\nOK\r\n")


# With the emulated modem itself.


def _at(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "devkit", "at", *arguments]


def test_modem_answers_on_the_command_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["at", "ATE0", "AT", "AT+CFUN?", "AT+NONSENSE"]) == 0
    out, err = capfdbinary.readouterr()
    assert out == b"ATE0\r\r\nOK\r\n\r\nOK\r\n\r\n+CFUN: 4\r\n\r\nOK\r\n\r\nERROR\r\n"
    assert err == b""


def test_modem_registers_while_time_passes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    commands = ["ATE0", "AT+CEREG=1", "AT+CFUN=1", "wait 60000", "AT+CEREG?"]
    assert cli.main(["at", *commands]) == 0
    out = capfdbinary.readouterr().out
    assert b"\r\n+CEREG: 1\r\n" in out
    assert out.endswith(b"\r\n+CEREG: 1,1\r\n\r\nOK\r\n")


def test_same_seed_same_trace(tmp_path: object, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    traces = []
    for seed in ("3", "3", "4"):
        path = f"{tmp_path}/trace{len(traces)}"
        arguments = ["AT+CFUN=1", "wait 60000", "--seed", seed, "--trace", path]
        assert cli.main(["at", *arguments]) == 0
        with open(path, encoding="utf-8") as trace:
            traces.append(trace.read())
    assert "at>" in traces[0]
    assert traces[0] == traces[1]
    assert traces[0] != traces[2]


def test_modem_of_the_scenario_that_is_mute_makes_the_command_fail(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["at", "--scenario", "modem_mute", "--wait-ms", "1000", "AT"]) == 1
    assert "no final result code within 1000 ms" in capfd.readouterr().err


def test_replies_can_be_shown_byte_by_byte(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["at", "--escape", "ATE0", "AT"]) == 0
    assert capfd.readouterr().out.replace("\n", "").endswith(r"\r\nOK\r\n")


def test_commands_come_from_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("ATE0\nAT\n"))
    assert cli.main(["at"]) == 0
    assert capfdbinary.readouterr().out.endswith(b"\r\nOK\r\n\r\nOK\r\n")


def test_person_at_a_terminal_gets_answers_and_ends_with_ctrl_d() -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen(
        _at(), cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        os.write(ours, b"ATE0\nAT+CFUN?\n\x04")
        out, err = process.communicate(timeout=20)
    os.close(ours)
    assert out.endswith(b"\r\nOK\r\n\r\n+CFUN: 4\r\n\r\nOK\r\n")
    assert b"end with Ctrl-D" in err
    assert process.returncode == 0


def _interruptible() -> None:
    """A shell has its background jobs ignore SIGINT, and they their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_pty_prints_its_path_and_serves_it_until_interrupted(tmp_path: object) -> None:
    trace = f"{tmp_path}/trace"
    with subprocess.Popen(
        _at("--pty", "--trace", trace),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=_interruptible,
    ) as process:
        assert process.stdout is not None
        path = process.stdout.readline().strip()
        with serial.Serial(path, 921600, rtscts=True, timeout=5) as port:
            port.write(b"ATE0\r")
            assert port.read_until(b"OK\r\n").endswith(b"\r\nOK\r\n")
            port.write(b"AT+CFUN?\r")
            assert port.read_until(b"OK\r\n") == b"\r\n+CFUN: 4\r\n\r\nOK\r\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    with open(trace, encoding="utf-8") as file:
        assert "AT+CFUN?" in file.read()
