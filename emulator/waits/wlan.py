"""An access point that is not there, that refuses the key, or that was never asked."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board

CALLS = ("wlan.isconnected", "wlan.joined", "wlan.ifconfig")


def hint(board: Board, name: str, args: tuple[Any, ...]) -> str | None:
    wlan: Any = board.services["wlan"]
    wanted = wlan.wanted
    if wlan.station.address is not None:
        return None
    if wanted is None:
        return "waits for Wi-Fi, and connect() was not called"
    said = f"waits for the Wi-Fi network {wanted!r}: "
    points = [point for point in wlan.points if point.ssid == wanted and point.present]
    if not points:
        names = ", ".join(repr(point.ssid) for point in wlan.points if point.present) or "none"
        return said + f"there is {names} ([wifi] access_points of a scenario)"
    if wlan.station.point is not None:
        return said + "it gives no address (dhcp of its [wifi] access_points)"
    if all(point.heard() is None for point in points):
        return said + "it is too weak (rssi_dbm of its [wifi] access_points)"
    return said + "it refuses the key or the user (password of its [wifi] access_points)"
