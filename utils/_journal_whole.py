"""The journal with its part on flash: what utils/journal.py becomes when that is needed.

Flash has segments (utils/_journal_segments.py) of frames (utils/_journal_frames.py). If they have
`limit_bytes`, or no free block is left, the oldest segment is dropped ("oldest"), or the
two oldest become one with every second measurement ("every_second"). `given_up` counts.
"""

from micropython import const

from utils import _journal_frames, _journal_rtc, _journal_segments, _journal_values, logging, store
from utils.journal import entry_of

_ENOSPC = const(28)
_FRAME_BYTES = const(40)  # of a measurement, where it cannot be read

_log = logging.Logger("journal")


class Journal:
    def __init__(self, folder, limit_bytes, keep, when_full):
        self._limit = limit_bytes
        self._at_once = keep == "flash"
        self._halves = when_full == "every_second"
        self._segments = _journal_segments.Segments(folder, limit_bytes)
        self._clock = (0, None)  # epoch, anchor
        self._open = None  # (number, content, clock frame, layout) of the segment appended to
        self._seen = (None, 0, [])  # (number, size, places that wait) of the segment read last
        self._behind = {}  # clock readings of later segments, found for an earlier one
        self._places = {}  # (boot, sequence) of an entry -> {(number of its segment, place)}
        self._rtc = _journal_rtc.Rtc()
        self._image = self._rtc.image
        self._on_flash = self._rtc.on_flash
        self._segments.gone = max(self._segments.gone, self._rtc.gone)

    @property
    def waiting(self):
        return self._waiting_on_flash() + self._image.count

    @property
    def given_up(self):
        return self._segments.gone

    def note_clock(self, epoch, anchor):
        self._clock = (epoch, anchor)

    def add(self, sequence, rtc_s, epoch, records):
        """Take in one measurement; see utils/journal.py, here and below."""
        boot = store.boot_number()
        plain = []
        for record in records:
            try:
                record = _journal_values.plain(record)
                if record is not None:
                    _journal_values.encoded(record[1])
                    plain.append(record)
            except ValueError as error:
                _log.error("not kept: %s", error)
        measurement = (boot, epoch, sequence, rtc_s, plain)
        try:
            _journal_frames.measurement(0, None, *measurement)
        except ValueError as error:  # no segment holds it
            self._count(1, error)
            self._remember()
            return False
        if self._at_once and self._flush([measurement]):
            return self._remember()
        while not self._image.add(*(measurement + (self._rtc.room(),))):
            if not self._image.count:  # longer than the memory
                kept = self._flush([measurement])
                if not kept:
                    self._count(1, "no place for a measurement")
                return self._remember() and kept
            if not self._flush():
                oldest = next(self._image.measurements())
                self._image.remove({(oldest[0], oldest[2])})
                self._count(1, "no place on flash")
        return self._remember()

    def entries(self, order):
        """Yield the entries. One segment of the flash is in the heap at a time."""
        newest = order == "newest"
        kept = list(self._image.measurements())
        if newest:
            for measurement in reversed(kept):
                yield entry_of(measurement, (), self._clock)
        if self._on_flash:
            yield from self._entries_on_flash(newest)
        if not newest:
            for measurement in kept:
                yield entry_of(measurement, (), self._clock)

    def done(self, entries):
        """Take entries out."""
        keys = {(entry.boot, entry.seq) for entry in entries}
        found = {(each[0], each[2]) for each in self._image.measurements()}.union(self._places)
        if self._on_flash and not keys.issubset(found):  # brought to flash since they were read
            for _ in self._entries_on_flash(False):
                pass
        places = {}
        for key in keys:
            for number, place in self._places.pop(key, ()):
                places.setdefault(number, set()).add(place)
        for number in places:
            self._take(number, places[number])
            self._fewer(len(places[number]))
        if self._image.count:
            self._image.remove(keys)
        self._remember()

    def give_up(self, entry, why):
        """Take an entry out that can never be delivered, and count it."""
        self._count(1, "%d: %s" % (entry.seq, why))
        self.done([entry])

    def settle(self, failed, low_battery):
        """End a cycle: bring to flash what must not be in RTC memory alone."""
        kept = self._remember()
        self._waiting_on_flash()
        if self._image.count and (failed or low_battery or self._at_once or not kept):
            kept = self._flush() or kept
        elif self._on_flash not in (0, _journal_rtc.UNKNOWN) and self._clock[1]:
            self._flush()  # what waits there may outlive this epoch
        return self._remember() and kept

    # what is in RTC memory

    def _remember(self):
        self._rtc.on_flash, self._rtc.gone = self._on_flash, self._segments.gone
        return self._rtc.keep()

    def _count(self, measurements, why):
        _log.error("given up: %s", why)
        self._segments.count(measurements)

    # reading the flash

    def _waiting_on_flash(self):
        if self._on_flash == _journal_rtc.UNKNOWN:
            try:
                numbers = self._segments.waiting()
                waiting = sum(len(self._undone(number)[1]) for number in numbers)
                self._on_flash = min(waiting, _journal_rtc.UNKNOWN - 1)
            except OSError as error:
                _log.warning("flash not read: %s", error)
                return 0
        return self._on_flash

    def _fewer(self, measurements):
        """Count less that waits on flash. That nothing does is looked up later: what is done
        between others comes, and is counted, once more, and of what cannot be read is guessed."""
        known = measurements < self._on_flash < _journal_rtc.UNKNOWN
        self._on_flash = self._on_flash - measurements if known else _journal_rtc.UNKNOWN

    def _undone(self, number):
        """Return (content, [(place, end)] of measurements that wait, [(epoch, anchor)])."""
        places, anchors = [], []
        try:
            content = self._segments.read(number)
        except OSError as error:
            _log.warning("segment %d not read: %s", number, error)
            return b"", [], []
        before, behind = self._segments.mark(number)
        for place, end, kind in _journal_frames.whole(content):
            if kind == _journal_frames.CLOCK:
                anchors += _journal_frames.clocks(content, place)
            elif kind == _journal_frames.MEASUREMENT and place >= before:
                if not behind or place < behind:
                    places.append((place, end))
        self._seen = (number, len(content), list(places))
        return content, places, anchors

    def _entries_on_flash(self, newest):
        self._waiting_on_flash()
        try:
            numbers = self._segments.waiting()
        except OSError as error:
            _log.warning("flash not read: %s", error)
            return
        found = 0
        for number in reversed(numbers) if newest else numbers:
            content, places, anchors = self._undone(number)
            found += len(places)
            layouts = {}
            for place, _ in reversed(places) if newest else places:
                try:
                    measurement = _journal_frames.read(content, place, layouts)
                except ValueError as error:
                    self._count(1, error)
                    self._take(number, (place,))
                    continue
                key = (measurement[0], measurement[2])
                self._places.setdefault(key, set()).add((number, place))
                known = self._anchors(number, measurement, anchors)
                yield entry_of(measurement, known, self._clock)
        if not found:
            self._on_flash = 0

    def _anchors(self, number, measurement, anchors):
        """Return the clock readings of a measurement's epoch, in its segment or behind it."""
        epoch, rtc_s = measurement[1], measurement[3]
        found = [anchor for each, anchor in anchors if each == epoch]
        if epoch != self._clock[0] and not [each for each in found if each[0] >= rtc_s]:
            found += self._later(number, epoch)
        return found

    def _later(self, number, epoch):
        """Return the clock readings of an epoch in the first segment behind one that has any."""
        if (number, epoch) not in self._behind:
            found = []
            for later in self._segments.numbers():
                if later > number:
                    found = self._undone(later)[2]
                    if found:
                        break
            self._behind[number, epoch] = [anchor for each, anchor in found if each == epoch]
        return self._behind[number, epoch]

    def _take(self, number, places):
        """Note in NVS that these places of a segment are done. Drop a segment of which all is."""
        for _ in range(2):
            if self._seen[0] != number:
                self._undone(number)
        seen, size, waiting = self._seen
        if seen != number:  # it cannot be read: they are sent again
            return
        left = [each for each in waiting if each[0] not in places]
        self._seen = (number, size, left)
        behind = self._segments.mark(number)[1]
        mark = (size, 0)
        if left:
            mark = (left[0][0], left[-1][1] if left[-1] != waiting[-1] else behind)
        noted = self._segments.set_mark(number, *mark)
        if not left and not noted:
            self._segments.remove(number)
        if self._open and self._open[0] == number and (mark[1] or not noted):
            self._open = None

    # writing to it

    def _flush(self, more=()):
        """Write what is in RTC memory, and `more`, to flash. False if not all of it is there."""
        measurements, stored = list(self._image.measurements()) + list(more), set()
        self._waiting_on_flash()
        try:
            while self._append(measurements, stored):
                pass
        except OSError as error:
            _log.warning("flash not written: %s", error)
            self._open = None
            self._segments.look_again()
        self._image.remove(stored)
        return not measurements

    def _append(self, measurements, stored):
        """Write the measurements that one segment takes, and move their keys to `stored`.

        False if none is left.
        """
        number, content, clock, layout = self._segment()
        now = _journal_frames.clock(store.boot_number(), *self._clock)
        data = now if now != clock else b""
        data, keys, layout = self._framed(content, data, layout, measurements)
        if content and not keys and (measurements or len(content + data) > self._segments.bytes):
            self._open = (self._segments.new(), b"", b"", None)
            return True
        if not data:
            return False
        if not self._make_room(len(data), bool(keys)):
            if not keys:  # the clock alone is worth no measurement
                return False
            raise OSError(_ENOSPC)
        if self._open is None:  # it was the only one, and had to go
            return True
        try:
            self._segments.append(number, content, data)
        except OSError as error:
            if error.args[0] != _ENOSPC or not self._drop(bool(keys)):
                raise
            return True
        self._open = (number, content + data, now, layout)
        self._seen = (None, 0, [])
        if self._on_flash != _journal_rtc.UNKNOWN:
            self._on_flash += len(keys)
        stored.update(keys)
        del measurements[: len(keys)]
        return bool(measurements)

    def _framed(self, content, data, layout, measurements):
        """Return (data with what fits behind a content, keys of that, last layout)."""
        keys = []
        for measurement in measurements:
            place = len(content) + len(data)
            frames, ahead = _journal_frames.measurement(place, layout, *measurement)
            if (content or keys) and place + len(frames) > self._segments.bytes:
                break
            data, layout = data + frames, ahead
            keys.append((measurement[0], measurement[2]))
        return data, keys, layout

    def _segment(self):
        """Return (number, content, clock frame, layout) of the segment that is appended to."""
        if self._open is None:
            numbers = self._segments.numbers()
            if numbers:
                self._open = self._reopened(numbers[-1])
        if self._open is None:
            self._open = (self._segments.new(), b"", b"", None)
        return self._open

    def _reopened(self, number):
        """Return the same for a segment on flash; None if nothing may be appended to it."""
        try:
            content = self._segments.read(number)
        except OSError:
            return None
        before, behind = self._segments.mark(number)
        if behind or len(content) < before:  # what is appended there would count as done
            return None
        clock, layout = b"", None
        for place, end, kind in _journal_frames.whole(content):
            if kind == _journal_frames.CLOCK:
                clock = content[place:end]
            elif kind == _journal_frames.LAYOUT:
                layout = place
        if layout is not None:
            layout = _journal_frames.layout(content, layout)
        return number, content, clock, layout

    def _make_room(self, length, may_lose):
        """Drop segments until there is room for so many bytes. False if there cannot be."""
        while True:
            numbers = self._segments.numbers()
            taken = sum(self._segments.size(number) for number in numbers)
            if taken + length <= self._limit and len(numbers) < _journal_segments.MOST_FILES:
                return True
            if not self._drop(may_lose):
                return False

    def _drop(self, may_lose):
        """Remove a segment of which all is done, or give up the oldest or half of the two oldest.

        False if there is none, or none that can go without a loss.
        """
        self._segments.remove_empty()
        numbers = self._segments.numbers()
        if not numbers:
            self._open = None
            return False
        for number in numbers[:-1]:
            if self._segments.is_done(number):
                self._segments.remove(number)
                return True
        if not may_lose:
            return False
        if self._halves and len(numbers) > 1 and numbers[1] % 2 == 0:
            try:
                self._merge(numbers[0], numbers[1])
                return True
            except (OSError, ValueError) as error:
                _log.warning("segments not merged: %s", error)
        content, places, _ = self._undone(numbers[0])
        size = self._segments.size(numbers[0])
        self._lose(numbers[0] + 1, len(places) if content else -(-size // _FRAME_BYTES))
        return True

    def _merge(self, first, second):
        """Make one segment of two, with every second measurement that waits in them."""
        data, clock, layout, count, kept = b"", b"", None, 0, 0
        for number in (first, second):
            content, places, _ = self._undone(number)
            if not content:
                raise OSError("%d cannot be read" % number)
            layouts = {}
            for place, end, kind in _journal_frames.whole(content):
                if kind == _journal_frames.CLOCK:
                    clock = content[place:end]
                elif (place, end) in places:
                    count += 1
                    if count % 2:
                        measurement = _journal_frames.read(content, place, layouts)
                        data += clock
                        frame, layout = _journal_frames.measurement(
                            len(data), layout, *measurement
                        )
                        data, clock, kept = data + frame, b"", kept + 1
        if len(data + clock) > self._segments.bytes:
            raise ValueError("%d bytes" % len(data))
        self._segments.begin(second + 1)
        self._segments.append(second + 1, b"", data + clock)
        self._lose(second + 1, count - kept)

    def _lose(self, below, measurements):
        if measurements:
            _log.error("the journal is full: %d measurements given up", measurements)
        self._segments.count(measurements, below)
        self._fewer(measurements)
        self._places.clear()
        if self._open and self._open[0] < below:
            self._open = None
