"""A message to an MQTT broker over NB-IoT's data state. Try it without a board, with a broker on
port 1883 of this computer: ./dev run examples/mqtt_simple.py --route 192.0.2.1:1883=127.0.0.1:1883
"""

import usocket

from networking import nbiot
from protocols import mqtt


class Config:
    _APN = "iot.example"
    _IP_VERSION = "IP"
    _MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 120
    _MAX_CONNECTION_ATTEMPT_TIME_SEC = 60
    _HOST = "192.0.2.1"
    _PORT = 1883
    _TOPIC = "greetings"


result = nbiot.connect(Config, dataStateOn=True)
if result.status == nbiot.NBIOT_CONNECTED:
    session = mqtt.open(usocket.socket(), Config)
    print(session.deliver(b"hello"))
    session.close()
nbiot.deactivate()
