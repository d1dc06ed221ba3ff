"""When the next join request may leave, after one in vain: kept over wakes and without power.

    joins = Joins(None)
    if not joins.wait_s():
        joins.begin(61696, 0)                # microseconds on air, age of the MAC in s
        ...
        joins.end()                          # joined

LoRaWAN 1.0.2, section 7, limits the sum on air of requests that nobody answers: 36 s in the first
hour, 36 s in the ten hours that follow, then 8.7 s a day. Here these requests are spread evenly
over their time. After the first hour at least 40 minutes lie between two of them, for the battery:
waiting for an answer takes more of it than a request. The firmware has such a back-off, too, but
counts from each initialisation, and one follows each wake.

The state is a text in NVS: seconds since the first request of the row, for which the node had
power; when the next one may leave, on that scale; the clock of the board, which goes on in deep
sleep; and the node time, which also outlives a power cut, -1 if nobody tells it. A text that
cannot be counts as a row of more than eleven hours.
"""

from micropython import const

from utils import logging, timing

_KEY = "lora_joins"
_HOUR_S = const(3600)
_LONG_S = const(39600)
_DAY_S = const(86400)
_PAUSE_S = const(2400)
_NOTE_S = const(1800)  # what a power cut may cost, in a wait
_RETRY_MS = const(10000)  # between join requests of the firmware
# From the end of a request to that of an answer in RX2 at SF12; before the next one at any rate
_ANSWER_MS = const(8300)
_FAST_US = const(100000)  # on air: longer, and the firmware holds the next request back

_log = logging.Logger("lora")


class Joins:
    """is_first: no request has been in vain since the last one that was answered."""

    def __init__(self, node_s):
        """node_s: the node time now, seconds; None if unknown."""
        import machine
        import pycom
        import utime

        text = pycom.nvs_get(_KEY, "")
        self.is_first = not text
        self._next_s = row_s = gone_s = 0
        if text:
            try:
                row_s, self._next_s, clock_s, noted_s = [int(word) for word in text.split(" ")]
            except (ValueError, AttributeError):
                row_s = self._next_s = _LONG_S
                clock_s = noted_s = -1
            gone_s = utime.time() - clock_s
            if machine.reset_cause() != machine.DEEPSLEEP_RESET or clock_s < 0:
                gone_s = -1  # the clock began anew
            if node_s is not None and 0 <= noted_s <= node_s:
                gone_s = node_s - noted_s
        self._node_base_s = None if node_s is None else node_s - timing.now_ms() // 1000
        self._base_s = row_s + max(0, gone_s) - timing.now_ms() // 1000
        if text and not 0 <= gone_s < _NOTE_S:
            self._note()

    def wait_s(self):
        """Return the seconds until a request may leave, 0 for now."""
        return max(0, self._next_s - self._row_s())

    def limit_ms(self, airtime_us, age_s, most_ms, most):
        """Return how long to wait for an answer: to `most` requests if a row begins, else to one.

        What the firmware's own back-off holds back leaves minutes later, and meanwhile each of its
        functions may block. So the wait ends before that. age_s: since the MAC was initialised;
        most_ms: as configured.
        """
        if not self.is_first or airtime_us > _FAST_US or age_s + most_ms // 1000 >= _HOUR_S:
            most = 1
        answer_ms = airtime_us // 1000 + _ANSWER_MS
        limit_ms = min(most_ms, (most - 1) * _RETRY_MS + answer_ms)
        last_ms = limit_ms % _RETRY_MS
        if last_ms < answer_ms and limit_ms > _RETRY_MS:
            limit_ms -= last_ms + 100  # no request whose answer would be too late
        return limit_ms

    def begin(self, airtime_us, age_s):
        """Note a request, before it leaves, and again when nobody has answered."""
        if self.is_first:
            self._base_s = -(timing.now_ms() // 1000)
        self.is_first = False
        row_s = self._row_s()
        age_s = max(age_s, row_s)
        if age_s < _HOUR_S:
            pause_s = _each_s(_HOUR_S, 36000000 // airtime_us)
        elif age_s < _LONG_S:
            pause_s = max(_PAUSE_S, _each_s(_LONG_S - _HOUR_S, 36000000 // airtime_us))
        else:
            pause_s = max(_PAUSE_S, _each_s(_DAY_S, 8700000 // airtime_us))
        self._next_s = row_s + pause_s
        self._note()

    def end(self):
        """Note that a request was answered."""
        self.is_first = True
        self._next_s = 0
        self._keep("")

    def _row_s(self):
        return self._base_s + timing.now_ms() // 1000

    def _note(self):
        import utime

        node_s = -1
        if self._node_base_s is not None:
            node_s = self._node_base_s + timing.now_ms() // 1000
        self._keep("%d %d %d %d" % (self._row_s(), self._next_s, utime.time(), node_s))

    def _keep(self, text):
        from utils import store

        try:
            store.nvs_set(_KEY, text)
        except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
            _log.warning("joins not kept: %s", error)


def _each_s(period_s, number):
    return -(-period_s // number)
