"""The CoAP server on the computer: what it is told by aiocoap as client, and its faults."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import aiocoap
import pytest
from aiocoap import Code

from devkit.servers.coap import CoapServer


@pytest.fixture
def server() -> Iterator[CoapServer]:
    with CoapServer() as running:
        yield running


def ask(server: CoapServer, *requests: tuple[Code, str, bytes]) -> list[Any]:
    """What aiocoap's own client gets."""

    async def run() -> list[Any]:
        context = await aiocoap.Context.create_client_context(transports=["simple6"])
        try:
            answers = []
            for code, path, payload in requests:
                uri = f"coap://{server.host}:{server.port}/{path}"
                message = aiocoap.Message(code=code, uri=uri, payload=payload)
                answers.append(await asyncio.wait_for(context.request(message).response, 5))
            return answers
        finally:
            await context.shutdown()

    return asyncio.run(run())


def test_it_takes_posts_on_any_path_and_tells_of_them(server: CoapServer) -> None:
    long = bytes(range(256)) * 20
    answers = ask(server, (Code.POST, "a/b?k=v", b"hello"), (Code.PUT, "long", long))
    assert [answer.code for answer in answers] == [Code.CHANGED] * 2
    assert server.wait_for(2) and not server.wait_for(3, 0.01)
    first, second = server.received
    assert (first.code, first.path, first.query) == ("POST", "a/b", ("k=v",))
    assert (first.data, first.content_format, second.data) == (b"hello", None, long)


def test_content_is_given_and_removed(server: CoapServer) -> None:
    server.content["t"] = bytes(5000)
    answers = ask(server, *((code, "t", b"") for code in (Code.GET, Code.DELETE, Code.GET)))
    assert [answer.code for answer in answers] == [Code.CONTENT, Code.DELETED, Code.NOT_FOUND]
    assert answers[0].payload == bytes(5000)


def test_each_post_is_kept_with_its_sender() -> None:
    with (
        CoapServer() as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        client.bind(("127.0.0.1", 0))
        client.sendto(b"\x50\x02\x00\x01\xb1r\xffx", (server.host, server.port))
        assert server.wait_for(1, timeout_s=5)
        [post] = server.received
        assert (post.path, post.source) == ("r", client.getsockname())


def test_noise_does_no_harm(server: CoapServer) -> None:
    for number in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(bytes([5 * number]) * number, (server.host, server.port))
    assert ask(server, (Code.POST, "r", b"x"))[0].code == Code.CHANGED


def test_a_taken_port_is_an_error(server: CoapServer) -> None:
    with pytest.raises(OSError, match="in use"):
        CoapServer(port=server.port)


def test_closing_frees_the_port() -> None:
    with CoapServer() as server:
        port = server.port
    with CoapServer(port=port) as again:
        assert again.port == port
    server.close()
