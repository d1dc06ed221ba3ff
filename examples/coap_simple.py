"""Post one reading by CoAP over NB-IoT, and say what became of it.

./dev run examples/coap_simple.py --route '[2001:db8::1]:5683=127.0.0.1:5683'
"""

from network import LTE

import microATsocket as socket
from networking import nbiot
from protocols import coap


class Config:
    _APN = "iot.example"
    _IP_VERSION = "IPV6"
    _MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 90


if nbiot.connect(Config, dataStateOn=False).status == nbiot.NBIOT_ATTACHED:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setModemInstance(LTE())
    sock.setMessageFormat(sock.SOCKET_MESSAGE_FORMAT.SOCKET_MESSAGE_ASCII)  # 124 bytes, not 62
    client = coap.Client(sock, "2001:db8::1", ack_timeout_ms=5000, max_retransmit=2)
    response = client.request(coap.POST, "readings/t", payload=b"21.4", content_format=0)
    if response:
        print("answered:", coap.code_text(response.code))
    else:
        print("no answer:", client.cause)
    sock.close()
print("off:", nbiot.deactivate().deactivation_status)
