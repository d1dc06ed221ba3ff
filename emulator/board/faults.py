"""Faults are data: what goes wrong and when, as listed under [[fault]] in a scenario.

A component asks `faults.due(point, subject)` each time it reaches a point at which something can
go wrong, and gets the faults that strike there and then. Points and their subjects:

    time      the fault strikes at `at_ms` after power-on; nobody asks, an event fires it
    command   an AT command line arrived at the modem ("AT+CEREG?")
    file      a file operation ("open config.py", "write log.txt", "rename a b")
    nvs       an NVS operation ("set seq"), or one on the settings ("setting wifi_on_boot")
    i2c       a transfer ("read 0x40", "write 0x40")

In a scenario:

    [[fault]]
    point = "command"      # one of the above
    match = "AT+CEREG"     # the subject must start with this (empty: any)
    nth = 2                # strikes at the n-th such subject (1 = first); 0: at every one
    do = "mute"            # what happens; the component that asked knows the word
    text = "+CEREG: 4"     # the further keys of that word
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from errno import EIO
from functools import partial
from typing import Any, Literal

from emulator.board import options
from emulator.board.clock import Clock
from emulator.board.trace import Trace


@dataclass
class NoKeys:
    pass


@dataclass
class FileFails:
    errno: int = EIO


@dataclass
class NvsFails:
    code: int = 4353


When = Literal["before", "during", "after"]
Cause = Literal["power_on", "watchdog", "brown_out"]


@dataclass
class FilePowerCut:
    when: When = "during"
    # What "during" leaves of the file on FAT; "": drawn (emulator/board/flashspace.py)
    left: Literal["", "torn", "empty", "lost"] = ""


@dataclass
class FileReset(FilePowerCut):
    cause: Cause = "watchdog"  # as the next start sees it


@dataclass
class NvsPowerCut:
    when: When = "before"


@dataclass
class NvsReset(NvsPowerCut):
    cause: Cause = "watchdog"


@dataclass
class BrownOut:
    """The supply sags, at `at_ms`, or from then on whenever the board draws more than
    `above_ma`."""

    above_ma: float = 0.0  # 0: at `at_ms`, once


@dataclass
class Zeros:
    """A stretch of a file reads as zeros from `at_ms` on."""

    file: str
    start: int = 0
    bytes: int = 0  # 0: to the end of the file

    def __post_init__(self) -> None:
        options.check_range(self, "start bytes", 0)


# Words of the points that belong to the board itself, with the keys of each
WORDS: dict[str, dict[str, type]] = {
    "time": {"brown_out": BrownOut, "zeros": Zeros, "sd_out": NoKeys, "sd_in": NoKeys},
    "file": {"fail": FileFails, "full": NoKeys, "power_cut": FilePowerCut, "reset": FileReset},
    "nvs": {"fail": NvsFails, "full": NoKeys, "power_cut": NvsPowerCut, "reset": NvsReset},
    "i2c": dict.fromkeys(("nack", "stuck", "corrupt"), NoKeys),
}


def own_keys(point: object) -> tuple[str, ...]:
    """The keys that each fault of a point has, whatever its word."""
    return ("point", "do", *(("at_ms",) if point == "time" else ("match", "nth")))


@dataclass
class Fault:
    point: Literal["time", "command", "file", "nvs", "i2c"]
    do: str
    match: str = ""
    nth: int = 0
    at_ms: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    seen: int = 0

    def __post_init__(self) -> None:
        if not self.do:
            raise ValueError("do = ''; a word is needed, such as \"mute\"")
        options.check_range(self, "nth at_ms", 0)

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Fault:
        """Build from one [[fault]] table. ValueError names key, value and what is allowed."""
        own = own_keys(table.get("point"))
        fault = options.from_table(cls, {key: table[key] for key in own if key in table}, "fault")
        fault.options = {key: value for key, value in table.items() if key not in own}
        return fault

    def keys(self) -> Any:
        """The keys of a word of the board itself (WORDS)."""
        return options.from_table(WORDS[self.point][self.do], self.options, f"fault {self.do}:")


class Faults:
    def __init__(self, clock: Clock, trace: Trace, faults: list[Fault]) -> None:
        self._trace = trace
        self._faults = faults
        self._handlers: dict[str, Callable[[Fault], None]] = {}
        for fault in faults:
            if fault.point == "time":
                clock.schedule_ms(fault.at_ms, partial(self._strike, fault))

    def on_time(self, do: str, handler: Callable[[Fault], None]) -> None:
        """Have `handler` carry out time faults whose word is `do`."""
        self._handlers[do] = handler

    def due(self, point: str, subject: str) -> list[Fault]:
        """The faults that strike at this point now, each counted and traced."""
        struck = []
        for fault in self._faults:
            if fault.point != point or not subject.startswith(fault.match):
                continue
            fault.seen += 1
            if fault.nth in (0, fault.seen):
                self._trace.add("fault", f"{fault.do} at {point} {subject}")
                struck.append(fault)
        return struck

    def _strike(self, fault: Fault) -> None:
        handler = self._handlers.get(fault.do)
        self._trace.add("fault", f"{fault.do} at {fault.at_ms} ms")
        if handler is not None:
            handler(fault)
