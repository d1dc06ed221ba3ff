"""The signature of a release: what an independent implementation signs is accepted, and nothing
that differs from it by a bit, a length, a padding or a key."""

from __future__ import annotations

from hashlib import sha1, sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512

from devkit.checks.sources import all_files
from devkit.release.format import modulus
from devkit.release.keys import is_vetted
from emulator.device_files import ROOT

pytestmark = pytest.mark.both_runtimes
MESSAGE = b"a release"
DIGEST = sha256(MESSAGE).digest()
INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, 9.2 note 1
SIZE = 384


def raw(key, block: bytes) -> bytes:
    """The signature whose public operation gives this block."""
    numbers = key.private_numbers()
    found = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n)
    return found.to_bytes(SIZE, "big")


def block(info: bytes = INFO, digest: bytes = DIGEST, head: bytes = b"\x00\x01") -> bytes:
    end = b"\x00" + info + digest
    return head + b"\xff" * (SIZE - len(head) - len(end)) + end


def signatures(key, other) -> dict[str, tuple[bytes, bool]]:
    """Name -> (signature, whether it is right)."""
    n = int.from_bytes(modulus(key), "big")
    right = key.sign(MESSAGE, PKCS1v15(), SHA256())
    s = int.from_bytes(right, "big")
    short = block()[:11] + b"\x00" + INFO + DIGEST  # 8 bytes of padding, then room for anything
    sha1_info = bytes.fromhex("3021300906052b0e03021a05000414")
    wrong = {
        "another key": other.sign(MESSAGE, PKCS1v15(), SHA256()),
        "another message": key.sign(MESSAGE + b".", PKCS1v15(), SHA256()),
        "PSS": key.sign(MESSAGE, PSS(MGF1(SHA256()), 32), SHA256()),
        "SHA-512": key.sign(MESSAGE, PKCS1v15(), SHA512()),
        "SHA-1": raw(key, block(sha1_info, sha1(MESSAGE).digest())),
        "SHA-1 of this length": raw(key, block(sha1_info, DIGEST)),
        "no DigestInfo": raw(key, block(b"")),
        "DigestInfo without NULL": raw(key, block(bytes.fromhex("302f300b0609608648016503040201"
                                                               "0420"))),
        "block type 2": raw(key, block(head=b"\x00\x02")),
        "block type 0": raw(key, block(head=b"\x00\x00")),
        "no leading zero": raw(key, block(head=b"\x01\x01")),
        "short padding, garbage behind": raw(key, short + b"\x01" * (SIZE - len(short))),
        "short padding, garbage in it": raw(key, short[:11] + b"\x02" * (SIZE - len(short))
                                            + short[11:]),
        "one byte of padding": raw(key, block()[:9] + b"\xfe" + block()[10:]),
        "end of padding": raw(key, block().replace(b"\x00" + INFO, b"\xff" + INFO)),
        "digest with one bit": raw(key, block(digest=DIGEST[:-1] + bytes((DIGEST[-1] ^ 1,)))),
        "n - s": (n - s).to_bytes(SIZE, "big"),
        "n": n.to_bytes(SIZE, "big"),
        "n - 1": (n - 1).to_bytes(SIZE, "big"),
        "n + 1": (n + 1).to_bytes(SIZE, "big"),
        "0": bytes(SIZE),
        "1": bytes(SIZE - 1) + b"\x01",
        "all ones": b"\xff" * SIZE,
        "short": right[1:],
        "without its last byte": right[:-1],
        "long": right + b"\x00",
        "long in front": b"\x00" + right,
        "empty": b"",
        "reversed": right[::-1],
    }  # fmt: skip
    return {"right": (right, True), **{name: (one, False) for name, one in wrong.items()}}


def test_only_the_signature_itself_is_accepted(on_board, some, signer, other):
    found = signatures(signer, other)
    flipped = bytearray(found["right"][0])
    for at in (0, 1, 191, 383):
        flipped[at] ^= 1
        found[f"byte {at}"] = bytes(flipped), False
        flipped[at] ^= 1
    found = dict(some(found.items()))
    told = on_board(*[("_rsa.verify", DIGEST, one, modulus(signer)) for one, _ in found.values()])
    assert dict(zip(found, told, strict=True)) == {name: is_right for name, (_, is_right) in
                                                   found.items()}  # fmt: skip


def test_a_signature_above_the_modulus_is_refused(on_board, signer):
    """The same number modulo n, so that its public operation gives the right block."""
    n = int.from_bytes(modulus(signer), "big")
    for number in range(100_000):  # until both fit into 384 bytes
        message = b"%d" % number
        right = signer.sign(message, PKCS1v15(), SHA256())
        above = int.from_bytes(right, "big") + n
        if above.bit_length() <= 8 * SIZE:
            break
    calls = [(right, True), (above.to_bytes(SIZE, "big"), False)]
    digest = sha256(message).digest()
    told = on_board(*[("_rsa.verify", digest, one, modulus(signer)) for one, _ in calls])
    assert told == [is_right for _, is_right in calls]


def test_a_digest_or_a_modulus_of_another_form_is_refused(on_board, signer):
    n = modulus(signer)
    right = signer.sign(DIGEST, PKCS1v15(), Prehashed(SHA256()))
    twenty = signer.sign(DIGEST[:20], PKCS1v15(), Prehashed(SHA1()))
    calls = [
        (DIGEST, right, n),
        (DIGEST[:20], twenty, n),
        (DIGEST + b"\x00", right, n),
        (b"", right, n),
        (DIGEST, right, n[1:]),
        (DIGEST, right, b"\x00" + n),
        (DIGEST, right, b""),
        (DIGEST, right, bytes(SIZE)),
        (DIGEST, right[:256], n[:256]),
    ]
    told = on_board(*[("_rsa.verify", *call) for call in calls])
    assert told == [True] + [False] * (len(calls) - 1)


def test_moduli_that_the_core_divides_wrongly_are_refused(on_board):
    """As the key tool does, which makes others only (tests/devkit/commands/test_keys.py)."""
    good = b"\x80" + 382 * b"\x55" + b"\x57"
    digits = [good[: 2 * at] + b"\xff\xff" + good[2 * at + 2 :] for at in (0, 1, 96, 190, 191)]
    moduli = [good, *digits, b"\x7f" + good[1:], good[:3] + b"\xff\xff" + good[5:]]
    told = on_board(*[("_rsa.is_vetted", one) for one in moduli])
    assert told == [True, *[False] * 6, True]
    assert told == [is_vetted(one) for one in moduli]
    assert on_board(("_rsa.is_vetted", good[:-1] + b"\x56")) == [False]  # no modulus is even


@pytest.mark.cpython(reason="looks at the files of the project")
def test_the_project_has_no_key_that_nobody_has_vetted():
    """Tests make their own by devkit.release.keys; a file of a key would need a check here."""
    assert [name for name in all_files(ROOT) if name.endswith((".pem", ".pub", ".key"))] == []
