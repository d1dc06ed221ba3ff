"""What has left the radio when it goes off: measured, and compared with what the node says.

    .venv/bin/python -m tests.leaving --seeds 100            # the shares of nbiot.deactivate()
    .venv/bin/python -m tests.leaving --seeds 5 --claims     # `left` <= on air, everywhere

The record of the emulated radio is the truth. tests/test_leaving.py runs a few of the seeds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from devkit import application
from devkit.servers.receiver import Receiver
from emulator import scenario as scenarios
from emulator.cycle import Cycle
from emulator.device_files import copy_device_files
from emulator.emulator import Emulator
from tests.device import Device

# The share of runs in which everything has left


class Case(NamedTuple):
    level: str
    datagrams: int
    all_left: float  # the least share


CASES = (Case("good", 1, 0.99), Case("fair", 1, 0.96), Case("edge", 1, 0.89),
         Case("edge", 6, 0.80))  # fmt: skip
SIZE = 100
PROGRAM = """
from networking import nbiot
count, size = given()
nbiot.connect(configured(_MAX_ATTACHMENT_ATTEMPT_TIME_SEC=600), False)
accepted = 0
for number in range(count):
    accepted += nbiot.sendATsocket(b"x" * size, "192.0.2.1", 5683) > 0
off = nbiot.deactivate()
show((accepted, off.deactivation_status, off.deactivation_duration, nbiot.left()))
"""


class Run(NamedTuple):
    accepted: int
    on_air: int
    left: bool | None  # as nbiot says
    off: bool  # deactivate() said so, and the modem is off
    off_ms: int


def run(case: Case, seed: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        device = Device(Path(folder) / "flash", case.level, seed=seed)
        try:
            [[accepted, status, off_ms, left]] = device.run(PROGRAM, [case.datagrams, SIZE])
            on_air = sum(sent.on_air for sent in device.emulator.routes.sent)
            off = status is True and device.modem.cfun == 4
            return Run(accepted, on_air, left, off, off_ms)
        finally:
            device.close()


def shares(seeds: range) -> bool:
    """Print a line for each case; True if all are as they should be."""
    good = True
    for case in CASES:
        runs = [run(case, seed) for seed in seeds]
        sent = [one for one in runs if one.accepted == case.datagrams]
        left = sum(one.on_air >= one.accepted for one in sent)
        off = sum(one.off for one in runs)
        waited = sorted(one.off_ms for one in sent)
        good = good and left >= case.all_left * len(sent) and off == len(runs)
        print(
            f"{case.level}, {case.datagrams} of {SIZE} bytes: all left in {left} of"
            f" {len(sent)} (least {case.all_left:.0%}); off in {off} of {len(runs)};"
            f" deactivate {waited[len(waited) // 2]} ms (median), {waited[-1]} ms (most)",
            flush=True,
        )
    return good


# What the node says, with any bearer, protocol and scenario


class World(NamedTuple):
    bearer: str
    protocol: str
    scenario: str


def worlds() -> Iterator[World]:
    """Every protocol that a bearer carries, in every scenario that is about this bearer."""
    for bearer in application.bearers():
        others = [name for name in application.bearers() if name != bearer]
        for scenario in scenarios.names():
            if scenario != "good" and (
                scenario.startswith(tuple(others))
                or bearer != application.PUBLISHED["_BEARER"]
                and not scenario.startswith(bearer)
            ):
                continue
            for protocol in application.protocols():
                if bearer != "lora" or application.transport(protocol) == "message":
                    yield World(bearer, protocol, scenario)


def node(
    world: World, seed: int, cycles: int = 2, serve: bool = True, is_new: bool = True
) -> list[Cycle]:
    """Cycles of the template application; serve: with a server that answers. is_new: the firmware
    starts the modem, so that the first cycle goes by network.LTE."""
    bearer, protocol, scenario = world
    with ExitStack() as stack:
        flash = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        copy_device_files(flash)
        application.configure(flash, application.settings(bearer, protocol))
        emulator = stack.enter_context(
            Emulator(
                scenario=scenario,
                seed=seed,
                name=application.board(bearer),
                chips=application.chips(bearer),
                flash=flash,
                install="frozen",
                max_hours=24,
            )
        )
        config: Any = emulator.board.services["config"]
        config.flags["lte_modem_en_on_boot"] = is_new
        if serve:
            receiver = stack.enter_context(Receiver(protocol))
            receiver.attend(emulator)
            host, port = application.endpoint(bearer, protocol)
            emulator.routes.add(host, port, receiver.host, receiver.port)
        return emulator.run(cycles=cycles)


def claims(seeds: range) -> bool:
    """Print a line for each world; True if no node said more than is true."""
    good = True
    for world in worlds():
        told = left = on_air = lost = wrong = 0
        for seed in seeds:
            for cycle in node(world, seed):
                told += cycle.left is not None
                left += cycle.left or 0
                on_air += cycle.on_air
                lost += cycle.lost_in_modem
                wrong += (cycle.left or 0) > cycle.on_air
        good = good and not wrong
        print(
            f"{' '.join(world)}: left {left} (told in {told} cycles), on air {on_air},"
            f" lost in the radio {lost}, more claimed than true in {wrong} cycles",
            flush=True,
        )
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--claims", action="store_true")
    options = parser.parse_args()
    seeds = range(1, options.seeds + 1)
    return 0 if (claims if options.claims else shares)(seeds) else 1


if __name__ == "__main__":
    sys.exit(main())
