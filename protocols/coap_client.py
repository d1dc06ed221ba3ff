"""Messages to a channel by CoAP, with the objects of the product family this comes from.

    from protocols.coap_client import CoAPClient, CoAPConfig
    config = CoAPConfig()
    config.server_ip = "192.0.2.1"
    config.message_channel_id, config.thing_id, config.thing_token = "1", "2", "secret"
    client = CoAPClient(config)
    if client.start():
        client.postMessage(b"...")     # True for what was accepted, as an int
        client.poll(5000)              # True: an answer came
        client.stop()

It is a thin face of protocols.coap: messages are posted, not confirmable, to the path
channels/<message_channel_id>/messages/<thing_id> with the query authorization=<thing_token>.
"""

from protocols import DELIVERED, REFUSED, UNKNOWN, coap
from utils import logging

_MOST = 8  # responses kept for the program; the oldest go

_log = logging.Logger("coap")


class CoAPConfig:
    """What a CoAPClient reads; any object with these attributes serves as well.

    server_ip, server_port  IP literal or name, 1 to 65535
    message_channel_id, thing_id, thing_token
                            text: of the path, and the credentials
    custom_socket           a datagram socket ready for use, e.g. of microATsocket; it stays the
                            caller's
    use_custom_socket       False: start() opens one of usocket
    confirmable             False, optional; True: postMessage waits until it is acknowledged
    content_format          50 (application/json), optional; None: none is told
    control_channel_id, client_name
                            of MQTT, not used here
    """

    def __init__(self):
        self.server_ip = None
        self.server_port = 5683
        self.message_channel_id = None
        self.control_channel_id = None
        self.thing_id = None
        self.thing_token = None
        self.client_name = None
        self.custom_socket = None
        self.use_custom_socket = False
        self.confirmable = False
        self.content_format = 50


class CoAPClient:
    """One server, one channel.

    outcome                   "delivered", "refused" or "unknown": of the last message as far as is
                              known; a `poll` that brings its answer makes it certain
    bufferedIncomingMessages  the last 8 answers: (code, options, payload)
    """

    def __init__(self, config):
        """ValueError for a configuration without server, channel, thing or credentials."""
        self.config = config
        self.outcome = UNKNOWN
        self.bufferedIncomingMessages = []
        self._client = None
        for name in ("message_channel_id", "thing_id", "thing_token"):
            value = getattr(config, name, None)
            if not isinstance(value, str) or not value or "/" in value:
                # what it was stays out of the message: it may be the token
                raise ValueError(name + "; allowed: text without /")
        path = "channels/%s/messages/%s" % (config.message_channel_id, config.thing_id)
        query = "authorization=" + config.thing_token
        self._options = coap.uri_options(path, query, getattr(config, "content_format", 50))
        coap.Client(None, config.server_ip, config.server_port)  # its checks

    def start(self):
        """Get a socket; False if there is none to be had, else True."""
        config = self.config
        sock = None
        if getattr(config, "use_custom_socket", False):
            sock = config.custom_socket
        else:
            import usocket

            try:
                sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
            except OSError as error:
                _log.warning("%s", error)
        if not sock:
            return False
        confirmable = getattr(config, "confirmable", False)
        self._client = coap.Client(sock, config.server_ip, config.server_port, confirmable)
        return True

    def is_connected(self):
        """True between start and stop: there is a socket, not that there is a server."""
        return self._client is not None

    def postMessage(self, message):
        """Post str or bytes. Returns an int: 0 if it was certainly not delivered, 1 if it was
        accepted, 2 if the server has it. Blocks for up to 93 s if `confirmable`, else not."""
        self.outcome = REFUSED
        client = self._client
        if client:
            self._take(client.send(coap.POST, self._options, message, client.confirmable))
        return (REFUSED, UNKNOWN, DELIVERED).index(self.outcome)

    def poll(self, timeoutMs=2000):
        """Wait for the answer to the last message; True if it came. At most ten minutes."""
        client = self._client
        if not client:
            return False
        if not 0 <= timeoutMs <= 600000:
            timeoutMs = 600000
        response = client.wait_response(timeoutMs)
        client.tell()
        if response or client.cause == "reset":
            self._take(response)
        return response is not None

    def loop(self):
        """As poll, without waiting."""
        return self.poll(0)

    def stop(self):
        """Close the socket, unless it is the caller's. True if there was something to stop."""
        client = self._client
        self._client = None
        if client and not getattr(self.config, "use_custom_socket", False):
            try:
                client.transport.close()
            except OSError as error:
                _log.warning("%s", error)
        return client is not None

    def _take(self, response):
        """Note what became of the last message."""
        self.outcome = coap.outcome(self._client, response)
        if response:
            self.bufferedIncomingMessages = (self.bufferedIncomingMessages + [response])[-_MOST:]
