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

from emulator.board.faults import Fault

OPTIONS: dict[str, tuple[str, ...]] = {
    "mute": ("for_ms", "forever", "delay_ms"),
    "late": ("late_ms", "part"),
    "cut": ("first", "last"),
    "error": ("cme",),
    "garbage": ("text",),
    "urc": ("text", "where"),
    "crash": ("file", "delay_ms"),
    "missing_ok": (),
    "no_info": (),
    "glued": (),
}
PLACES = ("before", "between", "after")
CRASH_FILE = "lte_rrc_main.c@1874"  # invented; the form is that of a Monarch assertion


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
    urcs: dict[str, list[str]] = field(default_factory=lambda: {place: [] for place in PLACES})
    missing_final: bool = False
    no_info: bool = False
    glued: bool = False
    later: list[Fault] = field(default_factory=list)  # mute and crash, for the modem to carry out

    @property
    def collects(self) -> bool:
        """The answer has to be complete before anything of it is sent."""
        return bool(self.lose_first or self.lose_last or self.glued)


def from_faults(found: list[Fault]) -> AnswerFaults:
    faults = AnswerFaults()
    for fault in found:
        options = fault.options
        if fault.do in ("mute", "crash"):
            faults.swallow = faults.swallow or not options.get("delay_ms")
            faults.later.append(fault)
        elif fault.do == "late":
            name = "late_final_ms" if options.get("part") == "final" else "late_ms"
            setattr(faults, name, float(options.get("late_ms", 8000)))
        elif fault.do == "cut":
            faults.lose_first = int(options.get("first", 0))
            faults.lose_last = int(options.get("last", 0))
        elif fault.do == "error":
            faults.error, faults.cme = True, options.get("cme")
        elif fault.do == "garbage":
            faults.prefix = str(options.get("text", "\x00\xff"))
        elif fault.do == "urc":
            faults.urcs[options.get("where", "before")].append(str(options["text"]))
        elif fault.do == "missing_ok":
            faults.missing_final = True
        elif fault.do == "no_info":
            faults.no_info = True
        elif fault.do == "glued":
            faults.glued = True
    return faults


def check(table: dict[str, object]) -> None:
    """ValueError for a [[fault]] table of point "command" whose keys make no sense."""
    do = table.get("do")
    if do not in OPTIONS:
        raise ValueError(f"fault: do = {do!r} at a command; allowed: {', '.join(OPTIONS)}")
    allowed = ("point", "match", "nth", "do", *OPTIONS[str(do)])
    for key in table:
        if key not in allowed:
            raise ValueError(f"fault {do}: unknown key {key!r}; allowed: {', '.join(allowed)}")
    if do == "urc" and not isinstance(table.get("text"), str):
        raise ValueError(f"fault urc: text = {table.get('text')!r}; the line to send is needed")
    where = table.get("where", "before")
    if where not in PLACES:
        raise ValueError(f"fault urc: where = {where!r}; allowed: {', '.join(PLACES)}")
    if table.get("part", "all") not in ("all", "final"):
        raise ValueError(f"fault late: part = {table['part']!r}; allowed: all, final")
