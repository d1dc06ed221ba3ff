"""What comes from the server before any content: the answer that authorizes, and the envelope.

    from ota import _envelope
    answer = _envelope.answer(payload, key, node_id, nonce)     # Answer, or a cause
    body = _envelope.opened(data, keys.moduli)                  # bytes, or a cause

An answer is given for one nonce of one node. It says which bytes come next, by their length and
SHA-256, and has the tag of the device key:

    kind, 1 byte | seq, 3 bytes | length, 2 bytes | SHA-256, 32 bytes | tag, 32 bytes

An envelope is a manifest with the signature of a release key:

    b"PYU1" | kid, 1 byte | length of the body, 2 bytes | body | signature over all before it, 384

Numbers are big-endian. The order of the checks is fixed: the tag of the answer, the SHA-256 of
what was fetched (whoever fetches compares it), the signature. So nobody without the device key
has the node compute with large integers, and nobody without a release key has it read a manifest.
"""

from micropython import const
from ucollections import namedtuple

RELEASE = const(1)  # kinds of answers: an envelope comes next
CONFIRMED = const(2)  # the server has a report of the release that runs
KEYS = const(3)  # a key file comes next, and then the node asks again

_MOST_BODY = const(32768)  # bytes
_SIGNATURE = const(384)
_HEAD = const(7)
_ANSWER = const(38)  # bytes before the tag
_KEY = const(385)

# kind: one of the above. seq: number of the release. length, digest: of what comes next
Answer = namedtuple("Answer", ("kind", "seq", "length", "digest"))


def answer(payload, key, node_id, nonce):
    """Return the Answer in this payload, or a cause.

    key: the device key. node_id: text. nonce: the 12 bytes of the question.
    Causes: "answer" damaged; "tag" not for this node and this question.
    """
    from ota import _keys

    if len(payload) != _ANSWER + 32:
        return "answer"
    name = node_id.encode()
    said = payload[:_ANSWER]
    tag = _keys.hmac(key, b"pyu1", said[:1], bytes((len(name),)), name, nonce, said[1:])
    if not _keys.same(tag, payload[_ANSWER:]):
        return "tag"
    kind, length = said[0], said[4] << 8 | said[5]
    key_file = _HEAD + _SIGNATURE + _KEY
    allowed = {
        RELEASE: _HEAD + _SIGNATURE < length <= _HEAD + _SIGNATURE + _MOST_BODY,
        CONFIRMED: length == 0,
        KEYS: length == key_file or length == key_file + _KEY,
    }
    if not allowed.get(kind):
        return "answer"
    return Answer(kind, said[1] << 16 | said[2] << 8 | said[3], length, said[6:])


def opened(data, moduli):
    """Return the body of an envelope, or a cause.

    moduli: {kid: modulus} of the key file.
    Causes: "envelope" damaged; "signature" not made by a key that is in the key file.
    """
    from ota import _keys, _rsa

    length = data[5] << 8 | data[6] if len(data) > _HEAD else 0
    end = _HEAD + length
    if not 1 <= length <= _MOST_BODY or len(data) != end + _SIGNATURE or data[:4] != b"PYU1":
        return "envelope"
    modulus = moduli.get(data[4], b"")
    if not _rsa.verify(_keys.sha256(data[:end]), data[end:], modulus):
        return "signature"
    return data[_HEAD:end]
