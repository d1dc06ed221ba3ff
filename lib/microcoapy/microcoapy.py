"""The class Coap of microCoAPy: requests, responses and both callbacks; see __init__.py."""

import sys

from utils import address, timing

# some programs import this module under the name of the package
from .coap_macros import COAP_CONTENT_FORMAT, COAP_METHOD, COAP_RESPONSE_CODE, COAP_TYPE
from .coap_packet import CoapPacket, decode

_LARGEST = 1024
_CONTENT_FORMAT = 12  # options
_URI_QUERY = 15
_RESPONSES = 64  # the first code that is none of a request


class _State:
    STATE_IDLE = 0
    STATE_SEPARATE_ACK_RECEIVED_WAITING_DATA = 1


class Coap:
    """
    responseCallback        None, or called with (packet, (ip, port)) for each response
    debug                   True: print what is sent and received
    discardRetransmissions  False; True: a message like the one before is dropped
    state                   of TRANSMISSION_STATE: whether a separate response is to come

    What sends returns the message id, and 0 or less if it was not sent. Nothing is sent twice.
    """

    TRANSMISSION_STATE = _State

    def __init__(self):
        self.debug = True
        self.sock = None
        self.callbacks = {}  # path -> of requests
        self.responseCallback = None
        self.port = 0
        self.isServer = False
        self.state = _State.STATE_IDLE
        self.isCustomSocket = False
        self.discardRetransmissions = False
        self.lastPacketStr = ""
        self._plain = None  # message id of the last request that was not confirmable

    def log(self, s):
        if self.debug:
            print("[microcoapy]: " + s)

    def start(self, port=5683):
        """Open a socket of the firmware at this local port."""
        import usocket

        self.sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        self.sock.bind(("", port))

    def stop(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def setCustomSocket(self, custom_socket):
        """Use this one from now on: it has sendto, recvfrom and setblocking."""
        self.stop()
        self.isCustomSocket = True
        self.sock = custom_socket

    def addIncomingRequestCallback(self, requestUrl, callback):
        """Let callback(packet, ip, port) serve the requests for a path."""
        self.callbacks[requestUrl] = callback
        self.isServer = True

    def sendPacket(self, ip, port, coapPacket):
        if coapPacket.content_format >= 0:
            value = coapPacket.content_format.to_bytes(2, "big")
            while value[:1] == b"\0":  # the shortest form (3.2)
                value = value[1:]
            coapPacket.addOption(_CONTENT_FORMAT, value)
        query = coapPacket.query
        if query:
            for part in query.split("&") if isinstance(query, str) else (query,):
                coapPacket.addOption(_URI_QUERY, part)
        try:
            status = self.sock.sendto(coapPacket.encode(), self._address(ip, port))
        except (OSError, ValueError, TypeError) as error:
            sys.print_exception(error)
            return 0
        if status > 0:
            status = coapPacket.messageid
        self.log("Packet sent. messageid: %d" % status)
        return status

    def _address(self, ip, port):
        if not self.isCustomSocket and not address.family(ip):
            import usocket

            return usocket.getaddrinfo(ip, port)[0][-1]
        return ip, port

    def send(self, ip, port, url, type, method, token, payload, content_format, query_option):
        packet = CoapPacket()
        packet.type = type
        packet.method = method
        packet.token = token
        packet.payload = payload
        packet.content_format = content_format
        packet.query = query_option
        return self.sendEx(ip, port, url, packet)

    def sendEx(self, ip, port, url, packet):
        """Send a packet of your own to a path."""
        import uos

        self.state = _State.STATE_IDLE
        packet.messageid = int.from_bytes(uos.urandom(2), "big") or 1
        if not address.family(ip):
            packet.setUriHost(ip)
        packet.setUriPath(url)
        return self.sendPacket(ip, port, packet)

    def sendResponse(self, ip, port, messageid, payload, method, content_format, token):
        """Answer a request in the message that acknowledges it."""
        packet = CoapPacket()
        packet.type = COAP_TYPE.COAP_ACK
        if messageid == self._plain:  # which is not acknowledged
            packet.type = COAP_TYPE.COAP_NONCON
        packet.method = method
        packet.token = token
        packet.payload = payload
        packet.messageid = messageid
        packet.content_format = content_format
        return self.sendPacket(ip, port, packet)

    def get(self, ip, port, url, token=b""):
        return self.send(ip, port, url, 0, COAP_METHOD.COAP_GET, token, None, -1, None)

    def put(self, ip, port, url, payload=b"", query_option=None, content_format=-1, token=b""):
        return self.send(
            ip, port, url, 0, COAP_METHOD.COAP_PUT, token, payload, content_format, query_option
        )

    def post(self, ip, port, url, payload=b"", query_option=None, content_format=-1, token=b""):
        return self.send(
            ip, port, url, 0, COAP_METHOD.COAP_POST, token, payload, content_format, query_option
        )

    def getNonConf(self, ip, port, url, token=b""):
        return self.send(ip, port, url, 1, COAP_METHOD.COAP_GET, token, None, -1, None)

    def putNonConf(
        self, ip, port, url, payload=b"", query_option=None, content_format=-1, token=b""
    ):
        return self.send(
            ip, port, url, 1, COAP_METHOD.COAP_PUT, token, payload, content_format, query_option
        )

    def postNonConf(
        self, ip, port, url, payload=b"", query_option=None, content_format=-1, token=b""
    ):
        return self.send(
            ip, port, url, 1, COAP_METHOD.COAP_POST, token, payload, content_format, query_option
        )

    def handleIncomingRequest(self, requestPacket, sourceIp, sourcePort):
        """Call what serves its path; 4.04 without one, or False if there is a responseCallback."""
        callback = self.callbacks.get(requestPacket.path())
        self._plain = requestPacket.messageid if requestPacket.type else None
        if callback:
            callback(requestPacket, sourceIp, sourcePort)
        elif self.responseCallback:
            return False
        else:
            code, token = COAP_RESPONSE_CODE.COAP_NOT_FOUND, requestPacket.token
            self.sendResponse(sourceIp, sourcePort, requestPacket.messageid, None, code, -1, token)
        return True

    def readBytesFromSocket(self, numOfBytes):
        """(data, sender), or (None, None) if there is nothing."""
        try:
            return self.sock.recvfrom(numOfBytes)
        except OSError:
            return (None, None)

    def loop(self, blocking=True):
        """Take one message, if there is one; True if it was a request or a response."""
        if self.sock is None:
            return False
        self.sock.setblocking(blocking)
        data, sender = self.readBytesFromSocket(_LARGEST)
        self.sock.setblocking(True)
        if not data:
            return False
        try:
            packet = decode(data.encode() if isinstance(data, str) else data)
            text = packet.toString()
        except (ValueError, IndexError):  # anybody can send anything
            return False
        self.log("Incoming " + text)
        if self.discardRetransmissions and text == self.lastPacketStr:
            return False
        self.lastPacketStr = text
        is_request = 0 < packet.method < _RESPONSES
        if self.isServer and is_request and self.handleIncomingRequest(packet, *sender[:2]):
            return True
        if not packet.method and packet.type == COAP_TYPE.COAP_ACK:
            self.state = _State.STATE_SEPARATE_ACK_RECEIVED_WAITING_DATA
            return False
        if packet.method >= _RESPONSES and packet.type == COAP_TYPE.COAP_CON:
            self.state = _State.STATE_IDLE
            self._acknowledge(packet, sender)
        if self.responseCallback:
            self.responseCallback(packet, sender)
        return True

    def _acknowledge(self, packet, sender):
        answer = CoapPacket()
        answer.type = COAP_TYPE.COAP_ACK
        answer.method = COAP_METHOD.COAP_EMPTY_MESSAGE
        answer.messageid = packet.messageid
        self.sendPacket(sender[0], sender[1], answer)

    def poll(self, timeoutMs=-1, pollPeriodMs=500):
        """Wait for one message; True if it came in time. Looks once if timeoutMs is negative."""
        deadline = timing.Deadline(max(0, timeoutMs))
        while not self.loop(False):
            if not deadline.left_ms():
                return False
            timing.sleep_ms(min(pollPeriodMs, deadline.left_ms()))
        return True
