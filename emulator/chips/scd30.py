"""An SCD30 at register level: CO2, temperature and humidity at I2C address 0x61.

It measures at its interval once it was told to, also after the supply was away: mode, interval,
calibration, altitude and temperature offset are kept; the pressure is not. At the end of each
measurement it holds the clock for 30 ms, once a day for 150 ms.

Source: Sensirion SCD30 interface description 1.0 (commands, clock stretching, what is stored).
From memory or assumed, for the documents do not say: that it boots in 1.7 s, the shares of base
and burst in the current of 19 mA, that a read without new data gets the old ones, that the
command to start does not disturb a measurement that runs, that a command with a wrong checksum is
not acknowledged.
"""

from __future__ import annotations

import struct
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.part import Span, Truth
from emulator.chips.sensirion import SEA_LEVEL_HPA, CommandPart, pressure_at_hpa

ADDRESS = 0x61
LINE = ("scd30", {"sda_pin": "P9", "scl_pin": "P10"})

# At 3.3 V: 75 mA at most and 19 mA on average when it measures every 2 s
_BASE_MA, _BURST_MA, _BURST_MS = 4.6, 75.0, 410.0
_DAY_US = 86_400_000_000


class Scd30(CommandPart):
    """One module.

    start_ms          from supply on, or reset, to ready, if not as usual
    stretch_ms        how long it holds the clock after a measurement; once a day long_stretch_ms
    zero_first        so many values after a start are 0 ppm
    self_heating_c    how much warmer than the air it is; the temperature offset is to undo that
    pressure_hpa      of the air, a function of time
    """

    answer_after_ms = 3.0
    standby_ma = _BASE_MA
    start_ma = _BASE_MA
    repeated_start = False

    def __init__(
        self,
        board: Board,
        co2_ppm: Truth,
        temperature_c: Truth,
        humidity_rh: Truth,
        name: str = "scd30",
    ) -> None:
        super().__init__(board, name)
        self.co2_ppm = co2_ppm
        self.temperature_c = temperature_c
        self.humidity_rh = humidity_rh
        self.pressure_hpa: Truth = lambda seconds: SEA_LEVEL_HPA
        self.start_ms: float | None = None
        self.stretch_ms, self.long_stretch_ms = 30.0, 150.0
        self.zero_first = 0
        self.self_heating_c = 0.0
        self.firmware = 0x0342
        # kept without supply
        self.measuring = False
        self.interval_s = 2
        self.self_calibration = 0
        self.reference_ppm = 400
        self.offset_hundredths = 0
        self.altitude_m = 0
        self.writes = 0  # to that memory
        self._correction_ppm = 0.0
        self._next_long_us = _DAY_US
        self.plain = {
            0x0104: self._stop,
            0x0202: lambda: self.reply(lambda: (int(self.ready),)),
            0x0300: lambda: self.reply(self._take),
            0x4600: lambda: self.say(self.interval_s),
            0x5102: lambda: self.say(self.altitude_m),
            0x5204: lambda: self.say(self.reference_ppm),
            0x5306: lambda: self.say(self.self_calibration),
            0x5403: lambda: self.say(self.offset_hundredths),
            0xD100: lambda: self.say(self.firmware),
            0xD304: self._reset,
        }
        self.settings = {
            0x0010: self._start,
            0x4600: lambda word: self._store("interval_s", word, 2, 1800),
            0x5102: lambda word: self._store("altitude_m", word, 0, 65535),
            0x5204: self._recalibrate,
            0x5306: lambda word: self._store("self_calibration", word, 0, 1),
            0x5403: lambda word: self._store("offset_hundredths", word, 0, 65535),
        }
        self.forget()

    @property
    def power_up_ms(self) -> Span:  # type: ignore[override]
        return (1700, 2000) if self.start_ms is None else (self.start_ms, self.start_ms)

    def forget(self) -> None:
        self.forget_answer()
        self.ready = False
        self.compensated_hpa = 0  # 0: by the altitude
        self._sample: tuple[int, ...] | None = None
        self._round = getattr(self, "_round", 0) + 1  # makes measurements of the time before void
        self._zeros = getattr(self, "zero_first", 0)
        self._stretched_us = 0  # it holds the clock until then

    def started(self) -> None:
        if self.measuring:
            self._schedule()

    def stretch_us(self) -> int:
        """For the bus: how long a transfer that begins now is held up."""
        return max(0, self._stretched_us - self.board.clock.now_us) if self.here() else 0

    # Commands

    def _start(self, pressure_hpa: int) -> None:
        if pressure_hpa and not 700 <= pressure_hpa <= 1400:
            return
        self.compensated_hpa = pressure_hpa
        if not self.measuring:
            self.measuring = True
            self.writes += 1
            self._zeros = self.zero_first
            self._schedule()

    def _stop(self) -> None:
        if self.measuring:
            self.measuring = False
            self.writes += 1
            self._round += 1
            self.rest()

    def _store(self, name: str, word: int, least: int, most: int) -> None:
        """A value that is not allowed is acknowledged and has no effect."""
        if least <= word <= most:
            setattr(self, name, word)
            self.writes += 1

    def _recalibrate(self, ppm: int) -> None:
        if 400 <= ppm <= 2000:
            self.reference_ppm = ppm
            self.writes += 1
            self._correction_ppm += ppm - self._co2()

    def _reset(self) -> None:
        self.forget()
        self.later_us(self.busy_for(self.power_up_ms), self.started)
        self.rest()

    # Measurements

    def _schedule(self) -> None:
        """The next measurement: a burst of current at the end of the interval."""
        this = self._round

        def burst() -> None:
            if this == self._round:
                self.convert("measuring", _BURST_MA, (_BURST_MS, _BURST_MS), end, blocks=False)

        def end() -> None:
            if this == self._round:
                self._measure()
                self._schedule()

        self.later_us(round((1000 * self.interval_s - _BURST_MS) * 1000), burst)

    def _measure(self) -> None:
        now, now_us = self.seconds(), self.board.clock.now_us
        co2 = min(max(self._co2(), 0.0), 40_000.0)
        if self._zeros > 0:
            self._zeros -= 1
            co2 = 0.0
        celsius = self.temperature_c(now) + self.self_heating_c - self.offset_hundredths / 100
        percent = min(max(self.humidity_rh(now), 0.0), 100.0)
        self._sample = struct.unpack(">6H", struct.pack(">3f", co2, celsius, percent))
        self.ready = True
        stretch_ms = self.stretch_ms
        if now_us >= self._next_long_us:
            self._next_long_us += _DAY_US
            stretch_ms = self.long_stretch_ms
        self._stretched_us = now_us + round(stretch_ms * 1000)

    def _co2(self) -> float:
        """It counts molecules, so it errs with the pressure by as much as it takes it wrongly."""
        now = self.seconds()
        taken_hpa = self.compensated_hpa or pressure_at_hpa(self.altitude_m)
        return self.co2_ppm(now) * self.pressure_hpa(now) / taken_hpa + self._correction_ppm

    def _take(self) -> tuple[int, ...] | None:
        self.ready = False
        return self._sample


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """Besides truths, wiring and faults: measuring = true (it was started before), zero_first,
    stretch_ms, self_heating_c."""
    chip = Scd30(
        board,
        plugging.truth(board, name, table, "co2_ppm", 640.0, swing=150.0),
        plugging.truth(board, name, table, "temperature_c", 21.4, swing=2.0),
        plugging.truth(board, name, table, "humidity_rh", 54.8, swing=-4.0),
        name,
    )
    chip.pressure_hpa = plugging.truth(board, name, table, "pressure_hpa", SEA_LEVEL_HPA)
    keys = "measuring", "zero_first", "stretch_ms", "self_heating_c"
    plugging.own(name, table, chip, keys)
    plugging.i2c(board, name, table, chip, ADDRESS)
