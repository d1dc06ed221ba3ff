"""An SCD30 at register level: CO2, temperature and humidity at I2C address 0x61.

It measures at its interval once it was told to, also after the supply was away: mode, interval,
calibration, altitude and temperature offset are kept; the pressure is not. At the end of each
measurement it holds the clock for 30 ms, once a day for 150 ms.

Source: Sensirion SCD30 interface description 1.0 (commands, clock stretching, what is stored).
From memory or assumed, for the documents do not say: that it boots in 1.7 s, the shares of base
and burst in the current of 19 mA, that a read without new data gets the old ones, that the
command to start does not disturb a measurement that runs, that a command with a wrong checksum is
not acknowledged. That the pressure can be read back by the command to start is from
adafruit/Adafruit_SCD30 (getAmbientPressureOffset), `tells_pressure` False is a module without.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from emulator.chips import plugging
from emulator.chips.options import option
from emulator.chips.sensirion import Co2Part

ADDRESS = 0x61
LINE = ("scd30", {"sda_pin": "P9", "scl_pin": "P10"})

# At 3.3 V: 75 mA at most and 19 mA on average when it measures every 2 s
_BASE_MA, _BURST_MA, _BURST_MS = 4.6, 75.0, 410.0
_DAY_US = 86_400_000_000


@dataclass(eq=False)
class Scd30(Co2Part):
    """One module.

    measuring         it was started; kept without supply, as is all that is set by commands
    zero_first        so many values after a start are 0 ppm
    stretch_ms        how long it holds the clock after a measurement; once a day long_stretch_ms
    self_heating_c    how much warmer than the air it is; the temperature offset is to undo that
    most_khz          the clock above which it does not answer; 100 by the document, where 50 are
                      recommended: users have parts that fail at 100
    """

    power_up_ms = (1700, 2000)  # from supply on, or reset
    answer_after_ms = 3.0
    standby_ma = start_ma = _BASE_MA
    burst_ma, burst_ms = _BURST_MA, _BURST_MS
    repeated_start = False

    measuring: bool = option(False)
    zero_first: int = option(0)
    stretch_ms: float = option(30.0)
    self_heating_c: float = option(0.0)
    most_khz: float = option(100.0, positive=True)
    tells_pressure: bool = option(True)
    long_stretch_ms: float = 150.0
    firmware: int = 0x0342
    interval_s: int = 2
    self_calibration: int = 0
    reference_ppm: int = 400
    offset_hundredths: int = 0
    altitude_m: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.writes = 0  # to the memory that is kept
        self._next_long_us = _DAY_US
        self.plain = {
            0x0104: self._stop,
            0x0202: lambda: self.reply(lambda: (int(self.ready),)),
            0x0300: lambda: self.reply(self._sample_words),
            0x4600: lambda: self.say(self.interval_s),
            0x5102: lambda: self.say(self.altitude_m),
            0x5204: lambda: self.say(self.reference_ppm),
            0x5306: lambda: self.say(self.self_calibration),
            0x5403: lambda: self.say(self.offset_hundredths),
            0xD100: lambda: self.say(self.firmware),
            0xD304: self._reset,
        }
        if self.tells_pressure:
            self.plain[0x0010] = lambda: self.say(self.compensated_hpa)
        self.settings = {
            0x0010: self._start,
            0x4600: lambda word: self._store("interval_s", word, 2, 1800),
            0x5102: lambda word: self._store("altitude_m", word, 0, 65535),
            0x5204: self._recalibrate,
            0x5306: lambda word: self._store("self_calibration", word, 0, 1),
            0x5403: lambda word: self._store("offset_hundredths", word, 0, 65535),
        }

    def forget(self) -> None:
        super().forget()
        self.ready = False
        self._sample: tuple[int, ...] | None = None
        self._zeros = self.zero_first
        self._stretched_us = 0  # it holds the clock until then

    def started(self) -> None:
        if self.measuring:
            self.schedule_measurement()

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
            self.schedule_measurement()

    def _stop(self) -> None:
        if self.measuring:
            self.measuring = False
            self.writes += 1
            self.new_task()
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
            self.correction_ppm += ppm - self.seen_ppm(self.altitude_m)

    def _reset(self) -> None:
        self.new_task()
        self.forget()
        self.later_us(self.busy_for(self.power_up_ms), self.started)
        self.rest()

    # Measurements

    def measured(self) -> None:
        now, now_us = self.seconds(), self.board.clock.now_us
        co2 = min(max(self.seen_ppm(self.altitude_m), 0.0), 40_000.0)
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

    def _sample_words(self) -> tuple[int, ...] | None:
        self.ready = False
        return self._sample


plug = plugging.on_i2c(Scd30, ADDRESS)
