"""network.WLAN and network.Server as the firmware has them, with scripts as people write them.

Expectations are those of Pycom firmware 1.20.2.r4 (esp32/mods/modwlan.c) and of the examples in
Pycom's documentation of the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.emulator import Emulator
from emulator.network.wifi import accesspoint, station
from emulator.scenario import from_table

Run = Callable[..., list[str]]
HEAD = "from network import WLAN, Server\nimport machine, time\n"
TRY = (
    "def attempt(f, *a, **k):\n    try:\n        print(f(*a, **k))\n"
    "    except Exception as e:\n        print(type(e).__name__, e)\n"
)
JOIN = HEAD + (
    "wlan = WLAN(mode=WLAN.STA)\n"
    "wlan.connect('field-ap', auth=(WLAN.WPA2, 'for-documentation'), timeout=8000)\n"
    "while not wlan.isconnected():\n    machine.idle()\n"
)


@pytest.fixture
def boards() -> Iterator[list[Emulator]]:
    made: list[Emulator] = []
    yield made
    for emulator in made:
        emulator.close()


@pytest.fixture
def run(tmp_path: Path, boards: list[Emulator], runtime: str) -> Run:
    def run(program: str, firmware: str = "1.20.2.r4", **wifi: Any) -> list[str]:
        """Lines that a program prints on a board with these access points."""
        root = tmp_path / f"flash{len(boards)}"
        root.mkdir()
        (root / "main.py").write_text(program)
        printed: list[str] = []
        table = {"wifi": wifi} if wifi else {}
        emulator = Emulator(
            scenario=from_table(table),
            firmware=firmware,
            flash=root,
            console=printed.append,
            max_hours=1,
            vm=runtime,
        )
        boards.append(emulator)
        [cycle] = emulator.run(["main.py"])
        if cycle.ended == "undefined":
            return [str(cycle.error)]
        assert cycle.error is None, cycle.error
        return "".join(printed).splitlines()

    return run


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The access point is joined soon: each turn of a loop that waits for it crosses the stream
    to the VM three times."""
    monkeypatch.setattr(station, "SEARCH_MS", 8)
    monkeypatch.setattr(station, "FOUND_MS", 8)
    monkeypatch.setattr(accesspoint, "DHCP_MS", (40.0, 50.0, 60.0))


def test_a_long_key_overwrites_memory_and_the_record_says_so(run: Run) -> None:
    """strcpy() into 65 bytes (wlan_do_connect)."""
    connect = HEAD + "wlan = WLAN(mode=WLAN.STA)\nwlan.connect('a', auth=(WLAN.WPA2, 'k' * {}))"
    assert run(connect.format(64) + "\nprint(1)") == ["1"]
    [error] = run(connect.format(65) + "\nprint(1)")
    assert "key of 65 bytes into 65" in error


@pytest.mark.both_runtimes
@pytest.mark.usefixtures("soon")
def test_the_plain_script(run: Run, boards: list[Emulator]) -> None:
    ip, mask, gateway, dns, is_station = run(
        JOIN + "for each in wlan.ifconfig():\n    print(each)\nprint(wlan.mode() == WLAN.STA)"
    )
    assert ip.startswith("192.168.4.") and ip != "192.168.4.1"
    assert (mask, gateway, dns) == ("255.255.255.0", "192.168.4.1", "192.168.4.1")
    assert is_station == "True"
    meter = boards[0].board.meter
    assert meter.state("wifi") == "listen" and meter.milliamps("wifi") == 69.0


@pytest.mark.both_runtimes
@pytest.mark.usefixtures("soon")
def test_the_scan_loop_of_the_documentation(run: Run) -> None:
    assert run(
        HEAD
        + """
wlan = WLAN(mode=WLAN.STA)
nets = wlan.scan()
for net in nets:
    if net.ssid == 'field-ap':
        print('Network found!', len(net), net.sec == WLAN.WPA2, net.channel, len(net.bssid))
        wlan.connect(net.ssid, auth=(net.sec, 'for-documentation'), timeout=5000)
        while not wlan.isconnected():
            machine.idle()
        print('WLAN connection succeeded!')
        break
        """
    ) == ["Network found! 5 True 6 6", "WLAN connection succeeded!"]


def test_a_static_address_before_connecting(run: Run) -> None:
    assert run(
        HEAD
        + """
wlan = WLAN()
if machine.reset_cause() != machine.SOFT_RESET:
    wlan.init(mode=WLAN.STA)
    wlan.ifconfig(config=('192.168.4.107', '255.255.255.0', '192.168.4.1', '192.0.2.53'))
if not wlan.isconnected():
    wlan.connect('field-ap', auth=(WLAN.WPA2, 'for-documentation'))
    while not wlan.isconnected():
        time.sleep_ms(50)
print(wlan.ifconfig(id=0))
import usocket
print(usocket.dnsserver(0))
        """
    ) == ["('192.168.4.107', '255.255.255.0', '192.168.4.1', '192.0.2.53')", "192.0.2.53"]


def test_a_timeout_is_told_once_by_isconnected(run: Run) -> None:
    assert run(
        HEAD
        + TRY
        + """
wlan = WLAN(mode=WLAN.STA)
wlan.connect('field-ap', auth=(WLAN.WPA2, 'wrong-password'), timeout=6000)
print(wlan.isconnected())
time.sleep(7)
attempt(wlan.isconnected)
attempt(wlan.isconnected)
wlan.connect('field-ap', auth=(WLAN.WPA2, 'wrong-password'))
time.sleep(60)
attempt(wlan.isconnected)
        """
    ) == ["False", "TimeoutError Connection to AP Timeout!", "False", "False"]


def test_a_new_board_is_an_access_point_with_servers(run: Run) -> None:
    assert run(
        HEAD
        + TRY
        + """
wlan = WLAN()
print(wlan.mode() == WLAN.AP, wlan.ssid()[:9], wlan is WLAN(mode=WLAN.AP, ssid='mine'))
for call in (wlan.scan, wlan.disconnect, lambda: wlan.connect('x')):
    attempt(call)
server = Server()
print(wlan.isconnected(), wlan.ifconfig(1)[0], wlan.ssid(), server.isrunning())
server.deinit()
print(server.isrunning())
        """
    ) == [
        "True gpy-wlan- True",
        *["OSError the requested operation is not possible"] * 3,
        "False 192.168.4.1 mine True",
        "False",
    ]


REFUSED: dict[str, tuple[str, str]] = {
    "a second interface": ("WLAN(1, mode=WLAN.STA)", "OSError resource not available"),
    "a mode": ("WLAN(mode=7)", "ValueError invalid argument(s) value"),
    "an AP without a name": ("WLAN(mode=WLAN.AP)", "ValueError AP SSID not given"),
    "a short key": (
        "WLAN(mode=WLAN.AP, ssid='a', auth=(WLAN.WPA2, 'short'))", "ValueError invalid key length",
    ),
    "a long ssid": ("wlan.connect('x' * 33)", "ValueError invalid argument(s) value"),
    "no tuple": ("wlan.connect('x', auth='key')", "TypeError object 'str' is not a tuple or list"),
    "four in the tuple": (
        "wlan.connect('x', auth=(1, 2, 3, 4))", "ValueError invalid authentication tuple",
    ),
    "enterprise with a key only": (
        "wlan.connect('x', auth=(WLAN.WPA2_ENT, 'key'))",
        "ValueError invalid authentication tuple",
    ),
    "enterprise without identity": (
        "wlan.connect('x', auth=(WLAN.WPA2_ENT, 'user', 'key'))",
        "ValueError indentiy required for WPA2_ENT authentication",
    ),
    "enterprise without anything": (
        "wlan.connect('x', auth=(WLAN.WPA2_ENT,))", "ValueError invalid WAP2_ENT credentials",
    ),
    "a missing certificate": (
        "wlan.connect('x', auth=(WLAN.WPA2_ENT, 'u', 'k'), identity='u', ca_certs='/flash/no')",
        "ValueError invalid file path",
    ),
    "an unknown keyword": (
        "wlan.connect('x', speed=1)", "TypeError extra keyword arguments given",
    ),
    "no ssid": ("wlan.connect()", "TypeError 'ssid' argument required"),
    "a third interface": ("wlan.ifconfig(2)", "OSError resource not available"),
    "an odd configuration": (
        "wlan.ifconfig(config='auto-magic')", "ValueError invalid argument(s) value",
    ),
    "three addresses": (
        "wlan.ifconfig(config=('192.0.2.1',) * 3)",
        "ValueError requested length 4 but object has length 3",
    ),
    "a name as address": (
        "wlan.ifconfig(config=('host',) * 4)", "ValueError invalid arguments",
    ),
    "not joined": ("wlan.joined_ap_info()", "OSError the requested operation is not possible"),
    "other ports' methods": ("wlan.active(True)", "AttributeError"),
    "a BSSID as text": ("wlan.scan(bssid='aabbcc')", "ValueError invalid bssid"),
    "scan times": ("wlan.scan(scantime=100)", "ValueError invalid scan timings"),
    "a channel of a station": ("wlan.channel(6)", "OSError Wifi is not in promiscuous mode!"),
    "a short key of a station": (
        "WLAN(mode=WLAN.STA, ssid='a', auth=(WLAN.WPA2, '123'))", "ValueError invalid key length",
    ),
    "a short key without a name": (
        "wlan.init(mode=WLAN.STA, auth=(WLAN.WPA2, '123'))", "ValueError invalid key length",
    ),
    "None for a name": (
        "WLAN(mode=WLAN.STA, ssid=None)",
        "TypeError can't convert 'NoneType' object to str implicitly",
    ),
    "an antenna": ("wlan.antenna(3)", "ValueError invalid antenna type 3"),
    "an antenna at the start": (
        "WLAN(mode=WLAN.STA, antenna=7)", "ValueError invalid antenna type 7",
    ),
    "a bandwidth": ("WLAN(bandwidth=3)", "ValueError invalid argument(s) value"),
    "a country that is a number": (
        "WLAN(mode=WLAN.STA, country=5)", "TypeError invalid argument(s) num/type",
    ),
    "a country that is a text": ("wlan.init(country='EU')", "TypeError invalid argument(s) num"),
    "a country in a list": ("wlan.init(country=['EU', 1, 13, 0])", "TypeError invalid argument"),
    "a long country": (
        "wlan.init(country=('EUR', 1, 13, 0))", "ValueError Wrong Country string length!",
    ),
    "a country without name": (
        "wlan.init(country=(None, 1, 13, 0))", "TypeError can't convert 'NoneType'",
    ),
    "a country's channel": (
        "wlan.init(country=('EU', 0, 13, 0))", "ValueError invalid argument(s) value",
    ),
    "a country's number of channels": (
        "wlan.init(country=('EU', 1, 15, 0))", "ValueError invalid argument(s) value",
    ),
    "a country's policy": (
        "wlan.init(country=('EU', 1, 13, 2))", "ValueError Invalid Country Policy!",
    ),
    "no name of a country": ("wlan.country(schan=1)", "OSError No Country Specified!"),
    "no first channel": ("wlan.country(country='EU')", "OSError Please Specify start channel!"),
    "no number of channels": (
        "wlan.country(country='EU', schan=1)", "OSError Please Specify number of channels!",
    ),
    "None as name": ("wlan.connect(None)", "TypeError can't convert 'NoneType' object to str"),
    "None as key": (
        "wlan.connect('x', auth=(WLAN.WPA2, None))", "TypeError can't convert 'NoneType' object",
    ),
    "None as only security": ("wlan.connect('x', auth=(None,))", "TypeError can't convert None"),
    "ten in the tuple": (
        "wlan.connect('x', auth=(1,) * 10)", "ValueError invalid authentication tuple",
    ),
    "a number as BSSID": (
        "wlan.connect('x', bssid=5)", "TypeError can't convert 'int' object to str implicitly",
    ),
    "an empty host name": ("wlan.connect('x', hostname='')", "ValueError invalid argument(s)"),
    "a long host name": ("wlan.hostname('x' * 33)", "ValueError invalid argument(s) value"),
    "an interface without DHCP": (
        "wlan.ifconfig(1, 'dhcp')", "OSError the requested operation failed",
    ),
    "no configuration": (
        "wlan.ifconfig(config=None)", "TypeError can't convert 'NoneType' object to str",
    ),
    "hidden ones by a text": ("wlan.scan(show_hidden='yes')", "TypeError can't convert str to"),
    "a second server": ("Server(1)", "OSError resource not available"),
    "one word as login": (
        "Server(login=('me',))", "ValueError requested length 2 but object has length 1",
    ),
    "a time of servers in 32 bits": (
        "(lambda each: each.timeout(-1) or each.timeout())(Server())", "4294966",
    ),
    "a long login": ("Server(login=('me', 'x' * 33))", "ValueError invalid argument(s) value"),
    "a short time of servers": ("Server().timeout(4)", "ValueError invalid argument(s) value"),
    "stations of a station": ("wlan.ap_sta_list()", "OSError the requested operation is not"),
}  # fmt: skip

# What one expects to be refused, and the firmware takes
TAKEN: dict[str, tuple[str, str]] = {
    "a short key": ("wlan.connect('field-ap', auth=(WLAN.WPA2, '123'))", "None"),
    "a short key of our own": ("wlan.auth((WLAN.WPA2, '123'))", "None"),
    "a third interface below": ("wlan.ifconfig(-1)[0]", "192.168.4.1"),
    "odd addresses": (
        "wlan.ifconfig(config=('300.1.1.1', '', '0.0.0.0', '1.2.3.4')), wlan.ifconfig()[:2]",
        "(None, ('44.1.1.1', '0.0.0.0'))",
    ),
    "a bandwidth": ("wlan.bandwidth(1), wlan.bandwidth()", "(True, 1)"),
    "a host name": ("wlan.hostname('x' * 32), len(wlan.hostname())", "(True, 31)"),
    "a country": (
        "wlan.country(country='US', schan=1, nchan=11), wlan.country()[:3]",
        "(None, ('US', 1, 11))",
    ),
    "a country at the start": (
        "wlan.init(country=('JP', 1, 14, 1)), wlan.country().country, wlan.country().policy",
        "(None, 'JP', 1)",
    ),
    "a BSSID as text": ("wlan.connect('field-ap', bssid='abcdefgh')", "None"),
    "a channel after all": ("wlan.promiscuous(True), wlan.channel(6)", "(None, None)"),
}


@pytest.mark.both_runtimes
def test_what_is_not_refused(run: Run) -> None:
    calls = "".join(f"attempt(lambda: ({call}))\n" for call, _ in TAKEN.values())
    lines = run(HEAD + TRY + "wlan = WLAN(mode=WLAN.STA)\n" + calls)
    assert dict(zip(TAKEN, lines, strict=True)) == {
        name: text for name, (_, text) in TAKEN.items()
    }


@pytest.mark.parametrize(
    "call",
    [
        "wlan.init(country=('EU', 1))",
        "WLAN(mode=WLAN.STA, ssid='a', auth=(WLAN.WPA2_ENT, 'long enough'))",
        "wlan.connect('a', auth=(WLAN.WPA2_ENT, 'user', None), identity='me')",
    ],
)
def test_what_reads_foreign_memory_ends_the_run(run: Run, call: str) -> None:
    [text] = run(HEAD + f"wlan = WLAN(mode=WLAN.STA)\n{call}")
    assert "WLAN" in text and "reads" in text


@pytest.mark.both_runtimes
@pytest.mark.usefixtures("soon")
def test_a_station_has_a_name_while_it_is_associated(run: Run) -> None:
    """wlan_ssid() and wlan_auth()."""
    assert run(
        HEAD
        + """
wlan = WLAN(mode=WLAN.STA)
print(wlan.ssid(), wlan.auth(), wlan.channel())
wlan.connect('field-ap', auth=(WLAN.WPA2, 'for-documentation'))
print(wlan.ssid(), wlan.auth())
while not wlan.isconnected():
    time.sleep_ms(20)
print(wlan.ssid())
wlan.disconnect()
print(wlan.ssid(), wlan.channel(), len(wlan.bssid().strip(b'\\0')) > 4)
        """
    ) == [
        "None (3, 'www.pycom.io') 6",  # of the access point that a new board opens
        "None (3, 'for-documentation')",
        "field-ap",
        "None 6 True",
    ]


def test_an_access_point_that_is_a_station_as_well_has_both_names(run: Run) -> None:
    assert run(
        HEAD
        + """
wlan = WLAN(mode=WLAN.STA_AP, ssid='field-ap', auth=(WLAN.WPA2, 'for-documentation'))
print(wlan.ssid())
time.sleep(3)
print(wlan.ssid(), wlan.isconnected())
        """
    ) == ["(None, 'field-ap')", "('field-ap', 'field-ap') True"]


def test_the_settings_of_the_start(run: Run) -> None:
    """mod_pycom_wifi_*: what they cannot have changes nothing, and says nothing."""
    assert run(
        HEAD
        + """
import pycom
pycom.wifi_mode_on_boot(7)
print(pycom.wifi_mode_on_boot(), pycom.wifi_ssid_sta(5), pycom.wifi_ssid_sta())
pycom.wifi_on_boot(False, True)
print(WLAN().mode() == WLAN.STA)
WLAN().deinit()
pycom.wifi_mode_on_boot(1)
pycom.wifi_ssid_sta('field-ap')
pycom.wifi_pwd_sta('for-documentation')
pycom.wifi_on_boot(True, True)
time.sleep(3)
print(WLAN().ssid(), WLAN().isconnected())
        """
    ) == ["2 None None", "True", "field-ap True"]


FILES = """
wlan = WLAN(mode=WLAN.STA)
open('ca.pem', 'w').write('text')
for name in ('ca.pem', 'no.pem'):
    attempt(lambda: wlan.connect('x', auth=(WLAN.WPA2_ENT, 'u', 'k'), identity='u', ca_certs=name))
name = 'ca.pem'
attempt(lambda: wlan.connect('x', auth=(WLAN.WPA2_ENT,), identity='u', keyfile=name, certfile='a'))
"""


@pytest.mark.parametrize(
    ("firmware", "expected"),
    [
        ("1.20.2.r4", ["ValueError invalid file path"] * 3),
        (
            "1.20.2.r5",
            [
                "None",
                "OSError certificate file not found",
                "OSError device client certificate file not found",
            ],
        ),
    ],
)
def test_certificates_are_read_from_r5_on(run: Run, firmware: str, expected: list[str]) -> None:
    assert run(HEAD + TRY + FILES, firmware=firmware) == expected


@pytest.mark.both_runtimes
def test_what_is_refused_and_how(run: Run) -> None:
    calls = "".join(f"attempt(lambda: {call})\n" for call, _ in REFUSED.values())
    lines = run(HEAD + TRY + "wlan = WLAN(mode=WLAN.STA)\n" + calls)
    for name, (_, expected), line in zip(REFUSED, REFUSED.values(), lines, strict=True):
        assert line.startswith(expected), name


def test_what_can_be_asked(run: Run) -> None:
    assert run(
        JOIN
        + """
print(wlan.ssid(), wlan.channel(), wlan.auth(), wlan.hostname(), wlan.antenna())
mac = wlan.mac()
print(len(mac.sta_mac), mac[0] == machine.unique_id(), mac.ap_mac != mac.sta_mac)
info = wlan.joined_ap_info()
print(info.ssid, info.primary_chn, -75 < info.rssi < -50, info.bssid == wlan.bssid())
wlan.disconnect()
print(wlan.isconnected(), wlan.ifconfig())
        """
    ) == [
        "field-ap 6 (3, 'for-documentation') espressif 2",
        "6 True True",
        "field-ap 6 True True",
        "False ('0.0.0.0', '0.0.0.0', '0.0.0.0', '0.0.0.0')",
    ]


def test_scans_that_fail_and_scans_that_are_narrow(run: Run) -> None:
    point = {"ssid": "a", "channel": 3}
    hidden = {"ssid": "b", "channel": 5, "hidden": True}
    assert run(
        HEAD
        + TRY
        + """
wlan = WLAN(mode=WLAN.STA)
attempt(wlan.scan)
start = time.ticks_ms()
print([net.ssid for net in wlan.scan(channel=3)], time.ticks_ms() - start < 250)
print([net.ssid for net in wlan.scan()], [net.ssid for net in wlan.scan(show_hidden=True)][-1:])
print([net.ssid for net in wlan.scan(ssid='b')])
wlan.connect('a')
attempt(wlan.scan)
        """,
        access_points=[{**point, "rssi_dbm": -40.0}, hidden],
        failing_scans=1,
        scan_error="timed_out",
    ) == [
        "OSError Scan operation timed out!",
        "['a'] True",
        "['a'] ['']",
        "['b']",
        "OSError Scan operation Failed!",
    ]  # fmt: skip


def test_sockets_need_an_interface_and_a_link(run: Run) -> None:
    off, idle, dropped = run(
        HEAD
        + TRY
        + """
import usocket
WLAN().deinit()
attempt(usocket.socket)
wlan = WLAN(mode=WLAN.STA)
attempt(usocket.socket)
wlan.connect('field-ap')
while not wlan.isconnected():
    machine.idle()
time.sleep(1)
attempt(usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM).sendto, b'x', ('192.0.2.1', 7))
        """,
        access_points=[{"ssid": "field-ap", "security": "open", "drop_after_ms": 1500}],
    )
    assert off == idle == "OSError Network card not available"
    assert dropped.startswith("OSError") and "118" in dropped


def test_a_station_that_has_left_nothing_keeps_its_interface(run: Run) -> None:
    connecting, left = run(
        HEAD
        + TRY
        + """
import usocket
wlan = WLAN(mode=WLAN.AP, ssid='own')
wlan = WLAN(mode=WLAN.STA)
wlan.connect('field-ap')
attempt(usocket.socket().fileno)
while not wlan.isconnected():
    machine.idle()
wlan.disconnect()
attempt(usocket.socket)
        """,
        access_points=[{"ssid": "field-ap", "security": "open"}],
    )
    assert connecting.isdigit()
    assert left == "OSError Network card not available"


def test_the_servers_come_with_the_address_and_go_with_the_link(run: Run) -> None:
    assert run(
        HEAD
        + """
server = Server()
server.deinit()
WLAN().deinit()
wlan = WLAN(mode=WLAN.STA)
print(server.isrunning())
wlan.connect('field-ap', auth=(WLAN.WPA2, 'for-documentation'))
while not wlan.isconnected():
    machine.idle()
print(server.isrunning())
server.deinit()
print(server.isrunning())
wlan.disconnect()
print(server.isrunning())
        """
    ) == ["False", "True", "False", "False"]


@pytest.mark.both_runtimes
def test_promiscuous_mode_hears_the_beacons_of_its_channel(run: Run) -> None:
    """One call of the handler for each packet that is taken (promiscuous_callback)."""
    lines = run(
        HEAD
        + """
wlan = WLAN(mode=WLAN.STA)
heard = []
def seen(it):
    packet = it.wifi_packet()
    ssid = packet.data[38 : 38 + packet.data[37]]
    heard.append((it.events(), packet.channel, packet.sig_len == len(packet.data), ssid))
wlan.callback(trigger=WLAN.EVENT_PKT_MGMT, handler=seen)
time.sleep_ms(300)
wlan.promiscuous(True)
wlan.channel(6)
time.sleep_ms(1000)
print(len(heard), heard[0])
wlan.channel(11)
time.sleep_ms(300)
print(heard[-1], len(wlan.wifi_packet()))
wlan.callback(trigger=WLAN.EVENT_PKT_MGMT, handler=lambda it: heard.append(it), arg=5)
time.sleep_ms(500)
print(heard[-1], heard[-2] == 5)  # the packet is not taken, and no other one calls it
wlan.callback(None)
time.sleep_ms(300)
print(wlan.events(), wlan.events())
wlan.promiscuous(False)
time.sleep_ms(300)
print(wlan.events(), str(wlan.scan(ssid='neighbour')[0])[:18])
"""
    )
    assert lines == [
        "9 (1, 6, True, b'field-ap')",
        "(1, 11, True, b'neighbour') 18",
        "5 False",
        "1 0",
        "0 (ssid='neighbour',",
    ]
