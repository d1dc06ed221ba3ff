"""Network interfaces of the ESP32: what lwIP sends its packets through.

`Ip` (emulator/network/ip.py) looks at them in turn: the first registered one makes sockets
possible, the first one with an address carries them. One with a `prefix` leads to addresses that
begin with it and to no others (emulator/network/wifi/own.py), one with `listening` has servers of
the firmware on these ports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from emulator.board.board import Board
from emulator.network.air import Air, Done

PPP_FRAME_BYTES = 8  # flag, address, control, protocol, check sequence (RFC 1662)


class Nic(Protocol):
    @property
    def registered(self) -> bool:
        """The firmware has this interface on its list (an object of its class was made)."""

    @property
    def address(self) -> str | None:
        """IPv4 address while the link is up."""

    @property
    def air(self) -> Air:
        """What carries its packets."""


class PppNic:
    """PPP over the modem's UART: service "lte" says whether it is there."""

    def __init__(self, board: Board, air: Air) -> None:
        self._board = board
        self.air: Air = _PppAir(board, self._driver, air)

    @property
    def registered(self) -> bool:
        return bool(getattr(self._driver(), "nic_registered", False))

    @property
    def address(self) -> str | None:
        address: str | None = getattr(self._driver(), "ppp_address", None)
        return address

    def _driver(self) -> Any:
        return self._board.services.get("lte")


class _PppAir:
    """The way between ESP32 and modem in front of the air: takes time, counts as UART bytes."""

    def __init__(self, board: Board, driver: Callable[[], Any], air: Air) -> None:
        self._board = board
        self._driver = driver
        self._air = air

    def send(self, l3_bytes: int, done: Done) -> None:
        self._over("host_bytes", l3_bytes, lambda: self._air.send(l3_bytes, done))

    def downlink(self, l3_bytes: int, done: Done) -> None:
        self._air.downlink(
            l3_bytes,
            lambda ok: self._over("modem_bytes", l3_bytes if ok else 0, lambda: done(ok)),
        )

    def _over(self, counter: str, l3_bytes: int, then: Callable[[], None]) -> None:
        uart = getattr(self._driver(), "uart", None)
        delay_us = 0
        if uart is not None and l3_bytes:
            count = l3_bytes + PPP_FRAME_BYTES
            setattr(uart, counter, getattr(uart, counter) + count)
            delay_us = uart.byte_time_us(count)
        self._board.clock.schedule(delay_us, then)
