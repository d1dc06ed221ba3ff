"""What a node asks about updates, and how it is answered.

    ask = Ask.read(payload)                                 # None for anything else
    payload = answered(key, ask, AUTHORIZE, 7, content)

    question  1 | kind | running seq 3 | wanted seq 3 | key file version 2 | nonce 12 | node id
    answer    kind | seq 3 | length 2 | SHA-256 of the content 32 | tag 32

Numbers are big-endian. The tag is an HMAC-SHA256 with the key of the device over the answer, the
node id and the nonce: the node knows that this server has authorized that very content, before it
fetches a byte of it.

Source: RFC 2104 (HMAC).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from collector.updates.releases import Content

AUTHORIZE, CONFIRM, KEY_FILE = 1, 2, 3
FORMAT = 1  # first byte of a question; no SenML pack begins with it
_HEAD = 22  # bytes of a question before the node id
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]{0,63}")


@dataclass(frozen=True)
class Ask:
    kind: int  # AUTHORIZE, CONFIRM
    running: int
    wanted: int
    key_version: int
    nonce: bytes
    node: str

    @classmethod
    def read(cls, data: bytes) -> Ask | None:
        """Return the question in a payload; None if it is malformed."""
        node = data[_HEAD:].decode("ascii", "replace")
        if data[:1] != bytes((FORMAT,)) or not _NODE.fullmatch(node):
            return None
        if data[1] not in (AUTHORIZE, CONFIRM):
            return None
        running, wanted, version = (
            int.from_bytes(data[start:end], "big") for start, end in ((2, 5), (5, 8), (8, 10))
        )
        return cls(data[1], running, wanted, version, data[10:_HEAD], node)


def answered(key: bytes, ask: Ask, kind: int, seq: int, content: Content | None) -> bytes:
    """Return the payload of an answer; content: None for a confirmation."""
    length, digest = (len(content.data), content.digest) if content else (0, bytes(32))
    body = seq.to_bytes(3, "big") + length.to_bytes(2, "big") + digest
    node = ask.node.encode()
    said = b"pyu1" + bytes((kind, len(node))) + node + ask.nonce + body
    return bytes((kind,)) + body + hmac.digest(key, said, hashlib.sha256)
