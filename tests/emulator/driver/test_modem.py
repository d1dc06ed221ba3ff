"""The driver on the emulated modem itself: what both make of each other."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.board.board import DEEPSLEEP_RESET, WDT_RESET, Board
from emulator.driver.lte import LteDriver
from emulator.modem.modem import Modem
from emulator.modem.uart import Uart
from emulator.network.cell import Cell
from emulator.scenario import from_table


class Real:
    def __init__(self, firmware: str = "1.20.2.r4", **sections: Any) -> None:
        scenario = from_table({"radio": {"attach_ms": 3000, "detach_ms": 800}, **sections})
        self.board = Board(seed=7, firmware=firmware, faults=scenario.faults)
        self.uart = Uart(self.board)
        cell = Cell(self.board, scenario.network, scenario.radio)
        self.modem = Modem(self.board, self.uart, cell, scenario.modem, scenario.sim)
        self.driver = LteDriver(self.board, self.uart, self.modem)
        self.board.plug("lte", self.driver)

    def call(self, name: str, *args: Any) -> Any:
        return self.board.call("lte." + name, *args)

    def start(self) -> None:
        if self.call("open"):
            while self.call("link_pending"):
                self.board.spend_us(4000)
            self.call("configure", None, 1, True, [0, 7, 0, 7])

    def attach(self, pdn_type: str = "IP") -> bool:
        self.call("attach", 20, None, "iot", pdn_type, False, None, None)
        for _ in range(30):
            if self.call("isattached"):
                return True
            self.board.spend_us(1_000_000)
        return False

    def at(self, command: str) -> str:
        return self.call("send_at_cmd", command, None)


def test_start_leaves_echo_off_and_the_modem_in_airplane_mode():
    real = Real()
    real.start()
    assert real.at("AT+CFUN?") == "\r\n+CFUN: 4\r\n\r\nOK\r\n"
    assert real.modem.cfun == 4


@pytest.mark.parametrize("firmware", ["1.20.2.r4", "1.20.2.r7"])
@pytest.mark.parametrize("roaming", [False, True])
def test_attach_ends_registered(firmware, roaming):
    real = Real(firmware, network={"roaming": roaming})
    real.start()
    assert real.attach()
    assert real.modem.registered
    assert real.driver.furthest == 1


@pytest.mark.parametrize(
    ("pdn_type", "connected"), [("IP", True), ("IPV4V6", True), ("IPV6", False)]
)
def test_data_state_by_type_of_the_connection(pdn_type, connected):
    real = Real()
    real.start()
    assert real.attach(pdn_type)
    real.call("connect", None, None)
    assert real.modem.in_data_mode
    assert real.call("isconnected") is connected
    assert real.driver.ppp_address == real.modem.pdn_addresses(1).get("IP")
    real.call("disconnect")
    assert not real.modem.in_data_mode
    assert real.at("AT").endswith("\r\nOK\r\n")


def test_suspended_session_takes_commands_and_goes_on():
    real = Real()
    real.start()
    assert real.attach()
    real.call("connect", None, None)
    address = real.driver.ppp_address
    real.call("pppsuspend")
    assert "+CSQ: " in real.at("AT+CSQ")
    real.call("pppresume", None)
    assert real.call("isconnected")
    assert real.driver.ppp_address == address is not None


def test_lost_connection_ends_data_state():
    real = Real()
    real.start()
    assert real.attach()
    real.call("connect", None, None)
    assert real.call("isconnected")
    real.modem.pdn_down(1)
    real.board.spend_us(2_000_000)
    assert not real.call("isconnected")
    assert real.at("AT").endswith("\r\nOK\r\n")


@pytest.mark.parametrize("cause", [WDT_RESET, DEEPSLEEP_RESET])
def test_modem_stays_registered_over_a_reset_of_the_esp32(cause):
    real = Real()
    real.start()
    assert real.attach()
    real.driver.on_sleep(1000)
    real.board.reset(cause)
    real.board.spend_us(5_000_000)
    assert real.modem.registered
    real.start()
    assert real.call("isattached")
    assert real.at("AT+CFUN?") == "\r\n+CFUN: 1\r\n\r\nOK\r\n"


def test_modem_in_data_state_is_caught_again_after_a_reset_of_the_esp32():
    real = Real()
    real.start()
    assert real.attach()
    real.call("connect", None, None)
    real.board.reset(WDT_RESET)
    real.start()
    assert not real.modem.in_data_mode
    assert real.call("isattached")


def test_deinit_switches_the_radio_off():
    real = Real()
    real.start()
    assert real.attach()
    real.call("deinit", True, False, True)
    assert (real.modem.cfun, real.modem.registered) == (4, False)


def test_reset_brings_echo_and_minimum_functionality_back():
    real = Real()
    real.start()
    real.call("reset")
    assert real.at("AT+CFUN?") == "AT+CFUN?\r\r\n+CFUN: 0\r\n\r\nOK\r\n"


def test_no_sim():
    real = Real(sim={"state": "absent"})
    real.start()
    with pytest.raises(RuntimeError, match="^Sim card not present$"):
        real.call("attach", 20, None, "iot", None, False, None, None)


def test_mute_modem():
    real = Real(modem={"start": "off"})
    with pytest.raises(OSError, match="modem_state=disconnected"):
        real.start()


def test_reporting_mode_left_by_a_user_blinds_isattached_until_the_next_start():
    real = Real()
    real.start()
    assert real.attach()
    real.at("AT+CEREG=2")
    assert not real.call("isattached")
    real.call("deinit", False, False, True)
    real.start()
    assert real.call("isattached")
