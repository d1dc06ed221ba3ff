"""The first file that this VM runs: sets up the board's modules, then runs what the board says.

Started as `micropython start.py` by emulator/vm/micropython.py; see docs/vm-stream.md.
"""

import builtins
import sys

import board
import console
import errors
import importer
import language
import modules
import natives
from surface import missing
from wire import exchange, wire

VERSION = 1


def connect():
    """Open the stream; what the board says of itself."""
    if sys.platform == "webassembly":
        from link_wasm import Link
    else:
        from link_stdio import Link
    wire.open(Link())
    version = ".".join([str(part) for part in sys.implementation[1][:3]])
    return exchange("vm.hello", VERSION, sys.platform + " " + version)


def set_up(said):
    natives.settings.update(said)
    modules.ERRNO_NAMES.update(said["errno"])
    natives.settings["path"] = importer.path
    for prefix in said["hide"]:
        errors.hide(prefix)
    errors.install()
    console.install()
    natives.install()
    builtins.__tick__ = board.tick
    builtins.__while__ = board.tick_while
    builtins.__each__ = board.tick_each
    builtins.__parsed__ = board.parsed
    language.install()
    builtins.open = _open
    importer.install(said)
    importer.imports.provide("_board", {
        "call": board.call, "on_interrupt": board.on_interrupt,
        "refuse": lambda path: missing(path, None, importer.note)(),
    })  # fmt: skip


def _open(*args, **keywords):
    return importer.imports.builtin("uio").open(*args, **keywords)


def serve():
    """Run one program after the other in one name space, until the board ends this process."""
    main, names = importer.new_module("__main__")
    importer.loaded["__main__"] = main
    importer.leave_boot_names(names)
    while True:
        job, value = exchange("vm.next")
        if job == "run":
            run(value, names)
        else:  # stand at the prompt until the time `value`
            while board.call("rtc.sleep_until", value):
                pass


def run(name, namespace):
    try:
        importer.run_file(name, namespace, False)
    except SystemExit:
        pass
    except BaseException as error:
        exchange("vm.failed", errors.text(error))


set_up(connect())
serve()
