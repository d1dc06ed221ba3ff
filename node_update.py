"""The part of updates over the air in a cycle of the node; node.py and node_send.py call it.

    update = node_update.Update(node)
    extra += update.records()               # of the report
    update.sent(session, 1500)              # the report is out; bytes of a datagram
    update.end()                            # the radio is off

A cycle that has nothing to tell or to do does not load it: Node.update().
"""

from ota import _word
from utils import logging, timing

_MOST_MS = 60000
_FAILED = ("exception", "configuration")  # causes of a cycle whose set cannot do its work
_MOST_NAME = 32  # characters of a name that the report tells
_HEAD_BYTES = 40  # of a datagram with a block, at most

_log = logging.Logger("update")


class Update:
    """keeps: whether the set that runs will run in the next cycle.

    told: for the account of the cycle, [number of the release, day] as a report told them last;
    also percent of the next release that are here, what somebody changed by hand, if there is any.
    """

    def __init__(self, node):
        self._node = node
        _, self._on_trial, self._seq = _word.running()
        self.keeps = not self._on_trial
        self.told = node.last.get("ota")
        last = (self.told or []) + [None] * 4
        self._was, self._changed = last[:2], last[3]
        self._percent = last[2]
        self._today = node.today()
        self._tells_bad = False
        self._looks = False
        self._ready = None  # a whole release

    def records(self):
        """Return what this cycle's report says of releases (docs/report.md)."""
        found = []
        if self._on_trial or self._was != [self._seq, self._today]:
            found.append(("rl", self._seq, 0, None))
            if self._changed:
                found.append(("ch", self._changed, 0, None))
        if self._percent is not None and not self._on_trial:
            found.append(("up", self._percent, 0, None))
        seq, cause, told = _word.rejected()
        if seq and not told:
            self._tells_bad = True
            found += [("rj", seq, 0, None), ("rc", cause, 0, None)]
        return found

    def sent(self, session, limit):
        """Go on behind the report of this cycle, which the server has confirmed if it can.

        limit: bytes that a datagram can have.
        """
        self._percent = None
        self._looks = self._was[1] != self._today and not self._on_trial
        self._note()
        try:
            if self._tells_bad:
                _word.told_rejected()
            if not session.confirms or not hasattr(session, "ask"):
                return
            if self._on_trial:
                from ota import _client

                self._on_trial = not _client.confirm(session, self._name())
            elif session.offer and not self._changed and self._may_fetch():
                self._fetch(session, limit)
        except Exception as error:  # noqa: BLE001 - an update must not cost the cycle
            _log.exception(error, "update")

    def end(self):
        """Do what needs no radio: fill the other slot, look for changes, end a cycle on trial."""
        try:
            if self._on_trial:
                if self._node.cause not in _FAILED:  # else the try is used up, as by a reset
                    _word.end_cycle()
            elif self._ready:
                self._switch()
            elif self._looks:
                from ota import _trial

                self._note(_trial.changed())
        except Exception as error:  # noqa: BLE001 - the node must reach its sleep
            _log.exception(error, "update")

    def _may_fetch(self):
        import machine

        import node_start

        settings, supply_mv = self._node.settings, node_start.supply_mv
        if supply_mv is not None and supply_mv < settings["_UPDATE_MIN_MV"]:
            return False
        # only such a cycle has begun at its place in the period
        is_regular = machine.reset_cause() == machine.DEEPSLEEP_RESET
        return is_regular and settings["_UPDATE_BYTES_PER_CYCLE"] > 0

    def _left_ms(self, reserve_ms):
        """Return how long an update may go on in this cycle: the next report must not be late."""
        period_ms = self._node.settings["_PERIOD_S"] * 1000
        left_ms = period_ms - timing.now_ms() - reserve_ms
        return max(0, min(_MOST_MS, period_ms // 3, left_ms))

    def _fetch(self, session, limit):
        left_ms = self._left_ms(session.ask_ms)
        if not left_ms:
            return
        from ota import _client

        most = self._node.settings["_UPDATE_BYTES_PER_CYCLE"]
        deadline = timing.Deadline(left_ms)
        block = 64
        while block < 1024 and 2 * block + _HEAD_BYTES <= limit:
            block *= 2
        try:
            outcome, detail = _client.work(session, self._name(), most, deadline, block)
        except OSError as error:
            outcome, detail = None, None
            self._cannot(session.offer[0], error)
        if outcome == _client.READY:
            self._ready, self._percent = detail, 100
        elif outcome == "later":
            self._percent = detail
        self._note(detail if outcome == _client.CHANGED else ())
        bad, _, is_told = _word.rejected()
        if bad and not is_told:
            self.told = None  # the next report says so

    def _switch(self):
        from ota import _client

        self._node.settle(True)  # a reset on trial must not cost what is in RTC memory
        try:
            if _client.fill(self._ready, timing.Deadline(self._left_ms(0))):
                self.keeps = False
                _log.info("the next cycle is on trial")
        except OSError as error:
            self._cannot(self._ready.seq, error)

    def _cannot(self, seq, error):
        """Reject what the flash does not take: each cycle would try it again."""
        _log.exception(error, "release %d: flash" % seq)
        _word.reject(seq, "space")
        self.told = None  # the next report says so

    def _note(self, changed=None):
        """Put together what the account says."""
        was, now = self._changed, None
        if changed is None:
            now = was
        elif changed:
            now = changed[0][:_MOST_NAME]
            if len(changed) > 1:
                now = "%s +%d" % (now, len(changed) - 1)
        self._changed = now
        self.told = [self._seq, self._today]
        if now != was:
            self.told[0] = None  # the next report says so
        if self._percent is not None or now:
            self.told += [self._percent, now]

    def _name(self):
        from protocols import senml_report

        return self._node.settings["_DEVICE_NAME"] or senml_report.board_name()
