"""The wire of SDI-12 behind a UART and a transceiver: one dialogue at a time, with repetitions.

    bus = _sdi12_bus.Bus("P3", "P4", "P8")
    text = yield from bus.turn(bus.ask("0!", 3, lambda text: text))
    bus.deinit()

What is sent goes out at 1200 baud, 7 bits with even parity. The firmware drops the parity of what
it receives without looking at it (esp32/mods/machuart.c, components/driver/uart.c), so the UART is
opened for 8 bits without parity, which is the same frame, and the parity is put in and checked
here.

Timing is that of the SDI-12 specification 1.4, section 7: a break of 12 ms at least, 8.33 ms of
marking, the command; the probe answers within 15 ms and pauses for 1.66 ms at most between two
characters. A sleeping probe may need 100 ms to be ready to listen, and it falls asleep after 100
ms without a character: a repetition therefore marks for so long that a slow one has woken, and not
for so long that a fast one sleeps. Its break is longer, too, since there are probes that want 15
ms (EnviroDIY/Arduino-SDI-12 issue 124). Where that has helped, all further commands are sent so:
who wakes in the middle of "0D0!" may hear "0!", and answers that.
"""

from micropython import const

from sensors import SensorError
from utils import timing

_UART = const(1)  # 0 is the console, 2 the modem's
_BAUD = const(1200)
_TRIES = const(3)
# (bits of the break, to which the firmware adds one; ms of marking between it and the command)
_WAKING = (14, 10)  # 12.5 ms
_LONG_WAKING = (22, 80)  # 19.2 ms
_CHARACTER_THIRDS_MS = const(25)  # 8.33 ms
_CHARACTER_MOST_MS = const(10)  # with the longest pause behind it
_SENT_MS = const(50)
_ANSWER_MOST_MS = const(16)  # until the first character
_SILENCE_MS = const(16)  # after the last one, until the firmware shows what it has received
_ANSWER_LEAST_MS = const(46)  # pause, three characters, silence
_POLL_MS = const(4)
_TURN_POLL_MS = const(10)
_TURN_MS = const(1100000)  # more than the longest measurement that there is
_GLITCHES = const(4)  # characters of noise where the direction changes
_RECEIVE_BYTES = const(256)
_END = b"\x8d\x0a"  # carriage return and line feed with their parity


class Bus:
    """The UART, opened for SDI-12. `direction_pin` is 1 to send; None if the wire needs none."""

    def __init__(self, drv_in_pin, rcv_out_pin, direction_pin):
        from machine import UART, Pin

        self._direction = None
        if direction_pin is not None:
            self._direction = Pin(direction_pin, mode=Pin.OUT)
            self._direction.value(0)
        self._uart = UART(
            _UART, _BAUD, 8, None, 1, pins=(drv_in_pin, rcv_out_pin),
            timeout_chars=2, rx_buffer_size=_RECEIVE_BYTES,
        )  # fmt: skip
        self._taken = False
        self._waking = _WAKING
        self._rest = b""  # came behind the end of a reply

    def deinit(self):
        """Close the UART; the transceiver listens."""
        self._uart.deinit()
        if self._direction is not None:
            self._direction.value(0)

    def turn(self, dialogue):
        """Steps: wait until nobody else talks, then go through the steps `dialogue`."""
        deadline = timing.Deadline(_TURN_MS)
        while self._taken:
            if deadline.expired():
                raise SensorError("busy")
            yield _TURN_POLL_MS
        self._taken = True
        try:
            return (yield from dialogue)
        finally:
            self._taken = False

    def ask(self, command, most, parse):
        """Steps: send `command`, return parse(reply without line end); three tries.

        most: characters of the longest reply, with line end. parse raises SensorError for a reply
        that is no good. Raises SensorError: "absent" if nothing was ever heard, "stuck" if the
        line is held down, "crc" if what was heard made no sense.
        """
        cause = "absent"
        waking = self._waking
        for _ in range(_TRIES):
            self._send(command, waking)
            received = yield from self._receive(most, len(command) + _GLITCHES)
            try:
                found = parse(self._reply(received, command))
                if cause == "absent":
                    self._waking = waking
                return found
            except SensorError as error:
                waking = _LONG_WAKING
                if error.args[0] != "absent":
                    cause = error.args[0]
        raise SensorError(cause)

    def await_request(self, address, timeout_ms):
        """Steps: return True when a probe says that it is ready, False if it never does."""
        wanted = _coded(address) + _END
        heard = self._rest
        deadline = timing.Deadline(timeout_ms)
        while heard[-len(wanted) :] != wanted:
            left_ms = deadline.left_ms()
            if not left_ms:
                return False
            yield min(left_ms, 5 * _POLL_MS)
            heard = heard[-len(wanted) :] + self._read(_RECEIVE_BYTES)
        return True

    def _send(self, command, waking):
        """Wake the probes and send a command. Blocks: between these steps there is no time."""
        self._read(4 * _RECEIVE_BYTES)  # what came unasked
        self._rest = b""
        self._point(1)
        try:
            self._uart.sendbreak(waking[0])
            timing.sleep_ms(waking[1])
            self._uart.write(_coded(command))
            timing.sleep_ms(len(command) * _CHARACTER_THIRDS_MS // 3 + 2)
            if not self._uart.wait_tx_done(_SENT_MS):
                raise SensorError("failed")
        finally:
            self._point(0)  # the probe may talk 8.33 ms after the last character

    def _point(self, level):
        if self._direction is not None:
            self._direction.value(level)

    def _receive(self, most, extra):
        """Steps: return all that is heard until the end of a line, or until time is over."""
        received = b""
        deadline = timing.Deadline(_ANSWER_MOST_MS + most * _CHARACTER_MOST_MS + _SILENCE_MS)
        yield _ANSWER_LEAST_MS
        while True:
            late = deadline.expired()
            received += self._read(most + extra + 1 - len(received))
            if late or received[-2:] == _END or len(received) > most + extra:
                return received
            yield _POLL_MS

    def _read(self, most):
        """Return what has been received, `most` bytes of it, without waiting for more."""
        count = min(self._uart.any(), most)
        return (self._uart.read(count) or b"") if count > 0 else b""

    def _reply(self, received, command):
        """Return the first line as text. Raises SensorError if there is none, or a wrong parity.

        In front of it may stand what the transceiver heard of the break and of the command, and
        noise from the change of direction: all bits 0 or 1.
        """
        echo = _coded(command)
        place = received.find(echo)
        line = received[place + len(echo) :] if place >= 0 else received
        start = 0
        while start < len(line) and line[start] in (0x00, 0xFF):
            start += 1
        end = line.find(_END, start)
        if start == len(line):
            raise SensorError("stuck" if line and place < 0 else "absent")
        if end < 0:
            raise SensorError("crc")
        self._rest = line[end + 2 :]
        for byte in line[start:end]:
            if _parity(byte):
                raise SensorError("crc")
        return "".join([chr(byte & 0x7F) for byte in line[start:end]])


def _coded(text):
    """Return a text as bytes with even parity in bit 7."""
    return bytes([ord(character) | _parity(ord(character)) << 7 for character in text])


def _parity(byte):
    """Return 1 if the number of ones is odd."""
    byte ^= byte >> 4
    byte ^= byte >> 2
    return (byte ^ byte >> 1) & 1
