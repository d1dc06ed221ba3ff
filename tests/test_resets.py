"""What ends a program from outside: the watchdog in any wait of the firmware, a brown-out, a reset
at a write, and the safe boot that keeps programs from running."""

from __future__ import annotations

import pytest

ARM = "import machine\nmachine.WDT(timeout=8000)\n"

# (what the scenario says of the modem, the call in which the firmware waits)
WAITS = {
    "LTE()": ("off", "from network import LTE; LTE()"),
    "send_at_cmd": (
        "mute",
        "from network import LTE; l = LTE(); l.send_at_cmd('AT+CGATT?')",
    ),
    "send_at_cmd without end": (
        "mute",
        "from network import LTE; l = LTE(); l.send_at_cmd('AT+CGATT?', timeout=0)",
    ),
    "deinit": ("mute", "from network import LTE; l = LTE(); l.send_at_cmd('AT+CGATT?', timeout=1)"
               "\nl.deinit()"),
    "a UART": ("", "from machine import UART; u = UART(1, 300)\nwhile 1: u.write(bytes(3000))"),
    "pulses_get": ("", "import pycom; pycom.pulses_get('P3', 60000)"),
}  # fmt: skip


@pytest.mark.both_runtimes
@pytest.mark.parametrize("wait", WAITS)
def test_the_watchdog_bites_in_each_wait_of_the_firmware(make_device, wait):
    modem, program = WAITS[wait]
    scenario: dict = {}
    if modem == "off":
        scenario["modem"] = {"start": "off"}
    elif modem == "mute":
        fault = {"point": "command", "match": "AT+CGATT", "do": "mute", "forever": True}
        scenario["fault"] = [fault]
    device = make_device(scenario, modem_on_boot=False)
    device.put("program.py", ARM + "import utime\nutime.sleep_ms(1)\n" + program + "\n")
    cycles = device.start(["program.py"], cycles=1)
    assert (cycles[0].ended, cycles[0].error) == ("reset", "reset: watchdog")
    assert cycles[0].awake_ms < 8000 + 8000 + 2500  # a start, the wait before, and the deadline
    [after] = device.start(["program.py"], cycles=1)
    assert after.reset_cause == "power_on"  # another run


def test_the_next_start_says_what_has_ended_the_last_one(make_device):
    device = make_device(modem_on_boot=False)
    device.put("program.py", ARM + "print(machine.reset_cause())\nwhile 1: pass\n")
    cycles = device.start(["program.py"], cycles=3)
    assert [cycle.reset_cause for cycle in cycles] == ["power_on", "watchdog", "watchdog"]
    assert device.output == "0\n2\n2\n"


def test_a_modem_in_recovery_holds_the_program_until_the_watchdog_bites(make_device):
    device = make_device(modem_on_boot=False)
    device.put("program.py", ARM + "import network\nnetwork.LTE.modem_upgrade_mode()\n")
    [cycle] = device.start(["program.py"])
    assert cycle.error == "reset: watchdog"
    device.put("program.py", "import network\nnetwork.LTE.modem_upgrade_mode()\n")
    [cycle] = device.start(["program.py"])
    assert cycle.ended == "hang"


def test_a_brown_out_at_a_time_resets_the_board_also_in_its_sleep(make_device):
    faults = [{"point": "time", "do": "brown_out", "at_ms": at_ms} for at_ms in (3000, 30_000)]
    device = make_device({"fault": faults}, modem_on_boot=False)
    device.put(
        "program.py",
        "import machine, utime\nprint(machine.reset_cause())\n"
        "utime.sleep(5)\nmachine.deepsleep(60000)\n",
    )
    cycles = device.start(["program.py"], cycles=4)
    assert [(cycle.reset_cause, cycle.ended) for cycle in cycles] == [
        ("power_on", "reset"),
        ("brown_out", "deepsleep"),
        ("brown_out", "deepsleep"),
        ("deepsleep", "deepsleep"),
    ]
    assert cycles[0].error == "reset: brown-out"
    assert device.output == "0\n5\n5\n3\n"


def test_a_weak_battery_resets_the_board_each_time_the_radio_transmits(make_device):
    fault = {"point": "time", "do": "brown_out", "at_ms": 0, "above_ma": 100.0}
    device = make_device({"fault": [fault]})
    device.put(
        "program.py", "from network import LTE\nLTE().attach()\nimport utime\nutime.sleep(30)"
    )
    cycles = device.start(["program.py"], cycles=2)
    assert [cycle.ended for cycle in cycles] == ["reset", "reset"]
    assert cycles[1].reset_cause == "brown_out"


def test_a_power_cut_restarts_the_modem_and_a_reset_does_not(make_device):
    for do, stays in (("reset", True), ("power_cut", False)):
        fault = {"point": "nvs", "match": "set k", "do": do, "nth": 1}
        device = make_device({"fault": [fault]})
        device.put(
            "program.py",
            "from network import LTE\nimport pycom, utime\nl = LTE()\nl.attach()\n"
            "pycom.nvs_set('k', 1)\n",
        )
        device.start(["program.py"])
        assert (device.modem.cfun == 1) == stays


NTH = [("before", "set a"), ("during", "set a"), ("after", "set b")]


@pytest.mark.parametrize(("when", "last"), NTH)
def test_a_reset_at_the_nth_operation_on_the_nvs(make_device, when, last):
    fault = {"point": "nvs", "do": "reset", "nth": 2, "when": when, "cause": "brown_out"}
    device = make_device({"fault": [fault]}, modem_on_boot=False)
    device.put("program.py", "import pycom\nfor k in 'abc':\n    pycom.nvs_set(k, 1)\n")
    cycles = device.start(["program.py"], cycles=2)
    assert (cycles[0].ended, cycles[1].reset_cause) == ("reset", "brown_out")
    written = [entry.text for entry in device.board.trace.entries if entry.kind == "nvs"]
    assert written[: written.index("set c = 1") - 2][-1].startswith(last)


def test_a_reset_in_the_option_writes_of_a_start(make_device):
    fault = {"point": "nvs", "match": "setting ", "do": "reset", "nth": 2, "when": "during"}
    device = make_device({"fault": [fault]}, modem_on_boot=False)
    device.put(
        "program.py",
        "import pycom\nprint(pycom.wifi_on_boot(), pycom.lte_modem_en_on_boot())\n"
        "pycom.wifi_on_boot(False)\npycom.lte_modem_en_on_boot(False)\n",
    )
    cycles = device.start(["program.py"], cycles=2)
    assert [cycle.ended for cycle in cycles] == ["reset", "finished"]
    assert device.output == "True False\nTrue True\n"


def test_a_high_level_at_the_safe_boot_pin_keeps_the_programs_from_running(make_device):
    device = make_device(modem_on_boot=False)
    pins = device.service("pins")
    pins.pull_up("P12")  # the data line of a sensor, for instance
    device.put("program.py", "print('runs')")
    [cycle] = device.start(["program.py"])
    assert (cycle.ended, cycle.ok, device.output) == ("safe_boot", False, "")
    assert "safe_boot" in (cycle.trouble or "")
    assert cycle.awake_ms > 7500  # the boot loader waits while the level lasts
    pins.pull_up("P12", False)
    [cycle] = device.start(["program.py"])
    assert (cycle.ended, device.output) == ("finished", "runs\n")


def test_a_watchdog_on_boot_bites_in_a_safe_boot_too(make_device):
    device = make_device(modem_on_boot=False)
    flags = device.service("config").flags
    flags.update(wdt_on_boot=True, wdt_on_boot_timeout=5000)
    device.service("pins").drive("P12", 1)
    cycles = device.start(["boot.py", "main.py"], cycles=2)
    assert [cycle.reset_cause for cycle in cycles] == ["power_on", "watchdog"]
    assert [cycle.error for cycle in cycles] == ["reset: watchdog"] * 2
    assert "safe boot: P12 is high" in device.traced("boot")


def test_a_safe_boot_that_was_asked_for_happens_once(make_device):
    device = make_device(modem_on_boot=False)
    device.run("import pycom; pycom.bootmgr(safeboot=True)")
    device.put("program.py", "print('runs')")
    [first] = device.start(["program.py"])
    [second] = device.start(["program.py"])
    assert (first.ended, second.ended) == ("safe_boot", "finished")
