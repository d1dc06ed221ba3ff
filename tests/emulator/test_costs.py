"""What the firmware's start and Python itself cost, in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.emulator import VMS, Emulator


def run_us(vm: str, program: str) -> list[int]:
    """What a program puts into its list `took`, in us; an error of the program is one here."""
    printed: list[str] = []
    with Emulator(vm=vm, console=printed.append) as emulator:
        (emulator.flash / "main.py").write_text(
            f"import sys\ntook = []\n{program}\nprint('took', took)\n", encoding="utf-8"
        )
        [cycle] = emulator.run(["main.py"])
    assert cycle.error is None
    numbers = "".join(printed).rpartition("took [")[2].rstrip("]\n")
    return [int(each) for each in numbers.split(", ")]


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


PRINTING = """
import utime
for count in (1, 128, 129, 1000):
    begin = utime.ticks_us()
    {}
    took.append(utime.ticks_us() - begin)
    utime.sleep_ms(1000)
"""


@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize("call", ["print('x' * count, end='')", "sys.stdout.write('x' * count)"])
def test_a_call_that_prints_returns_when_the_rest_fits_into_the_fifo(vm: str, call: str) -> None:
    took = run_us(vm, PRINTING.format(call))
    assert [us // 1000 for us in took] == [0, 0, 0, (1000 - 129) * 10_000 // 115_200]


@pytest.mark.parametrize("vm", VMS)
def test_what_is_printed_piece_by_piece_waits_for_what_was_printed_before(vm: str) -> None:
    """A line ends in CR LF, and a character outside ASCII is as long as its UTF-8."""
    took = run_us(
        vm,
        "import utime\nbegin = utime.ticks_us()\n"
        "for number in range(100):\n    print('caf\\xe9 12')\n"
        "took.append(utime.ticks_us() - begin)",
    )
    assert took[0] == pytest.approx((100 * 10 - 129) * 1_000_000 / 11_520, abs=500)


TEXTS = """
import pycom, utime
for size in (0, 1, 100):
    pycom.nvs_set("text", "x" * size)
    begin = utime.ticks_us()
    pycom.nvs_get("text")
    took.append(utime.ticks_us() - begin)
"""


@pytest.mark.parametrize("vm", VMS)
def test_taking_a_text_apart_costs_45_us_a_character(vm: str) -> None:
    empty, one, hundred = run_us(vm, TEXTS)
    assert (one - empty, hundred - empty) == (45, 4500)


@pytest.mark.parametrize("vm", VMS)
def test_a_module_costs_its_loading_and_the_running_of_it(vm: str, tmp_path: Path) -> None:
    """Whatever it does: nothing here, after a long text and a long comment."""
    took = run_us(
        vm,
        "import utime\nwith open('/flash/empty.py', 'w') as file:\n"
        "    file.write('\"' + 'x' * 5117 + '\"\\n' + '#' + 'x' * 5119)\n"
        "begin = utime.ticks_us()\nimport empty\ntook.append(utime.ticks_us() - begin)",
    )
    assert took[0] == pytest.approx(5 * 36_000 + 5 * 1_500 + 10 * 500, abs=60)


COMPILED = """
import utime
text = "x = 1" + " " * 1019
for call in (lambda: exec(text), lambda: eval("1" + " " * 1023), lambda: text):
    begin = utime.ticks_us()
    call()
    took.append(utime.ticks_us() - begin)
"""


@pytest.mark.parametrize("vm", VMS)
def test_source_given_to_exec_and_eval_is_compiled(vm: str) -> None:
    executed, evaluated, nothing = run_us(vm, COMPILED)
    assert (executed - nothing, evaluated - nothing) == (36_000, 36_000)
