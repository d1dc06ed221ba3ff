"""Messages of CoAP as bytes (RFC 7252 section 3): a part of protocols/coap.py.

    from protocols import _coap_message as coding
    data = coding.encode(coding.CON, 2, 0x1234, b"tokn", [(11, b"r"), (12, b"\\x70")], b"payload")
    coding.decode(data)     # (0, 2, 0x1234, b"tokn", [(11, b"r"), (12, b"\\x70")], b"payload")

Options are pairs of number and bytes. What is no message decodes to None, whatever it is.
"""

from micropython import const

CON = const(0)  # types, RFC 7252 section 3
NON = const(1)
ACK = const(2)
RST = const(3)


def encode(kind, code, message_id, token, options=(), payload=b""):
    """Return the message as bytes. Options of one number keep the order in which they are given.

    kind: CON, NON, ACK, RST; code: class * 32 + detail, 0 to 255; message_id: 16 bits; token: 0 to
    8 bytes.
    """
    message = bytearray((0x40 | kind << 4 | len(token), code, message_id >> 8, message_id & 255))
    message += token
    last = 0
    # sorted() is not stable on this VM: the index keeps the segments of a path in order
    for number, index in sorted((option[0], index) for index, option in enumerate(options)):
        value = options[index][1]
        delta, more = _split(number - last)
        length, most = _split(len(value))
        message.append(delta << 4 | length)
        message += more + most + value
        last = number
    if payload:
        message.append(0xFF)
        message += payload
    return bytes(message)


def _split(number):
    """The nibble for a delta or length, and the bytes that extend it (3.1)."""
    if number < 13:
        return number, b""
    if number < 269:
        return 13, bytes((number - 13,))
    return 14, (number - 269).to_bytes(2, "big")


def decode(data):
    """Return (kind, code, message_id, token, options, payload), None for anything malformed."""
    end = len(data)
    if end < 4 or data[0] >> 6 != 1:
        return None
    at = 4 + (data[0] & 15)
    if at > min(12, end) or (not data[1] and end > 4):  # an empty message is its header (4.1)
        return None
    token = data[4:at]
    options = []
    number = 0
    while at < end:
        first = data[at]
        at += 1
        if first == 0xFF:
            if at == end:  # a marker without payload is an error (3)
                return None
            break
        pair = []
        for nibble in (first >> 4, first & 15):
            if nibble == 15:
                return None
            size = max(0, nibble - 12)
            if at + size > end:
                return None
            if size:
                nibble = int.from_bytes(data[at : at + size], "big") + (13 if size == 1 else 269)
            at += size
            pair.append(nibble)
        number += pair[0]
        if at + pair[1] > end or number > 65535:
            return None
        options.append((number, data[at : at + pair[1]]))
        at += pair[1]
    return data[0] >> 4 & 3, data[1], data[2] << 8 | data[3], token, options, data[at:]


def uint(value):
    """A number as the value of an option: big-endian, without leading zeros, 0 is empty (3.2)."""
    data = b""
    while value:
        data = bytes((value & 255,)) + data
        value >>= 8
    return data
