"""What devkit/release/format.py writes is what the readers of ota/ read."""

from __future__ import annotations

from hashlib import sha256

import pytest

from devkit.release import format as formats
from devkit.release.format import Component

pytestmark = pytest.mark.both_runtimes
KEY = bytes(range(32))


def test_a_manifest_is_read_as_it_was_written(on_board):
    one = Component.of("utils.one", b"M\x04\x02\x1f one", 7, (("lib.x", 1), ("utils.two", 7)))
    two = Component.of("node_reset", b"import machine\n", 3, kind="py")
    made = formats.Manifest(9, "ab" * 32, "cd" * 32, (one, two), ("utils.old", "utils.older"), 2)
    [read] = on_board(("_manifest.parse", made.body))
    assert (read.seq, read.sec, read.base, read.result) == (9, 2, "ab" * 32, "cd" * 32)
    assert read.boards == ("GPy", "FiPy")
    assert read.firmware == ((1, 20, 2, 0), (1, 21))
    assert (read.mpy, read.trial) == ((4, 2, 31), (3, 24))
    assert read.removed == ("utils.old", "utils.older")
    assert read.added["utils.one"] == ("mpy", 7, 8, one.sha256, {"lib.x": 1, "utils.two": 7})
    assert read.added["node_reset"] == ("py", 3, 15, two.sha256, {})


SHORT = {  # requirements before, now, in the manifest
    "the same": ((("a", 1), ("b", 4)), (("a", 1), ("b", 4)), "="),
    "one that changed with it": ((("a", 1), ("b", 4)), (("a", 9), ("b", 4)), "=a:9"),
    "one more": ((("b", 4),), (("a", 1), ("b", 4)), "=a:1"),
    "one less": ((("a", 1), ("b", 4)), (("b", 4),), "b:4"),
    "none before": ((), (("a", 1),), "a:1"),
    "none now": ((("a", 1),), (), "-"),
}


@pytest.mark.parametrize(("before", "now", "written"), SHORT.values(), ids=SHORT)
def test_a_manifest_names_only_requirements_that_differ(before, now, written):
    old, new = Component.of("x", b"old", 4, before), Component.of("x", b"new", 9, now)
    body = formats.Manifest(9, "ab" * 32, "cd" * 32, (new,), before=(old,)).body.decode()
    assert body.splitlines()[-2].split(" ")[-1] == written


def test_a_set_file_is_read_as_it_was_written(on_board):
    components = [
        Component.of("utils.b", b"b", 2),
        Component.of("utils.a", b"a", 1, [("utils.b", 2)]),
    ]
    written = formats.set_file(formats.set_list(5, 1, (2, 9), components), KEY)
    [read] = on_board(("_manifest.read_set", written, KEY))
    assert (read.seq, read.sec, read.trial) == (5, 1, (2, 9))
    assert sorted(read.components) == ["utils.a", "utils.b"]
    assert read.components["utils.a"].requires == {"utils.b": 2}
    assert read.components["utils.b"].sha256 == components[0].sha256
    [digest] = on_board(("_manifest.digest", read.components))
    assert digest == formats.set_digest(components)


def test_an_envelope_a_key_file_and_an_answer_are_read_as_they_were_written(
    on_board, root, signer
):
    moduli = {3: formats.modulus(signer)}
    keys = formats.key_file(7, moduli, root)
    envelope = formats.envelope(b"set 1\n", 3, signer)
    nonce = bytes(range(12))
    calls = [
        ("_keys.key_file", keys, formats.modulus(root), 6),
        ("_envelope.opened", envelope, moduli),
        *[
            ("_envelope.answer", formats.answer(KEY, "node-1", nonce, kind, 9, what), KEY,
             "node-1", nonce)
            for kind, what in ((1, envelope), (2, b""), (3, keys))
        ],
    ]  # fmt: skip
    read, body, offered, confirmed, newer = on_board(*calls)
    assert (read.version, read.moduli) == (7, moduli)
    assert body == b"set 1\n"
    assert offered == (1, 9, len(envelope), sha256(envelope).digest())
    assert confirmed == (2, 9, 0, bytes(32))
    assert newer == (3, 9, len(keys), sha256(keys).digest())
