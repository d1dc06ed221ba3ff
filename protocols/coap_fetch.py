"""Questions and block-wise downloads behind a report: a part of protocols/coap.py, for updates.

    session = coap.open(transport, config)
    session.ask("u", b"...")                    # b"...", the answer; None: no answer, or refused
    session.block("u/rE4XwvGb", 3, 1024)        # (data, is_last, etag), or None

Each call is one confirmable exchange, repeated at most twice: with the times of RFC 7252 it takes
at most 21 s without a server. What did not come is asked for again in a later cycle. A block needs
no other block before it (RFC 7959 2.4), so a download goes on where an earlier one has ended.
"""

from micropython import const

from protocols import coap
from protocols._coap_message import uint
from utils import configuration, logging

_ETAG = const(4)
_BLOCK2 = const(23)
_CONTENT = const(0x45)  # 2.05
_RETRIES = const(2)
_SIZES = (16, 32, 64, 128, 256, 512, 1024)
_MOST_BLOCKS = const(0x100000)  # 20 bits (RFC 7959 2.2)

_log = logging.Logger("coap")


def ask(client, path, payload):
    """POST `payload`; return the payload of an answer of class 2, else None."""
    response = _exchange(client, coap.POST, path, [], payload)
    return response.payload if response else None


def block(client, path, number, size):
    """GET one block; (data, is_last, etag), or None if it did not come or does not fit.

    path: ends with an address, the first 6 bytes of the SHA-256 of the whole content as 8
    characters of URL-safe base64. Refused are: another block number or size, a block that is not
    full but for the last, an empty one, and an ETag that is not 8 bytes or does not begin with the
    bytes of the address. ValueError for a wrong number or size.
    """
    if size not in _SIZES:
        configuration.refuse("size", size, _SIZES)
    if not configuration.is_integer(number, 0, _MOST_BLOCKS - 1):
        configuration.refuse("number", number, "0 to 1048575")
    wanted = number << 4 | _SIZES.index(size)
    response = _exchange(client, coap.GET, path, [(_BLOCK2, uint(wanted))], b"")
    if not response:
        return None
    answered = _SIZES.index(size)  # a server may leave the option out of all that fits into one
    etag = b""
    for option, value in response.options:
        if option == _BLOCK2:
            answered = int.from_bytes(value, "big")
        elif option == _ETAG:
            etag = value
    data = response.payload
    more = answered & 8
    fits = response.code == _CONTENT and answered & ~8 == wanted
    fits = fits and (len(data) == size if more else 0 < len(data) <= size)
    if not fits or len(etag) != 8 or not path.endswith("/" + _address(etag)):
        _log.warning("%s, block %d: does not fit", path, number)
        return None
    return data, not more, etag


def _exchange(client, code, path, options, payload):
    """Return the Response of class 2 to one request, or None."""
    if hasattr(client.transport, "follows"):
        client.transport.follows(None)  # another request may come
    request = client.begin(code, coap.uri_options(path) + options, payload)
    request.tries = min(_RETRIES, request.tries)
    response = client.finish(request)
    if not response:
        _log.warning("%s: %s", path, client.cause)
    elif response.code >> 5 != 2:
        _log.warning("%s: %s", path, coap.code_text(response.code))
    else:
        return response
    return None


def _address(digest):
    import ubinascii

    address = ubinascii.b2a_base64(digest[:6])[:8]
    return address.replace(b"+", b"-").replace(b"/", b"_").decode()
