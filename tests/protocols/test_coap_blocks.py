"""Blocks of RFC 7959: what does not fit into one datagram, and servers that play games with it."""

from __future__ import annotations

import pytest

from tests.protocols.coap_rig import CON, POST, loaded, rig

__all__ = ["loaded", "rig"]

PAYLOAD = bytes(range(200))
BLOCK1, BLOCK2, ETAG = 27, 23, 4


def block(number, more, size):
    value = number << 4 | more << 3 | (size.bit_length() - 5)
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def read(options, which):
    """(number, more, size) of a block option; None if there is none."""
    values = [value for number, value in options if number == which]
    if not values:
        return None
    value = int.from_bytes(values[0], "big")
    return value >> 4, value >> 3 & 1, 16 << (value & 7)


class Store:
    """Assembles blocks; `largest` is what it takes, `refuses` answers for the n-th request."""

    def __init__(self, rig, largest=1024):
        self.rig = rig
        self.largest = largest
        self.body = b""
        self.done = None
        self.seen = []
        self.instead = {}

    def __call__(self, seen):
        if seen[1] != POST:
            return []
        got = read(seen[4], BLOCK1)
        self.seen.append(got)
        instead = self.instead.get(len(self.seen))
        if instead is not None:
            return instead(seen)
        if got is None:
            self.done = seen[5]
            return [(500, self.rig.ack(seen))]
        number, more, size = got
        if number == 0:
            self.body = b""
        if number * size != len(self.body):
            return [(500, self.rig.ack(seen, 0x88))]
        self.body += seen[5]
        if not more:
            self.done = self.body
        options = [(BLOCK1, block(number, more, min(size, self.largest)))]
        return [(500, self.rig.ack(seen, 0x5F if more else 0x44, options=options))]


@pytest.fixture
def store(rig):
    rig.answer = found = Store(rig)
    return found


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_a_long_payload_goes_in_blocks(rig, store, size) -> None:
    assert rig.session(_COAP_BLOCK_SIZE=size).deliver(PAYLOAD) == "delivered"
    assert store.done == PAYLOAD
    count = -(-len(PAYLOAD) // size)
    assert store.seen == [(number, int(number < count - 1), size) for number in range(count)]
    assert len({seen[3] for _, seen in rig.sent}) == count


SIZES = [(64, 64, None), (64, 65, 2), (64, 0, None), (1024, 1139, None), (1024, 1140, 2)]


@pytest.mark.parametrize(("size", "length", "count"), SIZES)
def test_blocks_only_when_needed(rig, store, size, length, count) -> None:
    """With the largest block a message of 1152 bytes is filled first (RFC 7252 4.6)."""
    assert rig.session(_COAP_BLOCK_SIZE=size).deliver(bytes(length)) == "delivered"
    assert store.done == bytes(length)
    assert len(store.seen) == (count or 1) and (store.seen[0] is None) == (count is None)


@pytest.mark.parametrize("limit", [124, 62, 48])
def test_blocks_fit_the_datagrams_of_the_transport(rig, store, limit) -> None:
    """An AT socket raises ValueError for what is longer than its line."""
    rig.limit = limit
    session = rig.session()
    assert session.deliver(PAYLOAD) == "delivered"
    assert store.done == PAYLOAD and max(map(len, rig.raw)) <= limit
    whole = limit - rig.coap.overhead(type("C", (), {}))
    session.ask_time = True  # the room for it is kept free
    assert session.deliver(bytes(whole)) == "delivered"
    assert store.done == bytes(whole) and len(rig.raw[-1]) == limit and store.seen[-1] is None


def test_a_transport_too_small_for_any_block_is_refused(rig, store) -> None:
    rig.limit = 20
    assert rig.session().deliver(PAYLOAD) == "refused"
    assert rig.sent == [] and rig.ms == 0


@pytest.mark.parametrize("largest", [16, 32, 64])
def test_a_server_may_ask_for_smaller_blocks(rig, store, largest) -> None:
    """RFC 7959 figure 8: the first block counts, the numbers go on in the new size."""
    store.largest = largest
    assert rig.session(_COAP_BLOCK_SIZE=128).deliver(PAYLOAD) == "delivered"
    assert store.done == PAYLOAD
    assert [size for _, _, size in store.seen[1:]] == [largest] * (len(store.seen) - 1)
    assert store.seen[1][0] == 128 // largest


def answer(rig, code, *options):
    return lambda seen: [(500, rig.ack(seen, code, options=list(options)))]


@pytest.mark.parametrize("code", [0x8D, 0x88])
@pytest.mark.parametrize("at", [1, 2])
def test_too_large_or_incomplete_is_started_again_once_with_smaller_blocks(
    rig, store, code, at
) -> None:
    store.instead[at] = answer(rig, code)
    assert rig.session(_COAP_BLOCK_SIZE=128).deliver(PAYLOAD) == "delivered"
    assert store.done == PAYLOAD and store.seen[at] == (0, 1, 64)
    store.seen.clear()
    store.instead = {count: answer(rig, code) for count in range(1, 99)}
    assert rig.session(_COAP_BLOCK_SIZE=128).deliver(PAYLOAD) == "refused"
    assert len(store.seen) == 2


def test_too_large_in_one_piece_is_tried_in_blocks_of_the_size_proposed(rig, store) -> None:
    store.instead[1] = answer(rig, 0x8D, (BLOCK1, block(0, 0, 32)))
    assert rig.session().deliver(PAYLOAD) == "delivered"
    assert store.done == PAYLOAD
    assert store.seen[:2] == [None, (0, 1, 32)]


GAMES = {
    "another number": (0x5F, [(BLOCK1, block(7, 1, 64))], "unknown"),
    "no block option": (0x5F, [], "unknown"),
    "block option of nonsense": (0x5F, [(BLOCK1, b"\x0f")], "unknown"),
    "block option too long": (0x5F, [(BLOCK1, b"\1\0\0\0")], "unknown"),
    "success in the middle": (0x44, [], "unknown"),
    "error in the middle": (0x80, [], "refused"),
}


@pytest.mark.parametrize("name", GAMES)
def test_games_with_blocks_end_the_transfer(rig, store, name) -> None:
    """F27"""
    code, options, outcome = GAMES[name]
    store.instead[2] = answer(rig, code, *options)
    assert rig.session(_COAP_BLOCK_SIZE=64).deliver(PAYLOAD) == outcome
    assert len(store.seen) == 2 and store.done is None


def test_asking_for_more_without_end(rig, store) -> None:
    rig.answer = lambda seen: [
        (500, rig.ack(seen, 0x5F, options=[o for o in seen[4] if o[0] == BLOCK1]))
    ]
    assert rig.session(_COAP_BLOCK_SIZE=64).deliver(PAYLOAD) == "unknown"
    assert len(rig.sent) == 4


def test_a_block_without_answer_is_repeated_then_given_up(rig, store) -> None:
    store.instead[2] = lambda seen: []
    assert rig.session(_COAP_BLOCK_SIZE=64).deliver(PAYLOAD) == "delivered"
    store.instead = {count: lambda seen: [] for count in range(8, 99)}
    assert rig.session(_COAP_BLOCK_SIZE=64).deliver(PAYLOAD) == "unknown"


def test_blocks_are_confirmed_even_if_messages_are_not(rig, store) -> None:
    assert rig.session(_COAP_CONFIRMABLE=False, _COAP_BLOCK_SIZE=64).deliver(PAYLOAD) == (
        "delivered"
    )
    assert set(rig.kinds()) == {CON}


def test_a_slow_server_does_not_keep_the_node_awake(rig, store) -> None:
    def slowly(seen):
        return [(40, rig.ack(seen, 0))] + [
            (29_000, rig.message(1, data[1], 9, seen[3], options=rig.coding.decode(data)[4]))
            for _, data in store(seen)
        ]

    store.largest = 16
    rig.answer = slowly
    assert rig.session(_COAP_BLOCK_SIZE=16).deliver(bytes(1000)) == "unknown"
    assert 600_000 <= rig.ms < 640_000
    rig.reset(rig.style)
    resource = Resource(rig, bytes(4000), size=16)
    rig.answer = lambda seen: [(1900, data) for _, data in resource(seen)]
    client = rig.client(ack_timeout_ms=60_000)
    assert client.request(1, "t", options=[(BLOCK2, b"")]).payload == bytes(4000)
    rig.answer = lambda seen: [(29_000, data) for _, data in resource(seen)]
    client = rig.client(ack_timeout_ms=60_000)
    assert client.request(1, "t") is None and client.cause == "bad_block"


# Responses in blocks


class Resource:
    def __init__(self, rig, body, size=64, tags=(b"one",)):
        self.rig, self.body, self.size, self.tags = rig, body, size, tags
        self.requests = []
        self.change = lambda number, options, payload: (options, payload)

    def __call__(self, seen):
        number, _, size = read(seen[4], BLOCK2) or (0, 0, self.size)
        size = min(size, self.size)
        self.requests.append((number, size))
        tag = self.tags[min(len(self.requests), len(self.tags)) - 1]
        payload = self.body[number * size :][:size]
        more = int((number + 1) * size < len(self.body))
        options = [(ETAG, tag), (BLOCK2, block(number, more, size))]
        options, payload = self.change(number, options, payload)
        return [(500, self.rig.ack(seen, 0x45, options=options, payload=payload))]


@pytest.mark.parametrize("length", [1, 63, 64, 65, 128, 1000])
def test_a_get_fetches_all_blocks(rig, length) -> None:
    body = (PAYLOAD * 6)[:length]
    rig.answer = resource = Resource(rig, body)
    client = rig.client()
    response = client.request(1, "t", "k=v")
    assert (response.code, response.payload, client.cause) == (0x45, body, "answered")
    assert len(resource.requests) == -(-length // 64)
    assert all(seen[4][:2] == [(11, b"t"), (15, b"k=v")] for _, seen in rig.sent)


def test_a_resource_that_changes_is_fetched_anew_once(rig) -> None:
    rig.answer = Resource(rig, PAYLOAD, tags=(b"one", b"two"))
    assert rig.client().request(1, "t").payload == PAYLOAD
    rig.answer = resource = Resource(rig, PAYLOAD, tags=(b"1", b"2", b"2", b"3"))
    client = rig.client()
    assert client.request(1, "t") is None and client.cause == "bad_block"
    assert len(resource.requests) == 4


def test_a_response_without_end_is_given_up(rig) -> None:
    rig.answer = resource = Resource(rig, bytes(10**6))
    client = rig.client()
    assert client.request(1, "t") is None and client.cause == "bad_block"
    assert len(resource.requests) <= 65


CHANGES = {
    "number": lambda options, payload: ([(BLOCK2, block(5, 1, 64))], payload),
    "short": lambda options, payload: (options, payload[:10]),
    "long": lambda options, payload: (options, payload * 2),
    "no block option": lambda options, payload: (options[:1], payload),
    "nonsense": lambda options, payload: ([options[0], (BLOCK2, b"\x0f")], payload),
    "no tag": lambda options, payload: (options[1:], payload),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_response_whose_blocks_do_not_fit(rig, name) -> None:
    rig.answer = resource = Resource(rig, PAYLOAD)
    resource.change = lambda number, options, payload: (
        CHANGES[name](options, payload) if number else (options, payload)
    )
    client = rig.client()
    assert client.request(1, "t") is None and client.cause == "bad_block"
    assert len(resource.requests) <= 4


def test_an_error_behind_the_first_block_is_the_response(rig) -> None:
    resource = Resource(rig, PAYLOAD)
    rig.answer = lambda seen: (
        resource(seen) if len(rig.sent) == 1 else [(500, rig.ack(seen, 0x84))]
    )
    assert rig.client().request(1, "t").code == 0x84


def test_the_answer_to_a_post_is_taken_up_to_its_first_block(rig) -> None:
    options = [(BLOCK2, block(0, 1, 64))]
    rig.answer = lambda seen: [(500, rig.ack(seen, 0x44, options=options, payload=bytes(64)))]
    assert len(rig.client().request(POST, "t", payload=b"x").payload) == 64
    assert len(rig.sent) == 1
