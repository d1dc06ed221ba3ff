"""What comes before any content: one bit, one byte or one length away, it is refused."""

from __future__ import annotations

import pytest

from devkit.release.format import answer, envelope, key_file, modulus, tag

pytestmark = pytest.mark.both_runtimes
KEY = bytes(range(32))
NODE = "kCsQxGOU"
NONCE = bytes(range(100, 112))
BODY = b"set 1\nend\n"


def test_an_envelope_is_opened_only_as_it_was_signed(on_board, some, root, signer, other):
    right = envelope(BODY, 1, signer)
    moduli = {1: modulus(signer), 2: modulus(other)}
    length = len(BODY)

    def changed(at: int, to: int) -> bytes:
        return right[:at] + bytes((to,)) + right[at + 1 :]

    rows = [
        (right, BODY),
        (envelope(BODY, 2, other), BODY),
        (changed(4, 2), "signature"),
        (changed(4, 3), "signature"),
        (envelope(BODY, 2, signer), "signature"),
        (envelope(BODY, 1, root), "signature"),
        (changed(7, right[7] ^ 1), "signature"),
        (changed(len(right) - 1, right[-1] ^ 1), "signature"),
        (changed(0, 0), "envelope"),
        (changed(3, 0x32), "envelope"),
        (changed(6, length + 1), "envelope"),
        (changed(6, length - 1), "envelope"),
        (changed(5, 1), "envelope"),
        (right[:-1], "envelope"),
        (right + b"\x00", "envelope"),
        (right[: 7 + length], "envelope"),
        (envelope(b"", 1, signer), "envelope"),
        (key_file(1, {1: modulus(signer)}, signer), "envelope"),
        (b"", "envelope"),
        (b"PYU1", "envelope"),
        (b"PYU1\x01\x00\x00" + bytes(384), "envelope"),
        (BODY, "envelope"),
    ]
    rows = some(rows)
    told = on_board(*[("_envelope.opened", data, moduli) for data, _ in rows])
    assert told == [expected for _, expected in rows]
    assert on_board(("_envelope.opened", right, {})) == ["signature"]


@pytest.mark.cpython(reason="such a long text takes a test program on the other runtime minutes")
@pytest.mark.parametrize(("length", "is_opened"), [(32768, True), (32769, False)])
def test_a_body_has_32_kb_at_most(on_board, signer, length, is_opened):
    sent = envelope(bytes(length), 1, signer)
    [told] = on_board(("_envelope.opened", sent, {1: modulus(signer)}))
    assert told == (bytes(length) if is_opened else "envelope")


def test_an_answer_counts_for_one_question_of_one_node(on_board, some):
    data = bytes(1000)
    right = answer(KEY, NODE, NONCE, 1, 9, data)
    flipped = [right[:at] + bytes((right[at] ^ 1,)) + right[at + 1 :] for at in range(len(right))]
    # the border between two fields cannot be shifted
    shifted = answer(KEY, NODE + "d", NONCE[1:], 1, 9, data)
    rows = [
        ((right, KEY, NODE, NONCE), (1, 9, 1000)),
        ((right, bytes(32), NODE, NONCE), "tag"),
        ((right, KEY, "kCsQxGOV", NONCE), "tag"),
        ((right, KEY, NODE, bytes(12)), "tag"),
        ((shifted, KEY, NODE, b"d" + NONCE[1:]), "tag"),
        *[((one, KEY, NODE, NONCE), "tag") for one in some(flipped)],
        ((right[:-1], KEY, NODE, NONCE), "answer"),
        ((right + b"\x00", KEY, NODE, NONCE), "answer"),
        ((b"", KEY, NODE, NONCE), "answer"),
    ]
    told = on_board(*[("_envelope.answer", *arguments) for arguments, _ in rows])
    assert [one if isinstance(one, str) else one[:3] for one in told] == [row for _, row in rows]


@pytest.mark.parametrize(
    ("kind", "length", "is_right"),
    [
        (0, 1000, False),
        (1, 391, False),
        (1, 392, True),
        (1, 391 + 32768, True),
        (1, 391 + 32769, False),
        (2, 0, True),
        (2, 1, False),
        (3, 776, True),
        (3, 1161, True),
        (3, 777, False),
        (3, 0, False),
        (4, 1000, False),
        (255, 1000, False),
    ],
)
def test_a_length_that_its_kind_cannot_have_is_refused(on_board, kind, length, is_right):
    [told] = on_board(("_envelope.answer", answer(KEY, NODE, NONCE, kind, 9, bytes(length)),
                       KEY, NODE, NONCE))  # fmt: skip
    assert told == "answer" if not is_right else told[:3] == (kind, 9, length)


def test_the_tag_covers_what_the_design_says(on_board):
    """Written out once more: both sides could share a mistake."""
    said = bytes((1,)) + (9).to_bytes(3, "big") + (1000).to_bytes(2, "big") + bytes(32)
    signed = b"pyu1" + said[:1] + bytes((len(NODE),)) + NODE.encode() + NONCE + said[1:]
    [told] = on_board(("_envelope.answer", said + tag(KEY, signed), KEY, NODE, NONCE))
    assert told[:3] == (1, 9, 1000)
