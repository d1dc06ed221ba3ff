"""The picture in docs/collect.md: the page of the collector, with one day of made-up reports.

python -m devkit.docs.collector_page docs/collect.png
"""

from __future__ import annotations

import argparse
import contextlib
import math
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import cbor2

from devkit.servers import chromium
from emulator.device_files import ROOT

WIDTH, HEIGHT = 1000, 620
PERIOD_S, REPORTS = 900, 96
BOARD = "240ac43118e5:"
CHARTS = 6  # numbers of a report, and its sequence number


def packs(now_s: float, seed: int = 1) -> list[bytes]:
    """A day of reports of one node, and one datagram that is no report."""
    chance = random.Random(seed)
    made = []
    for seq in range(REPORTS):
        day = 2 * math.pi * seq / REPORTS
        temperature = Decimal(round(1850 - 520 * math.cos(day) + chance.gauss(0, 9))) / 100
        humidity = Decimal(round(610 + 180 * math.cos(day) + chance.gauss(0, 6))) / 10
        battery = Decimal(round(3910 - seq / 3 + chance.gauss(0, 1.5))) / 1000
        values: list[tuple[str, str, Any]] = [
            ("t", "Cel", temperature), ("h", "%RH", humidity), ("v", "V", battery),
            ("rsrp", "dBm", -93 + round(chance.gauss(0, 2.5))),
            ("att", "ms", round(3300 + abs(chance.gauss(0, 900)))),
        ]  # fmt: skip
        at = int(now_s) - (REPORTS - 1 - seq) * PERIOD_S
        pack: list[dict[int, Any]] = [{-2: BOARD, -3: at, 0: "seq", 2: seq}]
        pack += [{0: name, 1: unit, 2: value} for name, unit, value in values]
        made.append(cbor2.dumps(pack))
    return [*made, b"no SenML"]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="the picture, .png")
    file = parser.parse_args(argv).file
    try:
        take_picture(file)
    except chromium.NoBrowser as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def take_picture(file: str) -> None:
    """Send the reports to a collector, and write a picture of its page."""
    with chromium.running() as browser, _collector() as (address, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for data in packs(time.time()):
                sender.sendto(data, ("127.0.0.1", port))
        page = browser.new_page()
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        page.goto(address)
        page.wait_for_function(
            "([charts, points]) => [...document.querySelectorAll('path.line')]"
            ".filter((line) => line.dataset.points == points).length == charts",
            arg=[CHARTS, REPORTS],
        )
        page.screenshot(path=file)


@contextlib.contextmanager
def _collector() -> Iterator[tuple[str, int]]:
    """Run the program; yields the address of its page and its UDP port."""
    words = [sys.executable, "-m", "collector", "--udp", "0", "--coap", "0", "--http", "0"]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stderr is not None
            page, sources = program.stderr.readline(), program.stderr.readline()
            yield page.split()[-1], int(sources.rpartition(":")[2])
        finally:
            program.terminate()


if __name__ == "__main__":
    sys.exit(main())
