"""What a stranger, a stolen server or a stolen key can have a node do by its updates: nothing.

The first runs are one attack each, against a node that fetches over its real CoAP: F28 to F40 of
the fault list, and those that TUF and SUIT name. A few of them are no attack: what is allowed is
taken, exactly. Each further run is 200 damaged or random envelopes, manifests and block answers
each, and numbers that try the division of the large integers. Rules:

    exception   none, whatever comes
    refused     the node keeps its set, its floor, its epoch and its keys
    outside     before the manifest was found good, nothing is written outside the staging; the
                other slot holds no set at any time, and no other file is touched
    order       without the tag of the device key nothing is fetched, and no signature is computed
    cause       the log says why
    taken       what is allowed comes into the other slot, and nothing else does
    accepted    no damaged envelope, manifest or content counts
    division    MicroPython 1.11 divides correctly by the moduli of keys (devkit/soak/division.py)
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from devkit.release import format as formats
from devkit.release.format import Component
from devkit.release.keys import is_vetted
from devkit.soak import division, fuzz, hostile
from devkit.soak.hostile import (
    ADDED,
    CHANGED,
    FLOOR,
    KEY,
    KEY_VERSION,
    NEW,
    NODE,
    RUNNING,
    Block,
    Server,
    Target,
    component,
    key_file,
    manifest,
    signer,
)
from devkit.soak.rig import Rig

ANSWER, ENVELOPE, CONTENT = "answer", "envelope", "content"  # how far an attack comes
SIZE = formats.KEY_BYTES
TRIAL_WORD = 2 << 28 | 3 << 24 | 24 << 18 | NEW

Prepare = Callable[[Server, Target], object]


class Attack(NamedTuple):
    name: str
    prepare: Prepare
    said: str  # in the log; "" if nothing is to be told
    reaches: str
    touches: tuple[str, ...] = ()  # files that change rightly, or by the attack itself


# answers


def says(answer: Callable[[bytes, int], bytes]) -> Prepare:
    """The answer to a question: (nonce, kind) -> bytes."""
    return lambda server, target: setattr(server, "answering", answer)


def answers(change: Callable[[bytes], bytes]) -> Prepare:
    return lambda server, target: setattr(server, "answered", change)


def given(key: bytes = KEY, node: str = NODE, kind: int = 1, seq: int = NEW,
          nonce: bytes = b"", size: int = 0) -> Prepare:  # fmt: skip
    """An answer that is right but for what is given here."""

    def prepare(server: Server, target: Target) -> None:
        what = bytes(size) or server.envelope
        server.answering = lambda asked, _: formats.answer(
            key, node, nonce or asked, kind, seq, b"" if kind == 2 else what
        )

    return prepare


def flipped(data: bytes, at: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


ANSWERS = [
    ("tag of a stranger", given(key=bytes(32)), "no answer: tag"),
    ("freeze: an answer of another day", given(nonce=bytes(12)), "no answer: tag"),
    ("answer for another node", given(node="soak2"), "no answer: tag"),
    *[(f"answer with byte {at} changed", answers(functools.partial(flipped, at=at)),
       "no answer: tag") for at in (0, 1, 3, 5, 6, 37, 38, 69)],
    ("answer cut", answers(lambda one: one[:-1]), "no answer: answer"),
    ("answer with more behind", answers(lambda one: one + b"\x00"), "no answer: answer"),
    ("empty answer", answers(lambda one: b""), "no answer: answer"),
    ("long answer", answers(lambda one: one * 14), "no answer: answer"),
    ("F37: an envelope of 60 KB", given(size=60000), "no answer: answer"),
    ("F37: an envelope of a few bytes", given(size=390), "no answer: answer"),
    ("answer for another release", given(seq=NEW + 1), ""),
    ("confirmation in place of a release", given(kind=2), ""),
    ("a kind that is none", given(kind=4), "no answer: answer"),
    ("a release that was rejected",
     lambda server, target: target.nvs.put("ota_bad", NEW | 4 << 18), ""),
    ("a release that failed on trial",
     lambda server, target: target.nvs.put("ota_bad", NEW | 2 << 18), ""),
    ("key file of a length that is none", given(kind=3, size=1000), "no answer: answer"),
]  # fmt: skip


# envelopes


def signed(*added: Component, **fields: object) -> Prepare:
    """A manifest that the release key has signed, and that is offered under its number."""

    def prepare(server: Server, target: Target) -> None:
        made = manifest(*added, **fields)  # type: ignore[arg-type]
        server.seq = made.seq
        server.contents.update({one.sha256: hostile.data_of(one) for one in added})
        server.sign(made)

    return prepare


def text(change: Callable[[bytes], bytes]) -> Prepare:
    """The body of release 12, changed before it is signed."""
    return lambda server, target: server.sign(change(manifest().body))


def envelope(change: Callable[[bytes], bytes]) -> Prepare:
    return lambda server, target: setattr(server, "envelope", change(server.envelope))


def signature(number: Callable[[int, int], int]) -> Prepare:
    """Another signature: (s, n) -> number."""
    n = int.from_bytes(formats.modulus(signer("release")), "big")

    def change(data: bytes) -> bytes:
        s = int.from_bytes(data[-SIZE:], "big")
        return data[:-SIZE] + (number(s, n) % (1 << 8 * SIZE)).to_bytes(SIZE, "big")

    return envelope(change)


def tries_the_division(seed: int, s: int, n: int) -> int:
    return list(division.hostile(n, random.Random(seed), 1))[-1]


def by(key: str, kid: int = 1) -> Prepare:
    return lambda server, target: server.sign(manifest(), kid, key)


def keys(version: int, key: str = "root", change: Callable[[bytes], bytes] = bytes) -> Prepare:
    """A key file that comes before the release, whenever the node asks."""

    def prepare(server: Server, target: Target) -> None:
        what = server.contents["keys"] = change(key_file(version, key))
        server.answering = lambda nonce, _: formats.answer(KEY, NODE, nonce, 3, NEW, what)

    return prepare


def only_the_next_key(server: Server, target: Target) -> None:
    moduli = {2: formats.modulus(signer("next"))}
    server.key_file = formats.key_file(KEY_VERSION + 1, moduli, signer("root"))


def replaced(old: bytes, new: bytes) -> Prepare:
    def change(body: bytes) -> bytes:
        assert body.count(old) == 1, (old, body)
        return body.replace(old, new)

    return text(change)


def failed_before(server: Server, target: Target) -> None:
    """Release 12 has crashed on trial. Something else is refused before it is offered again."""
    target.nvs.put("ota_bad", NEW | 1 << 18)
    forged = Server()
    forged.seq = NEW + 30
    by("stranger")(forged, target)
    target.run(forged)


def other_number(server: Server, target: Target) -> None:
    server.seq = NEW + 1


NAMES = ("../main", "/x", "..", "", "a/b", "x" * 65, "x" * 33, "a.b.c.d.e", "main", "boot",
         "boot_trial", "credentials", "config", "app.\u00e9", "a-b", "app..new", "1a")  # fmt: skip
MINE = component("app.a", 10, size=200)
LARGE = [dataclasses.replace(component(f"more.m{at}", NEW), size=65536) for at in range(17)]
MANY = [component(f"more.m{at:03}", NEW, size=20) for at in range(201)]

ENVELOPES = [
    # F30 to F32
    ("arbitrary install: signed by a stranger", by("stranger"), "refused: signature"),
    ("signed by the root key", by("root"), "refused: signature"),
    ("F30: signature with one bit changed", signature(lambda s, n: s ^ 1), "refused: signature"),
    ("F30: s + n", signature(lambda s, n: s + n), "refused: signature"),
    ("F30: n", signature(lambda s, n: n), "refused: signature"),
    ("F30: all ones", signature(lambda s, n: -1), "refused: signature"),
    ("F30: 0", signature(lambda s, n: 0), "refused: signature"),
    ("F30: 1", signature(lambda s, n: 1), "refused: signature"),
    ("F30: n - s", signature(lambda s, n: n - s), "refused: signature"),
    ("F30: short", envelope(lambda one: one[:-1]), "refused: envelope"),
    ("F30: long", envelope(lambda one: one + b"\x00"), "refused: envelope"),
    ("F30: none", envelope(lambda one: one[:-SIZE] + bytes(8)), "refused: envelope"),
    *[(f"F31: a number that tries the division, {at}",
       signature(functools.partial(tries_the_division, at)),
       "refused: signature") for at in range(4)],
    ("F31: n - 1", signature(lambda s, n: n - 1), "refused: signature"),
    ("F31: root of n", signature(lambda s, n: math.isqrt(n) + 1), "refused: signature"),
    ("F32: a kid that is none", by("stranger", 7), "refused: signature"),
    ("F32: a retired key", by("retired", 3), "refused: signature"),
    ("F32: the kid of another key", by("release", 2), "refused: signature"),
    ("F32: an older key file", keys(KEY_VERSION - 1), "refused: key_version"),
    ("F32: the same key file", keys(KEY_VERSION), "refused: key_version"),
    ("F32: a key file by a release key", keys(KEY_VERSION + 1, "release"),
     "refused: key_signature"),
    ("F32: a key file with one bit changed",
     keys(KEY_VERSION + 1, change=lambda one: flipped(one, 20)), "refused: key_signature"),
    ("F32: zeros for a key file",
     keys(KEY_VERSION + 1, change=lambda one: bytes(len(one))), "refused: key_file"),
    ("F32: a key that the newer key file retires", only_the_next_key, "refused: signature"),
    # F33, F34
    ("F33: rollback", signed(MINE, seq=10), "refused: rollback"),
    ("F33: an older security epoch", signed(sec=1), "refused: epoch"),
    ("F33: an older release as the offered one", lambda server, target: server.sign(
        manifest(MINE, seq=10)), "refused: manifest"),
    ("a release that failed on trial, after another one was refused", failed_before, ""),
    ("another number than offered", other_number, "refused: manifest"),
    ("F34: fast-forward", signed(seq=FLOOR + 10001), "refused: forward"),
    ("F34: fast-forward to the last number", signed(seq=262143), "refused: forward"),
    # F35
    ("F35: wrong board", signed(boards=("FiPy", "WiPy")), "refused: board"),
    ("F35: later firmware", signed(firmware=("1.20.3", "1.30")), "refused: firmware"),
    ("F35: earlier firmware", signed(firmware=("1.18", "1.20.2.r4")), "refused: firmware"),
    ("F35: byte code of another version", signed(mpy=(6, 0, 31)), "refused: mpy"),
    ("F35: byte code with native code", signed(mpy=(4, 2 | 28, 31)), "refused: mpy"),
    # F36
    *[(f"F36: name {name!r}", replaced(b"+ app.a mpy", f"+ {name} mpy".encode()),
       "refused: name") for name in NAMES],
    ("F36: removal of a path", replaced(b"- app.idle", b"- ../boot"), "refused: name"),
    # F37
    ("F37: 32 KB of brackets", text(lambda body: b"[" * 32763 + b"\nend\n"), "refused: manifest"),
    ("F37: a long line", replaced(b"board GPy", b"board GPy " + b"x" * 1100),
     "refused: manifest"),
    ("F37: a key twice", replaced(b"seq 12\n", b"seq 12\nseq 12\n"), "refused: manifest"),
    ("F37: a component twice", text(
        lambda body: body.replace(b"+ app.new", b"+ app.a", 1)), "refused: name"),
    ("F37: more components than allowed", signed(*MANY), "refused: count"),
    ("F37: more bytes than allowed", signed(*LARGE), "refused: size"),
    ("F37: a component of 64 KB and a byte", signed(
        dataclasses.replace(CHANGED, size=65537)), "refused: manifest"),
    ("F37: cut", text(lambda body: body[:-40]), "refused: manifest"),
    ("extra data behind the end", text(lambda body: body + b"more\n"), "refused: manifest"),
    # F38
    ("F38: a requirement that is nowhere", signed(component(
        "app.new", NEW, (("app.none", 1),))), "refused: requirement"),
    ("F38: a requirement of a later version", signed(component(
        "app.new", NEW, (("app.b", 10),))), "refused: requirement"),
    ("F38: removed, but needed", signed(removed=("app.b",)), "refused: requirement"),
    ("F38: removal of the updates", signed(removed=("ota.__init__",)), "refused: removal"),
    ("F38: removal of the node", signed(removed=("node_reset",)), "refused: removal"),
    ("F38: removal of what is not there", signed(removed=("app.none",)), "refused: removal"),
    # F39, F40
    ("F39: mix-and-match", signed(component("app.a", NEW, size=1400), ADDED,
                                  result=manifest().result), "refused: result"),
    ("F39: the result of the set that runs", signed(result=manifest().base), "refused: result"),
    ("wrong precursor", signed(base="0" * 64), "refused: base"),
    ("F40: source beside byte code", replaced(b"+ app.a mpy", b"+ app.a py"),
     "refused: manifest"),
    ("F40: a module in place of a package", signed(component("app", NEW)), "refused: shadow"),
]  # fmt: skip


# content


def of(one: Component, change: Callable[[Block], Block | None]) -> Prepare:
    """Change the blocks of this component."""
    etag = bytes.fromhex(one.sha256)[:8]

    def prepare(server: Server, target: Target) -> None:
        server.blocks = lambda block: change(block) if block.etag == etag else block

    return prepare


def block(**fields: Callable[[Block], Any]) -> Callable[[Block], Block]:
    """Change these fields of a block."""

    def change(one: Block) -> Block:
        changed: dict[str, Any] = {name: value(one) for name, value in fields.items()}
        return dataclasses.replace(one, **changed)

    return change


def unlike(head: bytes) -> Prepare:
    """A signed component whose byte code begins like this."""
    return signed(hostile.made("app.a", head + bytes(300), NEW), removed=())


def write(path: str, data: bytes, once: bool = False) -> Prepare:
    """Change a file when all is checked, before the other slot is filled."""

    def prepare(server: Server, target: Target) -> None:
        def change(flash: Path) -> None:
            file = flash / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data or flipped(file.read_bytes(), 100))
            if once:
                server.ready = lambda flash: None

        server.ready = change

    return prepare


def staged(data: bytes) -> str:
    return f"new/{formats.address(data)}"


A = hostile.data_of(CHANGED)
CONTENTS = [
    ("F28: truncated", of(CHANGED, block(data=lambda b: b.data[:300], more=lambda b: False)),
     "refused: mismatch"),
    ("F28: the first block is the last", of(CHANGED, block(more=lambda b: False)),
     "refused: mismatch"),
    ("F29: one bit changed", of(CHANGED, block(data=lambda b: flipped(b.data, 99))),
     "refused: mismatch"),
    ("F29: the content of another component", of(CHANGED, block(
        data=lambda b: bytes(len(b.data)))), "refused: mismatch"),
    ("endless data: the last block is none", of(ADDED, block(
        data=lambda b: b.data.ljust(b.size), more=lambda b: True)), "refused: mismatch"),
    ("endless data: more behind the last block", of(CHANGED, block(
        data=lambda b: b.data if b.more else b.data + bytes(20))), "refused: mismatch"),
    ("endless data: no block ever comes", of(CHANGED, lambda b: None), ""),
    ("F27: the ETag of another content", of(CHANGED, block(etag=lambda b: bytes(8))),
     "does not fit"),
    ("F27: another block than asked for", of(CHANGED, block(number=lambda b: b.number + 1)),
     "does not fit"),
    ("F27: larger blocks than asked for", of(CHANGED, block(
        data=lambda b: b.data[:60], size=lambda b: 64)), "does not fit"),
    ("wrong software: no byte code", unlike(b"import x"), "refused: mpy"),
    ("wrong software: native code", unlike(b"M\x04\x22\x1f"), "refused: mpy"),
    ("wrong software: byte code of 1.12", unlike(b"M\x05\x02\x1f"), "refused: mpy"),
]  # fmt: skip
TO_USE = [
    ("check-to-use: staged content", write(staged(A), b""), "changed: app.a", ()),
    ("check-to-use: another size", write(staged(A), b"M"), "changed: app.a", ()),
    ("check-to-use: a file of the set that runs", write("a/app/b.mpy", b""), "changed: app.b",
     ("a/app/b.mpy",)),
]  # fmt: skip

ATTACKS = [
    *[Attack(*row, ANSWER) for row in ANSWERS],
    *[Attack(*row, ENVELOPE, ("keys/release",) if row[1] is only_the_next_key else ())
      for row in ENVELOPES],
    *[Attack(*row, CONTENT) for row in CONTENTS],
    *[Attack(name, prepare, said, CONTENT, touches) for name, prepare, said, touches in TO_USE],
]  # fmt: skip


# what is no attack


def plant(server: Server, target: Target) -> None:
    """A staging that says that a stranger's release was checked."""
    server.sign(manifest(), by="stranger")
    forged, server.envelope = server.envelope, Server().envelope
    new = target.flash / "new"
    new.mkdir()
    (new / formats.address(forged)).write_bytes(forged)
    digest = hashlib.sha256(forged).hexdigest()
    (new / "offer").write_text(f"{NEW} {len(forged)} {digest} 1 0 {'0' * 64}")


def newer_keys(server: Server, target: Target) -> None:
    only_the_next_key(server, target)
    server.sign(manifest(), 2, "next")


ALLOWED = [
    Attack("the release", lambda server, target: None, "", CONTENT),
    Attack("a newer key file, and a release by its key", newer_keys, "", CONTENT,
           ("keys/release",)),
    Attack("a complete list", signed(
        *[one for name, one in RUNNING.items() if name not in ("app.idle", "app.a")],
        CHANGED, ADDED, base="*", removed=()), "", CONTENT),
    Attack("F38: a cycle", signed(component("app.p", NEW, (("app.q", NEW),)),
                                  component("app.q", NEW, (("app.p", NEW),))), "", CONTENT),
    Attack("F40: a source beside byte code in the other slot", write("b/app/a.py", b"x", True), "",
           CONTENT),
    Attack("files of another release in the other slot", write("b/app/a.mpy", A[::-1], True), "",
           CONTENT),
    Attack("a staging that claims to be checked", plant, "", CONTENT),
]  # fmt: skip

# how the server answers a node on trial that asks whether it has its report
CONFIRMATIONS = {
    "confirmation": (given(kind=2), True),
    "confirmation by a stranger": (given(kind=2, key=bytes(32)), False),
    "confirmation of another day": (given(kind=2, nonce=bytes(12)), False),
    "confirmation of another release": (given(kind=2, seq=FLOOR), False),
    "confirmation for another node": (given(kind=2, node="soak2"), False),
    "a release in place of a confirmation": (given(kind=1), False),
    "no confirmation": (answers(lambda one: b""), False),
}

Broken = Iterator[tuple[str, str]]  # (rule, what was seen)


def violations(rig: Rig, seed: int) -> list[tuple[str, str]]:
    target = Target(rig.flash / "target", seed)
    if seed <= len(NAMED):
        name, carry_out = NAMED[seed - 1]
        return [(rule, f"{name}: {seen}") for rule, seen in carry_out(target)]
    return [*fuzz.broken(target, seed), *vetted(random.Random(seed))]


def attacked(attack: Attack, target: Target) -> Broken:
    server = Server()
    attack.prepare(server, target)
    yield from _ended(target.run(server))
    state = [target.number(key) for key in ("ota", "ota_floor", "ota_sec")]
    if state != [1 << 28 | FLOOR, FLOOR, 2] or "set" in target.slot("b"):
        yield "refused", f"{state}, {target.outcomes}"
    staging = {ANSWER: [], ENVELOPE: ["new"], CONTENT: ["new", "b"]}[attack.reaches]
    outside = set(target.changed(*staging)) - set(attack.touches)
    if outside:
        yield "outside", ", ".join(sorted(outside))
    world = target.world
    if attack.reaches == ANSWER and (world.fetched or world.verified):
        yield "order", f"{world.fetched} blocks, {world.verified} signatures"
    if attack.said not in target.log:
        yield "cause", f"{attack.said!r} is not in {target.log[-200:]!r}, {target.outcomes}"


def taken(allowed: Attack, target: Target) -> Broken:
    server = Server()
    allowed.prepare(server, target)
    yield from _ended(target.run(server))
    if target.number("ota") != TRIAL_WORD or target.number("ota_floor") != FLOOR:
        yield "taken", f"{target.number('ota'):#x}, {target.outcomes}, {target.log[-200:]!r}"
        return
    found = target.slot("b")
    text = found.pop("set", b"")
    lines = [line.split() for line in text.decode().splitlines()[4:-1]]
    wanted = {f"{name.replace('.', '/')}.{kind}": sha for name, kind, _, _, sha, _ in lines}
    if {path: hashlib.sha256(data).hexdigest() for path, data in found.items()} != wanted:
        yield "taken", f"{sorted(found)} in the slot, {sorted(wanted)} in its set"
    outside = set(target.changed("new", "b")) - set(allowed.touches)
    if outside:
        yield "outside", ", ".join(sorted(outside))


def confirmed(prepare: Prepare, is_right: bool, target: Target) -> Broken:
    server = Server()
    prepare(server, target)
    target.nvs.put("ota", TRIAL_WORD)
    target.fill_other_slot()
    yield from _ended(target.run(server, hostile.CONFIRM, "b"))
    state = target.number("ota"), target.number("ota_floor")
    if state != ((1 << 28 | 1 << 27 | NEW, NEW) if is_right else (TRIAL_WORD, FLOOR)):
        yield "taken" if is_right else "refused", f"{state}"


def _ended(error: str | None) -> Broken:
    if error is not None:
        yield "exception", error


# the division of the large integers


def unvetted(target: Target) -> Broken:
    """The model is wrong for a modulus that no tool makes and no node takes."""
    n = int.from_bytes(formats.modulus(signer("release")), "big") % (1 << 3040)
    n |= 0x8001C000 << 3040 | 0xFFFF << 800  # a second digit above the first: larger estimates
    wrong = [s for s in division.hostile(n, random.Random(1), 60) if _is_wrong(s, n)]
    if not wrong:
        yield "division", "no number is divided wrongly by a modulus with a digit 0xFFFF"
    if is_vetted(n.to_bytes(SIZE, "big")):
        yield "division", "the key tool makes such a modulus"
    if target.run(Server(), hostile.VETTING.replace("{n}", repr(n.to_bytes(SIZE, "big")))):
        yield "division", "the node takes such a modulus"


def vetted(rng: random.Random) -> Broken:
    for name in ("root", "release"):
        n = int.from_bytes(formats.modulus(signer(name)), "big")
        for s in division.hostile(n, rng, 8):
            if _is_wrong(s, n):
                yield "division", f"{s:#x} squared, by {n:#x}"
        s = rng.randrange(n)
        power, added = division.powered(s, n)
        if power != pow(s, 65537, n) or added > 2:
            yield "division", f"{s:#x} to the 65537, by {n:#x}: {added} additions"


def _is_wrong(s: int, n: int) -> bool:
    quotient, rest, added = division.divided(s * s, n)
    return (quotient, rest) != divmod(s * s, n) or added > 2


NAMED: list[tuple[str, Callable[[Target], Broken]]] = [
    *[(one.name, functools.partial(attacked, one)) for one in ATTACKS],
    *[(one.name, functools.partial(taken, one)) for one in ALLOWED],
    *[(name, functools.partial(confirmed, *row)) for name, row in CONFIRMATIONS.items()],
    ("a modulus that is not vetted", unvetted),
]
FUZZED = 1000
RUNS = len(NAMED) + FUZZED
