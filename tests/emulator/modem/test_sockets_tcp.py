"""TCP of the modem: dial, stream, the other side's close, online mode, servers."""

from __future__ import annotations

import socket

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, info
from tests.emulator.modem.socket_rig import SERVER4, SERVER6, SocketRig

NO_CARRIER = "\r\nNO CARRIER\r\n"
CONNECT = "\r\nCONNECT\r\n"
PROMPT = "\r\n> "
DIAL = f'AT+SQNSD=1,0,7,"{SERVER4}",0,0,1'


def echo(connection: socket.socket) -> None:
    while data := connection.recv(4096):
        connection.sendall(data)


def hello_and_bye(connection: socket.socket) -> None:
    connection.sendall(b"hello")


def test_command_mode_answers_ok_after_the_handshake() -> None:
    with SocketRig() as rig:
        rig.serve_tcp(echo)
        start_ms = rig.now_ms
        rig.write(DIAL + "\r")
        assert rig.until(OK) == OK
        assert rig.now_ms - start_ms > 700  # a packet up, one down
        assert rig.send(b"x" * 1000, wait_ms=100) == PROMPT + OK
        assert rig.ask("AT+SQNSI=1") == info("+SQNSI: 1,1000,0,0,1000")  # not acknowledged yet
        assert rig.until("RING: 1\r\n") == "\r\n+SQNSRING: 1\r\n"
        assert rig.ask("AT+SQNSRECV=1,600") == info("+SQNSRECV: 1,600", "x" * 600)
        assert rig.ask("AT+SQNSRECV=1,600") == info("+SQNSRECV: 1,400", "x" * 400)
        assert rig.ask("AT+SQNSRECV=1,600") == ERROR
        assert rig.ask("AT+SQNSI=1") == info("+SQNSI: 1,1000,1000,0,0")
        assert rig.ask("AT+SQNSH=1", 3000) == OK


@pytest.mark.parametrize(
    ("route", "seconds"), [(True, (0.5, 2.0)), (False, (8.0, 8.5))], ids=["refused", "no answer"]
)
def test_a_failed_dial_is_no_carrier(route: bool, seconds: tuple[float, float]) -> None:
    with SocketRig() as rig:
        if route:
            rig.routes.add(SERVER4, 7, "127.0.0.1", 1)
        rig.ask("AT+SQNSCFG=1,1,300,90,80,50")  # 8 s
        start_ms = rig.now_ms
        rig.write(DIAL + "\r")
        assert rig.until("CARRIER\r\n") == NO_CARRIER
        assert seconds[0] <= (rig.now_ms - start_ms) / 1000 <= seconds[1]
        assert rig.ask("AT+SQNSS=1") == info("+SQNSS: 1,0")


def test_tls_that_is_taken_goes_on_in_plain_text() -> None:
    with SocketRig(modem={"tls": "plaintext"}) as rig:
        rig.serve_tcp(echo)
        assert rig.ask("AT+SQNSSCFG=1,1,1") == OK
        assert rig.ask(DIAL, 3000) == OK


def test_segments_lost_on_air_are_repeated_in_order() -> None:
    with SocketRig(radio={"loss": 0.3, "downlink_loss": 0.3}) as rig:
        rig.serve_tcp(echo)
        assert rig.ask(DIAL, 30_000) == OK
        sent = bytes(range(256)) * 20
        for start in range(0, len(sent), 1024):
            rig.send(sent[start : start + 1024])
        rig.pass_ms(60_000)
        got = b""
        while len(got) < len(sent):
            answer = rig.ask("AT+SQNSRECV=1,1500", 2000).encode("latin-1")
            assert answer.startswith(b"\r\n+SQNSRECV: 1,"), answer
            head, _, rest = answer[2:].partition(b"\r\n")
            got += rest[: int(head.rpartition(b",")[2])]
            rig.pass_ms(2000)
        assert got == sent


def test_the_other_side_closes_and_what_is_unread_can_still_be_read() -> None:
    with SocketRig() as rig:
        rig.serve_tcp(hello_and_bye)
        rig.ask(DIAL, 1000)
        said = rig.until("+SQNSH: 1\r\n")
        assert said == "\r\n+SQNSRING: 1\r\n\r\n+SQNSH: 1\r\n"
        assert rig.ask("AT+SQNSS=1") == info("+SQNSS: 1,0")
        assert rig.ask("AT+SQNSRECV=1,100") == info("+SQNSRECV: 1,5", "hello")
        assert rig.ask("AT+SQNSRECV=1,100") == ERROR
        assert rig.ask("AT+SQNSSENDEXT=1,5") == ERROR


@pytest.mark.parametrize("closure", [1, 255])
def test_closure_type_leaves_the_local_side_open(closure: int) -> None:
    with SocketRig() as rig:
        rig.serve_tcp(hello_and_bye)
        rig.ask(DIAL.replace(",0,0,1", f",{closure},0,1"), 1000)
        assert rig.pass_ms(10_000) == b"\r\n+SQNSRING: 1\r\n"
        assert rig.ask("AT+SQNSS=1").startswith("\r\n+SQNSS: 1,3,")
        assert rig.ask("AT+SQNSSENDEXT=1,5") == ERROR
        assert rig.ask("AT+SQNSH=1", 2000) == OK


# online mode


def test_online_mode_is_transparent_and_can_be_left_and_resumed() -> None:
    with SocketRig() as rig:
        rig.serve_tcp(echo)
        assert rig.ask(DIAL.replace(",0,0,1", ",0,0,0"), 3000) == CONNECT
        rig.write("AT+CSQ\r")
        assert rig.pass_ms(10_000) == b"AT+CSQ\r"  # after txTo of 5 s, there and back
        rig.write("y" * 300)  # a full packet goes at once
        assert rig.pass_ms(2000) == b"y" * 300
        rig.pass_ms(1100)
        rig.write("+++")
        assert rig.pass_ms(1500) == OK.encode()
        assert rig.ask("AT+SQNSS=1").startswith("\r\n+SQNSS: 1,2,")
        assert rig.send(b"while suspended") == PROMPT + OK
        assert rig.pass_ms(2000) == b"\r\n+SQNSRING: 1\r\n"
        assert rig.ask("AT+SQNSO=1", 1000) == CONNECT + "while suspended"


def test_online_mode_ends_with_no_carrier_when_the_other_side_closes() -> None:
    with SocketRig() as rig:
        rig.serve_tcp(hello_and_bye)
        assert rig.ask(DIAL.replace(",0,0,1", ",0,0,0"), 20_000) == CONNECT + "hello" + NO_CARRIER
        assert rig.ask("AT+SQNSS=1") == info("+SQNSS: 1,0")


def test_ath_closes_a_suspended_socket() -> None:
    with SocketRig() as rig:
        rig.serve_tcp(echo)
        rig.ask(DIAL.replace(",0,0,1", ",0,0,0"), 3000)
        rig.write("+++")
        rig.pass_ms(1500)
        assert rig.ask("ATH", 1000) == OK
        assert rig.ask("AT+SQNSS=1") == info("+SQNSS: 1,0")
        assert rig.ask("ATO", 1000) == NO_CARRIER


def test_online_udp_sends_a_datagram_per_packet() -> None:
    with SocketRig() as rig:
        server = rig.serve(None)
        rig.ask("AT+SQNSCFG=1,1,4,90,600,1")
        assert rig.ask(f'AT+SQNSD=1,1,5683,"{SERVER6}"', 500) == CONNECT
        rig.write("abcdefghij")
        rig.pass_ms(5000)
        assert server.wait_for(3)
        assert [each.data for each in server.received] == [b"abcd", b"efgh", b"ij"]


# the modem as a server


def test_a_caller_rings_and_is_accepted() -> None:
    with SocketRig() as rig:
        assert rig.ask("AT+SQNSL=2,1,80") == OK
        assert rig.ask("AT+SQNSS=2") == info('+SQNSS: 2,4,"10.64.3.17",80,"0.0.0.0",0')
        with socket.create_connection(rig.routes.listening["10.64.3.17", 80], 2) as caller:
            caller.settimeout(2)
            assert rig.until("RING: 2\r\n") == "\r\n+SQNSRING: 2\r\n"
            assert rig.ask("AT+SQNSS=2").startswith("\r\n+SQNSS: 2,5,")
            assert rig.ask("AT+SQNSA=2,1") == OK
            caller.sendall(b"GET")
            assert rig.until("RING: 2\r\n") == "\r\n+SQNSRING: 2\r\n"
            assert rig.ask("AT+SQNSRECV=2,100") == info("+SQNSRECV: 2,3", "GET")
            rig.send(b"200", 2, wait_ms=1000)
            assert caller.recv(10) == b"200"
        assert rig.until("+SQNSH: 2\r\n", 60_000)


def test_auto_response_goes_online_at_once() -> None:
    with SocketRig() as rig:
        rig.ask("AT+SQNSCFGEXT=1,0,0,0,1,0")
        rig.ask("AT+SQNSL=1,1,80")
        with socket.create_connection(rig.routes.listening["10.64.3.17", 80], 2) as caller:
            assert rig.until("CONNECT\r\n") == CONNECT
            caller.sendall(b"hi")
            assert rig.until("hi", 20_000) == "hi"


def test_udp_server_reads_after_accepting() -> None:
    with SocketRig() as rig:
        assert rig.ask("AT+SQNSLUDP=3,2,5683") == OK
        at = rig.routes.listening["2001:db8:64:11::1", 5683]
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as caller:
            caller.settimeout(2)
            caller.bind(("::1", 0))
            caller.sendto(b"ping", at)
            assert rig.until("RING: 3\r\n") == "\r\n+SQNSRING: 3\r\n"
            assert rig.ask("AT+SQNSRECV=3,100") == ERROR  # not accepted yet
            assert rig.ask("AT+SQNSA=3,1") == OK
            assert rig.ask("AT+SQNSRECV=3,100") == info("+SQNSRECV: 3,4", "ping")
            rig.send(b"pong", 3, wait_ms=1000)
            assert caller.recv(10) == b"pong"


def test_listening_can_be_ended_and_needs_an_address_of_its_family() -> None:
    with SocketRig(modem={"pdp_type": "IP"}) as rig:
        assert rig.ask("AT+SQNSL=1,2,80") == ERROR
        assert rig.ask("AT+SQNSL=1,1,80") == OK
        assert rig.ask("AT+SQNSL=1,1,81") == ERROR
        assert rig.ask("AT+SQNSA=1,1") == ERROR  # nobody has called
        assert rig.ask("AT+SQNSSENDEXT=1,5") == ERROR
        assert rig.ask("AT+SQNSRECV=1,5") == ERROR
        assert rig.ask("AT+SQNSL=1,0,80") == OK
        assert rig.ask("AT+SQNSS=1") == info("+SQNSS: 1,0")
