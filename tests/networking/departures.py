"""How many datagrams have left the radio when nbiot.deactivate() switches it off: measured.

    .venv/bin/python -m tests.networking.departures --seeds 100

By the emulator's record, for each coverage class and burst; the last column counts the runs in
which deactivate() said True and the modem was off. tests/networking/test_nbiot_left.py runs a few
of the seeds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.device import Device

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


class Case(NamedTuple):
    level: str
    datagrams: int
    all_left: float  # least share of the runs in which everything has left


CASES = (Case("good", 1, 0.99), Case("fair", 1, 0.96), Case("edge", 1, 0.89),
         Case("edge", 6, 0.80))  # fmt: skip
SIZE = 100


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--seeds", type=int, default=100)
    seeds = range(1, parser.parse_args().seeds + 1)
    good = True
    for case in CASES:
        runs = [run(case, seed) for seed in seeds]
        attached = [one for one in runs if one.accepted == case.datagrams]
        left = sum(one.on_air >= one.accepted for one in attached)
        off = sum(one.off for one in runs)
        waited = sorted(one.off_ms for one in attached)
        good = good and left >= case.all_left * len(attached) and off == len(runs)
        print(
            f"{case.level}, {case.datagrams} of {SIZE} bytes: all left in {left} of"
            f" {len(attached)} (least {case.all_left:.0%}); off in {off} of {len(runs)};"
            f" deactivate {waited[len(waited) // 2]} ms (median), {waited[-1]} ms (most)",
            flush=True,
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
