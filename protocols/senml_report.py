"""The content of a report: what is added to a measurement when it is sent, and the time of each.

    group = senml_report.Groups(confirms, sequence, extra).of(entry)

docs/report.md lists the records. A journal entry holds what was measured, and what is known of the
cycle before. Figures of the link and the two counts below are added when it is sent.
"""

from micropython import const

from protocols.senml_batch import Group
from utils import clock, logging, names

_AT_ONCE_S = const(5)  # a report that is no older leaves its time out
_TOLD_KEY = "boot_told"  # in NVS: the boot number that a server has confirmed
_FIRST = const(16)  # reports with the boot number where no server confirms, then every so many

_log = logging.Logger("node")


def board_name():
    """Return a name of 8 letters and digits, made from the board's unique id (its MAC address)."""
    import machine

    return names.short_name(machine.unique_id())


class Groups:
    """Turns entries of the journal into groups for protocols.senml_batch, just before they go.

    confirms: of the session. current: the sequence number of this cycle, whose entry also gets
    the records `extra`.
    """

    def __init__(self, confirms, current, extra):
        from utils import store

        self._confirms = confirms
        self._current = current
        self._extra = extra
        self._boot = store.boot_number()
        self._told = _boot_told() == self._boot
        self.has_sent_current = False

    def of(self, entry):
        time, known = self._time(entry)
        marks = [("bo", entry.boot, 0, None)] if self._tells_boot(entry) else []
        if not known:
            marks.append(("tu", True, 0, None))
        records = list(entry.records)
        if self._is_current(entry):
            records += self._extra
        return Group(entry.seq, time, records, marks, entry)

    def sent(self, group, confirmed):
        """Note that a group has gone out. A server that confirmed it knows its boot number.

        Only that of this cycle tells which boot is the current one: others may be of any.
        """
        if self._is_current(group.key):
            self.has_sent_current = True
            if confirmed and not self._told:
                self._told = True
                _keep_boot_told(self._boot)

    def _is_current(self, entry):
        return entry.seq == self._current and entry.boot == self._boot

    def _tells_boot(self, entry):
        """True until one report with the number was confirmed, and for those of an earlier one."""
        if entry.boot == self._boot:
            if self._told:
                return False
            if not self._confirms:
                return entry.seq < _FIRST or entry.seq % _FIRST == 0
        return entry.boot != 0

    def _time(self, entry):
        """Return (time as a Group has it, whether it is known).

        A report that was measured in the last seconds needs no time where it goes out once.
        """
        here = entry.epoch == clock.epoch()
        age_s = max(0, clock.age_s(entry.rtc_s)) if here else None
        if here and age_s <= _AT_ONCE_S and not self._confirms:
            return None, True
        utc_s = clock.utc(entry.rtc_s, entry.before, entry.after)
        if utc_s is not None and not (here and self._is_nearer(entry, age_s)):
            return utc_s, True
        return -age_s if here and age_s > _AT_ONCE_S else None, here

    def _is_nearer(self, entry, age_s):
        """Return whether its age is better than its time: the rate of the RTC is not known yet,
        and less has passed since than between the last good time and the measurement."""
        before = entry.before
        return not entry.after and before and not before[2] and age_s < entry.rtc_s - before[0]


def _boot_told():
    import pycom

    return pycom.nvs_get(_TOLD_KEY, 0)


def _keep_boot_told(boot):
    from utils import store

    try:
        store.nvs_set(_TOLD_KEY, boot)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception when NVS fails
        _log.warning("%s not kept: %s", _TOLD_KEY, error)
