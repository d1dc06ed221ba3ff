"""A node with slots, and a server that does what an attack says, over the real CoAP of the device.

    target = Target(folder, seed)
    server = Server(target)                    # an honest one, with release 12
    server.envelope = ...                      # until it is changed
    target.run(server)
    print(target.outcomes, target.log, target.changed())

The program on the board is what node_update.py does behind a report: work, and fill once all is
there. What is in the slots is never run.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import aiocoap
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from devkit.release import format as formats
from devkit.release.format import Component, Manifest
from devkit.release.keys import rsa_key
from emulator.board.board import Board, Service
from emulator.board.standard import plug_standard
from emulator.device_files import ROOT
from emulator.vm.cpython import CpythonVm

NODE = "soak"
KEY = hashlib.sha256(b"soak").digest()
FLOOR, NEW, BAD = 11, 12, 9  # numbers: of the set that runs, of the release, of a rejected one
TRIAL = (3, 24)
CYCLES = 6
KEY_VERSION = 4
_WORD = 1 << 28 | FLOOR

PROGRAM = """
import sys

from world import call
from ota import _client, _envelope, _keys, _manifest, _rsa, _slots, _staging, _word
from protocols import coap, coap_fetch
from utils import timing

sys.path[:0] = ["/flash/{slot}"]  # of tiny modules, which nobody imports
verify = _rsa.verify


def counted(*arguments):
    call("world.verifying")
    return verify(*arguments)


_rsa.verify = counted
{body}
"""
SESSION = """
class Transport:
    def sendto(self, data, address):
        call("world.send", data)
        return len(data)

    def settimeout(self, seconds):
        self._ms = int(seconds * 1000)

    def recvfrom(self, size):
        data = call("world.receive", self._ms)
        if data is None:
            raise OSError(11)
        return data[:size], ("192.0.2.1", 5683)


class Address:
    _HOST = "192.0.2.1"
    _PORT = 5683


def session():
    found = coap.open(Transport(), Address)
    offer = call("world.offer")
    found.offer = offer and (offer[0], offer[1])
    return found

"""
FETCH = (
    SESSION
    + """
for _ in range({cycles}):
    now = session()
    if not now.offer:
        break
    outcome, detail = _client.work(now, "soak", 65536, timing.Deadline(600000))
    call("world.outcome", outcome)
    if outcome == _client.READY:
        call("world.ready")
        if _client.fill(detail, timing.Deadline(600000)):
            break
"""
)
VETTING = """
found = {n}
if _rsa.is_vetted(found):
    raise ValueError("it takes this modulus")
"""
CONFIRM = (
    SESSION
    + """
call("world.outcome", "confirmed" if _client.confirm(session(), "soak") else "not")
"""
)


def content(name: str, version: int, size: int = 300) -> bytes:
    """Byte code, as far as its header goes."""
    drawn = random.Random(f"{name} {version}").randbytes(size)
    return b"M\x04\x02\x1f" + drawn


def component(
    name: str,
    version: int = 1,
    requires: tuple[tuple[str, int], ...] = (),
    size: int = 300,
    kind: str = "mpy",
) -> Component:
    data = content(name, version, size) if kind == "mpy" else f"# {name} {version}\n".encode()
    return made(name, data, version, requires, kind)


def made(
    name: str,
    data: bytes,
    version: int = 1,
    requires: tuple[tuple[str, int], ...] = (),
    kind: str = "mpy",
) -> Component:
    _contents[hashlib.sha256(data).hexdigest()] = data
    return Component.of(name, data, version, requires, kind)


def data_of(one: Component) -> bytes:
    return _contents[one.sha256]


_contents: dict[str, bytes] = {}  # by SHA-256, of all components made

RUNNING = {
    one.name: one
    for one in (
        component("lib.x"),
        component("node", 1, (("app.a", 1), ("app.b", 1))),
        component("node_reset", kind="py"),
        component("ota.__init__"),
        component("app.__init__"),
        component("app.a", 3, (("app.__init__", 1),)),
        component("app.b", 9),
        component("app.idle"),
    )
}
CHANGED = component("app.a", NEW, (("app.__init__", 1),), 1500)
ADDED = component("app.new", NEW, (("app.a", NEW),), 400)


def manifest(
    *added: Component, removed: tuple[str, ...] = ("app.idle",), **fields: Any
) -> Manifest:
    """Release 12: it changes and adds a component, and removes one."""
    added = added or (CHANGED, ADDED)
    kept = {} if fields.get("base") == formats.ANY_BASE else RUNNING
    after = {**kept, **{one.name: one for one in added}}
    for name in removed:
        after.pop(name, None)
    before, result = formats.set_digest(RUNNING.values()), formats.set_digest(after.values())
    whole = Manifest(NEW, before, result, added, removed, 2, TRIAL)
    return dataclasses.replace(whole, **fields)


@functools.cache
def signer(name: str) -> RSAPrivateKey:
    """The key "root", "release" (kid 1), "next" (kid 2), "retired" (kid 3), "stranger"."""
    return rsa_key()


@functools.cache
def key_file(version: int = KEY_VERSION, by: str = "root") -> bytes:
    moduli = {1: formats.modulus(signer("release")), 2: formats.modulus(signer("next"))}
    return formats.key_file(version, moduli, signer(by))


class Server:
    """An honest server; attacks change what is in it."""

    def __init__(self) -> None:
        self.seq = NEW  # of the offer and of the answer
        self.contents = {CHANGED.sha256: data_of(CHANGED), ADDED.sha256: data_of(ADDED)}
        self.key_file = b""  # comes before the release, once
        self.trials = False  # whether the node runs the release on trial
        self.answered: Callable[[bytes], bytes] = lambda answer: answer
        self.answering: Callable[[bytes, int], bytes] = self.answer
        self.blocks: Callable[[Block], Block | None] = lambda block: block
        self.ready: Callable[[Path], None] = lambda flash: None  # before the other slot is filled
        self.sign(manifest())

    def sign(self, what: Manifest | bytes, kid: int = 1, by: str = "release") -> None:
        body = what if isinstance(what, bytes) else what.body
        self.envelope = formats.envelope(body, kid, signer(by))

    @property
    def offer(self) -> list[Any] | None:
        return [self.seq, formats.etag(self.envelope)]

    def answer(self, nonce: bytes, kind: int) -> bytes:
        """To the question of a node: `kind` as it asks."""
        if kind == 2:
            return formats.answer(KEY, NODE, nonce, formats.CONFIRMED, self.seq, b"")
        if self.key_file:
            what, self.key_file = self.key_file, b""
            self.contents[""] = what
            return formats.answer(KEY, NODE, nonce, formats.KEYS, self.seq, what)
        return formats.answer(KEY, NODE, nonce, formats.RELEASE, self.seq, self.envelope)

    def block(self, address: str, number: int, size: int) -> Block | None:
        objects = [self.envelope, *self.contents.values()]
        found = next((one for one in objects if formats.address(one) == address), None)
        if found is None:
            return None
        data = found[number * size : (number + 1) * size]
        more = (number + 1) * size < len(found)
        return self.blocks(Block(number, size, data, more, formats.etag(found)))


@dataclasses.dataclass
class Block:
    number: int
    size: int
    data: bytes
    more: bool
    etag: bytes


class World(Service):
    """The network, and what the node did."""

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.server = Server()
        self.flash = Path()
        self.outcomes: list[str] = []
        self.asked = 0  # questions
        self.fetched = 0  # blocks asked for
        self.verified = 0  # signatures computed
        self.datagrams: Callable[[list[bytes]], list[bytes]] = lambda those: those
        self.cases: Any = None  # of devkit/soak/fuzz.py
        self._waiting: list[bytes] = []

    def do_verifying(self) -> None:
        self.verified += 1

    def do_offer(self) -> list[Any] | None:
        return self.server.offer

    def do_case(self) -> list[Any] | None:
        return self.cases.next()

    def do_judge(self, found: Any) -> None:
        self.cases.judge(found)

    def do_raised(self, error: str) -> None:
        self.cases.raised(error)

    def do_outcome(self, text: str) -> None:
        self.outcomes.append(text)

    def do_ready(self) -> None:
        self.server.ready(self.flash)

    def do_send(self, data: bytes) -> None:
        request = aiocoap.Message.decode(data)
        if not request.code.is_request():  # to a confirmable answer that an attack has made
            return
        self._waiting = self.datagrams([self._answer(request).encode()])

    def do_receive(self, timeout_ms: int) -> bytes | None:
        if self._waiting:
            self.board.spend_us(50_000)
            return self._waiting.pop(0)
        self.board.spend_us(timeout_ms * 1000)
        return None

    def _answer(self, request: aiocoap.Message) -> aiocoap.Message:
        answer = aiocoap.Message(code=aiocoap.NOT_FOUND, _mtype=aiocoap.ACK, _mid=request.mid)
        answer.token = request.token
        path = request.opt.uri_path
        if path == ("u",):
            self.asked += 1
            nonce = request.payload[10:22]
            answer.payload = self.server.answered(self.server.answering(nonce, request.payload[1]))
            answer.code = aiocoap.CONTENT
            return answer
        self.fetched += 1
        wanted = request.opt.block2
        found = self.server.block(path[-1], wanted.block_number, wanted.size)
        if found is not None:
            answer.code = aiocoap.CONTENT
            answer.payload = found.data
            answer.opt.etag = found.etag
            szx = found.size.bit_length() - 5
            answer.opt.block2 = (found.number, found.more, szx)
        return answer


class Target:
    """A node that has been provisioned, and what an attack did to it."""

    def __init__(self, flash: Path, seed: int) -> None:
        self.flash = flash
        self.board = Board(seed)
        self.world = World(self.board)
        self.world.flash = flash
        self.board.plug("world", self.world)
        _provision(flash)
        plug_standard(self.board, flash)
        nvs: Any = self.board.services["nvs"]
        self.nvs = nvs
        kept = {"ota_floor": FLOOR, "ota_sec": 2, "ota": _WORD, "ota_bad": BAD | 1 << 18}
        for name, value in {"ota_key": KEY.hex(), **kept}.items():
            nvs.put(name, value)
        self._said: list[str] = []
        self._before = self._files()

    @property
    def log(self) -> str:
        return "".join(self._said)

    @property
    def outcomes(self) -> list[str]:
        return self.world.outcomes

    def number(self, key: str) -> int:
        return int(self.nvs.records.get((key, "int"), 0))

    def run(self, server: Server, body: str = FETCH, slot: str = "a") -> str | None:
        """Run this program against a server. Returns the exception that ended it, None if none
        did."""
        self.world.server = server
        vm = _Vm(self.board, self.flash, self._said.append, install="frozen")
        text = PROGRAM.replace("{slot}", slot).replace("{body}", body)
        program = text.replace("{cycles}", str(CYCLES))
        (self.flash / "main.py").write_text(program, encoding="utf-8")
        outcome = vm.boot(["main.py"])
        vm.shutdown()
        if outcome.kind == "finished" and outcome.error is None:
            return None
        return (outcome.error or str(outcome.halt)).strip().splitlines()[-1]

    def changed(self, *below: str) -> list[str]:
        """Files that are no more what they were when the node was provisioned, but for those
        below these folders."""
        now = self._files()
        differing = {path for path, _ in set(now.items()) ^ set(self._before.items())}
        return sorted(path for path in differing if path.split("/")[0] not in below)

    def slot(self, name: str) -> dict[str, bytes]:
        """The files of a slot."""
        root = self.flash / name
        files = [path for path in root.rglob("*") if path.is_file()]
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}

    def fill_other_slot(self) -> None:
        """Let the release be there, as on trial."""
        after = {**RUNNING, CHANGED.name: CHANGED, ADDED.name: ADDED}
        del after["app.idle"]
        _put(self.flash / "b", NEW, after.values())
        self._before = self._files()

    def _files(self) -> dict[str, str]:
        found = {}
        for name in ("a", "b", "keys", "new"):
            for path, data in self.slot(name).items():
                found[f"{name}/{path}"] = hashlib.sha256(data).hexdigest()
        for file in self.flash.iterdir():
            if file.is_file() and file.name != "main.py":
                found[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found


class _Vm(CpythonVm):
    """Programs may import `world`, to call it like a service of the firmware."""

    def _start(self) -> None:
        super()._start()
        world = ModuleType("world")
        vars(world)["call"] = self.bridge.call
        self.importer.loaded["world"] = world


def _provision(flash: Path) -> None:
    shutil.rmtree(flash, ignore_errors=True)
    for folder in ("ota", "protocols", "utils"):
        shutil.copytree(ROOT / folder, flash / folder, ignore=shutil.ignore_patterns("__pyc*"))
    (flash / "keys").mkdir()
    (flash / "keys" / "root").write_bytes(formats.modulus(signer("root")))
    (flash / "keys" / "release").write_bytes(key_file())
    (flash / "b").mkdir()
    _put(flash / "a", FLOOR, RUNNING.values())
    for name in ("boot.py", "boot_trial.py"):
        shutil.copy(ROOT / name, flash)


def _put(slot: Path, seq: int, components: Iterable[Component]) -> None:
    for one in components:
        file = slot / one.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_contents[one.sha256])
    text = formats.set_list(seq, 2, TRIAL, components)
    (slot / "set").write_bytes(formats.set_file(text, KEY))
