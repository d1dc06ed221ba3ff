"""The same seed, scenario and application give the same run on CPython and on a real MicroPython:
AT trace with its virtual times, console, reports, accounts of the cycles, byte for byte."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from devkit.servers.receiver import Receiver
from emulator.emulator import Emulator

pytestmark = pytest.mark.vm

# To the byte the run of "good", which emulator/vm/test_micropython.py compares: the template uses
# NB-IoT, and does not meet what is changed there
LIKE_GOOD = ("good", "reference", "cereg_verbose", "ipv4_only", "lora_", "wifi_")
# Other times of modem and network only: the device runs the lines of a scenario that is compared
OTHER_TIMES = ("bad_operator", "fair", "first_attach", "kind", "long_tail", "power_on", "slow_")
TWINS = ("sim_puk", "modem_mute")  # of sim_pin; of modem_mute_in_attach
LEFT_OUT = LIKE_GOOD + OTHER_TIMES
SCENARIOS = sorted(
    path.stem
    for path in Path("emulator/scenarios").resolve().glob("*.toml")
    if not path.stem.startswith(LEFT_OUT) and path.stem not in TWINS
)
# With a second cycle that has something to go on from: a denial, a report that waits, a modem that
# was rebooted. That of the others is as after "good", or as one of these.
GOES_ON = ("denied", "edge", "ipv6_only", "lost_datagrams", "modem_crash")
APPLICATION = ["boot.py", "main.py"]


def run(
    vm: str,
    scenario: str,
    scripts: list[str],
    cycles: int,
    max_hours: float = 24,
    **options: Any,
) -> dict[str, Any]:
    printed: list[str] = []
    with Receiver("coap") as server:
        route = server.route("192.0.2.1", 5683)
        with Emulator(scenario=scenario, routes=[route], vm=vm, max_hours=max_hours,
                      console=printed.append, **options) as emulator:  # fmt: skip
            server.attend(emulator)
            accounts = emulator.run(scripts, cycles)
        reports = [datagram.data for datagram in server.received]
        entries = list(emulator.board.trace.entries)
    # the port of the server is another one in each run
    port = re.compile(rf"\b{server.port}\b")
    lines = [f"{entry.at_us} {entry.kind} {port.sub('PORT', entry.text)}" for entry in entries]
    return {
        "printed": "".join(printed),
        "trace": "\n".join(lines),
        "reports": reports,
        "accounts": [account.as_json() for account in accounts],
        "energy_mj": emulator.board.meter.energy_mj(),
    }


def compare(scenario: str, scripts: list[str], cycles: int, **options: Any) -> dict[str, Any]:
    here = run("cpython", scenario, scripts, cycles, **options)
    there = run("micropython", scenario, scripts, cycles, **options)
    for mine, other in zip(here["trace"].split("\n"), there["trace"].split("\n"), strict=False):
        assert mine == other  # the first difference says more than all of the trace
    assert here == there
    return here


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_application_runs_alike(scenario: str) -> None:
    """The first cycle, and one that starts with what the first has left."""
    found = compare(scenario, APPLICATION, 1 + (scenario in GOES_ON), seed=len(scenario))
    assert "at>" in found["trace"] and found["accounts"]


def test_the_comparison_is_about_something() -> None:
    found = run("micropython", "good", APPLICATION, 1)
    assert len(found["reports"]) >= 1
    assert [account["error"] for account in found["accounts"]] == [None]
    assert found != run("micropython", "good", APPLICATION, 1, seed=2)


@pytest.mark.parametrize("install", ["mpy", "frozen"])
def test_whatever_importing_costs_costs_the_same(install: str) -> None:
    compare("good", APPLICATION, 1, install=install)


# A number that lies exactly between two of its printed forms, such as 54.25 with one decimal, is
# rounded to the even one by CPython and up by MicroPython: text of this kind is all that differs.
SEED_WITHOUT_TIES = 4
EXAMPLES = sorted(str(path) for path in Path("examples").resolve().glob("*.py"))


MEASURES = re.compile(r"^while True:$.*sleep_ms\(10000\)$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: Path(path).name)
def test_the_examples_run_alike(script: str) -> None:
    """Those that measure every ten seconds for ever do it a few times, all others end."""
    text = Path(script).read_text(encoding="utf-8")
    hours = 0.01 if MEASURES.search(text) else 0.2
    found = compare("good", [script], 1, max_hours=hours, seed=SEED_WITHOUT_TIES)
    assert found["printed"].count("\n") >= (3 if MEASURES.search(text) else 1)


STRANGER = """
import machine, pycom, sys, utime
from network import LTE

try:
    import uasyncio
except ImportError as error:
    print("no", error)
seen = []
alarm = machine.Timer.Alarm(lambda a: seen.append(utime.ticks_ms()), ms=250, periodic=True)
wdt = machine.WDT(timeout=60000)
lte = LTE()
lte.attach(band=20, apn="iot")
begin = utime.ticks_ms()
while not lte.isattached() and utime.ticks_diff(utime.ticks_ms(), begin) < 60000:
    utime.sleep_ms(100)
print(utime.ticks_ms() - begin, len(seen), lte.send_at_cmd("AT+CSQ"))
while len(seen) % 7:
    pass
alarm.cancel()
total = 0
for number in range(300000):
    if number % 3:
        total += number
print(total, utime.ticks_ms(), 2 / 3, [1 / 3], {"a": 0.1})
with open("/flash/log.txt", "a") as file:
    file.write("one\\ntwo\\n")
print(open("/flash/log.txt").readlines())
pycom.nvs_set("count", 3)


def trouble():
    raise OSError(116)


try:
    trouble()
except OSError as error:
    sys.print_exception(error)
    print(error, repr(error), error.args)
lte.deinit()
print("bye")
{}["missing"]
"""


def test_a_strangers_script_runs_alike(tmp_path: Path) -> None:
    script = tmp_path / "stranger.py"
    script.write_text(STRANGER)
    found = compare("fair", [str(script)], 1)
    assert found["printed"].startswith("no no module named 'uasyncio'\n")
    assert found["printed"].endswith("KeyError: missing\n")
    assert ", in trouble\nOSError: [Errno 116] ETIMEDOUT\n" in found["printed"]
