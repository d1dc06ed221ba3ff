"""What a release makes of the set that runs: the manifest, the set file, and the checks.

    from ota import _manifest
    running = _manifest.read_set(text, key)               # Set, or a cause
    manifest = _manifest.parse(body)                      # Manifest, or a cause
    result = _manifest.check(manifest, running, machine, floor, bad)    # Set, or a cause
    for piece in _manifest.set_text(result, key): ...     # the set file of the other slot

Both are lines of ASCII text, each ended by a line feed, in a fixed order, with one space between
two words. A manifest (the body of an envelope, after its signature was found right):

    set 1
    board GPy FiPy              os.uname().sysname of the boards that it is for
    fw 1.20.2.r4 1.21           firmware releases: from the first one on, below the second one
    mpy 4 2 31                  byte code: version, flags, bits of small integers
    seq 12                      number of the release
    sec 1                       security epoch
    base HEX                    digest of the set that it changes; * for a complete list
    result HEX                  digest of the set after it
    trial 3 24                  tries, cycles
    + NAME KIND VER SIZE SHA256 REQS      a new or changed component; ascending names
    - NAME                                one that goes; ascending names
    end

The set file of a slot has the lines set, seq, sec and trial, one line like those with + for each
component, and "end HEX": the HMAC of all before it with the device key. REQS are NAME:VER with the
least version, separated by commas, or "-". No line holds a path: `path` derives it from the name.

The checks compute the whole resulting set: what it requires has to be in it, with the versions,
and its digest has to be `result`.
"""

from micropython import const
from ucollections import namedtuple

_MOST_SEQ = const(262143)
_MOST_AHEAD = const(10000)  # of the floor: a stolen key must not use up the numbers
_MOST_COMPONENTS = const(200)
_MOST_SIZE = const(65536)  # bytes of a component
_MOST_BYTES = const(1048576)  # of a set
_MOST_BODY = const(32768)  # characters of a manifest
_MOST_LINE = const(1024)  # nbiot alone requires 22 modules
_MPY_VERSION = const(4)  # of the core 1.11, with unicode and no cache of maps
_MPY_FLAGS = const(2)
_MPY_BITS = const(31)

# Patterns of ure recurse once a character, and the firmware's stack is small
_FIRST = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LATER = _FIRST + "0123456789"
# never in a slot, which comes before them in the path
_FIXED = ("boot", "boot_trial", "main", "config", "credentials")
_KINDS = ("mpy", "py")
_SOURCE = "node_reset"  # source on a board: damaged byte code must not end a start

# kind: "mpy" or "py". sha256: 64 hex digits. requires: ((name, least version), ...)
Component = namedtuple("Component", ("kind", "version", "size", "sha256", "requires"))
# components: by name
Set = namedtuple("Set", ("seq", "sec", "trial", "components"))
# boards: names. firmware: (least, below), tuples of numbers. mpy, trial: tuples of numbers.
# base: hex digits, or *. added: components by name. removed: names
Manifest = namedtuple(
    "Manifest",
    ("boards", "firmware", "mpy", "seq", "sec", "base", "result", "trial", "added", "removed"),
)


def path(name, kind):
    """Return where a component stands below its slot."""
    return name.replace(".", "/") + "." + kind


def is_loadable(kind, head):
    """Return whether content that begins with these 4 bytes can be loaded as this kind.

    Byte code of another version, or with native code, fails at its import only.
    """
    if kind == "py":
        return head[:1] != b"M" or head[1:2] >= b" "
    flags = head[2] if len(head) == 4 else 0
    return flags == _MPY_FLAGS and head[:2] == b"M\x04" and head[3] <= _MPY_BITS


def digest(components):
    """Return the digest of a set, 64 hex digits: SHA-256 of its lines "NAME KIND SHA256"."""
    import ubinascii

    from ota import _keys

    lines = ["%s %s %s\n" % (name, components[name][0], components[name][3])
             for name in sorted(components)]  # fmt: skip
    return str(ubinascii.hexlify(_keys.sha256("".join(lines).encode())), "ascii")


def set_text(found, key):
    """Return the set file of a Set, as two pieces of bytes."""
    import ubinascii

    from ota import _keys

    lines = ["set 1", "seq %d" % found.seq, "sec %d" % found.sec, "trial %d %d" % found.trial]
    for name in sorted(found.components):
        kind, version, size, sha256, requires = found.components[name]
        required = ",".join(["%s:%d" % each for each in requires]) or "-"
        lines.append("%s %s %d %d %s %s" % (name, kind, version, size, sha256, required))
    lines.append("")
    signed = "\n".join(lines).encode()
    return signed, b"end " + ubinascii.hexlify(_keys.hmac(key, signed)) + b"\n"


# reading: _Lines and the functions with an underscore raise ValueError with the cause


def read_set(data, key):
    """Return the Set in the bytes of a set file, or a cause.

    Causes: "set_tag" if its tag is not that of the device key, and those of parse().
    """
    import ubinascii

    from ota import _keys

    signed = data[:-69]  # "end ", 64 digits, line feed
    tag = b"end " + ubinascii.hexlify(_keys.hmac(key, signed)) + b"\n"
    if not _keys.same(tag, data[-69:]):
        return "set_tag"
    try:
        lines = _Lines(signed)
        seq, sec = lines.releases()
        return Set(seq, sec, lines.trial(), lines.components("", seq))
    except ValueError as refused:
        return refused.args[0]


def parse(body):
    """Return the Manifest in the body of an envelope, or a cause.

    Causes: "manifest" not as above; "name", "count" of the components.
    """
    try:
        if len(body) > _MOST_BODY or body[-5:] != b"\nend\n":
            raise ValueError("manifest")
        lines = _Lines(body[:-4])
        boards = lines.words("board")
        firmware = tuple([release(word) for word in lines.words("fw", 2)])
        if None in firmware:
            raise ValueError("manifest")
        mpy = lines.numbers("mpy", (255, 255, 255))
        seq, sec = lines.releases()
        base = lines.words("base", 1)[0]
        if base != "*":
            _hex(base)
        result = _hex(lines.words("result", 1)[0])
        trial = lines.trial()
        added = lines.components("+ ", seq)
        removed = lines.names()
        return Manifest(boards, firmware, mpy, seq, sec, base, result, trial, added, removed)
    except ValueError as refused:
        return refused.args[0]


class _Lines:
    """A text, read line by line from its start."""

    def __init__(self, data):
        try:
            self._lines = str(data, "utf-8").split("\n")
        except ValueError:
            raise ValueError("manifest")
        self._at = 0
        if self._lines.pop() != "" or self._next() != "set 1":
            raise ValueError("manifest")

    def words(self, name, count=0):
        """Return the words after `name`, which begins the next line."""
        words = self._next().split(" ")
        if words.pop(0) != name or not words or count and len(words) != count:
            raise ValueError("manifest")
        return tuple(words)

    def numbers(self, name, most, least=0):
        words = self.words(name, len(most))
        return tuple([_number(words[at], least, most[at]) for at in range(len(most))])

    def releases(self):
        return self.numbers("seq", (_MOST_SEQ,), 1) + self.numbers("sec", (_MOST_SEQ,))

    def trial(self):
        return self.numbers("trial", (7, 63), 1)

    def components(self, mark, seq):
        """Return {name: Component} of the next lines that begin with `mark`."""
        found, last = {}, ""
        while self._at < len(self._lines) and self._lines[self._at][: len(mark)] == mark:
            words = self._next()[len(mark) :].split(" ")
            if len(words) != 6:
                raise ValueError("manifest")
            name = _name(words[0], last)
            found[name] = _component(words, seq)
            last = name
            if len(found) > _MOST_COMPONENTS:
                raise ValueError("count")
        return found

    def names(self):
        """Return the names in all lines that are left, "- NAME"."""
        found, last = [], ""
        while self._at < len(self._lines):
            last = _name(self.words("-", 1)[0], last)
            found.append(last)
        return tuple(found)

    def _next(self):
        if self._at == len(self._lines) or len(self._lines[self._at]) > _MOST_LINE:
            raise ValueError("manifest")
        self._at += 1
        return self._lines[self._at - 1]


def _component(words, seq):
    name, kind, version, size, sha256, required = words
    if kind not in _KINDS or (kind == "py") != (name == _SOURCE):
        raise ValueError("manifest")
    requires = []
    if required != "-":
        for each in required.split(","):
            words = each.split(":")
            if len(words) != 2:
                raise ValueError("manifest")
            requires.append((_name(words[0]), _number(words[1], 1, seq)))
    version, size = _number(version, 1, seq), _number(size, 1, _MOST_SIZE)
    return Component(kind, version, size, _hex(sha256), tuple(requires))


def _number(text, least, most):
    try:
        number = int(text) if len(text) <= 7 else -1
    except ValueError:
        number = -1
    if str(number) != text or not least <= number <= most:
        raise ValueError("manifest")
    return number


def _hex(text):
    wrong = len(text) != 64
    for digit in text:
        wrong = wrong or digit not in "0123456789abcdef"
    if wrong:
        raise ValueError("manifest")
    return text


def _name(name, last=""):
    """Return a name; it comes behind `last`."""
    parts = name.split(".")
    if name <= last or len(name) > 64 or len(parts) > 4 or parts[0] in _FIXED:
        raise ValueError("name")
    for part in parts:
        if not 1 <= len(part) <= 32 or part[0] not in _FIRST:
            raise ValueError("name")
        for letter in part:
            if letter not in _LATER:
                raise ValueError("name")
    return name


def release(text):
    """Return the numbers of a firmware release, such as "1.20.2.r4"; None of another form."""
    numbers = []
    for word in text.split("."):
        if word[:1] == "r":
            word = word[1:]
        try:
            number = _number(word, 0, 9999)
        except ValueError:
            return None
        numbers.append(number)
    return tuple(numbers)


# checking


def check(manifest, running, machine, floor, bad, sec=0):
    """Return the Set that a Manifest makes of the one that runs, or a cause.

    running: Set. machine: (sysname, release) of os.uname(). floor: number of the last confirmed
    release. bad: number of the last rejected one. sec: a security epoch, beside that of
    the set that runs.
    The caller compares manifest.seq with the number in the answer that authorized it.
    Causes: "board", "firmware", "mpy": not for this one; "bad"; "rollback" not above the floor;
    "forward" too far above it; "epoch"; "base" another set runs; "removal" of what is not there,
    or of what updates need; "count", "size" of the resulting set; "shadow" a module hides a
    package; "requirement"; "result".
    """
    cause = _unfit(manifest, machine, floor, bad, max(sec, running.sec))
    if cause:
        return cause
    components = dict(manifest.added)
    if manifest.base == "*":
        if manifest.removed:
            return "removal"
    elif manifest.base != digest(running.components):
        return "base"
    else:
        components = dict(running.components)
        components.update(manifest.added)
        for name in manifest.removed:
            if name not in running.components or name in manifest.added:
                return "removal"
            del components[name]
    for name in running.components:
        if name not in components and (name[:4] == "node" or name.split(".")[0] == "ota"):
            return "removal"
    if len(components) > _MOST_COMPONENTS:
        return "count"
    if sum([each.size for each in components.values()]) > _MOST_BYTES:
        return "size"
    cause = _open(components)
    if cause:
        return cause
    if digest(components) != manifest.result:
        return "result"
    return Set(manifest.seq, manifest.sec, manifest.trial, components)


def _unfit(manifest, machine, floor, bad, sec):
    """Return why a Manifest is not for this board, this firmware or this time; None if it is."""
    if machine[0] not in manifest.boards:
        return "board"
    firmware = release(machine[1])
    least, below = manifest.firmware
    if firmware is None or not least <= firmware < below:
        return "firmware"
    version, flags, bits = manifest.mpy
    if version != _MPY_VERSION or flags != _MPY_FLAGS or bits > _MPY_BITS:
        return "mpy"
    if manifest.seq == bad:
        return "bad"
    if manifest.seq <= floor:
        return "rollback"
    if manifest.seq > floor + _MOST_AHEAD:
        return "forward"
    if manifest.sec < sec:
        return "epoch"
    return None


def _open(components):
    """Return why a set is not closed; None if each component has what it requires, and can be
    imported."""
    for name in components:
        package = name
        while "." in package:
            package = package.rsplit(".", 1)[0]
            if package in components:
                return "shadow"
        for required, least in components[name].requires:
            if required not in components or components[required].version < least:
                return "requirement"
    return None
