"""Pins of GPy and FiPy: which ones the board itself needs.

    from utils import pins
    pins.owner("P12")      # "safe boot"
    pins.owner("P5")       # "the modem" on a GPy, "the LoRa radio" on a FiPy
    pins.owner("P9")       # None: free

Source: Pycom firmware 1.20.2.r4, esp32/boards/GPY and FIPY (pins.csv, mpconfigboard.h). Safe boot:
a high level at P12 during the start skips boot.py and main.py. P2 is the strap of the boot loader.
"""

# Usable as output and for I2C; P13 to P18 are inputs only
IO = ("P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P19", "P20", "P21", "P22", "P23")
ADC = ("P13", "P14", "P15", "P16", "P17", "P18", "P19", "P20")

_OF_ALL = (("the console", ("P0", "P1")), ("the LED", ("P2",)), ("safe boot", ("P12",)))
_OF_BOARD = {
    "GPy": (("the modem", ("P5", "P7")),),
    "FiPy": (("the LoRa radio", ("P5", "P6", "P7")), ("the modem", ("P17", "P18", "P19", "P20"))),
}


def owner(pin):
    """Return what of the board has this pin, as text; None for a free one."""
    import uos

    for who, taken in _OF_ALL + _OF_BOARD.get(uos.uname().sysname, ()):
        if pin in taken:
            return who
    return None
