"""The attempts of a node to deliver: utils/backoff.py with its state in NVS.

    from utils import attempts
    mine = attempts.Attempts(manners, config, settings)
    if mine.may_begin():
        mine.begin(True)
        ...                                       # then mine.delivered(), or
        mine.failed("no_cell", "temporary")

The state is one text. It is written for each attempt, for a failure, for the end of a row of them,
and each half hour of a wait, more often after power returned.
To end a wait: import pycom; pycom.nvs_erase("back_off").
"""

from utils import backoff, checked, logging, place, store

_KEY = "back_off"  # in NVS

_log = logging.Logger("manners")


class Attempts:
    def __init__(self, manners, config, settings):
        """manners: has the node time. config: another one is tried at once."""
        self._manners = manners
        self._begun = self._counts = False
        self._limits = settings["_MAX_ATTACHES_PER_HOUR"], settings["_MAX_ATTACHES_PER_DAY"]
        number = int.from_bytes(checked.digest(config)[:2], "big")
        rest = manners.start_s, self._limits, number, place.random
        self._state = backoff.Backoff(_read(), *rest)
        manners.start_s = max(manners.start_s, self._state.noted_s)
        if self._state.damaged and not self._save():
            self._state = backoff.Backoff("", *rest)

    def may_begin(self):
        """Return whether an attempt is allowed now; else tell when the next one is."""
        wait_s = self._state.wait_s(self._manners.now_s())
        if wait_s:
            _log.info("%d failures, last %s: no attempt for %d min", *self._about(wait_s))
        return not wait_s

    def begin(self, counts):
        """Note that an attempt begins, before the radio is used: it counts even if it is cut.

        counts: whether the ceilings hold for this bearer.
        """
        self._begun, self._counts = True, counts
        if counts:
            self._state.begin(self._manners.now_s())
            self._save()

    def is_clear(self):
        """Return whether the last attempt delivered, or there was none."""
        return not self._state.failures

    def config(self, config, names):
        """Return the configuration for this attempt: most retries take half the time.

        names: the fields with its time limits.
        """
        return _Hasty(config, names) if self._state.is_hasty() else config

    def delivered(self):
        """Note that a report was delivered."""
        if self._begun and self._state.delivered():
            self._save()

    def failed(self, cause, kind, wait_s=0):
        """Note that the attempt, if one began, delivered nothing.

        kind: a class of utils/backoff.py. wait_s: seconds for which the next attempt is in vain.
        """
        if not self._begun:
            return
        now_s = self._manners.now_s()
        self._state.failed(now_s, cause, kind, wait_s)
        self._save()
        text = "%d failures, last %s: no attempt for %d min; to try at once: "
        text += 'import pycom; pycom.nvs_erase("back_off"); then reset'
        _log.warning(text, *self._about(self._state.wait_s(now_s)))

    def note_progress(self):
        """Note the node time, if it is due in a wait: a power cut costs what is not noted."""
        if self._state.is_noting(self._manners.now_s(), self._manners.run_ms() // 1000):
            self._save()

    def starts_early(self, period_s, sleep_ms):
        """Return whether the firmware is to start the radio before Python next time.

        None: as this time. It is written to flash, so that it changes twice in an outage: off when
        a cycle without radio follows, on after a delivered report. sleep_ms: until the next cycle.
        """
        hour, day = self._limits
        if self._counts and min(period_s * hour // 3600, period_s * day // 86400) < 1:
            return False  # some of the cycles meet a ceiling
        wait_s = self._state.wait_s(self._manners.now_s())
        if self._state.failures > 1 or wait_s * 1000 > sleep_ms:
            return False
        return True if self._begun and not self._state.failures else None

    def _about(self, wait_s):
        return self._state.failures, self._state.cause, -(-wait_s // 60)

    def _save(self):
        """Write the text; False if the NVS does not take it."""
        try:
            store.nvs_set(_KEY, self._state.text(self._manners.now_s()))
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


def _read():
    import pycom

    try:
        return pycom.nvs_get(_KEY, "")
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
        _log.warning("back-off not read: %s", error)
        return ""
