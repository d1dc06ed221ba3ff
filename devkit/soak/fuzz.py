"""Damaged and random envelopes, manifests and block answers, for devkit/soak/attacks.py.

A case is valid bytes that were changed in a few places, or bytes drawn at random. The node opens
an envelope, parses and checks a manifest, and fetches content whose datagrams were changed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Any

from devkit.release import format as formats
from devkit.soak import hostile
from devkit.soak.hostile import BAD, FLOOR, Server, Target, manifest, signer

CASES = 200  # of each kind in a run
KINDS = ("envelope", "manifest", "content")
WORDS = (b"0", b"-1", b"262143", b"99999999999", b"*", b"-", b"+", b"end", b"set 1", b"../main",
         b"ota", b"node", b"\xff\xfe", b"\xc3\xa9", b"py", b"x" * 70, b"a.b.c.d.e", b"",
         b"0" * 64, b"f" * 64, b"1.20.2.r4", b"x:1", b"x:1,y:2", b"\x00")  # fmt: skip

PROGRAM = (
    hostile.SESSION
    + """
running = _slots.read(0)
machine = ("GPy", "1.20.2.r4")
moduli = _keys.key_file(_slots.content("/flash/keys/release"), _slots.content("/flash/keys/root"))
moduli = moduli.moduli


def envelope(data):
    return _envelope.opened(data, moduli)


def manifest(data):
    found = _manifest.parse(data)
    if not isinstance(found, str):
        found = _manifest.check(found, running, machine, {floor}, {bad}, 2)
    if not isinstance(found, str):
        found = [found.seq, _manifest.digest(found.components)]
    return found


def content(sha256, size):
    download = _staging.Download(session(), 8192, timing.Deadline(600000), 1024)
    outcome = download.whole(sha256, size)
    path = _staging.place(sha256)
    found = _slots.content(path) if outcome == _staging.WHOLE else outcome
    for each in (path, path + ".p"):
        _slots.remove(each)
    return found


_slots.empty(_slots.STAGING)
while True:
    case = call("world.case")
    if not case:
        break
    try:
        call("world.judge", {"envelope": envelope, "manifest": manifest, "content": content}[
            case[0]](*case[1:]))
    except Exception as error:
        sys.print_exception(error)
        call("world.raised", repr(error))
"""
)


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Data changed in one to three places, or other data."""
    if rng.random() < 0.2:
        return rng.randbytes(rng.choice((0, 1, 7, 40, 400, rng.randrange(3000))))
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 2, rng.randrange(1, 100))))
        piece = data[at:to]
        data = data[:at] + rng.choice((
            bytes(each ^ 1 << rng.randrange(8) for each in piece),
            rng.randbytes(len(piece)), b"", piece * 2, piece[::-1], rng.randbytes(3) + piece,
            bytes(len(piece)), rng.choice(WORDS),
        )) + data[to:]  # fmt: skip
    return data[: rng.randrange(len(data) + 1)] if rng.random() < 0.1 else data


def rewritten(rng: random.Random, body: bytes) -> bytes:
    """A manifest with other words or lines: it remains one more often."""
    lines = [line.split(b" ") for line in body.split(b"\n")]
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(lines))
        line = rng.choice(lines)
        what = rng.randrange(5)
        if what == 0:
            lines[at][rng.randrange(len(lines[at]))] = rng.choice(WORDS)
        elif what == 1:
            lines[at][rng.randrange(len(lines[at]))] = rng.choice(line)
        elif what == 2:
            lines.insert(at, list(line))
        elif what == 3:
            lines[at], lines[rng.randrange(len(lines))] = list(line), lines[at]
        else:
            del lines[at]
            lines = lines or [[b""]]
    return b"\n".join(b" ".join(line) for line in lines)


class Cases:
    """The cases of a run, and what the node made of them: the world of PROGRAM."""

    def __init__(self, target: Target, seed: int) -> None:
        self.rng = random.Random(seed)
        self.found: list[tuple[str, str]] = []
        self._target = target
        self._left = [kind for kind in KINDS for _ in range(CASES)]
        self._valid: tuple[bytes, ...] = ()
        self._case: tuple[Any, ...] = ()
        self._body = manifest().body
        self._envelopes = [
            formats.envelope(self._body, 1, signer("release")),
            formats.envelope(b"set 1\nend\n", 2, signer("next")),
        ]

    def next(self) -> list[Any] | None:
        if not self._left:
            return None
        rng, kind = self.rng, self._left.pop()
        if kind == "envelope":
            self._case = (kind, mutated(rng, rng.choice(self._envelopes)))
        elif kind == "manifest":
            change = rng.choice((mutated, rewritten))
            self._case = (kind, change(rng, self._body))
        else:
            content = rng.randbytes(rng.choice((1, 300, 512, 1024, 1500)))
            self._target.world.server.contents = {"": content}
            self._case = (kind, hashlib.sha256(content).hexdigest(), len(content))
        return list(self._case)

    def judge(self, found: Any) -> None:
        kind, data = self._case[:2]
        if isinstance(found, str):
            return
        if kind == "envelope":
            is_right = data in self._envelopes
        elif kind == "manifest":  # the same files, under a number that is allowed
            seq, digest = found
            is_right = digest == manifest().result and FLOOR < seq <= FLOOR + 10000 != seq != BAD
        else:
            is_right = hashlib.sha256(found).hexdigest() == data
        if not is_right:
            self.found.append(("accepted", f"{kind} {data!r}"))

    def raised(self, error: str) -> None:
        self.found.append(("exception", f"{error} by {self._case!r:.300}"))

    def datagrams(self, right: list[bytes]) -> list[bytes]:
        """What arrives in place of an answer."""
        rng = self.rng
        those = [mutated(rng, right[0]) for _ in range(rng.choice((0, 1, 1, 1, 2)))]
        return those + right if rng.random() < 0.5 else those


def broken(target: Target, seed: int) -> Iterator[tuple[str, str]]:
    cases, world, server = Cases(target, seed), target.world, Server()
    world.cases, world.datagrams = cases, cases.datagrams
    body = PROGRAM.replace("{floor}", str(FLOOR)).replace("{bad}", str(BAD))
    error = target.run(server, body)
    if error:
        yield "exception", error
    yield from cases.found
    outside = target.changed("new")
    if outside:
        yield "outside", ", ".join(outside)
