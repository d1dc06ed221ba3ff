"""The station and the access points: keys, retries, drop-outs, addresses, currents, packets."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.board.board import Board
from emulator.board.faults import Fault
from emulator.board.standard import plug_standard
from emulator.network.wifi.accesspoint import AccessPoint, pairwise_master_key
from emulator.network.wifi.options import AccessPointOptions, WifiOptions
from emulator.network.wifi.wlan import OUT_OF_TIME, PENDING, YES, Wlan

AP: dict[str, Any] = {
    "ssid": "field-ap", "password": "for-documentation", "channel": 6, "association_ms": 100,
    "dhcp_ms": 500,
}  # fmt: skip
MakeWlan = Callable[..., Wlan]


@pytest.fixture
def make(tmp_path: Path) -> MakeWlan:
    def make(*changes: dict[str, Any], faults: list[dict[str, Any]] | None = None) -> Wlan:
        board = Board(faults=[Fault.from_table(table) for table in faults or []])
        plug_standard(board, tmp_path)
        options = WifiOptions(
            access_points=[AccessPointOptions(**{**AP, **change}) for change in changes or ({},)]
        )
        wlan = Wlan(board, options)
        wlan.do_init({"mode": 1})
        return wlan

    return make


def join(wlan: Wlan, key: str | None = "for-documentation", **options: Any) -> int:
    """Ask for the network; how long until it has an address, ms, at most a minute."""
    user, bssid = options.get("user"), options.get("bssid")
    channel = options.get("channel", 0)
    wlan.do_connect("field-ap", key, user, user is not None, bssid, channel, -1)
    clock = wlan.board.clock
    start_us = clock.now_us
    clock.run_until(start_us + 60_000_000, lambda: wlan.station.address is not None)
    return (clock.now_us - start_us) // 1000


def test_the_key_is_that_of_the_standard() -> None:
    """IEEE 802.11-2016, J.4.2, test vector 1."""
    key = pairwise_master_key("password", "IEEE")
    assert key.hex() == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert pairwise_master_key(key.hex(), "another") == key


@pytest.mark.parametrize(
    ("security", "key", "user", "admitted"),
    [
        ("open", None, None, True),
        ("open", "for-documentation", None, True),
        ("wpa2", "for-documentation", None, True),
        ("wpa2", "for-documentatioN", None, False),
        ("wpa2", None, None, False),
        ("wpa", "for-documentation", None, True),
        ("wep", "for-documentation", None, True),
        ("wpa2_ent", "secret", "node", True),
        ("wpa2_ent", "other", "node", False),
        ("wpa2_ent", "secret", "nobody", False),
        ("wpa2_ent", "secret", None, False),
    ],
)
def test_whom_an_access_point_lets_in(
    security: str, key: str | None, user: str | None, admitted: bool
) -> None:
    options = AccessPointOptions(
        "a", security=security, password="for-documentation", users={"node": "secret"}
    )
    point = AccessPoint(options, 0, random.Random(1))
    assert point.admits(key, user, user is not None) is admitted


def test_how_long_it_takes(make: MakeWlan) -> None:
    wlan = make()
    assert join(wlan) == 5 * 120 + 50 + 100 + 500
    assert join(wlan, channel=6) == 50 + 100 + 500
    wlan.do_ifconfig(0, ["192.168.4.9", "255.255.255.0", "192.168.4.1", "192.168.4.1"])
    assert join(wlan, channel=6) == 50 + 100
    assert wlan.do_ifconfig(0, None)[0] == "192.168.4.9"


def test_a_wrong_key_gives_no_sign_and_is_not_tried_again(make: MakeWlan) -> None:
    wlan = make()
    assert join(wlan, "not-the-password") == 60_000
    assert wlan.station.state == "idle"
    assert wlan.do_isconnected() == PENDING


def test_a_timeout_is_told_once(make: MakeWlan) -> None:
    wlan = make()
    wlan.do_connect("nowhere", None, None, False, None, 0, 5000)
    wlan.board.clock.advance(4_900_000)
    assert wlan.do_isconnected() == PENDING
    wlan.board.clock.advance(200_000)
    assert [wlan.do_isconnected() for _ in range(2)] == [OUT_OF_TIME, PENDING]
    assert wlan.station.state == "idle"


def test_a_first_attempt_is_not_repeated_by_the_firmware(make: MakeWlan) -> None:
    back = {"point": "time", "at_ms": 10_000, "do": "ap_back", "ssid": "field-ap"}
    wlan = make({"present": False}, faults=[back])
    assert join(wlan) == 60_000
    assert wlan.station.state == "idle"
    assert join(wlan) < 3000


def test_once_associated_the_firmware_tries_for_ever(make: MakeWlan) -> None:
    gone = {"point": "time", "at_ms": 10_000, "do": "ap_gone"}
    back = {"point": "time", "at_ms": 100_000, "do": "ap_back"}
    wlan = make(faults=[gone, back])
    join(wlan)
    clock = wlan.board.clock
    clock.run_until(99_000_000)
    assert wlan.station.state == "searching" and wlan.registered
    clock.run_until(103_000_000)
    assert wlan.do_isconnected() == YES


def test_a_drop_out_is_mended_by_the_driver(make: MakeWlan) -> None:
    wlan = make(faults=[{"point": "time", "at_ms": 10_000, "do": "wifi_drop"}])
    join(wlan)
    clock = wlan.board.clock
    clock.run_until(10_000_001)
    assert wlan.station.address is None and wlan.do_isconnected() == PENDING
    clock.advance(5 * 120_000 + 50_000 + 100_000 + 500_000)
    assert wlan.do_isconnected() == YES


def test_an_access_point_that_goes_is_missed_after_six_seconds(make: MakeWlan) -> None:
    wlan = make(faults=[{"point": "time", "at_ms": 10_000, "do": "ap_gone"}])
    join(wlan)
    clock = wlan.board.clock
    clock.run_until(15_900_000)
    assert wlan.station.address is not None
    clock.run_until(16_100_000)
    assert wlan.station.address is None and wlan.station.state == "searching"


def test_the_timer_ends_with_the_association_and_not_with_the_address(make: MakeWlan) -> None:
    wlan = make({"dhcp": False})
    wlan.do_connect("field-ap", "for-documentation", None, False, None, 6, 5000)
    wlan.board.clock.advance(20_000_000)
    assert wlan.do_isconnected() == PENDING and wlan.station.state == "joined"


NEAR, FAR = (bytes.fromhex(f"02000000000{number}") for number in (1, 2))
TWO: list[dict[str, Any]] = [
    {"rssi_dbm": -40.0, "bssid": NEAR.hex(":"), "channel": 11},
    {"rssi_dbm": -80.0, "bssid": FAR.hex(":"), "channel": 3},
]


@pytest.mark.parametrize(
    ("options", "joined", "searched_ms"),
    [
        ({}, FAR, 2 * 120 + 50),  # the first on the way, not the strongest
        ({"channel": 11}, NEAR, 50),
        ({"channel": 3}, FAR, 50),
        ({"channel": 6}, FAR, 120 + 2 * 120 + 50),  # then all others
        ({"bssid": NEAR}, NEAR, 10 * 120 + 50),
        ({"bssid": NEAR, "channel": 11}, NEAR, 50),
    ],
)
def test_the_search_ends_with_the_first_that_fits(
    make: MakeWlan, options: dict[str, Any], joined: bytes, searched_ms: int
) -> None:
    wlan = make(*TWO)
    assert join(wlan, **options) == searched_ms + 100 + 500
    assert wlan.do_joined()[0] == joined


@pytest.mark.parametrize(("pinned", "roams"), [(None, True), (NEAR, False)])
def test_a_named_access_point_alone_is_searched_when_it_is_lost(
    make: MakeWlan, pinned: bytes | None, roams: bool
) -> None:
    gone = {"point": "time", "at_ms": 10_000, "do": "ap_gone", "bssid": NEAR.hex(":")}
    wlan = make(*TWO, faults=[gone])
    join(wlan, channel=11, bssid=pinned)
    wlan.board.clock.run_until(40_000_000)
    assert (wlan.station.address is not None) is roams


def test_the_first_of_several_on_a_channel_is_drawn(make: MakeWlan) -> None:
    wlan = make(*[{**each, "channel": 6} for each in TWO])
    joined = set()
    for _ in range(20):
        join(wlan, channel=6)
        joined.add(wlan.do_joined()[0])
    assert joined == {NEAR, FAR}


def test_so_many_associations_are_refused(make: MakeWlan) -> None:
    wlan = make()
    wlan.station.failing = 2
    assert [join(wlan) < 60_000 for _ in range(3)] == [False, False, True]


def test_the_timer_of_an_earlier_attempt_ends_a_later_one(make: MakeWlan) -> None:
    """wlan_do_connect() does not stop it, disconnect() does."""
    for stopped in (False, True):
        wlan = make({"association_ms": 3000})
        wlan.do_connect("nowhere", None, None, False, None, 0, 4000)
        wlan.board.clock.advance(3_000_000)
        if stopped:
            wlan.do_disconnect()
        assert (join(wlan) < 60_000) is stopped


def test_the_antennas(make: MakeWlan) -> None:
    wlan = make({"rssi_dbm": -60.0})
    wlan._antenna_db = (-50.0, 3.0)
    heard = {}
    for antenna in (0, 1, 2):  # internal, external, as it is
        wlan.do_set("antenna", antenna)
        heard[antenna] = wlan.points[0].heard()
    assert heard[0] is None and all(-70 < (heard[each] or 0) < -45 for each in (1, 2))
    wlan.on_reset(0)
    assert wlan.points[0].heard() is None  # the pull-down of the pin: the internal one


def test_a_country_has_its_channels(make: MakeWlan) -> None:
    wlan = make({"channel": 13})
    assert join(wlan) < 60_000
    wlan.do_set("country", ["US", 1, 11, 20, 1])
    assert join(wlan) == 60_000
    wlan.do_scan_start({})
    wlan.board.clock.advance(11 * 180_000)
    assert wlan.do_scan_result() == []
    wlan.do_deinit()
    wlan.do_init({"mode": 1})  # a new driver has its own country
    assert join(wlan) < 60_000


def test_the_access_point_is_told_the_host_name(make: MakeWlan) -> None:
    wlan = make()
    join(wlan)
    wlan.do_set("hostname", "well-7")
    join(wlan)
    assert wlan.points[0].hosts == ["espressif", "well-7"]


def test_readings_of_the_signal_fluctuate(make: MakeWlan) -> None:
    wlan = make({"rssi_dbm": -70.0})
    join(wlan)
    readings = [wlan.do_joined()[3] for _ in range(200)]
    assert len(set(readings)) > 5 and abs(sum(readings) / 200 + 70) < 1


def test_currents(make: MakeWlan) -> None:
    wlan = make()
    meter, clock = wlan.board.meter, wlan.board.clock
    join(wlan)
    assert meter.milliamps("wifi") == 69.0
    wlan.air.send(128, lambda ok: None)
    assert (meter.state("wifi"), meter.milliamps("wifi")) == ("tx", 150.0)
    clock.advance(10_000)
    assert meter.state("wifi") == "listen"
    assert meter.time_ms("wifi", "tx") == 0  # 692 us
    on_ms = wlan.on_ms
    wlan.do_set("mode", 3)
    assert meter.state("wifi") == "ap"
    wlan.do_deinit()
    clock.advance(1_000_000)
    assert meter.milliamps("wifi") == 0.0 and on_ms <= wlan.on_ms <= on_ms + 20


def test_deep_sleep_ends_it(make: MakeWlan) -> None:
    wlan = make()
    join(wlan)
    wlan.on_sleep(1000)
    assert not wlan.registered
    assert wlan.board.meter.milliamps("wifi") == 0.0


def test_packets_arrive_in_milliseconds_and_with_the_link_only(make: MakeWlan) -> None:
    wlan = make()
    join(wlan)
    clock = wlan.board.clock
    start_us = 0
    arrived: list[tuple[bool, int]] = []

    def note(ok: bool) -> None:
        arrived.append((ok, clock.now_us - start_us))

    for carry in (wlan.air.send, wlan.air.downlink):
        for _ in range(50):
            start_us = clock.now_us
            carry(100, note)
            clock.advance(100_000)
    assert len(arrived) == 100 and all(ok and 100 < took_us < 60_000 for ok, took_us in arrived)
    assert (wlan.air.bytes_up, wlan.air.bytes_down) == (5000, 5000)
    start_us = clock.now_us
    wlan.air.send(100, note)
    wlan.do_disconnect()
    clock.advance(100_000)
    wlan.air.send(100, note)
    clock.advance(100_000)
    assert [ok for ok, _ in arrived[100:]] == [None, None]


def test_losses(make: MakeWlan) -> None:
    wlan = make({"loss": 0.5})
    join(wlan)
    results: list[bool] = []
    for _ in range(200):
        wlan.air.send(100, results.append)
        wlan.board.clock.advance(100_000)
    assert 70 < sum(results) < 130


def test_same_seed_same_draws(make: MakeWlan) -> None:
    drawn = {"association_ms": 0, "dhcp_ms": 0}
    assert join(make(drawn)) == join(make(drawn))
