"""Messages to a channel by MQTT, with the objects of the product family this comes from.

    from protocols.mqtt_client import MQTTClientCustom, MQTTConfig
    config = MQTTConfig()
    config.server_ip = "192.0.2.1"
    config.message_channel_id, config.thing_id, config.thing_token = "1", "2", "secret"
    client = MQTTClientCustom(config)
    if client.connect():
        client.sendMessage(b"...")     # True: the broker has it
        client.disconnect()

It is a thin face of protocols.mqtt: messages go, with QoS 1, to the topic
channels/<message_channel_id>/messages/<thing_id>; user name and password are thing_id and
thing_token.
"""

from protocols import DELIVERED, mqtt
from utils import configuration

FIELDS = (
    ("server_ip", "text", (1, 253)),
    ("server_port", "integer", (1, 65535), 1883),
    ("message_channel_id", "text", (1, 120)),
    ("thing_id", "text", (1, 120)),
    ("thing_token", "secret", (1, 120)),
    ("client_name", "text", (1, 60), None),
)
_TRIES = 3
_PAUSE_MS = 2000
_TIMEOUT_MS = 20000


class MQTTConfig:
    """What an MQTTClientCustom reads; any object with these attributes serves as well.

    server_ip, server_port  IP literal or name, 1 to 65535
    message_channel_id, thing_id, thing_token
                            text: of the topic, and the credentials
    client_name             text, or None: the board's id
    custom_socket           a TCP socket, not connected; it is closed in the end
    use_custom_socket       False: connect() opens one of usocket
    control_channel_id      not used here
    """

    def __init__(self):
        self.server_ip = None
        self.server_port = 1883
        self.message_channel_id = None
        self.control_channel_id = None
        self.thing_id = None
        self.thing_token = None
        self.client_name = None
        self.custom_socket = None
        self.use_custom_socket = False


class MQTTClientCustom:
    def __init__(self, config):
        """Raises ValueError that names all fields that are wrong."""
        values, found = configuration.problems(config, FIELDS)
        for name in ("message_channel_id", "thing_id") if not found else ():
            found += mqtt.topic_problems(name, values[name])
        if found:
            raise ValueError("; ".join(found))
        self._values = values
        self._socket = config.custom_socket if config.use_custom_socket else None
        self._tries = 1 if self._socket else _TRIES
        self._session = None
        self._topic = "channels/%s/messages/%s" % (
            values["message_channel_id"],
            values["thing_id"],
        )

    def connect(self):
        """True if the broker has accepted this node. Three tries with a pause of 2 s, one with a
        custom socket; each takes up to 40 s besides the look-up of a name."""
        from utils import timing

        for number in range(self._tries):
            if number:
                timing.sleep_ms(_PAUSE_MS)
            self.disconnect()
            self._session = self._new_session()
            if self._session and self._session.connect():
                return True
        return False

    def _new_session(self):
        values = self._values
        transport = self._socket
        if not transport:
            import usocket

            try:
                transport = usocket.socket()
            except OSError as error:  # no link
                from utils import logging

                logging.Logger("mqtt").warning("no socket: %s", error)
                return None
        return mqtt.Session(
            transport,
            (values["server_ip"], values["server_port"]),
            self._topic,
            values["client_name"],
            values["thing_id"],
            values["thing_token"],
            _TIMEOUT_MS,
        )

    def sendMessage(self, message, topic=None):
        """True if the broker said that it has it. False is "refused" or "unknown"; after that this
        connection is over."""
        if not self._session:
            return False
        if isinstance(message, str):
            message = message.encode()
        return self._session.publish(topic or self._topic, message) == DELIVERED

    def disconnect(self):
        """True if there was a session; it is closed."""
        session = self._session
        self._session = None
        if session:
            session.close()
        return bool(session)
