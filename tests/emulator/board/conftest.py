"""Boards with a flash of their own."""

from tests.emulator.vm.device import device, make_device

__all__ = ["device", "make_device"]
