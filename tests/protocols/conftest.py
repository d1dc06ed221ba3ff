"""Pure modules are tested without a board; those with sockets on an emulated one."""

from tests.device import flash, make_device
from tests.device_modules import load

__all__ = ["flash", "load", "make_device"]
