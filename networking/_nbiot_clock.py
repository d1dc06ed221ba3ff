"""The time that the network gives the modem when it attaches: a part of networking/nbiot.py.

A modem keeps the time of an earlier attach by a clock of its own, which drifts. It is therefore
set to a year that nobody believes before it attaches: a later one has come with this attach.
"""

from micropython import const

_ANSWER_MS = const(3000)
_LONG_AGO = 'AT+CTZU=1;+CCLK="04/01/01,00:00:00+00"'  # and let the network set it
_THEN = const(2023)  # no time of an attach is older


def forget(exchange):
    """Make the modem forget the time. False if it has one and keeps it."""
    return exchange(_LONG_AGO, _ANSWER_MS).ok or read(exchange) is None


def read(exchange):
    """Return (seconds since 1970 in UTC, zone in quarter hours), None as long as it is not set.

    +CCLK: "yy/MM/dd,hh:mm:ss+zz" is local time (3GPP TS 27.007 8.15). Years from 70 on are those
    of a clock that was never set, and so are 1980, 2000, 2004 and 2015 of other makers.
    """
    for line in exchange("AT+CCLK?", _ANSWER_MS, True).lines:
        text = line[line.find('"') + 1 : -1]
        if line.startswith("+CCLK: ") and len(text) in (17, 20):
            try:
                year, month, day, hour, minute, second = [
                    int(text[at : at + 2]) for at in range(0, 17, 3)
                ]
                quarters = int(text[17:] or 0)
            except ValueError:
                continue
            if _THEN - 2000 < year < 70:
                import utime

                when = (2000 + year, month, day, hour, minute, second, 0, 0)
                return utime.mktime(when) - quarters * 900, quarters
    return None
