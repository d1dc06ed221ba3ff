"""Pysense and Pytrack against what Pycom's libraries expect: parts, readings, sleep, positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator import scenario as scenarios
from emulator.cycle import Cycle
from emulator.emulator import Emulator

LIGHT, WEATHER, AIR, MOTION, GNSS, PIC = 0x29, 0x60, 0x40, 0x1E, 0x10, 0x08
PARTS = {
    "pysense": (PIC, MOTION, LIGHT, AIR, WEATHER),
    "pysense2": (PIC, MOTION, LIGHT, AIR, WEATHER),
    "pytrack": (PIC, GNSS, MOTION),
    "pytrack2": (PIC, GNSS, MOTION),
}
# What a library does with the microcontroller; names of registers are those of the PIC
LIBRARY = """
import machine, time
i2c = machine.I2C(0, machine.I2C.MASTER, baudrate=100000, pins=("P22", "P21"))
TRISC, PORTC, ANSELC, INTCON, IOCAP, REASON = 0x8E, 0x0E, 0x18E, 0x0B, 0x391, 0x64C

def ask(count, *command):
    i2c.writeto(8, bytes(command))
    while i2c.readfrom(8, 1)[0] != 0xFF:
        time.sleep_us(100)
    return i2c.readfrom(8, count + 1)[1:]

def peek(address):
    return ask(1, 0, address & 255, address >> 8)[0]

def poke(address, value):
    ask(0, 1, address & 255, address >> 8, value)

def change(address, kept=255, added=0):
    return ask(1, 2, address & 255, address >> 8, kept, added, 0)[0]

def power():
    change(TRISC, 0xFF & ~(1 << 7 | 1 << 6 | 1 << 4))

def register(address, number, count, order="little"):
    return int.from_bytes(i2c.readfrom_mem(address, number, count), order)
"""


def run(
    tmp_path: Path, shield: str, program: str, cycles: int = 1, **chips: Any
) -> tuple[list[Any], list[Cycle]]:
    """What a program shows with `print(repr(...))`, a line each, and the cycles."""
    table = {"board": {"shield": shield, "rtc_drift": 0}, "chips": chips}
    (tmp_path / "main.py").write_text(LIBRARY + program)
    lines: list[str] = []
    with Emulator(
        scenario=scenarios.from_table(table), flash=tmp_path, console=lines.append, max_hours=3
    ) as emulator:
        done = emulator.run(["main.py"], cycles)
    assert all(cycle.error is None or cycle.ended == "reset" for cycle in done), "".join(lines)
    shown = [line for line in "".join(lines).splitlines() if line]
    return [eval(line, {}) for line in shown], done  # noqa: S307 - printed by this file


@pytest.mark.parametrize("shield", ["", *PARTS])
def test_the_parts_answer_once_they_are_supplied(tmp_path: Path, shield: str) -> None:
    program = """
print(i2c.scan())
try:
    print([ask(2, 0x12), ask(2, 0x11), peek(REASON)])
    power()
    time.sleep_ms(50)
    print(i2c.scan())
except OSError as error:
    print(repr(str(error)))
"""
    shown, _ = run(tmp_path, shield, program)
    if not shield:
        assert shown == [[], "I2C bus error"]
        return
    product = b"\x12\xf0" if "sense" in shield else b"\x13\xf0"
    firmware = b"\x10\x00" if shield.endswith("2") else b"\x08\x00"
    assert shown == [[PIC], [product, firmware, 0], sorted(PARTS[shield])]


def test_readings_are_the_truths_of_the_scenario(tmp_path: Path) -> None:
    program = """
power()
time.sleep_ms(50)
poke(ANSELC, 4); poke(0x9D, 6 << 2 | 1); poke(0x9E, 0x60)
change(0x9D, added=2)
while peek(0x9D) & 2:
    pass
battery = (peek(0x9C) << 2) + (peek(0x9B) >> 6)
i2c.writeto_mem(0x29, 0x80, b"\\x01"); i2c.writeto_mem(0x29, 0x85, b"\\x03")
i2c.writeto_mem(0x60, 0x26, b"\\x38"); i2c.writeto_mem(0x60, 0x26, b"\\x39")
i2c.writeto_mem(0x1E, 0x20, b"\\x27"); i2c.writeto_mem(0x1E, 0x23, b"\\x24")
at_once = [register(0x29, 0x88, 4), register(0x60, 0x00, 1)]
time.sleep_ms(600)
light = register(0x29, 0x88, 2), register(0x29, 0x8A, 2)
weather = [register(0x60, 0, 1), register(0x60, 1, 3, "big"), register(0x60, 4, 2, "big")]
i2c.writeto_mem(0x60, 0x26, b"\\xB8"); i2c.writeto_mem(0x60, 0x26, b"\\xB9")
i2c.writeto(0x40, b"\\xf3")
moved = [register(0x1E, 0x28 + 2 * axis, 2) for axis in range(3)]
time.sleep_ms(600)
celsius = int.from_bytes(i2c.readfrom(0x40, 2), "big")
print(repr([battery, at_once, light, weather, register(0x60, 1, 3, "big"), celsius, moved]))
"""
    still = {"swing": 0, "noise": 0}
    [[battery, at_once, light, weather, altitude, celsius, moved]], _ = run(
        tmp_path,
        "pysense",
        program,
        pic={"battery_mv": 3700},
        ltr329={"light_lx": {"mean": 500, **still}, "infrared": 0.25},
        mpl3115a2={
            "pressure_pa": {"mean": 89_874.6, **still},
            "temperature_c": {"mean": -5.5, **still},
        },
        si7006={"temperature_c": {"mean": -10, **still}},
        lis2hh12={"x_g": 0.5, "y_g": -1.5, "z_g": 2.0},
    )
    assert battery * 3.3 * 280 / 1023 / 180 + 0.01 == pytest.approx(3.7, abs=0.003)
    assert at_once == [0, 0]
    infrared, visible = light
    assert 1.7743 * visible + 1.1059 * infrared == pytest.approx(500, rel=0.02)
    assert infrared / (infrared + visible) == pytest.approx(0.25, abs=0.01)
    assert weather[0] & 0x0E == 0x0E
    assert weather[1] / 64 == pytest.approx(89_874.6, abs=8)
    assert (weather[2] - 65_536) / 256 == pytest.approx(-5.5, abs=0.15)
    assert altitude / 256 == pytest.approx(1000, abs=2)  # of the standard atmosphere
    assert 175.72 * celsius / 65_536 - 46.85 == pytest.approx(-10, abs=0.1)
    axes = [(each - 65_536 if each > 32_767 else each) / 8192 for each in moved]  # 4 g
    assert axes == pytest.approx([0.5, -1.5, 2.0], abs=0.01)


SLEEPS = """
left = peek(REASON + 1) + (peek(REASON + 2) << 8)
causes = [machine.reset_cause(), machine.wake_reason()[0], peek(REASON)]
print(repr(causes + [left, time.time() > 60]))
power()
time.sleep_ms(50)
i2c.writeto_mem(0x1E, 0x20, b"\\x27"); i2c.writeto_mem(0x1E, 0x24, b"\\x03")
i2c.writeto_mem(0x1E, 0x1E, b"\\x20\\x01"); i2c.writeto_mem(0x1E, 0x22, b"\\x20")
{before}
time.sleep_ms(300)
ask(0, 0x20, 100, 0, 0)
i2c.writeto(8, b"\\x21")
time.sleep(5)
print("'still on'")
"""
ENDS: list[tuple[str, dict[str, Any], int]] = [
    # what is written before, the scenario, the reason: 4 after 100 ticks, others at 40 s
    ("", {}, 4),
    ("", {"pic": {"press_at_s": 40}}, 2),
    ("", {"pic": {"int_at_s": 40}}, 4),
    ("change(INTCON, added=0x10)", {"pic": {"int_at_s": 40}}, 8),
    ("", {"lis2hh12": {"z_g": [[40, 1], [40.2, 3]]}}, 4),
    (
        "change(IOCAP, added=0x20); poke(ANSELC, 0x3D)",
        {"lis2hh12": {"z_g": [[40, 1], [40.2, 3]]}},
        1,
    ),
]


@pytest.mark.parametrize(("before", "chips", "reason"), ENDS)
def test_a_sleep_of_the_shield_switches_the_board_off(
    tmp_path: Path, before: str, chips: dict[str, Any], reason: int
) -> None:
    chips = {**chips, "pic": {"clock_error": 0, **chips.get("pic", {})}}
    shown, cycles = run(tmp_path, "pysense", SLEEPS.replace("{before}", before), 2, **chips)
    assert [cycle.ended for cycle in cycles] == ["off", "off"]
    asleep_s = cycles[0].awake_ms / 1000
    started_s = cycles[1].started_us / 1e6
    assert started_s == pytest.approx(asleep_s + 102.4 if reason == 4 else 40, abs=0.2)
    left = round(100 - (started_s - asleep_s) / 1.024)
    assert shown == [[0, 0, 0, 0, False], [0, 0, reason, left, False]]
    assert cycles[0].energy_mj < 3000


def test_the_clock_of_sleep_is_measured_on_the_bus(tmp_path: Path) -> None:
    program = """
import pycom
i2c.writeto(8, b"\\x22")
i2c.deinit()
machine.Pin("P21", mode=machine.Pin.IN)
pulses = pycom.pulses_get("P21", 100)
i2c.init(machine.I2C.MASTER, pins=("P22", "P21"), baudrate=100000)
print(repr([[length for level, length in pulses], ask(2, 0x12)]))
"""
    [[lengths, product]], _ = run(tmp_path, "pysense", program, pic={"clock_error": -4})
    first = next(place for place, length in enumerate(lengths) if length > 7000)
    assert lengths[first] - lengths[first - 1] == pytest.approx(7000 * 0.96, abs=5)
    assert product == b"\x12\xf0"


def test_a_nap_lets_the_module_go_on_and_ends_by_a_pulse_on_its_pin(tmp_path: Path) -> None:
    program = """
power()
change(INTCON, added=0x10)
i2c.writeto(8, b"\\x23\\x03")
time.sleep_ms(50)
asleep = i2c.scan()
pin = machine.Pin("P9", mode=machine.Pin.OUT)
pin(1)
time.sleep_ms(100)
print(repr([asleep, i2c.scan(), peek(REASON)]))
i2c.writeto(8, b"\\x40")
time.sleep(1)
"""
    shown, [cycle] = run(tmp_path, "pysense2", program)
    assert shown == [[[MOTION], [PIC], 8]]
    assert cycle.ended == "reset"


POSITION = """
power()
time.sleep_ms(50)
def sentences(seconds):
    found = b""
    for _ in range(seconds * 5):
        found += i2c.readfrom(0x10, 255).replace(b"\\n", b"")
        time.sleep_ms(200)
    return found
first = sentences(3)
time.sleep(35)
sentences(2)
later = sentences(3)
i2c.writeto(0x10, "$PMTK314,0,1,0,0,0,0*35\\r\\n")
print(repr([first, later, sentences(2)]))
{backup}(PORTC, {mask})
ask(0, 0x20, 60, 0, 0)
poke(ANSELC, 0x7F)
i2c.writeto(8, b"\\x21")
time.sleep(1)
"""


@pytest.mark.parametrize("backup", [True, False])
def test_a_pytrack_has_a_position_once_it_has_a_fix(tmp_path: Path, backup: bool) -> None:
    how = ("change", "added=0x80") if backup else ("change", "0x7F")
    program = POSITION.replace("{backup}", how[0]).replace("{mask}", how[1])
    place = {"latitude": -33.5125, "longitude": [[0, 151.25], [9999, 151.25]], "sky": 1}
    shown, _ = run(tmp_path, "pytrack", program, 2, l76={**place, "altitude_m": 12.5})
    first, later, only = (text.decode().split("\r") for text in shown[0])
    assert all(_is_whole(line) for line in [*later[1:-1], *only[2:-1]])
    assert _fields(first, "GNGLL")[1:5] == [""] * 4
    assert _fields(later, "GNGLL")[1:5] == ["3330.7500", "S", "15115.0000", "E"]
    assert _fields(later, "GPGGA")[6:10] == ["1", "11", "0.92", "12.5"]
    assert _fields(later, "GNRMC")[9] == "010326"
    assert {line[1:6] for line in only[-3:-1]} == {"GNRMC"}
    again = _fields(shown[1][0].decode().split("\r"), "GNGLL", last=True)
    assert (again[1] == "3330.7500") is backup  # a hot start


def _is_whole(line: str) -> bool:
    text, _, checksum = line[1:].partition("*")
    return line[0] == "$" and f"{_xor(text):02X}" == checksum


def _xor(text: str) -> int:
    value = 0
    for byte in text.encode():
        value ^= byte
    return value


def _fields(lines: list[str], kind: str, last: bool = False) -> list[str]:
    found = [line.partition("*")[0].split(",") for line in lines if line[1:6] == kind]
    return found[-1 if last else 0]


def test_a_shield_that_is_no_file_is_refused() -> None:
    with pytest.raises(ValueError, match='allowed: "", pysense, pysense2, pytrack, pytrack2'):
        scenarios.from_table({"board": {"shield": "pyscan"}})
