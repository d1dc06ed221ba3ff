"""An SCD40 or SCD41 at register level: CO2, temperature and humidity at I2C address 0x62.

It is idle, measures every 5 or 30 s, takes a single value (SCD41), sleeps, or is busy. While it
measures it takes few commands; busy or asleep it acknowledges nothing, also not the command that
wakes it. A value can be read once. Settings are lost with the supply unless they were persisted.

Source: Sensirion SCD4x data sheets 1.1 to 1.7 (commands, times, average and peak currents). The
pressure is read back, and an altitude overrides it, as in Sensirion/embedded-i2c-scd4x 1.2.0. From
memory or assumed: what the pressure is before it is set, that refused commands are not
acknowledged, that a single value keeps the chip busy for all of its 5 s, how the average current
is made of base and peak, the charge of a single value, when a recalibration is refused, how far
off the first single value is and that periodic ones make up for it. There are reports of SCD40
that take the single-shot command; this one does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.board.i2c import Nack
from emulator.chips import plugging
from emulator.chips.options import option
from emulator.chips.sensirion import SEA_LEVEL_HPA, Co2Part, signal

ADDRESS = 0x62
LINE = ("scd4x", {"sda_pin": "P9", "scl_pin": "P10"})
KEYS = {"model": "model"}
VARIANTS = {"scd40": 0x0440, "scd41": 0x1440}

_IDLE_MA, _ASLEEP_MA = 0.15, 0.0005
# At 3.3 V: bursts of 175 mA make 15 mA at every 5 s and 3.2 mA at every 30 s
_MEASURING_MA, _BURST_MA, _BURST_MS = 0.9, 175.0, 405.0
_SINGLE_MA = 18.0  # over the 5 s of a single value
_CALIBRATING_US = 180_000_000
_WHILE_MEASURING = (0x3F86, 0xE000, 0xE4B8, 0xEC05)
_WAKE_UP = b"\x36\xf6"
_NEW = {"offset": 0x05DA, "altitude_m": 0, "self_calibration": 1}


@dataclass(eq=False)
class Scd4x(Co2Part):
    """One chip.

    knows_variant   False: one of the first, which cannot tell its model nor the pressure
    first_off_ppm   how wrong the first single value after power-on or sleep is
    malfunction     what the self-test answers; 0 is good
    """

    standby_ma = start_ma = _IDLE_MA
    power_up_ms = (30, 1000)  # of newer and of the first parts
    burst_ma, burst_ms = _BURST_MA, _BURST_MS

    model: str = option("scd41", allowed=VARIANTS)
    knows_variant: bool = option(True)
    first_off_ppm: int = option(300)
    malfunction: int = option(0)

    def __post_init__(self) -> None:
        self.persisted = dict(_NEW)  # kept without supply
        self.persist_count = 0
        super().__post_init__()
        serial = self.board.rng("serial " + self.name).randbytes(6)
        self.serial = int.from_bytes(serial, "big")
        self.plain = self._plain_commands()
        self.settings = {
            0x241D: lambda word: self.current.update(offset=word),
            0x2427: self._set_altitude,
            0x2416: lambda word: self.current.update(self_calibration=word),
            0xE000: self._set_pressure,
            0x362F: self._recalibrate,
        }

    def _plain_commands(self) -> dict[int, Callable[[], None]]:
        serial = self.serial
        known: dict[int, Callable[[], None]] = {
            0x21B1: lambda: self._start(5),
            0x21AC: lambda: self._start(30),
            0x3F86: self._stop,
            0xEC05: lambda: self.reply(self._sample_words),
            0xE4B8: lambda: self.reply(lambda: (0x8006 if self._sample else 0x8000,)),
            0x2318: lambda: self.say(self.current["offset"]),
            0x2322: lambda: self.say(self.current["altitude_m"]),
            0x2313: lambda: self.say(self.current["self_calibration"]),
            0x202F: self._variant,
            0x3682: lambda: self.say(serial >> 32, serial >> 16 & 0xFFFF, serial & 0xFFFF),
            0x3615: self._persist,
            0x3639: self._self_test,
            0x3632: self._factory_reset,
            0x3646: self._reinit,
        }
        if self.model == "scd41":
            known[0x219D] = lambda: self._single(5000, True)
            known[0x2196] = lambda: self._single(50, False)
            known[0x36E0] = self._sleep
        if self.knows_variant:  # as the later ones
            known[0xE000] = lambda: self.say(self.compensated_hpa or round(SEA_LEVEL_HPA))
        return known

    def forget(self) -> None:
        super().forget()
        self.current = dict(self.persisted)
        self.interval_s = 0  # it does not measure
        self.asleep = False
        self._fresh = True
        self._sample: tuple[int, int, int] | None = None
        self._last_ppm = 0.0
        self._interval_since_us = 0
        self._measured_us = 0  # how long it measured before it was stopped

    def rest(self) -> None:
        if self.asleep:
            self.draw("asleep", _ASLEEP_MA)
        elif self.interval_s:
            self.draw("measuring", _MEASURING_MA)
        else:
            super().rest()

    # Transfers

    def write(self, data: bytes) -> None:
        if self.here() and self.asleep and data == _WAKE_UP:
            self.asleep = False
            self._fresh = True
            self.busy_for((20, 30))
            self.rest()
            raise Nack(f"{self.name} wakes up")
        super().write(data)

    def acknowledges(self, reading: bool) -> bool:
        return not self.busy and not self.asleep

    def allowed(self, code: int) -> bool:
        return not self.interval_s or code in _WHILE_MEASURING

    # Commands

    def _start(self, interval_s: int) -> None:
        self.interval_s = interval_s
        self._interval_since_us = self.board.clock.now_us
        self._sample = None
        self.rest()
        self.schedule_measurement()

    def _stop(self) -> None:
        if self.interval_s:
            self._measured_us = self.board.clock.now_us - self._interval_since_us
        self.interval_s = 0
        self._sample = None
        self.new_task()
        self.busy_for((500, 500))
        self.rest()

    def _single(self, duration_ms: float, with_co2: bool) -> None:
        self._sample = None

        def done() -> None:
            self._measure(self.first_off_ppm if self._fresh else 0, with_co2)
            self._fresh = self._fresh and not with_co2

        self.convert("single", _SINGLE_MA, (duration_ms, duration_ms), done)

    def _sleep(self) -> None:
        self.asleep = True
        self.rest()

    def _set_altitude(self, metres: int) -> None:
        self.current.update(altitude_m=metres)
        self.compensated_hpa = 0

    def _set_pressure(self, hpa: int) -> None:
        self.compensated_hpa = hpa

    def _variant(self) -> None:
        if not self.knows_variant:
            raise Nack(f"{self.name} does not know its variant")
        self.say(VARIANTS[self.model])

    def _persist(self) -> None:
        self.persisted = dict(self.current)
        self.persist_count += 1
        self.busy_for((800, 800))

    def _self_test(self) -> None:
        self.say(self.malfunction)
        self.convert("testing", _MEASURING_MA, (10_000, 10_000))

    def _factory_reset(self) -> None:
        self.persisted = dict(_NEW)
        self.correction_ppm = 0.0
        self.new_task()
        self.forget()
        self.busy_for((1200, 1200))

    def _reinit(self) -> None:
        self.new_task()
        self.forget()
        self.busy_for((20, 30))

    def _recalibrate(self, ppm: int) -> None:
        """Refused unless it measured for three minutes before."""
        word = 0xFFFF
        if self._measured_us >= _CALIBRATING_US:
            correction = ppm - round(self._last_ppm)
            self.correction_ppm += correction
            self._measured_us = 0
            word = correction + 0x8000 & 0xFFFF
        self.busy_for((400, 400))
        self.say(word)

    # Measurements

    def measured(self) -> None:
        self._measure(0, True)
        self._fresh = False

    def _measure(self, off_ppm: int, with_co2: bool) -> None:
        now = self.seconds()
        ppm = self.seen_ppm(self.current["altitude_m"]) + off_ppm
        ppm = min(max(ppm, 0.0), 40_000.0)
        self._last_ppm = ppm
        # The offset is right for the chip as it is when new: 4 Cel warmer than the air.
        celsius = self.temperature_c(now) + 4.0 - 175 * self.current["offset"] / 65535
        self._sample = (
            round(ppm) if with_co2 else 0,
            signal(celsius, -45.0, 130.0),
            signal(self.humidity_rh(now), 0.0, 100.0),
        )

    def _sample_words(self) -> tuple[int, int, int] | None:
        sample, self._sample = self._sample, None
        return sample


plug = plugging.on_i2c(Scd4x, ADDRESS)
