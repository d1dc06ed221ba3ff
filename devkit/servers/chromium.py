"""Debian's Chromium, for tests of the collector's page and for its picture in the documentation.

    with chromium.running() as browser:
        browser.new_page().goto("http://127.0.0.1:8080/")

It asks nobody outside: no updates, no start page, an empty profile.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from devkit.servers import debian

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

_OPTIONS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


class NoBrowser(Exception):
    """There is no Chromium; the text says why."""


@contextlib.contextmanager
def running() -> Iterator[BrowserContext]:
    """Install it if need be, and start it."""
    from playwright.sync_api import sync_playwright

    path = debian.program("chromium", "chromium")
    if path is None:
        raise NoBrowser(f"no Chromium: {debian.why_not('chromium')}")
    sandbox = () if os.geteuid() else ("--no-sandbox",)  # root cannot have one
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            folder, executable_path=path, headless=True, args=[*_OPTIONS, *sandbox]
        )
        with contextlib.closing(browser):
            yield browser
