"""The SX1272 of a FiPy: a packet goes out, windows are opened; each with its time and current.

Source of the currents: docs/emulation.md (SX1276 with its controller, by output power).
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board
from emulator.board.clock import Event
from emulator.board.constants import CODE, COMPARABLE, constant
from emulator.lorawan.airtime import symbol_us, time_on_air_us
from emulator.lorawan.gateway import Gateway, Signal, Uplink
from emulator.lorawan.regions import Rate

RX_MA = constant(12.0, "mA", COMPARABLE, "Microchip SAM R34 (SX1276 with its controller), by dBm")
# dBm, mA
TX_MA = constant(
    ((2, 20.0), (7, 25.0), (14, 42.0), (17, 94.0), (20, 115.0)),
    "mA",
    COMPARABLE,
    "Microchip SAM R34 (SX1276 with its controller), by dBm",
)
LEAST_SYMBOLS = 6
# that a window allows for, before and behind together
CLOCK_ERROR_US = constant(20_000, "us", CODE, "LoRaMac-node: what a window allows for")

Heard = Callable[["tuple[bytes, Signal] | None"], None]


def tx_ma(power_dbm: int) -> float:
    if power_dbm <= TX_MA[0][0]:
        return TX_MA[0][1]
    for (low, low_ma), (high, high_ma) in zip(TX_MA, TX_MA[1:], strict=False):
        if power_dbm <= high:
            return low_ma + (high_ma - low_ma) * (power_dbm - low) / (high - low)
    return TX_MA[-1][1]


def window_us(rate: Rate) -> int:
    """How long a receiver listens for a preamble that does not come."""
    symbol = symbol_us(*rate)
    symbols = max(LEAST_SYMBOLS, -(-(4 * symbol + CLOCK_ERROR_US) // symbol))
    return symbols * symbol


class Radio:
    def __init__(self, board: Board, gateway: Gateway) -> None:
        self.board = board
        self.gateway = gateway
        self.listening = False  # whenever it does nothing else
        self._events: list[Event] = []
        self._meter("sleep")

    def send(self, uplink: Uplink, done: Callable[[bool], None]) -> int:
        """Put a frame on air; its time on air in us. `done`: the server has accepted it."""
        air_us = time_on_air_us(len(uplink.frame), *uplink.rate)
        self._meter("tx", tx_ma(uplink.power_dbm))
        text = f"tx {len(uplink.frame)} bytes {uplink.frame.hex()} SF{uplink.rate[0]}"
        where = f"{uplink.frequency_hz} Hz {uplink.power_dbm} dBm {air_us} us"
        self.board.trace.add("lora", f"{text} {where}")

        def over() -> None:
            self.rest()
            done(self.gateway.uplink(uplink))

        self.after(air_us, over)
        return air_us

    def send_raw(self, uplink: Uplink, air_us: int) -> None:
        """A packet of raw LoRa, which no gateway takes for its own."""
        self._meter("tx", tx_ma(uplink.power_dbm))
        self.board.trace.add("lora", f"raw tx {len(uplink.frame)} bytes {uplink.frame.hex()}")
        self.after(air_us, self.rest)

    def listen(self, frequency_hz: int, rate: Rate, heard: Heard) -> None:
        """Open a window now."""
        self._meter("rx", RX_MA)
        found = self.gateway.listen(frequency_hz, rate)

        def over() -> None:
            self.rest()
            if found is None:
                heard(None)
            else:
                frame, signal, _ = found
                self.board.trace.add("lora", f"rx {len(frame)} bytes {frame.hex()}")
                heard((frame, signal))

        self.after(window_us(rate) if found is None else found[2], over)

    def after(self, delay_us: int, call: Callable[[], None]) -> None:
        self._events = [event for event in self._events if event.at_us > self.board.clock.now_us]
        self._events.append(self.board.clock.schedule(delay_us, call))

    def rest(self) -> None:
        self._meter("rx" if self.listening else "sleep", RX_MA if self.listening else 0.0)

    def stop(self) -> None:
        """Power is gone, or everything begins anew."""
        for event in self._events:
            event.cancel()
        self._events.clear()
        self.listening = False
        self.rest()

    def _meter(self, state: str, milliamps: float = 0.0) -> None:
        self.board.meter.set("lora", state, milliamps)
