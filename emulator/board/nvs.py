"""What the ESP32 keeps in NVS: the application's key-value store and the stored settings.

Values are 32-bit integers and texts; the integer of a key hides a text of the same key. Everything
here survives any reset. Optionally both are kept in a JSON file.

Fault point "nvs", subjects "set KEY", "erase KEY", and "setting NAME" for the settings:
do = "fail" (Exception with the code), "full" (OSError), "power_cut" and "reset" (when = "before",
the default, "during" or "after"). An entry of NVS is valid once it is whole: "during" leaves the
old value. The settings are one sector that is erased and written again: "during" leaves a board
with the settings of an erased one, LittleFS among them.
Source: Pycom firmware 1.20.2.r4 (modpycom.c, pycom_config.c: config_write); ESP-IDF 3.3 (nvs).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.board.board import Board, Service
from emulator.board.constants import ESTIMATE, constant
from emulator.board.faults import Fault
from emulator.board.flashspace import FAT, LITTLEFS
from emulator.board.secrets import HIDDEN

KEY_LIMIT = 15
TEXT_LIMIT = 1984
# 28 KiB are seven pages of 126 entries of 32 bytes; one page stays free for the next clean-up.
ENTRIES_PER_PAGE = 126
ENTRIES = 6 * ENTRIES_PER_PAGE
SET_US = constant(1_000, "us", ESTIMATE, "a page of the flash programmed, and a sector erased")
PAGE_TURN_US = constant(
    45_000, "us", ESTIMATE, "a page of the flash programmed, and a sector erased"
)


def _signed(number: int) -> int:
    """The number as a signed 32-bit one, higher bits cut off."""
    return (number + 0x80000000) % 0x100000000 - 0x80000000


class _Store:
    """A part of a JSON file, or nothing."""

    def __init__(self, file: Path | None, part: str) -> None:
        self._file = file
        self._part = part

    def load(self) -> Any:
        if self._file is None or not self._file.is_file():
            return None
        return json.loads(self._file.read_text(encoding="utf-8")).get(self._part)

    def save(self, value: Any) -> None:
        if self._file is None:
            return
        whole = {}
        if self._file.is_file():
            whole = json.loads(self._file.read_text(encoding="utf-8"))
        whole[self._part] = value
        self._file.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


class Nvs(Service):
    def __init__(self, board: Board, file: Path | None = None) -> None:
        super().__init__(board)
        self._store = _Store(file, "nvs")
        # (key, kind) -> value, oldest record first; kind is "int" or "text"
        self.records: dict[tuple[str, str], int | str] = {}
        for key, kind, value in self._store.load() or []:
            self.records[key, kind] = value
        self.written = 0  # entries, since power-on

    def put(self, key: str, value: int | str) -> None:
        """Have a value in the store, as damage or another program would leave it."""
        for kind in ("int", "text"):
            self.records.pop((key, kind), None)
        self.records[key, "int" if isinstance(value, int) else "text"] = value

    def do_set(self, key: str, value: int | str | bytes) -> None:
        _check_key(key)
        record: int | str
        if isinstance(value, int) and not isinstance(value, bool):
            kind, record, entries = "int", _signed(value), 1
        elif isinstance(value, (str, bytes)):
            raw = value.encode() if isinstance(value, str) else value
            if len(raw) >= TEXT_LIMIT:
                raise ValueError(f"value too long (max: {TEXT_LIMIT})")
            raw = raw.split(b"\0")[0]
            kind, record, entries = "text", raw.decode("utf-8", "surrogateescape"), _entries(raw)
        else:
            raise ValueError("Value must be string, bytes or integer")
        after = strike(self.board, f"set {key}")
        if self._used_without(key, kind) + entries > ENTRIES:
            raise OSError("No free space available")
        self.records.pop((key, kind), None)
        self.records[key, kind] = record
        self._commit(f"set {key} = {record!r}", entries)
        if after is not None:
            self.board.break_off(after)

    def do_get(self, key: str) -> list[int | str]:
        """[value], or [] for a key without a record."""
        _check_key(key)
        for kind in ("int", "text"):
            if (key, kind) in self.records:
                return [self.records[key, kind]]
        return []

    def do_erase(self, key: str) -> None:
        """Remove one record of the key: the older one, if it has two."""
        _check_key(key)
        after = strike(self.board, f"erase {key}")
        for record in self.records:
            if record[0] == key:
                del self.records[record]
                break
        else:
            raise KeyError("key not found")
        self._commit(f"erase {key}", 1)
        if after is not None:
            self.board.break_off(after)

    def do_erase_all(self) -> None:
        self.records.clear()
        self._commit("erase all", 1)

    def _used_without(self, key: str, kind: str) -> int:
        return sum(
            1 if record[1] == "int" else _entries(str(value).encode("utf-8", "surrogateescape"))
            for record, value in self.records.items()
            if record != (key, kind)
        )

    def _commit(self, what: str, entries: int) -> None:
        turns = self.written // ENTRIES_PER_PAGE
        self.written += entries
        turned = self.written // ENTRIES_PER_PAGE > turns
        self._store.save([[key, kind, value] for (key, kind), value in self.records.items()])
        self.board.trace.add("nvs", what)
        self.board.spend_us(PAGE_TURN_US if turned else SET_US)


def strike(
    board: Board, subject: str, during: Callable[[], object] = lambda: None
) -> Fault | None:
    """Let the faults strike that are due; the one that is to end the program after the operation.
    `during` does what an operation that is broken off leaves."""
    after = None
    for fault in board.faults.due("nvs", subject):
        if fault.do == "full":
            raise OSError("No free space available")
        if fault.do == "fail":
            code = fault.keys().code
            raise Exception(f"Error occurred while storing value, code: {code}")
        when = fault.keys().when
        if when == "during":
            during()
        if when != "after":
            board.break_off(fault)
        after = fault
    return after


def _check_key(key: str) -> None:
    if not key:
        raise ValueError("Key is invalid")
    if len(key.encode()) > KEY_LIMIT:
        raise ValueError("Key is too long")


def _entries(raw: bytes) -> int:
    return 1 + -(-(len(raw) + 1) // 32)


# What an erased board does.
DEFAULT_FLAGS: dict[str, Any] = {
    "heartbeat_on_boot": True,
    "wifi_on_boot": True,
    "wifi_mode_on_boot": 2,
    "wifi_ssid_sta": None,
    "wifi_ssid_ap": None,
    "wifi_pwd_sta": None,
    "wifi_pwd_ap": None,
    "wdt_on_boot": False,
    "wdt_on_boot_timeout": 0xFFFFFFFF,
    "lte_modem_en_on_boot": True,
    "pybytes_on_boot": True,
    "smart_config_on_boot": True,
    "boot_fs_type": 0xFF,  # never written
    "boot_partition": 0,
    "safeboot": 0,
}
# In a sector of the boot loader's, which a write of the others does not touch
BOOT_INFO = ("boot_partition", "safeboot")
SAFE_BOOT_HW, SAFE_BOOT_SW = 1, 2  # by the pin, or asked for by bootmgr()


class Config(Service):
    """The settings behind pycom.*_on_boot and bootmgr, in a block of flash of their own."""

    def __init__(self, board: Board, file: Path | None = None, fs_type: int = LITTLEFS) -> None:
        """fs_type: of the board as it is; FAT means that the setting has been written."""
        super().__init__(board)
        self._store = _Store(file, "config")
        self.flags: dict[str, Any] = dict(DEFAULT_FLAGS)
        if fs_type == FAT:
            self.flags["boot_fs_type"] = FAT
        self.flags.update(self._store.load() or {})

    @property
    def fs_type(self) -> int:
        """File system of the next start. LittleFS where the setting was never written."""
        setting = int(self.flags["boot_fs_type"])
        return LITTLEFS if setting == DEFAULT_FLAGS["boot_fs_type"] else setting

    def do_fs_type(self) -> int:
        return self.fs_type

    def safe_boot(self, by_pin: bool) -> bool:
        """What the boot loader makes of the pin and of bootmgr(): one that was asked for is
        carried out once."""
        asked = self.flags["safeboot"] == SAFE_BOOT_SW
        self.flags["safeboot"] = SAFE_BOOT_HW if asked or by_pin else 0
        return bool(self.flags["safeboot"])

    def do_get(self, name: str) -> Any:
        return self.flags[name]

    def do_set(self, name: str, value: Any) -> None:
        if name == "wdt_on_boot_timeout" and value < 5000:
            raise ValueError("WDT on boot timeout must be >= 5000 ms")
        if name not in self.flags:
            raise ValueError("invalid argument(s) value")
        after = strike(self.board, f"setting {name}", lambda: self._erase(name))
        self.flags[name] = value
        self._store.save(self.flags)
        shown = HIDDEN if "pwd" in name else value
        self.board.trace.add("nvs", f"setting {name} = {shown!r}")
        self.board.spend_us(PAGE_TURN_US)
        if after is not None:
            self.board.break_off(after)

    def _erase(self, name: str) -> None:
        """The sector of this setting is erased, and what stood in it is lost."""
        of_loader = name in BOOT_INFO
        for each, value in DEFAULT_FLAGS.items():
            if (each in BOOT_INFO) == of_loader:
                self.flags[each] = value
        self._store.save(self.flags)
