"""A modem that does not answer AT on its UART, for networking/_nbiot_uart_line.py.

Apart from it since hardly any cycle needs it.
"""

from micropython import const

from networking import _nbiot_causes as causes
from utils import timing

_LOADER_BAUD = const(115200)  # of a modem that has lost its firmware
_GUARD_MS = const(1200)  # silence before and after the escape sequence
_AT_MS = const(300)
_TRIES = const(3)
_PADDING = const(1500)  # the longest payload that a prompt can wait for


class Recovery(OSError):
    """Only the loader answers, at 115200 baud: the modem needs its firmware."""

    cause = causes.MODEM_RECOVERY


def look_for_loader(modem):
    """Raise Recovery if there is only the loader. The UART is left open."""
    modem.open(_LOADER_BAUD)
    for _ in range(_TRIES):
        if modem.answers(b"AT\r", _GUARD_MS):
            raise Recovery("the modem has lost its firmware")


def escape(modem):
    """Leave the data state of a program that was cut short. In command state it costs an ERROR."""
    timing.sleep_ms(_GUARD_MS)
    modem.answers(b"+++", _GUARD_MS)
    modem.answers(b"ATH\r", _AT_MS)


def pad(modem):
    """End a prompt that nobody waits for."""
    try:
        modem.write(b" " * _PADDING + b"\r")
    except OSError:  # it is not ready yet
        pass
