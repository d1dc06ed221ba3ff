"""The board's own network: its access point, and the stations on it.

    board.services["socket"].nics.append(wlan.own)

Nobody joins it unless `[wifi] guests` of the scenario says so, or `--serve`: then the programs of
this computer are a guest, from the first call on. It leads to nothing but its guests.
Source: Pycom firmware 1.20.2.r4, esp32/mods/modwlan.c (wlan_ap_sta_list, wlan_event_handler).
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board
from emulator.board.constants import ESTIMATE, constant
from emulator.network.air import Done
from emulator.network.wifi.accesspoint import drawn_ms
from emulator.network.wifi.air import BYTE_US, CHANNEL_MS, FRAME_US

# finds it, associates, gets an address
JOIN_MS = constant(3_000, "ms", ESTIMATE, "no source found: a telephone that knows the network")
RSSI_DBM = -50
MOST_GUESTS = 4  # MAX_AP_CONNECTED_STA
DEFAULT = ("192.168.4.1", "255.255.255.0", "192.168.4.1", "0.0.0.0")


class OwnNetwork:
    """An interface of emulator/network/nic.py. `addresses`: of the board on it, as ifconfig()."""

    registered = False  # WLAN is, for both

    def __init__(self, board: Board, guests: int, up: Callable[[], bool]) -> None:
        self._board = board
        self._guests = min(guests, MOST_GUESTS)
        self._up = up
        self._random = board.rng("own network")
        self.air = self
        self.reset()

    def reset(self) -> None:
        self.addresses = list(DEFAULT)
        self._called = False
        self.begin()

    def begin(self) -> None:
        """The access point starts."""
        self._since_us = self._board.clock.now_us

    @property
    def address(self) -> str | None:
        return self.addresses[0] if self._up() else None

    @property
    def prefix(self) -> str:
        """Of the addresses that it leads to."""
        return self.addresses[0].rpartition(".")[0] + "."

    def call(self) -> str:
        """A program of this computer calls; its address on this network."""
        self._called = True
        return self.prefix + "2"

    def stations(self) -> list[tuple[bytes, int, str]]:
        """(mac, rssi, address) of those on it."""
        there = self._board.clock.now_us - self._since_us >= JOIN_MS * 1000
        count = max(self._guests if there else 0, int(self._called)) if self._up() else 0
        macs = [bytes([2, 0, 0, 0, 0, number]) for number in range(count)]
        return [(mac, RSSI_DBM, f"{self.prefix}{2 + mac[-1]}") for mac in macs]

    # as an Air

    def send(self, l3_bytes: int, done: Done) -> None:
        us = FRAME_US + round(l3_bytes * BYTE_US + drawn_ms(self._random, CHANNEL_MS) * 1000)
        self._board.clock.schedule(us, lambda: done(True if self._up() else None))

    downlink = send
