"""Whatever ends a deployment, the board starts and sleeps afterwards, and the message is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from devkit.deploy.repl import Broken, Repl
from tests.devkit.deploy.board import Pycom

MAIN = b"""import machine, os
if 'go' in os.listdir('/flash'):
    try:
        import app
        print('runs', app.VERSION)
    finally:
        machine.deepsleep(900000)
"""


def files_of(version: int) -> dict[str, bytes]:
    """A program in layers; version 2 has a file more."""
    files = {
        "utils/a.py": b"A = %d\n" % version,
        "app.py": b"from utils.a import A\nVERSION = (A, %d)\n" % version,
        "main.py": b"# %d\n" % version + MAIN,
    }
    return files if version == 1 else {**files, "utils/b.py": b"B = 2\n"}


OLD, NEW = files_of(1), files_of(2)
ORDER = ["utils/b.py", "utils/a.py", "app.py", "main.py"]  # the new one, then by layers


def placed(one: Pycom) -> dict[str, bytes]:
    return {path: data for path, data in one.files().items() if not path.endswith(".new")}


def starts_and_sleeps(one: Pycom) -> None:
    (one.flash / "go").write_bytes(b"")
    one.rehearsal.said.clear()
    one.rehearsal.board.press_reset()
    one.rehearsal.wait_for("sleeps 900000 ms")


@pytest.fixture
def pull(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int, bool], None]:
    """Have the cable pulled at the n-th call of a function of the board, before or after it."""
    call = Repl.call

    def pull(name: str, nth: int, done: bool) -> None:
        seen: list[str] = []
        gone: list[bool] = []

        def cut() -> None:
            gone.append(True)
            raise Broken("the cable is gone")

        def pulled(self: Repl, what: str, *arguments: object, data: bytes = b"") -> Any:
            seen.append(what)
            if gone:
                cut()
            if what == name and seen.count(name) == nth:
                if done:
                    call(self, what, *arguments, data=data)
                cut()
            return call(self, what, *arguments, data=data)

        monkeypatch.setattr(Repl, "call", pulled)
        monkeypatch.setattr(Repl, "reconnect", lambda self: cut() if gone else None)
        restart = Repl.restart
        monkeypatch.setattr(Repl, "restart", lambda self: None if gone else restart(self))

    return pull


AS_WERE = "the old files are as they were"
UNKNOWN = "told to put them in place but did not confirm that: deploy again"


@pytest.mark.parametrize(
    ("name", "nth", "done", "said", "now"),
    [
        ("names", 2, True, "the cable is gone", OLD),
        ("begin", 1, True, AS_WERE, OLD),
        ("put", 3, True, AS_WERE, OLD),
        ("shut", 4, False, AS_WERE, OLD),
        ("exec", 2, False, AS_WERE, OLD),
        ("exec", 2, True, AS_WERE, OLD),
        ("place", 1, False, UNKNOWN, OLD),
        ("place", 1, True, UNKNOWN, NEW),
        ("look", 12, True, "all new files are in place", NEW),
    ],
    ids=["compare", "open", "write", "close", "list", "listed", "place", "placed", "verify"],
)
def test_a_cable_that_is_pulled(
    name: str, nth: int, done: bool, said: str, now: dict[str, bytes],
    pull, board, folder, deploy, capsys,
) -> None:  # fmt: skip
    one = board(OLD)
    pull(name, nth, done)
    assert deploy(one.port, folder(NEW)) == 1
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert placed(one) == now
    starts_and_sleeps(one)


# The first file, one that replaces an old one, and the last: main.py
@pytest.mark.parametrize(
    ("nth", "filesystem"), [(1, "littlefs"), (4, "littlefs"), (2, "fat"), (4, "fat")]
)
def test_a_power_cut_while_a_file_gets_its_place(
    nth: int, filesystem: str, board, folder, deploy, capsys
) -> None:
    cut = {"point": "file", "match": "rename", "nth": nth, "do": "power_cut"}
    one = board(OLD, fault=cut, filesystem=filesystem)
    assert deploy(one.port, folder(NEW)) in (0, 1)
    known = placed(one)
    if filesystem == "fat" and nth == 4:
        # It deletes the old main.py first: the board stands at its prompt, and deploy repairs it.
        assert "main.py" in known or deploy(one.port, folder(NEW)) == 0
        assert placed(one) == NEW
    starts_and_sleeps(one)


def test_an_error_while_files_get_their_places_names_the_new_and_the_old_ones(
    board, folder, deploy, capsys
) -> None:
    one = board(OLD, fault={"point": "file", "match": "rename", "nth": 3, "do": "fail"})
    assert deploy(one.port, folder(NEW)) == 1
    new = "new are utils/b.py, utils/a.py; as they were are app.py, main.py: deploy again"
    assert capsys.readouterr().err.endswith(f"{new}\n")
    starts_and_sleeps(one)


def test_names_from_the_board_do_no_harm(board, folder, deploy, capsys) -> None:
    """Neither to a terminal nor to what reads the lines."""
    evil = "a\x1b[2J\u202e.py.00000000.new"
    one = board({**OLD, evil: b"x"})
    assert deploy(one.port, folder({**NEW, "a.py": b""})) == 0
    out, err = capsys.readouterr()
    assert r"removed  a\x1b[2J\u202e.py.00000000.new" in out
    assert not any(char in out + err for char in "\x1b\u202e")
