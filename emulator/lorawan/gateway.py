"""The air between the board and its gateway: who hears whom, and what gets lost.

A frame is heard if its signal to noise ratio is above what its spreading factor needs. A wider
channel lets more noise in, less power gives less signal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from emulator.board.board import Board
from emulator.lorawan.airtime import time_on_air_us
from emulator.lorawan.options import LoraOptions
from emulator.lorawan.regions import BY_NAME, LEAST_SNR_DB, Rate
from emulator.lorawan.server import NetworkServer
from emulator.network.paths import UdpPath
from emulator.network.routes import Routes

REFERENCE_HZ = 125_000


@dataclass
class Uplink:
    frame: bytes
    channel: int
    frequency_hz: int
    rate_number: int
    rate: Rate
    power_dbm: int


@dataclass
class Signal:
    rssi_dbm: float
    snr_db: float


@dataclass
class _Scheduled:
    frame: bytes
    at_us: int  # start of the window that the server uses
    frequency_hz: int
    rate: Rate


class Gateway:
    def __init__(self, board: Board, options: LoraOptions, routes: Routes) -> None:
        self.board = board
        self.options = options
        self.region = BY_NAME[options.region]
        self.routes = routes
        self.server = NetworkServer(board, options, self.region, self._forward)
        self.air_bytes = 0  # PHYPayloads, both ways
        self.uplinks: list[Uplink] = []  # all that went on air, heard or not
        self.last_deaf = ""  # why the last frame was not heard
        self._random = board.rng("lora.air")
        self._scheduled: _Scheduled | None = None
        self._path = UdpPath(routes, "IP")

    # up

    def uplink(self, sent: Uplink) -> bool:
        """The last symbol of a frame is over. Whether the server has accepted it."""
        self.uplinks.append(sent)
        self.air_bytes += len(sent.frame)
        self._scheduled = None
        signal = self._signal(sent.rate, sent.power_dbm - self.region.power_dbm(0))
        self.last_deaf = why = self._deaf(sent, signal)
        if why:
            self.board.trace.add("lora", f"gateway: not heard, {why}")
            return False
        accepted, answer = self.server.hear(sent.frame, signal.snr_db, sent.rate_number)
        if answer is not None:
            self._schedule(sent, answer.frame, answer.delay_s)
        return accepted

    def _deaf(self, sent: Uplink, signal: Signal) -> str:
        options = self.options
        if not options.gateway:
            return "no gateway"
        low, high = self.region.frequencies
        if not low <= sent.frequency_hz <= high:
            return "other region"
        if self.region.fixed and options.sub_band:
            eight = range(8 * options.sub_band - 8, 8 * options.sub_band)
            if sent.channel not in eight and sent.channel != 63 + options.sub_band:
                return f"channel {sent.channel}"
        if signal.snr_db < LEAST_SNR_DB[sent.rate[0]]:
            return f"SNR {signal.snr_db:.1f} dB at SF{sent.rate[0]}"
        return "collision" if self._random.random() < options.uplink_loss else ""

    def _schedule(self, sent: Uplink, frame: bytes, delay_s: int) -> None:
        """In the first window, or in the second if the frame is too long for the first's rate."""
        region = self.region
        number = region.rx1_rate(sent.rate_number, 0)
        frequency_hz = region.rx1_frequency(sent.channel, sent.frequency_hz)
        if len(frame) - 13 > region.size(number):
            frequency_hz, number = region.rx2
            delay_s += 1
        rate = region.rate(number)
        assert rate is not None
        start_us = self.board.clock.now_us + delay_s * 1_000_000
        self._scheduled = _Scheduled(frame, start_us, frequency_hz, rate)

    # down

    def listen(self, frequency_hz: int, rate: Rate) -> tuple[bytes, Signal, int] | None:
        """What begins now for a receiver set like this: frame, signal, duration in us."""
        found = self._scheduled
        if found is None or self.board.clock.now_us != found.at_us:
            return None
        self._scheduled = None
        self.air_bytes += len(found.frame)
        signal = self._signal(found.rate, 0)
        weak = signal.snr_db < LEAST_SNR_DB[found.rate[0]]
        deaf = (frequency_hz, rate) != (found.frequency_hz, found.rate)
        lost = self._random.random() < self.options.downlink_loss
        if weak or deaf or lost:
            why = "weak" if weak else "other channel" if deaf else "collision"
            self.board.trace.add("lora", f"gateway: downlink not heard, {why}")
            return None
        duration_us = time_on_air_us(len(found.frame), *found.rate, crc=False)
        return found.frame, signal, duration_us

    # payloads

    def lost(self, payload: bytes) -> None:
        """The device has given up: this never reached the server."""
        options = self.options
        self.routes.record(options.forward_host, options.forward_port, payload, "lost")

    def _forward(self, payload: bytes) -> None:
        self._path.send(self.options.forward_host, self.options.forward_port, payload)

    def _signal(self, rate: Rate, above_full_db: float) -> Signal:
        options = self.options
        fading = self._random.gauss(0, 1) * options.fluctuation_db + above_full_db
        noise_db = 10 * math.log10(rate[1] / REFERENCE_HZ)
        return Signal(options.rssi_dbm + fading, options.snr_db + fading - noise_db)
