"""NB-IoT over machine.UART: networking/_nbiot_uart.py in place of the firmware's network.LTE.

    device = Device(flash, modem_on_boot=False)
    plug(device)

The board has no LTE driver any more: whatever calls network.LTE fails.
"""

from __future__ import annotations

from tests.device import Device

SHIM = """
from networking import _nbiot_uart
class Link(_nbiot_uart.Link):
    name = "lte"  # stands for it: what an attempt would switch to
"""


def plug(device: Device) -> None:
    """Make the UART the link that nbiot uses where nothing is chosen."""
    del device.board.services["lte"]
    device.put("networking/_nbiot_lte.py", SHIM)
