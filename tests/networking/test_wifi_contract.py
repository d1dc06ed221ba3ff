"""networking.wifi as documented: names, defaults, results, causes, what is refused, the face."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from emulator.device_files import ROOT
from tests.device import Device

MakeDevice = Callable[..., Device]
HEAD = """
from networking import wifi
KNOWN = {"field-ap": {"pwd": "for-documentation"}, "another-site": {"pwd": "for-documentation"}}
TWO = [(ssid, KNOWN[ssid]) for ssid in ("field-ap", "another-site")]

def attempt(known=KNOWN, seconds=30, **keywords):
    result = wifi.connect(known, seconds, **keywords)
    last = wifi.last_outcome()
    phases = [list(phase) for phase in last.phases]
    show([list(result), last.cause, phases, last.status, last.ssid])
"""
AP = {"ssid": "field-ap", "password": "for-documentation", "channel": 6, "rssi_dbm": -61.0}


def points(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"wifi": {"access_points": [{**AP, **change} for change in changes], **more}}


@pytest.mark.both_runtimes
def test_connect_and_deactivate_return_the_documented_tuples(make_device: MakeDevice) -> None:
    device = make_device()
    result, by_name, off, off_by_name, metrics = device.run(
        HEAD
        + """
result = wifi.connect(KNOWN, max_connection_attempt_time_sec=30, force_no_scan=False)
show(result)
show([getattr(result, name) for name in given()])
metrics = wifi.metrics()
off = wifi.deactivate()
show(off)
show([off.deactivation_status, off.deactivation_duration])
show(metrics)
        """,
        "connection_status conn_attempt_duration scan_attempt_duration channel rssi".split(),
    )
    assert result == by_name
    status, association_ms, scan_ms, channel, rssi = result
    assert status is True and channel == 6 and -70 <= rssi <= -52
    assert 500 < association_ms < 2000 < scan_ms < 3000
    assert off == off_by_name and off[0] is True and 40 <= off[1] < 100
    assert metrics == [["rs", rssi, 0, None]]
    assert device.board.meter.state("wifi") == "off"
    assert device.cycle is not None and device.cycle.status == 2


def test_a_missing_file_of_ours_is_no_board_without_wifi(make_device: MakeDevice) -> None:
    device = make_device()
    (device.flash / "networking/_wifi_scan.py").unlink()
    [[result, cause, _, _, _]] = device.run(HEAD + "attempt()\nwifi.deactivate()")
    assert (result[0], cause) == (False, "wifi_error")
    assert "_wifi_scan" in device.output


def test_a_board_without_wifi_is_told(make_device: MakeDevice) -> None:
    program = "import network\ndel network.WLAN\n" + HEAD + "attempt()"
    [[_, cause, _, _, _]] = make_device().run(program)
    assert cause == "no_wifi"


# scenario, what is known, options -> connected, cause, names of the phases, ssid
CASES: dict[str, tuple[Any, str, bool, str, str, str | None]] = {
    "good": ("good", "attempt()", True, "connected", "init scan association", "field-ap"),
    "in the given order": (
        "good", "attempt(list(KNOWN.items()))", True, "connected", "init scan association",
        "field-ap",
    ),
    "without a scan": (
        "good", "attempt({'field-ap': KNOWN['field-ap']}, force_no_scan=True)", True, "connected",
        "init association", "field-ap",
    ),
    "the first one first without a scan": (
        "good", "attempt([('another-site', {}), ('field-ap', KNOWN['field-ap'])], 5, "
        "force_no_scan=True)",
        False, "not_joined", "init association", "another-site",
    ),
    "the strongest is taken": (
        points({"rssi_dbm": -75.0}, {"ssid": "another-site", "rssi_dbm": -50.0}),
        "attempt()", True, "connected", "init scan association", "another-site",
    ),
    "the channel has changed": (
        "good", "attempt([('field-ap', dict(KNOWN['field-ap'], channel=3))], force_no_scan=True)",
        True, "connected", "init association", "field-ap",
    ),
    "the weaker one takes us": (
        "wifi_two_networks", "attempt()", True, "connected", "init scan association",
        "another-site",
    ),
    "wrong password": (
        "wifi_wrong_password", "attempt(seconds=10)", False, "not_joined",
        "init scan association", "field-ap",
    ),
    "no DHCP": (
        "wifi_no_dhcp", "attempt(seconds=10)", False, "no_address", "init scan association",
        "field-ap",
    ),
    "no DHCP needed": (
        "wifi_no_dhcp", "attempt({'field-ap': {'pwd': 'for-documentation', 'wlan_config': "
        "('192.0.2.7', '255.255.255.0', '192.0.2.1', '192.0.2.53')}})",
        True, "connected", "init scan association", "field-ap",
    ),
    "strangers only": (
        "wifi_absent", "attempt()", False, "no_known_network", "init scan", None,
    ),
    "another access point comes later": (
        "wifi_drops", "attempt()", True, "connected",
        "init scan association", "field-ap",
    ),
    "an open twin, stronger": (
        "wifi_twin", "attempt()", True, "connected", "init scan association", "field-ap",
    ),
    "an open twin, not looked at before": (
        points({"security": "open"}),
        "attempt({'field-ap': KNOWN['field-ap']}, 4, force_no_scan=True)", False,
        "other_security", "init association", "field-ap",
    ),
    "WEP is as good as open": (
        points({"security": "wep"}), "attempt()", False, "no_known_network", "init scan", None,
    ),
    "open, and so configured": (
        points({"security": "open"}), "attempt({'field-ap': {}})", True, "connected",
        "init scan association", "field-ap",
    ),
    "protected, and not so configured": (
        points({}), "attempt({'field-ap': {}})", False, "no_known_network", "init scan", None,
    ),
    "WPA": (
        points({"security": "wpa"}), "attempt()", True, "connected", "init scan association",
        "field-ap",
    ),
    "enterprise": (
        points({"security": "wpa2_ent", "users": {"node": "secret"}}),
        "attempt({'field-ap': {'user': 'node', 'pwd': 'secret'}})", True, "connected",
        "init scan association", "field-ap",
    ),
    "enterprise, wrong password": (
        points({"security": "wpa2_ent", "users": {"node": "secret"}}),
        "attempt({'field-ap': {'user': 'node', 'pwd': 'other'}}, 8)", False, "not_joined",
        "init scan association", "field-ap",
    ),
    "a hidden one": (
        points({"hidden": True}), "attempt()", True, "connected", "init scan association",
        "field-ap",
    ),
    "somebody else's hidden one": (
        points({"hidden": True, "ssid": "strangers"}), "attempt()", False, "no_known_network",
        "init scan", None,
    ),
    "hidden ones in turn": (
        points({"hidden": True, "ssid": "strangers"}, {"hidden": True, "ssid": "another-site"}),
        "attempt(TWO)", True, "connected", "init scan association", "another-site",
    ),
    "hidden ones in turn without a scan": (
        points({"hidden": True, "ssid": "another-site"}), "attempt(TWO, force_no_scan=True)", True,
        "connected", "init association", "another-site",
    ),
    "a hidden one without a scan": (
        points({"hidden": True}),
        "attempt({'field-ap': KNOWN['field-ap']}, force_no_scan=True)", True, "connected",
        "init association", "field-ap",
    ),
    "too far away": (
        points({"rssi_dbm": -105.0}), "attempt()", False, "no_known_network", "init scan", None,
    ),
    "one scan fails": (
        points({}, failing_scans=1), "attempt()", True, "connected", "init scan association",
        "field-ap",
    ),
    "all scans fail": (
        points({}, failing_scans=99, scan_error="timed_out"), "attempt()", True, "connected",
        "init scan association", "field-ap",
    ),
    "no time left behind the scan": (
        "good", "attempt(seconds=1)", False, "out_of_time", "init scan", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_result_and_cause(make_device: MakeDevice, name: str) -> None:
    scenario, call, connected, cause, phases, ssid = CASES[name]
    device = make_device(scenario)
    [(result, got_cause, got_phases, status, got_ssid)] = device.run(HEAD + call)
    assert (result[0], got_cause, got_ssid) == (connected, cause, ssid)
    assert [phase for phase, _ in got_phases] == phases.split()
    assert status == int(connected)
    took = {"association": -1, "scan": -1}
    for phase, duration_ms in got_phases:
        if phase != "init":
            took[phase] = max(0, took[phase]) + duration_ms
    assert result[1:3] == [took["association"], took["scan"]]
    assert (result[3] == -1) == (result[4] == -1) == (not connected)
    text = "\n".join(device.log)
    assert text.count("wifi: " + cause) == 1
    assert "for-documentation" not in text and "secret" not in text


def test_the_time_given_is_kept(make_device: MakeDevice) -> None:
    for seconds in (5, 20, 40):
        [took_ms] = make_device("wifi_wrong_password").run(
            HEAD + f"from utils import timing\nwatch = timing.Stopwatch()\n"
            f"wifi.connect(KNOWN, {seconds})\nshow(watch.elapsed_ms())"
        )
        assert seconds * 1000 - 100 <= took_ms <= seconds * 1000 + 2600  # a scan is waited for


def test_awake_no_longer_than_the_radio_needs(make_device: MakeDevice) -> None:
    """Start, scan, association and address in the times of the emulation, and the end: 1.05."""
    floor_ms = 120 + 13 * 180 + 80 + 100 + 500 + 12 + 15
    [took_ms] = make_device(points({"association_ms": 100, "dhcp_ms": 500})).run(
        HEAD
        + """
from utils import timing
watch = timing.Stopwatch()
assert wifi.connect(KNOWN, 20).connection_status
wifi.deactivate()
show(watch.elapsed_ms())
        """
    )
    assert floor_ms <= took_ms <= 1.05 * floor_ms


def test_a_known_channel_and_a_static_address_take_a_fraction_of_a_second(
    make_device: MakeDevice,
) -> None:
    [(result, *_)] = make_device().run(
        HEAD
        + """
entry = {"pwd": "for-documentation", "channel": 6,
         "wlan_config": ("192.168.4.77", "255.255.255.0", "192.168.4.1", "192.168.4.1")}
attempt({"field-ap": entry}, force_no_scan=True)
        """
    )
    assert result[0] and result[1] < 350 and result[2] == -1


def test_dhcp_again_after_a_static_address(make_device: MakeDevice) -> None:
    first, second = make_device().run(
        HEAD
        + """
from network import WLAN
static = ("192.168.4.77", "255.255.255.0", "192.168.4.1", "192.168.4.1")
wifi.connect({"field-ap": {"pwd": "for-documentation", "wlan_config": static}}, 20)
show(WLAN().ifconfig()[0])
wifi.connect(KNOWN, 20)
show(WLAN().ifconfig()[0])
        """
    )
    assert first == "192.168.4.77" and second != first and second.startswith("192.168.4.")


def test_the_firmwares_servers_do_not_run(make_device: MakeDevice) -> None:
    device = make_device()
    device.run(
        "from network import WLAN\nwlan = WLAN(mode=WLAN.STA)\n"
        "wlan.connect('field-ap', auth=(WLAN.WPA2, 'for-documentation'))\n"
        "while not wlan.isconnected():\n    pass"
    )
    assert device.service("wlan").servers  # what else would happen
    device.run(HEAD + "assert wifi.connect(KNOWN, 20).connection_status")
    assert device.service("wlan").registered and not device.service("wlan").servers


WRONG: dict[str, tuple[str, list[str]]] = {
    "no networks": ("wifi.connect({}, 20)", ["known networks", "ssid"]),
    "a number": ("wifi.connect(5, 20)", ["known networks", "dict"]),
    "no pairs": ("wifi.connect(['field-ap'], 20)", ["(ssid, {...})"]),
    "ssid empty": ("wifi.connect({'': {}}, 20)", ["ssid", "1 to 32"]),
    "ssid too long": ("wifi.connect({'x' * 33: {}}, 20)", ["ssid", "1 to 32"]),
    "ssid in bytes": ("wifi.connect({b'ap': {}}, 20)", ["ssid", "str"]),
    "no entry": ("wifi.connect({'ap': 'secret'}, 20)", ["ap", "dict"]),
    "password short": ("wifi.connect({'ap': {'pwd': '1234567'}}, 20)", ["pwd", "8 to 63"]),
    "password long": ("wifi.connect({'ap': {'pwd': 'x' * 64}}, 20)", ["pwd", "8 to 63"]),
    "password None": ("wifi.connect({'ap': {'pwd': None}}, 20)", ["pwd", "8 to 63"]),
    "user without password": ("wifi.connect({'ap': {'user': 'me'}}, 20)", ["pwd", "1 to 63"]),
    "identity alone": ("wifi.connect({'ap': {'identity': 'me'}}, 20)", ["identity", "user"]),
    "no such certificate": (
        "wifi.connect({'ap': {'user': 'me', 'pwd': 'x', 'ca_certs': '/flash/no.pem'}}, 20)",
        ["ca_certs", "no.pem"],
    ),
    "static address": (
        "wifi.connect({'ap': {'wlan_config': ('192.0.2.1', '255.255.255.0')}}, 20)",
        ["wlan_config", "gateway"],
    ),
    "static IPv6": (
        "wifi.connect({'ap': {'wlan_config': ('2001:db8::1', 'a', 'b', 'c')}}, 20)",
        ["wlan_config", "2001:db8::1"],
    ),
    "channel": ("wifi.connect({'ap': {'channel': 14}}, 20)", ["channel", "14", "13"]),
    "unknown key": ("wifi.connect({'ap': {'password': 'secret00'}}, 20)", ["'password'"]),
    "no time": ("wifi.connect(KNOWN, 0)", ["max_connection_attempt_time_sec", "0", "3600"]),
    "time as text": ("wifi.connect(KNOWN, '20')", ["max_connection", "'20'"]),
    "time too long": ("wifi.connect(KNOWN, 3601)", ["max_connection", "3601"]),
}


def test_what_is_wrong_is_named_before_the_radio_is_touched(make_device: MakeDevice) -> None:
    device = make_device()
    program = "".join(f"show(raised(lambda: {call}))\n" for call, _ in WRONG.values())
    shown = device.run(HEAD + program)
    for (name, (_, words)), error in zip(WRONG.items(), shown, strict=True):
        assert error and error[0] == "ValueError", name
        for word in words:
            assert word in error[1], (name, error)
        assert "secret" not in error[1]
    assert device.traced("wifi") == []


FACE = """
class Config:
    _WIFI_NETS = {"field-ap": {"pwd": "for-documentation"}}
    _MAX_CONNECTION_ATTEMPT_TIME_SEC = 20
    _HOST = "192.0.2.1"

def changed(**fields):
    settings = Settings()
    for name in ("_WIFI_NETS", "_MAX_CONNECTION_ATTEMPT_TIME_SEC", "_HOST"):
        setattr(settings, name, fields.get(name, getattr(Config, name)))
    settings._WIFI_FORCE_NO_SCAN = fields.get("_WIFI_FORCE_NO_SCAN", False)
    return settings
"""


def test_problems_names_every_field(make_device: MakeDevice) -> None:
    good, nets, host, three, empty, refused = make_device().run(
        HEAD
        + FACE
        + """
show(wifi.problems(Config))
show(wifi.problems(changed(_WIFI_NETS={"a": {"pwd": "short"}})))
show(wifi.problems(changed(_HOST="2001:db8::1")))
show(wifi.problems(changed(_MAX_CONNECTION_ATTEMPT_TIME_SEC=0, _WIFI_FORCE_NO_SCAN=3,
                           _WIFI_NETS=())))
show(wifi.problems(Settings()))
show(raised(lambda: wifi.up(changed(_HOST="2001:db8::1"), "datagram")))
        """
    )
    assert good == []
    assert len(nets) == 1 and "_WIFI_NETS" in nets[0] and "8 to 63" in nets[0]
    assert len(host) == 1 and "_HOST" in host[0] and "IPv4" in host[0]
    assert len(three) == 3 and len(empty) == 2
    assert refused[0] == "ValueError" and "_HOST" in refused[1]


def test_the_uniform_face(make_device: MakeDevice) -> None:
    shown = make_device().run(
        HEAD
        + FACE
        + """
show(list(wifi.carries(Config)))
show([wifi.metrics(), wifi.last_outcome().cause, wifi.down(), raised(wifi.transport, "stream")])
show(wifi.up(changed(_WIFI_FORCE_NO_SCAN=True), "datagram"))
show([name for name, _ in wifi.last_outcome().phases])
show(wifi.datagram_limit())
show(wifi.down())
show(wifi.stop())
show(wifi.down())
        """
    )
    assert shown[0] == ["message", "datagram", "stream"]
    assert shown[1][:3] == [[], "never_tried", True]
    assert shown[1][3][0] == "OSError"
    assert shown[2:] == [True, ["init", "association"], 1472, True, True, True]


def test_trouble_of_the_radio_is_a_cause(make_device: MakeDevice) -> None:
    [(result, cause, phases, *_), off] = make_device().run(
        HEAD
        + """
import network

class Broken(network.WLAN):
    def connect(self, *args, **keywords):
        raise OSError("the requested operation failed")

    def deinit(self):
        raise OSError("the requested operation failed")

network.WLAN = Broken
attempt()
show(list(wifi.deactivate()))
        """
    )
    assert result[0] is False and cause == "wifi_error"
    assert [name for name, _ in phases] == ["init", "scan", "association"]
    assert off[0] is False


def test_a_timeout_of_an_earlier_program_does_no_harm(make_device: MakeDevice) -> None:
    [(result, cause, *_)] = make_device().run(
        HEAD
        + """
from network import WLAN
import utime
WLAN(mode=WLAN.STA).connect("nowhere", timeout=10)
utime.sleep_ms(50)
attempt()
        """
    )
    assert result[0] is True and cause == "connected"


def test_every_cause_is_explained_and_no_other() -> None:
    text = (ROOT / "docs" / "wifi.md").read_text(encoding="utf-8")
    table = text.partition("\n| cause of Wi-Fi |")[2].partition("\n\n")[0]
    explained = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    parts = sorted((ROOT / "networking").glob("*wifi*.py"), reverse=True)
    source = "".join(part.read_text(encoding="utf-8") for part in parts)
    assigned = set(re.findall(r'cause = "(\w+)"', source)) | {"never_tried"}
    assert explained == assigned
    described = source.partition("    cause   ")[2].partition("    phases  ")[0]
    assert all(cause in described for cause in explained)
