"""networking/_nbiot_uart.py: it finds the modem in whatever state, and lets it rest in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from devkit.servers.udp import UdpServer
from tests.device import Device

MakeDevice = Callable[..., Device]
HOST = "192.0.2.7"
BOARDS = ("GPy", "FiPy")
# what an earlier program does to the modem before the board is reset
RAW = """
import machine, utime
from machine import Pin, UART
pins = {"GPy": ("P5", "P98", "P7", "P99"), "FiPy": ("P20", "P18", "P19", "P17")}[given()]
uart = UART(1, 921600, pins=pins)
utime.sleep_ms(700)
"""
ATTACHED = """
import machine, utime
from networking import nbiot
nbiot.connect(configured(_MODEM_LINK="{}", _MAX_CONNECTION_ATTEMPT_TIME_SEC=60), {})
"""
BY_UART = ATTACHED.format("uart", False)
BY_LTE = ATTACHED.format("lte", True)
PROMPT = """
nbiot.sendATsocket("first", "192.0.2.7", 5683)
line = nbiot._the_link().modem.wrapped
line.write(b"AT+SQNSSENDEXT=1,200\\r")
utime.sleep_ms(100)
line.write(b"half of it")
utime.sleep_ms(100)
"""
RESET = "\nmachine.reset()\n"
REPORT = """
from networking import nbiot
result = nbiot.connect(configured(_MODEM_LINK="uart", _IP_VERSION="IP"), False)
show([result.status, outcome()["cause"], outcome()["phases"][0][1]])
show(nbiot.sendATsocket("hello", "192.0.2.7", 5683) if result.status == 1 else 0)
show(nbiot.deactivate().deactivation_status)
"""

# state -> (keys of [modem], what an earlier program did, how long the start may take)
FOUND: dict[str, tuple[dict[str, Any], str, int]] = {
    "asleep": ({}, "", 1000),
    "asleep with CTS asserted": ({"cts_asleep": "asserted"}, "", 1500),
    "losing a line as it wakes": ({"wake_loses_first": -1}, "", 1500),
    "with a stray 0xFF as it wakes": ({"wake_garbage": "ff"}, "", 1000),
    "with a stray NUL as it wakes": ({"wake_garbage": "00"}, "", 1000),
    "left in data state": ({"data_state_left": True}, "", 6000),
    "booting": ({"start": "boot", "boot_ms": 4000}, "", 5000),
    "booting for long": ({"start": "boot", "boot_ms": 19_000}, "", 21_000),
    "with its radio on": ({"cfun": 1}, "", 1000),
    "in data state": ({}, BY_LTE + RESET, 5000),
    "attached": ({}, BY_UART + RESET, 1000),
    "at a prompt": ({}, BY_UART + PROMPT + RESET, 7000),
    "with rubbish in its line": (
        {}, RAW + "uart.write('AT+CERE')\nutime.sleep_ms(9)" + RESET, 1000,
    ),
    "with answers to come": (
        {}, RAW + "uart.write('AT+CEREG?\\rATI1\\rAT+COPS?\\r')\nuart.wait_tx_done(9)\n"
        "uart.deinit()" + RESET, 1000,
    ),
    "with RTS asserted": ({}, RAW + RESET, 1000),
    "with what it did not take in the FIFO": (
        {"start": "boot", "boot_ms": 4000}, RAW + "uart.write(128 * 'x')" + RESET, 5000,
    ),
}  # fmt: skip


def lossless(**modem: Any) -> dict[str, Any]:
    return {"radio": {"loss": 0.0, "downlink_loss": 0.0}, "modem": modem}


def test_with_everything_unknown_at_its_worst_a_report_is_delivered(
    make_device: MakeDevice,
) -> None:
    with UdpServer() as server:
        table = {"like": "hard", "radio": {"loss": 0.0}}
        routes = [f"{HOST}:5683=127.0.0.1:{server.port}"]
        device = make_device(table, modem_on_boot=False, routes=routes)
        [status, cause, _], accepted, off = device.run(REPORT)
        assert (status, cause, accepted, off) == (1, "attached", 5, True)
        assert server.wait_for(1) and device.modem.cfun == 4


# The second board has other pins: how the link was left to them, not what the modem does
ON_BOTH = ("asleep", "in data state", "attached", "with RTS asserted")


@pytest.mark.both_runtimes(every=3)
@pytest.mark.parametrize(
    ("state", "board"),
    [(state, "GPy") for state in FOUND] + [(state, "FiPy") for state in ON_BOTH],
)
def test_a_report_is_delivered_whatever_the_modem_was_left_in(
    make_device: MakeDevice, state: str, board: str
) -> None:
    modem, before, most_ms = FOUND[state]
    with UdpServer() as server:
        device = make_device(
            lossless(**modem), name=board, modem_on_boot=False,
            routes=[f"{HOST}:5683=127.0.0.1:{server.port}"],
        )  # fmt: skip
        if before:
            device.run(before, board, ends="reset")
        [status, cause, started_ms], accepted, off = device.run(REPORT)
        assert (status, cause, accepted, off) == (1, "attached", 5, True)
        assert started_ms <= most_ms
        assert server.wait_for(1)
        assert b"hello" in [each.data for each in server.received]
        assert device.emulator.uart.rts is False and device.modem_rests()
        assert device.modem.cfun == 4


def test_a_restart_while_it_attaches_is_told_at_once_however_long_it_takes(
    make_device: MakeDevice,
) -> None:
    """The modem has said that it goes; waiting for its answers would end in "mute"."""
    device = make_device({"like": "modem_crash", "modem": {"boot_ms": 9000}}, modem_on_boot=False)
    [status, told, took_ms], accepted, off = device.run(REPORT)
    assert (status, told, accepted, off) == (0, "modem_rebooted", 0, True)
    assert took_ms < 5000 and device.modem_rests()


UNREACHABLE = {
    "dead": ({"start": "off"}, None, "modem_mute"),
    "mute": ({}, {"point": "time", "at_ms": 10, "do": "mute", "forever": True}, "modem_mute"),
    "not on these pins": ({"uart1": False}, None, "modem_mute"),
}


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("why", UNREACHABLE)
def test_a_modem_that_cannot_be_reached_is_a_cause_and_rts_is_released(
    make_device: MakeDevice, why: str, board: str
) -> None:
    modem, fault, cause = UNREACHABLE[why]
    table = {"modem": modem, "fault": [fault] if fault else []}
    device = make_device(table, name=board, modem_on_boot=False)
    [status, told, took_ms], accepted, off = device.run(REPORT)
    assert (status, told, accepted, off) == (-1, cause, 0, False)
    assert took_ms < 26_500 and device.emulator.uart.rts is False


def test_a_modem_without_firmware_is_told_apart(make_device: MakeDevice) -> None:
    device = make_device({"modem": {"recovery_115200": True}}, modem_on_boot=False)
    [status, cause, _], _, off = device.run(REPORT)
    assert (status, cause, off) == (-1, "modem_recovery", False)
    assert "lost its firmware" in device.output


def test_a_missing_file_of_the_rescue_is_no_board_without_a_modem(make_device: MakeDevice) -> None:
    device = make_device({"modem": {"recovery_115200": True}}, modem_on_boot=False)
    (device.flash / "networking/_nbiot_uart_rescue.py").unlink()
    [status, cause, _], _, off = device.run(REPORT)
    assert (status, cause, off) == (-1, "modem_mute", False)
    assert "_nbiot_uart_rescue" in device.output


def test_a_missing_file_of_the_link_is_no_board_without_a_modem(make_device: MakeDevice) -> None:
    device = make_device(modem_on_boot=False)
    (device.flash / "networking/_nbiot_uart_line.py").unlink()
    program = """
    from networking import nbiot
    nbiot.connect(configured(_MODEM_LINK="uart", _IP_VERSION="IP"), False)
    show([outcome()["cause"], nbiot.deactivate().deactivation_status])
    """
    assert device.run(program) == [["modem_error", False]]
    assert "_nbiot_uart_line" in device.output


BLOCKED = """
from networking import nbiot
nbiot.connect(configured(_MODEM_LINK="uart", _IP_VERSION="IP"), False)
line = nbiot._the_link().modem.wrapped

class Blocked:
    def __init__(self, uart):
        self._uart = uart
        for name in ("any", "read", "deinit"):
            setattr(self, name, getattr(uart, name))
        self.left = given()

    def write(self, data):
        self.left -= 1
        if self.left >= 0:
            self._uart.write(data)
        elif self.left == -2:
            raise OSError("the requested operation failed")

    def wait_tx_done(self, timeout_ms):
        return self.left >= 0 and self._uart.wait_tx_done(timeout_ms)

show(nbiot.sendATsocket("first", "192.0.2.7", 5683))
line.uart = Blocked(line.uart)  # takes the command and so many pieces of the payload
show(nbiot.sendATsocket(3 * 64 * b"x", "192.0.2.7", 5683))
show(nbiot.sendATsocket("last", "192.0.2.7", 5683))
show(nbiot.deactivate().deactivation_status)
"""


@pytest.mark.parametrize("pieces", (1, 2))
def test_a_payload_that_the_modem_takes_in_part_is_never_sent_twice(
    make_device: MakeDevice, pieces: int
) -> None:
    with UdpServer() as server:
        routes = [f"{HOST}:5683=127.0.0.1:{server.port}"]
        device = make_device(lossless(), modem_on_boot=False, routes=routes)
        assert device.run(BLOCKED, pieces) == [5, 0, 4, True]
        assert server.wait_for(3)
        first, cut, last = (each.data for each in server.received)
    assert (first, last) == (b"first", b"last")
    taken = 64 * (pieces - 1)
    assert cut == taken * b"x" + (192 - taken) * b" "  # useless, and not what was to be sent
    assert device.modem_rests()


def test_a_command_that_the_modem_does_not_take_waits_for_it(make_device: MakeDevice) -> None:
    """It restarts for 4 s, with CTS released."""
    crash = {"point": "command", "match": "AT+CREG?", "do": "crash"}
    device = make_device({"modem": {"boot_ms": 4000}, "fault": [crash]}, modem_on_boot=False)
    shown = device.run("""
from networking import nbiot
nbiot.connect(configured(_MODEM_LINK="uart"), False)
nbiot.sendAtCommand("AT+CREG?")
show(nbiot.sendAtCommand("AT+CFUN?"))
show(nbiot.deactivate().deactivation_status)
""")
    (answer, status), off = shown
    assert status is True and "+CFUN: " in answer and off is True
    assert device.modem_rests()


@pytest.mark.both_runtimes
def test_a_fipy_lets_go_of_rts_that_was_held_over_deep_sleep(make_device: MakeDevice) -> None:
    device = make_device(lossless(), name="FiPy", modem_on_boot=False)
    held = (
        'uart.deinit()\nPin("P19", mode=Pin.OUT, value=1).hold(True)\nmachine.deepsleep(60000)\n'
    )
    device.run(RAW + held, "FiPy", ends="deepsleep")
    [status, cause, _], _, off = device.run(REPORT)
    assert (status, cause, off) == (1, "attached", True)
    assert device.emulator.uart.rts is False and device.modem_rests()
