"""The slots on flash: sets of modules, compared with their hashes and copied.

    from ota import _slots
    running = _slots.read(slot, key)                    # Set of ota/_manifest.py, or a cause
    names = _slots.changed(slot, running.components)    # [] if all is as it was
    outcome = _slots.fill(1 - slot, result, running, slot, key, deadline)    # FILLED, LATER, name

A slot is complete if the file "set" is in it, which is written last and removed first.
"""

from micropython import const

from utils import timing

STAGING = "/flash/new"
FILLED = True
LATER = False

_CHUNK = const(4096)  # a block of LittleFS
_DIR = const(0x4000)


def folder(slot):
    return "/flash/" + "ab"[slot]


def read(slot, key):
    """Return the Set of a slot, or a cause."""
    from ota import _manifest

    try:
        with open(folder(slot) + "/set", "rb") as file:
            return _manifest.read_set(file.read(), key)
    except OSError:
        return "set"


def size_of(path):
    """Return the size of a file, None if it is not there."""
    import uos

    try:
        return uos.stat(path)[6]
    except OSError:
        return None


def sha256(path, copy=None):
    """Return the SHA-256 of a file as hex digits; None if it cannot be read. copy: an open file
    that gets the same content."""
    import ubinascii
    import uhashlib

    whole = uhashlib.sha256()
    good = False
    try:
        with open(path, "rb") as file:
            while True:
                timing.feed()
                data = file.read(_CHUNK)
                if not data:
                    break
                whole.update(data)
                if copy:
                    copy.write(data)
        good = True
    except OSError:
        pass
    finally:  # the firmware has one hash for the whole board
        digest = whole.digest()
    return str(ubinascii.hexlify(digest), "ascii") if good else None


def changed(slot, components):
    """Return the names of components whose file is not that of the set, and the paths of files
    that are in no set: a .py hides the .mpy of its name."""
    from ota import _manifest

    expected = {}
    for name in components:
        expected[_manifest.path(name, components[name].kind)] = name
    root = folder(slot) + "/"
    found = [path for path in _files(root, "") if path not in expected and path != "set"]
    for path in sorted(expected):
        component = components[expected[path]]
        if size_of(root + path) != component.size or sha256(root + path) != component.sha256:
            found.append(expected[path])
    return found


def fill(slot, result, running, old, key, deadline):
    """Make this slot the Set `result`. Call it again with another deadline if it returns LATER.

    FILLED: each file was read again, and the file "set" is there. Else the name of a component
    that the running slot `old`, or the staging, has with another content than it should.
    """
    from ota import _manifest, _staging

    root, source_root = folder(slot) + "/", folder(old) + "/"
    for name in sorted(result.components):
        component = result.components[name]
        path = _manifest.path(name, component.kind)
        if size_of(root + path) == component.size:  # copied before; read again below
            continue
        if deadline.expired():
            return LATER
        source = source_root + path
        before = running.components.get(name)
        if not before or (before.kind, before.sha256) != (component.kind, component.sha256):
            source = _staging.place(component.sha256)
        _make_folders(root, path)
        with open(root + path, "wb") as copy:
            same = sha256(source, copy) == component.sha256
        if not same:
            remove(root + path)
            return name
    for name in changed(slot, result.components):
        if name in result.components:
            component = result.components[name]
            remove(root + _manifest.path(name, component.kind))
        else:
            remove(root + name)
        return LATER
    with open(root + "set", "wb") as file:
        for piece in _manifest.set_text(result, key):
            file.write(piece)
    again = read(slot, key)
    return FILLED if again == result else LATER


def empty(path, keep=False):
    """Remove all below a folder, the file "set" first; the folder itself stays if `keep`."""
    import uos

    remove(path + "/set")
    try:
        entries = list(uos.ilistdir(path))
    except OSError:  # not there
        return
    for entry in entries:
        timing.feed()
        below = path + "/" + entry[0]
        if entry[1] == _DIR:
            empty(below)
        else:
            uos.remove(below)
    if not keep:
        uos.rmdir(path)


def remove(path):
    import uos

    try:
        uos.remove(path)
    except OSError:  # not there
        pass


def _files(root, below):
    """Yield the paths of all files of a slot."""
    import uos

    try:
        entries = list(uos.ilistdir((root + below)[:-1]))
    except OSError:
        return
    for entry in entries:
        if entry[1] == _DIR:
            yield from _files(root, below + entry[0] + "/")
        else:
            yield below + entry[0]


def _make_folders(root, path):
    import uos

    at = 0
    while True:
        at = path.find("/", at)
        folder = root + path[:at] if at >= 0 else None
        for each in (root[:-1], folder):
            if each and size_of(each) is None:
                uos.mkdir(each)
        if at < 0:
            return
        at += 1
