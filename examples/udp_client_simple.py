"""Attach with a data connection and send one datagram with a network socket.

./dev run examples/udp_client_simple.py
"""

from networking import nbiot
from protocols.udp_client import udp_send


class Config:
    _APN = "iot.example"
    _IP_VERSION = "IP"
    _MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 90
    _MAX_CONNECTION_ATTEMPT_TIME_SEC = 30


result = nbiot.connect(Config, dataStateOn=True)
if result.status == nbiot.NBIOT_CONNECTED:
    print("accepted", udp_send("192.0.2.1", 5683, "hello"), "bytes")
nbiot.deactivate()
