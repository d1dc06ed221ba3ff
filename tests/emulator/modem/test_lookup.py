"""+SQNDNSLKUP, +PING, and names in a dial."""

from __future__ import annotations

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, info
from tests.emulator.modem.socket_rig import SERVER4, SocketRig

V4, V6 = "198.51.100.1", "2001:db8:6e61:6d65::1"


@pytest.mark.parametrize(
    ("pdp", "command", "answer"),
    [
        ("IPV4V6", '"node.example"', info(f'+SQNDNSLKUP: "node.example","{V4}"')),
        ("IPV4V6", '"node.example",0', info(f'+SQNDNSLKUP: "node.example","{V4}"')),
        ("IPV4V6", '"NODE.example",1', info(f'+SQNDNSLKUP: "NODE.example","{V6}"')),
        ("IPV6", '"node.example"', info(f'+SQNDNSLKUP: "node.example","{V6}"')),
        ("IP", f'"{SERVER4}"', info(f'+SQNDNSLKUP: "{SERVER4}","{SERVER4}"')),
        ("IP", '"other.example"', ERROR),
        ("IP", '""', ERROR),
        ("IP", '"node.example",2', ERROR),
    ],
)
def test_names_of_the_route_table_resolve(pdp: str, command: str, answer: str) -> None:
    with SocketRig(modem={"pdp_type": pdp}) as rig:
        rig.serve(host="node.example")
        assert rig.ask("AT+SQNDNSLKUP=" + command, 5000) == answer


def test_a_lookup_costs_a_turn_on_air_and_gives_up_when_all_is_lost() -> None:
    with SocketRig() as rig:
        rig.serve(host="node.example")
        start_ms = rig.now_ms
        rig.write('AT+SQNDNSLKUP="node.example"\r')
        rig.until(OK)
        assert 700 <= rig.now_ms - start_ms <= 750  # uplink 400 ms, turn 300 ms
        assert rig.cell.air_bytes_up == 28 + 18 + len("node.example")
    with SocketRig(radio={"loss": 1.0}) as rig:
        rig.serve(host="node.example")
        rig.write('AT+SQNDNSLKUP="node.example"\r')
        assert rig.until(ERROR, 20_000) == ERROR


def test_a_name_can_be_dialled_and_is_reported_as_such() -> None:
    with SocketRig() as rig:
        server = rig.serve(None, host="node.example")
        assert rig.ask('AT+SQNSD=1,1,5683,"node.example",0,0,1', 3000) == OK
        assert f',"{V4}",5683' in rig.ask("AT+SQNSS=1")
        rig.send(b"x", wait_ms=1000)
        assert server.wait_for(1)
        assert rig.routes.sent[0].host == "node.example"
        assert rig.ask('AT+SQNSD=2,1,5683,"other.example",0,0,1', 5000) == "\r\nNO CARRIER\r\n"


def test_ping_has_a_line_per_reply_and_marks_what_is_unanswered() -> None:
    with SocketRig() as rig:
        rig.serve()
        rig.serve(host=SERVER4)
        said = rig.ask(f'AT+PING="{SERVER4}",2,100', 10_000)
        assert said == info(f'+PING: 1,"{SERVER4}",700,52', f'+PING: 2,"{SERVER4}",700,52')
        assert rig.cell.air_bytes_up == 2 * (28 + 100)
        said = rig.ask('AT+PING="192.0.2.99",2,32,1,3', 10_000)
        assert said == info('+PING: 1,"192.0.2.99",-1,-1', '+PING: 2,"192.0.2.99",-1,-1')


@pytest.mark.parametrize(
    "tail", [",0", ",65", ",1,31", ",1,1401", ",1,32,0", ",1,32,1,61", ",1,32,1,1,256"]
)
def test_ping_out_of_range(tail: str) -> None:
    with SocketRig() as rig:
        assert rig.ask(f'AT+PING="{SERVER4}"{tail}', 2000) == ERROR
