"""Whatever is wrong, the board sleeps in time with its radio off, and says why once it can.

`./dev soak files` damages every file; here is one of each kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.board.board import PWRON_RESET
from emulator.cycle import Cycle
from emulator.device_files import ROOT
from tests.test_application import (
    ATTACHES,
    BY_LTE,
    LOSSLESS,
    MakeNode,
    Node,
    make_node,
    records,
    sequences,
)
from tests.usb_board import Rehearsal

__all__ = ["make_node"]

SAFE: dict[str, Any] = {"radio": LOSSLESS}
WATCHDOG_MS = 60_000  # of boot.py
NODES_WATCHDOG_MS = 90_000  # _WATCHDOG_S
HOUR_MS = 3_600_000


def awake_until_sleep_ms(cycles: list[Cycle]) -> int:
    """Time awake before the first sleep."""
    kinds = [cycle.ended for cycle in cycles]
    assert "deepsleep" in kinds, kinds
    return sum(cycle.awake_ms for cycle in cycles[: kinds.index("deepsleep") + 1])


def rests(node: Node) -> bool:
    """The modem has come to rest, however long a detach takes."""
    return node.device.modem_rests()


def write(node: Node, path: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """Change a file of the flash, or remove it; return what it was."""
    file = node.device.flash / path
    before = file.read_bytes()
    after = change(before)
    file.unlink()
    if after is not None:
        file.write_bytes(after)
    return before


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "gone": lambda data: None,
    "zeros": lambda data: bytes(len(data)),
}

# Path, damage, whether the configuration can be read, number of resets before the sleep
FILES = [
    ("main.py", "empty", True, 2),
    ("main.py", "half", True, 2),
    ("main.py", "gone", True, 2),
    ("boot.py", "empty", True, 0),
    ("boot.py", "half", True, 0),
    ("boot.py", "gone", True, 0),
    ("node_reset.py", "half", True, 0),
    ("node_reset.py", "gone", True, 0),
    ("config.py", "zeros", False, 0),
    ("config.py", "gone", False, 0),
    ("node.py", "half", False, 0),  # which would say how long
    ("node_start.py", "gone", False, 0),
    ("utils/timing.py", "empty", False, 0),
    ("utils/logging.py", "gone", False, 0),
    ("utils/store.py", "half", True, 0),
    ("utils/configuration.py", "empty", False, 0),
    ("utils/trail.py", "half", True, 0),
    ("networking/nbiot.py", "half", True, 0),
    ("networking/_nbiot_lte.py", "gone", True, 0),
]


@pytest.mark.parametrize(("path", "damage", "readable", "resets"), FILES)
def test_a_damaged_file_ends_in_sleep_and_a_good_one_works_again(
    make_node: MakeNode, path: str, damage: str, readable: bool, resets: int
) -> None:
    node = make_node(SAFE)
    before = write(node, path, DAMAGES[damage])
    cycles = node.run(resets + 1)
    assert [cycle.ended for cycle in cycles] == ["reset"] * resets + ["deepsleep"]
    assert awake_until_sleep_ms(cycles) <= 3 * WATCHDOG_MS
    [sleep_ms] = node.sleeps_ms
    if readable:  # to the place of the node, not sooner than a period later
        assert 830_000 <= sleep_ms <= 1_850_000
    else:
        assert sleep_ms == pytest.approx(HOUR_MS, abs=70_000)
    assert rests(node)
    (node.device.flash / path).write_bytes(before)
    cycles = node.run(2)
    assert [cycle.ended for cycle in cycles] == ["deepsleep"] * 2
    assert cycles[-1].delivered


@pytest.mark.parametrize("path", ("main.py", "boot.py", "node.py", "networking/nbiot.py"))
def test_a_radio_that_a_reset_left_on_goes_off_without_our_files(
    make_node: MakeNode, path: str
) -> None:
    node = make_node(SAFE)
    node.device.put("first.py", ATTACHES)
    node.run(scripts=["first.py"])
    assert node.device.modem.cfun == 1
    write(node, path, DAMAGES["half"])
    assert node.run(3)[2].ended == "deepsleep"
    assert node.device.modem.cfun == 4 and rests(node)


def test_a_supply_that_breaks_down_once_does_not_leave_the_modem_on(make_node: MakeNode) -> None:
    """It does so while boot.py switches the modem off, which is no hang of that step."""
    broken = {"point": "nvs", "match": "set reset_in", "nth": 7, "do": "reset", "when": "after"}
    node = make_node({**SAFE, "fault": [{**broken, "cause": "brown_out"}]})
    node.device.put("first.py", ATTACHES)
    node.run(scripts=["first.py"])
    node.device.put("main.py", "while True: pass\n")
    cycles = node.run(4)
    assert [cycle.ended for cycle in cycles] == ["reset"] * 3 + ["deepsleep"]
    assert cycles[3].reset_cause == "brown_out"
    assert node.device.modem.cfun == 4 and rests(node)


CONFIGURATIONS = {
    "endless": ("while True:\n    pass", 2),
    "long": ("import utime\nutime.sleep(4000)", 2),
    "resets": ("import machine\nmachine.reset()", 2),
    "exit": ("import sys\nsys.exit()", 0),
    "recursion": ("def f():\n    f()\nf()", 0),
    "takes main.py away": ("import uos\nuos.remove('/flash/main.py')\n_PERIOD_S = 'x'", 2),
    "not UTF-8": ("\udcff", 0),
}


@pytest.mark.parametrize("what", CONFIGURATIONS)
def test_a_configuration_that_cannot_be_read_ends_in_an_hour_of_sleep(
    make_node: MakeNode, what: str
) -> None:
    text, resets = CONFIGURATIONS[what]
    node = make_node(SAFE)
    added = text.encode("utf-8", "surrogateescape")
    before = write(node, "config.py", lambda data: data + b"\n" + added + b"\n")
    cycles = node.run(resets + 1)
    assert [cycle.ended for cycle in cycles] == ["reset"] * resets + ["deepsleep"]
    assert awake_until_sleep_ms(cycles) <= 3 * WATCHDOG_MS
    assert node.sleeps_ms == [pytest.approx(HOUR_MS, abs=10_000)]
    assert rests(node) and not cycles[-1].sent
    if "main.py" not in text:
        (node.device.flash / "config.py").write_bytes(before)
        assert node.run(2)[-1].delivered


# What does not survive on the chip

NUMBERS = ("resets", "reset_step", "reset_culprits", "reset_in", "battery_low", "report_seq")


@pytest.mark.parametrize("value", ("text", -1, 0x7FFFFFFF), ids=str)
def test_damaged_numbers_in_nvs_are_repaired(make_node: MakeNode, value: int | str) -> None:
    node = make_node(SAFE)
    for key in NUMBERS:
        node.device.service("nvs").do_set(key, value)
    waits, *cycles = node.run(4)
    assert waits.cause == "spread"  # it has a number of its own, so it is not new
    assert [cycle.ended for cycle in cycles] == ["deepsleep"] * 3
    assert all(cycle.delivered for cycle in cycles)
    told = sequences(node.received)
    assert told == sorted(told) and len(set(told)) == 4


ACCOUNTS = (
    {"phases": 5}, {"phases": [5]}, {"phases": [["a", 1]]}, {"phases": [["at", 1, {}]]},
    {"phases": [["", "", ""]], "awake_ms": []}, {"phases": [[5, 1, 2]], "skips": "x"},
)  # fmt: skip


@pytest.mark.parametrize("account", ACCOUNTS, ids=json.dumps)
def test_a_damaged_account_of_the_last_cycle_costs_no_report(
    make_node: MakeNode, account: dict[str, Any]
) -> None:
    node = make_node(SAFE, _PHASES_EVERY=1)
    text = json.dumps(account | {"link": "at"})
    rtc = node.device.service("rtc")

    def keep(cause: int) -> None:
        rtc.kept = f"{len(text)} {text}".encode()

    rtc.on_reset = keep
    [cycle] = node.run()
    assert (cycle.ended, cycle.error) == ("deepsleep", None) and cycle.delivered


# Hanging parts

HANGS = """
import uos

{head}
    if "works" not in uos.listdir("/flash"):
        while True:
            pass
    {rest}
"""
SENSOR = 'FIELDS = (("x", "x", "V", 0, 1),)\nARGUMENTS = ()\nlast_cause = None\n'
BATTERY = ("analog_generic", {"data_pin": "P16", "divider": 2})


def node_with_a_sensor_that_hangs(make_node: MakeNode) -> Node:
    node = make_node(SAFE, _SENSORS=(("hanging", {}), BATTERY))
    node.device.put(
        "sensors/hanging.py", SENSOR + HANGS.format(head="def get_reading():", rest="return 1")
    )
    return node


def told(node: Node, name: str) -> list[Any]:
    """The values of all records of this name that the server has got."""
    found = [record for datagram in node.received for record in records(datagram)]
    return [record.value for record in found if record.name.endswith(":" + name)]


def test_a_sensor_that_hangs_is_left_out_and_told(make_node: MakeNode) -> None:
    node = node_with_a_sensor_that_hangs(make_node)
    cycles = node.run(7)
    assert [cycle.ended for cycle in cycles] == ["reset"] * 2 + ["deepsleep"] * 5
    assert awake_until_sleep_ms(cycles) <= 3 * NODES_WATCHDOG_MS
    assert all(cycle.delivered for cycle in cycles[3:])
    assert told(node, "x_e") == ["hung"] * 4 and len(told(node, "v")) == 4
    assert set(told(node, "ra")) == {"hanging"} and set(told(node, "rn")) == {3}


def test_it_is_tried_again_after_six_hours(make_node: MakeNode) -> None:
    node = node_with_a_sensor_that_hangs(make_node)
    node.configure({"_PERIOD_S": 7200})
    cycles = node.run(9)
    # 3 cycles without it make six hours; then one more reset has it left out again
    assert [cycle.ended for cycle in cycles] == (
        ["reset"] * 2 + ["deepsleep"] * 4 + ["reset"] + ["deepsleep"] * 2
    )
    assert cycles[-1].delivered and told(node, "x_e") == ["hung"] * 4
    node.device.put("works", "")
    node.device.put("first.py", "import pycom\npycom.nvs_set('resets', 0)\n")
    node.run(scripts=["first.py"])  # as deploy and Ctrl-C do
    _, cycle = node.run(2)
    assert cycle.delivered and 1 in told(node, "x")


def test_a_radio_that_hangs_is_left_out_and_reports_are_kept(make_node: MakeNode) -> None:
    node = make_node(SAFE, _PROTOCOL="hanging")
    udp = "from protocols import udp\nfrom protocols.udp import NEEDS, overhead, problems\n"
    node.device.put("protocols/hanging.py", udp + HANGS.format(
        head="def open(transport, cfg):", rest="return udp.open(transport, cfg)"))  # fmt: skip
    cycles = node.run(5)
    assert [cycle.ended for cycle in cycles] == ["reset"] * 2 + ["deepsleep"] * 3
    assert [cycle.cause for cycle in cycles[3:]] == ["reset"] * 2
    assert [cycle.radio_on_ms for cycle in cycles[3:]] == [0, 0] and rests(node)
    assert cycles[-1].waiting == 2 and (node.device.flash / "journal").is_dir()


def writes_after_waking(node: Node) -> list[str]:
    """To NVS, settings and flash, from the first deep sleep of the last run on."""
    entries = node.device.traced("nvs", "reset", "file")
    after = entries[entries.index("deepsleep") :]
    return [text for text in after if text != "deepsleep" and not text.startswith("open ")]


def test_in_the_normal_course_the_nvs_has_two_writes_a_cycle(make_node: MakeNode) -> None:
    """The number of the measurement, and that of the attempts."""
    node = make_node(SAFE)
    node.run(3)
    keys = [text.partition(" = ")[0] for text in writes_after_waking(node)]
    assert keys == ["set report_seq", "set back_off"] * 2


# The watchdog and people

INTERRUPTS = SENSOR + "def get_reading():\n    raise KeyboardInterrupt\n"


def test_ctrl_c_leaves_ten_minutes_and_forgets_the_resets(make_node: MakeNode) -> None:
    node = make_node(SAFE, _SENSORS=(("interrupts", {}),))
    node.device.put("sensors/interrupts.py", INTERRUPTS)
    with pytest.raises(KeyboardInterrupt):
        node.run()
    assert node.device.service("wdt").timeout_ms == 600_000
    assert node.device.service("nvs").do_get("resets") == [0]
    assert "10 minutes" in node.device.output


def test_what_looks_like_ctrl_c_at_every_start_does_not_keep_the_board_awake(
    make_node: MakeNode,
) -> None:
    node = make_node(SAFE, _SENSORS=(("interrupts", {}),), _PERIOD_S=21600)
    node.device.put("sensors/interrupts.py", INTERRUPTS)
    vm: Any = node.device.emulator.vm
    vm.attended = True  # or it would end the test
    cycles = node.run(10)
    assert [cycle.ended for cycle in cycles] == ["reset"] * 8 + ["deepsleep"] * 2
    assert cycles[-1].delivered and rests(node)  # without the sensor
    node.device.put("sensors/interrupts.py", SENSOR + "def get_reading():\n    return 1\n")
    node.run(2)
    assert told(node, "x") == [1]
    nvs: Any = node.device.service("nvs")
    assert nvs.do_get("stops") == [0]


def test_settings_that_cannot_be_written_do_not_keep_the_board_awake(make_node: MakeNode) -> None:
    full = {"point": "nvs", "match": "setting ", "do": "full"}
    node = make_node({**SAFE, "fault": [full]})
    node.device.put("main.py", "while True: pass\n")
    cycles = node.run(3)
    assert [cycle.ended for cycle in cycles] == ["reset"] * 2 + ["deepsleep"]
    assert rests(node)


WAITS = """
def report(modem_off):
    input("waits")
"""


def test_ctrl_c_on_a_terminal_gives_the_prompt_and_then_the_node_goes_on(tmp_path: Path) -> None:
    for name in ("main.py", "node_reset.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "node.py").write_text(WAITS)
    board = Rehearsal(tmp_path)
    try:
        board.type(b"", b"waits")
        assert b"stopped; restarts in 10 minutes" in board.type(b"\x03", b">>> ")
        watchdog: Any = board.board.board.services["wdt"]
        assert watchdog.timeout_ms == 600_000
        board.type(b"import machine; machine.WDT(timeout=1000); None\r", b">>> ")
        board.wait_for("starts (watchdog)")
    finally:
        board.close()


def test_the_firmware_arms_the_watchdog_from_the_second_start_on(make_node: MakeNode) -> None:
    node = make_node(SAFE)
    flags = node.service_flags()
    assert not flags["wdt_on_boot"]
    node.run()
    assert flags["wdt_on_boot"] and flags["wdt_on_boot_timeout"] == 300_000
    node.device.board.reset(PWRON_RESET)  # before Python, as in safe boot
    watchdog = node.device.service("wdt")
    assert watchdog.armed and watchdog.timeout_ms == 300_000


# The bearer


def test_what_was_measured_under_one_bearer_is_sent_under_another_in_pieces(
    make_node: MakeNode,
) -> None:
    """Eight readings need two datagrams of NB-IoT, and one of Wi-Fi."""
    lines = tuple(
        ("analog_generic", {"data_pin": "P16", "name": f"reading-{n}"}) for n in range(8)
    )
    node = make_node(
        SAFE, _PHASES_EVERY=0, _SENSORS=lines, _BEARER="wifi", _WIFI_NETS={"nowhere": {}}
    )
    first = node.run(3)
    assert [cycle.waiting for cycle in first] == [1, 2, 3]
    node.configure({"_BEARER": "nbiot", **BY_LTE})
    _, cycle = node.run(2)
    assert (cycle.error, cycle.waiting, cycle.given_up) == (None, 0, 0)
    assert max(len(datagram.data) for datagram in node.received) <= 124
    for n in range(8):
        assert len(told(node, f"reading-{n}")) == 4  # a power cut costs what only RTC memory had


# The battery


def test_a_low_battery_has_to_recover_and_is_written_down_once(make_node: MakeNode) -> None:
    """3.29 V, then 3.39 V from the third cycle on, then 3.42 V from the fifth on."""
    node = make_node(SAFE)
    board = node.device.board
    steps = (3290, 3290, 3390, 3390, 3420)
    board.services["adc"].sources["P16"] = lambda: steps[board.cycle - 1] / 2
    cycles = node.run(5)
    assert [cycle.at_exchanges for cycle in cycles[1:4]] == [0] * 3
    assert [cycle.delivered for cycle in cycles] == [0] * 4 + [1]
    assert node.sleeps_ms[:4] == [21_600_000] * 4
    first = writes_after_waking(node)[0]
    assert first == "set battery_low = 0"


def test_the_modem_that_starts_does_not_count_as_a_low_battery(make_node: MakeNode) -> None:
    node = make_node(SAFE)
    board = node.device.board
    board.services["adc"].sources["P16"] = lambda: (
        (3250 if node.device.emulator.uart.rts else 3350) / 2
    )
    cycles = node.run(3)
    assert all(cycle.delivered for cycle in cycles)
    settings = [text for text in node.device.traced("nvs") if text.startswith("setting")]
    assert len(settings) == len(set(settings))
