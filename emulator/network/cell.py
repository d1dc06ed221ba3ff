"""The cell at this place: how long procedures take, how strong the signal is, what gets lost.

Durations and the modem's own transmit and receive times are drawn from split log-normal
distributions given by their 10th, 50th and 90th percentile, after public NB-IoT captures of four
European networks (docs/emulation.md). Within one procedure they are correlated.

Every procedure draws from a source of its own, named after its kind and number, so that one
command more in a host's dialogue does not change any draw: same seed and scenario, same attach.
"""

from __future__ import annotations

import datetime
import math
import random
from dataclasses import dataclass

from emulator.board.board import Board
from emulator.board.constants import COMPARABLE, ESTIMATE, constant, table
from emulator.board.draws import Z_LIMIT, Percentiles, drawn, normal, spread
from emulator.network.options import NetworkOptions, RadioOptions

# between duration, transmit and receive time of one procedure
RHO = constant(
    0.8, "share", ESTIMATE, "correlation of duration, transmit and receive time of one procedure"
)

LEVELS = ("good", "fair", "edge")

# seconds: duration, transmitting, receiving. Where only a median is known for the latter two, they
# spread as the duration does.
_TABLE: dict[str, dict[str, tuple[Percentiles, Percentiles | float, Percentiles | float]]] = {
    "attach": {
        "good": ((2.7, 5.5, 8.9), (0.15, 0.30, 0.60), (2.0, 4.0, 6.5)),
        "fair": ((3.5, 7.0, 11.0), (0.25, 0.60, 2.0), (2.5, 5.2, 8.0)),
        "edge": ((6.0, 12.0, 40.0), (0.6, 1.8, 5.0), (4.5, 9.0, 30.0)),
    },
    "first_attach": {
        "good": ((15.0, 45.0, 180.0), 0.30, 40.0),
        "fair": ((20.0, 60.0, 240.0), 0.60, 54.0),
        "edge": ((40.0, 120.0, 600.0), 1.8, 108.0),
    },
    "uplink_idle": {  # service request, 100 bytes
        "good": ((0.85, 1.65, 2.6), (0.09, 0.21, 0.41), (0.30, 1.02, 1.75)),
        "fair": ((1.2, 2.35, 4.6), (0.10, 0.33, 1.6), (0.57, 1.35, 2.5)),
        "edge": ((1.7, 3.4, 7.8), (0.22, 0.88, 1.9), (1.2, 1.70, 3.0)),
    },
    "uplink_connected": {  # 100 bytes
        "good": ((0.2, 0.45, 0.9), (0.05, 0.10, 0.2), (0.1, 0.25, 0.5)),
        "fair": ((0.4, 0.8, 2.0), (0.08, 0.18, 0.7), (0.2, 0.40, 0.9)),
        "edge": ((0.8, 1.6, 4.5), (0.2, 0.5, 1.2), (0.3, 0.6, 1.4)),
    },
    "turn": {
        "good": ((0.5, 0.9, 1.8), 0.03, 0.5),
        "fair": ((0.8, 1.6, 3.5), 0.08, 0.8),
        "edge": ((1.6, 3.5, 9.0), 0.3, 1.5),
    },
    "tau": {
        "good": ((1.15, 1.5, 2.2), 0.11, 0.97),
        "fair": ((1.3, 2.0, 3.1), 0.19, 1.29),
        "edge": ((1.8, 3.0, 22.0), 0.49, 1.65),
    },
    "detach": {
        "good": ((0.8, 1.5, 3.0), 0.12, 0.7),
        "fair": ((1.2, 2.1, 4.5), 0.25, 1.0),
        "edge": ((1.8, 4.0, 9.0), 0.7, 1.6),
    },
}
_ESTIMATED = ("first_attach", "turn")
_CAPTURED_S = table(
    {kind: levels for kind, levels in _TABLE.items() if kind not in _ESTIMATED},
    "s",
    COMPARABLE,
    "captures of four networks, D. Robinson 2019; spreads of a median: estimates",
)
_ESTIMATED_S = table({kind: _TABLE[kind] for kind in _ESTIMATED}, "s", ESTIMATE, "no source found")
_RELEASE: dict[str, Percentiles] = table(
    {
        "good": (10.0, 11.0, 20.0),
        "fair": (10.0, 11.0, 20.0),
        "edge": (10.0, 15.0, 30.0),
    },
    "s",
    COMPARABLE,
    "captures of four networks, D. Robinson 2019: 11 s, others 30 s and more",
)
# each byte beyond 100
_BYTE_TX_MS = table(
    {"good": 0.52, "fair": 0.63, "edge": 2.4},
    "ms/byte",
    COMPARABLE,
    "captures of four networks, D. Robinson 2019, fit of medians",
)
_LOSS = table({"good": 0.005, "fair": 0.02, "edge": 0.05}, "share", ESTIMATE, "no source found")
_OUTLIER = table({"good": 0.01, "fair": 0.03, "edge": 0.10}, "share", ESTIMATE, "no source found")
_NO_SERVICE = table({"good": 0.0, "fair": 0.0, "edge": 0.02}, "share", ESTIMATE, "no source found")
# first attaches that find nothing
_NEVER = table({"good": 0.0, "fair": 0.0, "edge": 0.10}, "share", ESTIMATE, "no source found")
CGATT_LAG_MS = constant((0.0, 3000.0), "ms", ESTIMATE, "direct-uart-and-psm, switches")
REFERENCE_L3_BYTES = 148  # 100 bytes of payload with UDP and IPv6 around them

# RSRP dBm, RSRQ dB, RSSI dBm, SINR dB; each varies by the last figure
_SIGNAL = {
    "good": (-92.0, -9.5, -73.0, 14.0, 2.0),
    "fair": (-113.0, -12.0, -93.0, 4.0, 2.5),
    "edge": (-126.0, -16.5, -105.0, -3.5, 3.0),
}


@dataclass(frozen=True)
class Procedure:
    """What one procedure takes; the modem transmits and receives during part of it."""

    duration_ms: float
    rx_ms: float
    tx_ms: float
    lost: bool = False  # an uplink that the other side will not get

    @property
    def gap_ms(self) -> float:
        return max(0.0, self.duration_ms - self.rx_ms - self.tx_ms)


@dataclass(frozen=True)
class Signal:
    rsrp_dbm: float
    rsrq_db: float
    rssi_dbm: float
    sinr_db: float


class Cell:
    def __init__(self, board: Board, network: NetworkOptions, radio: RadioOptions) -> None:
        self._board = board
        self._radio = radio
        self._counts: dict[str, int] = {}
        self.network = network  # the operator, as a modem in this cell hears it
        self.level = radio.level
        self.in_coverage = radio.in_coverage
        self.known = not radio.first_attach  # the modem has been in this cell before
        self.air_bytes_up = 0
        self.air_bytes_down = 0
        self.time_off_s = 0  # of what the network tells
        self._power_on = datetime.datetime.fromisoformat(network.start_time)

    # time

    def utc(self) -> datetime.datetime:
        """The true time here."""
        return self._power_on + datetime.timedelta(microseconds=self._board.clock.now_us)

    def network_time(self) -> datetime.datetime:
        """What the network takes for it."""
        return self.utc() + datetime.timedelta(seconds=self.time_off_s)

    # procedures

    def attach(self, known: bool = True, bands: int = 1) -> Procedure | None:
        """Search and attach. None: this one will never find the cell.

        `known`: the modem remembers the carrier; otherwise it scans, `bands` bands in turn.
        """
        kind = "attach" if known else "first_attach"
        rng = self._source("attach")
        drawn = self._draw(kind, rng)
        never, wait, wait_s = rng.random(), rng.random(), rng.uniform(60.0, 300.0)
        if not known and never < _NEVER[self.level]:
            return None
        if self._radio.attach_ms:
            return _rescaled(drawn, self._radio.attach_ms)
        if not known:
            drawn = _stretched(drawn, 1.0 + 0.5 * (max(1, bands) - 1))
        share = self._radio.no_service
        if wait < (share if share >= 0 else _NO_SERVICE[self.level]):
            more_ms = 1000.0 * wait_s
            drawn = Procedure(drawn.duration_ms + more_ms, drawn.rx_ms + more_ms, drawn.tx_ms)
        return drawn

    def uplink(self, l3_bytes: int, connected: bool) -> Procedure:
        """One packet up. Without a connection a service request comes first."""
        rng = self._source("uplink")
        drawn = self._draw("uplink_connected" if connected else "uplink_idle", rng)
        loss, outlier = rng.random(), rng.random()
        self.air_bytes_up += l3_bytes
        if self._radio.uplink_ms:
            drawn = _rescaled(drawn, self._radio.uplink_ms)
        else:
            drawn = _stretched(drawn, self._radio.factor)
            drawn = self._longer(drawn, l3_bytes - REFERENCE_L3_BYTES)
            if self._radio.outliers and outlier < _OUTLIER[self.level]:
                drawn = _stretched(drawn, 10.0)
        share = self._radio.loss
        lost = loss < (share if share >= 0 else _LOSS[self.level])
        return Procedure(drawn.duration_ms, drawn.rx_ms, drawn.tx_ms, lost)

    def turn(self, l3_bytes: int = 0, connected: bool = True) -> Procedure:
        """From a request to its answer, or a packet down. Without a connection: paged first."""
        rng = self._source("turn")
        drawn = self._draw("turn", rng)
        paging = self._draw("uplink_idle", rng)
        lost = rng.random() < self._radio.downlink_loss
        self.air_bytes_down += l3_bytes
        if self._radio.turn_ms:
            drawn = _rescaled(drawn, self._radio.turn_ms)
        elif not connected:
            drawn = paging
        return Procedure(drawn.duration_ms, drawn.rx_ms, drawn.tx_ms, lost)

    def detach(self) -> Procedure:
        drawn = self._draw("detach", self._source("detach"))
        if self._radio.detach_ms:
            return _rescaled(drawn, self._radio.detach_ms)
        return _stretched(drawn, self._radio.factor)

    def cgatt_lag_ms(self) -> float:
        """From the registration to the packet service: +CGATT, an address, data."""
        if self.network.cgatt_lag_ms >= 0:
            return self.network.cgatt_lag_ms
        return self._source("cgatt").uniform(*CGATT_LAG_MS)

    def tau(self) -> Procedure:
        return _stretched(self._draw("tau", self._source("tau")), self._radio.factor)

    def release_ms(self) -> float:
        """How long the network keeps the connection after the last packet."""
        release_s = drawn(self._source("release"), _RELEASE[self.level])
        return self.network.release_ms or 1000.0 * release_s

    # signal

    def signal(self) -> Signal | None:
        """What the modem measures now (it changes every second); None without a cell."""
        if not self.in_coverage or self._radio.unknown_signal:
            return None
        rng = self._board.rng(f"cell/signal/{self._board.clock.now_ms // 1000}")
        rsrp, rsrq, rssi, sinr, sigma = _SIGNAL[self.level]
        shift = normal(rng, 2.0) * sigma
        radio = self._radio
        return Signal(
            radio.rsrp_dbm or rsrp + shift,
            radio.rsrq_db or rsrq + 0.2 * shift,
            radio.rssi_dbm or rssi + 0.8 * shift,
            radio.sinr_db if radio.sinr_db != 99.0 else sinr + 0.5 * shift,
        )

    # drawing

    @property
    def attaches(self) -> int:
        """How many there have been."""
        return self._counts.get("attach", 0)

    def _source(self, procedure: str) -> random.Random:
        count = self._counts.get(procedure, 0)
        self._counts[procedure] = count + 1
        return self._board.rng(f"cell/{procedure}/{count}")

    def _draw(self, kind: str, rng: random.Random) -> Procedure:
        duration, transmit, receive = _TABLE[kind][self.level]
        common = rng.gauss(0.0, 1.0)
        zs = []
        for _ in range(3):
            own = math.sqrt(RHO) * common + math.sqrt(1 - RHO) * rng.gauss(0.0, 1.0)
            zs.append(max(-Z_LIMIT, min(Z_LIMIT, own)))
        total_s = spread(duration, zs[0])
        tx_s = spread(_like(transmit, duration), zs[1])
        rx_s = spread(_like(receive, duration), zs[2])
        over = (tx_s + rx_s) / total_s
        if over > 1.0:  # it cannot be on the air for longer than the procedure lasts
            tx_s, rx_s = tx_s / over, rx_s / over
        return Procedure(1000.0 * total_s, 1000.0 * rx_s, 1000.0 * tx_s)

    def _longer(self, procedure: Procedure, more_bytes: int) -> Procedure:
        """A packet of another size than the reference: only the transmit time changes."""
        delta_ms = max(more_bytes * _BYTE_TX_MS[self.level], -0.8 * procedure.tx_ms)
        return Procedure(
            procedure.duration_ms + delta_ms, procedure.rx_ms, procedure.tx_ms + delta_ms
        )


def _like(value: Percentiles | float, model: Percentiles) -> Percentiles:
    if isinstance(value, tuple):
        return value
    low, middle, high = model
    return (value * low / middle, value, value * high / middle)


def _stretched(procedure: Procedure, factor: float) -> Procedure:
    return Procedure(
        procedure.duration_ms * factor, procedure.rx_ms * factor, procedure.tx_ms * factor
    )


def _rescaled(procedure: Procedure, duration_ms: float) -> Procedure:
    return _stretched(procedure, duration_ms / procedure.duration_ms)
