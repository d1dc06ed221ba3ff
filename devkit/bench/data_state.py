"""A device script for the bench: one datagram through the firmware's own sockets in data state.

Runs on the emulated board in place of main.py, since the template reports by AT sockets. Not for
upload.
"""

import machine
import usocket

import config
from networking import nbiot
from utils import timing

PAYLOAD = b"0123456789abcdefghijklmnopqrstuvwxyz" * 2

result = nbiot.connect(config)
if result.status == nbiot.NBIOT_CONNECTED:
    sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    sock.sendto(PAYLOAD, (config._HOST, config._PORT))
    sock.close()
nbiot.deactivate()
machine.deepsleep(max(1000, config._PERIOD_S * 1000 - timing.now_ms()))
