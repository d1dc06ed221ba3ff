"""The last line of a run whose program never ends says what it waited for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator import waits
from emulator.emulator import Emulator

LORA = """
    from network import LoRa
    keys = (bytes(8), unhexlify({app_eui!r}), bytes(16))
    lora = LoRa(mode=LoRa.LORAWAN, region=LoRa.EU868)
    lora.join(activation=LoRa.OTAA, auth=keys, timeout=0)
    while not lora.has_joined():
        time.sleep(2)
"""
WIFI = """
    from network import WLAN
    wlan = WLAN(mode=WLAN.STA)
    wlan.connect({ssid!r}, auth=(WLAN.WPA2, {key!r}))
    while not wlan.isconnected():
        time.sleep_ms(50)
"""
OWN = WIFI.format(ssid="field-ap", key="for-documentation")
LTE = """
    from network import LTE
    lte = LTE()
    lte.attach()
    while not lte.{look}():
        time.sleep_ms(250)
"""
CASES: dict[str, tuple[str, str, str]] = {
    # program, scenario, words
    "unknown device": (LORA.format(app_eui="00" * 8), "good", "[lora] devices"),
    "another key": (LORA.format(app_eui="70B3D57ED0000001"), "good", "another app_key"),
    "no gateway": (LORA.format(app_eui="00" * 8), "lora_no_gateway", "no gateway"),
    "no such network": (
        WIFI.format(ssid="nowhere", key="12345678"),
        "good",
        "there is 'field-ap'",
    ),
    "wrong key": (WIFI.format(ssid="field-ap", key="12345678"), "good", "refuses the key"),
    "no address": (OWN, "wifi_no_dhcp", "gives no address"),
    "no cell": (LTE.format(look="isattached"), "no_cell", "there is no cell"),
    "denied": (LTE.format(look="isattached"), "denied", "EMM cause"),
    "no data state": (LTE.format(look="isconnected"), "good", "connect() was not called"),
    "no route": (
        OWN + "    import socket\n    s = socket.socket()\n    while True:\n"
        "        try:\n            s.connect(('198.51.100.7', 80))\n"
        "        except OSError:\n            s.close()\n            s = socket.socket()\n",
        "good",
        "no route leads to 198.51.100.7:80",
    ),
    "no caller": (
        OWN + "    import socket\n    s = socket.socket()\n    s.bind(('', 80))\n"
        "    s.listen(1)\n    s.accept()\n",
        "good",
        "a caller in accept(): programs on this computer reach it at 127.0.0.1:",
    ),
    "a pin": (
        "    p = Pin('P10')\n    while p() == 0: pass\n",
        "good",
        "pin P10, and nothing is connected",
    ),
    "a UART": ("    u = UART(1)\n    while not u.any(): pass\n", "good", "UART 1, and nothing"),
    "nothing": (
        "    Pin('P10')()\n    while True: time.sleep(50)\n",
        "good",
        "up; the program goes on for ever, and sleeps",
    ),
    "a lock": (
        "    import _thread\n    held = _thread.allocate_lock()\n"
        "    held.acquire()\n    held.acquire()\n",
        "good",
        "a lock (_thread)",
    ),
    "idle": ("    import machine\n    while True: machine.idle()\n", "good", "machine.idle()"),
    "a person": ("    input()\n", "good", "reads the console"),
}


def ended(program: str, scenario: str, folder: Path) -> Any:
    script = folder / "program.py"
    lines = [
        "import time",
        "from machine import Pin, UART",
        "from ubinascii import unhexlify",
        *program.splitlines(),
    ]
    script.write_text("\n".join(line.removeprefix("    ") for line in lines))
    with Emulator(scenario=scenario, name="FiPy", flash=folder, max_hours=0.03) as emulator:
        return emulator.run(["program.py"])[0]


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_ends_by_its_limit_says_what_it_waited_for(case: str, tmp_path: Path) -> None:
    program, scenario, words = CASES[case]
    cycle = ended(program, scenario, tmp_path)
    assert cycle.ended == "time_limit"
    assert cycle.trouble is not None
    assert words in cycle.trouble


def test_a_file_that_is_left_out_leaves_the_others(monkeypatch, tmp_path: Path) -> None:
    files = [file for file in waits._files() if not file.__name__.endswith(".wlan")]
    monkeypatch.setattr(waits, "_files", lambda: files)
    assert "and sleeps" in ended(*CASES["wrong key"][:2], tmp_path).trouble
