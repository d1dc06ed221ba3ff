"""Power saving mode: ask the network for it, and read what it grants.

    request = Request("auto", period_s, now_s)
    request.ask(exchange)           # with the radio off, before the attach
    request.read(exchange)          # registered
    request.granted                 # "psm", "edrx" or None

A network that has denied it is asked again after a day, or if the modem registers with another
one; this is kept in RTC memory. `+CPSMS?` is what was asked for, never what was granted.

Source: 3GPP TS 24.008 10.5.7.4 and 10.5.7.4a (timers), TS 24.301 5.3.11, TS 27.007 7.38 and
10.1.22. Networks round the timers up, and each grant counts: networking/_nbiot_uart_kept.py.
"""

from micropython import const

from networking import _nbiot_uart_kept as kept
from networking._nbiot_off import REST_SOON
from utils import at, store
from utils.configuration import is_integer

_PART = "psm"  # in RTC memory: of a denial
_DAY_S = const(86400)
_HOUR_S = const(3600)
_TOLD = const(1)  # the modem no longer asks
_NO_EDRX = const(2)  # extended DRX is denied as well
_ACTIVE_S = const(2)  # answers come while the connection lasts
# (seconds, bits) of the units, the shortest first
_PERIODS = (
    (2, 3),
    (30, 4),
    (60, 5),
    (600, 0),
    (3600, 1),
    (36000, 2),
    (1152000, 6),
)
_ACTIVES = ((2, 0), (60, 1), (360, 2))
_MOST_STEPS = const(31)

_ASK = 'AT+CPSMS=1,,,"%s","%s"'
_ASK_EDRX = 'AT+SQNEDRX=2,5,"1101","0000"'  # NB-IoT, a look at the pages each 44 min
_READ = "AT+CEREG=4;+CEREG?;+COPS?"


def problems(wanted, period_s):
    """Return what is wrong with `_PSM`, and with the `_PERIOD_S` that it needs."""
    if wanted == "auto":
        if is_integer(period_s, 1, _MOST_STEPS * _PERIODS[-1][0]):
            return []
        return ['_PERIOD_S = %r, _PSM = "auto"; allowed: an int in s' % (period_s,)]
    if (
        isinstance(wanted, (tuple, list))
        and len(wanted) == 2
        and is_integer(wanted[0], 60, _PERIODS[-1][0] * _MOST_STEPS)
        and is_integer(wanted[1], 0, _ACTIVES[-1][0] * _MOST_STEPS)
    ):
        return []
    text = '_PSM = %r; allowed: None, "auto" or (60 to 35712000 s, 0 to 11160 s)'
    return [text % (wanted,)]


def timers(wanted, period_s):
    """Return (T3412 extended, T3324) as texts of bits.

    wanted: "auto", or the two in s. "auto": an update of the tracking area after one and a half
    periods of the node, so that each report comes before it; networks refuse less than an hour
    or make it more.
    """
    if wanted == "auto":
        wanted = max(period_s * 3 // 2, _HOUR_S), _ACTIVE_S
    return _bits(wanted[0], _PERIODS), _bits(wanted[1], _ACTIVES)


class Request:
    """granted: "psm", "edrx", or None, known after read().

    Extended DRX costs 0.2 mA all the time, which is less than an attach for each report if these
    are not too rare. It is asked for where power saving mode was denied.
    """

    def __init__(self, wanted, period_s, now_s):
        """now_s: seconds on a scale that deep sleep does not set back; None: those of the RTC."""
        if now_s is None:
            import utime

            now_s = utime.time()
        self.granted = None
        self._timers = timers(wanted, period_s)
        self._now_s = now_s
        self._denied = _denied(now_s)  # (what was done about it, operator); None: ask
        is_worth_it = isinstance(period_s, int) and period_s <= _HOUR_S
        self._asks_edrx = bool(self._denied) and is_worth_it and not self._denied[0] & _NO_EDRX

    def ask(self, exchange):
        """Ask for the mode with the next attach; or, once after a denial, no longer."""
        if not self._denied:
            exchange(_ASK % self._timers)
            return
        if not self._denied[0] & _TOLD:
            exchange("AT+CPSMS=0")
            self._note(_TOLD)
        if self._asks_edrx and kept.has(kept.EDRX):
            exchange(_ASK_EDRX)

    def read(self, exchange):
        """Read what was granted, of a registered modem. Remember a denial."""
        if not self._denied:
            reply = exchange(_READ)
            exchange(REST_SOON)
            _look_for_abilities(exchange)
            if kept.is_granted(reply.lines):
                self.granted = kept.PSM
                store.keep_part(_PART, b"")
                return
            kept.log.warning("the network does not grant power saving mode")
            until_s = (self._now_s + _DAY_S).to_bytes(4, "big")
            store.keep_part(_PART, b"\0" + until_s + _operator(reply.lines))
            return
        lines = exchange("AT+COPS?;+CEDRXRDP").lines
        if self._asks_edrx and kept.has(kept.EDRX):
            if kept.is_edrx(lines):
                self.granted = kept.EDRX
            else:
                self._note(_NO_EDRX)
        if _operator(lines) != self._denied[1]:
            store.keep_part(_PART, b"")  # another network: the next attach asks

    def _note(self, bit):
        content = store.part(_PART)
        store.keep_part(_PART, bytes((content[0] | bit,)) + content[1:])


def _look_for_abilities(exchange):
    """Find out, once for each build of the modem, whether it takes the field with which a datagram
    announces that nothing, or one answer, follows (3GPP TS 24.301 9.9.4.25), and extended DRX."""
    import pycom

    build = int.from_bytes(kept.digest(exchange("ATI1").text)[:3], "big") << 2
    told = pycom.nvs_get(kept.ABILITIES_KEY, 0)
    if isinstance(told, int) and told & ~3 == build:
        return
    lines = exchange("AT+SQNSSENDEXT=?").lines
    release = any(line.count("(") > 2 for line in lines)
    edrx = exchange("AT+SQNEDRX=?").ok
    store.nvs_set(kept.ABILITIES_KEY, build | edrx << 1 | release)


def _denied(now_s):
    """Return (what was done about it, operator) of a denial of the last day, or None."""
    content = store.part(_PART)
    left_s = int.from_bytes(content[1:5], "big") - now_s
    if len(content) < 5 or not 0 < left_s <= _DAY_S:
        return None
    return content[0], content[5:]


def _operator(lines):
    for line in lines:
        if line.startswith("+COPS:"):
            return (at.fields(line) + ["", ""])[2].encode()[:24]
    return b""


def _bits(duration_s, units):
    """Return the octet of the shortest duration that is no less, in the finest unit for it."""
    steps = [-(-duration_s // seconds) for seconds, _ in units]
    fits = [place for place in range(len(units)) if steps[place] <= _MOST_STEPS]
    place = fits[0] if fits else len(units) - 1
    number = units[place][1] << 5 | min(steps[place], _MOST_STEPS)
    return "".join([str(number >> place & 1) for place in range(7, -1, -1)])
