"""Packets over Wi-Fi: an `Air` of milliseconds.

A packet waits for the channel, is sent, and is acknowledged by the access point; what fails is
repeated there, so that little is lost (IEEE 802.11-2016, 10.3). Only an association with an
address carries any.
"""

from __future__ import annotations

from emulator.board.board import Board
from emulator.board.constants import ESTIMATE, STANDARD, constant
from emulator.network.air import Done
from emulator.network.wifi.accesspoint import drawn_ms
from emulator.network.wifi.station import LISTEN, TRANSMIT, Station

# Waiting for a free channel, repeating, ARP; and the wire behind it (docs/emulation.md)
CHANNEL_MS = constant((0.4, 1.0, 5.0), "ms", ESTIMATE, "no source found")
WIRE_MS = constant((0.8, 1.5, 4.0), "ms", ESTIMATE, "no source found")
FRAME_US = constant(500, "us", STANDARD, "IEEE 802.11: preamble, header and back-off")
BYTE_US = constant(1.5, "us/byte", ESTIMATE, "5.5 Mbit/s")


class WifiAir:
    def __init__(self, board: Board, station: Station) -> None:
        self._board = board
        self._station = station
        self._random = board.rng("wifi air")
        self.bytes_up = 0
        self.bytes_down = 0

    def send(self, l3_bytes: int, done: Done) -> None:
        if self._station.address is None:
            self._board.clock.schedule(0, lambda: done(None))
            return
        self.bytes_up += l3_bytes
        on_air_us = FRAME_US + round(l3_bytes * BYTE_US)
        meter = self._board.meter
        meter.set("wifi", *TRANSMIT)
        self._board.clock.schedule(on_air_us, self._listen_again)
        self._carry(on_air_us, WIRE_MS, done)

    def downlink(self, l3_bytes: int, done: Done) -> None:
        if self._station.address is not None:
            self.bytes_down += l3_bytes
        self._carry(0, None, done)

    def _carry(self, on_air_us: int, wire: tuple[float, float, float] | None, done: Done) -> None:
        """Over the air, for which the association must last; then over the wire."""
        station = self._station
        point = station.point
        lost = point is None or self._random.random() < point.options.loss
        air_us = on_air_us + round(drawn_ms(self._random, CHANNEL_MS) * 1000)
        wire_us = round(drawn_ms(self._random, wire) * 1000) if wire else 0

        def through() -> None:
            # a frame that waits for the channel when the association ends is never sent
            arrived = not lost if station.point is point else None
            self._board.clock.schedule(wire_us, lambda: done(arrived))

        self._board.clock.schedule(air_us, through)

    def _listen_again(self) -> None:
        if self._board.meter.state("wifi") == TRANSMIT[0]:
            self._board.meter.set("wifi", *LISTEN)
