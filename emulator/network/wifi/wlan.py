"""Service "wlan": the Wi-Fi of the board behind network.WLAN (emulator/firmware/_wlan.py).

    board.plug("wlan", Wlan(board, scenario.wifi))

Whoever changes the state of the station or the mode has the current shown: domain "wifi" of the
meter. A new board starts as an access point of its own (pycom.wifi_on_boot); that is its state
here too, but not its current, so that programs which never ask for Wi-Fi cost what they did.
Source: Pycom firmware 1.20.2.r4, esp32/mods/modwlan.c.
"""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board, Service, UndefinedBehaviour
from emulator.board.clock import Timer
from emulator.board.constants import CODE, ESTIMATE, constant
from emulator.board.faults import Fault
from emulator.network.wifi.accesspoint import WPA2_PSK, AccessPoint
from emulator.network.wifi.air import WifiAir
from emulator.network.wifi.options import FAULT_WORDS, WifiOptions
from emulator.network.wifi.own import OwnNetwork
from emulator.network.wifi.promiscuous import Promiscuous
from emulator.network.wifi.station import LISTEN, SERVE, Station, Wish

STA, AP, STA_AP = 1, 2, 3
FAILED = "the requested operation failed"
# esp_wifi_init and start: calibration from NVS (docs/emulation.md)
START_US = constant(120_000, "us", ESTIMATE, "no source found")
STOP_US = constant(15_000, "us", ESTIMATE, "no source found")
# three cycles of their task
SERVERS_US = constant(6_000, "us", CODE, "1.20.2.r4: three cycles of the servers' task")
# of a channel (docs/emulation.md)
SCAN_MS = constant(180, "ms", ESTIMATE, "no source found")
PASSIVE_MS = constant(360, "ms", CODE, "ESP-IDF: default of a passive scan, esp_wifi_scan_start")
KEY_BYTES = 64  # of wlan_obj.key, without its NUL
AP_CHANNEL = 6  # DEFAULT_AP_CHANNEL of mptask.c
BOOT_TIMEOUT_MS = constant(30_000, "ms", CODE, "1.20.2.r4: wlan_setup()")
COUNTRY = ("CN", 1, 13, 20, 0)  # of ESP-IDF: name, first channel, channels, dBm, policy
INTERNAL, EXTERNAL = range(2)
NO_SECURITY = 6  # WIFI_AUTH_MAX: connect() without auth
PENDING, YES, OUT_OF_TIME = range(3)


class Wlan(Service):
    """It is lwIP's interface as well: a `Nic` of emulator/network/nic.py."""

    looks = frozenset({"started", "isconnected", "joined", "get", "ifconfig"})

    def __init__(self, board: Board, options: WifiOptions) -> None:
        super().__init__(board)
        source = board.rng("wifi")
        self.points = [
            AccessPoint(each, number, source) for number, each in enumerate(options.access_points)
        ]
        self.mac: bytes = getattr(board.services.get("system"), "mac", bytes(6))
        self.station = Station(board, self.points, self.mac)
        self.air = WifiAir(board, self.station)
        self.own = OwnNetwork(board, options.guests, self._serves)
        self.promiscuous = Promiscuous(board, self.points, self.station)
        self.wanted: str | None = None  # the network that connect() last asked for
        self.started = False
        self.servers = False  # FTP and telnet: they start and end with the interface
        self.registered = False  # lwIP's interface is on the firmware's list
        self.station.on_address = self._register
        self.station.on_leave = self._deregister
        self.station.on_join = self._joined
        self.station.failing = options.failing_associations
        self._antenna_db = (options.internal_antenna_db, options.external_antenna_db)
        self._failing_scans = options.failing_scans
        self._scan_error = options.scan_error
        self._settings: dict[str, Any] = {}
        self._reset_settings()
        self._timer = Timer(board.clock)  # of connect(timeout=...)
        self._timed_out = False
        self._scan: tuple[int, dict[str, Any]] | None = None
        for word in FAULT_WORDS:
            board.faults.on_time(word, self._strike)

    @property
    def address(self) -> str | None:
        return self.station.address

    @property
    def dns(self) -> list[str]:
        """The servers that the access point, or the program, named."""
        return [self.station.addresses[3]]

    @property
    def listening(self) -> tuple[int, ...]:
        """Ports of the firmware's own servers, FTP and telnet."""
        return (21, 23) if self.servers else ()

    def _serves(self) -> bool:
        return self.started and self._settings["mode"] != STA

    @property
    def on_ms(self) -> int:
        """How long the radio has drawn current."""
        states = (LISTEN[0], "tx", SERVE[0])
        return sum(self.board.meter.time_ms("wifi", state) for state in states)

    def take_furthest(self) -> int:
        """The furthest state since the last call: -1 off, 0 started, 1 associated, 2 address."""
        furthest, self.station.furthest = self.station.furthest, -1
        return furthest

    def on_reset(self, cause: int) -> None:
        self._off()
        self.wanted = None
        self.station.static = None
        self.station.hostname = "espressif"
        self._reset_settings()
        self.own.reset()
        config: Any = self.board.services.get("config")
        if config is not None and config.flags["wifi_on_boot"]:
            self._open_on_boot(config.flags)

    def _open_on_boot(self, flags: dict[str, Any]) -> None:
        """A station alone is started when its network is known: start_on_boot()."""
        mode = flags["wifi_mode_on_boot"] or AP
        if mode != STA:
            self.started = True
            self._register()
            ssid = flags["wifi_ssid_ap"] or self._own_ssid()
            self._settings.update(mode=mode, ssid=ssid, antenna=INTERNAL, channel=AP_CHANNEL)
            self._settings.update(security=WPA2_PSK, key=flags["wifi_pwd_ap"] or "www.pycom.io")

    def on_sleep(self, duration_ms: int | None) -> None:
        self._off()

    def start_on_boot(self) -> None:
        """What the firmware does before boot.py for a station whose network was stored by
        pycom.wifi_ssid_sta (esp32/mptask.c, mptask_config_wifi)."""
        config: Any = self.board.services["config"]
        flags = config.flags
        mode, ssid = flags["wifi_mode_on_boot"], flags["wifi_ssid_sta"]
        if flags["wifi_on_boot"] and mode in (STA, STA_AP) and ssid:
            self.do_init({"mode": mode, "antenna": INTERNAL})
            wish = Wish(ssid, flags["wifi_pwd_sta"], None, False, None, 0)
            self._wish(wish, WPA2_PSK, BOOT_TIMEOUT_MS)

    def do_boot(self) -> None:
        """pycom.wifi_on_boot(True, True)"""
        config: Any = self.board.services["config"]
        self._open_on_boot(config.flags)
        self.start_on_boot()

    # start and stop

    def do_started(self) -> bool:
        return self.started

    def do_init(self, settings: dict[str, Any]) -> None:
        """(Re-)start; a station that is associated stays so if it is to be a station again."""
        was_station = self.started and self._settings["mode"] != AP
        self._settings.update({key: settings[key] for key in settings if key != "country"})
        country = settings.get("country") or (None if self.started else COUNTRY)
        self.do_set("antenna", self._settings["antenna"])
        if country:
            self.do_set("country", country)
        self.board.spend_us(START_US)
        self.started = True
        if settings["mode"] == AP or not was_station:
            shown = self.registered, self.servers
            self.station.stop()
            self.station.start()
            self.registered, self.servers = shown  # wlan_setup() takes nothing off the list
        if settings["mode"] != STA:
            self.own.begin()
            self._register()
        self._show()

    def do_deinit(self) -> None:
        if self.started:
            self._off()
            self.board.spend_us(STOP_US)

    def do_servers(self, on: bool | None) -> bool:
        """The FTP and telnet servers: switch them, or ask whether they run."""
        if on is not None:
            self.servers = on
            self.board.spend_us(SERVERS_US)
        return self.servers

    # station

    def do_connect(
        self,
        ssid: str,
        key: str | None,
        user: str | None,
        enterprise: bool,
        bssid: bytes | None,
        channel: int,
        timeout_ms: int,
        security: int = NO_SECURITY,
    ) -> None:
        """timeout_ms: -1 without one."""
        if self._scan is not None or not self.started:
            raise OSError(FAILED)
        if key is not None and len(key.encode()) > KEY_BYTES:
            text = f"WLAN.connect() copies a key of {len(key.encode())} bytes into {KEY_BYTES + 1}"
            self.do_undefined(text + " and overwrites what lies behind")
        self._wish(Wish(ssid, key, user, enterprise, bssid, channel), security, timeout_ms)
        self._show()

    def _wish(self, wish: Wish, security: int, timeout_ms: int) -> None:
        """The timer of an earlier attempt goes on if this one has none, and may end it."""
        if timeout_ms > 0:
            self._timed_out = False
            self._timer.start_ms(timeout_ms, self._out_of_time)
        self._settings.update(security=security, hostname=self.station.hostname[:31])
        if wish.key is not None:
            self._settings["key"] = wish.key
        self.wanted = wish.ssid
        self.station.connect(wish)

    def _joined(self, point: AccessPoint) -> None:
        self._timer.stop()
        self._settings.update(
            joined=point.ssid,
            bssid=point.bssid,
            channel=point.channel,
            security=point.auth_mode,
        )

    def do_undefined(self, text: str) -> None:
        """What the firmware does here to its own memory nobody can say."""
        halt = UndefinedBehaviour(text)
        self.board.stop(halt)
        raise halt

    def do_leave(self) -> None:
        """How connect() begins."""
        self.station.disconnect()

    def do_disconnect(self) -> None:
        self._timer.stop()
        if self.started:
            self.station.disconnect()

    def do_isconnected(self) -> int:
        if self.station.address is not None or self.own.stations():
            return YES
        if self._timed_out:
            self._timed_out = False  # told once
            return OUT_OF_TIME
        return PENDING

    def _out_of_time(self) -> None:
        """The timer counts until the association; that an address is missing it does not see."""
        self._timed_out = True
        self.station.disconnect()

    def do_ifconfig(self, interface: int, config: list[str] | str | None) -> list[str] | None:
        if config is None:
            return list(self.own.addresses if interface else self.station.addresses)
        if isinstance(config, str):
            up = self.station.state in ("joined", "connected")
            if interface or (up and self.station.static is None):
                raise OSError(FAILED)  # an access point has no client; one runs already
            self.station.restart_dhcp()
        elif interface == 0:
            self.station.set_static((config[0], config[1], config[2], config[3]))
        else:
            self.own.addresses = list(config)
        return None

    def do_stations(self) -> list[tuple[bytes, int, str]]:
        """(mac, rssi, address) of those on the board's own network."""
        return self.own.stations()

    def do_joined(self) -> list[Any] | None:
        """[bssid, ssid, channel, rssi, auth] of the association."""
        point = self.station.point
        if point is None:
            return None
        return [point.bssid, point.ssid, point.channel, point.rssi(), point.auth_mode]

    # scanning

    def do_scan_start(self, wanted: dict[str, Any]) -> int:
        """Begin a scan; how long it takes, in microseconds."""
        busy = self.station.state in ("searching", "associating")
        if busy or self._scan is not None or not self.started:
            raise OSError("Scan operation Failed!")
        channels = 1 if wanted.get("channel") else len(self.station.channels)
        usual_ms = PASSIVE_MS if wanted.get("passive") else SCAN_MS
        duration_us = channels * (wanted.get("scantime") or usual_ms) * 1000
        self._scan = (self.board.clock.now_us + duration_us, wanted)
        self.board.trace.add("wifi", f"scanning {channels} channels")
        return duration_us

    def do_scan_result(self) -> list[list[Any]] | None:
        """[[ssid, bssid, sec, channel, rssi], ...], strongest first; None: it still runs."""
        assert self._scan is not None
        until_us, wanted = self._scan
        if self.board.clock.now_us < until_us:
            return None
        self._scan = None
        if self._failing_scans:
            self._failing_scans -= 1
            late = self._scan_error == "timed_out"
            raise OSError("Scan operation timed out!" if late else "Scan operation Failed!")
        found = []
        for point in self.points:
            rssi = point.heard() if self._wanted(point, wanted) else None
            if rssi is not None:
                ssid = "" if self._unnamed(point, wanted) else point.ssid
                found.append([ssid, point.bssid, point.auth_mode, point.channel, rssi])
        return sorted(found, key=lambda each: -each[4])

    def _wanted(self, point: AccessPoint, wanted: dict[str, Any]) -> bool:
        if point.options.hidden and not wanted.get("show_hidden") and not wanted.get("ssid"):
            return False
        if point.channel not in self.station.channels:
            return False
        own = {"ssid": point.ssid, "bssid": point.bssid, "channel": point.channel}
        return all(wanted.get(key) in (None, 0, value) for key, value in own.items())

    def _unnamed(self, point: AccessPoint, wanted: dict[str, Any]) -> bool:
        return point.options.hidden and not wanted.get("ssid")

    # settings that only wait to be asked for

    def do_get(self, name: str) -> Any:
        if name == "ssids":  # as a station, as an access point; None: not associated, not up
            own = self._settings["ssid"] if self.started else None
            return [self._settings["joined"] if self.station.retries else None, own]
        if name == "associated":
            return self.station.retries
        if name == "country":
            return list(self._settings[name])
        return self._settings[name]

    def do_set(self, name: str, value: Any) -> bool:
        """Whether the driver took it."""
        if name == "hostname":
            if self.started:
                self._settings[name] = value[:31]  # strlcpy() into 32
                if self._settings["mode"] == STA:
                    self.station.hostname = value
            return self.started
        self._settings[name] = value
        if name == "mode" and self.started:
            if value == AP:
                self.station.disconnect()
            if value != STA:
                self.own.begin()
            self._show()
        elif name == "antenna" and value in (INTERNAL, EXTERNAL):  # a manual one: as it is
            for point in self.points:
                point.antenna_db = self._antenna_db[value]
        elif name == "promiscuous":
            self.promiscuous.switch(value)
        elif name == "country":
            first, count = value[1:3]
            self.station.channels = range(first, first + count)
        return self.started

    def do_callback(self, trigger: int) -> None:
        self.promiscuous.trigger = trigger

    def do_events(self) -> int:
        """What has come since the last call."""
        return self.promiscuous.take_events()

    def do_packet(self) -> list[Any]:
        return self.promiscuous.take_packet()

    def do_tune(self, channel: int) -> None:
        self.promiscuous.tune(channel)

    def do_mac(self) -> list[bytes]:
        """Of the station and of the access point."""
        return [self.mac, self.mac[:5] + bytes([(self.mac[5] + 1) % 256])]

    # helpers

    def _reset_settings(self) -> None:
        self._settings = {
            "mode": STA, "ssid": "", "joined": None, "security": 0, "key": "", "channel": 0,
            "antenna": 2, "hidden": False, "power_save": False, "bandwidth": 2, "max_tx_pwr": 0,
            "hostname": "", "bssid": bytes(6), "promiscuous": False,
        }  # fmt: skip
        self.do_set("antenna", INTERNAL)  # a reset pulls its pin down
        self.do_set("country", COUNTRY)

    def _own_ssid(self) -> str:
        return f"{self.board.name.lower()}-wlan-{self.mac[-2:].hex()}"

    def _off(self) -> None:
        self.started = False
        self.station.stop()
        self._deregister()
        self._scan = None
        self._timer.stop()
        self._timed_out = False
        self.promiscuous.reset()
        self._show()

    def _register(self) -> None:
        if not self.registered:
            self.registered = self.servers = True

    def _deregister(self) -> None:
        if self._settings["mode"] == STA or not self.started:
            self.registered = self.servers = False

    def _show(self) -> None:
        if not self.started:
            self.board.meter.set("wifi", "off", 0.0)
        elif self._settings["mode"] == STA:
            self.board.meter.set("wifi", *LISTEN)
        else:
            self.board.meter.set("wifi", *SERVE)

    def _strike(self, fault: Fault) -> None:
        ssid, bssid = fault.options.get("ssid"), fault.options.get("bssid")
        for point in self.points:
            if ssid in (None, point.ssid) and bssid in (None, point.bssid.hex(":")):
                if fault.do == "wifi_drop":
                    self.station.dropped(point)
                    continue
                point.present = fault.do == "ap_back"
                if not point.present:
                    self.station.vanished(point)
