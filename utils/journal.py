"""The journal: every measurement from the moment it is taken until it is delivered or given up.

    from utils import journal
    queue = journal.Journal("/flash/journal", 16384, "rtc", "oldest")
    queue.note_clock(epoch, anchor)               # (rtc_s, utc_s, rate_ppm) or None
    queue.add(sequence, rtc_s, epoch, [("t", 2423, -2, "Cel")])     # before the radio is touched
    for entry in queue.entries("oldest"):
        ...
        queue.done([entry])                       # delivered; handed over where nothing confirms
        queue.give_up(entry, "refused")           # or never to be sent
    queue.settle(failed, low_battery)             # at the end of the cycle

keep "rtc": measurements stay in RTC memory, which costs no flash, until a cycle fails, the battery
is low or the memory is full; then they are written to flash together. A loss of power costs those
in RTC memory: at most 32 measurements, in the normal course those since the last report.
keep "flash": add() writes to flash; nothing is lost whose add() has returned True.

Nothing here raises: trouble with flash, NVS or memory is logged, and costs what could not be kept.
A cycle in which the flash has no part loads no more than this; the rest: utils/_journal_whole.py.
"""

from ucollections import namedtuple

from utils import _journal_rtc

# before, after: the clock readings of its epoch around it, each (rtc_s, utc_s, rate_ppm) or None
Entry = namedtuple("Entry", ("seq", "boot", "epoch", "rtc_s", "before", "after", "records"))


class Journal:
    def __init__(self, folder, limit_bytes, keep, when_full):
        self._options = folder, limit_bytes, keep, when_full
        self._clock = (0, None)  # epoch, anchor
        self._rtc = None  # while nothing is on flash
        self._whole = None

    @property
    def waiting(self):
        """Measurements that are not yet done."""
        return self._rtc.image.count if self._rtc else self._all().waiting

    @property
    def given_up(self):
        """Measurements given up or lost since the NVS was empty, as far as that is known."""
        return self._rtc.gone if self._rtc else self._all().given_up

    def note_clock(self, epoch, anchor):
        """Take the last good time, or None if there is none in this epoch."""
        self._clock = (epoch, anchor)
        if self._whole:
            self._whole.note_clock(epoch, anchor)

    def add(self, sequence, rtc_s, epoch, records):
        """Take in one measurement. False if it is not kept: then it is given up, and counted.

        records: (name, value, exponent, unit), as for senml.pack().
        """
        if self._options[2] == "rtc" and not self._whole:
            self._rtc = _journal_rtc.add(sequence, rtc_s, epoch, records)
            if self._rtc:
                return True
        return self._all().add(sequence, rtc_s, epoch, records)

    def entries(self, order):
        """Yield an Entry for each measurement that waits, "oldest" or "newest" first."""
        if not self._rtc:
            yield from self._all().entries(order)
            return
        kept = list(self._rtc.image.measurements())
        for measurement in reversed(kept) if order == "newest" else kept:
            yield entry_of(measurement, (), self._clock)

    def done(self, entries):
        """Take entries out: they are delivered, or handed over where nothing confirms."""
        if self._rtc:
            self._rtc.image.remove({(entry.boot, entry.seq) for entry in entries})
            self._rtc.keep()
        else:
            self._all().done(entries)

    def give_up(self, entry, why):
        """Take an entry out that can never be delivered, and count it."""
        self._all().give_up(entry, why)

    def settle(self, failed, low_battery):
        """End a cycle: bring to flash what must not be in RTC memory alone. False if it is lost
        with the next sleep."""
        if self._rtc and self._rtc.keep() and not (self.waiting and (failed or low_battery)):
            return True
        return self._all().settle(failed, low_battery)

    def _all(self):
        """Return the whole journal, which goes on with what is in RTC memory."""
        if self._whole is None:
            from utils import _journal_whole

            self._rtc = None
            self._whole = _journal_whole.Journal(*self._options)
            self._whole.note_clock(*self._clock)
        return self._whole


def entry_of(measurement, anchors, clock):
    """Return the Entry of (boot, epoch, sequence, rtc_s, records).

    anchors: clock readings of its epoch, (rtc_s, utc_s, rate_ppm). clock: (epoch, anchor) of now.
    """
    boot, epoch, sequence, rtc_s, records = measurement
    anchors = list(anchors)
    if epoch == clock[0] and clock[1]:
        anchors.append(clock[1])
    before = after = None
    rate_ppm = 0
    for anchor in anchors:
        if anchor[0] <= rtc_s and (before is None or anchor[0] >= before[0]):
            before = anchor
        if anchor[0] >= rtc_s and (after is None or anchor[0] < after[0]):
            after = anchor
        rate_ppm = anchor[2] or rate_ppm
    # the first good time of an epoch has no rate: it is learned from the second one
    before, after = [each and each[:2] + (each[2] or rate_ppm,) for each in (before, after)]
    return Entry(sequence, boot, epoch, rtc_s, before, after, records)
