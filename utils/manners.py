"""What keeps a node from being a nuisance: its place in the period and its back-off, on a board.

    from utils import manners
    mine = manners.Manners(config, settings)      # before store.next_sequence()
    if mine.may_connect():
        mine.connecting(True)
        ...                                               # then mine.delivered(), or
        mine.failed("no_cell", backoff.TEMPORARY)
    machine.deepsleep(clock.sleep_ms(mine.sleep_ms()))

The rules are those of utils/place.py and utils/backoff.py. This file keeps their state: a text in
NVS for each attempt and, in a wait, each half hour; the rest in RTC memory, which costs no flash.

Time is what the node has slept and been awake: setting the clock of the board changes nothing, and
without power no time passes. To end a wait by hand: import pycom; pycom.nvs_erase("back_off").
"""

import ustruct

from utils import clock, logging, place, store, timing

_KEY = "back_off"  # in NVS
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
        self._period_s = settings["_PERIOD_S"]
        self._limits = settings["_MAX_ATTACHES_PER_HOUR"], settings["_MAX_ATTACHES_PER_DAY"]
        self._backoff = None  # loaded in cycles that need it
        cause = machine.reset_cause()
        powered = cause in (machine.PWRON_RESET, machine.BROWN_OUT_RESET)
        is_old = powered and _read("report_seq", None) is not None
        self._spread_ms = place.spread_ms(random) if is_old else 0
        self._begun = self._counts = False
        self._run_ms = self._start_s = 0  # at the start of this cycle
        self._at_place = False
        if cause in (machine.DEEPSLEEP_RESET, machine.SOFT_RESET):
            self._resume(store.part(_PART))
        if not self._start_s:  # the RTC memory was lost: time goes on where it was noted
            self._start_s = self._state().noted_s

    def _state(self):
        """Return the back-off, as it was kept."""
        if self._backoff is None:
            from utils import backoff, checked

            number = int.from_bytes(checked.digest(self._config)[:2], "big")
            rest = self._start_s, self._limits, number, random
            self._backoff = backoff.Backoff(_read(_KEY, ""), *rest)
            self._start_s = max(self._start_s, self._backoff.noted_s)
            if self._backoff.damaged and not self._save():
                self._backoff = backoff.Backoff("", *rest)
        return self._backoff

    def _resume(self, kept):
        """Continue the count of time that the last cycle kept."""
        if len(kept) != ustruct.calcsize(_FORM) or kept[0] != _VERSION:
            return
        _, at_place, run_ms, node_s, planned_s, rtc_s = ustruct.unpack(_FORM, kept)
        missing_s = planned_s - (clock.rtc_s() - rtc_s)
        if not planned_s // 10 + _EARLY_S < missing_s <= planned_s:
            missing_s = 0  # also if the clock was set meanwhile
        self._run_ms = run_ms - missing_s * 1000
        self._start_s = max(0, node_s - missing_s)
        self._at_place = bool(at_place) and not missing_s

    def may_connect(self):
        """Return whether the radio may be used in this cycle. If not, `reason` says why."""
        wait_s = self._state().wait_s(self._now_s())
        if wait_s:
            self.reason = "back_off"
            _log.info("%d failures, last %s: next attempt in %d min", *self._about(wait_s))
        elif self._spread_ms:
            self.reason = "spread"
            _log.info("power returned: first attempt in %d s", self._spread_ms // 1000)
        return self.reason == "none"

    def connecting(self, counts):
        """Note that an attempt begins, before the radio is used: it counts even if it is cut.

        counts: whether the ceilings hold for this bearer.
        """
        self._begun, self._counts = True, counts
        if counts:
            self._state().begin(self._now_s())
            self._save()

    def attempt_config(self, config, names):
        """Return the configuration for this attempt: most retries take half the time.

        names: the fields with its time limits.
        """
        return _Hasty(config, names) if self._state().is_hasty() else config

    def delivered(self):
        """Note that a report was delivered."""
        if self._begun and self._state().delivered():
            self._save()

    def failed(self, cause, kind):
        """Note that the attempt, if one began, delivered nothing.

        kind: a class of utils/backoff.py.
        """
        if not self._begun:
            return
        now_s = self._now_s()
        self._state().failed(now_s, cause, kind)
        self._save()
        text = "%d failures, last %s: next attempt in %d min; to try at once: "
        text += 'import pycom; pycom.nvs_erase("back_off"); then reset'
        _log.warning(text, *self._about(self._state().wait_s(now_s)))

    def sleep_ms(self):
        """Return how long to sleep, and keep what the next cycle goes on with. Call it last."""
        import machine

        now_s, run_ms = self._now_s(), self._run_now_ms()
        if self._backoff and self._backoff.is_noting(now_s):
            self._save()
        at_place = self.reason != "spread"
        wake_ms = self._spread_ms
        if at_place:
            offset = place.offset_ms(machine.unique_id(), self._period_s)
            began_ms = None if self._at_place else self._run_ms
            wake_ms = place.wake_ms(run_ms, self._period_s, offset, random, began_ms)
        sleep_ms = max(_LEAST_SLEEP_MS, wake_ms - run_ms)
        planned_s = sleep_ms // 1000
        values = _VERSION, at_place, run_ms + sleep_ms, now_s + planned_s, planned_s, clock.rtc_s()
        store.keep_part(_PART, ustruct.pack(_FORM, *values))
        return sleep_ms

    def starts_early(self, sleep_ms):
        """Return whether the firmware is to start the radio before Python next time.

        None: as this time. It is written to flash, so that it changes twice in an outage: off when
        a cycle without radio follows, on after a delivered report. sleep_ms: until the next cycle.
        """
        hour, day = self._limits
        if self._counts and min(self._period_s * hour // 3600, self._period_s * day // 86400) < 1:
            return False  # some of the cycles meet a ceiling
        state = self._backoff
        if state and (state.failures > 1 or state.wait_s(self._now_s()) * 1000 > sleep_ms):
            return False
        return True if state and self._begun and not state.failures else None

    def _run_now_ms(self):
        return self._run_ms + timing.now_ms()

    def _now_s(self):
        return self._start_s + timing.now_ms() // 1000

    def _about(self, wait_s):
        return self._state().failures, self._state().cause, -(-wait_s // 60)

    def _save(self):
        """Write the text; False if the NVS does not take it."""
        import pycom

        try:
            if not isinstance(pycom.nvs_get(_KEY, ""), str):
                pycom.nvs_erase(_KEY)
            pycom.nvs_set(_KEY, self._state().text(self._now_s()))
            return True
        except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
            _log.warning("back-off not kept: %s", error)
            return False


class _Hasty:
    """A configuration with half of each time limit."""

    def __init__(self, config, names):
        self._config = config
        self._names = names

    def __getattr__(self, name):
        value = getattr(self._config, name)
        return max(1, value // 2) if name in self._names else value


def random(n):
    """Return a random int of 0 to n - 1; 0 for n = 0."""
    import uos

    return int.from_bytes(uos.urandom(4), "big") % n if n else 0


def _read(key, default):
    import pycom

    try:
        return pycom.nvs_get(key, default)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
        _log.warning("%s not read: %s", key, error)
        return default
