# ruff: noqa
"""Makes a board of the WebAssembly VM: runs on MicroPython, before its REPL starts.

The options, as JSON: "files" path -> content, in base64; "pycom" for the names, versions and quirks of
Pycom's firmware and a /flash of its own; "blocks" its size; "stat_blocks" what statvfs pretends;
"busy_hash" a hash that the interrupted program left open.
"""

import ubinascii as binascii
import hashlib
import io
import json
import os
import sys
import vfs

BLOCK = 4096
SETTINGS = {}
DISK = None
EVENTS = []  # what the tests want to know of


class Disk:
    """A file system with a quota, which renames as FAT does and notices what LittleFS dislikes."""

    def __init__(self, blocks):
        self.blocks = blocks
        self.files = {}  # "/a/b.py" -> bytearray; None for a folder

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def chdir(self, path):
        pass

    def getcwd(self):
        return "/"

    def used(self):
        found = [
            1 if data is None else max(1, -(-len(data) // BLOCK)) for data in self.files.values()
        ]
        return sum(found)

    def stat(self, path):
        if path == "/":
            return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        data = self._there(path)
        if data is None:
            return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        return (0x8000, 0, 0, 0, 0, 0, len(data), 0, 0, 0)

    def statvfs(self, path):
        free = SETTINGS.get("stat_blocks", self.blocks - self.used())
        return (BLOCK, BLOCK, self.blocks, free, free, 0, 0, 0, 0, 128)

    def ilistdir(self, path):
        if path != "/":
            self._there(path)
            path += "/"
        for name, data in list(self.files.items()):
            if name.startswith(path) and "/" not in name[len(path) :]:
                yield (name[len(path) :], 0x4000 if data is None else 0x8000, 0)

    def mkdir(self, path):
        if path in self.files:
            raise OSError(17)
        self.files[path] = None

    def remove(self, path):
        self._there(path)
        EVENTS.append("remove " + path)
        del self.files[path]

    def rename(self, old, new):
        data = self._there(old)
        if new in self.files:
            self.remove(new)
        del self.files[old]
        self.files[new] = data

    def open(self, path, mode):
        if "w" in mode:
            if self.blocks - self.used() < 1:
                raise OSError(28)
            self.files[path] = bytearray()
        EVENTS.append("open " + mode + " " + path)
        return Stream(self, self._there(path))

    def _there(self, path):
        if path not in self.files:
            raise OSError(2)
        return self.files[path]


class Stream(io.IOBase):
    def __init__(self, disk, data):
        self.disk = disk
        self.data = data
        self.place = 0
        self.is_open = True

    def readinto(self, buffer):
        part = self.data[self.place : self.place + len(buffer)]
        buffer[: len(part)] = part
        self.place += len(part)
        return len(part)

    def write(self, data):
        if not self.is_open:
            raise OSError("written after close")
        grown = -(-(len(self.data) + len(data)) // BLOCK) - max(1, -(-len(self.data) // BLOCK))
        if grown > 0 and self.disk.used() + grown > self.disk.blocks:
            raise OSError(28)
        self.data.extend(data)
        return len(data)

    def close(self):
        if not self.is_open:
            EVENTS.append("closed twice")
        self.is_open = False


class Sha256:
    """One at a time, as Pycom's."""

    taken = False

    def __init__(self, data=b""):
        if Sha256.taken:
            raise OSError("only one active hash operation is permitted at a time")
        Sha256.taken = True
        self.hash = hashlib.sha256(data)

    def update(self, data):
        self.hash.update(data)

    def digest(self):
        Sha256.taken = False
        return self.hash.digest()


class Module:
    def __init__(self, **members):
        for name, value in members.items():
            setattr(self, name, value)


class Watchdog:
    def __init__(self, timeout):
        EVENTS.append("watchdog %d" % timeout)

    def feed(self):
        pass


def reset():
    EVENTS.append("reset")


def be_pycom():
    disk = Disk(SETTINGS.get("blocks", 1024))
    os.mkdir("/flash")
    vfs.mount(disk, "/flash")
    here = "stat statvfs listdir ilistdir mkdir rename remove".split()
    names = Module(
        sysname="GPy", release=SETTINGS.get("release", "1.20.2.r4"), machine="GPy with ESP32"
    )
    sys.modules["uos"] = Module(
        uname=lambda: names, sync=lambda: None, **{name: getattr(os, name) for name in here}
    )
    sys.modules["uhashlib"] = Module(sha256=Sha256)
    sys.modules["pycom"] = Module(nvs_set=lambda key, value: None)
    # No sys.implementation.mpy there. The VM's own `sys` cannot be changed, so it is hidden.
    sys.modules["sys"] = Module(
        platform="GPy", implementation=("micropython", tuple(SETTINGS.get("core", (1, 11, 0))))
    )
    return disk


def fill(root):
    for path, content in SETTINGS.get("files", {}).items():
        parts = (root + "/" + path).split("/")[1:]
        for count in range(1, len(parts)):
            folder = "/" + "/".join(parts[:count])
            try:
                os.stat(folder)
            except OSError:
                os.mkdir(folder)
        target = open(root + "/" + path, "wb")
        target.write(binascii.a2b_base64(content))
        target.close()


def start(options):
    global DISK
    SETTINGS.update(json.loads(options))
    sys.modules["machine"] = Module(reset=reset, WDT=Watchdog)
    if SETTINGS.get("pycom", True):
        DISK = be_pycom()
    fill("/flash" if DISK else "")
    del EVENTS[:]
    Sha256.taken = SETTINGS.get("busy_hash", False)
