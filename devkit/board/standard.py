"""The components that every board has, plugged in at once."""

from __future__ import annotations

from pathlib import Path

from devkit.board.adc import Adc
from devkit.board.aes import Aes
from devkit.board.board import Board
from devkit.board.flash import FAT, Flash
from devkit.board.hashes import Hashes
from devkit.board.i2c import I2c
from devkit.board.irq import Irq
from devkit.board.nvs import Config, Nvs
from devkit.board.ota import Ota
from devkit.board.pins import Pins
from devkit.board.rtc import Rtc
from devkit.board.serial import Serial
from devkit.board.system import System
from devkit.board.timers import Timers
from devkit.board.watchdog import Watchdog


def plug_standard(
    board: Board,
    flash_root: Path,
    nvs_file: Path | None = None,
    fs_type: int = FAT,
) -> None:
    """Plug in what is not there yet. An existing flash gets the new root.

    nvs_file: NVS and the stored settings are read from it and kept in it (JSON); None: in memory.
    """
    flash = board.services.get("flash")
    if isinstance(flash, Flash):
        flash.set_root(flash_root)
    services = {
        "irq": lambda: Irq(board),
        "flash": lambda: Flash(board, flash_root, fs_type),
        "nvs": lambda: Nvs(board, nvs_file),
        "config": lambda: Config(board, nvs_file),
        "rtc": lambda: Rtc(board),
        "pins": lambda: Pins(board),
        "adc": lambda: Adc(board),
        "i2c": lambda: I2c(board),
        "serial": lambda: Serial(board),
        "timers": lambda: Timers(board),
        "wdt": lambda: Watchdog(board),
        "system": lambda: System(board),
        "hash": lambda: Hashes(board),
        "aes": lambda: Aes(board),
        "ota": lambda: Ota(board),
    }
    for name, make in services.items():
        if name not in board.services:
            board.plug(name, make())
