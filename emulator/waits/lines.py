"""Pins that nothing drives, and UARTs that nobody is connected to."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board

CALLS = ("pins.read", "serial.any", "serial.read", "serial.readline")


def hint(board: Board, name: str, args: tuple[Any, ...]) -> str | None:
    service: Any = board.services[name.partition(".")[0]]
    if service.connected(args[0]):
        return None
    what = f"pin {args[0]}" if name == "pins.read" else f"UART {args[0]}"
    return f"looks at {what}, and nothing is connected to it ([chips] of a scenario)"
