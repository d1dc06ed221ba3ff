"""uos of the firmware. Source: Pycom firmware 1.20.2.r4, esp32/mods/moduos.c, extmod/vfs*.c."""

from _arguments import as_is, assign, attrtuple, forward
from _board import call
from _sd import SD

_DIR = 0x4000
_ENODEV = 19


def uname():
    board = call("system.board")
    name, release = board["name"], board["firmware"]
    fields = ["sysname", "nodename", "release", "version", "machine"]
    values = [name, name, release, "v1.11-ffb0e1c on 2021-01-12", name + " with ESP32"]
    if name == "FiPy":
        fields += ["lorawan", "sigfox"]
        values += ["1.0.2", "1.0.1"]
    if board["build"] == "pybytes":
        fields.append("pybytes")
        values.append("1.6.1")
    return attrtuple(tuple(fields), values)


chdir = forward("flash.chdir", 1)
getcwd = forward("flash.getcwd")
mkdir = forward("flash.mkdir", 1)
rename = forward("flash.rename", 2)
remove = unlink = forward("flash.remove", 1)
rmdir = forward("flash.rmdir", 1)
_format = forward("flash.format", 1)
sync = forward("flash.sync")
urandom = forward("system.random_bytes", 1)


def fsformat(*path):
    if len(path) == 1 and not isinstance(path[0], (str, bytes)):
        raise OSError("please specify correct fs mount path")
    _format(*[each.decode() if isinstance(each, bytes) else each for each in path])


def ilistdir(path=""):
    for name, kind, size in call("flash.listdir", path):
        yield (name, kind, 0, size)


def listdir(path=""):
    return [entry[0] for entry in call("flash.listdir", path)]


def stat(path):
    return tuple(call("flash.stat", path))


def statvfs(path):
    return tuple(call("flash.statvfs", path))


def getfree(path):
    fields = call("flash.statvfs", path)
    return fields[1] * fields[3] // 1024


def dupterm(*stream):
    return None


_MOUNT = (("readonly", as_is, False), ("mkfs", as_is, False))


def mount(device, path, *args, **keywords):
    readonly, _ = assign(_MOUNT, 0, args, keywords)
    if not isinstance(device, SD):  # block devices of a program's own are not emulated
        raise OSError(_ENODEV)
    call("sd.mount", path, bool(readonly))


def umount(path):
    call("sd.umount", None if isinstance(path, SD) else path)
