"""Block-wise transfers of CoAP (RFC 7959), loaded when one is needed: a part of protocols/coap.py.

A block option is a number: block number * 16 + 8 if more follow + exponent; blocks have
2 ** (exponent + 4) bytes, the exponent is 0 to 6.
"""

from micropython import const

from protocols._coap_message import uint
from utils import timing

_GET = const(1)
_ETAG = const(4)
_BLOCK2 = const(23)
_BLOCK1 = const(27)
_CONTINUE = const(0x5F)  # 2.31
_INCOMPLETE = const(0x88)  # 4.08
_TOO_LARGE = const(0x8D)  # 4.13
_MOST = const(4096)  # bytes of a response
_LONGEST_MS = const(600000)  # no block is begun later: a slow server must not keep the node awake


def send(client, code, options, payload, response=None):
    """Send `payload` in blocks; the Response to the last one, or the one that ended it before.

    response: the 4.13 to the payload in one piece, if that is why. Each block is confirmable, and
    the next goes out when the server has asked for it. 4.08 and 4.13 are answered by one new
    start with smaller blocks; a server may ask for smaller ones at any time. A block that the
    transport cannot take is halved, down to 16 bytes.
    """
    size = client.block_size
    while size > 16 and size >= len(payload):
        size //= 2
    restarted = False
    if response:
        restarted = True
        size = _smaller(size * 2, response)
    at = 0
    deadline = timing.Deadline(_LONGEST_MS)
    while True:
        if deadline.expired():
            client.cause = "no_answer"
            return None
        more = at + size < len(payload)
        block = (_BLOCK1, uint(at // size << 4 | more << 3 | _exponent(size)))
        response = client.exchange(code, options + [block], payload[at : at + size])
        if not response:
            if client.cause != "too_long" or size == 16:
                return None
            size //= 2
        elif response.code in (_INCOMPLETE, _TOO_LARGE) and not restarted and size > 16:
            restarted = True
            size = _smaller(size, response)
            at = 0
        elif response.code >> 5 != 2 or (not more and response.code != _CONTINUE):
            return response
        else:
            answer = _block(response, _BLOCK1)
            # a server that took this block says so by its number, and asks for more
            if not more or not answer or answer[0] != at // size:
                client.cause = "bad_block"
                return None
            at += size
            size = min(size, answer[2])


def fetch(client, options, response):
    """GET what is missing behind the first block; a Response with all of it, or None.

    None, with the cause "bad_block", if the blocks do not fit together, if what they are of
    changes twice (ETag), or if it is longer than 4096 bytes or than ten minutes.
    """
    options = [option for option in options if option[0] != _BLOCK2]
    payload = b""
    restarted = False
    first = response
    deadline = timing.Deadline(_LONGEST_MS)
    while True:
        answer = _block(response, _BLOCK2)
        if not answer or deadline.expired():
            break
        number, more, size = answer
        if _value(response, _ETAG) != _value(first, _ETAG):
            if restarted:
                break
            restarted = True  # it has changed meanwhile: once from the start
            payload = b""
            if number:
                block = (_BLOCK2, uint(_exponent(size)))
                response = client.exchange(_GET, options + [block], b"", client.confirmable)
                if not response or response.code >> 5 != 2:
                    return response
                first = response
                continue
            first = response
        whole = len(response.payload) == size if more else len(response.payload) <= size
        if number * size != len(payload) or not whole or len(payload) + size > _MOST:
            break
        payload += response.payload
        if not more:
            return type(first)(first.code, first.options, payload)
        block = (_BLOCK2, uint(len(payload) // size << 4 | _exponent(size)))
        response = client.exchange(_GET, options + [block], b"", client.confirmable)
        if not response or response.code >> 5 != 2:
            return response
    client.cause = "bad_block"
    return None


def _smaller(size, response):
    """The size to start again with: what the server proposes (RFC 7959 2.9.3), else half."""
    answer = _block(response, _BLOCK1)
    return min(size // 2, answer[2]) if answer else size // 2


def _block(response, number):
    """(block number, more, size in bytes) of a block option; None without one or for nonsense."""
    value = _value(response, number)
    if value is None or len(value) > 3:
        return None
    value = int.from_bytes(value, "big")
    if value & 7 == 7:  # reserved
        return None
    return value >> 4, bool(value & 8), 16 << (value & 7)


def _value(response, number):
    for option in response.options:
        if option[0] == number:
            return option[1]
    return None


def _exponent(size):
    """16 -> 0, 32 -> 1, ... 1024 -> 6."""
    exponent = 0
    while 16 << exponent < size:
        exponent += 1
    return exponent
