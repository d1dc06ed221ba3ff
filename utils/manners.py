"""What keeps a node from being a nuisance: its place in the period and its back-off, on a board.

    from utils import manners
    mine = manners.Manners(config, settings)      # before store.next_sequence()
    if mine.may_connect():
        mine.attempts().begin(True)               # utils/attempts.py
    machine.deepsleep(clock.sleep_ms(mine.sleep_ms()))

The rules are those of utils/place.py and utils/backoff.py. Time is what the node has slept and
been awake: setting the clock of the board changes nothing, and without power no time passes. It is
kept in RTC memory, which costs no flash. A cycle that only measures loads no more than this.
"""

import ustruct

from utils import clock, logging, place, store, timing

_PART = "manners"  # of the RTC memory
# version, whether the wake-up is at the place, ms since the RTC's start and s of node time at the
# wake-up, planned seconds of sleep, second of the RTC before it
_FORM = "<BBQIII"
_VERSION = 1
_EARLY_S = 60  # a sleep shorter than planned by so much, and a tenth, was ended by somebody
_LEAST_SLEEP_MS = 1000

_log = logging.Logger("manners")


class Manners:
    """The decisions of one cycle.

    reason    why may_connect() was False: "back_off", or "spread" after a power cut
    """

    def __init__(self, config, settings):
        """config: another one is tried at once. settings: the checked fields of the node."""
        import machine

        self.reason = "none"
        self._config = config
        self._settings = settings
        self._period_s = settings["_PERIOD_S"]
        self._attempts = None
        cause = machine.reset_cause()
        powered = cause in (machine.PWRON_RESET, machine.BROWN_OUT_RESET)
        is_old = powered and has_reported()
        self._spread_ms = place.spread_ms(place.random) if is_old else 0
        self._run_ms = 0  # at the start of this cycle
        self.start_s = 0  # node time then
        self._at_place = False
        if cause in (machine.DEEPSLEEP_RESET, machine.SOFT_RESET):
            self._resume(store.part(_PART))
        if not self.start_s:  # the RTC memory was lost: time goes on where it was noted
            self.attempts()

    def attempts(self):
        """Return what is known of earlier attempts; only a cycle that may send loads it."""
        if self._attempts is None:
            from utils import attempts

            self._attempts = attempts.Attempts(self, self._config, self._settings)
        return self._attempts

    def _resume(self, kept):
        """Continue the count of time that the last cycle kept."""
        if len(kept) != ustruct.calcsize(_FORM) or kept[0] != _VERSION:
            return
        _, at_place, run_ms, node_s, planned_s, rtc_s = ustruct.unpack(_FORM, kept)
        missing_s = planned_s - (clock.rtc_s() - rtc_s)
        if not planned_s // 10 + _EARLY_S < missing_s <= planned_s:
            missing_s = 0  # also if the clock was set meanwhile
        self._run_ms = run_ms - missing_s * 1000
        self.start_s = max(0, node_s - missing_s)
        self._at_place = bool(at_place) and not missing_s

    def may_connect(self):
        """Return whether the radio may be used in this cycle. If not, `reason` says why."""
        if not self.attempts().may_begin():
            self.reason = "back_off"
        elif self._spread_ms:
            self.reason = "spread"
            _log.info("power returned: no attempt for %d s", self._spread_ms // 1000)
        return self.reason == "none"

    def sleep_ms(self):
        """Return how long to sleep, and keep what the next cycle goes on with. Call it last."""
        import machine

        now_s, run_ms = self.now_s(), self.run_ms()
        if self._attempts:
            self._attempts.note_progress()
        at_place = self.reason != "spread"
        wake_ms = self._spread_ms
        if at_place:
            offset = place.offset_ms(machine.unique_id(), self._period_s)
            began_ms = None if self._at_place else self._run_ms
            wake_ms = place.wake_ms(run_ms, self._period_s, offset, place.random, began_ms)
        sleep_ms = max(_LEAST_SLEEP_MS, wake_ms - run_ms)
        planned_s = sleep_ms // 1000
        values = _VERSION, at_place, run_ms + sleep_ms, now_s + planned_s, planned_s, clock.rtc_s()
        store.keep_part(_PART, ustruct.pack(_FORM, *values))
        return sleep_ms

    def starts_early(self, sleep_ms):
        """Return whether the firmware is to start the radio next time; None: as this time.

        sleep_ms: until the next cycle.
        """
        return self._attempts.starts_early(self._period_s, sleep_ms) if self._attempts else None

    def run_ms(self):
        """Return the ms since the clock of the board started."""
        return self._run_ms + timing.now_ms()

    def now_s(self):
        """Return node time: the seconds for which the node has had power, as far as noted."""
        return self.start_s + timing.now_ms() // 1000


def has_reported():
    """Return whether this node is no new one."""
    import pycom

    try:
        return pycom.nvs_get("report_seq", None) is not None
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
        _log.warning("NVS: %s", error)
        return False
