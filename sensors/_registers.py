"""Chips of 16-bit registers, high byte first, that send no checksum: INA219, ADS1115.

    chip = _registers.Registers(i2c, 0x48)
    yield from chip.find(0x01, 0x4383, 0x4383, 0x7FFF, 5)
    word = chip.read(0x00)

Without a checksum a bit that was turned over on the wire looks like any other value. What stands
still is therefore read until two answers in a row agree.
"""

from micropython import const

from sensors import SensorError, _i2c
from utils import timing

_RETRY_MS = const(2)


class Registers:
    """The registers of one chip; SensorError "absent" or "stuck" as _i2c.Device says."""

    def __init__(self, i2c, address):
        self._device = _i2c.Device(i2c, address)

    def write(self, register, word):
        self._device.write(bytes((register, word >> 8, word & 0xFF)))

    def peek(self, register):
        """Return a word as it comes: for what is asked for until it changes."""
        answer = self._device.registers(register, 2)
        return answer[0] << 8 | answer[1]

    def read(self, register, before=None):
        """Return a word that came twice in a row; SensorError("crc") if none did.

        before: the word as it came just now, if it did.
        """
        return _i2c.agreed(self.peek, register, before=before)

    def holds(self, register, word, mask=0xFFFF):
        """True if the register reads `word` in the bits of `mask`: once is enough for that."""
        found = self.peek(register)
        return found & mask == word or self.read(register, found) & mask == word

    def find(self, register, word, expected, mask, wait_ms):
        """Write `word` until the register reads `expected` in the bits of `mask`: a generator.

        wait_ms: how long the chip may take to wake. Raises SensorError: "absent"; "wrong_part" if
        somebody answers who keeps something else there; "stuck" if all that comes are zeros.
        """
        deadline = timing.Deadline(wait_ms)
        while True:
            late = deadline.expired()
            taken = False
            try:
                self.write(register, word)
                taken = True
                if self.holds(register, expected, mask):
                    return
                # of a line that is held down all registers are 0
                other = self.peek(register) or self.peek(register + 1)
                cause = "wrong_part" if other else "stuck"
            except SensorError as error:
                cause = error.args[0]
                if cause == "stuck":  # it took seconds: not once more
                    raise
            if late:
                break
            yield _RETRY_MS
        # a chip that knows no such register refuses it, or has no answer, but is there
        if cause == "absent" and (taken or self._device.try_read(1) is not None):
            cause = "wrong_part"
        raise SensorError(cause)


def signed(word):
    """Return the number that 16 bits in two's complement stand for."""
    return word - 0x10000 if word & 0x8000 else word
