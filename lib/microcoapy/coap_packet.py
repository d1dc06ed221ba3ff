"""One message (RFC 7252 section 3), with the attributes that programs of microCoAPy use."""

from . import coap_macros as macros

_OPTION = macros.COAP_OPTION_NUMBER


class CoapOption:
    def __init__(self, number=-1, buffer=None):
        self.number = number
        self.buffer = octets(buffer)


class CoapPacket:
    """
    type, method            of COAP_TYPE; of COAP_METHOD or COAP_RESPONSE_CODE
    token, payload          bytes or str; None in a received message that has none
    messageid               0 to 65535
    options                 list of CoapOption, in order
    content_format, query   become options when the packet is sent
    """

    def __init__(self):
        self.version = 0
        self.type = 0
        self.method = 1
        self.token = b""
        self.payload = b""
        self.messageid = 0
        self.content_format = -1
        self.query = b""
        self.options = []

    def addOption(self, number, opt_payload):
        self.options.append(CoapOption(number, opt_payload))

    def setUriHost(self, address):
        self.addOption(_OPTION.COAP_URI_HOST, address)

    def setUriPath(self, url):
        for part in url.split("/"):
            if part:
                self.addOption(_OPTION.COAP_URI_PATH, part)

    def path(self):
        """Return the segments of its Uri-Path with slashes between."""
        parts = [each for each in self.options if each.number == _OPTION.COAP_URI_PATH]
        return "/".join([each.buffer.decode() for each in parts])

    def toString(self):
        return "type: %s, method: %d.%02d, messageid: %d, payload: %s" % (
            macros.coapTypeToString(self.type),
            self.method >> 5,
            self.method & 31,
            self.messageid,
            self.payload,
        )

    def encode(self):
        """Return the message as bytes. ValueError for a token of more than 8 bytes."""
        token = octets(self.token)
        if len(token) > 8:
            raise ValueError("token; allowed: up to 8 bytes")
        data = bytearray((0x40 | self.type << 4 | len(token), self.method))
        data += self.messageid.to_bytes(2, "big") + token
        last = 0
        # sorted() is not stable on this VM: the index keeps the segments of a path in order
        order = [(each.number, index) for index, each in enumerate(self.options)]
        for number, index in sorted(order):
            value = octets(self.options[index].buffer)
            delta, more = _split(number - last)
            length, most = _split(len(value))
            data.append(delta << 4 | length)
            data += more + most + value
            last = number
        payload = octets(self.payload)
        if payload:
            data += b"\xff" + payload
        return bytes(data)


def decode(data):
    """Return the message as a CoapPacket. ValueError or IndexError for what is none."""
    packet = CoapPacket()
    packet.version = data[0] >> 6
    packet.tokenLength = data[0] & 15
    packet.type = data[0] >> 4 & 3
    packet.method = data[1]
    packet.messageid = data[2] << 8 | data[3]
    place = 4 + packet.tokenLength
    if packet.version != 1 or packet.tokenLength > 8 or place > len(data):
        raise ValueError("no message")
    packet.token = data[4:place] or None
    packet.payload = None
    number = 0
    while place < len(data):
        first = data[place]
        place += 1
        if first == 0xFF:
            packet.payload = data[place:]
            break
        delta, place = _joined(first >> 4, data, place)
        length, place = _joined(first & 15, data, place)
        number += delta
        packet.addOption(number, data[place : place + length])
        place += length
    if place > len(data):
        raise ValueError("no message")
    return packet


def octets(text):
    """Bytes of what programs give as a payload, a token or an option."""
    return text.encode() if isinstance(text, str) else bytes(text or b"")


def _split(number):
    """The nibble for a delta or length, and the bytes that extend it (3.1)."""
    if number < 13:
        return number, b""
    if number < 269:
        return 13, bytes((number - 13,))
    return 14, (number - 269).to_bytes(2, "big")


def _joined(nibble, data, place):
    """The number of a nibble and what extends it, and the place behind."""
    if nibble == 13:
        return data[place] + 13, place + 1
    if nibble == 14:
        return (data[place] << 8 | data[place + 1]) + 269, place + 2
    if nibble == 15:
        raise ValueError("no message")
    return nibble, place
