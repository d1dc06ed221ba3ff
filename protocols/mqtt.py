"""Reports to an MQTT broker over TCP: each is a message of QoS 1, acknowledged by the broker.

    from protocols import mqtt
    session = mqtt.open(transport, config)        # a TCP socket that is not connected yet
    outcome = session.deliver(b"report")          # "delivered", "refused" or "unknown"
    session.close()

The packets are made by the package micropython-umqtt.simple 1.3.4 (MQTT 3.1.1, OASIS standard of
2014). Its reading waits for ever, trusts each length that the broker sends, and checks with assert
what a build with -O does not check; all reading is done here instead, within a deadline and with
64 bytes at a time. Its many small writes are collected: Nagle's algorithm would make two turns on
the air of each packet.
"""

from protocols import DELIVERED, REFUSED, UNKNOWN
from utils import configuration, logging, timing

NEEDS = "stream"
FIELDS = (
    ("_TOPIC", "text", (1, 120), "r"),
    ("_MQTT_CLIENT_ID", "text", (1, 60), None),
    ("_USER", "secret", (1, 120), None),
    ("_TOKEN", "secret", (1, 120), None),
    ("_MQTT_TIMEOUT_SEC", "integer", (1, 120), 20),
)
OVERHEAD_BY = ("_TOPIC",)
UNFED = ("_MQTT_TIMEOUT_SEC",)  # connecting is one call of the firmware
_KEEP_ALIVE_S = 300  # after one and a half of it the broker forgets a node that is gone
_LEAVE_MS = 2000  # for a DISCONNECT that the network does not take
_SLICE_MS = 1000  # the watchdog is fed in between
_PIECE = 64  # bytes read at a time of what is not wanted

_log = logging.Logger("mqtt")


def problems(cfg):
    """List of texts; see protocols/__init__.py."""
    values, found = configuration.problems(cfg, FIELDS)
    if not found:
        if values["_TOKEN"] is not None and values["_USER"] is None:
            found.append("_TOKEN without _USER in credentials.py; allowed: both, or _USER alone")
        found += topic_problems("_TOPIC", values["_TOPIC"])
    return found


def topic_problems(name, topic):
    """A topic to publish on has no wildcard (MQTT 3.1.1, 4.7.1)."""
    if "#" in topic or "+" in topic:
        return ["%s = %r; allowed: a topic without # and +" % (name, topic)]
    return []


def overhead(cfg):
    """Bytes of a PUBLISH beside the payload: type, length of two bytes, topic, packet id."""
    return 7 + len(getattr(cfg, "_TOPIC", "r"))


def open(transport, cfg):
    """Return a session; it connects when the first payload is delivered."""
    values, found = configuration.problems(cfg, FIELDS)
    found = found or problems(cfg)
    if found:
        raise ValueError("; ".join(found))
    return Session(
        transport,
        (cfg._HOST, cfg._PORT),
        values["_TOPIC"],
        values["_MQTT_CLIENT_ID"],
        values["_USER"],
        values["_TOKEN"],
        1000 * values["_MQTT_TIMEOUT_SEC"],
    )


class Session:
    """One connection to a broker. What breaks it ends it: a socket connects only once."""

    confirms = True

    def __init__(self, transport, to, topic, client_id, user, token, timeout_ms):
        """to: (name or address, port). client_id None: the board's id. timeout_ms: for each step:
        to connect, CONNACK, and each PUBACK."""
        self._transport = transport
        self._to = to
        self._topic = topic
        self._credentials = client_id, user, token
        self._timeout_ms = timeout_ms
        self._client = None
        self._over = False

    def connect(self):
        """True if the broker has accepted this node; never raises in the field."""
        if self._client or self._over:
            return not self._over
        from umqtt import simple  # from PyPI, in lib/

        stream = _Stream(self._transport)
        try:
            self._client = _client(simple, stream, self._to, *self._credentials)
            stream.start(self._timeout_ms)
            self._client.connect()
        except simple.MQTTException as error:
            # 1 version, 2 client id, 3 unavailable, 4 user or password, 5 not authorised (3.2.2.3)
            self._end("refused by the broker: code %s" % error.args[0])
        except (OSError, ValueError) as error:
            self._end("not connected: %s" % (error,))
        return not self._over

    def deliver(self, payload):
        """See protocols/__init__.py. Blocks for the timeout, the first time for it three times."""
        return self.publish(self._topic, payload)

    def publish(self, topic, payload):
        """As `deliver`, on another topic."""
        if not self.connect():
            return REFUSED
        stream = self._client.sock
        stream.start(self._timeout_ms)
        try:
            self._client.publish(topic, payload, False, 1)
            return DELIVERED
        except (OSError, ValueError) as error:
            self._end("%d bytes not acknowledged: %s" % (len(payload), error))
        # a packet that is not complete is never processed
        return REFUSED if stream.pending() else UNKNOWN

    def close(self):
        """Say goodbye, and free the transport; never raises in the field."""
        if self._client and not self._over:
            self._client.sock.start(_LEAVE_MS)
            try:
                self._client.disconnect()
            except OSError as error:
                _log.debug("no goodbye: %s", error)
        self._end(None)

    def _end(self, why):
        if why:
            _log.warning(why)
        self._over = True
        try:
            self._transport.close()
        except OSError:
            pass


def _client(simple, stream, to, client_id, user, token):
    """The package's client, with what it must not do itself taken over."""
    import ucrypto

    if client_id is None:
        import machine
        import ubinascii

        client_id = ubinascii.hexlify(machine.unique_id()).decode()

    class Client(simple.MQTTClient):
        def connect(self):
            # The package makes its own socket of this module: for that moment it is ours
            usocket = simple.socket
            simple.socket = stream
            try:
                super().connect(True)
            finally:
                simple.socket = usocket

        def publish(self, topic, payload, retain, qos):
            self.pid %= 65535  # the next is 1 to 65535; 0 is no packet id
            super().publish(topic, payload, retain, qos)

        def wait_msg(self):
            return stream.next_puback()

    client = Client(client_id, to[0], to[1], user, token or "", _KEEP_ALIVE_S)
    # whoever cannot read the packets cannot acknowledge them
    client.pid = int.from_bytes(ucrypto.getrandbits(32)[:2], "big")
    return client


class _Stream:
    """The transport as the package wants it: module, socket and stream in one.

    Writes are collected until something is read; a packet leaves at once. Reads are for exactly so
    many bytes, and few; OSError when the stream or the time ends.
    """

    def __init__(self, transport):
        self._transport = transport
        self._deadline = None
        self._out = b""
        self._back = b""

    def start(self, timeout_ms):
        """From now on, all that is done has to be done within this time."""
        self._deadline = timing.Deadline(timeout_ms)
        self._timeout_ms = timeout_ms

    def socket(self):
        return self

    def getaddrinfo(self, host, port):
        from utils import endpoint

        timing.feed()
        return ((endpoint.resolve(self._transport, host, port),),)

    def connect(self, address):
        timing.feed()
        self._transport.settimeout(self._timeout_ms / 1000)
        self._transport.connect(address)
        self.start(self._timeout_ms)  # CONNACK has a time of its own

    def write(self, data, count=None):
        if isinstance(data, str):
            data = data.encode()
        self._out += data if count is None else data[:count]

    def pending(self):
        """How much has been written and not yet been taken by the network."""
        return len(self._out)

    def read(self, count):
        """For the package, which reads four bytes at once of CONNACK only, then trusts them."""
        data = self._exactly(count)
        if count == 4 and data[:2] != b"\x20\x02":
            raise OSError("no CONNACK")
        return data

    def _exactly(self, count):
        self._flush()
        data = self._back
        self._back = b""
        while len(data) < count:
            more = self._within(self._transport.recv, count - len(data))
            if not more:
                raise OSError("closed by the broker")
            data += more
        return data

    def next_puback(self):
        """Skip what else comes, up to a PUBACK of which type and length have been read; its type.

        Two bytes follow it: the length is given back, for the package reads it once more.
        """
        while True:
            kind = self._exactly(1)[0]
            length = shift = 0
            more = True
            while more:
                if shift > 21:  # four bytes at most (2.2.3)
                    raise OSError("no MQTT")
                byte = self._exactly(1)[0]
                length |= (byte & 0x7F) << shift
                shift += 7
                more = byte & 0x80
            if kind == 0x40 and length == 2:
                self._back = b"\x02"
                return kind
            # a message for a topic that nobody here asked for, the answer to an earlier packet;
            # CONNACK once more, a request, or a type that there is not: not a broker
            if kind >> 4 not in (3, 9, 11, 13):
                raise OSError("no MQTT")
            while length:
                length -= len(self._exactly(min(length, _PIECE)))

    def _flush(self):
        while self._out:
            sent = self._within(self._transport.send, self._out)
            self._out = self._out[sent:]

    def _within(self, action, argument):
        """Do it before the deadline, feeding the watchdog meanwhile."""
        import usocket

        while True:
            timing.feed()
            left_ms = self._deadline.left_ms()
            if not left_ms:
                raise OSError("timed out")
            self._transport.settimeout(min(left_ms, _SLICE_MS) / 1000)
            try:
                return action(argument)
            except usocket.timeout:
                pass

    def close(self):
        self._flush()
