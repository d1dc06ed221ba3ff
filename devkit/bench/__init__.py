"""Performance in virtual time: our cycle against what modem, network and firmware need."""

from devkit.bench.command import main

__all__ = ["main"]
