"""machine.I2C, UART, SPI, PWM.

Source: Pycom firmware 1.20.2.r4, esp32/mods/machine_i2c.c, machuart.c, machspi.c, machpwm.c.
"""

import sys

from _arguments import REQUIRED, assign, data_of, method, to_float, to_int, to_sequence
from _board import call
from _pin import pin_named
from _texts import BADVAL, NA, NOTPOSS


class I2C:
    MASTER = 0

    def __init__(self, id=0, mode=0, *, baudrate=100000, pins=None):
        if id not in (0, 1, 2):
            raise OSError(NA)
        self._id = id
        self.init(mode, baudrate=baudrate, pins=pins)

    def init(self, mode=0, *, baudrate=100000, pins=None):
        if mode != 0:
            raise ValueError(BADVAL)
        if pins is not None:
            if len(pins) != 2:
                raise ValueError(BADVAL)
            pins = [pin_named(pin).id() for pin in pins]
        call("i2c.open", self._id, baudrate, pins)
        self._baud = baudrate

    def deinit(self):
        call("i2c.close", self._id)
        self._baud = 0

    def __repr__(self):
        if not self._baud:
            return "I2C({})".format(self._id)
        return "I2C({}, I2C.MASTER, baudrate={})".format(self._id, self._baud)

    scan = method("i2c.scan", "_id")

    def readfrom(self, addr, nbytes):
        return call("i2c.read", self._id, addr, nbytes)

    def readfrom_into(self, addr, buf):
        data = call("i2c.read", self._id, addr, len(buf))
        buf[:] = data
        return len(data)

    def writeto(self, addr, buf, *, stop=True):
        return call("i2c.write", self._id, addr, _as_bytes(buf), stop)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        register = _register(memaddr, addrsize)
        if nbytes <= 0:
            return b""  # without a transfer: a part that is not there is not missed
        return call("i2c.write_read", self._id, addr, register, nbytes)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        data = self.readfrom_mem(addr, memaddr, len(buf), addrsize=addrsize)
        buf[:] = data
        return len(data)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        data = _register(memaddr, addrsize) + _as_bytes(buf)
        call("i2c.write", self._id, addr, data, True)
        return len(data) - addrsize // 8


def _register(memaddr, addrsize):
    if addrsize == 8:
        return bytes([memaddr & 0xFF])
    if addrsize == 16:
        return bytes([memaddr >> 8 & 0xFF, memaddr & 0xFF])
    raise ValueError("invalid memory address size {}".format(addrsize))


def _as_bytes(data):
    """pyb_buf_get_for_send: one byte, or anything with the buffer protocol."""
    return bytes([data & 0xFF]) if isinstance(data, int) else data_of(data)


class UART:
    EVEN = 2
    ODD = 3

    def __init__(self, id=1, baudrate=9600, bits=8, parity=None, stop=None, **options):
        if id not in (0, 1):
            raise OSError(NA)
        self._id = id
        self.init(baudrate, bits, parity, stop, **options)

    def init(self, baudrate=9600, bits=8, parity=None, stop=None, *, pins=True, timeout_chars=2,
             rx_buffer_size=4096):  # fmt: skip
        if baudrate <= 0:
            raise ValueError(BADVAL)
        if bits not in (5, 6, 7, 8):
            raise ValueError("invalid bits size {}".format(bits))
        if parity not in (None, 2, 3):
            raise ValueError("invalid parity {}".format(parity))
        if stop not in (None, 1, 1.5, 2):
            raise ValueError("invalid stop bits {}".format(stop))
        if rx_buffer_size <= 128:
            raise ValueError("invalid RX buffer size, should be > 128 bytes")
        call("serial.open", self._id, baudrate, bits, parity, stop or 1, timeout_chars,
             rx_buffer_size, *_uart_pins(self._id, pins))  # fmt: skip
        self._shown = "baudrate={}, bits={}, parity={}, stop={}".format(
            baudrate, bits, "UART.{}".format("EVEN" if parity == 2 else "ODD") if parity else None,
            stop or 1)  # fmt: skip

    def __repr__(self):
        return "UART({}, {})".format(self._id, self._shown)

    deinit = method("serial.close", "_id")
    any = method("serial.any", "_id")

    def read(self, nbytes=-1):
        return call("serial.read", self._id, nbytes) or None

    def readline(self, size=-1):
        return call("serial.readline", self._id, size) or None

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if line is None:  # nothing more is there
            raise StopIteration
        return line

    def readinto(self, buf, nbytes=None):
        data = call("serial.read", self._id, len(buf) if nbytes is None else nbytes)
        if not data:
            return None
        buf[: len(data)] = data
        return len(data)

    def write(self, buf, *part):
        """part: [start,] count."""
        return call("serial.write", self._id, data_of(buf, *part))

    def wait_tx_done(self, timeout_ms):
        return call("serial.wait_tx_done", self._id, timeout_ms)

    def sendbreak(self, bits=13):
        call("serial.send_break", self._id, bits)


_UART_PINS = (("P1", "P0"), ("P3", "P4"))  # the default ones: transmit, receive


def _uart_pins(uart_id, pins):
    """Transmit, receive, RTS, CTS as names or None; a single pin serves both directions."""
    if pins is True:
        pins = _UART_PINS[uart_id]
    if pins is None:
        return [None, None]
    if len(pins) not in (1, 2, 4):
        raise ValueError(BADVAL)
    names = [None if pin is None else pin_named(pin).id() for pin in pins]
    if len(names) == 4 and (names[2] and not names[1] or names[3] and not names[0]):
        raise ValueError(BADVAL)  # RTS without the pin that receives, CTS without the other
    return names * 2 if len(names) == 1 else names


class SPI:
    """A bus with nothing on it: what is read is all ones."""

    MASTER = 0
    MSB = 0
    LSB = 1

    def __init__(self, id=0, mode=0, **options):
        if id not in (0, 1) or id == 1 and sys.platform != "GPy":
            raise OSError(NA)
        self._id = id
        self.init(mode, **options)

    def init(self, mode=0, *, baudrate=1000000, bits=8, polarity=0, phase=0, firstbit=0,
             pins=True):  # fmt: skip
        if mode != 0 or bits not in (8, 16, 32) or polarity not in (0, 1) or phase not in (0, 1):
            raise ValueError(BADVAL)
        if firstbit not in (0, 1) or baudrate == 0:
            raise ValueError(BADVAL)
        if pins is not None and pins is not True:
            for pin in to_sequence(pins, 3):
                if pin is not None:
                    pin_named(pin)
        self._shown = (
            "SPI({}, SPI.MASTER, baudrate={}, bits={}, polarity={}, phase={}, firstbit=SPI.MSB)"
        ).format(self._id, baudrate, bits, polarity, phase)

    def deinit(self):
        self._shown = None

    def __repr__(self):
        return self._shown or "SPI(0)"

    def _transfer(self, count):
        if self._shown is None:
            raise OSError(NOTPOSS)
        return b"\xff" * count

    def write(self, buf):
        return len(self._transfer(len(_as_bytes(buf))))

    def read(self, nbytes, *, write=0):
        return self._transfer(nbytes)

    def readinto(self, buf, *, write=0):
        buf[:] = self._transfer(len(buf))
        return len(buf)

    def write_readinto(self, write_buf, read_buf):
        if len(_as_bytes(write_buf)) != len(read_buf):
            raise ValueError(BADVAL)
        return self.readinto(read_buf)


class PWMChannel:
    def duty_cycle(self, duty_cycle):
        to_float(duty_cycle)


_PWM = (("timer", to_int, REQUIRED), ("frequency", to_int, REQUIRED))
_PWM_CHANNEL = (
    ("id", to_int, REQUIRED),
    ("pin", pin_named, REQUIRED),
    ("duty_cycle", to_float, 0.5),
)


class PWM:
    def __init__(self, *args, **keywords):
        timer, frequency = assign(_PWM, 2, args, keywords)
        if not 0 <= timer <= 3:
            raise OSError(NA)
        if not 0 <= frequency <= 78000:
            raise ValueError("invalid frequency {}".format(frequency))

    def channel(self, *args, **keywords):
        number = assign(_PWM_CHANNEL, 1, args, keywords)[0]
        if not 0 <= number <= 7:
            raise OSError(NA)
        return PWMChannel()
