"""The picture in docs/collect.md: the real page, in a real browser, with a made-up day.

python -m collector.picture docs/collect.png
"""

from __future__ import annotations

import argparse
import contextlib
import math
import random
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import cbor2

from collector import arguments, browser
from collector.program import Collecting

WIDTH, HEIGHT = 1000, 620
PERIOD_S, REPORTS = 900, 96
BOARD = "240ac43118e5:"


def packs(now_s: float, seed: int = 1) -> list[bytes]:
    """A day of reports of one node, and one record of something else."""
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
    program = browser.program()
    if program is None:
        print(f"no Chromium: {browser.why_not()}", file=sys.stderr)
        return 1
    take(file, program)
    return 0


def take(file: str, program: str) -> None:
    """Collect the reports, open the page, and take its picture."""
    from playwright.sync_api import sync_playwright

    words = argparse.ArgumentParser()
    arguments.add(words)
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(open("/dev/null", "w", encoding="utf-8"))
        stack.enter_context(contextlib.redirect_stdout(out))
        free = words.parse_args(["--udp", "0", "--coap", "0", "--http", "0"])
        collecting = Collecting(free, stack)
        port = int(collecting.endpoints[-1].rpartition(":")[2])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            made = packs(time.time())
            for data in made:
                sender.sendto(data, ("127.0.0.1", port))
        collecting.queue.wait_for(len(made), 10)
        playwright = stack.enter_context(sync_playwright())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        context = browser.launch(playwright, program, folder)
        page = context.new_page()
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        page.goto(collecting.page)
        for _ in range(100):
            if page.locator("path.line").count() == 6:
                break
            page.wait_for_timeout(50)
        page.screenshot(path=file)
        context.close()


if __name__ == "__main__":
    sys.exit(main())
