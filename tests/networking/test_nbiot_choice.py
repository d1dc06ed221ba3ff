"""_MODEM_LINK: which link carries what, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

MakeDevice = Callable[..., Device]
DAY_S = 86_400
TELL = """
from networking import nbiot

def tell():
    lk = dict([one[:2] for one in nbiot.metrics()]).get("lk")
    quick = outcome()["phases"][0][1] < 5000
    options = nbiot.boot_options(configured(**fields))
    show([outcome()["cause"], nbiot._the_link().name, lk, options, quick])

fields = given()
"""
ATTACH = TELL + "nbiot.connect(configured(**fields), False)\ntell()\nnbiot.deactivate()\n"
STARTED = {"lte_modem_en_on_boot": True}
BY_UART = ["attached", "uart", 1, {}, True]
BY_LTE = ["attached", "lte", None, STARTED, True]


def auto(**more: Any) -> dict[str, Any]:
    return {"_MODEM_LINK": "auto", **more}


@pytest.mark.both_runtimes(every=2)
@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, BY_LTE), ({"_MODEM_LINK": "lte"}, BY_LTE), (auto(), BY_UART),
     ({"_MODEM_LINK": "uart"}, BY_UART)],
)  # fmt: skip
def test_the_field_says_which_link_carries_and_lte_where_it_is_missing(
    make_device: MakeDevice, fields: dict[str, Any], expected: list[Any]
) -> None:
    device = make_device(modem_on_boot=False)
    assert device.run(ATTACH, fields) == [expected]
    assert device.modem_rests() and device.emulator.uart.rts is False


def test_another_value_is_refused(make_device: MakeDevice) -> None:
    [[kind, text]] = make_device().run(
        "from networking import nbiot\n"
        "show(raised(nbiot.connect, configured(_MODEM_LINK='usb'), False))"
    )
    assert kind == "ValueError" and "'auto', 'uart', 'lte'" in text


AT_TIME = ATTACH.replace("fields = given()", "fields, now_s = given()\nnbiot.node_time(now_s)")


@pytest.mark.both_runtimes
def test_where_the_uart_fails_lte_carries_it_at_once_and_for_a_day(
    make_device: MakeDevice,
) -> None:
    device = make_device({"modem": {"uart1": False}}, modem_on_boot=False)
    late = [*BY_LTE[:-1], False]
    shown = [device.run(AT_TIME, [auto(), now_s])[0] for now_s in (9000, 9900, 8999 + DAY_S)]
    assert shown == [late, BY_LTE, BY_LTE]
    assert device.modem_rests()
    assert device.run(AT_TIME, [auto(), 9001 + DAY_S]) == [late]  # asked again, in vain
    assert device.run(AT_TIME, [auto(), 5]) == [late]  # the node's time has started anew


def test_without_node_time_the_rtc_counts_the_day(make_device: MakeDevice) -> None:
    device = make_device({"modem": {"uart1": False}}, modem_on_boot=False)
    quick = [device.run(ATTACH, auto())[0][-1] for _ in range(2)]
    assert quick == [False, True]


def test_a_modem_that_neither_link_reaches_is_no_reason_to_change(make_device: MakeDevice) -> None:
    device = make_device({"modem": {"start": "off"}}, modem_on_boot=False)
    for _ in range(2):
        [[cause, link, lk, options, quick]] = device.run(ATTACH, auto())
        assert (cause, link, lk, options, quick) == ("modem_mute", "lte", None, {}, False)


@pytest.mark.parametrize("value", ("auto", "uart"))
def test_data_state_is_of_lte_and_a_program_stays_with_it(
    make_device: MakeDevice, value: str
) -> None:
    device = make_device(modem_on_boot=False)
    fields = {"_MODEM_LINK": value, "_IP_VERSION": "IP"}
    program = """
for data_state in (False, True, False):
    nbiot.connect(configured(**fields), data_state)
    tell()
    nbiot.deactivate()
"""
    shown = device.run(TELL + program, fields)
    assert [each[:4] for each in shown] == [
        ["attached", "uart", 1, {}],
        ["connected", "lte", None, STARTED],
        ["attached", "lte", None, {}],
    ]
    assert device.modem_rests()


STREAMS = [  # keys of [modem], fields, how it ends
    ({}, {}, ["attached", "uart", 1, {}]),
    ({"uart1": False}, {}, ["connected", "lte", None, STARTED]),
    ({}, {"_CID": 6}, ["connected", "lte", None, STARTED]),  # no AT sockets
]


@pytest.mark.parametrize(("modem", "more", "expected"), STREAMS)
def test_a_stream_needs_data_state_only_where_the_uart_has_no_tcp_for_it(
    make_device: MakeDevice, modem: dict[str, Any], more: dict[str, Any], expected: list[Any]
) -> None:
    device = make_device({"modem": modem}, modem_on_boot=False)
    program = "up = nbiot.up(configured(**fields), 'stream')\ntell()\nshow([up, nbiot.down()])\n"
    told, ended = device.run(TELL + program, auto(_IP_VERSION="IP", **more))
    assert told[:4] == expected
    assert ended == [True, True] and device.modem_rests()


def test_the_uart_takes_much_without_data_state(make_device: MakeDevice) -> None:
    device = make_device(modem_on_boot=False)
    program = "show(nbiot.up(configured(**fields), 'datagram', True))\ntell()\nnbiot.down()\n"
    assert device.run(TELL + program, auto(_IP_VERSION="IP")) == [True, BY_UART]


def test_a_modem_that_the_firmware_has_started_is_not_taken_from_it(
    make_device: MakeDevice,
) -> None:
    device = make_device(modem_on_boot=True)
    before = "fields = given()\nshow(nbiot.boot_options(configured(**fields)))\n"
    options, told = device.run(ATTACH.replace("fields = given()\n", before), auto())
    assert options == STARTED  # boot.py leaves it; the end of the cycle decides
    assert told == [*BY_LTE[:3], {}, True]


@pytest.mark.parametrize(("value", "expected"), [("auto", BY_LTE), ("uart", None)])
def test_without_the_file_of_the_uart_auto_is_lte_and_uart_is_refused(
    make_device: MakeDevice, value: str, expected: list[Any] | None
) -> None:
    device = make_device(modem_on_boot=False)
    for part in ("", "_choice"):
        (device.flash / "networking" / f"_nbiot_uart{part}.py").unlink()
    fields = {"_MODEM_LINK": value}
    if expected:
        assert device.run(ATTACH, fields) == [expected]
    else:
        program = "show(raised(nbiot.connect, configured(**fields), False))"
        [[kind, text]] = device.run(TELL + program, fields)
        assert kind == "ValueError" and "_nbiot_uart.py is not here" in text
