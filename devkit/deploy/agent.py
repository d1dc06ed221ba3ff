# mypy: ignore-errors
# ruff: noqa
"""The board's side of `./dev deploy`: small functions that the computer calls by name.

Runs on MicroPython 1.11 as in Pycom's firmware and on today's. devkit/deploy/repl.py sends it, and
calls them with what was in a message; results go back as JSON. What is special here:

- one hash object at a time, always digested: a second one raises, and one that was dropped blocks
  hashing until the reset (Pycom firmware 1.20.2.r4, esp32/mods/moduhashlib.c);
- no file is closed twice: r4 damages its memory then on LittleFS (fixed in r5);
- the watchdog of the interrupted program cannot be stopped, only be given another time
  (esp32/mods/machwdt.c). The one started here also restarts a board whose computer has gone.
"""

import gc
import sys

try:
    import uos as os
except ImportError:
    import os
try:
    import uhashlib as hashlib
except ImportError:
    import hashlib
try:
    import ubinascii as binascii
except ImportError:
    import binascii

try:
    _file
except NameError:  # not the second time, when a file may be open
    _file = None


def about():
    try:
        import pycom
    except ImportError:
        pycom = None
    try:
        names = os.uname()
        board, release = names.sysname, names.release
    except AttributeError:
        board, release = sys.platform, ".".join([str(part) for part in sys.implementation[1][:3]])
    mpy = getattr(sys.implementation, "_mpy", getattr(sys.implementation, "mpy", None))
    root = "/flash" if _kind("/flash") == "dir" else ""
    unique = ""
    if pycom:
        import machine

        unique = binascii.hexlify(machine.unique_id()).decode()
    return {
        "board": board,
        "release": release,
        "core": list(sys.implementation[1][:3]),
        "mpy": mpy,
        "pycom": pycom is not None,
        "root": root,
        "unique": unique,
        "filesystem": _filesystem(pycom),
        "word": pycom.nvs_get("ota", 0) if pycom else 0,
    }


def _filesystem(pycom):
    """Name of the file system of /flash as the firmware gives it, None if it does not."""
    try:
        return pycom.bootmgr()[1]
    except (AttributeError, IndexError, TypeError):
        return None


def watch(timeout_ms):
    """Give Pycom's watchdog time for the transfer; every call from now on feeds it."""
    global watchdog
    try:
        import pycom
    except ImportError:
        return
    import machine

    watchdog = machine.WDT(timeout=timeout_ms)
    pycom.nvs_set("resets", 0)  # somebody is here: the node's count begins anew (boot.py)


def space(root):
    """Size of a block, and how many are free; None if the board cannot tell."""
    try:
        found = os.statvfs(root or "/")
    except (AttributeError, OSError):
        return None
    return [found[1] or found[0], found[4]]


def look(path, size):
    """None, "dir", or size and SHA-256 of a file; no hash if it is not of the size asked for."""
    kind = _kind(path)
    if kind != "file":
        return kind
    actual = os.stat(path)[6]
    if actual != size and size >= 0:
        return [actual, None]
    gc.collect()
    buffer = bytearray(512)
    source = open(path, "rb")
    digest = hashlib.sha256()
    try:
        while True:
            count = source.readinto(buffer)
            if not count:
                break
            digest.update(memoryview(buffer)[:count])
    finally:
        result = digest.digest()
        source.close()
    return [actual, binascii.hexlify(result).decode()]


def names(path):
    """What is in a folder; nothing if there is none."""
    try:
        return os.listdir(path or "/")
    except OSError:
        return []


def folder(path):
    """Make a folder and those above it."""
    end = 0
    while end >= 0:
        end = path.find("/", end + 1)
        part = path if end < 0 else path[:end]
        if _kind(part) is None:
            os.mkdir(part)


def begin(path):
    """Open a file to be filled by put()."""
    global _file
    shut()
    _file = open(path, "wb")


def put(data):
    """Append to the file; returns how much was taken."""
    return _file.write(data)


def shut():
    """Close the file, and have the file system write down what it still holds back."""
    global _file
    if _file is not None:
        closing = _file
        _file = None
        closing.close()
    if hasattr(os, "sync"):
        os.sync()


def remove(path):
    """Remove a file; its own temporary file may be open still."""
    shut()
    if _kind(path) == "file":
        os.remove(path)


def place():
    """Give each complete file its name, in the order of `order`: [temporary name, name, a file
    that it replaces under another name, or ""]. All of it is done here, so that a cable pulled
    meanwhile leaves nothing half done. Returns how many of them have their names."""
    global placed
    for temporary, path, hidden in order[placed:]:
        if temporary != path and _kind(temporary) is not None:  # else it was done before
            os.rename(temporary, path)
        if hidden:
            remove(hidden)
        placed += 1
        _alive()
    if hasattr(os, "sync"):
        os.sync()
    return placed


def _alive():
    """FAT takes its time, and the computer is to know that the board is well."""
    print(".")
    if "watchdog" in globals():
        watchdog.feed()


def count():
    """How many files have their names."""
    return placed


def _kind(path):
    try:
        return "dir" if os.stat(path or "/")[0] & 0x4000 else "file"
    except OSError:
        return None
