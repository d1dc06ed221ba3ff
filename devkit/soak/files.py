"""One file of the device, or one value that it keeps, damaged; then the good file again.

The damages are a fixed list: each file of the template's node empty, cut, missing, zeroed and
overwritten; config.py and credentials.py in a hundred ways that an editor, a cut or a mistake may
leave, endless loops among them; values of the NVS and the RTC memory. A seed is one of them, mixed
so that a few seeds meet all kinds; beyond the end of the list the same damages meet other random
bytes. Rules:

    sleeps      within three watchdog times, and the starts that belong to them, the board sleeps
    radio       the radio is off in this sleep
    rests       the sleep lasts an hour at most, or the period
    works       with the good file back, a report is sent within two cycles
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from devkit.soak.rig import Rig, radio_off, run_to_sleep
from emulator.board.board import DEEPSLEEP_RESET, PWRON_RESET
from emulator.emulator import Emulator

RUNS = 500
WATCHDOG_MS = 60_000  # of boot.py; the node itself has _WATCHDOG_S
# Three bites, four starts of up to 1.6 s, and the firmware alone switching the modem off
AWAKE_MS = 3 * WATCHDOG_MS + 30_000
SLEEP_MS = 3_600_000

Damage = Callable[[Rig, Emulator, random.Random], object]


class Case(NamedTuple):
    about: str
    damage: Damage
    causes: tuple[int, ...] = (PWRON_RESET, DEEPSLEEP_RESET)  # of the start that meets it


def violations(rig: Rig, seed: int) -> list[tuple[str, str]]:
    mixed = cases(rig)
    random.Random(0).shuffle(mixed)
    case, rng = mixed[(seed - 1) % len(mixed)], random.Random(seed)
    found = []
    with rig.board({}, seed, "nbiot") as emulator:
        case.damage(rig, emulator, rng)
        cycles, cause = run_to_sleep(emulator, rng.choice(case.causes), AWAKE_MS)
        awake_ms = sum(cycle.awake_ms for cycle in cycles)
        if cycles[-1].ended != "deepsleep" or awake_ms > AWAKE_MS:
            endings = ", ".join(dict.fromkeys(cycle.ended for cycle in cycles))
            return [("sleeps", f"{case.about}: {len(cycles)} starts, {awake_ms} ms: {endings}")]
        if not radio_off(emulator):
            found.append(("radio", case.about))
        if _slept_ms(emulator) > SLEEP_MS:
            found.append(("rests", f"{case.about}: {_slept_ms(emulator)} ms"))
        rig.restore()
        later = emulator.run(cycles=2, cause=DEEPSLEEP_RESET if cause is None else cause)
        if not any(cycle.accepted for cycle in later):
            told = ", ".join(f"{cycle.ended} {cycle.cause}" for cycle in later)
            found.append(("works", f"{case.about}: {told}"))
    return found


def _slept_ms(emulator: Emulator) -> int:
    """Duration of the last deep sleep; one without an end is longer than any."""
    text = emulator.board.trace.of("sleep")[-1].text.split()[0]
    return int(text) if text.isdigit() else 2**31


def cases(rig: Rig) -> list[Case]:
    """All damages, in their order."""
    names = rig.loaded("nbiot")
    found = [case for name in names for case in _of_any_file(name, rig.files[name])]
    for name, lines in (("config.py", FIELDS), ("credentials.py", [])):
        texts = _broken_texts(rig.files[name].decode(), lines)
        found += [_written(name, what, new.encode()) for what, new in texts]
    return found + list(_of_memory()) + list(_of_nvs())


def _written(name: str, what: str, content: bytes | None) -> Case:
    return Case(f"{name} {what}", lambda rig, emulator, rng: rig.put(name, content))


def _of_any_file(name: str, good: bytes) -> Iterator[Case]:
    yield _written(name, "empty", b"")
    yield _written(name, "cut in half", good[: len(good) // 2])
    yield _written(name, "missing", None)
    yield _written(name, "zeroed", bytes(len(good)))
    yield _written(
        name, "zeroed behind its first half", good[: len(good) // 2].ljust(len(good), b"\0")
    )
    yield Case(
        f"{name} cut anywhere",
        lambda rig, emulator, rng: rig.put(name, good[: rng.randrange(len(good))]),
    )
    yield Case(
        f"{name} random", lambda rig, emulator, rng: rig.put(name, rng.randbytes(len(good)))
    )
    yield Case(
        f"{name} with a random stretch",
        lambda rig, emulator, rng: rig.put(name, _patched(good, rng)),
    )


def _patched(good: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(good))
    return good[:at] + rng.randbytes(min(256, len(good) - at)) + good[at + 256 :]


# What follows a good file, or stands in front of it
ENDLESS = (
    "while True: pass",
    "while 1:\n    x = 1",
    "import utime\nwhile True: utime.sleep(1)",
    "import utime\nutime.sleep(10 ** 6)",
    "import utime\nwhile True: utime.sleep_ms(1)",
    "for _ in iter(int, 1): pass",
    "x = [0 for _ in iter(int, 1)]",
    "def f():\n    while True: yield\nfor _ in f(): pass",
    "import network\nl = network.LTE()\nwhile True: l.isattached()",
    "import machine\nwhile True: machine.idle()",
)
RAISES = (
    "raise ValueError('x')",
    "raise SystemExit",
    "import sys\nsys.exit()",
    "1 / 0",
    "import nothing_of_this_name",
    "undefined",
    "def f(): f()\nf()",
    "class E(BaseException): pass\nraise E",
    "assert 0",
    "raise MemoryError",
    "import machine\nmachine.reset()",
    "import machine\nmachine.deepsleep(1000)",
    "import machine\nmachine.disable_irq()",
    "import config\nconfig.none",
    "del _PERIOD_S",
    "globals().clear()",
    "import sys\nsys.modules.clear()",
    "import sys\nsys.path[:] = []",
)
SYNTAX = (
    "x = (", "x = ]", "def", "if True", "x = 'a", 'x = """', "  indented = 1", "x = 1 +", "return",
    "break", "yield", "f'x'", "x: int = 1", "\0", "\u00fc = \ufffd", "<<<<<<< HEAD", "=======",
    "\t x = 1", "else:", "import", "from x import", "print 'x'", "x = 0777", "x = {1: }",
)  # fmt: skip
FIELDS = """
_PERIOD_S = None
_PERIOD_S = -1
_PERIOD_S = '900'
_PERIOD_S = 10 ** 12
_PERIOD_S = 0.5
_WATCHDOG_S = 0
_WATCHDOG_S = -1
_WATCHDOG_S = '60'
_WATCHDOG_S = 10 ** 9
_WATCHDOG_S = None
_WATCHDOG_S = 1
_BEARER = None
_BEARER = 'none'
_BEARER = 7
_BEARER = '../main'
_BEARER = '__init__'
_PROTOCOL = 'none'
_PROTOCOL = []
_SENSORS = None
_SENSORS = 5
_SENSORS = (None,)
_SENSORS = (('none', {}),)
_SENSORS = (('si7021',),)
_SENSORS = (('si7021', {'sda_pin': 'P5', 'scl_pin': 'P7'}),)
_SENSORS = ('si7021', {})
_SENSORS = (('analog_generic', {'data_pin': 'P99'}),)
_HOST = None
_HOST = ''
_HOST = 'x' * 300
_PORT = '1'
_PORT = -1
_BATTERY_PIN = 'P1'
_BATTERY_PIN = 7
_BATTERY_DIVIDER = 0
_BATTERY_MIN_MV = '3300'
_BATTERY_MIN_MV = 10 ** 6
_BATTERY_SLEEP_S = 0
_BATTERY_SLEEP_S = -5
_BATTERY_SLEEP_S = None
_LOG_LEVEL = 'LOUD'
_LOG_LEVEL = None
_DEVICE_NAME = 'a b'
_DEVICE_NAME = 5
_APN = None
_APN = 'x' * 500
_IP_VERSION = 4
_MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 10 ** 7
_JOURNAL_BYTES = -1
_PHASES_EVERY = None
_BAND = 'x'
""".strip().splitlines()


def _broken_texts(good: str, fields: list[str]) -> Iterator[tuple[str, str]]:
    """(what it is, the whole text)."""
    for line in (*ENDLESS, *RAISES):
        yield f"with {line.splitlines()[-1]!r} at its end", f"{good}\n{line}\n"
    for line in (*ENDLESS[:2], *RAISES[:5]):
        yield f"with {line.splitlines()[-1]!r} at its start", f"{line}\n{good}"
    middle = good.index("\n", len(good) // 2) + 1
    for line in SYNTAX:
        yield f"with {line!r} in its middle", f"{good[:middle]}{line}\n{good[middle:]}"
    for line in fields:
        yield f"with {line!r}", f"{good}\n{line}\n"
    yield "without its commas", good.replace(",", "")
    yield "without line ends", good.replace("\n", " ")
    yield "with the line ends of another system", good.replace("\n", "\r")
    yield "with quotes of a word processor", re.sub(r'"(\w)', "\u201c\\1", good)
    yield "twice", good + good
    yield "in another encoding", good.encode("utf-16").decode("latin-1")


def _of_memory() -> Iterator[Case]:
    def kept(content: bytes) -> Damage:
        def damage(rig: Rig, emulator: Emulator, rng: random.Random) -> None:
            rtc: Any = emulator.board.services["rtc"]
            rtc.kept = content or rng.randbytes(rng.randrange(2048))

        return damage

    texts = (
        b"\0" * 2048, b"\xff" * 2048, b"", b"2 {}", b'12 {"phases":5}', b'14 {"phases":[5]}',
        b'20 {"phases":[[1,2,3]]}', b'22 {"phases":[["a",{},[]]]}', b'13 {"link":[{}]}', b"2 []",
        b"4 null", b"5 [1,2", b"-1 {}", b"99999999999999999999 {}", b'13 {"awake_ms":{}}',
        b'15 {"phases": null}', b'9 {"seq":{}}', b"1 1", b"x y", b" ",
    )  # fmt: skip
    for text in texts:
        yield Case(f"RTC memory {text[:30]!r}", kept(text), (DEEPSLEEP_RESET,))


def _of_nvs() -> Iterator[Case]:
    def damage_of(value: int | str) -> Damage:
        def damage(rig: Rig, emulator: Emulator, rng: random.Random) -> None:
            nvs: Any = emulator.board.services["nvs"]
            for key in {key for key, _ in nvs.records}:
                nvs.put(key, value)

        return damage

    def cleared(rig: Rig, emulator: Emulator, rng: random.Random) -> None:
        nvs: Any = emulator.board.services["nvs"]
        nvs.records.clear()

    def erased(rig: Rig, emulator: Emulator, rng: random.Random) -> None:
        config: Any = emulator.board.services["config"]
        config._erase("wifi_on_boot")

    for value in (
        -1,
        2**31 - 1,
        -(2**31),
        65536,
        10**6,
        "",
        "x",
        "\xff",
        "9" * 1000,
        "None",
        "[]",
        "3",
    ):
        yield Case(f"NVS values {str(value)[:20]!r}", damage_of(value))
    yield Case("NVS cleared", cleared)
    yield Case("settings erased", erased)
