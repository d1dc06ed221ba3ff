"""utils.store: what outlives deep sleep, and what trouble with the flash does to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes

MakeDevice = Callable[..., Device]
PATH = "/flash/backlog.bin"
BACKLOG = f"from utils import store\nqueue = store.Backlog('{PATH}', 100)\n"


def faulty(*faults: dict[str, Any]) -> dict[str, Any]:
    return {"fault": list(faults)}


# sequence number


def test_sequence_goes_on_over_every_kind_of_reset(device: Device) -> None:
    once = "from utils import store\nshow(store.next_sequence())\n"
    assert device.run(once + once) == [0, 1]
    assert device.run(once) == [2]  # power-on
    head = "from support import *\nimport machine\n"
    device.put("main.py", head + once + "machine.deepsleep(9)")
    device.start(["main.py"], cycles=3)
    assert device.shown == [3, 4, 5]


NUMBERS = """
from utils import store
show([(store.next_sequence(), store.boot_number()) for _ in range(2)])
"""


@pytest.mark.parametrize("key", ("report_seq", "report_boot"))
@pytest.mark.parametrize("damage", ("'x'", "-1", "-0x80000000", "0x7fffffff", None))
def test_a_damaged_number_is_repaired_under_another_boot_number(
    device: Device, key: str, damage: str | None
) -> None:
    [[_, (before, boot)]] = device.run(NUMBERS)
    change = f"pycom.nvs_erase('{key}')\n" + (
        f"pycom.nvs_set('{key}', {damage})" if damage else ""
    )
    device.run("import pycom\n" + change)
    after = [device.run(NUMBERS)[0] for _ in range(2)]
    assert before == 1
    first = 0 if key == "report_seq" else 2
    assert [number for pair in after for number, _ in pair] == list(range(first, first + 4))
    [other] = {boot for pair in after for _, boot in pair}
    assert 1 <= other <= 65535
    assert other != boot


@pytest.mark.parametrize("do", ("fail", "full"))
def test_without_nvs_numbers_go_on_until_the_next_reset(make_device: MakeDevice, do: str) -> None:
    device = make_device(faulty({"point": "nvs", "do": do, "nth": 0}), modem_on_boot=False)
    program = "from support import *\nimport machine\n" + NUMBERS + "machine.deepsleep(9)"
    device.put("main.py", program)
    device.start(["main.py"], cycles=2)
    [[(a, boot), (b, _)], [(c, _), (d, last)]] = device.shown
    assert [a, b, c, d] == [0, 1, 2, 3]
    assert boot == last != 0
    assert any("WARNING store" in line for line in device.log)
    device.start(["main.py"])  # power-on
    assert device.shown[0][0][0] == 0
    assert device.shown[0][0][1] != boot


# account of the last cycle

ACCOUNT = {"cause": "attached", "awake_ms": 13120, "phases": [["init", 0, 2292], ["send", 5, -1]]}


def test_the_last_cycle_is_kept_over_deep_sleep_only(device: Device) -> None:
    device.put(
        "main.py",
        """
        from support import *
        import machine
        from utils import store
        show(store.last_cycle())
        store.keep_cycle(given())
        machine.deepsleep(1000)
        """,
    )
    device.run("pass", ACCOUNT)
    device.start(["main.py"], cycles=2)
    assert device.shown == [{}, ACCOUNT]
    assert device.run("from utils import store\nshow(store.last_cycle())") == [{}]  # power-on


@pytest.mark.parametrize(
    "kept",
    [b"", b"7", b"x y", b'5 {"a"', b"-3 {}", b'8 {"a": 1', b'3 {"a": 1}', b"\xff\xfe 3", b"2 {}",
     b"2 []", b"1 7", b"99999999999 {}"],
)  # fmt: skip
def test_what_is_not_whole_is_no_account(device: Device, kept: bytes) -> None:
    [found] = device.run(
        """
        import machine
        from utils import store
        machine.RTC().memory(given())
        found = store.last_cycle()
        show(found)
        """,
        kept,
    )
    assert found == {}


def test_a_long_account_with_umlauts_comes_back(device: Device) -> None:
    account = {"cause": "grün", "phases": [[f"p{n}", n, n] for n in range(80)]}
    assert device.run(
        "from utils import store\nstore.keep_cycle(given())\nshow(store.last_cycle() == given())",
        account,
    ) == [True]


def test_an_account_too_long_for_the_memory_is_dropped_and_logged(device: Device) -> None:
    shown = device.run(
        "from utils import store\nstore.keep_cycle({'x': 'y' * 5000})\nshow(store.last_cycle())"
    )
    assert shown == [{}]
    assert any("WARNING store" in line for line in device.log)


# backlog


def test_datagrams_come_back_in_order_after_a_reset(device: Device) -> None:
    assert device.run(BACKLOG + "show(queue.load())\nshow([queue.add(x) for x in given()])",
                      [b"one", b"\0\xff\r\n"]) == [[], [True] * 2]  # fmt: skip
    assert device.run(BACKLOG + "show(queue.load())") == [[b"one", b"\0\xff\r\n"]]


def test_it_is_bounded_drops_the_oldest_and_counts(device: Device) -> None:
    shown = device.run(
        BACKLOG
        + """
for n in range(10):
    queue.add(b"%d" % n * 20)
    show([len(queue.load()), queue.dropped])
show([item[:1] for item in queue.load()])
import uos
show(uos.stat(given())[6])
""",
        PATH,
    )
    assert shown[:10] == [[min(n + 1, 4), max(0, n - 3)] for n in range(10)]  # 22 bytes each
    assert shown[10] == [b"6", b"7", b"8", b"9"]
    assert shown[11] <= 100


def test_a_datagram_that_never_fits_is_dropped(device: Device) -> None:
    assert device.run(
        BACKLOG + "queue.add(b'x')\nqueue.add(bytes(99))\nshow([queue.load(), queue.dropped])"
    ) == [[[], 2]]


def test_no_room_at_all(device: Device) -> None:
    assert device.run(
        f"from utils import store\nqueue = store.Backlog('{PATH}', 0)\n"
        "queue.add(b'x')\nshow([queue.load(), queue.dropped])"
    ) == [[[], 1]]


def test_saving_nothing_removes_the_file(device: Device) -> None:
    assert device.run(
        BACKLOG + "queue.add(b'x')\nshow(queue.save([]))\nshow(queue.load())\n"
        "import uos\nshow('backlog.bin' in uos.listdir('/flash'))"
    ) == [True, [], False]
    assert device.run(BACKLOG + "show(queue.save([]))") == [True]


def test_several_are_replaced_at_once(device: Device) -> None:
    assert device.run(
        BACKLOG
        + "queue.save([b'a', b'b', b'c'])\nqueue.save(queue.load()[1:])\nshow(queue.load())"
    ) == [[b"b", b"c"]]


@pytest.mark.parametrize("content", (b"", b"\0", b"\0\5abc", b"\0\3abc\0", b"\xff\xffabc"))
def test_a_torn_file_gives_what_is_whole(device: Device, content: bytes) -> None:
    (device.flash / "backlog.bin").write_bytes(content)
    [found] = device.run(BACKLOG + "show(queue.load())")
    assert found == ([b"abc"] if content.startswith(b"\0\3") else [])


@pytest.mark.parametrize("operation", ("open", "write", "close", "rename"))
@pytest.mark.parametrize("do", ("full", "fail"))
def test_a_flash_that_refuses_keeps_the_old_content(
    make_device: MakeDevice, operation: str, do: str
) -> None:
    fault = {"point": "file", "match": f"{operation} backlog.bin.new", "do": do, "nth": 0}
    device = make_device(faulty(fault), modem_on_boot=False)
    (device.flash / "backlog.bin").write_bytes(b"\0\3old")
    shown = device.run(BACKLOG + "show(queue.add(b'new'))\nshow(queue.load())")
    assert shown == [False, [b"old"]]
    assert any("WARNING store" in line for line in device.log)


def test_a_full_flash_keeps_the_old_content(make_device: MakeDevice) -> None:
    """Not by a fault, but for want of blocks."""
    device = make_device(modem_on_boot=False)
    (device.flash / "backlog.bin").write_bytes(b"\0\3old")
    device.put("filler.bin", "x" * 100_000)
    device.service("flash").size_bytes = 0
    shown = device.run(
        f"""
        from utils import store
        queue = store.Backlog("{PATH}", 20000)
        show(queue.add(bytes(9000)))
        show(queue.load())
        """
    )
    assert shown == [False, [b"old"]]


MOMENTS = [
    (operation, when)
    for operation in ("open backlog.bin.new", "write backlog.bin.new", "close backlog.bin.new",
                      "rename backlog.bin.new")
    for when in ("before", "during", "after")
]  # fmt: skip


@pytest.mark.cpython
@pytest.mark.parametrize("filesystem", ("fat", "littlefs"))
@pytest.mark.parametrize("operation, when", MOMENTS)
def test_a_power_cut_at_any_moment_loses_no_old_datagram(
    make_device: MakeDevice, operation: str, when: str, filesystem: str
) -> None:
    fault = {"point": "file", "match": operation, "do": "power_cut", "when": when, "nth": 1}
    scenario = {**faulty(fault), "board": {"filesystem": filesystem}}
    device = make_device(scenario, modem_on_boot=False)
    (device.flash / "backlog.bin").write_bytes(b"\0\3old")
    device.run(BACKLOG + "queue.add(b'new')", ends="reset")
    [found] = device.run(BACKLOG + "show(queue.load())")
    assert found in ([b"old"], [b"old", b"new"])
    # and it goes on working
    [found] = device.run(BACKLOG + "queue.add(b'more')\nshow(queue.load())")
    assert found[0] == b"old" and found[-1] == b"more"
