"""Updates by CoAP with another program's client: offers, questions and blocks."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiocoap
import cbor2
import pytest

from collector import arguments
from collector.intake import coap
from collector.program import Collector, UsageError
from collector.storage import database
from collector.updates import releases
from collector.web import queries
from tests.collector.releases_rig import Folder, address, answer, ask, envelope
from tests.collector.rig import port_of, report, wait_until

COMPONENT = bytes(range(256)) * 23  # no multiple of 1024
Request = tuple[Any, str, bytes, dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(releases, "REREAD_S", 0.0)
    folder = Folder(tmp_path / "RELEASES", "gate")
    folder.release(7, 6)
    folder.add(COMPONENT)
    return folder


@pytest.fixture
def collector(start: Any, folder: Folder, tmp_path: Path) -> Collector:
    found = start("--releases", str(folder.path), "--db", str(tmp_path / "a.db"))
    assert isinstance(found, Collector)
    return found


def requests(collector: Collector, *wanted: Request) -> list[aiocoap.Message]:
    """The answers to (code, path, payload, options), one after the other."""

    async def all_of_them() -> list[aiocoap.Message]:
        context = await aiocoap.Context.create_client_context(transports=["udp6"])
        answers = []
        for code, path, payload, options in wanted:
            uri = f"coap://127.0.0.1:{port_of(collector, 'coap')}/{path}"
            message = aiocoap.Message(code=code, uri=uri, payload=payload)
            for name, value in options.items():
                setattr(message.opt, name, value)
            pending = context.request(message, handle_blockwise=code == aiocoap.POST)
            answers.append(await asyncio.wait_for(pending.response, 20))
        await context.shutdown()
        return answers

    return asyncio.run(all_of_them())


def one(collector: Collector, *wanted: Any) -> aiocoap.Message:
    [found] = requests(collector, wanted)
    return found


def post(collector: Collector, seq: int, query: str = "", **figures: int) -> aiocoap.Message:
    pack = report(seq) + [{0: name, 2: value} for name, value in figures.items()]
    return one(collector, aiocoap.POST, f"r{query}", cbor2.dumps(pack), {"content_format": 112})


def get(collector: Collector, path: str, **options: Any) -> aiocoap.Message:
    return one(collector, aiocoap.GET, path, b"", options)


def rows(path: Path) -> list[Any]:
    with contextlib.closing(sqlite3.connect(path)) as reader:
        return reader.execute("SELECT release, offered, confirmed FROM fleet").fetchall()


def test_a_report_is_answered_with_the_offer(collector: Collector, tmp_path: Path) -> None:
    offer = [7, answer("gate", 1, 7, envelope(7, 6))[6:14]]
    found = post(collector, 1, rl=6)
    assert (found.code, found.opt.content_format) == (aiocoap.CHANGED, 60)
    assert cbor2.loads(found.payload) == {2: offer} and len(found.payload) == 13
    assert rows(tmp_path / "a.db") == [(6, 7, None)]
    told = cbor2.loads(post(collector, 2, "?c").payload)
    assert sorted(told) == [1, 2] and told[2] == offer


def test_a_long_report_in_blocks_is_answered_with_it_too(collector: Collector) -> None:
    found = post(collector, 1, rl=6, **{f"value{number}": number for number in range(300)})
    assert cbor2.loads(found.payload)[2][0] == 7


def test_without_an_offer_the_answer_is_as_short_as_before(collector: Collector) -> None:
    found = post(collector, 1, rl=7)
    assert (found.code, found.payload, found.opt.content_format) == (aiocoap.CHANGED, b"", None)


def test_a_node_asks_and_the_answer_is_for_it(collector: Collector, tmp_path: Path) -> None:
    post(collector, 1, rl=6)
    found = one(collector, aiocoap.POST, "u", ask("gate"), {})
    assert found.code == aiocoap.CHANGED and len(found.payload) == 70
    assert found.payload == answer("gate", 1, 7, envelope(7, 6))
    post(collector, 2, rl=7)
    found = one(collector, aiocoap.POST, "u", ask("gate", 2, 7, 7), {})
    assert found.payload == answer("gate", 2, 7)
    assert rows(tmp_path / "a.db") == [(7, None, 7)]


@pytest.mark.parametrize(
    "question", [ask("roof"), ask("gate", wanted=9), ask("../gate"), b"\x01", ask("gate", kind=9)]
)
def test_a_refusal_gives_no_hint(collector: Collector, question: bytes) -> None:
    post(collector, 1, rl=6)
    found = one(collector, aiocoap.POST, "u", question, {})
    assert (found.code.dotted, found.payload) == ("4.04", b"")


def test_a_question_is_answered_behind_the_commit(collector: Collector, tmp_path: Path) -> None:
    """While another program has the database, nothing can be written."""
    post(collector, 1, rl=7)
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = one(collector, aiocoap.POST, "u", ask("gate", 2, 7, 7), {})
        assert (found.code.dotted, found.payload, found.opt.max_age) == ("5.03", b"", 60)
        other.execute("ROLLBACK")
    assert wait_until(
        lambda: one(collector, aiocoap.POST, "u", ask("gate", 2, 7, 7), {}).code.dotted == "2.04"
    )
    assert rows(tmp_path / "a.db") == [(7, None, 7)]


@pytest.mark.parametrize("exponent", [0, 5, 6])
@pytest.mark.parametrize("first", [0, 3])
def test_a_download_begins_at_any_block(collector: Collector, exponent: int, first: int) -> None:
    size = 16 << exponent
    numbers = range(first, -(-len(COMPONENT) // size))
    if exponent == 0:
        numbers = range(len(COMPONENT) // 16 - 4, len(COMPONENT) // 16)
    path = f"u/{address(COMPONENT)}"
    found = requests(collector, *(
        (aiocoap.GET, path, b"", {"block2": (number, False, exponent)}) for number in numbers
    ))  # fmt: skip
    for number, message in zip(numbers, found, strict=True):
        assert message.code == aiocoap.CONTENT
        assert message.payload == COMPONENT[number * size : number * size + size]
        assert message.opt.etag == answer("gate", 1, 7, COMPONENT)[6:14]
        block = message.opt.block2
        is_last = (number + 1) * size >= len(COMPONENT)
        assert tuple(block) == (number, not is_last, exponent)
    assert found[-1].opt.block2.more is False


def test_a_client_that_knows_no_blocks_gets_all_by_and_by(collector: Collector) -> None:
    async def whole() -> bytes:
        context = await aiocoap.Context.create_client_context(transports=["udp6"])
        uri = f"coap://127.0.0.1:{port_of(collector, 'coap')}/u/{address(COMPONENT)}"
        found = await context.request(aiocoap.Message(code=aiocoap.GET, uri=uri)).response
        await context.shutdown()
        return bytes(found.payload)

    assert asyncio.run(whole()) == COMPONENT


def test_envelope_and_key_file_are_fetched_the_same_way(
    collector: Collector, folder: Folder
) -> None:
    for data in (envelope(7, 6), folder.keys(3)):
        found = get(collector, f"u/{address(data)}", block2=(1, False, 5))
        assert found.payload == data[512:1024] and len(data) > 512


@pytest.mark.parametrize(
    ("path", "options", "code"),
    [
        ("u/AAAAAAAA", {}, "4.04"),
        ("u/" + "A" * 200, {}, "4.04"),
        ("u/..", {}, "4.04"),
        ("u/%2E%2E%2Fkeys", {}, "4.04"),
        ("u/%2Fetc%2Fpas", {}, "4.04"),
        ("u/nodes%2Fgate.key", {}, "4.04"),
        ("u", {}, "4.05"),
        ("u/AAAAAAAA/x", {}, "4.05"),
        ("r", {}, "4.05"),
        (f"u/{address(COMPONENT)}", {"block2": (6, False, 6)}, "4.00"),
        (f"u/{address(COMPONENT)}", {"block2": (0xFFFFF, False, 6)}, "4.00"),
        (f"u/{address(COMPONENT)}", {"block2": (0, False, 7)}, "4.00"),
    ],
)
def test_what_is_not_there_is_not_served(
    collector: Collector, path: str, options: dict[str, Any], code: str
) -> None:
    found = get(collector, path, **options)
    assert found.code.dotted == code
    assert b"gate" not in found.payload and len(found.payload) < 100


def test_reports_with_that_topic_are_still_reports(collector: Collector) -> None:
    found = one(collector, aiocoap.POST, "u", cbor2.dumps(report(1)), {"content_format": 112})
    assert found.code == aiocoap.CHANGED and found.payload == b""
    assert collector.store.counters()["records"] == 2


def test_without_releases_nothing_is_offered_or_served(start: Any) -> None:
    collector = start()
    assert post(collector, 1, rl=6).payload == b""
    assert one(collector, aiocoap.POST, "u", ask("gate"), {}).code.dotted == "4.00"
    assert get(collector, f"u/{address(COMPONENT)}").code.dotted == "4.05"


def test_questions_and_blocks_have_the_rate_of_others(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    [server] = [each for each in collector._listeners if isinstance(each, coap.CoapServer)]
    monkeypatch.setattr(server, "_within_other_rate", coap._Rate(0.0, 1.0))
    assert get(collector, f"u/{address(COMPONENT)}").code == aiocoap.CONTENT
    for wanted in (
        (aiocoap.GET, f"u/{address(COMPONENT)}", b""),
        (aiocoap.POST, "u", ask("gate")),
    ):
        before = server.throttled
        with pytest.raises((asyncio.TimeoutError, TimeoutError)):
            asyncio.run(impatient(collector, *wanted))
        assert server.throttled > before
    assert post(collector, 1, rl=6).code == aiocoap.CHANGED  # reports have their own


async def impatient(collector: Collector, code: Any, path: str, payload: bytes) -> None:
    context = await aiocoap.Context.create_client_context(transports=["udp6"])
    try:
        uri = f"coap://127.0.0.1:{port_of(collector, 'coap')}/{path}"
        message = aiocoap.Message(code=code, uri=uri, payload=payload)
        await asyncio.wait_for(context.request(message).response, 0.3)
    finally:
        await context.shutdown()


@pytest.fixture
def begin(folder: Folder) -> Iterator[Callable[..., Collector]]:
    with contextlib.ExitStack() as stack:

        def one_more(*words: str) -> Collector:
            parser = argparse.ArgumentParser()
            arguments.add(parser)
            return Collector(parser.parse_args(["--http", "off", *words]), stack)

        yield one_more


def test_releases_need_coap(begin: Callable[..., Collector], folder: Folder) -> None:
    with pytest.raises(UsageError, match="--releases: not allowed with --coap off"):
        begin("--udp", "0", "--coap", "off", "--releases", str(folder.path))


def test_a_folder_that_is_not_there_is_told(
    begin: Callable[..., Collector], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        begin("--releases", str(tmp_path / "none"))
    assert ended.value.code == 2
    assert "none' is no folder; allowed: one of ./dev release" in capsys.readouterr().err


@pytest.mark.parametrize("content", [(), ("README.md",), ("keys", "root.pem", "nodes/gate.key")])
def test_a_folder_without_releases_is_refused(
    begin: Callable[..., Collector], tmp_path: Path, content: tuple[str, ...]
) -> None:
    path = tmp_path / "other"
    (path / "nodes").mkdir(parents=True)
    for name in content:
        (path / name).touch()
    with pytest.raises(UsageError, match="other: no folder of releases; allowed: the one that"):
        begin("--releases", str(path))


def test_a_wrong_roll_out_is_told_where_other_problems_are(
    collector: Collector, folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.roll_out("share = 200")
    assert post(collector, 1, rl=6).payload == b""
    collector.releases.look()
    assert "share = 200; allowed: share = 0 to 100" in collector.summary()
    folder.roll_out("share = 100")
    assert post(collector, 2).payload != b""
    collector.releases.look()
    assert "share" not in collector.summary()
    _, fixed = capsys.readouterr().err.splitlines()
    assert fixed == "collect: offers release 7 to 100 % of the nodes"


def test_the_page_knows_the_nodes_that_get_updates(collector: Collector) -> None:
    def fleet() -> Any:
        assert collector.store is not None
        with database.connect(collector.store.where, read_only=True) as reader:
            found = queries.node(reader, 0.0, "gate")
        return found and found["fleet"]

    post(collector, 1)
    assert fleet() is None
    post(collector, 2, rl=6, up=40)
    assert fleet() == {
        "release": 6, "offered": 7, "progress": 40,
        "confirmed": None, "rejected": None, "cause": None, "changed": None,
    }  # fmt: skip
