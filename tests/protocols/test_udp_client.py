"""udp_send over the data state of NB-IoT: real datagrams, sockets closed on every path."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

from devkit.servers.udp import UdpServer
from tests.device import Device

MakeDevice = Callable[..., Device]
CONNECTED = """
from networking import nbiot
from protocols.udp_client import udp_send
assert nbiot.connect(configured(_IP_VERSION="IP"), True).status == nbiot.NBIOT_CONNECTED
"""
LOSSLESS = {"radio": {"loss": 0.0, "attach_ms": 2500, "outliers": False}}


def test_texts_and_bytes_arrive_at_addresses_and_names(make_device: MakeDevice) -> None:
    program = """
    for host in ("192.0.2.1", "node.example"):
        for message in given():
            show(udp_send(host, 5683, message))
    import utime
    utime.sleep(20)  # what still waits for the air is lost with the link
    nbiot.deactivate()
    """
    messages: list[Any] = ["h\u00e9", b"\x00\r\n\xff", b"x" * 1400]
    with UdpServer() as server:
        target = f"127.0.0.1:{server.port}"
        device = make_device(
            LOSSLESS, routes=[f"192.0.2.1:5683={target}", f"node.example:5683={target}"]
        )
        accepted = device.run(CONNECTED + textwrap.dedent(program), messages)
        assert accepted == [3, 4, 1400] * 2
        assert server.wait_for(6)
        expected = [each.encode() if isinstance(each, str) else each for each in messages]
        assert [each.data for each in server.received] == expected * 2


def test_trouble_is_logged_once_and_leaves_no_socket_open(make_device: MakeDevice) -> None:
    device = make_device(LOSSLESS)
    program = """
    show(udp_send("192.0.2.1", 5683, "before"))
    nbiot.connect(configured(_IP_VERSION="IP"), True)
    show(udp_send("no such.example", 5683, "name"))
    for number in range(40):
        assert udp_send("nobody.example", 5683, "n") == 0
        assert udp_send("192.0.2.1", 5683, "n") == 1
    nbiot.deactivate()
    show(udp_send("192.0.2.1", 5683, "after"))
    """
    results = device.run(
        "from networking import nbiot\nfrom protocols.udp_client import udp_send\n"
        + textwrap.dedent(program)
    )
    assert results == [0, 0, 0]
    log = [line for line in "".join(device.printed).splitlines() if "udp_client" in line]
    assert len(log) == 43
    assert "WARNING udp_client: 6 bytes to 192.0.2.1 refused" in log[0]


def test_bad_arguments_are_named_before_anything_is_opened(make_device: MakeDevice) -> None:
    cases = [
        ["", 5683, "x", "remote_host"],
        ["2001:db8::1", 5683, "x", "remote_host"],
        [5, 5683, "x", "remote_host"],
        ["192.0.2.1", 0, "x", "remote_port"],
        ["192.0.2.1", "5683", "x", "remote_port"],
        ["192.0.2.1", 5683, None, "msg"],
        ["192.0.2.1", 5683, "", "msg"],
    ]
    results = make_device(LOSSLESS).run(
        """
        from protocols.udp_client import udp_send
        for host, port, message, field in given():
            show(raised(udp_send, host, port, message))
        """,
        cases,
    )
    for (kind, text), case in zip(results, cases, strict=True):
        assert kind == "ValueError"
        assert text.startswith(case[3] + " = ")
        assert "; allowed: " in text
