"""CFUN, +CEREG in all its forms, attach and detach (3GPP TS 27.007 8.2, 10.1.9, 10.1.22)."""

from __future__ import annotations

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, READY, Rig, info

LOCATED = ',"1A2B","01A2D003",9'


def urc(text: str) -> str:
    return f"\r\n+CEREG: {text}\r\n"


@pytest.mark.parametrize(
    ("n", "course"),
    [
        (0, ""),
        (1, urc("2") + urc("1")),
        (2, urc("2") + urc("1" + LOCATED)),
        (3, urc("2") + urc("1" + LOCATED)),
        (4, urc("2") + urc("1" + LOCATED)),
        (5, urc("2") + urc("1" + LOCATED)),
    ],
)
def test_unsolicited_and_read_forms(n: int, course: str) -> None:
    rig = Rig(READY)
    assert rig.ask(f"AT+CEREG={n}") == OK
    assert rig.ask("AT+CFUN=1", 20_000) == OK + course
    last = course.rstrip().rpartition(": ")[2] or "1"
    assert rig.ask("AT+CEREG?") == info(f"+CEREG: {n},{last}")


@pytest.mark.parametrize(
    ("n", "denied"),
    [(1, "3"), (2, "3"), (3, "3,,,,0,8"), (4, "3"), (5, "3,,,,0,8")],
)
def test_reject_cause_is_shown_where_the_form_has_a_place_for_it(n: int, denied: str) -> None:
    rig = Rig("denied")
    rig.ask(f"AT+CEREG={n}")
    assert rig.ask("AT+CFUN=1", 5000) == OK + urc("2") + urc(denied)
    assert rig.ask("AT+CEREG?") == info(f"+CEREG: {n},{denied}")


def test_cereg_test_form_and_bad_values() -> None:
    rig = Rig()
    assert rig.ask("AT+CEREG=?") == info("+CEREG: (0-5)")
    assert rig.ask("AT+CEREG=6") == ERROR
    assert rig.ask("AT+CEREG=-1") == ERROR


def test_creg_mirrors_cereg_and_cgreg_means_nothing() -> None:
    rig = Rig(READY)
    rig.ask("AT+CREG=1;+CGREG=1")
    said = rig.ask("AT+CFUN=1", 8000)
    assert said == OK + "".join(urc(s) + f"\r\n+CREG: {s}\r\n" for s in ("2", "1"))
    assert rig.ask("AT+CREG?;+CGREG?") == "\r\n+CREG: 1,1\r\n" + info("+CGREG: 1,0")


def test_roaming() -> None:
    rig = Rig({**READY, "network": {"roaming": True}})
    assert rig.ask("AT+CFUN=1", 8000) == OK + urc("2") + urc("5")


def test_a_first_refusal_is_not_the_end() -> None:
    rig = Rig("denied_once")
    said = rig.ask("AT+CFUN=1", 30_000)
    assert said == OK + urc("2") + urc("3") + urc("2") + urc("5")


def test_without_a_cell_the_modem_goes_on_searching() -> None:
    rig = Rig("no_cell")
    said = rig.ask("AT+CFUN=1", 135_000)
    assert said == OK + urc("2") + urc("0") + urc("2") + urc("4") + urc("2") + urc("0")
    assert rig.modem.cfun == 1 and not rig.modem.registered


def test_cfun_1_answers_at_once_and_cereg_0_precedes_the_ok_of_cfun_4() -> None:
    rig = Rig(READY)
    rig.write("AT+CFUN=1\r")
    begin = rig.now_ms
    rig.until("OK")
    assert rig.now_ms - begin < 300
    rig.until("+CEREG: 1")
    begin = rig.now_ms
    assert rig.ask("AT+CFUN=4", 4000) == urc("0") + OK
    assert rig.ask("AT+CFUN?") == info("+CFUN: 4")


def test_cfun_4_while_attached_takes_the_time_of_a_detach() -> None:
    rig = Rig(READY)
    rig.attach()
    rig.pass_ms(20_000)
    begin = rig.now_ms
    rig.write("AT+CFUN=4\r")
    rig.until("OK")
    assert 1700 <= rig.now_ms - begin <= 1900  # 1500 ms of detach, 200 to 350 ms and latency
    rig.pass_ms(100)
    begin = rig.now_ms
    rig.write("AT+CFUN=0\r")
    rig.until("OK")
    assert rig.now_ms - begin < 150


# +CGATT=1


def test_cgatt_1_answers_at_the_moment_of_being_attached_behind_the_urc() -> None:
    rig = Rig({**READY, "network": {"cgatt_lag_ms": 0}})
    begin = rig.now_ms
    rig.ask("AT+CFUN=1")
    rig.write("AT+CGATT=1\r")
    assert rig.until("OK") == urc("1") + OK
    # the radio is on after 100 to 250 ms, and attached 4000 ms later
    assert 4100 < rig.now_ms - begin < 4300
    assert rig.ask("AT+CGATT?") == info("+CGATT: 1")


def test_cgatt_1_when_attached_already() -> None:
    rig = Rig(READY)
    rig.attach()
    assert rig.ask("AT+CGATT=1", 100) == OK


def test_cgatt_1_fails_with_the_reject() -> None:
    rig = Rig("denied")
    rig.ask("AT+CFUN=1")
    assert rig.ask("AT+CGATT=1", 5000) == urc("3") + ERROR
    assert rig.ask("AT+CGATT=1") == ERROR


def test_cgatt_1_survives_a_refusal_that_is_followed_by_another_network() -> None:
    rig = Rig("denied_once")
    rig.ask("AT+CFUN=1")
    said = rig.ask("AT+CGATT=1", 30_000)
    assert said == urc("3") + urc("2") + urc("5") + OK


def test_cgatt_1_fails_after_a_minute_without_service() -> None:
    rig = Rig("no_cell")
    rig.ask("AT+CFUN=1")
    begin = rig.now_ms
    rig.write("AT+CGATT=1\r")
    rig.until("ERROR")
    assert 59_000 <= rig.now_ms - begin <= 61_000


@pytest.mark.parametrize("cfun", [0, 4])
def test_cgatt_1_needs_the_radio(cfun: int) -> None:
    rig = Rig(READY)
    rig.ask(f"AT+CFUN={cfun}")
    assert rig.ask("AT+CGATT=1") == ERROR


def test_cgatt_0_detaches_and_cgatt_1_attaches_again() -> None:
    rig = Rig(READY)
    rig.attach()
    assert rig.ask("AT+CGATT=0", 3000) == urc("0") + OK
    assert rig.ask("AT+CGATT?;+CFUN?") == "\r\n+CGATT: 0\r\n" + info("+CFUN: 1")
    assert rig.pass_ms(60_000) == b""
    assert rig.ask("AT+CGATT=1", 8000) == urc("2") + urc("1") + OK


def test_cgatt_can_lag_behind_cereg() -> None:
    rig = Rig({**READY, "network": {"cgatt_lag_ms": 3000}})
    rig.ask("AT+CFUN=1", 5000)
    assert rig.ask("AT+CEREG?;+CGATT?") == "\r\n+CEREG: 1,1\r\n" + info("+CGATT: 0")
    assert rig.ask("AT+CGATT?", 4000) == info("+CGATT: 0")
    assert rig.ask("AT+CGATT?") == info("+CGATT: 1")


# coverage and the network


def test_coverage_is_lost_and_regained_with_the_addresses_kept() -> None:
    rig = Rig(
        {
            **READY,
            "fault": [
                {"point": "time", "at_ms": 20_000, "do": "lose_coverage"},
                {"point": "time", "at_ms": 40_000, "do": "regain_coverage"},
            ],
        }
    )
    rig.attach()
    before = rig.modem.pdn_addresses(1)
    assert rig.until("+CEREG: 4").endswith(urc("4"))
    assert not rig.modem.registered
    assert rig.until("+CEREG: 1").endswith(urc("1"))
    assert 40_000 < rig.now_ms < 45_000
    assert rig.modem.pdn_addresses(1) == before != {}
    assert rig.pass_ms(60_000) == b""


@pytest.mark.parametrize(("cause", "course"), [(None, "0 2 1"), (8, "3")])
def test_detach_by_the_network(cause: int | None, course: str) -> None:
    fault = {"point": "time", "at_ms": 20_000, "do": "detach_by_network"}
    if cause:
        fault["cause"] = cause
    rig = Rig({**READY, "fault": [fault]})
    rig.attach()
    said = rig.pass_ms(40_000).decode()
    assert said == "".join(urc(stat) for stat in course.split())


def test_flapping() -> None:
    said = Rig("flapping").ask("AT+CFUN=1", 60_000)
    stats = [line.split()[1] for line in said.split("\r\n") if line.startswith("+CEREG")]
    assert stats[:7] == ["2", "1", "4", "2", "1", "4", "2"]


def test_same_seed_same_attach_whatever_else_is_asked() -> None:
    def attach_ms(chatty: bool) -> float:
        rig = Rig(seed=7)
        if chatty:
            for _ in range(20):
                rig.ask("AT+CESQ;+CEREG?", 50)
        rig.write("AT+CFUN=1\r")
        rig.until("+CEREG: 2")
        begin = rig.now_ms
        while not rig.modem.registered:
            if chatty:
                rig.ask("AT+CEREG?", 25)
            else:
                rig.pass_ms(1)
        return rig.now_ms - begin

    assert attach_ms(True) == pytest.approx(attach_ms(False), abs=30)


def test_band_that_is_not_on_the_scan_list_is_never_found() -> None:
    rig = Rig(READY)
    rig.ask('AT!="clearscanconfig"')
    assert rig.ask('AT!="RRC::addScanBand band=3"') == "\r\n\r\nOK\r\n"
    assert "+CEREG: 1" not in rig.ask("AT+CFUN=1", 60_000)
    rig.ask("AT+CFUN=4", 60_000)
    rig.ask('AT!="addscanband band=20"')
    assert "+CEREG: 1" in rig.ask("AT+CFUN=1", 60_000)


def test_first_attach_takes_much_longer_and_only_once() -> None:
    rig = Rig({"radio": {"first_attach": True, "outliers": False}}, seed=3)
    begin = rig.now_ms
    rig.attach()
    assert rig.now_ms - begin > 12_000
    rig.ask("AT+CFUN=4", 20_000)
    begin = rig.now_ms
    rig.attach()
    assert rig.now_ms - begin < 15_000


# +COPS


def test_cops() -> None:
    rig = Rig(READY)
    assert rig.ask("AT+COPS?") == ERROR
    rig.ask("AT+CFUN=1")
    assert rig.ask("AT+COPS?") == info("+COPS: 0")
    rig.attach()
    assert rig.ask("AT+COPS?") == info('+COPS: 0,2,"00101",9')
    rig.ask("AT+COPS=3,0")
    assert rig.ask("AT+COPS?") == info('+COPS: 0,0,"Test Network",9')
    assert rig.ask("AT+COPS=2", 5000) == urc("0") + OK
    assert rig.ask("AT+COPS=0", 8000) == urc("2") + urc("1") + OK


def test_the_fast_scan_names_cells_until_one_of_them_serves() -> None:
    rig = Rig({"radio": {"attach_ms": 200_000, "rsrp_dbm": -97.3, "rsrq_db": -10.8}})
    rig.ask("AT+CFUN=1")
    cell = '"1A2D003","1A2B","00101",6253,142,0.2,-97.30,-10.80'
    assert info(f"+SQNINS: 1,20,9,{cell}") in rig.ask("AT+SQNINS=1", 45_000)
    rig.pass_ms(200_000)
    assert rig.ask("AT+SQNINS=0", 45_000) == info("+SQNINS: 0,20,9,,,,,,,,")


def test_cops_scan_takes_minutes() -> None:
    rig = Rig(READY)
    rig.attach()
    begin = rig.now_ms
    rig.write("AT+COPS=?\r")
    said = rig.until("OK")
    assert 60_000 <= rig.now_ms - begin <= 181_000
    assert said == info('+COPS: (2,"Test Network","TestNet","00101",9),,(0,1,2,3,4),(0,1,2)')


def test_cops_manual_for_an_absent_network_ends_in_error() -> None:
    rig = Rig(READY)
    rig.attach()
    rig.ask("AT+CMEE=1")
    rig.write('AT+COPS=1,2,"99999"\r')
    assert rig.until("ERROR: 30").startswith(urc("0"))


def test_pdn_type_the_network_lacks_is_refused_with_the_attach() -> None:
    rig = Rig("ipv4_only")
    rig.ask('AT+CGDCONT=1,"IPV6","iot.example"')
    rig.ask("AT+CEREG=3")
    said = rig.ask("AT+CFUN=1", 400_000)
    assert said.count(urc("3,,,,0,19")) == 5 and said.endswith(urc("3,,,,0,19"))
    assert "+CEREG: 1" not in said
    rig.ask("AT+CFUN=4", 2000)
    rig.ask('AT+CGDCONT=1,"IPV4V6","iot.example"')
    rig.attach()
    assert list(rig.modem.pdn_addresses(1)) == ["IP"]


def test_a_step_may_lead_to_another_place() -> None:
    step = {"stat": 1, "after_ms": 100, "tac": "00ff", "ci": "0000abcd"}
    rig = Rig({"modem": {"cereg": 2}, "network": {"steps": [step]}})
    assert '+CEREG: 1,"00FF","0000ABCD",9\r\n' in rig.ask("AT+CFUN=1", 1000)
