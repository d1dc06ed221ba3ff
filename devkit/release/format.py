"""Write what a node reads: key file, envelope, manifest, set file, answers; digests, addresses.

The readers of the device, ota/_keys.py, ota/_envelope.py and ota/_manifest.py, describe the
formats. Nothing is checked here: a node does that, and tests write what it has to refuse.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

KEY_BYTES = 384  # of a modulus, and of a signature
MPY = (4, 2, 31)  # byte code of core 1.11: version, flags, bits of small integers
MOST_BODY = 32768  # bytes of a manifest
MOST_COMPONENTS = 200
MOST_SIZE = 65536  # bytes of a component
MOST_BYTES = 1 << 20  # of a set
MOST_SEQ = (1 << 18) - 1
ANY_BASE = "*"  # of a complete list
# kinds of answers
RELEASE, CONFIRMED, KEYS = 1, 2, 3


@dataclass(frozen=True)
class Component:
    """One module of a set."""

    name: str  # networking.nbiot, networking.__init__, lib.microATsocket
    kind: str  # "mpy"; "py" for node_reset alone
    version: int  # number of the release in which it last changed
    size: int  # bytes
    sha256: str  # hex digits
    requires: tuple[tuple[str, int], ...] = ()  # (name, least version)

    @property
    def path(self) -> str:
        """Where it stands below a slot."""
        return f"{self.name.replace('.', '/')}.{self.kind}"

    @property
    def line(self) -> str:
        """As it stands in a set file."""
        return self._line(_listed(self.requires) or "-")

    def line_after(self, before: Component | None) -> str:
        """As it stands in a manifest: requirements that it had `before` need not be repeated."""
        had = dict(before.requires) if before else {}
        if not had or not had.keys() <= dict(self.requires).keys():
            return self.line
        return self._line("=" + _listed(each for each in self.requires if each not in had.items()))

    def _line(self, requires: str) -> str:
        fields = (self.name, self.kind, self.version, self.size, self.sha256, requires)
        return " ".join(map(str, fields))

    @classmethod
    def of(
        cls,
        name: str,
        content: bytes,
        version: int = 1,
        requires: Iterable[tuple[str, int]] = (),
        kind: str = "mpy",
    ) -> Component:
        sha256 = hashlib.sha256(content).hexdigest()
        return cls(name, kind, version, len(content), sha256, tuple(requires))


@dataclass(frozen=True)
class Manifest:
    """What a release makes of the set `base`."""

    seq: int
    base: str  # digest of a set, or ANY_BASE
    result: str  # digest
    added: tuple[Component, ...]  # new and changed ones
    removed: tuple[str, ...] = ()
    sec: int = 0
    trial: tuple[int, int] = (3, 24)  # tries, cycles
    boards: tuple[str, ...] = ("GPy", "FiPy")
    firmware: tuple[str, str] = ("1.20.2.r0", "1.21")  # from the first one on, below the second
    mpy: tuple[int, int, int] = MPY
    before: tuple[Component, ...] = ()  # of the set `base`, whose requirements need no repetition

    @property
    def body(self) -> bytes:
        before = {one.name: one for one in self.before}
        lines = [
            "set 1",
            " ".join(("board", *self.boards)),
            " ".join(("fw", *self.firmware)),
            " ".join(map(str, ("mpy", *self.mpy))),
            f"seq {self.seq}",
            f"sec {self.sec}",
            f"base {self.base}",
            f"result {self.result}",
            "trial {} {}".format(*self.trial),
            *[f"+ {one.line_after(before.get(one.name))}" for one in _by_name(self.added)],
            *[f"- {name}" for name in sorted(self.removed)],
            "end\n",
        ]
        return "\n".join(lines).encode()


def set_digest(components: Iterable[Component]) -> str:
    """The digest of a set, as hex digits."""
    lines = [f"{one.name} {one.kind} {one.sha256}\n" for one in _by_name(components)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def set_list(seq: int, sec: int, trial: tuple[int, int], components: Iterable[Component]) -> bytes:
    """The set file without its last line, which differs from node to node."""
    head = f"set 1\nseq {seq}\nsec {sec}\ntrial {trial[0]} {trial[1]}\n"
    return (head + "".join(f"{one.line}\n" for one in _by_name(components))).encode()


def set_file(text: bytes, device_key: bytes) -> bytes:
    """The set file of a slot, from set_list()."""
    return text + f"end {tag(device_key, text).hex()}\n".encode()


def envelope(body: bytes, kid: int, key: RSAPrivateKey) -> bytes:
    """A manifest, signed by a release key."""
    signed = b"PYU1" + bytes((kid,)) + len(body).to_bytes(2, "big") + body
    return signed + signature(signed, key)


def key_file(version: int, moduli: Mapping[int, bytes], root: RSAPrivateKey) -> bytes:
    """The moduli of the release keys by kid, signed by the root key."""
    keys = b"".join(bytes((kid,)) + modulus for kid, modulus in moduli.items())
    signed = b"PYK1" + version.to_bytes(2, "big") + bytes((len(moduli),)) + keys
    return signed + signature(signed, root)


def signature(signed: bytes, key: RSAPrivateKey) -> bytes:
    return key.sign(signed, PKCS1v15(), SHA256())


def modulus(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_numbers().n.to_bytes(KEY_BYTES, "big")


def answer(device_key: bytes, node: str, nonce: bytes, kind: int, seq: int, what: bytes) -> bytes:
    """The answer that authorizes what is to be fetched next; `what` is b"" for CONFIRMED."""
    digest = hashlib.sha256(what).digest() if what else bytes(32)
    said = seq.to_bytes(3, "big") + len(what).to_bytes(2, "big") + digest
    name = node.encode()
    first = bytes((kind,))
    signed = b"pyu1" + first + bytes((len(name),)) + name + nonce + said
    return first + said + tag(device_key, signed)


def tag(device_key: bytes, signed: bytes) -> bytes:
    return hmac.digest(device_key, signed, "sha256")


def address(content: bytes) -> str:
    """Under which content is asked for: 8 characters of URL-safe base64."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()[:6]).decode()


def etag(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:8]


def _listed(requires: Iterable[tuple[str, int]]) -> str:
    return ",".join(f"{name}:{least}" for name, least in requires)


def _by_name(components: Iterable[Component]) -> list[Component]:
    return sorted(components, key=lambda one: one.name)
