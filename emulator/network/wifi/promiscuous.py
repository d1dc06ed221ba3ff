"""Promiscuous mode: the beacons of the access points on one channel, as the handler of
WLAN.callback() and wifi_packet() get them. Nothing else is on the air here.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modwlan.c (promiscuous_callback, wlan_packet);
IEEE 802.11-2016, 9.3.3.3 (beacon).
"""

from __future__ import annotations

import zlib
from typing import Any

from emulator.board.board import Board
from emulator.board.clock import Timer
from emulator.board.constants import STANDARD, constant
from emulator.network.wifi.accesspoint import OPEN, AccessPoint
from emulator.network.wifi.station import Station

BEACON_MS = constant(102.4, "ms", STANDARD, "IEEE 802.11: 100 time units, the usual interval")
NOISE_DBM = -95  # no source found
MANAGEMENT = 1  # EVENT_PKT_MGMT
_PRIVACY = 0x10
_RATES = bytes([1, 8, 0x82, 0x84, 0x8B, 0x96, 0x24, 0x30, 0x48, 0x6C])


def beacon(point: AccessPoint, now_us: int) -> bytes:
    """The whole frame with its check sequence."""
    address = b"\x80\x00\x00\x00" + b"\xff" * 6 + 2 * point.bssid + b"\x00\x00"
    capability = 0x01 if point.auth_mode == OPEN else 0x01 | _PRIVACY
    body = now_us.to_bytes(8, "little") + b"\x64\x00" + capability.to_bytes(2, "little")
    ssid = b"" if point.options.hidden else point.ssid.encode()
    frame = address + body + bytes([0, len(ssid)]) + ssid + _RATES + bytes([3, 1, point.channel])
    return frame + zlib.crc32(frame).to_bytes(4, "little")


class Promiscuous:
    def __init__(self, board: Board, points: list[AccessPoint], station: Station) -> None:
        self._board = board
        self._points = points
        self._station = station
        self._timer = Timer(board.clock)
        self.reset()

    def reset(self) -> None:
        self._timer.stop()
        self._channel = 1
        self.trigger = self._events = 0
        self._taken = True  # what the handler was called for: further ones do not call it
        self._packet: list[Any] = [*[0] * 17, b""]

    def switch(self, on: bool) -> None:
        if on and not self._timer.running:
            self._timer.start_ms(BEACON_MS, self._beacons)
        elif not on:
            self._timer.stop()

    def tune(self, channel: int) -> None:
        self._channel = channel

    def take_events(self) -> int:
        found, self._events = self._events, 0
        return found

    def take_packet(self) -> list[Any]:
        self._taken = True
        return self._packet

    def _beacons(self) -> None:
        own = self._station.point
        channel = self._channel if own is None else own.channel
        for point in self._points:
            rssi = point.heard() if point.channel == channel else None
            if rssi is not None:
                self._arrived(point, rssi)
        self._timer.start_ms(BEACON_MS, self._beacons)

    def _arrived(self, point: AccessPoint, rssi: int) -> None:
        self._events |= MANAGEMENT
        if self.trigger & MANAGEMENT and self._taken:
            self._taken = False
            now_us = self._board.clock.now_us
            frame = beacon(point, now_us)
            rate = [0] * 8  # 1 Mbit/s
            of_air = [NOISE_DBM, 0, point.channel, 0, now_us & 0xFFFFFFFF, 0, len(frame), 0]
            self._packet = [rssi, *rate, *of_air, frame]
            self._board.interrupt("wlan", 0, MANAGEMENT)
