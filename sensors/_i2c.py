"""One chip at an address of an I2C bus, and the checksums that such chips send.

    chip = _i2c.Device(i2c, 0x44)
    chip.write(b"\xfd")
    answer = chip.try_read(6)            # None: not acknowledged, it is still busy

The firmware says "I2C bus error" whatever happened. What tells a chip that does not answer from a
bus that is held down is the time: the first takes less than 2 ms, the second 5 s and more
(Pycom firmware 1.20.2.r4, esp32/mods/machine_i2c.c).
"""

from micropython import const

from sensors import SensorError
from utils import timing

_HUNG_MS = const(1000)
_LOOKS = const(5)
_POLL_MS = const(1)


class Device:
    """What a driver talks to. SensorError("stuck") is raised wherever the bus hangs."""

    def __init__(self, i2c, address):
        self._i2c = i2c
        self._address = address

    def write(self, data):
        """Send bytes; SensorError("absent") if they are not acknowledged."""
        if not self.try_write(data):
            raise SensorError("absent")

    def read(self, count):
        """Return `count` bytes; SensorError("absent") if the address is not acknowledged."""
        answer = self.try_read(count)
        if answer is None:
            raise SensorError("absent")
        return answer

    def registers(self, start, count):
        """Return `count` bytes from a register on, after a repeated start; else "absent"."""
        answer = self._transfer(self._i2c.readfrom_mem, start, count)
        if answer is None:
            raise SensorError("absent")
        return answer

    def try_write(self, data):
        """Send bytes; True if they were acknowledged."""
        return self._transfer(self._i2c.writeto, data) is not None

    def try_read(self, count):
        """Return `count` bytes, or None if the address was not acknowledged."""
        return self._transfer(self._i2c.readfrom, count)

    def converted(self, command, count, typ_ms, max_ms):
        """Steps: send a command that converts, return the `count` bytes that come of it.

        For chips that do not acknowledge a read until they are done: they are asked each ms, from
        the typical time on. SensorError: "absent" for the command, "busy" after the greatest time.
        """
        self.write(command)
        deadline = timing.Deadline(max_ms + 1)
        yield typ_ms
        while True:
            late = deadline.expired()
            answer = self.try_read(count)
            if answer is not None:
                return answer
            if late:
                raise SensorError("busy")
            yield _POLL_MS

    def _transfer(self, call, *arguments):
        watch = timing.Stopwatch()
        try:
            return call(self._address, *arguments)
        except OSError:
            if watch.elapsed_ms() >= _HUNG_MS:
                raise SensorError("stuck")
            return None


def agreed(read, *arguments, before=None):
    """Return what `read(*arguments)` returns twice in a row; SensorError("crc") if it never does.

    before: what it has returned just now, if it did.

    For chips that send no checksum: a bit that was turned over looks like any other value.
    """
    for _ in range(_LOOKS):
        answer = read(*arguments)
        if answer == before:
            return answer
        before = answer
    raise SensorError("crc")


def words(answer, start):
    """Return the 16-bit words of bytes that come as (high, low, checksum), as a list.

    Raises SensorError: "crc" if a checksum is wrong, "stuck" if all bits are 0, which a data line
    that is held down looks like, and which has valid checksums where they start from 0.
    """
    if not any(answer):
        raise SensorError("stuck")
    found = []
    for place in range(0, len(answer), 3):
        if crc8(answer[place : place + 2], start) != answer[place + 2]:
            raise SensorError("crc")
        found.append(answer[place] << 8 | answer[place + 1])
    return found


def crc8(data, start):
    """Return the CRC-8 with the polynomial x^8 + x^5 + x^4 + 1, the first bit first."""
    crc = start
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ 0x131 if crc & 0x80 else crc << 1
    return crc
