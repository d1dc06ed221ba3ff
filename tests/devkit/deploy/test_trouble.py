"""Trouble in a deployment: one line that says what to do, and the old files as they were."""

from __future__ import annotations

import fcntl
import hashlib
import os
import termios
from binascii import b2a_base64

import pytest

from devkit import cli
from devkit.deploy import plan as planning
from devkit.deploy.plan import Plan
from devkit.deploy.progress import Progress
from devkit.deploy.repl import Broken, DeployError, Repl
from devkit.deploy.source import File
from tests.devkit.deploy.board import babbling, losing

MPY = bytes((0x4D, 4, 2, 31)) + bytes(range(256)) * 4
OLD = {"main.py": b"print('old')\n", "networking/nbiot.mpy": b"old", "config.py": b"mine"}
FILES = {"main.py": b"print('new')\n", "networking/nbiot.mpy": MPY, "utils/at.mpy": MPY + b"at"}
NEW = {**OLD, **FILES}


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("./dev deploy: ")
    return err


def test_no_such_port(folder, capsys) -> None:
    assert cli.main(["deploy", "/dev/ttyNONE", "--from", str(folder(FILES))]) == 2
    assert "there is no port /dev/ttyNONE; there are: " in one_line(capsys)


def test_a_file_is_no_port(folder, tmp_path, capsys) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert cli.main(["deploy", str(path), "--from", str(folder(FILES))]) == 1
    assert "cannot be opened as a serial port" in one_line(capsys)


def test_a_port_that_another_program_has_open(board, folder, deploy, capsys) -> None:
    one = board(OLD)
    other = os.open(one.port, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as serial programs do
        assert deploy(one.port, folder(FILES)) == 1
    finally:
        os.close(other)
    assert f"{one.port} is busy: close the program" in one_line(capsys)
    assert one.changes() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="TIOCEXCL does not keep the superuser out")
def test_a_port_that_another_program_has_for_itself(board, folder, deploy, capsys) -> None:
    one = board(OLD)
    other = os.open(one.port, os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(other, termios.TIOCEXCL)
    try:
        assert deploy(one.port, folder(FILES)) == 1
    finally:
        fcntl.ioctl(other, termios.TIOCNXCL)
        os.close(other)
    assert "is busy" in one_line(capsys)


@pytest.mark.parametrize(
    "answer",
    [
        lambda got: b"",
        lambda got: got,
        lambda got: b"\r\nERROR\r\n" if got else b"",
        lambda got: bytes(range(256)),
        lambda got: b"$GPGGA,,,,,,0,,,,,,,,*66\r\n",
    ],
    ids=["silence", "echo", "a modem", "noise without end", "lines without end"],
)
def test_no_repl_answers(answer, folder, deploy, capsys) -> None:
    with babbling(answer) as port:
        assert deploy(port, folder(FILES)) == 1
    assert f"no MicroPython REPL answers on {port}: wake or reset" in one_line(capsys)


def test_a_repl_that_answers_garbage(folder, deploy, capsys) -> None:
    """It offers raw mode, and then does not do as it should."""

    def answer(got: bytes) -> bytes:
        if b"\x01" in got:
            return b"raw REPL; CTRL-B to exit\r\n>"
        return b"OKwhat?\x04\x04>" if b"\x04" in got else b""

    with babbling(answer) as port:
        assert deploy(port, folder(FILES)) == 1
    assert "the board gave no answer" in one_line(capsys)


def test_a_node_that_wakes_late_is_waited_for(board, cable, folder, deploy) -> None:
    one = board(OLD)
    asleep = cable(one, losing(0, 12))
    assert deploy(asleep.port, folder(FILES), "--wait", "10") == 0
    asleep.close()
    assert one.files() == NEW


@pytest.mark.parametrize("at", [40, 900, 2500, 5500, 8500, 9500])
def test_a_byte_lost_on_the_way_to_the_board_is_made_good(
    at, board, cable, folder, deploy
) -> None:
    one = board(OLD)
    bad = cable(one, losing(at))
    assert deploy(bad.port, folder(FILES)) == 0
    bad.close()
    assert bad.passed[0] > at
    assert one.files() == NEW


def test_a_message_that_still_reads_but_is_another_is_refused(board, monkeypatch) -> None:
    """A path that has changed on the way must not be carried out."""
    one = board(OLD)
    repl = Repl(one.port, patience_s=0.5)
    repl.connect()
    execute = repl._execute
    sent = b2a_base64(b'["remove", "/flash/main.py"]\n', newline=False)
    changed = b2a_base64(b'["remove", "/flash/mail.py"]\n', newline=False)
    monkeypatch.setattr(repl, "_execute", lambda code: execute(code.replace(sent, changed)))
    with pytest.raises(Broken, match="damaged message"):
        repl.call("remove", "/flash/main.py")
    repl.close()


@pytest.mark.parametrize("at", [5, 150, 700, 1300])
def test_a_byte_lost_on_the_way_back_is_made_good(at, board, cable, folder, deploy) -> None:
    one = board(OLD)
    bad = cable(one, harm_back=losing(at))
    assert deploy(bad.port, folder(FILES)) == 0
    bad.close()
    assert bad.passed[1] > at
    assert one.files() == NEW


@pytest.mark.parametrize("at", [8400, 9100, 9700])
def test_a_cable_that_is_pulled_leaves_the_old_set(
    at, board, cable, folder, deploy, capsys
) -> None:
    one = board(OLD)
    bad = cable(one, losing(at, 10**9))
    assert deploy(bad.port, folder(FILES)) == 1
    bad.close()
    assert "old files are as they were" in capsys.readouterr().err.splitlines()[-1]
    on_board = one.files()
    assert {path: on_board[path] for path in OLD} == OLD
    assert all(path.endswith(".new") for path in set(on_board) - set(OLD))
    # and the next one needs no help
    assert deploy(one.port, folder(FILES)) == 0
    assert one.files() == NEW


def test_a_transfer_that_keeps_breaking_stops_after_the_second_time(
    board, cable, folder, deploy, capsys
) -> None:
    one = board(OLD)

    bad = cable(one, lambda passed, data: data if passed < 7800 else data[:-1])
    assert deploy(bad.port, folder(FILES)) == 1
    bad.close()
    err = capsys.readouterr().err.splitlines()
    assert "broke (" in err[0] and err[0].endswith("trying once more")
    assert "broke twice (" in err[-1]
    assert len(err) == 2
    on_board = one.files()
    assert {path: on_board[path] for path in OLD} == OLD


def test_a_flash_that_is_too_small_is_noticed_before(board, folder, deploy, capsys) -> None:
    one = board(OLD, blocks=7)
    assert deploy(one.port, folder({**FILES, "data.bin": bytes(20000)})) == 1
    line = one_line(capsys)
    assert "the board's flash is full: " in line and "more are needed" in line
    assert one.files() == OLD
    assert one.changes() == []
    one.rehearsal.wait_for("reset: machine.reset")


def test_a_dry_run_notices_it_as_well(board, folder, deploy, capsys) -> None:
    one = board(OLD, blocks=7)
    assert deploy(one.port, folder({"data.bin": bytes(20000)}), "--dry-run") == 1
    assert "flash is full" in one_line(capsys)


def test_a_flash_that_fills_up_during_the_transfer(board, folder, deploy, capsys) -> None:
    """As when the file system needs more than it says."""
    one = board(OLD, blocks=7, stat_blocks=100)
    assert deploy(one.port, folder({**FILES, "data.bin": bytes(20000)})) == 1
    assert "the board's flash is full" in one_line(capsys)
    assert one.files() == OLD


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            bytes((0x4D, 6, 0, 31)),
            ".mpy version 6 (x.mpy), the board (GPy, 1.20.2.r4) loads version 4",
        ),
        (b"no bytecode", "x.mpy is no .mpy file"),
    ],
    ids=["current on Pycom", "damaged"],
)
def test_a_build_that_the_board_cannot_load(content, said, board, folder, deploy, capsys) -> None:
    one = board()
    assert deploy(one.port, folder({"x.mpy": content})) == 1
    assert said in one_line(capsys)
    assert one.files() == {}


def test_another_micropython(current, folder, tmp_path, deploy, capsys) -> None:
    """Even if nothing in the build is compiled."""
    assert deploy(current.port, folder({"x.mpy": MPY})) == 1
    assert "the board (webassembly, 1.27.0) loads version 6" in one_line(capsys)
    (tmp_path / "built" / "flash").mkdir(parents=True)
    (tmp_path / "built" / "flash" / "main.py").write_bytes(b"")
    (tmp_path / "built" / "manifest.json").write_text('{"target": "pycom-1.20.2"}')
    assert deploy(current.port, tmp_path / "built") == 1
    assert "the build is for pycom-1.20.2, the board is a webassembly" in one_line(capsys)


def test_a_hash_that_the_program_left_open(board, folder, deploy, capsys) -> None:
    one = board(OLD)
    one.run("import uhashlib; h = uhashlib.sha256(b'x')")
    files = {"main.py": b"print('NEW')\n"}
    assert deploy(one.port, folder(files)) == 1
    assert "the interrupted program left it open; reset the board" in one_line(capsys)
    assert one.files() == OLD


def test_a_folder_in_the_place_of_a_file(board, folder, deploy, capsys) -> None:
    one = board({"main.py/x": b"mine"})
    assert deploy(one.port, folder(FILES)) == 1
    assert "/flash/main.py is a folder on the board" in one_line(capsys)


def test_an_empty_folder(tmp_path, capsys) -> None:
    assert cli.main(["deploy", "/dev/ttyNONE", "--from", str(tmp_path)]) == 1
    assert "there is no file in" in one_line(capsys)


def _file(path: str, size: int) -> File:
    data = bytes(size)
    return File(path, data, hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(("free", "lacking"), [(6, None), (5, 4096), (0, 24576)])
def test_space_is_reckoned_in_blocks(free: int, lacking: int | None) -> None:
    """Two blocks and two and one are to be written, and the old two stay until then."""
    files = (_file("a", 5000), _file("b", 4097), _file("c", 1))
    plan = Plan(new=list(files[1:]), changed=[files[0]], order=files)
    if lacking is None:
        planning.check_space(plan, [4096, free], 0)
    else:
        with pytest.raises(DeployError, match=f"{lacking} more are needed for the old and the"):
            planning.check_space(plan, [4096, free], 0)


class _Stream:
    def __init__(self, terminal: bool) -> None:
        self.terminal = terminal
        self.text = ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_the_bar_is_for_terminals_only() -> None:
    for terminal in (True, False):
        stream = _Stream(terminal)
        bar = Progress(stream)  # type: ignore[arg-type]
        bar.show(50, 100, "main.py")
        bar.clear()
        assert ("###############               ]  50%  main.py" in stream.text) is terminal
        assert bool(stream.text) is terminal
