"""What any link to the modem offers (networking/_nbiot_lte.py), and what the second one proves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from devkit.servers.udp import UdpServer
from tests.device import Device

MakeDevice = Callable[..., Device]
both_links = pytest.mark.both_links
second_link = pytest.mark.parametrize("link", ["uart"])
HOST = "2001:db8::1"
LINK = """
from networking._nbiot_lte import Link
from utils import at
link = Link()
"""
ATTACHED = """
from networking import nbiot
assert nbiot.connect(configured(), False).status == nbiot.NBIOT_ATTACHED
"""


def reaching(server: UdpServer, make_device: MakeDevice) -> Device:
    """A device for which this server is HOST, over a radio that loses nothing."""
    lossless = {"radio": {"loss": 0.0, "downlink_loss": 0.0}}
    return make_device(lossless, routes=[f"[{HOST}]:5683=127.0.0.1:{server.port}"])


@both_links
def test_a_link_takes_commands_from_open_to_close(make_device: MakeDevice) -> None:
    device = make_device()
    shown = device.run(
        LINK
        + """
def tell():
    show([link.is_open, raised(link.exchange, "AT", 1000)])

tell()
for _ in range(2):
    link.open()
    link.open()
    tell()
    link.close()
    tell()
"""
    )
    opened, closed = [True, None], shown[0]
    assert closed[0] is False and closed[1][0] == "OSError"
    assert shown == [closed, opened, closed, opened, closed]
    assert device.modem_rests()


@both_links
@pytest.mark.lte_link("data state")
def test_in_data_state_a_link_takes_no_command(make_device: MakeDevice) -> None:
    device = make_device()
    dialled, refused, hung_up = device.run(
        ATTACHED
        + """
from utils import timing
link = nbiot._the_link()

def state():
    return [link.in_data_state, raised(link.exchange, "AT", 1000)]

link.dial(1)
show([link.in_data_state, timing.wait_for(link.has_address, 5000)])
show(state())
link.hang_up()
show(state())
nbiot.deactivate()
"""
    )
    assert dialled == [True, True]
    assert refused[0] is True and refused[1][0] == "OSError"
    assert hung_up == [False, None]


@both_links
def test_a_link_to_a_dead_modem_does_not_open(make_device: MakeDevice) -> None:
    error, is_open = make_device("modem_mute").run(
        LINK + "show(raised(link.open))\nshow(link.is_open)"
    )
    assert error[0] == "OSError"
    assert is_open is False


@both_links
def test_sockets_know_the_longest_line_of_the_link(make_device: MakeDevice) -> None:
    of_link, of_sockets = make_device().run(
        LINK + "link.open()\nshow(link.longest_line())\nshow(at.line_limit(link.modem))"
    )
    assert of_link == of_sockets


@second_link
def test_arguments_may_be_as_long_as_the_line_of_the_link(make_device: MakeDevice) -> None:
    with UdpServer() as server:
        device = reaching(server, make_device)
        shown = device.run(
            ATTACHED
            + f"""
show(nbiot.sendAtCommand("AT+BAD" + 2994 * "x"))
show(raised(nbiot.sendAtCommand, 3001 * "x"))
show(nbiot.datagram_limit())
show(nbiot.sendATsocket(bytes(1500), "{HOST}", 5683))
show(raised(nbiot.sendATsocket, bytes(1501), "{HOST}", 5683))
nbiot.deactivate()
"""
        )
        assert shown[0] == ["ERROR", False]
        assert "1 to 3000" in shown[1][1]
        assert shown[2:4] == [1500, 1500]
        assert "1 to 1500" in shown[4][1]
        assert server.wait_for(1) and server.received[0].data == bytes(1500)


@second_link
def test_a_socket_of_the_modem_receives(make_device: MakeDevice) -> None:
    with UdpServer(reply=lambda data: data[::-1]) as server:
        device = reaching(server, make_device)
        device.emulator.routes.patience.rely(0.5)  # the server answers before virtual time passes
        [answer] = device.run(
            ATTACHED
            + f"""
import microATsocket
sock = microATsocket.socket(microATsocket.AF_INET6)
sock.setModemInstance(nbiot._the_link().modem)
sock.sendto(b"hello", ("{HOST}", 5683))
show(sock.recvfrom(512))
nbiot.deactivate()
"""
        )
        assert answer == [b"olleh", [HOST, 5683]]


@second_link
def test_a_pause_ends_with_a_urc_and_none_is_lost(make_device: MakeDevice) -> None:
    said = [(9000, "+CTZV: 1"), (13_000, "+CTZV: 2")]
    faults = [{"point": "time", "at_ms": at_ms, "do": "urc", "text": text} for at_ms, text in said]
    paused_ms, paused, asked = make_device({"fault": faults}).run(
        LINK
        + """
import utime
link.open()
utime.sleep_ms(8000 - utime.ticks_cpu() // 1000)
heard = link.pause(5000).urcs
show(utime.ticks_cpu() // 1000)
show(heard)
utime.sleep_ms(14000 - utime.ticks_cpu() // 1000)
show(link.exchange("AT", 1000).urcs)
"""
    )
    assert 9000 <= paused_ms <= 9200
    assert (paused, asked) == (["+CTZV: 1"], ["+CTZV: 2"])


@second_link
@pytest.mark.parametrize("trouble, cause", (("error", "attach_timeout"), ("mute", "modem_mute")))
def test_a_registration_that_was_only_heard_is_none(
    make_device: MakeDevice, trouble: str, cause: str
) -> None:
    """The URC may be older than what goes wrong since: an answer decides."""
    device = make_device({"fault": [{"point": "command", "match": "AT+CEREG?", "do": trouble}]})
    last, _ = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(_MAX_ATTACHMENT_ATTEMPT_TIME_SEC=20), False)
        show(outcome())
        show(nbiot.deactivate())
        """
    )
    assert device.modem.nv.cereg == 1  # so that the modem has told of its registration
    assert (last["status"], last["cause"]) == (0, cause)


@pytest.mark.both_runtimes
@second_link
def test_the_second_link_from_attachment_to_the_end(make_device: MakeDevice) -> None:
    with UdpServer() as server:
        device = reaching(server, make_device)
        shown = device.run(
            ATTACHED
            + f"""
show(nbiot.sendATsocket("hello", "{HOST}", 5683))
show(nbiot.deactivate().deactivation_status)
"""
        )
        assert shown == [5, True]
        assert server.wait_for(1) and server.received[0].data == b"hello"
    assert device.modem_rests()


@second_link
def test_beside_the_second_link_there_is_no_lte(make_device: MakeDevice) -> None:
    """So that whatever depends on network.LTE fails in the tests over this link."""
    [[kind, text]] = make_device().run("from network import LTE\nshow(raised(LTE))")
    assert kind == "AttributeError" and "lte" in text
