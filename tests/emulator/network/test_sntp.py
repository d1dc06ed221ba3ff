"""RTC.ntp_sync() asks a real time server behind a route."""

from __future__ import annotations

from pathlib import Path

from devkit.servers.udp import UdpServer
from emulator.emulator import Emulator
from emulator.scenario import from_table

TOLD = (2_208_988_800 + 1_700_000_000).to_bytes(4, "big") + b"\x80\0\0\0"  # and half a second
PROGRAM = """
from machine import RTC
from network import WLAN
import utime

def wait(least, most):
    begin = utime.ticks_cpu()
    while not rtc.synced() and utime.ticks_diff(utime.ticks_cpu(), begin) < most * 1000000:
        utime.sleep_ms(50)
    took = utime.ticks_diff(utime.ticks_cpu(), begin) // 1000000
    print(rtc.synced(), least <= took <= most)

rtc, wlan = RTC(), WLAN(mode=WLAN.STA)
rtc.ntp_sync("time.example")
wlan.connect("field-ap", auth=(WLAN.WPA2, "for-documentation"))
wait(14, 16)
print(rtc.now()[:6], utime.time() - 1700000000)
rtc.ntp_sync("time.example", update_period=15)
wait(0, 2)
utime.sleep(20)
rtc.ntp_sync("192.0.2.9", 3600, "time.example")
wait(15, 17)
rtc.ntp_sync(None)
wait(30, 30)
"""


def _reply(question: bytes) -> bytes:
    assert question[0] & 7 == 3 and len(question) == 48
    return b"\x24\x02" + bytes(38) + TOLD


def test_a_program_gets_the_time_and_asks_again_in_vain(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(PROGRAM)
    printed: list[str] = []
    with UdpServer(reply=_reply) as server:
        route = f"time.example:123={server.host}:{server.port}"
        with Emulator(
            scenario=from_table({}, "test"), flash=tmp_path, routes=[route], console=printed.append
        ) as emulator:
            emulator.run(["main.py"])
        asked = len(server.received)
    assert "".join(printed).splitlines() == [
        "True True",
        "(2023, 11, 14, 22, 13, 20) 0",
        "True True",
        "True True",
        "False True",
    ]
    assert asked == 4  # one of them by itself, 15 s behind an answer
