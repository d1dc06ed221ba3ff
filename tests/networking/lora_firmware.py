"""A stand-in for the firmware of a FiPy as far as networking.lora touches it, and its network.

It follows esp32/mods/modlora.c of Pycom firmware 1.20.2: what is one-shot, what hangs, what is
silent. No radio frames are made here: a session is a number, and a counter that has been seen is
refused by the server.

    board = Board()
    lora = board.boot(PWRON)         # the module networking.lora, fresh as after a start
    board.network.heard              # [(session, counter, port, payload), ...]
"""

from __future__ import annotations

import binascii
import importlib
import struct
import sys
from collections import namedtuple
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

PWRON, WDT, DEEPSLEEP, SOFT = 0, 2, 3, 4
EUI = bytes.fromhex("70b3d54990000001")
APP_EUI, APP_KEY = "70B3D57ED0000001", "2B7E151628AED2A6ABF7158809CF4F3C"

Stats = namedtuple(
    "Stats",
    "rx_timestamp rssi snr sfrx sftx tx_trials tx_power tx_time_on_air tx_counter tx_frequency",
)


class Hang(BaseException):
    """The firmware would wait here for ever."""


@dataclass
class Network:
    """Gateway and server. `deaf`: uplinks go unheard; `mute`: downlinks do."""

    devices: dict[bytes, tuple[bytes, bytes]] = field(
        default_factory=lambda: {EUI: (bytes.fromhex(APP_EUI), bytes.fromhex(APP_KEY))}
    )
    deaf: bool = False
    mute: bool = False
    downlink: bytes = b""  # for the next uplink that is heard
    sessions: list[int] = field(default_factory=list)  # last counter of each
    heard: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    replays: int = 0
    data_rate: int | None = None  # what ADR makes of it

    def join(self, eui: bytes, app_eui: bytes, key: bytes) -> int | None:
        if self.deaf or self.mute or self.devices.get(eui) != (app_eui, key):
            return None
        self.sessions.append(-1)
        return len(self.sessions) - 1

    def uplink(self, session: int, counter: int, port: int, payload: bytes) -> bool:
        if self.deaf:
            return False
        if session < 0 or counter < self.sessions[session]:
            self.replays += 1
            return False
        if counter > self.sessions[session]:  # else a repetition
            self.sessions[session] = counter
            self.heard.append((session, counter, port, payload))
        return not self.mute


class Board:
    def __init__(self, *, radio: bool = True) -> None:
        self.network = Network()
        self.radio = radio
        self.us = 0
        self.wall_s = 0
        self.nvs: dict[str, Any] = {}
        self.nvram: dict[str, Any] = {}
        self.cause = PWRON
        self.mac: Any = None
        self.on_air: list[tuple[int, int]] = []  # (wall clock in us, time on air in us)
        self.fed = 0

    # starting

    def boot(self, cause: int, slept_s: int = 0) -> ModuleType:
        """Start; the module networking.lora. `slept_s`: how long it slept before."""
        kept = cause in (DEEPSLEEP, SOFT)
        self.wall_s = self.wall_s + self.us // 1_000_000 + slept_s if kept else 0
        self.us = 400_000
        self.cause = cause
        self.mac = Mac(self)
        for name in list(sys.modules):
            if name.split(".")[0] in ("networking", "utils"):
                del sys.modules[name]
        sys.modules.update(self.firmware())  # type: ignore[arg-type]
        timing = importlib.import_module("utils.timing")
        timing.set_watchdog(SimpleNamespace(feed=self.feed))
        return importlib.import_module("networking.lora")

    def feed(self) -> None:
        self.fed = self.us

    def firmware(self) -> dict[str, Any]:
        network = ModuleType("network")
        if self.radio:
            network.LoRa = self.mac.LoRa  # type: ignore[attr-defined]
        return {
            "micropython": SimpleNamespace(const=lambda value: value),
            "ucollections": SimpleNamespace(namedtuple=namedtuple),
            "ubinascii": binascii,
            "utime": SimpleNamespace(
                ticks_cpu=lambda: self.us & 0xFFFFFFFF,
                ticks_diff=lambda end, start: end - start,
                sleep_ms=self.sleep_ms,
                time=lambda: self.wall_s + self.us // 1_000_000,
            ),
            "machine": SimpleNamespace(
                reset_cause=lambda: self.cause, PWRON_RESET=PWRON, DEEPSLEEP_RESET=DEEPSLEEP
            ),
            "pycom": SimpleNamespace(
                nvs_get=self.nvs.get, nvs_set=self.nvs_set, nvs_erase=self.nvs.pop
            ),
            "network": network,
            "usocket": SimpleNamespace(
                AF_LORA=0xA0,
                SOCK_RAW=3,
                SOL_LORA=0xFFF05,
                SO_CONFIRMED=0xF0002,
                SO_DR=0xF0003,
                socket=lambda family, kind: Socket(self.mac),
            ),
        }

    def nvs_set(self, key: str, value: Any) -> None:
        assert 0 < len(key) <= 15
        if isinstance(value, str):
            self.nvs[key] = value
            return
        self.nvs[key] = struct.unpack("<i", struct.pack("<I", value & 0xFFFFFFFF))[0]

    def sleep_ms(self, ms: int) -> None:
        end = self.us + ms * 1000
        while self.mac.due and self.mac.due[0][0] <= end:
            self.us, action = self.mac.due.pop(0)
            action()
        self.us = end
        assert self.us - self.fed < 5_000_000, "the watchdog would bite"


class Mac:
    """The LoRa task of the firmware; lost with every start."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.due: list[tuple[int, Any]] = []
        self.made: dict[str, Any] | None = None
        self.joined = False
        self.joining = False
        self.failed = False  # a join was tried in vain
        self.session, self.counter = -1, 0
        self.power = 0
        self.events = 0
        self.received: list[bytes] = []
        self.commands = 0  # bytes of MAC commands that wait
        self.stuck = False  # takes a payload, and that was it
        self.sending = False
        self.asked_us = 0  # the join request before the last
        self.removed: set[int] = set()
        self.stats = Stats(0, 0, 0.0, 0, 0, 0, 0, 0, 0, 0)
        self.joins = 0
        mac = self

        class LoRa:
            LORA, LORAWAN, OTAA, ABP = 0, 1, 0, 1
            AS923, AU915, EU868, IN865, US915 = 0, 1, 5, 7, 8
            ALWAYS_ON, TX_ONLY, SLEEP = 0, 1, 2

            def __init__(self, **options: Any) -> None:
                if not options and mac.made is None:
                    raise ValueError("no region specified and no default found in config block")
                if options:
                    mac.init(options)

            def join(self, activation, *, auth, dr=None, timeout=None):
                mac.join(activation, auth, dr, timeout)

            def has_joined(self):
                return mac.joined

            def mac(self):
                return EUI

            def power_mode(self, mode):
                mac.command()
                mac.power = mode

            def remove_channel(self, number):
                mac.command()
                mac.removed.add(number)

            def events(self):
                events, mac.events = mac.events, 0
                return events

            def stats(self):
                return mac.stats

            def nvram_save(self):
                mac.board.nvram = {
                    "joined": mac.joined,
                    "session": (mac.session, mac.counter),
                    "region": mac.made["region"],
                }

            def nvram_restore(self):
                nvram = mac.board.nvram
                mac.joined = bool(nvram.get("joined")) and nvram["region"] == mac.made["region"]
                if mac.joined:
                    mac.session, mac.counter = nvram["session"]
                    nvram["joined"] = False

            def nvram_erase(self):
                mac.board.nvram = {}

        self.LoRa = LoRa

    def at(self, us: int, action: Any) -> None:
        self.due.append((self.board.us + us, action))
        self.due.sort(key=lambda item: item[0])

    def command(self) -> None:
        """The firmware's task takes none while it sends, nor when a join request is held back."""
        slow = self.joining and airtime_us(self.made, self.request[3], 10) > 100_000
        if self.sending or (slow and self.board.us - self.asked_us > 20_000_000):
            raise Hang

    def init(self, options: dict[str, Any]) -> None:
        if self.failed:
            raise Hang
        self.command()
        self.removed = set()
        self.made = options
        self.joined = self.joining = False
        self.power = options.get("power_mode", 0)

    def join(self, activation: int, auth: Any, dr: Any, timeout: Any) -> None:
        assert self.made and self.made["mode"] == 1
        self.command()
        self.asked_us = self.board.us
        self.joined = self.joining = False
        if activation == 1:
            self.session, self.joined = -1, True
            return
        assert timeout == 0, "blocks without feeding the watchdog"
        allowed = {5: range(6), 0: [2], 8: [0, 4], 1: [0, 6], 7: range(6)}[self.made["region"]]
        if dr not in allowed:
            raise ValueError(f"invalid join data rate {dr}")
        eui, app_eui, key = auth if len(auth) == 3 else (EUI, *auth)
        assert (len(eui), len(app_eui), len(key)) == (8, 8, 16)
        self.joining = True
        self.request = eui, app_eui, key, dr
        self.ask()

    def ask(self) -> None:
        if not self.joining:
            return
        self.failed = True
        self.joins += 1
        self.board.on_air.append((self.board.us, airtime_us(self.made, self.request[3] or 0, 10)))
        session = self.board.network.join(*self.request[:3])
        if session is not None:
            self.at(5_100_000, lambda: self.accepted(session))
        self.at(10_000_000, self.ask)

    def accepted(self, session: int) -> None:
        if self.joining:
            self.session, self.counter = session, 0
            self.joined, self.joining, self.failed = True, False, False

    def send(self, payload: bytes, confirmed: bool, data_rate: int, port: int) -> int:
        if self.power == 2 or not self.joined:
            raise OSError(115)
        rate = data_rate
        if self.made["adr"] and self.board.network.data_rate is not None:
            rate = self.board.network.data_rate
        limit = LIMITS[self.made["region"]][rate]
        if len(payload) > 242:
            raise OSError(122)
        self.sending = True
        if self.stuck:
            return len(payload)
        flush = len(payload) + self.commands > limit
        if flush:  # an empty frame instead, reported as sent
            payload, confirmed, self.commands = b"", False, 0
        self.trial(payload, confirmed, rate, port, 1)
        return len(payload)

    def trial(self, payload: bytes, confirmed: bool, rate: int, port: int, number: int) -> None:
        air_us = airtime_us(self.made, rate, len(payload)) - (not payload) * 1000
        self.board.on_air.append((self.board.us, air_us))
        network = self.board.network
        answered = network.uplink(self.session, self.counter, port, payload)
        if answered and network.downlink:
            self.received.append(network.downlink)
            network.downlink = b""
        heard = answered and (confirmed or self.received)

        def end() -> None:
            if confirmed and not answered:
                if number <= self.made["tx_retries"]:
                    self.trial(payload, confirmed, rate, port, number + 1)
                    return
                self.counter += 1
                self.events |= 4
                self.sending = False
                return
            rssi, snr = (-97, 6.5) if heard else (self.stats.rssi, self.stats.snr)
            tail = (rate, number, 14, -(-air_us // 1000), self.counter, 868100000)
            self.stats = Stats(1 if heard else 0, rssi, snr, rate, *tail)
            self.counter += 1
            self.events |= 2
            self.sending = False

        self.at(air_us + 2_100_000 + number % 2 * 500_000, end)


class Socket:
    def __init__(self, mac: Mac) -> None:
        self.mac = mac
        self.options: dict[int, int] = {}
        self.port = 2
        self.blocking = True

    def setsockopt(self, level: int, option: int, value: int) -> None:
        assert level == 0xFFF05
        self.options[option] = value

    def bind(self, port: int) -> None:
        self.port = port

    def setblocking(self, blocking: bool) -> None:
        self.blocking = blocking

    def send(self, payload: bytes) -> int:
        assert not self.blocking, "blocks without feeding the watchdog"
        options = self.options
        return self.mac.send(payload, bool(options[0xF0002]), options[0xF0003], self.port)

    def recv(self, size: int) -> bytes:
        return self.mac.received.pop(0)[:size] if self.mac.received else b""

    def close(self) -> None:
        self.blocking = True


# By the numbers of the firmware's regions. Without MAC commands: Regional Parameters 1.0.2
LIMITS = {
    5: (51, 51, 51, 115, 242, 242, 242),
    8: (11, 53, 125, 242, 242),
    1: (51, 51, 51, 115, 242, 242, 242),
    0: (0, 0, 11, 53, 125, 242, 242),
    7: (51, 51, 51, 115, 242, 242),
}


def airtime_us(made: dict[str, Any] | None, rate: int, length: int) -> int:
    """By symbols, in floats, unlike the component."""
    assert made is not None
    region = made["region"]
    sf, khz = (10 - rate, 125) if region == 8 else (12 - rate, 125)
    if (region, rate) in ((8, 4), (1, 6)):
        sf, khz = 8, 500
    elif rate == 6:
        sf, khz = 7, 250
    symbol = 2**sf / khz
    low = symbol >= 16
    blocks = -(-(8 * (length + 13) - 4 * sf + 28 + 16) // (4 * (sf - 2 * low)))
    return round((12.25 + 8 + max(blocks * 5, 0)) * symbol * 1000)
