"""sys of the device. Source: Pycom firmware 1.20.2.r4, py/modsys.c, boards/*/mpconfigboard.h."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from emulator.board.board import Board
from emulator.vm.console import Console, ConsoleStream, stream_writer
from emulator.vm.core.collections import namedtuple

_Implementation: Any = namedtuple("", "name version")


def sys_names(
    board: Board,
    console: Console,
    modules: dict[str, Any],
    path: list[str],
    format_exception: Callable[[BaseException], str],
) -> dict[str, Any]:
    stream = ConsoleStream(console)

    def device_exit(status: Any = None, /) -> None:
        raise SystemExit(*(() if status is None else (status,)))

    def print_exception(error: BaseException, file: Any = stream, /) -> None:
        stream_writer(file)(format_exception(error))

    def exc_info() -> tuple[Any, Any, None]:
        error = sys.exc_info()[1]
        return type(error) if error is not None else None, error, None

    return {
        "platform": board.name,
        "version": "3.4.0",
        "version_info": (3, 4, 0),
        "implementation": _Implementation("micropython", (1, 11, 0)),
        "byteorder": "little",
        "maxsize": 0x7FFFFFFF,
        "path": path,
        "argv": [],
        "modules": modules,
        "stdin": stream,
        "stdout": stream,
        "stderr": stream,
        "exit": device_exit,
        "print_exception": print_exception,
        "exc_info": exc_info,
    }
