"""`./dev demo`: the template application on an emulated board, with a real server.

The device files run as they stand, from a copy of this project's /flash; only lines of config.py
that choose bearer and protocol are changed, and the routes to the server on loopback are ours.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devkit.cycle import Cycle
from devkit.device_files import copy_device_files
from devkit.emulator import Emulator
from devkit.receiver import PROTOCOLS, Receiver
from devkit.run import runtime, summary
from devkit.tables import table

HOST = "192.0.2.1"  # _HOST of config.py
BOARDS = {"nbiot": "GPy", "wifi": "GPy", "lora": "FiPy"}
# LoRaWAN knows no address: the network server hands payloads on to one that it was told
FORWARDED = ("lorawan.example", 5683)


def main(options: argparse.Namespace) -> int:
    out = sys.stderr if options.json else sys.stdout

    def say(text: str = "") -> None:
        print(text, file=out, flush=True)

    settings = choice(options.bearer, options.protocol)
    board = BOARDS[options.bearer]
    say(f"Emulated {board}, firmware {options.firmware}, scenario {options.scenario!r},"
        f" seed {options.seed}: boot.py, main.py, config.py")  # fmt: skip
    for name, value in settings.items():
        say(f"config.py: {name} = {value!r}")
    with Receiver(options.protocol) as receiver, tempfile.TemporaryDirectory("-flash") as folder:
        host, port = endpoint(options.bearer, options.protocol)
        say(f"{receiver.about} on {receiver.host} port {receiver.port},"
            f" reached as {host}:{port}\n")  # fmt: skip
        flash = Path(folder)
        copy_device_files(flash)
        configure(flash, settings)
        with Emulator(
            scenario=options.scenario,
            seed=options.seed,
            firmware=options.firmware,
            name=board,
            flash=flash,
            routes=[receiver.route(host, port)],
            console=lambda text: print(text, end="", file=out, flush=True),
            realtime=options.realtime,
            **runtime(options),
        ) as emulator:
            receiver.attend(emulator.routes)
            cycles = emulator.run(cycles=options.cycles)
            left = payloads_left(options.protocol, cycles)
            receiver.wait_for(left, timeout_s=5)
            _write_files(options, emulator, cycles)
        arrived = receiver.table()
        count = len(receiver.received)
    say(f"\nWhat the server received and decoded ({count} payloads)\n")
    say(arrived)
    say("\nPhases of each cycle, ms\n")
    say(phase_table(cycles))
    say("\nEach cycle\n")
    say(cycle_table(cycles))
    if options.plot:
        say(f"\nCurrent over time: {options.plot}")
    ok = all(cycle.ok for cycle in cycles) and len(cycles) == options.cycles and count >= left
    if options.json:
        print(json.dumps(summary(ok, options.seed, cycles)))
    return 0 if ok else 1


def choice(bearer: str, protocol: str) -> dict[str, object]:
    """The lines of config.py that differ from the template's."""
    settings: dict[str, object] = {}
    if bearer != "nbiot":
        settings["_BEARER"] = bearer
    if protocol != "udp":
        settings["_PROTOCOL"] = protocol
    if PROTOCOLS[protocol] != PROTOCOLS["udp"]:
        settings["_PORT"] = PROTOCOLS[protocol]
    return settings


def configure(flash: Path, settings: dict[str, object]) -> None:
    """Change lines of config.py on this flash."""
    lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
    with (flash / "config.py").open("a", encoding="utf-8") as config:
        config.write("".join(["\n", *lines]))


def endpoint(bearer: str, protocol: str) -> tuple[str, int]:
    """Where payloads of a board go, as the emulated internet names it."""
    return FORWARDED if bearer == "lora" else (HOST, PROTOCOLS[protocol])


def payloads_left(protocol: str, cycles: Sequence[Cycle]) -> int:
    """How many payloads must have reached the server: what it confirmed, or without that what
    left the board whole."""
    if protocol == "udp":
        return sum(cycle.delivered for cycle in cycles)
    return sum(cycle.confirmed or 0 for cycle in cycles)


def _write_files(options: argparse.Namespace, emulator: Emulator, cycles: Sequence[Cycle]) -> None:
    if options.trace:
        emulator.board.trace.write(Path(options.trace))
    if options.plot:
        from devkit.plot import draw

        title = f"{options.bearer} report, {options.scenario}, firmware {options.firmware}"
        draw(emulator.board.meter.timeline, cycles, Path(options.plot), title)


def phase_table(cycles: Sequence[Cycle]) -> str:
    """One line per phase, one column per cycle, in the order in which phases first occur."""
    names: list[str] = []
    for cycle in cycles:
        names += [phase.name for phase in cycle.phases if phase.name not in names]
    rows: list[list[object]] = []
    for name in names:
        durations = []
        for cycle in cycles:
            found = [phase.duration_ms for phase in cycle.phases if phase.name == name]
            durations.append(sum(found) if found else None)
        rows.append([name, *durations])
    rows.append(["awake", *[cycle.awake_ms for cycle in cycles]])
    return table(rows, ["phase", *[f"cycle {number}" for number in range(1, len(cycles) + 1)]])


def cycle_table(cycles: Sequence[Cycle]) -> str:
    """What each cycle was started by, how it went and what it cost."""
    rows = [
        [
            number, cycle.reset_cause, cycle.cause or cycle.ended, cycle.awake_ms,
            cycle.radio_on_ms, cycle.at_exchanges, cycle.uart_bytes, cycle.air_bytes,
            round(cycle.energy_mj), len(cycle.sent), cycle.delivered,
        ]
        for number, cycle in enumerate(cycles, 1)
    ]  # fmt: skip
    headings = [
        "cycle", "started by", "outcome", "awake ms", "radio on ms", "AT exchanges",
        "UART bytes", "air bytes", "energy mJ", "datagrams sent", "delivered",
    ]  # fmt: skip
    return table(rows, headings)
