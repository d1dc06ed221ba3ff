"""Signal figures: indexes of +CSQ and +CESQ converted to dBm and dB.

    rssi, rsrp, rsrq = levels.read(["+CSQ: 21,99", "+CESQ: 99,99,255,255,19,51"])
    # -71 dBm, -90 dBm, -10.5 dB

A figure is the lower bound of the index's step. Source: 3GPP TS 27.007 8.5, 8.69.
"""

from utils import at

UNKNOWN = -1  # as documented for nbiot.connect(); no real figure is above -3


def read(lines):
    """Return (rssi in dBm, rsrp in dBm, rsrq in dB) of an answer; UNKNOWN for missing figures."""
    rssi = rsrp = rsrq = UNKNOWN
    for line in lines:
        values = at.fields(line)
        if line.startswith("+CSQ:"):
            rssi = low_edge(values[0], 31, -113, 2)
        elif line.startswith("+CESQ:") and len(values) > 5:
            rsrq = low_edge(values[4], 34, -20, 0.5)
            rsrp = low_edge(values[5], 97, -141, 1)
    return rssi, rsrp, rsrq


def low_edge(text, last, base, step):
    """Return base + index * step for an index of 0 to `last`, UNKNOWN for any other text.

    Index 0 stands for everything below the first step; the result is `base`. Exact in single
    precision.
    """
    index = at.number(text)
    if index is None or not 0 <= index <= last:
        return UNKNOWN
    return base + index * step
