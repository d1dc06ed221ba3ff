"""Faults that strike a command line, turned into what happens to its answer.

In a scenario, as [[fault]] with point = "command" and match = the beginning of the line:

    do             further keys
    "mute"         (none: this line is swallowed) | for_ms = 5000 | forever = true; delay_ms = 0
    "late"         late_ms = 8000; part = "all" (nothing before that) or "final" (only OK)
    "cut"          first = 3 and/or last = 3: so many bytes of the answer are lost
    "error"        cme = 3 (shown as +CMEE says; without it plain ERROR); the command is not done
    "garbage"      text = "..." in front of the answer
    "urc"          text = "+CEREG: 4"; where = "before" information, "between" it and OK, "after"
    "crash"        file = "x.c@12"; delay_ms = 0: the firmware asserts and restarts
    "missing_ok"   the final result code is never sent
    "no_info"      only the final result code is sent
    "glued"        the answer is sent together with the next one

`mute` and `crash` with delay_ms let the line itself be answered first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from emulator.board import options
from emulator.board.faults import Fault, NoKeys

Place = Literal["before", "between", "after"]
CRASH_FILE = "lte_rrc_main.c@1874"  # invented; the form is that of a Monarch assertion


@dataclass
class Mute:
    for_ms: float | None = None
    forever: bool = False
    delay_ms: float = 0.0


@dataclass
class Crash:
    file: str = CRASH_FILE
    delay_ms: float = 0.0


@dataclass
class Late:
    late_ms: float = 8000.0
    part: Literal["all", "final"] = "all"


@dataclass
class Cut:
    first: int = 0
    last: int = 0


@dataclass
class Error:
    cme: int | None = None


@dataclass
class Garbage:
    text: str = "\x00\xff"


@dataclass
class Urc:
    text: str
    where: Place = "before"


WORDS: dict[str, type] = {
    "mute": Mute,
    "late": Late,
    "cut": Cut,
    "error": Error,
    "garbage": Garbage,
    "urc": Urc,
    "crash": Crash,
    "missing_ok": NoKeys,
    "no_info": NoKeys,
    "glued": NoKeys,
}


@dataclass
class AnswerFaults:
    """What to do to the answer of one line."""

    swallow: bool = False
    late_ms: float = 0.0
    late_final_ms: float = 0.0
    lose_first: int = 0
    lose_last: int = 0
    error: bool = False
    cme: int | None = None
    prefix: str = ""
    urcs: list[Urc] = field(default_factory=list)
    missing_final: bool = False
    no_info: bool = False
    glued: bool = False
    later: list[Mute | Crash] = field(default_factory=list)  # for the modem to carry out

    @property
    def collects(self) -> bool:
        """The answer has to be complete before anything of it is sent."""
        return bool(self.lose_first or self.lose_last or self.glued)


def from_faults(found: list[Fault]) -> AnswerFaults:
    faults = AnswerFaults()
    for fault in found:
        keys: Any = options.from_table(WORDS[fault.do], fault.options, f"fault {fault.do}:")
        if isinstance(keys, Mute | Crash):
            faults.swallow |= not keys.delay_ms
            if isinstance(keys, Crash) or fault.options:  # a plain mute swallows this line alone
                faults.later.append(keys)
        elif isinstance(keys, Late):
            setattr(faults, "late_final_ms" if keys.part == "final" else "late_ms", keys.late_ms)
        elif isinstance(keys, Cut):
            faults.lose_first, faults.lose_last = keys.first, keys.last
        elif isinstance(keys, Error):
            faults.error, faults.cme = True, keys.cme
        elif isinstance(keys, Garbage):
            faults.prefix = keys.text
        elif isinstance(keys, Urc):
            faults.urcs.append(keys)
        faults.missing_final |= fault.do == "missing_ok"
        faults.no_info |= fault.do == "no_info"
        faults.glued |= fault.do == "glued"
    return faults
