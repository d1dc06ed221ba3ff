"""Debian's Chromium, for tests of the page and for its picture in the documentation.

Nothing of it asks anybody outside: no updates, no start page, an empty profile.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from devkit.servers import debian

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Playwright

ARGUMENTS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def program() -> str | None:
    """Its path, installed if need be; None if it cannot be had."""
    return debian.program("chromium", "chromium")


def why_not() -> str:
    return debian.why_not("chromium")


def launch(playwright: Playwright, path: str, folder: str) -> BrowserContext:
    """A window of it, with an empty `folder` as its profile."""
    sandbox = () if os.geteuid() else ("--no-sandbox",)  # root cannot have one
    return playwright.chromium.launch_persistent_context(
        folder, executable_path=path, headless=True, args=[*ARGUMENTS, *sandbox]
    )
