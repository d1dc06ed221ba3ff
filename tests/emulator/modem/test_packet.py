"""Contexts, addresses, activation (3GPP TS 27.007 10.1)."""

from __future__ import annotations

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, READY, Rig, info

V6_DOTTED = "32.1.13.184.0.100.0.17.0.0.0.0.0.0.0.1"


def attached(pdp_type: str = "IP", **network: object) -> Rig:
    rig = Rig({**READY, "network": network, "modem": {"pdp_type": pdp_type}})
    rig.attach()
    return rig


@pytest.mark.parametrize(
    ("pdp_type", "line"),
    [
        ("IP", '+CGPADDR: 1,"10.64.3.17"'),
        ("IPV6", f'+CGPADDR: 1,"{V6_DOTTED}"'),
        ("IPV4V6", f'+CGPADDR: 1,"10.64.3.17","{V6_DOTTED}"'),
    ],
)
def test_addresses(pdp_type: str, line: str) -> None:
    rig = attached(pdp_type)
    assert rig.ask("AT+CGPADDR=1") == info(line)
    assert rig.ask("AT+CGPADDR") == info(line)
    assert rig.ask("AT+CFUN=4;+CGPADDR=1", 3000).endswith(info("+CGPADDR: 1"))


def test_cgcontrdp_ipv4() -> None:
    line = (
        '+CGCONTRDP: 1,5,"iot.example.mnc001.mcc001.gprs","10.64.3.17.255.255.255.255","",'
        '"192.0.2.53","198.51.100.53","",""'
    )
    assert attached().ask("AT+CGCONTRDP=1") == info(line + ",,,1428")
    rig = Rig({**READY, "modem": {"cgcontrdp_mtu": 0}})
    rig.attach()
    assert rig.ask("AT+CGCONTRDP") == info(line)


def test_cgcontrdp_has_a_line_per_family_and_ipv6_in_32_numbers() -> None:
    lines = attached("IPV4V6").ask("AT+CGCONTRDP=1").split("\r\n")
    assert [line.count(",") for line in lines if line.startswith("+CGCONTRDP: 1,5,")] == [11, 11]
    address = lines[2].split(",")[3].strip('"')
    assert address == V6_DOTTED + ".255" * 8 + ".0" * 8


def test_cgpiaf_turns_ipv6_to_colons() -> None:
    rig = attached("IPV6")
    assert rig.ask("AT+CGPIAF=1,1,0,1") == OK
    assert rig.ask("AT+CGPADDR=1") == info('+CGPADDR: 1,"2001:0DB8:0064:0011:0000:0000:0000:0001"')
    assert rig.ask("AT+CGPIAF=1,1,1,1") == OK
    assert rig.ask("AT+CGPADDR=1") == info('+CGPADDR: 1,"2001:DB8:64:11::1"')
    assert '"2001:DB8:64:11::1/64"' in rig.ask("AT+CGCONTRDP=1")
    assert rig.ask("AT+CGPIAF=1,0,1,0") == OK
    assert '"2001:DB8:64:11:0:0:0:1 FFFF:FFFF:FFFF:FFFF:0:0:0:0"' in rig.ask("AT+CGCONTRDP=1")


def test_definitions() -> None:
    rig = Rig()
    assert rig.ask('AT+CGDCONT=1,"IPV6","iot.example"') == OK
    assert rig.ask('AT+CGDCONT=3,"IPV4V6","","",0,0,0,0,0,0') == OK
    assert rig.ask("AT+CGDCONT?") == info(
        '+CGDCONT: 1,"IPV6","iot.example",,,,0,0,0,0,0,0,0,,0',
        '+CGDCONT: 3,"IPV4V6","",,,,0,0,0,0,0,0,0,,0',
    )
    assert rig.ask("AT+CGDCONT=1") == OK
    assert rig.ask("AT+CGDCONT=3") == OK
    assert rig.ask("AT+CGDCONT?") == OK


@pytest.mark.parametrize(
    "line",
    [
        'AT+CGDCONT=0,"IP","x"',
        'AT+CGDCONT=9,"IP","x"',
        'AT+CGDCONT=1,"PPP","x"',
        "AT+CGDCONT=",
        'AT+CGDCONT=1,"IP","a b"',
        "AT+CGPADDR=0",
        "AT+CGACT=2,1",
        "AT+CGPIAF=2",
    ],
)
def test_bad_parameters(line: str) -> None:
    assert Rig().ask(line) == ERROR


def test_second_context_is_activated_over_the_air_and_the_last_one_stays() -> None:
    rig = attached()
    rig.ask('AT+CGDCONT=2,"IPV6","second.example";+CMEE=1')
    assert rig.ask("AT+CGACT?") == info("+CGACT: 1,1", "+CGACT: 2,0")
    begin = rig.now_ms
    rig.write("AT+CGACT=1,2\r")
    assert rig.until("OK") == OK
    assert rig.now_ms - begin > 50
    assert rig.ask("AT+CGPADDR=2").startswith('\r\n+CGPADDR: 2,"32.1.13.184.')
    assert rig.ask("AT+CGCONTRDP=2").startswith('\r\n+CGCONTRDP: 2,6,"second.example.mnc')
    assert rig.ask("AT+CGACT=0,2") == OK
    assert rig.ask("AT+CGACT=0,1") == "\r\n+CME ERROR: 171\r\n"
    assert rig.ask("AT+CGACT=1,5") == "\r\n+CME ERROR: 50\r\n"


def test_unknown_access_point_is_refused() -> None:
    rig = Rig({**READY, "network": {"apns": ["right.example"]}})
    rig.ask('AT+CGDCONT=1,"IP","wrong.example"')
    assert "+CEREG: 1" not in rig.ask("AT+CFUN=1", 60_000)
    rig.ask("AT+CFUN=4")
    rig.ask('AT+CGDCONT=1,"IP","right.example"')
    rig.attach()


def test_a_new_attach_brings_new_addresses() -> None:
    rig = attached()
    before = rig.modem.pdn_addresses(1)
    rig.ask("AT+CFUN=4", 3000)
    assert rig.modem.pdn_addresses(1) == {}
    rig.attach()
    assert rig.modem.pdn_addresses(1) != before


def test_authentication_is_stored_without_showing_the_password() -> None:
    rig = Rig()
    assert rig.ask('AT+CGAUTH=1,1,"user","secret"') == OK
    assert rig.ask("AT+CGAUTH?") == info('+CGAUTH: 1,1,"user",""')
    assert rig.ask("AT+CGAUTH=1,0") == OK
    assert rig.ask("AT+CGAUTH?") == OK
