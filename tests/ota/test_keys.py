"""The keys of a node: HMAC, its own key, and which release keys count."""

from __future__ import annotations

import pytest

from devkit.release.format import envelope, key_file, modulus, signature

pytestmark = pytest.mark.both_runtimes

# RFC 4231, sections 4.2 to 4.8: key, data, HMAC-SHA-256
VECTORS = [
    ("0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe".hex(), b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ("aa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)).hex(), b"\xcd" * 50,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    ("0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    ("aa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    ("aa" * 131, b"This is a test using a larger than block-size key and a larger than block-size"
     b" data. The key needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
]  # fmt: skip


def test_hmac_is_as_in_the_standard(on_board):
    told = on_board(*[("_keys.hmac", bytes.fromhex(key), data) for key, data, _ in VECTORS])
    assert [one.hex()[: len(mac)] for one, (_, _, mac) in zip(told, VECTORS, strict=True)] == [
        mac for _, _, mac in VECTORS
    ]


def test_parts_are_hashed_as_one_text(on_board):
    whole, parts = on_board(
        ("_keys.hmac", b"key", b"one two"), ("_keys.hmac", b"key", b"one", b"", b" two")
    )
    assert whole == parts


def test_texts_are_the_same_or_not(on_board):
    pairs = [(b"ab", b"ab"), (b"", b""), (b"ab", b"ac"), (b"ab", b"bb"), (b"ab", b"abc"),
             (b"ab", b"a")]  # fmt: skip
    told = on_board(*[("_keys.same", *pair) for pair in pairs])
    assert told == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    ("kept", "key"),
    [
        ("0a" * 32, b"\x0a" * 32),
        (None, None),
        ("", None),
        ("0a" * 31, None),
        ("0a" * 33, None),
        ("0a" * 31 + "0", None),
        ("xy" * 32, None),
        (12345, None),
    ],
)
def test_the_device_key_is_there_or_not(on_board, kept, key):
    nvs = {} if kept is None else {"ota_key": kept}
    assert on_board(("_keys.device_key",), **nvs) == [key]


def test_a_key_file_is_taken_only_as_the_root_key_signed_it(on_board, some, root, signer, other):
    first, second = modulus(signer), modulus(other)
    trusted = modulus(root)
    right = key_file(7, {1: first, 2: second}, root)
    weak = b"\xff\xff" + first[2:]

    def changed(at: int, by: int = 1) -> bytes:
        return right[:at] + bytes((right[at] ^ by,)) + right[at + 1 :]

    three = key_file(7, {1: first, 2: second, 3: first}, root)
    twice = key_file(7, {1: first}, root)[:-384]
    rows = [
        ((right, trusted), None),
        ((right, trusted, 6), None),
        ((right, trusted, 7), "key_version"),
        ((right, trusted, 8), "key_version"),
        ((key_file(7, {1: first}, signer), trusted), "key_signature"),
        ((right, first), "key_signature"),
        ((right, weak), "key_signature"),
        ((right, b""), "key_signature"),
        ((changed(5), trusted), "key_signature"),
        ((changed(20), trusted), "key_signature"),
        ((changed(-1 % len(right)), trusted), "key_signature"),
        ((changed(0), trusted), "key_file"),
        ((changed(6), trusted), "key_file"),
        ((right[:-1], trusted), "key_file"),
        ((right + b"\x00", trusted), "key_file"),
        ((b"", trusted), "key_file"),
        ((b"PYK1", trusted), "key_file"),
        ((key_file(7, {}, root), trusted), "key_file"),
        ((three, trusted), "key_file"),
        ((envelope(b"x", 1, root), trusted), "key_file"),
    ]
    twice = twice[:6] + b"\x02" + twice[7:] + twice[7:]
    rows.append(((twice + signature(twice, root), trusted), "key_file"))  # one kid twice
    rows = some(rows)
    told = on_board(*[("_keys.key_file", *arguments) for arguments, _ in rows])
    for (_, cause), found in zip(rows, told, strict=True):
        if cause is None:
            assert (found.version, found.moduli) == (7, {1: first, 2: second})
        else:
            assert found == cause


def test_a_retired_key_signs_no_more(on_board, root, signer, other):
    """Rotation: the key before counts beside the new one, and after the next file no more."""
    old, new = envelope(b"set 1\n", 1, signer), envelope(b"set 1\n", 2, other)
    trusted = modulus(root)
    files = [
        key_file(1, {1: modulus(signer)}, root),
        key_file(2, {1: modulus(signer), 2: modulus(other)}, root),
        key_file(3, {2: modulus(other)}, root),
    ]
    keys = on_board(*[("_keys.key_file", one, trusted, at) for at, one in enumerate(files)])
    calls = [("_envelope.opened", one, each.moduli) for each in keys for one in (old, new)]
    body = b"set 1\n"
    expected = [body, "signature", body, body, "signature", body]
    assert on_board(*calls) == expected
    # and nobody without the root key makes the retired one count again
    [again] = on_board(("_keys.key_file", key_file(4, {1: modulus(signer)}, signer), trusted, 3))
    assert again == "key_signature"
    assert on_board(("_keys.key_file", files[0], trusted, 3)) == ["key_version"]
