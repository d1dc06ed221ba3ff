"""Pure modules are tested without a board."""

from tests.device_modules import load

__all__ = ["load"]
