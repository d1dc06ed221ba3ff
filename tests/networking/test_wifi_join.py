"""How networking.wifi joins: what firmware and access points do on the way, and the options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

MakeDevice = Callable[..., Device]
HEAD = """
from networking import wifi
from utils import timing
KNOWN = {"field-ap": {"pwd": "for-documentation"}, "another-site": {"pwd": "for-documentation"}}
OURS = {"field-ap": KNOWN["field-ap"]}

def attempt(known=KNOWN, seconds=30, **keywords):
    watch = timing.Stopwatch()
    connected = wifi.connect(known, seconds, **keywords).connection_status
    last = wifi.last_outcome()
    show([connected, last.cause, last.ssid, watch.elapsed_ms()])
"""
AP: dict[str, Any] = {
    "ssid": "field-ap", "password": "for-documentation", "channel": 6, "rssi_dbm": -61.0,
    "association_ms": 100, "dhcp_ms": 500,
}  # fmt: skip
OTHER: dict[str, Any] = {"ssid": "another-site", "rssi_dbm": -80.0, "channel": 11}
CHANGED: dict[str, Any] = {"password": "changed-meanwhile"}
SCAN_MS = 120 + 13 * 180


def points(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"wifi": {"access_points": [{**AP, **change} for change in changes], **more}}


# Certificates, and whatever else the firmware raises

ENTERPRISE = points({"security": "wpa2_ent", "users": {"node": "secret"}})
WITH_FILE = """
open("ca.pem", "w").write("text")
known = {"field-ap": {"user": "node", "pwd": "secret", "ca_certs": "ca.pem"}}
"""


@pytest.mark.both_runtimes
@pytest.mark.parametrize("release", ("r0", "r4"))
def test_a_certificate_is_refused_where_the_firmware_never_reads_it(
    make_device: MakeDevice, release: str
) -> None:
    device = make_device(ENTERPRISE, firmware="1.20.2." + release)
    [error], [listed] = device.run(
        HEAD
        + WITH_FILE
        + """
settings = Settings()
settings._WIFI_NETS = known
settings._MAX_CONNECTION_ATTEMPT_TIME_SEC = 20
show([raised(lambda: wifi.connect(known, 20))])
show(wifi.problems(settings))
        """
    )
    assert error[0] == "ValueError" and listed.endswith(error[1])
    for word in ("field-ap", "ca_certs", "ca.pem", "1.20.2." + release, "r5"):
        assert word in error[1]
    assert device.traced("wifi") == []


@pytest.mark.parametrize("release", ("r5", "r7"))
def test_a_certificate_is_handed_to_a_firmware_that_reads_it(
    make_device: MakeDevice, release: str
) -> None:
    [[connected, *_]] = make_device(ENTERPRISE, firmware="1.20.2." + release).run(
        HEAD + WITH_FILE + "attempt(known)"
    )
    assert connected is True


RAISING = """
import network

class Broken(network.WLAN):
    def {method}(self, *args, **keywords):
        raise {error}("of the firmware")

network.WLAN = Broken
attempt()
show(wifi.down())
"""


@pytest.mark.both_runtimes(every=4)
@pytest.mark.parametrize("error", ("ValueError", "OSError", "TypeError", "MemoryError"))
@pytest.mark.parametrize("method", ("connect", "scan", "joined_ap_info", "disconnect"))
def test_what_the_firmware_raises_is_a_cause_and_one_line_of_the_log(
    make_device: MakeDevice, method: str, error: str
) -> None:
    if error == "OSError" and method in ("scan", "joined_ap_info"):
        return  # that is how these two say no
    device = make_device()
    [connected, cause, *_], off = device.run(HEAD + RAISING.format(method=method, error=error))
    assert (connected, cause, off) == (False, "wifi_error", True)
    [line] = [line for line in device.log if "wifi:" in line]
    assert "wifi: wifi_error: " in line and line.endswith(": of the firmware")
    assert device.board.meter.state("wifi") == "off"


BROKEN = """
import network

class Broken(network.WLAN):
    raising = ()

    def {method}(self, *args, **keywords):
        if "{method}" in self.raising:
            raise {error}("of the firmware")
        return super().{method}(*args, **keywords)

network.WLAN = Broken
show(wifi.connect(OURS, 10).connection_status)
Broken.raising = ("{method}",)
show([raised(lambda: wifi.transport("datagram")), raised(wifi.network_time)])
off = wifi.deactivate()
show([off.deactivation_status, raised(wifi.stop)])
Broken.raising = ()
show([wifi.down(), wifi.stop()])
"""


@pytest.mark.both_runtimes(every=3)
@pytest.mark.parametrize("error", ("ValueError", "OSError", "MemoryError"))
@pytest.mark.parametrize("method", ("isconnected", "deinit"))
def test_what_the_firmware_raises_at_the_end_leaves_no_call(
    make_device: MakeDevice, method: str, error: str
) -> None:
    device = make_device()
    joined, [refused, time], [off, stopped], again = device.run(
        HEAD + BROKEN.format(method=method, error=error)
    )
    assert joined is True and again == [True, True] and time is stopped is None
    assert refused == (["OSError", "not connected"] if method == "isconnected" else None)
    assert off is (method == "isconnected")
    assert device.board.meter.state("wifi") == "off"
    told = [line for line in device.log if "wifi: of the firmware" in line]
    assert len(told) == (0 if off else 2)  # deactivate and stop


def test_a_radio_that_could_not_be_started_is_switched_off_all_the_same(
    make_device: MakeDevice,
) -> None:
    device = make_device()
    [cause, off] = device.run(
        HEAD
        + """
import network
made = network.WLAN

def broken(*args, **keywords):
    made(*args, **keywords)
    raise MemoryError("of the firmware")

broken.STA = made.STA
network.WLAN = broken
wifi.connect(OURS, 10)
show(wifi.last_outcome().cause)
network.WLAN = made
show(wifi.down())
        """
    )
    assert (cause, off) == ("wifi_error", True)
    assert device.board.meter.state("wifi") == "off"


def test_servers_that_cannot_be_stopped_are_no_connection(make_device: MakeDevice) -> None:
    result, cause, off = make_device().run(
        HEAD
        + """
import network

class Server(network.Server):
    def deinit(self):
        raise OSError("of the firmware")

network.Server = Server
show(list(wifi.connect(OURS, 10)))
show(wifi.last_outcome().cause)
show(wifi.down())
        """
    )
    assert (result[0], result[3:], cause, off) == (False, [-1, -1], "wifi_error", True)


def test_an_access_point_that_took_over_unseen_is_looked_at(make_device: MakeDevice) -> None:
    """While the VM collects garbage the driver can lose one and join an open one of the name."""
    [connected, cause, *_], [status, info] = make_device(points({"dhcp_ms": 100})).run(
        HEAD
        + """
import network

class Changed(network.WLAN):
    def joined_ap_info(self):
        info = super().joined_ap_info()
        if not self.isconnected():
            return info
        bssid, ssid, primary_chn, rssi, auth, standard = info
        info = Settings()
        info.ssid, info.primary_chn, info.rssi, info.auth = ssid, primary_chn, rssi, 0
        return info

network.WLAN = Changed
attempt(OURS, 5)
show([wifi.last_outcome().status, raised(lambda: wifi.transport("datagram"))])
        """
    )
    assert (connected, cause, status) == (False, "other_security", 0) and info[0] == "OSError"


@pytest.mark.parametrize(
    ("point", "seconds", "cause"),
    [
        ({"hidden": True}, 2, "out_of_time"),
        ({"present": False}, 2, "out_of_time"),
        ({"present": False}, 4, "no_known_network"),
    ],
)
def test_what_was_not_looked_for_is_not_called_unknown(
    make_device: MakeDevice, point: dict[str, Any], seconds: int, cause: str
) -> None:
    [found] = make_device(points(point)).run(HEAD + f"attempt(seconds={seconds})")
    assert found[:2] == [False, cause]


def test_a_second_connect_does_as_told(make_device: MakeDevice) -> None:
    """An earlier association is nothing that the firmware began."""
    first, second, cause = make_device().run(
        HEAD
        + """
from network import WLAN
static = ("192.168.4.77", "255.255.255.0", "192.168.4.1", "192.168.4.1")
wifi.connect({"field-ap": dict(OURS["field-ap"], wlan_config=static)}, 20, True)
show(WLAN().ifconfig()[0])
wifi.connect(OURS, 20, True)
show(WLAN().ifconfig()[0])
wifi.connect({"field-ap": {"pwd": "changed-meanwhile"}}, 5, True)
show(wifi.last_outcome().cause)
        """
    )
    assert first == "192.168.4.77" != second and cause == "not_joined"


# Who is tried, for how long: access points, call -> connected, cause, ssid, least and most ms

FIVE = [{**CHANGED, "rssi_dbm": -50.0 - 2 * each, "channel": 1 + 2 * each} for each in range(5)]
ASKED_AGAIN_MS = 2000 + 180
JOINED_MS = 50 + 100 + 500
WAYS: dict[str, tuple[dict[str, Any], str, bool, str, str, int, int]] = {
    "nothing special": (
        points({}), "attempt()", True, "connected", "field-ap", SCAN_MS + JOINED_MS, 3200,
    ),
    "five with a changed password": (
        points(*FIVE, OTHER), "attempt()", True, "connected", "another-site", 8000, 10500,
    ),
    "five, and little time": (
        points(*FIVE, OTHER), "attempt(seconds=8)", True, "connected", "another-site", 5000, 7500,
    ),
    "the same name elsewhere": (
        points({**CHANGED, "rssi_dbm": -40.0, "channel": 1}, {}), "attempt()", True, "connected",
        "field-ap", 8000, 10500,
    ),
    "the first association fails": (
        points({}, failing_associations=1), "attempt()", True, "connected", "field-ap",
        SCAN_MS + ASKED_AGAIN_MS + JOINED_MS, SCAN_MS + ASKED_AGAIN_MS + JOINED_MS + 150,
    ),
    "two fail": (
        points({}, failing_associations=2), "attempt()", True, "connected", "field-ap", 7000, 7700,
    ),
    "it fails without a scan": (
        points({}, failing_associations=1), "attempt(OURS, force_no_scan=True)", True, "connected",
        "field-ap", 3000, 3700,
    ),
    "a slow association is waited for": (
        points({"association_ms": 5500}), "attempt()", True, "connected", "field-ap",
        SCAN_MS + 6050, SCAN_MS + 6200,
    ),
    "a slow address": (
        points({"dhcp_ms": 17000}), "attempt(seconds=60)", True, "connected", "field-ap",
        SCAN_MS + 17150, SCAN_MS + 17300,
    ),
    "a slow address by two access points": (
        points({"dhcp_ms": 17000}, {"dhcp_ms": 17000, "channel": 1}), "attempt(seconds=60)", True,
        "connected", "field-ap", SCAN_MS + 26000, SCAN_MS + 27000,
    ),
    "a slow address, and another network": (
        points({"dhcp_ms": 17000}, OTHER), "attempt(seconds=60)", True, "connected",
        "another-site", SCAN_MS + 9000, SCAN_MS + 10200,
    ),
    "a slow address, and a network of no use": (
        points({"dhcp_ms": 17000}, {**OTHER, **CHANGED}), "attempt(seconds=60)", True,
        "connected", "field-ap", 34000, 38000,
    ),
    "no address at all": (
        points({"dhcp": False}), "attempt(seconds=20)", False, "no_address", "field-ap", 20000,
        20300,
    ),
    "a hidden one among others": (
        points({"ssid": "strangers"}, {"hidden": True, "channel": 3}), "attempt()", True,
        "connected", "field-ap", SCAN_MS + 180, 3800,
    ),
    "a hidden one behind an open twin": (
        points({"security": "open", "channel": 1}, {"hidden": True}), "attempt()", True,
        "connected", "field-ap", SCAN_MS + 180, 3800,
    ),
    "strangers' hidden ones are asked once": (
        points(*[{"ssid": "strangers", "hidden": True, "channel": each} for each in (1, 6, 9)]),
        "attempt(OURS)", False, "no_known_network", None, 120 + (26 + 3) * 180,
        120 + (26 + 3) * 180 + 50,
    ),
    "a hidden one behind one of no use": (
        points({**OTHER, **CHANGED}, {"hidden": True}), "attempt()", True, "connected",
        "field-ap", 10000, 13000,
    ),
    "the second in order without a scan": (
        points({"hidden": True, **OTHER}),
        "attempt([('field-ap', {}), ('another-site', KNOWN['another-site'])], force_no_scan=True)",
        True, "connected", "another-site", 6000, 8500,
    ),
    "another channel than the given one": (
        points({}), "attempt({'field-ap': dict(KNOWN['field-ap'], channel=11)}, "
        "force_no_scan=True)", True, "connected", "field-ap", 120 + 6 * 120, 120 + 6 * 120 + 750,
    ),
}  # fmt: skip


@pytest.mark.both_runtimes(every=6)
@pytest.mark.parametrize("name", WAYS)
def test_who_is_tried_and_for_how_long(make_device: MakeDevice, name: str) -> None:
    scenario, call, connected, cause, ssid, least_ms, most_ms = WAYS[name]
    [found] = make_device(scenario).run(HEAD + call)
    assert found[:3] == [connected, cause, ssid]
    assert least_ms <= found[3] <= most_ms


# What the firmware began before boot.py

BEGUN = {"wifi_on_boot": True, "wifi_mode_on_boot": 1, "wifi_ssid_sta": "field-ap"}
# change of the access point, stored password -> how often the driver searched, ms of connect()
STORED: dict[str, tuple[dict[str, Any], str, int, int, int]] = {
    "it tries": ({}, "for-documentation", 1, 300, 1400),
    "it takes long": ({"association_ms": 3500}, "for-documentation", 1, 3500, 4900),
    "no address yet": ({"dhcp_ms": 6000}, "for-documentation", 1, 6000, 7000),
    "another password": ({}, "of-last-year", 2, 3500, 6000),
}


@pytest.mark.both_runtimes(every=3)
@pytest.mark.parametrize("name", STORED)
def test_an_association_that_the_firmware_began_goes_on_while_it_tries(
    make_device: MakeDevice, name: str
) -> None:
    change, password, searches, least_ms, most_ms = STORED[name]
    device = make_device(points(change))
    device.service("config").flags.update(BEGUN, wifi_pwd_sta=password)
    [[connected, _, ssid, took_ms]] = device.run(HEAD + "attempt(OURS, force_no_scan=True)")
    assert (connected, ssid) == (True, "field-ap")
    assert device.traced("wifi").count("searching") == searches
    assert least_ms <= took_ms <= most_ms


def test_what_the_firmware_has_given_up_is_asked_for_at_once(make_device: MakeDevice) -> None:
    device = make_device(points({}))
    device.service("config").flags.update(BEGUN, wifi_pwd_sta="of-last-year")
    [[connected, *_, took_ms]] = device.run(
        HEAD + "timing.sleep_ms(8000)\nattempt(OURS, force_no_scan=True)"
    )
    assert connected and took_ms < 120 + 180 + 6 * 120 + JOINED_MS + 50


def test_what_the_firmware_began_with_another_network_is_ended(make_device: MakeDevice) -> None:
    device = make_device(points({}, {**OTHER, "rssi_dbm": -40.0}))
    flags = {**BEGUN, "wifi_ssid_sta": "another-site", "wifi_pwd_sta": "for-documentation"}
    device.service("config").flags.update(flags)
    for keywords in ("force_no_scan=True", ""):  # while the radio associates it cannot scan
        [found] = device.run(HEAD + f"attempt(OURS, {keywords})")
        assert found[:3] == [True, "connected", "field-ap"]
        assert "Scan operation" not in device.output


# Roaming: the first access point is switched off after the association

NEAR = {"bssid": "02:00:00:00:00:01", "rssi_dbm": -40.0}
FAR = {"bssid": "02:00:00:00:00:02", "rssi_dbm": -70.0, "channel": 11}
GONE = [{"point": "time", "at_ms": 10_000, "do": "ap_gone", "bssid": NEAR["bssid"]}]


@pytest.mark.parametrize("call", ("attempt()", "attempt(OURS, force_no_scan=True)"))
def test_the_driver_finds_another_access_point_of_the_network(
    make_device: MakeDevice, call: str
) -> None:
    [found, [still, channel]] = make_device({**points(NEAR, FAR), "fault": GONE}).run(
        HEAD
        + call
        + """
timing.sleep_ms(20000)
from network import WLAN
show([WLAN().isconnected(), WLAN().joined_ap_info().primary_chn])
        """
    )
    assert found[0] and (still, channel) == (True, 11)


@pytest.mark.parametrize("twin_channel", (1, 6))
def test_a_network_that_may_be_forged_is_never_joined(
    make_device: MakeDevice, twin_channel: int
) -> None:
    """A stronger open one, on the same channel, too: the access point is named to the driver."""
    twin = {"security": "open", "rssi_dbm": -30.0, "channel": twin_channel}
    for seed in range(1, 6):
        device = make_device(points(twin, {}), seed=seed)
        [[connected, *_]] = device.run(HEAD + "attempt()")
        assert connected and device.traced("wifi").count("searching") == 1


# Antenna, host name, country

BOX = {"internal_antenna_db": -45.0, "external_antenna_db": 2.0}


@pytest.mark.both_runtimes
@pytest.mark.parametrize(("antenna", "reached"), [("external", True), ("internal", False)])
def test_a_metal_box_needs_the_external_antenna(
    make_device: MakeDevice, antenna: str, reached: bool
) -> None:
    [found] = make_device(points({}, **BOX), name="FiPy").run(
        HEAD + f"attempt(antenna='{antenna}')"
    )
    assert found[:2] == [reached, "connected" if reached else "no_known_network"]


def test_the_access_point_shows_the_host_name(make_device: MakeDevice) -> None:
    device = make_device(points({}))
    for keywords in ("", "hostname='well-7'"):
        device.run(HEAD + f"attempt({keywords})")
    assert device.service("wlan").points[0].hosts == ["espressif", "well-7"]


@pytest.mark.parametrize(("country", "reached"), [("None", True), ("'DE'", True), ("'US'", False)])
def test_a_country_has_the_channels_that_it_has(
    make_device: MakeDevice, country: str, reached: bool
) -> None:
    [found, shown] = make_device(points({"channel": 13})).run(
        HEAD
        + f"attempt(country={country})\nfrom network import WLAN\nshow(list(WLAN().country()))"
    )
    assert found[0] is reached
    if country == "'US'":
        assert shown == ["US", 1, 11, 20, 1]


OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "antenna": ("'both'", ("internal", "external")),
    "antenna as a number": ("1", ("internal",)),
    "hostname": ("''", ("1 to 32",)),
    "hostname too long": ("'x' * 33", ("1 to 32",)),
    "hostname with a blank": ("'well 7'", ("letters",)),
    "hostname with an end": ("'well-'", ("letters",)),
    "hostname of hyphens": ("'--'", ("letters",)),
    "hostname beyond ASCII": ("'br\\u00fccke'", ("letters",)),
    "hostname with a letter that only looks so": ("'well\\u212a'", ("letters",)),
    "hostname in bytes": ("b'well'", ("letters",)),
    "country": ("'de'", ("capital",)),
    "country too long": ("'DEU'", ("capital",)),
    "country as a number": ("49", ("capital",)),
}


@pytest.mark.both_runtimes
def test_wrong_options_are_named_before_the_radio_is_touched(make_device: MakeDevice) -> None:
    program = HEAD + (
        "def found(name, value):\n"
        "    settings = Settings()\n"
        "    settings._WIFI_NETS = KNOWN\n"
        "    settings._MAX_CONNECTION_ATTEMPT_TIME_SEC = 20\n"
        "    setattr(settings, '_WIFI_' + name.upper(), value)\n"
        "    error = raised(lambda: wifi.connect(KNOWN, 20, **{name: value}))\n"
        "    show([error, wifi.problems(settings), wifi.boot_options(settings)])\n"
    )
    for name, (value, _) in OPTIONS.items():
        program += f"found('{name.split()[0]}', {value})\n"
    device = make_device()
    for (name, (_, words)), (error, listed, boot) in zip(
        OPTIONS.items(), device.run(program), strict=True
    ):
        field = name.split()[0]
        assert error[0] == "ValueError" and error[1].startswith(field + " = "), name
        assert len(listed) == 1 and listed[0].startswith(f"_WIFI_{field.upper()} = "), name
        assert all(word in error[1] and word in listed[0] for word in words), name
        assert boot == {}, name
    assert device.traced("wifi") == []


@pytest.mark.parametrize(
    ("field", "value", "by_firmware"),
    [
        ("_WIFI_ANTENNA", "internal", True),
        ("_WIFI_ANTENNA", "external", False),
        ("_WIFI_HOSTNAME", "well-7", False),
        ("_WIFI_COUNTRY", "DE", False),
    ],
)
def test_the_firmware_begins_alone_only_what_it_can(
    make_device: MakeDevice, field: str, value: str, by_firmware: bool
) -> None:
    [options, up] = make_device(points({}, external_antenna_db=0.0)).run(
        HEAD
        + f"""
settings = Settings()
settings._WIFI_NETS = OURS
settings._MAX_CONNECTION_ATTEMPT_TIME_SEC = 20
settings._WIFI_FORCE_NO_SCAN = True
settings.{field} = {value!r}
show(len(wifi.boot_options(settings)))
show(wifi.up(settings, "datagram"))
        """
    )
    assert (options > 0) is by_firmware and up is True
