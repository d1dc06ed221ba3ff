"""The microcontroller of Pysense and Pytrack at I2C address 0x08; a PIC16F1459, by its registers.

It reads and writes its own memory for the host, supplies the other parts of the shield, measures
the battery, and switches the whole board off for a time. A program that finds no shield gets "I2C
bus error". `model` "pysense" and "pytrack" are the first shields, "pysense2" and "pytrack2" those
of 2020: another firmware, two commands more, and other wires.

A command is its number and arguments; the answer begins with 0xFF once it is done. All numbers
have their low byte first. 00 peek (address), 01 poke (address, value), 02 change (address, and,
or, xor; gives the new value), 10 hardware, 11 firmware, 12 product, 20 time of the next sleep (3
bytes, in ticks of 1.024 s), 21 sleep, 22 calibrate, 30 baud rate; on the second shields 23 nap
(options) and 40 power cycle. What it does not know it never answers.

Source: Pycom's pycoproc.py, pycoproc_1.py and pycoproc_2.py with their comments, its reference of
the classes and pull request 110 of its libraries; registers and pins of the PIC from Microchip
DS40001639. Its own program is not public. From memory: the current awake. Assumed:

- it starts with RC6 and RC7 as inputs whose output would be high, which leaves all parts without
  supply until the host makes them outputs, and starts anew after each sleep;
- a sleep lets go of all pins that are analog by then (the library says so of RC6);
- the pulses of a calibration: what the library computes from them, as two lengths on SCL;
- its slow clock runs wrong by `clock_error` percent (drawn, within 5), an answer takes 0.3 ms and
  a calibration 40; the 9 uA of sleep are those of a whole Pysense (pull request 110);
- on Pytrack 2 in a nap, GPS keeps its memory if RC4 was let go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from emulator.board.board import Board, PowerCut, SwitchedOff
from emulator.chips import plugging
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import I2cPart
from emulator.chips.shield_lines import lines_of

ADDRESS = 0x08
SENSORS, ACCELEROMETER, GPS_MEMORY = "RC7", "RC6", "V_BCKP"  # supplies
GPS_ON = "RC4"  # on the second shields: the receiver is not in standby
ACCELEROMETER_INT = "INT1"
DRAWN = 99.0

PEEK, POKE, CHANGE, HARDWARE, FIRMWARE, PRODUCT = 0x00, 0x01, 0x02, 0x10, 0x11, 0x12
SET_TIME, SLEEP, CALIBRATE, NAP, BAUD, RESET = 0x20, 0x21, 0x22, 0x23, 0x30, 0x40
_OFF_SENSORS, _OFF_ACCELEROMETER, _OFF_MODULE = 2, 4, 8  # options of a nap; 1: the SD card

# special function registers
_INTCON, _PORTA, _PORTC, _TRISA, _TRISC = 0x00B, 0x00C, 0x00E, 0x08C, 0x08E
_ADRESL, _ADRESH, _ADCON0, _ADCON1 = 0x09B, 0x09C, 0x09D, 0x09E
_LATC, _ANSELA, _ANSELC = 0x10E, 0x18C, 0x18E
_RISING, _FALLING = 0x391, 0x392  # IOCAP, IOCAN
_WAKE_REASON = 0x64C  # of its program: the reason, then the ticks that were left
_ANALOG = {_ANSELA: 0x10, 0x18D: 0x30, _ANSELC: 0xCF}  # pins that can be
_START = {**_ANALOG, _TRISA: 0xFF, 0x08D: 0xFF, _TRISC: 0xFF, _LATC: 0xC0, 0x095: 0xFF}
_ON, _GO, _BATTERY_CHANNEL = 0x01, 0x02, 6
_INT_ENABLE, _INT_HAPPENED = 0x10, 0x02
_BUTTON, _INT_PIN, _ACCELEROMETER_PIN = 1 << 3, 1 << 1, 1 << 5  # RA3, RC1, RA5

BY_ACCELEROMETER, BY_BUTTON, BY_TIMER, BY_INT_PIN = 1, 2, 4, 8
_TICK_S = 1.024  # 31 kHz, divided to 1 ms, times 1024
_PRODUCTS = {"pysense": 0xF012, "pytrack": 0xF013, "pysense2": 0xF012, "pytrack2": 0xF013}
_FIRMWARES = {"pysense": 8, "pytrack": 8, "pysense2": 16, "pytrack2": 16}
_FULL_SCALE_MV = 3300 * 280 / 180  # of the battery, behind its divider
_DROP_MV = 10  # of the transistor before it
_COMMAND_US = 300
_CALIBRATION_US = 40_000
_SLEEP_MA, _AWAKE_MA = 0.009, 5.0
_PULSE_US, _PERIOD_US = 2000, 7000


@dataclass(eq=False)
class ShieldPic(I2cPart):
    """One shield. `press_at_s`, `int_at_s`: when, in seconds since power-on, somebody presses its
    button and when there is a pulse at EXT_IO_0 (P9 on the second shields); None: never."""

    standby_ma = _AWAKE_MA

    model: str = option("pysense", allowed=_PRODUCTS)
    battery_mv: Truth = truth(3900)
    fw_version: int = option(0, most=0xFFFF)  # 0: the last one of this shield
    hw_version: int = option(0, most=0xFFFF)  # 0: as reported
    clock_error: float = option(DRAWN, least=-20, most=DRAWN)
    press_at_s: float | None = option(None, kind=float)
    press_s: float = option(0.3, positive=True)  # how long
    int_at_s: float | None = option(None, kind=float)

    def __post_init__(self) -> None:
        self.lines = lines_of(self.board)
        self._off: SwitchedOff | None = None
        self._asleep = self._pressed = False
        self._reason = self._left = 0
        super().__post_init__()
        error = self.clock_error
        if error == DRAWN:
            error = self.board.rng("clock " + self.name).uniform(-5, 5)
        self.slow = 1 + error / 100  # seconds of its clock, as long as they really are

    @cached_property
    def second(self) -> bool:
        return self.model.endswith("2")

    def forget(self) -> None:
        """Its program starts."""
        self.memory = dict(_START)
        left = self._left.to_bytes(3, "little")
        self.memory.update(enumerate((self._reason, *left), _WAKE_REASON))
        self._answer = b""
        self._ticks = 0  # of the next sleep
        self._done_us = self._converted_us = self._calibrated_us = 0
        self._asleep = False
        if self.powered:
            self._supply()

    # Commands

    def acknowledges(self, reading: bool) -> bool:
        calibrates = self.board.clock.now_us < self._calibrated_us
        return not (self.busy or self._asleep or calibrates)

    def command(self, data: bytes) -> None:
        self._answer = b""
        does = self._commands.get(data[0])
        if does is None:
            return
        self._done_us = self.board.clock.now_us + _COMMAND_US
        self._answer = does(data[1:]) or b""

    def answer(self, count: int) -> bytes:
        done = 0 < self._done_us <= self.board.clock.now_us
        return b"\xff" + self._answer if done else bytes(count)

    @cached_property
    def _commands(self) -> dict[int, Callable[[bytes], bytes | None]]:
        def number(value: int) -> Callable[[bytes], bytes]:
            return lambda arguments: value.to_bytes(2, "little")

        known = {
            PEEK: self._peek,
            POKE: self._poke,
            CHANGE: self._change,
            HARDWARE: number(self.hw_version or (5 if self.second else 1)),
            FIRMWARE: number(self.fw_version or _FIRMWARES[self.model]),
            PRODUCT: number(_PRODUCTS[self.model]),
            SET_TIME: self._set_time,
            SLEEP: lambda arguments: self._sleep(),
            CALIBRATE: self._calibrate,
            BAUD: lambda arguments: b"",
        }
        if self.second:
            known[NAP] = self._nap
            known[RESET] = lambda arguments: self._cycle()
        return known

    def _peek(self, arguments: bytes) -> bytes:
        return bytes((self.read_register(int.from_bytes(arguments[:2], "little")),))

    def _poke(self, arguments: bytes) -> None:
        if len(arguments) >= 3:
            self.write_register(int.from_bytes(arguments[:2], "little"), arguments[2])

    def _change(self, arguments: bytes) -> bytes:
        if len(arguments) < 5:
            return b""
        address, (kept, added, turned) = int.from_bytes(arguments[:2], "little"), arguments[2:5]
        self.write_register(address, (self.read_register(address) & kept | added) ^ turned)
        return bytes((self.read_register(address),))

    # Its memory

    def read_register(self, address: int) -> int:
        if address == _ADCON0 and self.board.clock.now_us >= self._converted_us:
            self.memory[_ADCON0] = self.memory.get(_ADCON0, 0) & ~_GO
        if address == _PORTA:
            return self._port_a() & ~self.memory[_ANSELA]
        if address == _PORTC:
            outputs = self.memory[_LATC] & ~self.memory[_TRISC]
            return outputs & ~self.memory[_ANSELC] & 0xFF
        return self.memory.get(address, 0)

    def write_register(self, address: int, value: int) -> None:
        if _PORTA <= address <= _PORTC:
            address += 0x100  # a port is written to its latch
        value &= _ANALOG.get(address, 0xFF)
        self.memory[address] = value
        if address == _ADCON0 and value & _ON and value & _GO:
            self._convert()
        if address in (_TRISC, _LATC):
            self._supply()

    def _port_a(self) -> int:
        button = 0 if self._pressed else _BUTTON
        moved = _ACCELEROMETER_PIN if self.lines.level(ACCELEROMETER_INT) else 0
        return button | (0 if self.second else moved)

    def _high(self, bit: int) -> bool:
        return bool(self.memory[_LATC] & ~self.memory[_TRISC] & 1 << bit)

    def _supply(self) -> None:
        self.lines.put(SENSORS, self._high(7))
        self.lines.put(ACCELEROMETER, self._high(6))
        self.lines.put(GPS_MEMORY, True)
        self.lines.put(GPS_ON, not self.memory[_TRISC] & 1 << 4)

    def _convert(self) -> None:
        """The ADC: ten bits, at the left unless ADCON1 says otherwise."""
        self._converted_us = self.board.clock.now_us + 16
        channel = self.memory[_ADCON0] >> 2 & 0x1F
        battery_mv = self.battery_mv(self.seconds()) - _DROP_MV
        share = battery_mv / _FULL_SCALE_MV if channel == _BATTERY_CHANNEL else 0.0
        counts = min(max(round(share * 1023), 0), 1023)
        if not self.memory.get(_ADCON1, 0) & 0x80:
            counts <<= 6
        self.memory[_ADRESH], self.memory[_ADRESL] = counts >> 8, counts & 0xFF

    # Its clock and sleep

    def _set_time(self, arguments: bytes) -> None:
        self._ticks = int.from_bytes(arguments[:3], "little")

    def _calibrate(self, arguments: bytes) -> None:
        self._calibrated_us = self.board.clock.now_us + _CALIBRATION_US

    def pulses(self) -> list[tuple[int, int]]:
        """On SCL, during a calibration."""
        if self.board.clock.now_us >= self._calibrated_us:
            return []
        long_us = _PULSE_US + round(_PERIOD_US * self.slow)
        return [(0, _PULSE_US), (1, long_us)] * 2

    def _sleep(self) -> None:
        """Switch the module off; what supplies the other parts is what the host has left."""
        analog, tris = self.memory[_ANSELC], self.memory[_TRISC]
        memory = self._high(7)
        self.memory[_TRISC] = tris | analog
        self.lines.put(ACCELEROMETER, self._high(6))
        if self.model == "pytrack":  # RC7 is the receiver's back-up supply there
            self.lines.put(SENSORS, False)
            self.lines.put(GPS_MEMORY, memory)
        else:
            self.lines.put(SENSORS, memory)
        self._fall_asleep(module_off=True)

    def _nap(self, arguments: bytes) -> None:
        options = arguments[0] if arguments else 0
        self.lines.put(GPS_MEMORY, bool(self.memory[_TRISC] & 1 << 4))
        self.lines.put(SENSORS, self._high(7) and not options & _OFF_SENSORS)
        self.lines.put(ACCELEROMETER, self._high(6) and not options & _OFF_ACCELEROMETER)
        self._fall_asleep(module_off=bool(options & _OFF_MODULE))

    def _fall_asleep(self, module_off: bool) -> None:
        self._asleep, self._slept_us = True, self.board.clock.now_us
        self.new_task()
        self.draw("sleep", _SLEEP_MA)
        if self._ticks:
            end = self.of_task(lambda: self.wake(BY_TIMER))
            self.later_us(round(self._ticks * _TICK_S * self.slow * 1e6), end)
        if module_off:
            wakes = bool(self._ticks or self._int_enabled or self._watches_movement(True))
            wakes = wakes or self._watches_movement(False) or self.press_at_s is not None
            self._off = SwitchedOff(wakes)
            self.board.stop(self._off)

    def wake(self, reason: int) -> None:
        """Its program starts anew, and so does the module if it was off."""
        passed_s = (self.board.clock.now_us - self._slept_us) / 1e6
        self._left = max(0, self._ticks - round(passed_s / _TICK_S / self.slow))
        self._reason = reason
        self.new_task()
        self.forget()
        self.rest()
        if self._off is not None:
            self._off.on, self._off = True, None

    def _cycle(self) -> None:
        self.board.stop(PowerCut())

    # What happens outside

    @property
    def _int_enabled(self) -> bool:
        return bool(self.memory.get(_INTCON, 0) & _INT_ENABLE)

    def _watches_movement(self, rising: bool) -> bool:
        edges = self.memory.get(_RISING if rising else _FALLING, 0)
        return bool(edges & _ACCELEROMETER_PIN) and not self.second

    def moved(self, level: bool) -> None:
        """The accelerometer's interrupt has changed."""
        if self._asleep and self._watches_movement(level):
            self.wake(BY_ACCELEROMETER)

    def press(self) -> None:
        self._pressed = True
        held_us = round(self.press_s * 1e6)
        self.board.clock.schedule(held_us, lambda: setattr(self, "_pressed", False))
        if self._asleep:
            self.wake(BY_BUTTON)

    def int_pulse(self) -> None:
        if self._int_enabled:
            self.memory[_INTCON] |= _INT_HAPPENED
            if self._asleep:
                self.wake(BY_INT_PIN)


def _connect(pic: ShieldPic, board: Board, table: dict[str, Any]) -> None:
    pins: Any = board.services["pins"]
    pins.pulse_sources["P21"] = pic.pulses
    pic.lines.watch(ACCELEROMETER_INT, pic.moved)
    if pic.second:
        pins.on_change("P9", lambda level: pic.int_pulse() if level else None)
    for at_s, happens in ((pic.press_at_s, pic.press), (pic.int_at_s, pic.int_pulse)):
        if at_s is not None:
            board.clock.schedule(round(at_s * 1e6), happens)


plug = plugging.on_i2c(ShieldPic, ADDRESS, _connect)
