"""The UART of the board on the modem's pins, for networking/_nbiot_uart.py.

uart = open_uart(BAUD)      # asserts RTS, which wakes the modem up; uart.deinit() releases it
if is_clear(): ...          # the modem lets the board send
hold()                      # keep RTS released over deep sleep, where the board can
"""

from micropython import const

from utils import timing

BAUD = const(921600)
LONGEST_LINE = const(3000)  # that the modem takes
# transmit, receive, RTS, CTS, by the name of the board
_PINS = {"GPy": ("P5", "P98", "P7", "P99"), "FiPy": ("P20", "P18", "P19", "P17")}
_HELD = "P19"  # the RTS that keeps its level over deep sleep: not on a GPy


def names():
    """Return the names of the pins; NoModem on a board without one."""
    import uos

    try:
        return _PINS[uos.uname().sysname]
    except KeyError:
        from networking._nbiot_causes import NoModem

        raise NoModem("this board has no modem")


def open_uart(baud):
    """Open the UART, which asserts RTS."""
    from machine import UART

    timing.feed()
    pins = names()
    _hold(pins[2], False)  # a held pad would stay released
    return UART(1, baud, pins=pins, timeout_chars=10, rx_buffer_size=4096)


def hold():
    """Keep RTS released over deep sleep, where the board can."""
    _hold(names()[2], True)


def is_clear():
    """True if the modem lets the board send: its CTS, which a sleeping one may assert, too."""
    from machine import Pin

    return not getattr(Pin.module, names()[3]).value()


def _hold(pin, held):
    if pin == _HELD:
        from machine import Pin

        Pin(pin, mode=Pin.OUT, value=1).hold(held)
