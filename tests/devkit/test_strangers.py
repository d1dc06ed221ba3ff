"""Programs of strangers are found, run with what they need, and judged once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devkit.strangers.answers import answering
from devkit.strangers.programs import Checkout
from devkit.strangers.report import renewed
from devkit.strangers.runs import API, BOARD, NEEDS, OPEN, RAN, Limits, Outcome, outcome, run

LIMITS = Limits(hours=0.02, processor_s=30, cycles=1)
FILES = {
    "node/main.py": """
import machine
from network import WLAN
from house import PASSWORD, SSID
import radio

radio.join(WLAN(mode=WLAN.STA), SSID, PASSWORD)
print(radio.get("reports.example", 8000))
machine.deepsleep(60000)
""",
    "node/house.py": 'SSID = "the-house"\nPASSWORD = "a-good-one"\n',
    "drivers/radio.py": """
import socket
import utime

def join(wlan, name, password):
    wlan.connect(name, auth=(wlan.WPA2, password))
    while not wlan.isconnected():
        utime.sleep_ms(100)

def get(host, port):
    s = socket.socket()
    s.connect(socket.getaddrinfo(host, port)[0][-1])
    s.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
    return s.readline()
""",
    "tool.py": "import pycom\npycom.heartbeat(False)\nfirst\tsecond\n",
    "plot.py": "import matplotlib\nmatplotlib.show()\n",
    "tests/main.py": "import machine\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder = tmp_path / "somebody+boards"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Checkout(folder)


def test_programs_run_with_their_files_access_point_and_server(checkout: Checkout) -> None:
    programs = list(checkout.programs())
    assert [each.name for each in programs] == ["main.py", "tool.py"]
    with answering() as port:
        node, tool = (run(checkout, each, LIMITS, port, []) for each in programs)
    assert "HTTP/1.1 200 OK" in node.output
    assert (node.repository, node.path) == ("somebody/boards", "node/main.py")
    assert (node.happens, node.verdict) == ("sleeps", RAN)
    assert (tool.happens, tool.verdict) == ("tool.py line 3: SyntaxError: invalid syntax", OPEN)


def _said(ended: str, error: str | None = None) -> str:
    return json.dumps({"cycles": [{"ended": ended, "error": error}]})


TRACE = "Traceback (most recent call last):\n"
CRASH = TRACE + '  File "/home/somebody/emulator/board/board.py", line 3, in call\n'
MISSING = "NotEmulated: network.Sigfox is on the board, not emulated: see docs/emulation.md, Names"
NO_MODULE = "ImportError: no module named 'a'"
RAISED = TRACE + '  File "main.py", line 4, in <module>\n  File "/flash/lib/a.py", line 7, in f\n'


@pytest.mark.parametrize(
    ("said", "output", "found"),
    [
        (_said("time_limit", "the time is over"), "", ("runs on", RAN)),
        (_said("exception", RAISED + "OSError: 5"), "", ("lib/a.py line 7: OSError: 5", OPEN)),
        (_said("exception", TRACE + NO_MODULE), "", ("no module a", NEEDS)),
        (_said("exception", TRACE + MISSING), "", ("NotEmulated: network.Sigfox", API)),
        (_said("finished"), "used and not emulated: machine.DAC\n", ("uses machine.DAC", API)),
        (_said("finished"), TRACE + "  File\nOSError: 5\nx", ("ends, after OSError: 5", OPEN)),
        ("", "", ("not done after the processor time", OPEN)),
        ("", RAISED + "OSError: 5", ("not done after the processor time", OPEN)),
        ("", CRASH + "KeyError: 1", ("the emulation fails: KeyError: 1", OPEN)),
    ],
)  # fmt: skip
def test_what_a_run_says(said: str, output: str, found: tuple[str, str]) -> None:
    assert outcome(said, output) == found


def test_a_judgement_stays_as_long_as_the_program_does_the_same() -> None:
    first = Outcome("a/b", "main.py", "main.py line 3: OSError: 5", OPEN)
    good = Outcome("a/b", "other.py", "sleeps", RAN)
    page = renewed("# Page\n", [first, good])
    assert "| main.py line 3: OSError: 5 | ? |" in page
    page = renewed(page.replace("5 | ? |", f"5 | {BOARD}: no card |"), [first, good])
    assert f"| main.py line 3: OSError: 5 | {BOARD}: no card |" in page
    assert "| 2 programs | ran | as a board |" in page
    assert "| 1 repositories | 1 | 1 |" in page
    later = Outcome("a/b", "main.py", "main.py line 4: OSError: 5", OPEN)
    assert "no card" not in renewed(page, [later])
