"""How Sensirion's CO2 sensors are spoken to: 16-bit commands, and words that carry a checksum.

    yield from _sensirion.send(chip, 0x0010, 1013)                 # a command with an argument
    words = yield from _sensirion.ask(chip, 0x0202, 1, wait_ms=4)  # one with an answer

Both are steps in the manner of sensors.Sensor: they yield how long to wait. Every word goes with
a CRC-8 that starts from 0xFF, in both directions. Command, stop, pause, answer: these chips know
no repeated start.
"""

from micropython import const

from sensors import SensorError, _i2c
from utils import timing

_CRC_START = const(0xFF)
_PAUSE_MS = const(25)


def send(chip, command, argument=None, patience_ms=0):
    """Send a command; again until `patience_ms` are over, if it is not acknowledged.

    Raises SensorError "absent" in the end.
    """
    deadline = timing.Deadline(patience_ms)
    data = frame(command, argument)
    while True:
        late = deadline.expired()
        if chip.try_write(data):
            return
        if late:
            raise SensorError("absent")
        yield _PAUSE_MS


def ask(chip, command, count, argument=None, wait_ms=4, patience_ms=0, repeat=True):
    """Send a command and return the `count` words of its answer.

    wait_ms: from the command to its answer. Command and answer are repeated until `patience_ms`
    are over; after a wrong checksum once at least. With repeat=False a wrong checksum is final,
    for what can be read but once.
    Raises SensorError: "absent" the command, "busy" the answer was not acknowledged; and what
    `words` does.
    """
    deadline = timing.Deadline(patience_ms)
    data = frame(command, argument)
    again = False
    while True:
        late = deadline.expired()
        cause = "absent"
        if chip.try_write(data):
            cause = "busy"
            yield wait_ms
            answer = chip.try_read(3 * count)
            if answer is not None:
                try:
                    return words(answer)
                except SensorError as error:
                    cause = error.args[0]
                    if cause == "stuck" or not repeat:
                        raise
                    late = late and again
                    again = True
        if late:
            raise SensorError(cause)
        yield _PAUSE_MS


def words(answer):
    """Return the words of an answer.

    Raises SensorError: "crc" for a disturbed one; "wrong_part" if none of several checksums is
    right or nobody sends anything, for that is another chip; "stuck" if the line is held down.
    """
    try:
        return _i2c.words(answer, _CRC_START)
    except SensorError as error:
        if error.args[0] == "crc":
            places = range(0, len(answer), 3)
            good = [_i2c.crc8(answer[at : at + 2], _CRC_START) == answer[at + 2] for at in places]
            if not any(good) and (len(good) > 1 or answer == b"\xff\xff\xff"):
                raise SensorError("wrong_part")
        raise


def finish(steps):
    """Go through steps to their end, waiting, and return what they return."""
    try:
        while True:
            timing.sleep_ms(next(steps) + 1)  # as the rig: it rounds down
    except StopIteration as end:
        return end.args[0] if end.args else None


def within(value, least, most):
    """The value, or None if it is not between the two; NaN is not."""
    return value if least <= value <= most else None


def frame(command, argument=None):
    """Return the bytes of a command."""
    data = bytearray((command >> 8, command & 0xFF))
    if argument is not None:
        word = bytes((argument >> 8, argument & 0xFF))
        data.extend(word)
        data.append(_i2c.crc8(word, _CRC_START))
    return data


def limit(name, value, least, most):
    """Raise the ValueError that says what is allowed, unless the value is such an integer."""
    from utils import configuration

    if not configuration.is_integer(value, least, most):
        configuration.refuse(name, value, "an integer {} to {}".format(least, most))
