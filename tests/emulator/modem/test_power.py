"""Currents of the modem and the times between them (docs/emulation.md, currents)."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.network.cell import Cell
from emulator.scenario import from_table
from tests.emulator.modem.bare_modem import OK, READY, Rig, info

LPM = 'AT!="setlpm airplane=1 enable=1"'


def draws(rig: Rig) -> tuple[str, float]:
    return rig.board.meter.state("modem"), rig.board.meter.milliamps("modem")


def test_modem_left_in_airplane_mode_draws_the_off_current() -> None:
    rig = Rig(rts=False)
    rig.pass_ms(10_000)
    assert draws(rig) == ("off", 0.002)
    assert rig.board.meter.energy_mj("modem") < 0.1


def test_rts_wakes_it_at_once_and_commands_are_taken_a_moment_later() -> None:
    rig = Rig(rts=False, echo=True)
    rig.pass_ms(10_000)
    rig.uart.set_rts(True)
    assert draws(rig) == ("at", 30.0)
    begin = rig.now_ms
    rig.write("AT\r")
    assert rig.until("OK") == "AT\r" + OK
    assert 90 < rig.now_ms - begin < 1200


@pytest.mark.parametrize(
    ("low_power", "course"),
    [(True, [("lpm", 0.2), ("off", 0.002)]), (False, [("at", 30.0), ("at", 30.0)])],
)
def test_airplane_mode_with_rts_low(low_power: bool, course: list[tuple[str, float]]) -> None:
    rig = Rig({**READY, "modem": {"low_power": low_power}})
    rig.attach()
    rig.ask("AT+CFUN=4", 3000)
    rig.uart.set_rts(False)
    rig.pass_ms(4900)
    assert draws(rig) == course[0]
    rig.pass_ms(200)
    assert draws(rig) == course[1]


def test_restart_forgets_low_power_and_keeps_awake_for_five_seconds() -> None:
    rig = Rig({"modem": {"boot_ms": 3000}})
    rig.ask("AT+CFUN=4,1", 1000)
    assert draws(rig) == ("boot", 60.0)
    rig.until("+SYSSTART")
    rig.ask(LPM, 100)
    rig.uart.set_rts(False)
    rig.pass_ms(4800)
    assert draws(rig) == ("at", 30.0)
    rig.pass_ms(200)
    assert draws(rig) == ("lpm", 0.2)
    rig.pass_ms(5100)
    assert draws(rig) == ("off", 0.002)


@pytest.mark.parametrize(("level", "tx_ma"), [("good", 110.0), ("fair", 240.0), ("edge", 250.0)])
def test_attach_is_split_into_receiving_transmitting_and_waiting(level: str, tx_ma: float) -> None:
    rig = Rig({"radio": {"level": level, "outliers": False}}, seed=2)
    before = {state: rig.board.meter.time_ms("modem", state) for state in ("rx", "tx")}
    rig.attach()
    spent = {state: rig.board.meter.time_ms("modem", state) - before[state] for state in before}
    assert spent["rx"] > 2 * spent["tx"] > 0
    currents = {change.milliamps for change in rig.board.meter.timeline if change.state == "tx"}
    assert currents == {tx_ma}


@pytest.mark.parametrize(
    ("cdrx", "rts", "milliamps"),
    [
        ("sparse", True, 30.0),
        ("sparse", False, 12.0),
        ("dense", True, 53.0),
        ("dense", False, 53.0),
    ],
)
def test_connected_tail(cdrx: str, rts: bool, milliamps: float) -> None:
    rig = Rig({**READY, "network": {"cdrx": cdrx, "release_ms": 10_000, "cgatt_lag_ms": 0}})
    rig.attach()
    rig.uart.set_rts(rts)
    rig.pass_ms(9000)
    assert draws(rig) == ("conn", milliamps)
    rig.pass_ms(1100)
    assert draws(rig) == (("at", 30.0) if rts else ("idle", 1.0))


def test_packet_in_the_tail_is_quicker_than_one_out_of_idle_and_extends_the_tail() -> None:
    scenario = from_table({**READY, "network": {"release_ms": 10_000}})
    rig = Rig(scenario, seed=5)
    twin = Cell(
        Board(seed=5), scenario.network, scenario.radio
    )  # draws what the modem's own cell will draw
    rig.attach()
    for pause_ms, connected in ((1000, True), (15_000, False), (0, True)):
        rig.pass_ms(pause_ms)
        assert rig.modem.radio.connected is connected
        begin = rig.now_ms
        ends: list[bool] = []
        rig.modem.radio.send(148, ends.append)
        rig.board.clock.run_until(10**12, lambda ends=ends: bool(ends))
        expected_ms = twin.uplink(148, connected).duration_ms
        assert rig.now_ms - begin == pytest.approx(expected_ms, abs=0.01)
        rig.pass_ms(9900)
        assert rig.modem.radio.connected


def test_radio_is_on_from_cfun_1_until_cfun_4_is_complete() -> None:
    rig = Rig(READY)
    assert rig.board.meter.state("radio") == "off"
    rig.attach()
    assert rig.board.meter.state("radio") == "on"
    rig.write("AT+CFUN=4\r")
    rig.pass_ms(1000)
    assert rig.board.meter.state("radio") == "on"
    rig.until("OK")
    assert rig.board.meter.state("radio") == "off"
    assert rig.board.meter.milliamps("radio") == 0


def test_searching_draws_the_receiver_current_and_denial_ends_it() -> None:
    rig = Rig("denied")
    rig.ask("AT+CFUN=1", 2000)
    assert draws(rig) == ("rx", 70.0)
    rig.pass_ms(1000)
    assert draws(rig) == ("at", 30.0)


# URCs of a sleeping modem


def test_urc_with_rts_low_waits_for_rts() -> None:
    rig = Rig(READY)
    rig.attach()
    rig.uart.set_rts(False)
    rig.modem.urc("+CEREG: 4")
    assert rig.pass_ms(1000) == b""
    rig.uart.set_rts(True)
    assert rig.pass_ms(100) == b"\r\n+CEREG: 4\r\n"


# power saving mode


def test_psm_is_granted_shown_and_entered() -> None:
    rig = Rig({**READY, "network": {"release_ms": 5000, "cgatt_lag_ms": 0}})
    assert rig.ask('AT+CPSMS=1,,,"00100001","00000101"') == OK  # 1 h, 10 s
    rig.ask("AT+CEREG=4")
    rig.attach()
    assert rig.ask("AT+CEREG?", 100) == info(
        '+CEREG: 4,1,"1A2B","01A2D003",9,,,"00000101","00100001"'
    )
    rig.uart.set_rts(False)
    rig.pass_ms(14_000)
    assert draws(rig) == ("idle", 1.0)
    rig.pass_ms(1500)
    assert draws(rig) == ("psm", 0.002)
    assert rig.modem.registered
    # the periodic update wakes it after an hour, and it sleeps again
    tx_ms = rig.board.meter.time_ms("modem", "tx")
    rig.pass_ms(3_600_000 + 60_000)
    assert rig.board.meter.time_ms("modem", "tx") > tx_ms
    assert draws(rig) == ("psm", 0.002)


def test_packet_down_waits_until_the_modem_leaves_power_saving() -> None:
    rig = Rig({**READY, "network": {"release_ms": 2000}})
    rig.ask('AT+CPSMS=1,,,"00100001","00000001"')
    rig.attach()
    rig.uart.set_rts(False)
    rig.pass_ms(10_000)
    ends: list[str] = []
    rig.modem.radio.downlink(60, lambda ok: ends.append(f"down {ok}"))
    rig.pass_ms(60_000)
    assert ends == []
    rig.modem.radio.send(60, lambda ok: ends.append(f"up {ok}"))
    rig.pass_ms(30_000)
    assert ends == ["up True", "down True"]


def test_network_without_psm_grants_nothing() -> None:
    rig = Rig({**READY, "network": {"release_ms": 2000, "psm": "denied_absent"}})
    rig.ask('AT+CPSMS=1,,,"00100001","00000001"')
    rig.attach()
    rig.uart.set_rts(False)
    rig.pass_ms(60_000)
    assert draws(rig) == ("idle", 1.0)


def test_changing_psm_while_registered_costs_an_update() -> None:
    rig = Rig({**READY, "network": {"release_ms": 2000}})
    rig.attach()
    rig.pass_ms(5000)
    tx_ms = rig.board.meter.time_ms("modem", "tx")
    assert rig.ask("AT+CPSMS=0", 10_000) == OK
    assert rig.board.meter.time_ms("modem", "tx") == tx_ms
    assert rig.ask("AT+CPSMS=1", 10_000) == OK
    assert rig.board.meter.time_ms("modem", "tx") > tx_ms


@pytest.mark.parametrize(
    "line", ['AT+CPSMS=1,,,"0010000","00000001"', 'AT+CPSMS=1,,,"00100001","2"', "AT+CPSMS=3"]
)
def test_psm_parameters_are_checked(line: str) -> None:
    assert "ERROR" in Rig().ask(line)


def test_edrx() -> None:
    rig = Rig(READY)
    rig.attach()
    assert rig.ask("AT+CEDRXRDP") == info("+CEDRXRDP: 0")
    assert rig.ask('AT+CEDRXS=2,5,"0101"', 5000) == OK + '\r\n+CEDRXP: 5,"0101","0101","0000"\r\n'
    assert rig.ask("AT+CEDRXS?") == info('+CEDRXS: 5,"0101"')
    assert rig.ask("AT+CEDRXRDP") == info('+CEDRXRDP: 5,"0101","0101","0000"')
    assert rig.ask('AT+SQNEDRX=1,5,"1001","0001"') == OK
    assert rig.ask("AT+SQNEDRX?") == info('+SQNEDRX: 1,5,"1001","0001"')
    assert rig.ask("AT+CEDRXS=3;+CEDRXRDP") == info("+CEDRXRDP: 0")
    assert "ERROR" in rig.ask('AT+CEDRXS=1,4,"0101"')  # no CAT-M1 in this image
