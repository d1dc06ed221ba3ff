"""Loading of modules on this VM: emulator/vm/importer.py for it. The order is that of imports.py.

A file is read through the board, which charges for it. What the VM itself has beside that cannot
be reached: the board serves source whose import statements are calls of these functions
(emulator/vm/source.py). Byte code has its import statements still; they come here only where the
VM looks for `__import__` first.
"""

import builtins
import sys

import errors
import natives
from imports import Imports
from surface import MissingObject
from surface import face as _face
from wire import exchange

weak = {}  # the board's aliases, which a file of that name wins over
_firmware = []  # names of the firmware's modules that are files of emulator/firmware
_pybytes = {}  # names that its Pybytes leaves in main's name space: whether _pybytes has them
_board = []  # names of the modules that the board has

loaded = sys.modules
path = ["", "/flash", "/flash/lib"]

_native_import = builtins.__import__
_native_path = sys.path
_scratch = [""]
_copies = [0]  # files written to the scratch folder
_globals = builtins.globals
# One of them is there: a Pycom board has execfile() alone
_compile = getattr(builtins, "compile", None)
_execfile = getattr(builtins, "execfile", None)


def new_module(name):
    """An empty module, and the dict of its names: a module of 1.18 has no `__dict__`."""
    _native_import("blank", None, None, ("x",), 0)
    module = loaded.pop("blank")
    names = module.names
    del module.names
    del module.__file__
    module.__name__ = name
    return module, names


def _execute(source, shown, names):
    """Run source text; tracebacks name it `shown`."""
    if _compile is not None:
        exec(_compile(source, shown, "exec"), names)
        return
    copy = _copy("source.py", source.encode())
    errors.file_names[copy] = shown
    _execfile(copy, names)


def _copy(name, data):
    """Write a file below a folder of its own in the scratch folder; its path."""
    _copies[0] += 1
    path = "{}/{}".format(_scratch[0], _copies[0])
    natives.mkdir(path)
    *folders, name = name.split("/")
    for folder in folders:
        path += "/" + folder
        natives.mkdir(path)
    path += "/" + name
    with natives.open(path, "wb") as file:
        file.write(data)
    return path


# What import statements of the source have become


def import_from(name, scope, items, level):
    return _taken(imports.of_device(name, scope, None, items, level), scope, items)


def import_firmware_from(name, scope, items, level):
    return _taken(imports.of_firmware(name), scope, items)


def _taken(module, scope, items):
    """The values of these names; "*" puts all of them into `scope`."""
    if items[0] != "*":
        return [getattr(module, item) for item in items]
    for key in dir(module):
        if key[0] != "_":
            scope[key] = getattr(module, key)


def load_mpy(name, stem, inner):
    """Byte code is loaded by the VM itself, from a copy in the scratch folder.

    A core like the board's finds it by the whole name below sys.path, a later one below the path
    of the package.
    """
    below = name.replace(".", "/") + inner + ".mpy"
    root = _copy(below, exchange("vm.mpy", stem + inner + ".mpy"))[: -len(below) - 1]
    outer = name.split(".")[:-1]
    package = loaded.get(".".join(outer))
    if package is not None:
        kept, package.__path__ = package.__path__, "/".join([root] + outer)
    before = list(_native_path)
    _native_path[:] = [root] + before
    try:
        return _native_import(name, None, None, ("x",), 0)
    finally:
        _native_path[:] = before
        if package is not None:
            package.__path__ = kept


def run_file(file_path, namespace, module=True):
    """Execute one source file of the device in `namespace`; the board charges for loading it."""
    shown, source = exchange("vm.load", file_path, module)
    _execute(source, shown, namespace)


def kind_of(stem):
    found = find([stem])
    return found[1] if found else None


def find(stems):
    return exchange("vm.find", stems)


def leave_boot_names(main):
    """What the frozen _boot leaves in the name space of main (esp32/frozen/*/_boot.py)."""
    main["os"] = imports.shown("uos")
    main["UART"] = imports.shown("umachine").UART
    for name in _pybytes:
        whole = imports.builtin("_pybytes") if _pybytes[name] else None
        main[name] = getattr(whole, name, None) or MissingObject(name, note)


def surface(name):
    return exchange("vm.surface", name) if name in _board else None


def face(module, whole, name, names):
    _face(module, whole, name, names, note)


def note(path):
    exchange("vm.missing", path)


def firmware(name):
    return exchange("vm.firmware", name) if name in _firmware else None


def run_firmware(found, names):
    shown, source = found
    _execute(source, shown, names)


imports = Imports(loaded[__name__], loaded, path, weak, natives.MAKERS)  # asks this module


def install(said):
    _scratch[0] = said["scratch"]
    weak.update(said["weak"])
    _firmware.extend(said["firmware"].split())
    _board.extend(said["modules"].split())
    _pybytes.update(said["pybytes"])
    for name in list(loaded):
        del loaded[name]
    builtins.__import__ = lambda *args: imports.of_device(*args)
    builtins.__from__ = import_from
    builtins.__firmware__ = imports.of_firmware
    builtins.__firmware_from__ = import_firmware_from
    builtins.__globals__ = _globals
