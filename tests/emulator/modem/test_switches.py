"""What is unknown of modem and network, key by key: sleep, power saving mode, leftovers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, READY, Rig, info
from tests.emulator.modem.socket_rig import SERVER6, SocketRig

HOUR, TWO_S = "00100001", "00000001"
ASK = f'AT+CPSMS=1,,,"{HOUR}","{TWO_S}"'
LOCATED = '1,"1A2B","01A2D003",9'
OFFERED = {"release_ms": 2000, "cgatt_lag_ms": 0}
QUIET_MS = 20_000  # the connection is released, T3324 is over


def state(rig: Rig) -> str:
    return rig.board.meter.state("modem")


def spent(rig: Rig, doing: str = "tx") -> int:
    return rig.board.meter.time_ms("modem", doing)


def rests(rig: Rig, passes_ms: float = QUIET_MS) -> Rig:
    """Registered, with power saving mode asked for; RTS is released and time goes by."""
    rig.ask("AT")  # some lose the first line
    rig.ask(ASK + ";+CEREG=5")
    rig.attach()
    rig.uart.set_rts(False)
    rig.pass_ms(passes_ms)
    return rig


def registered(modem: dict[str, Any] | None = None, **network: Any) -> Rig:
    return Rig({**READY, "modem": modem or {}, "network": {**OFFERED, **network}})


def asleep(modem: dict[str, Any] | None = None, **network: Any) -> Rig:
    rig = rests(registered(modem, **network))
    assert state(rig) == "psm"
    return rig


# waking up

FIRST_LINES = [
    ({}, OK),
    ({"wake_garbage": "ff"}, "\xff" + OK),
    ({"wake_garbage": "00"}, "\x00" + OK),
    ({"wake_loses_first": 1}, ERROR),
    ({"wake_loses_first": -1}, ""),
]


@pytest.mark.parametrize(("modem", "said"), FIRST_LINES)
@pytest.mark.parametrize("psm", [False, True])
def test_first_line_after_a_sleep(modem: dict[str, Any], said: str, psm: bool) -> None:
    rig = asleep(modem) if psm else Rig({"modem": modem}, rts=False)
    rig.pass_ms(10_000)
    rig.uart.set_rts(True)
    assert rig.ask("AT", 1000) == said
    assert rig.ask("AT") == OK


@pytest.mark.parametrize(("key_ms", "bounds_ms"), [(0, (150, 800)), (2500, (2500, 2600))])
def test_out_of_power_saving_mode_it_answers_after(
    key_ms: int, bounds_ms: tuple[int, int]
) -> None:
    rig = asleep({"psm_wake_ms": key_ms})
    begin_ms = rig.now_ms
    rig.uart.set_rts(True)
    assert not rig.uart.cts
    rig.write("AT\r")
    rig.until("OK")
    assert bounds_ms[0] < rig.now_ms - begin_ms < bounds_ms[1]
    assert rig.uart.cts


URC = "\r\n+CTZV: 4\r\n"


@pytest.mark.parametrize(
    ("key", "unasked_ms", "with_command"), [(5, 620, ""), (3400, 4100, ""), (-1, None, URC)]
)
def test_urcs_that_were_held_come(key: int, unasked_ms: int | None, with_command: str) -> None:
    rig = Rig({"modem": {"urc_on_wake": key}}, rts=False)
    rig.pass_ms(10_000)
    rig.modem.urc("+CTZV: 4")
    rig.uart.set_rts(True)
    if key == 3400:  # a command that comes before does not call them
        assert rig.ask("AT", 1000) == OK
    said = rig.pass_ms(5000 if unasked_ms is None else unasked_ms).decode()
    assert said == ("" if unasked_ms is None else URC)
    assert rig.ask("AT") == with_command + OK


def test_urcs_of_a_modem_that_woke_by_itself_wait_for_rts_as_well() -> None:
    rig = asleep()
    rig.modem.urc("+CTZV: 4")
    rig.pass_ms(3_600_000 - QUIET_MS)  # the periodic update
    assert rig.pass_ms(2000) == b""
    rig.uart.set_rts(True)
    assert rig.pass_ms(1000).decode() == URC


def test_what_was_said_to_nobody_comes_once_the_modem_is_awake_again() -> None:
    rig = Rig()
    rig.ask("AT")  # so that it is still awake
    rig.uart.set_rts(False)
    rig.modem.urc("+CTZV: 4")
    rig.pass_ms(20_000)
    rig.uart.set_rts(True)
    assert rig.pass_ms(90) == b""
    assert rig.pass_ms(700).decode() == URC


# what RTS, the last character and unread ones cost


@pytest.mark.parametrize("milliamps", [30.0, 8.3])
def test_current_while_rts_is_asserted(milliamps: float) -> None:
    rig = Rig({"modem": {"rts_idle_ma": milliamps}})
    rig.pass_ms(60_000)
    assert rig.board.meter.milliamps("modem") == milliamps


RESTS = [  # key, what is stored before, when it still is awake and when it rests, of RTS released
    (0, "", -1, 10),
    (5000, "", 4900, 5100),
    (5000, "AT+SQNIPSCFG=1,100", 80, 130),
    (5000, "AT+SQNIPSCFG=0", 60_000, None),
]


@pytest.mark.parametrize(("delay_ms", "line", "awake_ms", "rests_ms"), RESTS)
@pytest.mark.parametrize("airplane", [True, False])
def test_rest_begins_behind_the_last_character(
    delay_ms: int, line: str, awake_ms: int, rests_ms: int | None, airplane: bool
) -> None:
    modem = {"lpm_delay_ms": delay_ms}
    rig = Rig({"modem": modem}) if airplane else registered(modem)
    if not airplane:
        rig.ask(ASK.replace(TWO_S, "00000000"))
        rig.attach()
        rig.pass_ms(QUIET_MS)
    if line:
        rig.ask(line)
    rig.ask("AT", 20)
    rig.uart.set_rts(False)
    rig.pass_ms(max(0, awake_ms - 20))
    assert awake_ms < 0 or state(rig) == "at"
    if rests_ms is not None:
        rig.pass_ms(rests_ms - max(0, awake_ms - 20))
        assert state(rig) == (("lpm" if rests_ms < 5000 else "off") if airplane else "psm")


def test_urcs_that_are_held_do_not_put_the_rest_off() -> None:
    rig = registered({"urc_every_ms": 1000})
    rests(rig)
    assert state(rig) == "psm"


@pytest.mark.parametrize(("entry_ms", "before"), [(0, "psm"), (100_000, "idle")])
def test_power_saving_mode_comes_later(entry_ms: int, before: str) -> None:
    rig = rests(registered({"psm_entry_ms": entry_ms}))
    rig.pass_ms(80_000)
    assert state(rig) == before
    rig.pass_ms(20_000)
    assert state(rig) == "psm"


@pytest.mark.parametrize(("blocks", "sleeps"), [(False, "psm"), (True, "at")])
def test_what_nobody_has_read_when_rts_was_released(blocks: bool, sleeps: str) -> None:
    rig = rests(registered({"urc_blocks_sleep": blocks}), 0)
    rig.modem.urc("+CTZV: 4")
    rig.pass_ms(QUIET_MS)
    assert state(rig) == sleeps
    rig.uart.set_rts(True)
    assert URC in rig.pass_ms(1000).decode()
    rig.uart.set_rts(False)
    rig.pass_ms(6000)
    assert state(rig) == "psm"


# what the network answers

GRANTS = [
    ("as_asked", LOCATED + f',,,"{TWO_S}","{HOUR}"', "psm"),
    ("denied_absent", LOCATED, "idle"),
    ("denied_111", LOCATED + ',,,"11100000","11100000"', "idle"),
    ("tau_missing", LOCATED + f',,,"{TWO_S}",', "psm"),
    ("tau_24h", LOCATED + f',,,"{TWO_S}","00111000"', "psm"),
    ("active_16s", LOCATED + f',,,"00001000","{HOUR}"', "psm"),
    ("cause_filled", LOCATED + f',0,18,"{TWO_S}","{HOUR}"', "psm"),
]


@pytest.mark.parametrize(("word", "shown", "sleeps"), GRANTS)
def test_power_saving_mode_as_the_network_grants_it(word: str, shown: str, sleeps: str) -> None:
    rig = rests(registered(psm=word), 15_000)
    assert state(rig) == ("idle" if word == "active_16s" else sleeps)
    rig.pass_ms(15_000)
    assert state(rig) == sleeps
    rig.uart.set_rts(True)
    rig.pass_ms(1000)
    assert rig.ask("AT+CEREG?") == info(f"+CEREG: 5,{shown}")
    assert rig.ask("AT+CPSMS?") == info(f'+CPSMS: 1,,,"{HOUR}","{TWO_S}"')  # what was asked


@pytest.mark.parametrize(
    ("word", "hours"), [("as_asked", 1), ("tau_missing", 0.9), ("tau_24h", 24)]
)
def test_the_modem_updates_by_itself_when_t3412_is_over(word: str, hours: float) -> None:
    rig = asleep(psm=word)
    before_ms = spent(rig)
    rig.pass_ms(hours * 3_600_000 - 60_000)
    assert spent(rig) == before_ms
    rig.pass_ms(120_000)
    assert spent(rig) > before_ms
    assert state(rig) == "psm"


def test_a_denial_without_service_is_said_as_well() -> None:
    rig = registered(psm="denied_111")
    rig.ask(ASK + ";+CEREG=4;+CFUN=1", 1000)
    assert rig.ask("AT+CEREG?", 100) == info('+CEREG: 4,2,,,,,,"11100000","11100000"')


@pytest.mark.parametrize(
    ("at", "course"), [(0, ["psm", "psm", "psm"]), (2, ["psm", "idle", "idle"])]
)
def test_the_network_withdraws_its_grant_at_an_update(at: int, course: list[str]) -> None:
    rig = asleep(psm_denied_later=at)
    seen = []
    for _ in course:
        rig.pass_ms(3_620_000)
        seen.append(state(rig))
    assert seen == course
    rig.uart.set_rts(True)
    rig.pass_ms(1000)
    assert (f'"{TWO_S}"' in rig.ask("AT+CEREG?")) is (course[-1] == "psm")


@pytest.mark.parametrize("same_tau", [False, True])
def test_the_same_request_again(same_tau: bool) -> None:
    rig = rests(registered({"cpsms_same_tau": same_tau}))
    rig.uart.set_rts(True)
    rig.pass_ms(1000)
    before_ms = spent(rig)
    assert rig.ask(ASK, 5000) == OK
    assert (spent(rig) > before_ms) is same_tau


# after power saving mode

RESUMED = [
    ({}, OK, info(f'+CEREG: 5,{LOCATED},,,"{TWO_S}","{HOUR}"')),
    ({"psm_echo": "E1"}, "AT\r" + OK, None),
    ({"psm_registration": "4"}, OK, info("+CEREG: 5,4")),
    ({"psm_registration": "0"}, OK, info("+CEREG: 5,0")),
    ({"psm_registration": "2"}, OK, info("+CEREG: 5,2")),
]


@pytest.mark.parametrize(("modem", "first", "registration"), RESUMED)
def test_what_a_host_finds_after_power_saving_mode(
    modem: dict[str, Any], first: str, registration: str | None
) -> None:
    rig = asleep(modem)
    rig.uart.set_rts(True)
    rig.pass_ms(1000)
    assert rig.ask("AT", 100) == first
    if registration is not None:
        assert rig.ask("AT+CEREG?", 100) == registration
        rig.pass_ms(7000)
        back = registration.replace("5,2", f'5,{LOCATED},,,"{TWO_S}","{HOUR}"')
        assert rig.ask("AT+CEREG?", 100) == back


@pytest.mark.parametrize("stat", ["0", "4"])
def test_a_lost_registration_comes_back_by_cfun(stat: str) -> None:
    rig = asleep({"psm_registration": stat})
    rig.uart.set_rts(True)
    rig.pass_ms(1000)
    rig.ask("AT+CFUN=4", 3000)
    rig.attach()
    assert LOCATED in rig.ask("AT+CEREG?")


def test_a_modem_that_restarts_when_it_is_woken() -> None:
    rig = asleep({"psm_sysstart": True, "boot_ms": 3000})
    rig.uart.set_rts(True)
    assert rig.until("+SYSSTART") == "\r\n+SYSSTART\r\n"
    rig.ask("ATE0")
    assert rig.ask("AT+CFUN?;+CEREG?") == "\r\n+CFUN: 0\r\n" + info("+CEREG: 5,0")


SOCKETS = [
    # keys, what +SQNSS says, whether +SQNSSENDEXT prompts, whether the address is the same
    ({}, 2, True, True),
    ({"psm_sockets": "closed"}, 0, False, True),
    ({"psm_sockets": "half"}, 2, False, True),
    ({"psm_new_ip": True}, 2, False, False),
]


@pytest.mark.parametrize(("modem", "shown", "sends", "same_address"), SOCKETS)
def test_sockets_and_address_after_power_saving_mode(
    modem: dict[str, Any], shown: int, sends: bool, same_address: bool
) -> None:
    with SocketRig(attach=False, modem=modem, network=OFFERED) as rig:
        server = rig.serve(None)
        rig.ask(ASK)
        rig.attach()
        assert rig.ask("AT+SQNSCFG=1,1,0,0,600,50") == OK
        assert rig.dial(host=SERVER6) == OK
        address = rig.ask("AT+CGPADDR=1")
        rig.uart.set_rts(False)
        rig.pass_ms(600_000)
        assert state(rig) == "psm"
        rig.uart.set_rts(True)
        rig.pass_ms(1000)
        assert (rig.ask("AT+CGPADDR=1") == address) is same_address
        assert rig.ask("AT+SQNSS=1").startswith(f"\r\n+SQNSS: 1,{shown}")
        assert rig.ask("AT+SQNSSENDEXT=1,5") == ("\r\n> " if sends else ERROR)
        if sends:
            rig.write("hello")
        else:  # a new one reaches the server
            rig.ask("AT+SQNSH=1")
            assert rig.dial(host=SERVER6) == OK
            rig.send(b"hello")
        rig.pass_ms(10_000)
        assert server.wait_for(1) and server.received[0].data == b"hello"


# switching the radio off, data state, prompts, what exists


@pytest.mark.parametrize("aborts", [False, True])
def test_rts_released_while_the_radio_goes_off(aborts: bool) -> None:
    rig = registered({"off_rts_abort": aborts})
    rig.attach()
    rig.write("AT+CFUN=4\r")
    rig.pass_ms(500)
    rig.uart.set_rts(False)
    rig.pass_ms(30_000)
    assert rig.board.meter.state("radio") == ("on" if aborts else "off")
    rig.uart.set_rts(True)
    rig.pass_ms(1000)
    assert rig.ask("AT+CFUN?") == info(f"+CFUN: {1 if aborts else 4}")


@pytest.mark.parametrize(("limit_s", "after"), [(0, "\r\n> "), (60, "\r\n> " + ERROR)])
def test_data_that_are_never_complete(limit_s: int, after: str) -> None:
    with SocketRig(modem={"prompt_timeout_s": limit_s}) as rig:
        rig.ask("AT+SQNSCFG=1,1,300,0,600,50")
        assert rig.dial(host=SERVER6) == OK
        rig.write("AT+SQNSSENDEXT=1,10\r")
        rig.pass_ms(50)
        rig.write("12345")
        assert rig.pass_ms(120_000).decode() == after.replace("\r\n> ", "", 1)
        assert rig.ask("AT") == (OK if limit_s else "")


def test_a_modem_that_was_left_in_data_state_needs_the_escape_sequence() -> None:
    rig = Rig({**READY, "modem": {"data_state_left": True}}, echo=True)
    assert rig.ask("AT", 2000) == ""
    rig.write("+++")
    assert rig.pass_ms(1200).decode() == OK
    assert rig.ask("ATH") == "ATH\r" + OK
    assert "+CFUN: 1" in rig.ask("AT+CFUN?")


ABSENT = "absent"
EXISTS = [
    # command, keys with which it is there, its answer, keys with which it is not
    ("AT+SQNPSCFG?", {}, info("+SQNPSCFG: 5000"), None),
    ("AT+SQNPSCFG=10000", {}, OK, None),
    ("AT+SQNEDRX?", {}, info('+SQNEDRX: 0,5,"1111","0000"'), None),
    (
        "AT+CPSMS=?",
        {},
        info('+CPSMS: (0-2), , ,("00000000"-"11111111"),("00000000"-"11111111")'),
        None,
    ),
    ("AT+CNMPSD", {"rai": "accepted"}, OK, {}),
    ("AT+CNMPSD", {"rai": "without_effect"}, OK, {"rai": ABSENT}),
    ("AT+SQNSSCFG=1,1,1", {"tls": "plaintext"}, OK, {}),
    ('AT+SQNSPCFG=1,2,"0x8C"', {"tls": "plaintext"}, OK, {"tls": ABSENT}),
    ("AT+CSCON?", {"cscon": True}, info("+CSCON: 0,0"), {}),
]


@pytest.mark.parametrize(("line", "modem", "said", "without"), EXISTS)
def test_commands_that_a_build_has_or_lacks(
    line: str, modem: dict[str, Any], said: str, without: dict[str, Any] | None
) -> None:
    assert Rig({"modem": modem}).ask(line) == said
    if without is not None:
        assert Rig({"modem": without}).ask(line) == ERROR


def test_the_list_of_commands_names_those_that_are_there_or_is_refused() -> None:
    listed = Rig().ask("AT+CLAC").split("\r\n")
    assert {"AT+CEREG", "AT+SQNSD", "AT+CPSMS", "AT+CLAC", "ATI"} <= set(listed)
    assert "AT+CSCON" not in listed
    assert Rig({"modem": {"clac": "error"}}).ask("AT+CLAC") == ERROR


@pytest.mark.parametrize(("rai", "release_ms"), [("accepted", 300), ("without_effect", 10_000)])
def test_no_more_data_ends_the_connection_that_is_there(rai: str, release_ms: int) -> None:
    rig = Rig({**READY, "modem": {"rai": rai}, "network": {**OFFERED, "release_ms": 10_000}})
    rig.attach()
    assert rig.modem.radio.connected
    rig.ask("AT+CNMPSD", 20)
    rig.pass_ms(release_ms - 100)
    assert rig.modem.radio.connected
    rig.pass_ms(200)
    assert not rig.modem.radio.connected


@pytest.mark.parametrize(("edrx", "milliamps"), [(True, 0.2), (False, 1.0)])
def test_extended_drx_rests_more_and_is_reached_once_in_a_cycle(
    edrx: bool, milliamps: float
) -> None:
    rig = registered(edrx=edrx)
    rig.attach()
    rig.pass_ms(5000)
    before_ms = spent(rig)
    assert rig.ask('AT+SQNEDRX=2,5,"1001","0001"', 6000).startswith(OK)
    assert spent(rig) > before_ms  # it is asked for in an update
    rig.uart.set_rts(False)
    rig.pass_ms(60_000)
    assert rig.board.meter.milliamps("modem") == milliamps
    ends: list[float] = []
    begin_ms = rig.now_ms
    for _ in range(5):
        rig.modem.radio.downlink(60, lambda ok: ends.append(rig.now_ms - begin_ms))
        rig.pass_ms(200_000)
    waits_s = [(each - 200_000 * index) / 1000 for index, each in enumerate(ends)]
    assert (max(waits_s) > 20) is edrx
    assert max(waits_s) < 164 + 20


@pytest.mark.parametrize(
    ("line", "first"), [("AT^RESET", 1), ("AT+CFUN=4,1", 1), ('AT+SQNCTM="verizon"', 1)]
)
def test_shutdown_comes_apart_from_the_ok_and_sysstart_after_the_restart(
    line: str, first: int
) -> None:
    rig = Rig({"modem": {"boot_ms": 6000}})
    rig.write(line + "\r")
    rig.until("OK")
    begin_ms = rig.now_ms
    rig.until("+SHUTDOWN")
    assert rig.now_ms - begin_ms > 90
    begin_ms = rig.now_ms
    rig.until("+SYSSTART")
    assert 5990 < rig.now_ms - begin_ms < 6010
