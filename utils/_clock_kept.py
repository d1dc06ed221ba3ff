"""The number of the epoch and the rate of the RTC, which the clock (utils/clock.py) keeps in NVS.

Apart from it because they are needed where an epoch begins, and a few times a day.
"""

from micropython import const

from utils import logging, store

_EPOCH_KEY = "clock_epoch"
_EPOCH_END = const(65536)
_RATE_KEY = "clock_rate"  # ppm
_MOST_PPM = const(50000)  # as utils/_clock_told.py learns
_NEAR_PPM = const(3000)  # of the kept rate to the learned one, for which nothing is written

_log = logging.Logger("clock")


def next_epoch():
    """Return the number of a new epoch, 1 to 65535: a random one if the last one is not known,
    because measurements of any may wait on flash, and would have the times of this one."""
    import pycom
    import uos

    number = int.from_bytes(uos.urandom(2), "big") or 1
    try:
        last = pycom.nvs_get(_EPOCH_KEY, 0)
        if isinstance(last, int) and 0 < last < _EPOCH_END:
            number = (last + 1) % _EPOCH_END or 1
        store.nvs_set(_EPOCH_KEY, number)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
        _log.warning("epoch not counted: %s", error)
    return number


def rate():
    """Return the rate in NVS, which earlier epochs have learned, 0 without a plausible one."""
    import pycom

    try:
        kept = pycom.nvs_get(_RATE_KEY, 0)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
        _log.warning("no rate in NVS: %s", error)
        return 0
    return kept if isinstance(kept, int) and abs(kept) <= _MOST_PPM else 0


def keep_rate(learned):
    """Bring the kept rate half way to a learned one that is far from it.

    The mean of several is nearer to what the RTC will do than the last one.
    """
    kept = rate()
    if abs(learned - kept) <= _NEAR_PPM:
        return
    try:
        store.nvs_set(_RATE_KEY, (kept + learned) // 2 if kept else learned)
    except Exception as error:  # noqa: BLE001 - as above
        _log.warning("the rate is not kept: %s", error)
