"""The template in a random place with random faults, for several cycles.

A run draws a scenario, a bearer and a protocol, then faults: of the modem's commands and of the
modem itself, of files, NVS and I2C, resets, power cuts and brown-outs, files that read as zeros,
and between cycles a damaged RTC memory or NVS value. Rules:

    exception   nothing escapes: no program ends by an exception, and no step does
    awake       from a start to sleep or reset at most AWAKE_MS
    sleeps      the board does not start over and over: it has slept within STARTS_WATCHED starts
    radio       no radio is on in sleep, as long as the modem hears and the supply carries it
    left        a cycle does not say that more has left than was on air
"""

from __future__ import annotations

import random
from typing import Any

from devkit import application
from devkit.soak.rig import Rig, radio_off, run_to_sleep
from emulator import scenario as scenarios
from emulator.board.board import PWRON_RESET
from emulator.cycle import Cycle
from emulator.emulator import Emulator

RUNS = 2000
CYCLES = 4
# _MAX_ATTACHMENT_ATTEMPT_TIME_SEC and _MAX_CONNECTION_ATTEMPT_TIME_SEC of the template, and once
# more each of the waits behind them: an answer, the last datagrams, the detach (docs/nbiot.md)
AWAKE_MS = 300_000

COMMANDS = (
    "AT", "AT+CFUN", "AT+CEREG?", "AT+CGATT?", "AT+CPIN?", "AT+CGDCONT", "AT+CESQ", "AT+SQNSD",
    "AT+SQNSSENDEXT", "AT+SQNSCFG", "AT+SQNSH", "AT+SQNSRECV", "AT+CGPADDR", "AT+COPS", "",
)  # fmt: skip
DATA_FILES = ("journal/0/000000", "journal/1/000002", "journal/0a/000000", "journal/0b/000000")
NVS_VALUES: tuple[int | str, ...] = (
    0,
    -1,
    2**31 - 1,
    -(2**31),
    70000,
    "",
    "x",
    "\xff\0",
    "9" * 200,
)
MEMORY = (
    b"", b"\0" * 64, b"\xff" * 2048, b'13 {"phases":5}', b"5 [1,2", b'2 {"', b"999999999999 {}",
    b'20 {"phases":[[1,2,3]]}', b'24 {"phases":[["a","b"]]}', b'12 {"link": []}', b"2 []",
)  # fmt: skip


def violations(rig: Rig, seed: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    bearer = rng.choice(application.bearers())
    kinds = ("udp",) if bearer == "lora" else tuple(application.protocols())
    settings: dict[str, object] = dict(application.settings(bearer, rng.choice(kinds)))
    if rng.random() < 0.3:
        settings["_PHASES_EVERY"] = 1
    table: dict[str, Any] = {"like": _scenario(rng, bearer), "fault": _faults(rng)}
    if rng.random() < 0.3:
        table["board"] = {"filesystem": "fat"}
    found: list[tuple[str, str]] = []
    with rig.board(table, seed, bearer, settings, grown=rng.random() < 0.7) as emulator:
        cause: int | None = PWRON_RESET
        weak = False
        for _ in range(CYCLES):
            first = len(emulator.board.trace.entries)
            start = PWRON_RESET if cause is None else cause
            cycles, cause = run_to_sleep(emulator, start, AWAKE_MS + 1000)
            broken = _broken(emulator, cycles, first)
            weak = weak or _too_weak(cycles)
            found += [each for each in broken if not (weak and each[0] == "radio")]
            if found or cause is None:
                break
            _damage(rng, emulator)
    return found


def _scenario(rng: random.Random, bearer: str) -> str:
    """Any bundled one; for Wi-Fi and LoRa mostly one of theirs."""
    names = [name for name in scenarios.names() if name != "reference"]
    own = [name for name in names if name.startswith(bearer)]
    return rng.choice(own or [name for name in names if "_" not in name or "wifi" not in name])


def _faults(rng: random.Random) -> list[dict[str, Any]]:
    makers = (_of_command, _of_command, _of_modem, _of_file, _of_nvs, _of_i2c, _brown_out, _zeros)
    return [rng.choice(makers)(rng) for _ in range(rng.choice((0, 1, 1, 2, 3)))]


def _of_command(rng: random.Random) -> dict[str, Any]:
    fault: dict[str, Any] = {
        "point": "command",
        "match": rng.choice(COMMANDS),
        "nth": rng.randrange(1, 30),
        "do": rng.choice(tuple(scenarios.FAULTS["command"])),
    }
    if fault["do"] == "mute":
        fault.update(
            rng.choice(({}, {"for_ms": rng.choice((500, 5000, 60_000))}, {"forever": True}))
        )
    elif fault["do"] == "late":
        fault.update(
            late_ms=rng.choice((400, 1500, 9000, 20_000)), part=rng.choice(("all", "final"))
        )
    elif fault["do"] == "cut":
        fault[rng.choice(("first", "last"))] = rng.randrange(1, 12)
    elif fault["do"] in ("garbage", "urc"):
        fault["text"] = rng.choice(
            ("+CEREG: 4", '+CEREG: "1,5', "\xff\xfe", "+SQNSRING: 1,5", "OK")
        )
    elif fault["do"] == "error":
        fault.update(rng.choice(({}, {"cme": rng.choice((3, 10, 14, 50))})))
    return fault


def _of_modem(rng: random.Random) -> dict[str, Any]:
    fault: dict[str, Any] = {"point": "time", "at_ms": rng.randrange(0, 60_000)}
    word = rng.choice(("mute", "crash", "lose_coverage", "detach_by_network", "urc"))
    keys: dict[str, dict[str, Any]] = {
        "mute": rng.choice(({"for_ms": 8000}, {"forever": True})),
        "urc": {"text": rng.choice(("+CEREG: 0", "+SQNSH: 1", "^EXIT"))},
    }
    return {**fault, "do": word, **keys.get(word, {})}


def _of_file(rng: random.Random) -> dict[str, Any]:
    verbs = ("open", "write", "close", "rename", "remove", "read")
    match = rng.choice((*[f"{verb} journal" for verb in verbs], ""))
    return {"point": "file", "match": match, **_trouble(rng)}


def _of_nvs(rng: random.Random) -> dict[str, Any]:
    return {"point": "nvs", "match": rng.choice(("set ", "setting ", "")), **_trouble(rng)}


def _trouble(rng: random.Random) -> dict[str, Any]:
    """At one operation or at each; a reset at each would leave a board that does nothing else."""
    word = rng.choice(("reset", "power_cut", "fail", "full"))
    if word in ("fail", "full"):
        return {"do": word, "nth": rng.randrange(0, 6)}
    when = rng.choice(("before", "during", "after"))
    return {"do": word, "nth": rng.randrange(1, 6), "when": when}


def _of_i2c(rng: random.Random) -> dict[str, Any]:
    word = rng.choice(("nack", "stuck", "corrupt"))
    return {"point": "i2c", "nth": rng.randrange(0, 5), "do": word}


def _brown_out(rng: random.Random) -> dict[str, Any]:
    fault: dict[str, Any] = {"point": "time", "do": "brown_out", "at_ms": rng.randrange(0, 90_000)}
    if rng.random() < 0.3:
        fault["above_ma"] = rng.choice((90, 150, 280))
    return fault


def _zeros(rng: random.Random) -> dict[str, Any]:
    return {"point": "time", "do": "zeros", "at_ms": rng.randrange(0, 2_000_000),
            "file": rng.choice(DATA_FILES), "bytes": rng.choice((0, 1, 5))}  # fmt: skip


def _damage(rng: random.Random, emulator: Emulator) -> None:
    """What may happen while the board sleeps."""
    rtc: Any = emulator.board.services["rtc"]
    nvs: Any = emulator.board.services["nvs"]
    if rng.random() < 0.2:
        rtc.kept = rng.choice(
            (*MEMORY, rng.randbytes(rng.randrange(2048)), rtc.kept[: len(rtc.kept) // 2])
        )
    if rng.random() < 0.2 and nvs.records:
        (key, _), value = rng.choice(sorted(nvs.records)), rng.choice(NVS_VALUES)
        nvs.put(key, value)
    if rng.random() < 0.1:
        file = emulator.flash / rng.choice(DATA_FILES)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(
            rng.choice(
                (b"\0" * 40, b"", b"\xa5\x11\xff\xff" * 9, rng.randbytes(300), b"\xa5" * 9000)
            )
        )


def _broken(emulator: Emulator, cycles: list[Cycle], first: int) -> list[tuple[str, str]]:
    """The rules that were broken from one sleep to the next."""
    found = []
    for cycle in cycles:
        if cycle.ended == "exception" or cycle.cause == "exception":
            found.append(("exception", (cycle.error or cycle.cause).strip().splitlines()[-1]))
        if cycle.awake_ms > AWAKE_MS:
            found.append(("awake", f"{cycle.awake_ms} ms, {cycle.ended}"))
        left, on_air = getattr(cycle, "left", None), getattr(cycle, "on_air", None)
        if left is not None and on_air is not None and left > on_air:
            found.append(("left", f"left {left}, on air {on_air}"))
    if _lost(emulator):
        return found
    if cycles[-1].ended != "deepsleep":
        endings = ", ".join(cycle.ended for cycle in cycles)
        found.append(("sleeps", f"{len(cycles)} starts: {endings}; {cycles[-1].error}"))
    elif not radio_off(emulator) and _hears(emulator, first):
        found.append(("radio", f"modem {emulator.board.meter.state('modem')}"))
    return found


def _lost(emulator: Emulator) -> bool:
    """Whether the firmware has formatted a FAT flash: a cut while the settings were written
    took away the one that names it (docs/reliability.md). Nothing of ours is left to sleep."""
    fat = emulator.scenario.board.filesystem == "fat"
    return fat and not (emulator.flash / "node.py").exists()


def _hears(emulator: Emulator, first: int) -> bool:
    """Whether nothing that struck since then has kept the modem from hearing or obeying."""
    struck = emulator.board.trace.entries[first:]
    silent = any(entry.kind == "fault" and not entry.text.startswith("urc") for entry in struck)
    return not emulator.modem.muted and emulator.modem.powered and not silent


def _too_weak(cycles: list[Cycle]) -> bool:
    """Whether the supply broke down again and again: then nothing can switch a modem off."""
    return sum(cycle.reset_cause == "brown_out" for cycle in cycles) > 2
