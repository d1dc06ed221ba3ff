"""The slots on flash: sets of modules, compared with their hashes and copied.

    from ota import _slots
    running = _slots.read(slot)                         # Set of ota/_manifest.py, or a cause
    names = _slots.changed(slot, running.components)    # [] if all is as it was
    outcome = _slots.fill(slot, result, deadline)       # True; False: later; or a name

A slot is complete if the file "set" is in it, which is written last and removed first.
"""

from micropython import const

from utils import timing

STAGING = "/flash/new"

_CHUNK = const(4096)  # a block of LittleFS
_DIR = const(0x4000)


def folder(slot):
    return "/flash/" + "ab"[slot]


def content(path):
    """Return what is in a file, b"" if it is not there."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def read(slot):
    """Return the Set of a slot, or a cause."""
    from ota import _keys, _manifest

    return _manifest.read_set(content(folder(slot) + "/set"), _keys.device_key() or b"")


def size_of(path):
    """Return the size of a file, 0 of a folder, None if it is not there."""
    import uos

    try:
        return uos.stat(path)[6]
    except OSError:
        return None


def hexed(data):
    import ubinascii

    return str(ubinascii.hexlify(data), "ascii")


def sha256(path, copy=None):
    """Return the SHA-256 of a file as hex digits, "" if it cannot be read. copy: an open file that
    gets the same content."""
    import uhashlib

    whole = uhashlib.sha256()
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
    except OSError:
        whole.update(b"?")
    finally:  # the firmware has one hash for the whole board
        digest = whole.digest()
    return hexed(digest)


def changed(slot, components):
    """Return the names of components whose file is not that of the set, and the paths of files
    that are in no set: a .py hides the .mpy of its name."""
    from ota import _manifest

    root = folder(slot) + "/"
    extra = [path[len(root) :] for path, is_folder in _below(root[:-1]) if not is_folder]
    found = []
    for name in sorted(components):
        component = components[name]
        path = _manifest.path(name, component.kind)
        if path in extra:
            extra.remove(path)
        if size_of(root + path) != component.size or sha256(root + path) != component.sha256:
            found.append(name)
    return found + [path for path in extra if path != "set"]


def fill(slot, result, deadline):
    """Make this slot the Set `result`. Call it again, with another deadline, if it returns False.

    True: each file was read again, and the file "set" is there. Else the name of a component that
    the other slot, which runs, or the staging has with another content than it should.
    """
    from ota import _keys, _manifest, _staging

    root = folder(slot) + "/"
    for name in sorted(result.components):
        component = result.components[name]
        path = _manifest.path(name, component.kind)
        if size_of(root + path) == component.size:  # copied before; read again below
            continue
        if deadline.expired():
            return False
        source = _staging.place(component.sha256)
        if size_of(source) is None:  # it has not changed
            source = folder(slot ^ 1) + "/" + path
        _make_folders(root + path)
        with open(root + path, "wb") as copy:
            is_good = sha256(source, copy) == component.sha256
        if not is_good:
            remove(root + path)
            return name
    wrong = changed(slot, result.components)
    for name in wrong:
        component = result.components.get(name)
        remove(root + (_manifest.path(name, component.kind) if component else name))
    if wrong:
        return False
    with open(root + "set", "wb") as file:
        for piece in _manifest.set_text(result, _keys.device_key()):
            file.write(piece)
    return read(slot) == result


def empty(path):
    """Remove all below a folder, the file "set" first; make the folder if it is not there."""
    import uos

    if size_of(path) is None:
        uos.mkdir(path)
    remove(path + "/set")
    for below, is_folder in _below(path):
        timing.feed()
        (uos.rmdir if is_folder else uos.remove)(below)


def remove(path):
    import uos

    try:
        uos.remove(path)
    except OSError:  # not there
        pass


def _below(path):
    """Yield (path, whether it is a folder) of all below a folder; of a folder behind the rest."""
    import uos

    for entry in list(uos.ilistdir(path)):
        below = path + "/" + entry[0]
        is_folder = entry[1] == _DIR
        if is_folder:
            yield from _below(below)
        yield below, is_folder


def _make_folders(path):
    """Make the folders of a file below /flash."""
    import uos

    at = path.find("/", 7)
    while at > 0:
        if size_of(path[:at]) is None:
            uos.mkdir(path[:at])
        at = path.find("/", at + 1)
