"""The pictures in docs/collect.md, of a made-up fleet, and what each page of the collector takes.

python -m devkit.docs.collector_page docs               # collect.png and two more
python -m devkit.docs.collector_page --measure FILE     # ms until drawn and KB, of a database
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devkit.servers import chromium
from emulator.device_files import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

NODES, DAYS = 130, 40
TOUR = "?node=tank-01"  # silent, with a gap
SIZES = {
    "collect.png": (1120, 620),
    "collect-node.png": (1120, 780),
    "collect-phone.png": (740, 740),
}
PHONE = 360
VIEWS = {
    "overview": "", "node, 24 h": "?node=gate-01&range=24h", "node, 7 d": "?node=gate-01",
    "node, 30 d": "?node=gate-01&range=30d", "node, 1 y": "?node=gate-01&range=1y",
    "alarms": "?view=alarms&history=all", "status": "?view=status",
}  # fmt: skip
RUNS = 5
# From the begin of the navigation; a page says when it is drawn. Zero bytes: from the cache
_DRAWN = """() => new Promise((resolve) => {
    const look = () => {
        const [mark] = performance.getEntriesByName("drawn");
        if (!mark) return setTimeout(look, 20);
        const loaded = [...performance.getEntriesByType("resource"),
                        ...performance.getEntriesByType("navigation")];
        resolve([mark.startTime, loaded.reduce((sum, each) => sum + each.transferSize, 0)]);
    };
    look();
})"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default="docs", help="where the pictures go")
    parser.add_argument("--measure", metavar="FILE", help="of this database instead")
    options = parser.parse_args(argv)
    try:
        if options.measure is not None:
            measure(options.measure)
        else:
            take_pictures(Path(options.folder))
    except chromium.NoBrowser as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def measure(path: str) -> None:
    """Print the median time and the largest size of each page, with nothing in the cache."""
    with running(path) as address, chromium.running() as browser:
        _drawn(browser, address)  # the browser's own first time
        for name, view in VIEWS.items():
            times, sizes = zip(
                *(_drawn(browser, address + view) for _ in range(RUNS)), strict=True
            )
            print(f"{name}: {statistics.median(times):.0f} ms, {max(sizes) / 1000:.0f} KB")


def _drawn(browser: BrowserContext, address: str) -> tuple[float, int]:
    page = browser.new_page()
    session = browser.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(address)
    time_ms, size = page.evaluate(_DRAWN)
    page.close()
    return time_ms, size


def take_pictures(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch, chromium.running() as browser:
        path = str(Path(scratch) / "fleet.db")
        words = ["--db", path, "--nodes", str(NODES), "--days", str(DAYS)]
        subprocess.run([sys.executable, "-m", "collector.sample", *words], cwd=ROOT, check=True)
        with running(path) as address:
            for name, view in (("collect.png", ""), ("collect-node.png", TOUR)):
                _opened(browser, address + view, *SIZES[name]).screenshot(path=folder / name)
            name = "collect-phone.png"
            phones = [
                _opened(browser, address + view, PHONE, SIZES[name][1]).screenshot()
                for view in ("", TOUR)
            ]
        page = browser.new_page()
        page.set_viewport_size(dict(zip(("width", "height"), SIZES[name], strict=True)))
        images = [
            f'<img src="data:image/png;base64,{base64.b64encode(each).decode()}">'
            for each in phones
        ]
        page.set_content(
            f'<body style="margin:0;display:flex;justify-content:space-between">{"".join(images)}'
        )
        page.screenshot(path=folder / name)


def _opened(browser: BrowserContext, address: str, width: int, height: int) -> Page:
    page = browser.new_page()
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": height})
    page.goto(address)
    page.evaluate(_DRAWN)
    if "node=" in address:
        page.locator(".gaps li").first.wait_for(state="attached")
    return page


@contextlib.contextmanager
def running(path: str) -> Iterator[str]:
    """Run the page of a database; yields its address."""
    words = [sys.executable, "-m", "collector", "--role", "web", "--http", "0", "--db", path]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stderr is not None
            yield program.stderr.readline().split()[-1]
        finally:
            program.terminate()


if __name__ == "__main__":
    sys.exit(main())
