"""Boards with the modem's driver, modem and network, for the tests of the bearers."""

from __future__ import annotations

from tests.device import flash, make_device

__all__ = ["flash", "make_device"]
