"""CoAP client (RFC 7252) over any socket for datagrams: of usocket or of microATsocket.

    from protocols import coap
    coap.deliver(sock, payload, "192.0.2.1", 5683, path="r")       # "delivered": it said so

    client = coap.Client(sock, "192.0.2.1")
    response = client.request(coap.GET, "sensors/t")
    if response:
        print(coap.code_text(response.code), response.payload)     # 2.05 b"21.4"
    else:
        print(client.cause)                                        # "no_answer", ...

As a protocol plug-in (protocols/__init__.py) it posts each payload to the path `_TOPIC`:

_TOPIC                      str of 1 to 120, "r": Uri-Path, segments between slashes
_TOKEN                      str of 1 to 240 or None, None: sent as the query authorization=<token>
_COAP_CONFIRMABLE           bool, True; False: sent once, no answer is waited for
_COAP_ACK_TIMEOUT_SEC       1 to 60 s, 2: until the first retransmission, plus up to a half of it
_COAP_MAX_RETRANSMIT        0 to 10, 4: further tries, each waiting twice as long
_COAP_RESPONSE_TIMEOUT_SEC  1 to 600 s, 30: from an empty acknowledgement to the response
_COAP_CONTENT_FORMAT        0 to 65535, 112 (application/senml+cbor)
_COAP_BLOCK_SIZE            16, 32, ... 1024; 1024: what is longer goes in blocks (RFC 7959); with
                            1024 only what no message of 1152 bytes holds

Anybody can send datagrams to this node: only those from the server's address with the message id
or token of the request under way count, all others are dropped and counted in `Client.ignored`.
"""

from micropython import const
from ucollections import namedtuple

from protocols import DELIVERED, REFUSED, UNKNOWN, _coap_message
from utils import configuration, endpoint, logging, timing

NEEDS = "datagram"
TELLS_TIME = True

GET = const(1)
POST = const(2)
PUT = const(3)
DELETE = const(4)

_URI_PATH = const(11)
_CONTENT_FORMAT = const(12)
_MAX_AGE = const(14)
_URI_QUERY = const(15)
_BLOCK2 = const(23)
_BLOCK1 = const(27)
_CONTINUE = const(0x5F)  # 2.31
# about the content, which will not change: bad request, bad option, not acceptable, too large,
# content format, unprocessable
_FINAL = (0x80, 0x82, 0x86, 0x8D, 0x8F, 0x96)
_TOO_LARGE = const(0x8D)  # 4.13
_LARGEST = const(1152)  # bytes of a message that need be taken (4.6)
_LARGEST_BLOCK = const(1024)
_SLICE_MS = const(10000)  # the watchdog, of 20 s or more, is fed in between
_LATE = const(4)  # datagrams looked at that wait already when the time is over
_REPLIES = const(8)  # acknowledgements and resets sent per request, however many are provoked
_ASK_TIME = (15, b"c")  # Uri-Query
_AT_ONCE = const(3)  # messages under way (NSTART); in bytes the initial window of RFC 3390
_LONGEST_S = const(600)  # all tries of a message together

_FIELDS = (
    ("_TOPIC", "text", (1, 120), "r"),
    ("_TOKEN", "secret", (1, 240), None),
    ("_COAP_CONFIRMABLE", "choice", (True, False), True),
    ("_COAP_ACK_TIMEOUT_SEC", "integer", (1, 60), 2),
    ("_COAP_MAX_RETRANSMIT", "integer", (0, 10), 4),
    ("_COAP_RESPONSE_TIMEOUT_SEC", "integer", (1, 600), 30),
    ("_COAP_CONTENT_FORMAT", "integer", (0, 65535), 112),
    ("_COAP_BLOCK_SIZE", "choice", (16, 32, 64, 128, 256, 512, 1024), 1024),
)

OVERHEAD_BY = ("_TOPIC", "_TOKEN")
LONGEST_BY = ("_COAP_BLOCK_SIZE",)
UPDATES_BY = ("_COAP_CONFIRMABLE",)

# code: class * 32 + detail; options: [(number, bytes), ...] in order of the numbers
Response = namedtuple("Response", ("code", "options", "payload"))

_log = logging.Logger("coap")
_message_id = 0  # of the last message, 0: none yet


def problems(cfg):
    """Return what is wrong with the fields above; [] if nothing is."""
    values, found = configuration.problems(cfg, _FIELDS)
    if not found:
        ack_s = values["_COAP_ACK_TIMEOUT_SEC"]
        longest_s = 3 * ack_s * ((2 << values["_COAP_MAX_RETRANSMIT"]) - 1) // 2
        if longest_s > _LONGEST_S:
            found.append(
                "_COAP_ACK_TIMEOUT_SEC, _COAP_MAX_RETRANSMIT = %d, %d: waits for %d s; "
                "allowed: %d s" % (ack_s, values["_COAP_MAX_RETRANSMIT"], longest_s, _LONGEST_S)
            )
    return found


def overhead(cfg):
    """Return the bytes of a message that are not payload, the question for the time included."""
    options = _post_options(configuration.check(cfg, _FIELDS)) + [_ASK_TIME]
    return len(_coap_message.encode(0, POST, 0, bytes(4), options, b"\0")) - 1


def longest(cfg):
    """Return the longest payload that goes without blocks."""
    size = configuration.check(cfg, _FIELDS)["_COAP_BLOCK_SIZE"]
    return _LARGEST - overhead(cfg) if size == _LARGEST_BLOCK else size


def open(transport, cfg):
    """Return a session with cfg._HOST, cfg._PORT; see protocols/__init__.py."""
    values = configuration.check(cfg, _FIELDS)
    client = Client(
        transport,
        cfg._HOST,
        cfg._PORT,
        values["_COAP_CONFIRMABLE"],
        values["_COAP_ACK_TIMEOUT_SEC"] * 1000,
        values["_COAP_MAX_RETRANSMIT"],
        values["_COAP_RESPONSE_TIMEOUT_SEC"] * 1000,
        values["_COAP_BLOCK_SIZE"],
    )
    return _Session(client, _post_options(values))


def deliver(
    transport, payload, host, port=5683, path="r", query=(), content_format=112, confirmable=True
):
    """Post one payload with the times of RFC 7252; "delivered", "refused" or "unknown".

    Blocks for up to 93 s if no server is there; not at all with confirmable=False, after which
    the outcome is never "delivered". The arguments are those of Client and of Client.request.
    """
    client = Client(transport, host, port, confirmable)
    return _Session(client, uri_options(path, query, content_format)).deliver(payload)


def code_text(code):
    """Write a code as people do: 0x45 -> "2.05"."""
    return "%d.%02d" % (code >> 5, code & 31)


def uri_options(path="", query=(), content_format=None):
    """Return the options of a request: [(number, bytes), ...].

    path: segments between slashes, empty ones are left out; query: a str "name=value", or several
    in a tuple or list. ValueError for what is longer than 255 bytes (RFC 7252 5.10).
    """
    if isinstance(query, str):
        query = (query,)
    options = [(_URI_PATH, part.encode()) for part in path.split("/") if part]
    if content_format is not None:
        options.append((_CONTENT_FORMAT, _coap_message.uint(content_format)))
    options += [(_URI_QUERY, part.encode()) for part in query]
    for _, value in options:
        if len(value) > 255:
            configuration.refuse("length of option", len(value), "up to 255")
    return options


def _post_options(values):
    token = values["_TOKEN"]
    query = ("authorization=" + token,) if token else ()
    return uri_options(values["_TOPIC"], query, values["_COAP_CONTENT_FORMAT"])


def outcome(client, response):
    """What became of a payload: "delivered", "refused" or "unknown".

    response: what `client` returned for it, None included.
    """
    if response:
        if response.code == _CONTINUE:  # waits for blocks that there are not
            return UNKNOWN
        return DELIVERED if response.code >> 5 == 2 else REFUSED
    return UNKNOWN if client.cause in ("no_answer", "bad_option", "bad_block") else REFUSED


class _Session:
    def __init__(self, client, options):
        self._client = client
        self._options = options
        self._begun = []  # requests, in order
        self.confirms = client.confirmable
        self.is_known = self.is_last = False
        self.final = False
        self.ask_time = False
        self.server_time = None
        self.server_time_error_s = 0
        self.offer = None
        # three tries and the wait behind an acknowledgement (protocols/coap_fetch.py)
        self.ask_ms = 11 * client._ack_timeout_ms + client._response_timeout_ms

    @property
    def at_once(self):
        """More than one when the server is known to answer: it is there, and so is the path."""
        return _AT_ONCE if self.is_known else 1

    def deliver(self, payload):
        self.begin(payload)
        return self.outcome()

    def begin(self, payload):
        options = self._options
        if self.ask_time:
            options = options + [_ASK_TIME]
        if hasattr(self._client.transport, "follows"):
            self._client.transport.follows(int(self.confirms) if self.is_last else None)
        self._begun.append(self._client.begin(POST, options, payload, self.confirms))

    def outcome(self):
        client = self._client
        request = self._begun.pop(0)
        self.server_time = None
        response = client.finish(request, self.confirms)
        if response:
            self.is_known = True
            if response.payload and response.code >> 5 == 2:
                from protocols import _coap_answer  # on demand

                _coap_answer.note(self, response.payload, request.took_ms)
        result = outcome(client, response)
        self.final = bool(response) and response.code in _FINAL
        if response and result != DELIVERED:
            # 5.03 tells after how many seconds to come again (5.9.3.4); so late is another cycle
            wait = [int.from_bytes(value, "big") for n, value in response.options if n == _MAX_AGE]
            _log.warning("%s, max-age %s", code_text(response.code), wait)
        elif not response and (self.confirms or result == REFUSED):
            _log.warning("%d bytes: %s", len(request.payload), client.cause)
        return result

    def ask(self, path, payload):
        from protocols import coap_fetch  # on demand

        return coap_fetch.ask(self._client, path, payload)

    def block(self, path, number, size):
        from protocols import coap_fetch  # on demand

        return coap_fetch.block(self._client, path, number, size)

    def close(self):
        try:
            self._client.transport.close()
        except OSError as error:
            _log.warning("%s", error)


class _Request:
    """A request under way, or how it ended: `cause` as of a Client, None until then."""

    def __init__(self, code, options, payload, confirmable):
        self.code = code
        self.options = options
        self.payload = payload
        self.confirmable = confirmable
        self.cause = None
        self.response = None
        self.took_ms = 0
        self.id = self.token = None
        self.acknowledged = False
        self.timeout_ms = 0  # until the first retransmission; 0: nothing is sent again
        self.tries = 0  # retransmissions that are left
        self.copies = 1
        self.deadline = None  # of what is waited for now
        self.watch = None

    def encoded(self):
        kind = _coap_message.CON if self.confirmable else _coap_message.NON
        options, payload = self.options, self.payload
        return _coap_message.encode(kind, self.code, self.id, self.token, options, payload)


class Client:
    """Requests to one server, one at a time (NSTART 1, RFC 7252 4.7) unless begin() is used.

    transport: a socket with sendto, recvfrom and settimeout; host: an IP literal or a name;
    confirmable: whether requests are repeated until they are acknowledged; ack_timeout_ms,
    max_retransmit: how (4.2); response_timeout_ms: for the response behind an acknowledgement, or
    to a request that is not confirmable; block_size: most bytes of payload in one message, a
    power of two from 16 to 1024; 1024: what a message of 1152 bytes holds. ValueError for others.

    cause            how the last request ended: answered; not_resolved, not_sent, too_long, reset:
                     the server has not got it; no_answer, bad_option, bad_block: nobody knows
    ignored          count of datagrams that were no answer to a request of ours
    foreign          count of those among them that came from another address; the log tells it
    retransmissions  count of messages sent again
    """

    def __init__(
        self,
        transport,
        host,
        port=5683,
        confirmable=True,
        ack_timeout_ms=2000,
        max_retransmit=4,
        response_timeout_ms=30000,
        block_size=1024,
    ):
        if not isinstance(host, str) or not host:
            configuration.refuse("host", host, "an IP literal or a name")
        if not configuration.is_integer(port, 1, 65535):
            configuration.refuse("port", port, "1 to 65535")
        if block_size not in _FIELDS[-1][2]:
            configuration.refuse("block_size", block_size, _FIELDS[-1][2])
        self.transport = transport
        self.confirmable = confirmable
        self.block_size = block_size
        self.cause = "none"
        self.ignored = 0
        self.foreign = self._told = 0
        self._stranger = None  # the last other address
        self.retransmissions = 0
        self._to = host, port
        self._resolved = False
        self._ack_timeout_ms = ack_timeout_ms
        self._max_retransmit = max_retransmit
        self._response_timeout_ms = response_timeout_ms
        self._under_way = []
        self._last = None  # the last request
        self._answered = []  # message id and token of the last responses
        self._replies = 0

    def request(self, code, path="", query=(), payload=b"", content_format=None, options=()):
        """Send a request and return the Response to it, or None: `cause` tells why.

        code: GET, POST, PUT, DELETE; path, query: see uri_options; payload: bytes, or str (sent as
        UTF-8); options: further ones, [(number, bytes), ...]. A response of class 4 or 5 is a
        Response too. What a GET brings in blocks is put together, up to 4096 bytes.
        """
        options = uri_options(path, query, content_format) + list(options)
        response = self.send(code, options, payload)
        if response and code == GET and _more(response):
            from protocols import coap_blocks  # on demand: most nodes never need it

            response = coap_blocks.fetch(self, options, response)
        return response

    def send(self, code, options, payload=b"", wait=True):
        """As request, with all options ready. Without `wait` a request that is not confirmable and
        fits into one message returns None at once; `wait_response` gets its response later."""
        request = self.begin(code, options, payload, self.confirmable)
        return self.finish(request, wait or self.confirmable)

    def begin(self, code, options, payload, confirmable=True):
        """Send a request and return at once, for finish(). Several may be under way."""
        import ucrypto

        if isinstance(payload, str):
            payload = payload.encode()
        request = _Request(code, options, payload, confirmable)
        self._last = request
        # nobody waits any more for the response to an earlier one that is not confirmable
        for other in list(self._under_way):
            if not other.confirmable:
                self._end(other, "no_answer")
        self._replies = 0
        if len(payload) > self.block_size and self.block_size < _LARGEST_BLOCK:
            request.cause = "too_long"
        elif not self._resolve():
            request.cause = "not_resolved"
        else:
            random = ucrypto.getrandbits(48)
            request.id = _next_id()
            request.token = random[:4]
            request.watch = timing.Stopwatch()
            wait_ms = self._response_timeout_ms
            if confirmable:
                # ACK_RANDOM_FACTOR 1.5, in steps of 1/131072 (4.8)
                wait_ms = self._ack_timeout_ms
                wait_ms += wait_ms * int.from_bytes(random[4:6], "big") // 131072
                request.timeout_ms = wait_ms
                request.tries = self._max_retransmit
            message = request.encoded()
            self.cause = "not_sent"
            if len(message) > _LARGEST:
                self.cause = "too_long"
            elif self._transmit(message):
                request.deadline = timing.Deadline(wait_ms)
                self._under_way.append(request)
                return request
            request.cause = self.cause
        return request

    def finish(self, request, wait=True):
        """Return the Response to a request that was begun, or None; see `cause`.

        wait: False for one that is not confirmable and whose response is not waited for.
        """
        if wait or request.cause:
            response = self._settle(request)
        else:
            self.cause = "no_answer"
            return None
        large = response and response.code == _TOO_LARGE
        if len(request.payload) > 16 and (large or self.cause == "too_long"):
            from protocols import coap_blocks  # on demand

            asked = request.code, request.options, request.payload
            response = coap_blocks.send(self, *asked, response=response)
            request.took_ms = self._last.took_ms  # of the last block, whose answer this is
        self.tell()
        return response

    def tell(self):
        """Log datagrams of other senders once. A server behind another address is seen by them."""
        if self.foreign > self._told:
            count = self.foreign - self._told
            self._told = self.foreign
            text = "%d datagrams ignored: from %s, not from %s"
            _log.warning(text, count, self._stranger, self._to)

    def exchange(self, code, options, payload, confirmable=True):
        """One message and its response, without blocks; None as for request."""
        return self._settle(self.begin(code, options, payload, confirmable))

    def wait_response(self, timeout_ms):
        """Wait for the response to the last request sent; None if it did not come. Other datagrams
        do not extend the time."""
        request = self._last
        if not request or request.cause not in (None, "no_answer"):
            return None
        if request.cause:
            request.cause = None
            self._under_way.append(request)
        request.timeout_ms = request.tries = 0
        request.deadline = timing.Deadline(timeout_ms)
        return self._settle(request)

    def _settle(self, request):
        """Wait until a request has ended, and serve the others meanwhile.

        The time of the oldest alone runs: the radio sends one after the other (RFC 6298 5).
        """
        late = _LATE
        while not request.cause:
            oldest = self._under_way[0]
            message = self._receive(oldest.deadline)
            if message:
                self._take(*message)
            if not oldest.cause and oldest.deadline.expired():
                late -= 1
                if not message or not late:
                    self._overdue(oldest)
                    late = _LATE
        self.cause = request.cause
        return request.response

    def _overdue(self, request):
        """Send a request again, or end it, and with it those behind it."""
        if request.tries:
            request.tries -= 1
            request.timeout_ms *= 2
            self._transmit(request.encoded())
            request.copies += 1
            self.retransmissions += 1
            request.deadline = timing.Deadline(request.timeout_ms)
            return
        others = list(self._under_way) if request.confirmable else (request,)
        for other in others:
            self._end(other, "no_answer")

    def _take(self, kind, code, message_id, token, options, payload):
        """Deal with a message of the server: it may end a request."""
        request = self._request_of(kind, code, message_id, token)
        if not request or code >> 5 not in (0, 2, 4, 5) or 0 < code < 32:
            # an empty confirmable message is a ping (4.3); an answer repeated is acknowledged anew
            self.ignored += 1
            if kind == _coap_message.CON:
                again = code and (message_id, token) in self._answered
                self._reply(_coap_message.ACK if again else _coap_message.RST, message_id)
            return
        if kind == _coap_message.RST:
            # an earlier copy may have been taken, before the server started anew
            self._end(request, "no_answer" if request.copies > 1 else "reset")
            return
        if not code:
            request.acknowledged = True  # the response comes by itself (5.2.2)
            if request.timeout_ms:
                request.tries = 0
                request.deadline = timing.Deadline(self._response_timeout_ms)
            return
        good = _understood(options)
        if kind == _coap_message.CON:
            self._reply(_coap_message.ACK if good else _coap_message.RST, message_id)
        self._answered = self._answered[1 - _AT_ONCE :] + [(message_id, token)]
        response = Response(code, options, payload) if good else None
        self._end(request, "answered" if good else "bad_option", response)

    def _request_of(self, kind, code, message_id, token):
        """Return the request under way that a message belongs to, or None."""
        for request in self._under_way:
            ours = message_id == request.id
            if kind == _coap_message.ACK:
                waits = request.confirmable and not request.acknowledged
                ours = ours and waits and (not code or token == request.token)
            elif kind == _coap_message.RST:
                ours = ours and not code and not request.acknowledged
            else:
                ours = code and token == request.token
            if ours:
                return request
        return None

    def _end(self, request, cause, response=None):
        was_oldest = self._under_way[0] is request
        self._under_way.remove(request)
        if was_oldest and self._under_way:
            oldest = self._under_way[0]
            wait_ms = 0 if oldest.acknowledged else oldest.timeout_ms
            oldest.deadline = timing.Deadline(wait_ms or self._response_timeout_ms)
        request.cause = cause
        request.response = response
        request.took_ms = request.watch.elapsed_ms()

    def _resolve(self):
        if not self._resolved:
            try:
                self._to = endpoint.resolve(self.transport, *self._to)
            except OSError as error:
                _log.warning("%s", error)
                return False
            self._resolved = True
        return True

    def _reply(self, kind, message_id):
        if self._replies < _REPLIES:
            self._replies += 1
            self._transmit(_coap_message.encode(kind, 0, message_id, b""))

    def _transmit(self, message):
        """True if the transport took all of it."""
        try:
            return self.transport.sendto(message, self._to) == len(message)
        except OSError as error:
            _log.warning("%s", error)
        except ValueError:  # an AT socket: longer than its line
            self.cause = "too_long"
        return False

    def _receive(self, deadline):
        """The next message of the server, decoded; None when the time is over."""
        while True:
            timing.feed()
            wait_ms = min(deadline.left_ms(), _SLICE_MS)
            watch = timing.Stopwatch()
            try:
                self.transport.settimeout(wait_ms / 1000)
                data, sender = self.transport.recvfrom(_LARGEST + 1)
            except OSError:  # nothing came, or the link is gone
                data = sender = None
            if sender:
                if isinstance(data, str):  # an AT socket in its ASCII format
                    data = data.encode()
                if sender[1] == self._to[1] and endpoint.same(sender[0], self._to[0]):
                    message = _coap_message.decode(data)
                    if message and len(data) <= _LARGEST:  # else it was cut
                        return message
                else:
                    self.foreign += 1
                    self._stranger = sender
                self.ignored += 1
            elif watch.elapsed_ms() < wait_ms:  # in vain before its time: do not spin
                timing.sleep_ms(min(100, deadline.left_ms()))
            if deadline.expired():
                return None


def _next_id():
    """16 bits that nobody can guess and that were not used in the last 247 s (4.4): from a random
    start upwards, since the start of the board."""
    global _message_id
    if not _message_id:
        import ucrypto

        _message_id = int.from_bytes(ucrypto.getrandbits(16)[:2], "big")
    _message_id = _message_id % 65535 + 1
    return _message_id


def _understood(options):
    """False if there is a critical option that is none of a response, or twice (5.4.1, 5.4.5)."""
    last = 0
    for number, _ in options:
        if number & 1 and (number not in (_BLOCK2, _BLOCK1) or number == last):
            return False
        last = number
    return True


def _more(response):
    """True if the payload is a block that is not the last."""
    for number, value in response.options:
        if number == _BLOCK2:
            return bool(int.from_bytes(value, "big") & 8)
    return False
