"""utils.store: what outlives deep sleep, and what trouble with the flash does to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes

MakeDevice = Callable[..., Device]


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
