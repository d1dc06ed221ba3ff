"""The files of the journal on flash: segments that are appended to, and dropped whole.

    /flash/journal/2/000012     LittleFS, on which an append is whole or was not
    /flash/journal/2a/000012    FAT, on which a power cut loses the file that is being written:
    /flash/journal/2b/000012    two copies, written one after the other

Four folders in turn share the wear: each append erases a sector of its folder (docs/journal.md).
A segment of which all is done stays until its room is needed. New segments have even numbers. NVS
has two things to say of them, each in one value, which changes in one step:

    j00 .. j31     for the segment (number / 2) % 32: what is done, all before one place and all
                   from another on
    journal_gone   "TOTAL BELOW": measurements given up so far; below this number nothing counts

A segment of an odd number was made of the two before it, and counts only once BELOW says so.
"""

from micropython import const

from utils import _journal_frames, logging, store

MOST_FILES = const(32)

_LEAST_BYTES = const(512)
_MOST_BYTES = const(4095)  # a block of the flash; places in it take 12 bits
_GONE_KEY = "journal_gone"
_ENOENT = const(2)

_log = logging.Logger("journal")


class Segments:
    """The segments of one folder. Every method but `mark` and `set_mark` may raise OSError."""

    def __init__(self, folder, limit_bytes):
        self._folder = folder
        self.bytes = max(_LEAST_BYTES, min(_MOST_BYTES, limit_bytes // 4))
        self._folders = [
            "%s/%d%s" % (folder, turn, copy) for copy in _copies() for turn in (0, 1, 2, 3)
        ]
        self._numbers = None
        self._damaged = set()  # numbers that cannot be read or removed
        self._marks = {}  # where NVS cannot be written
        self.gone, self._below = _gone()

    def numbers(self):
        """Return the numbers of all segments, oldest first."""
        import uos

        if self._numbers is None:
            names = []
            for folder in self._folders:
                try:
                    names += uos.listdir(folder)
                except OSError as error:
                    if error.args[0] != _ENOENT:
                        raise
            self._numbers = sorted({_number(name) for name in names} - {None})
            for number in list(self._numbers):
                if number < self._below or number % 2 and number - 1 in self._numbers:
                    self.remove(number)
        return [number for number in self._numbers if number not in self._damaged]

    def read(self, number):
        """Return the content of a segment; of two copies what is whole in either."""
        copies, failed = [], None
        for path in self._paths(number):
            try:
                with open(path, "rb") as file:
                    copies.append(file.read(_MOST_BYTES))
            except OSError as error:
                failed = error
        if not copies:
            raise failed
        return copies[0] if copies[1:] in ([], copies[:1]) else _merged(copies)

    def size(self, number):
        """Return the bytes of a segment, without its second copy."""
        import uos

        sizes = [0]
        for path in self._paths(number):
            try:
                sizes.append(uos.stat(path)[6])
            except OSError as error:
                sizes.append(0 if error.args[0] == _ENOENT else _MOST_BYTES)
        return max(sizes)

    def append(self, number, content, frames):
        """Write frames behind the content of a segment. OSError if they are not on flash."""
        paths = self._paths(number)
        if content and len(paths) > 1:
            for path in paths:  # first the copy that a cut has damaged, while the other is whole
                if not _is(path, content):
                    _write(path, "wb", content)
        if number not in self._numbers:
            self._numbers = sorted(self._numbers + [number])
        _write(paths[0], "ab", frames)
        for path in paths[1:]:
            try:
                _write(path, "ab", frames)
            except OSError as error:  # stored once; repaired before the next append
                _log.warning("%s not written: %s", path, error)

    def new(self):
        """Return the number of a segment to come."""
        number = max([self._below - 1] + self._numbers) + 1
        number += number % 2
        self.begin(number)
        return number

    def begin(self, number):
        """Have its folders, and no mark of a segment that had this number."""
        import uos

        if self.mark(number) != (0, 0):
            self.set_mark(number, 0, 0)
        for folder in [self._folder] + [path[:-7] for path in self._paths(number)]:
            try:
                uos.mkdir(folder)
            except OSError:
                pass  # it is there; or writing will say why not

    def look_again(self):
        """Have the folder listed again: what a write that failed has left is not known."""
        self._numbers = None

    def count(self, given_up, below=0):
        """Count measurements given up, and drop the segments below a number, in one step."""
        self.gone += given_up
        self._below = max(self._below, below)
        try:
            store.nvs_set(_GONE_KEY, "%d %d" % (self.gone, self._below))
        except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
            _log.warning("losses not noted in NVS: %s", error)
        for each in [each for each in self._numbers or () if each < below]:
            self.remove(each)

    def remove_empty(self):
        """Remove the files that a write without room has left."""
        for number in self.numbers():
            if not self.size(number):
                self.remove(number)

    def remove(self, number):
        import uos

        for path in self._paths(number):
            try:
                uos.remove(path)
            except OSError as error:
                if error.args[0] != _ENOENT:
                    _log.warning("%s not removed: %s", path, error)
                    self._damaged.add(number)
        if number not in self._damaged:
            self._numbers.remove(number)

    def waiting(self):
        """Return the numbers of the segments of which not all is done, oldest first."""
        return [number for number in self.numbers() if not self.is_done(number)]

    def is_done(self, number):
        """True if all of a segment is done, as its mark says."""
        before, _ = self.mark(number)
        return 0 < before >= self.size(number)

    def mark(self, number):
        """Return (place, place): what lies before the first and from the second on is done.

        The second is 0 if nothing is.
        """
        import pycom

        key, tag = _slot(number)
        value = self._marks.get(key)
        if value is None:
            value = pycom.nvs_get(key, 0)
        if not isinstance(value, int) or value >> 24 != tag:
            return 0, 0
        return value >> 12 & 4095, value & 4095

    def set_mark(self, number, before, behind):
        """Write a mark. False if it could not be, and holds for this start only."""
        key, tag = _slot(number)
        value = tag << 24 | before << 12 | behind
        try:
            store.nvs_set(key, value)
            self._marks.pop(key, None)
            return True
        except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
            _log.warning("mark not written: %s", error)
            self._marks[key] = value
            return False

    def _paths(self, number):
        return ["%s/%06d" % (folder, number) for folder in self._folders[number // 2 % 4 :: 4]]


def _copies():
    import pycom

    return ("a", "b") if pycom.bootmgr()[1] == "FAT" else ("",)


def _gone():
    """Return (measurements given up, number below which segments are gone) from NVS."""
    import pycom

    try:
        total, below = str(pycom.nvs_get(_GONE_KEY, "0 0")).split(" ")
        return max(0, int(total)), max(0, int(below))
    except Exception as error:  # noqa: BLE001 - damaged, or the firmware raises bare Exception
        _log.warning("losses not known: %s", error)
        return 0, 0


def _slot(number):
    """Return (key in NVS, what tells its segments apart)."""
    return "j%02d" % (number // 2 % 32), (number >> 6 << 1 | number & 1) & 127


def _number(name):
    """Return the number of a file; None for a file that is not ours."""
    try:
        number = int(name)
    except ValueError:
        return None
    return number if number >= 0 and "%06d" % number == name else None


def _write(path, mode, content):
    with open(path, mode) as file:
        file.write(content)


def _is(path, content):
    try:
        with open(path, "rb") as file:
            return file.read() == content
    except OSError:
        return False


def _merged(copies):
    """Return a content with each frame that is whole in one of the copies, zeros elsewhere."""
    content = bytearray(max(len(copy) for copy in copies))
    for copy in copies:
        for start, end, _ in _journal_frames.whole(copy):
            content[start:end] = copy[start:end]
    return bytes(content)
