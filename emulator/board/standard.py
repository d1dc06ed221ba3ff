"""The components that every board has, plugged in at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from emulator.board.adc import Adc
from emulator.board.aes import Aes
from emulator.board.board import Board
from emulator.board.consolepins import ConsolePins
from emulator.board.flash import FAT, LITTLEFS, Flash
from emulator.board.hashes import Hashes
from emulator.board.i2c import I2c
from emulator.board.irq import Irq
from emulator.board.nvs import Config, Nvs
from emulator.board.options import check_range
from emulator.board.ota import Ota
from emulator.board.pins import Pins
from emulator.board.rtc import Rtc
from emulator.board.sd import Files, Sd
from emulator.board.serial import Serial
from emulator.board.slowclock import DRAWN
from emulator.board.supply import Supply
from emulator.board.system import System
from emulator.board.timers import Timers
from emulator.board.watchdog import Watchdog


@dataclass
class BoardOptions:
    """Section [board] of a scenario."""

    filesystem: Literal["littlefs", "fat"] = "littlefs"
    # of the firmware: new boards come with Pybytes
    build: Literal["base", "pybytes"] = "pybytes"
    # of the firmware: AT lines may be longer than 124 bytes, by Pycom's pull request 429
    long_commands: bool = False
    sd: str = ""  # a folder of this computer that is the card in the slot; "": no card
    sd_mb: int = 4096  # size of the card
    shield: str = ""  # the board is plugged into: a file of emulator/shields; "": none
    # percent by which the clock of deep sleep runs fast, wandering by 0.5; 0: exact; 99: drawn
    rtc_drift: float = DRAWN

    def __post_init__(self) -> None:
        check_range(self, "sd_mb", 1, 32_768)
        if self.sd and not Path(self.sd).is_dir():
            raise ValueError(f"sd = {self.sd!r}; a folder that exists is needed")
        if self.rtc_drift != DRAWN:
            check_range(self, "rtc_drift", -10, 10)

    @property
    def fs_type(self) -> int:
        return FAT if self.filesystem == "fat" else LITTLEFS


def plug_standard(
    board: Board,
    flash_root: Path,
    nvs_file: Path | None = None,
    fs_type: int = LITTLEFS,
    rtc_drift: float = 0.0,
) -> None:
    """Plug in what is not there yet. An existing flash gets the new root.

    nvs_file: NVS and the stored settings are read from it and kept in it (JSON); None: in memory.
    fs_type: of the flash as it is; FAT: that of a board whose setting says so.
    rtc_drift: as in BoardOptions.
    """
    flash = board.services.get("flash")
    if isinstance(flash, Flash):
        flash.root = flash_root.resolve()
    services = {
        "irq": lambda: Irq(board),
        "supply": lambda: Supply(board),
        "nvs": lambda: Nvs(board, nvs_file),
        "config": lambda: Config(board, nvs_file, fs_type),
        "flash": lambda: Files(board, flash_root, fs_type),
        "sd": lambda: Sd(board),
        "rtc": lambda: Rtc(board, rtc_drift),
        "pins": lambda: Pins(board),
        "console": lambda: ConsolePins(board),
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
