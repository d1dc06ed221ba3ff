"""The 1-Wire bus on one pin: slots, bytes, and the search for who is there.

    from machine import Pin
    from sensors import _onewire
    bus = _onewire.Bus(Pin("P3"))
    for rom in bus.search():            # 8 bytes each: family, serial number, checksum
        bus.select(rom)
        bus.write(b"\\xbe")
        scratchpad = bus.read(9)
    bus.deinit()

Wiring: a pull-up of 4.7 kOhm from the line to 3.3 V, stronger for long lines. The pin is open
drain: it pulls down or lets go, and drives the line high only where `write` is told to `feed`
parts that live on the line alone.

A slot begins when the line falls. A bit is read within 15 us of that, and its levels must not be
stretched by interrupts, so they are off for as long as a slot's length tells its value: 75 us at
most. The names that a slot calls are bound beforehand, since each look-up counts. How long a call
of a pin takes differs with the firmware and is measured when the bus is made: where it is quick, a
bit is sampled late in the 15 us, so that a long line has had time to rise, else at once. The
slots are right for calls of 1 to 4 us with up to 1 us for each other step of the interpreter; a
slower one samples too late for parts that hold a bit no longer than they must, which are rare.

Written against the data sheet of the DS18B20 (19-7487: AC characteristics, ROM commands) and
Maxim's application notes 126, 187 and 27. MicroPython's own `onewire` module and the packages on
PyPI need the C module `_onewire`, which Pycom firmware 1.20.2.r4 does not have.
"""

from micropython import const

from sensors import SensorError
from utils.microseconds import call_us, sleep_us

_SEARCH = const(0xF0)
_MATCH_ROM = const(0x55)
_SKIP_ROM = const(0xCC)

# us, each beside the 1 to 4 us of every call between two edges
_RESET = const(480)
_PRESENCE = const(58)  # begins 15 to 60 after the release, lasts 60 to 240: surely there at 60-75
_PRESENCE_ENDS = const(420)
_SLOT = const(60)
_SAMPLE = const(2)  # after the release, where there is time for it
_QUICK_US = const(3)  # a call of a pin: three of them and the sample are within 15 us
_IDLE = const(200)  # nobody holds an idle line for longer

ROM_BYTES = 8
_BITS = const(64)
_PARTS_MAX = const(32)


class Bus:
    """The bus on `pin`, a machine.Pin; `deinit` lets go of it.

    Everything that asks raises SensorError: "absent" if nobody answers, "stuck" if the line is
    held down or has no pull-up.
    """

    def __init__(self, pin):
        from machine import disable_irq, enable_irq

        self._pin = pin
        self._lock = disable_irq
        self._unlock = enable_irq
        self.release()
        self._late = call_us(pin) <= _QUICK_US

    def deinit(self):
        self._pin.init(self._pin.IN)

    def release(self):
        """Let the pull-up alone hold the line high; the end of `feed`."""
        self._pin.init(self._pin.OPEN_DRAIN, value=1)

    # who is there

    def reset(self):
        """Begin a dialogue: every part listens for a ROM command."""
        pin = self._pin
        if not pin():
            sleep_us(_IDLE)
            if not pin():
                raise SensorError("stuck")
        pin(0)
        sleep_us(_RESET)
        state = self._lock()
        pin(1)
        sleep_us(_PRESENCE)
        silent = pin()
        self._unlock(state)
        sleep_us(_PRESENCE_ENDS)
        if not pin():
            raise SensorError("stuck")
        if silent:
            raise SensorError("absent")

    def select(self, rom=None):
        """Begin a dialogue with one part, or with all at once."""
        self.reset()
        if rom is None:
            self._write_byte(_SKIP_ROM)
        else:
            self._write_byte(_MATCH_ROM)
            self.write(rom)

    def search(self, most=_PARTS_MAX, command=_SEARCH):
        """Return the ROMs of up to `most` parts as a list of bytes objects; 14 ms each.

        command: 0xF0 for all parts, 0xEC for those whose alarm is set, then maybe an empty list.
        Raises SensorError("crc") if answers are garbled.
        """
        found = []
        rom = bytearray(ROM_BYTES)
        fork = _BITS  # where to leave the path of the ROM before: nowhere yet
        while fork is not None and len(found) < most:
            fork = self._walk(rom, fork, command)
            if fork == _BITS:  # nobody takes part
                break
            if not any(rom):  # has a right checksum, but is what a held line reads
                raise SensorError("stuck")
            if crc8(rom) or bytes(rom) in found:
                raise SensorError("crc")
            found.append(bytes(rom))
        return found

    def _walk(self, rom, fork, command):
        """Follow one path through the tree of ROMs, leaving its bits in `rom`.

        Up to bit `fork` the path is the one before, there it takes the other branch, beyond it
        the zeros. Returns where the next path leaves this one, None after the last path, and 64 if
        nobody answered to the command.
        """
        self.reset()
        self._write_byte(command)
        leave = None
        for bit in range(_BITS):
            mask = 1 << (bit & 7)
            here = bit >> 3
            zero = not self._read_bit()  # somebody has a 0 here
            one = not self._read_bit()  # somebody has a 1
            if not zero and not one:
                if bit == 0:
                    return _BITS
                raise SensorError("crc")  # whoever answered has gone
            turn = one
            if zero and one:
                turn = bit == fork or (fork != _BITS and bit < fork and bool(rom[here] & mask))
                if not turn:
                    leave = bit
            rom[here] = rom[here] | mask if turn else rom[here] & ~mask
            self._write_bit(turn)
        return leave

    # bytes, the lowest bit first

    def write(self, data, feed=False):
        """Write bytes. feed: from the last bit on the pin drives the line high; `release` it."""
        last = len(data) - 1
        for index in range(len(data)):
            self._write_byte(data[index], feed and index == last)

    def read(self, count):
        """Return so many bytes; 0xFF each if nobody answers."""
        data = bytearray(count)
        for index in range(count):
            value = 0
            for bit in range(8):
                if self._read_bit():
                    value |= 1 << bit
            data[index] = value
        return bytes(data)

    def read_bit(self):
        """Return one bit: parts that are busy hold it at 0."""
        return self._read_bit()

    def _write_byte(self, value, feed=False):
        for bit in range(7 if feed else 8):
            self._write_bit(value >> bit & 1)
        if feed:
            self._write_and_feed(value >> 7)

    # slots

    def _write_bit(self, bit):
        pin = self._pin
        state = self._lock()
        pin(0)
        if bit:
            pin(1)
            self._unlock(state)
            sleep_us(_SLOT)
        else:
            sleep_us(_SLOT)
            pin(1)
            self._unlock(state)

    def _write_and_feed(self, bit):
        """A slot after which the line is driven high within 10 us, as a part that converts on
        the line's power needs it."""
        pin = self._pin
        output = pin.OUT
        state = self._lock()
        pin(0)
        if bit:
            pin(1)
        sleep_us(_SLOT)
        # the firmware lets go of the line before it makes the pin an output
        pin.init(output, value=1)
        self._unlock(state)

    def _read_bit(self):
        pin = self._pin
        late = self._late
        state = self._lock()
        if late:
            pin(0)
            pin(1)
            sleep_us(_SAMPLE)
            bit = pin()
        else:
            pin(0)
            pin(1)
            bit = pin()
        self._unlock(state)
        sleep_us(_SLOT)
        return bit


def crc8(data):
    """Return the checksum of 1-Wire parts: x^8 + x^5 + x^4 + 1, lowest bit first, from 0.

    It is 0 over data that ends in its own checksum.
    """
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc
