"""What the firmware's start and Python itself cost, in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.emulator import Emulator


def starts_us(flash: Path, on_boot: bool) -> tuple[int, int]:
    """When boot.py begins and when the modem is first spoken to, after a deep sleep."""
    (flash / "boot.py").write_text(
        f"import machine, pycom\npycom.lte_modem_en_on_boot({on_boot})\n"
        "from network import LTE\nLTE()\nmachine.deepsleep(1000)\n"
    )
    with Emulator(flash=flash) as emulator:
        second = emulator.run(["boot.py"], cycles=2)[1].started_us
        trace = emulator.board.trace.entries
    begun = [each.at_us - second for each in trace if each.kind in ("boot", "at>")]
    [boot, first, *_] = [at_us for at_us in begun if at_us > 0]
    return boot, first


def test_a_modem_started_by_the_firmware_delays_boot_by_100_ms(tmp_path: Path) -> None:
    """And the escape sequence follows 505 ms behind the start of its task (lteppp.c)."""
    plain, _ = starts_us(tmp_path, on_boot=False)
    delayed, escape = starts_us(tmp_path, on_boot=True)
    assert delayed - plain == pytest.approx(100_000, abs=1000)
    assert escape - plain == pytest.approx(505_000, abs=2000)
