"""The station of the ESP32: searching, associating, addresses, and what the driver retries.

off -> idle -> searching -> associating -> joined (no address) -> connected

Once it was associated, the firmware retries for ever whatever ends that, but for a failed
authentication and a deliberate end. An attempt that fails before is not repeated: it stays idle
without a word.

The search is ESP-IDF's fast scan: the firmware leaves scan_method at 0, with which sort_method
counts for nothing. It begins on the channel that the program names, goes on with all others, and
ends with the first access point of the name, which need not be the strongest.
Source: Pycom firmware 1.20.2.r4, esp32/mods/modwlan.c (wlan_do_connect, wlan_event_handler);
ESP-IDF 3.3, esp_wifi_types.h and the table "Station Basic Configuration" of its Wi-Fi guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from emulator.board.board import Board
from emulator.board.clock import Timer
from emulator.board.constants import CODE, COMPARABLE, DATA_SHEET, ESTIMATE, constant
from emulator.network.wifi.accesspoint import AccessPoint

CHANNELS = range(1, 14)  # of ESP-IDF's own country
# of a channel when connecting (docs/emulation.md)
SEARCH_MS = constant(120, "ms", CODE, "ESP-IDF: default of an active scan, esp_wifi_scan_start")
# of the channel on which it is: a probe response ends the search
FOUND_MS = constant(50, "ms", COMPARABLE, "so that the total agrees with measured associations")
# an access point repeats the first message, then gives up
HANDSHAKE_TIMEOUT_MS = constant(3000, "ms", ESTIMATE, "an access point gives up")
# six seconds without a beacon: ESP-IDF's own limit
BEACON_LOSS_MS = constant(6000, "ms", CODE, "ESP-IDF 3.3")
LISTEN_MA = constant(69.0, "mA", DATA_SHEET, "ESP32 5.2 and Pycom's L04 page, on top of esp run")
LISTEN = ("listen", LISTEN_MA)
TRANSMIT_MA = constant(
    150.0, "mA", DATA_SHEET, "ESP32 5.2 and Pycom's L04 page, on top of esp run"
)
TRANSMIT = ("tx", TRANSMIT_MA)
SERVE_MA = constant(75.0, "mA", DATA_SHEET, "ESP32 5.2 and Pycom's L04 page, on top of esp run")
SERVE = ("ap", SERVE_MA)
ZEROS = "0.0.0.0"


@dataclass
class Wish:
    """What the program wants to be connected to."""

    ssid: str
    key: str | None = field(repr=False)
    user: str | None
    enterprise: bool
    bssid: bytes | None
    channel: int


class Station:
    def __init__(self, board: Board, points: list[AccessPoint], mac: bytes) -> None:
        self._board = board
        self._points = points
        self._mac = mac
        self.state = "off"
        self.wish: Wish | None = None
        self.point: AccessPoint | None = None  # that of the association
        self.static: tuple[str, str, str, str] | None = None
        self.retries = False  # associated since the program asked for it
        self.channels: Sequence[int] = CHANNELS  # those of the country
        self.hostname = "espressif"  # that DHCP tells: CONFIG_LWIP_LOCAL_HOSTNAME
        self.failing = 0  # so many associations are refused
        self.on_join: Callable[[AccessPoint], None] = lambda point: None
        self.on_address: Callable[[], None] = lambda: None
        self.on_leave: Callable[[], None] = lambda: None  # deliberate, or failed authentication
        self.furthest = -1  # 0 started, 1 associated, 2 with an address
        self._lease: tuple[str, str, str, str] | None = None
        self._random = board.rng("wifi search")
        self._next = Timer(board.clock)
        self._drop = Timer(board.clock)

    @property
    def address(self) -> str | None:
        return self.addresses[0] if self.state == "connected" else None

    @property
    def addresses(self) -> tuple[str, str, str, str]:
        return self.static or self._lease or (ZEROS,) * 4

    # what the program asks for

    def start(self) -> None:
        self._to("idle")

    def stop(self) -> None:
        self._end_wish()
        self._to("off")

    def connect(self, wish: Wish) -> None:
        self._end_wish()
        self.wish = wish
        self._search()

    def disconnect(self) -> None:
        self._end_wish()
        self._to("idle")

    def restart_dhcp(self) -> None:
        self.static = None
        if self.state in ("joined", "connected"):
            self._to("joined")
            self._ask_for_address()

    def set_static(self, addresses: tuple[str, str, str, str]) -> None:
        self.static = addresses
        if self.state in ("joined", "connected"):
            self._next.stop()
            self._addressed()

    # what the access points do

    def dropped(self, point: AccessPoint) -> None:
        """The access point says goodbye; the driver tries again at once."""
        if self.point is point:
            self._lost()

    def vanished(self, point: AccessPoint) -> None:
        """No beacons any more: noticed some seconds later."""
        if self.point is point:

            def noticed() -> None:
                if self.point is point and not point.present:
                    self._lost()

            self._board.clock.schedule_ms(BEACON_LOSS_MS, noticed)

    # the way to an address

    def _search(self) -> None:
        assert self.wish is not None
        self._to("searching")
        first = self.wish.channel
        order = sorted(self.channels, key=lambda channel: channel != first)
        self._look(iter(order))

    def _look(self, channels: Iterator[int]) -> None:
        """Search the next channel."""
        channel = next(channels, None)
        if channel is None:
            self._failed()  # reason 201, no AP found
            return
        found = [point for point in self._points if self._fits(point, channel)]
        if not found:
            self._next.start_ms(SEARCH_MS, lambda: self._look(channels))
            return
        point = found[0] if len(found) == 1 else self._random.choice(found)  # who answers first
        self._next.start_ms(FOUND_MS, lambda: self._found(point))

    def _fits(self, point: AccessPoint, channel: int) -> bool:
        wish = self.wish
        assert wish is not None
        named = point.ssid == wish.ssid and wish.bssid in (None, point.bssid)
        return named and point.channel == channel and point.heard() is not None

    def _found(self, point: AccessPoint) -> None:
        self._to("associating")
        self._next.start_ms(point.association_ms(), lambda: self._associated(point))

    def _associated(self, point: AccessPoint) -> None:
        wish = self.wish
        assert wish is not None
        if not point.present:
            self._failed()
        elif self.failing:
            self.failing -= 1
            self._refused()  # reason 202, at once
        elif point.admits(wish.key, wish.user, wish.enterprise):
            self._joined(point)
        else:
            self._next.start_ms(HANDSHAKE_TIMEOUT_MS, self._refused)

    def _refused(self) -> None:
        self._board.trace.add("wifi", "authentication failed")
        self.disconnect()

    def _failed(self) -> None:
        """An attempt is over; the event handler of the firmware repeats it, or not."""
        if self.retries:
            self._search()
        else:
            self._to("idle")

    def _joined(self, point: AccessPoint) -> None:
        self.point = point
        self.retries = True
        self.on_join(point)
        self._to("joined")
        if point.options.drop_after_ms:
            self._drop.start_ms(point.options.drop_after_ms, lambda: self.dropped(point))
        if self.static:
            self._addressed()
        else:
            self._ask_for_address()

    def _ask_for_address(self) -> None:
        point = self.point
        assert point is not None
        after_ms = point.dhcp_ms()
        if after_ms is not None:
            self._next.start_ms(after_ms, lambda: self._leased(point))

    def _leased(self, point: AccessPoint) -> None:
        gateway = point.gateway
        self._lease = (point.lease(self._mac), "255.255.255.0", gateway, gateway)
        point.hosts.append(self.hostname)
        self._addressed()

    def _addressed(self) -> None:
        self._to("connected")
        self.on_address()

    # the way back

    def _end_wish(self) -> None:
        self.wish = None
        self.retries = False
        was_there = self.point is not None
        self._leave()
        if was_there:  # else there is nothing to leave, and no event
            self.on_leave()

    def _lost(self) -> None:
        self._board.trace.add("wifi", "association lost")
        self._leave()
        if self.wish is not None:
            self._search()

    def _leave(self) -> None:
        self._next.stop()
        self._drop.stop()
        self.point = None
        self._lease = None

    def _to(self, state: str) -> None:
        if state != self.state:
            self.state = state
            at = "" if self.point is None else f" {self.point.ssid} channel {self.point.channel}"
            self._board.trace.add("wifi", state + at)
        steps = {"off": -1, "joined": 1, "connected": 2}
        self.furthest = max(self.furthest, steps.get(state, 0))
