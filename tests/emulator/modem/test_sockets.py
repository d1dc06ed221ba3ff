"""UDP of the modem: dial, state, send, receive, ring, and the ends of a socket.

Formats and quirks are those that drivers rely on (TinyGSM, toit, ST, microATsocket).
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.emulator.modem.bare_modem import ERROR, OK, info
from tests.emulator.modem.socket_rig import SERVER4, SERVER6, SocketRig

CLOSED = [f"+SQNSS: {number},0" for number in range(1, 7)]
PROMPT = "\r\n> "


# dial and state


def test_six_sockets_and_their_state() -> None:
    with SocketRig() as rig:
        assert rig.ask("AT+SQNSS?") == info(*CLOSED)
        for number in range(1, 7):
            assert rig.dial(number) == OK
        first = f'+SQNSS: 1,2,"2001:db8:64:11::1",8888,"{SERVER6}",5683'
        assert rig.ask("AT+SQNSS=1") == info(first)
        assert rig.ask("AT+SQNSS").count(",2,") == 6
        assert rig.dial(7) == ERROR
        assert rig.dial(1) == ERROR  # open already
        assert rig.ask("AT+SQNSH=1") == OK
        assert rig.ask("AT+SQNSH=1") == OK  # a closed one as well
        assert rig.ask("AT+SQNSS=1") == info(CLOSED[0])
        assert rig.routes.sent == []  # dialling UDP sends nothing


@pytest.mark.parametrize(
    "command",
    [
        f'AT+SQNSD=0,1,5683,"{SERVER6}"',
        f'AT+SQNSD=1,2,5683,"{SERVER6}"',
        f'AT+SQNSD=1,1,0,"{SERVER6}"',
        f'AT+SQNSD=1,1,65536,"{SERVER6}"',
        "AT+SQNSD=1,1,5683",
        'AT+SQNSD=1,1,5683,""',
        f'AT+SQNSD=1,1,5683,"{SERVER6}",2',
        f'AT+SQNSD=1,1,5683,"{SERVER6}",0,65536',
        f'AT+SQNSD=1,1,5683,"{SERVER6}",0,0,2',
        f'AT+SQNSD=1,1,5683,"{SERVER6}",0,0,1,3',
        f'AT+SQNSD=1,1,5683,"{SERVER6}",0,0,1,0,1',  # asynchronous: Monarch 2
        "AT+SQNSSENDEXT=1,5",
        "AT+SQNSSEND=1",
        "AT+SQNSRECV=1,100",
        "AT+SQNSO=1",
        "AT+SQNSA=1",
        "AT+SQNSI=7",
        "AT+SQNSH=0",
    ],
)
def test_what_cannot_be_is_refused(command: str) -> None:
    with SocketRig() as rig:
        assert rig.ask(command) == ERROR


@pytest.mark.parametrize(
    ("sections", "line"),
    [
        ({}, "AT+CFUN=4"),
        ({}, "AT+CFUN=0"),
        ({"sim": {"state": "absent"}}, "AT+CFUN=1"),
        ({"radio": {"in_coverage": False}}, "AT+CFUN=1"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [f'AT+SQNSD=1,1,5683,"{SERVER4}",0,0,1', 'AT+SQNDNSLKUP="a.example"', 'AT+PING="192.0.2.1"'],
)
def test_nothing_goes_without_a_pdn_connection(
    sections: dict[str, dict[str, object]], line: str, command: str
) -> None:
    rig = SocketRig(attach=False, **sections)
    rig.ask(line, 3000)
    assert rig.ask(command, 3000).endswith(ERROR)
    assert rig.ask("AT+SQNSI=1") == info("+SQNSI: 1,0,0,0,0")


@pytest.mark.parametrize(("pdp", "host"), [("IP", SERVER6), ("IPV6", SERVER4)])
def test_an_address_of_the_other_family_cannot_be_dialled(pdp: str, host: str) -> None:
    with SocketRig(modem={"pdp_type": pdp}) as rig:
        assert rig.dial(host=host) == ERROR


# send


@pytest.mark.parametrize("host", [SERVER4, SERVER6])
def test_a_datagram_leaves_for_real_and_counts_with_its_headers(host: str) -> None:
    payload = b"OK\r\n\x1a\x1b\x08\x00\xff> AT\r"
    with SocketRig() as rig:
        server = rig.serve(None, host)
        rig.dial(host=host)
        before = rig.cell.air_bytes_up
        assert rig.send(payload, wait_ms=60) == PROMPT + OK
        assert server.received == []  # accepted is not delivered
        assert rig.routes.sent == []
        rig.pass_ms(1000)
        assert server.wait_for(1)
        assert [each.data for each in server.received] == [payload]
        assert [(each.host, each.port, each.delivered) for each in rig.routes.sent] == [
            (host, 5683, True)
        ]
        headers = 48 if ":" in host else 28
        assert rig.cell.air_bytes_up - before == len(payload) + headers
        assert rig.ask("AT+SQNSI=1") == info(f"+SQNSI: 1,{len(payload)},0,0,0")


def test_ok_comes_25_ms_after_the_last_byte_and_the_prompt_is_four_bytes() -> None:
    with SocketRig() as rig:
        rig.serve(None)
        rig.dial()
        assert rig.ask("AT+SQNSSENDEXT=1,3") == PROMPT
        rig.write("ab")
        assert rig.pass_ms(5000) == b""  # the third byte is awaited
        start_ms = rig.now_ms
        rig.write("c")
        rig.until(OK)
        assert 10 <= rig.now_ms - start_ms <= 40


def test_hex_takes_two_characters_a_byte() -> None:
    with SocketRig() as rig:
        server = rig.serve(None)
        rig.ask("AT+SQNSCFGEXT=1,1,1,0,0,1,0,0")
        rig.dial()
        assert rig.ask("AT+SQNSSENDEXT=1,3") == PROMPT
        assert rig.ask("00fFa0", 1000) == OK
        assert rig.ask("AT+SQNSSENDEXT=1,1") == PROMPT
        assert rig.ask("zz") == ERROR
        assert server.wait_for(1)
        assert server.received[0].data == b"\x00\xff\xa0"
        assert len(rig.routes.sent) == 1


def test_a_line_feed_behind_the_command_is_the_first_byte_of_the_payload() -> None:
    with SocketRig() as rig:
        server = rig.serve(None)
        rig.dial()
        rig.write("AT+SQNSSENDEXT=1,3\r\nabc\r\n")
        assert rig.until(OK) == PROMPT + OK
        rig.pass_ms(1000)
        assert server.wait_for(1)
        assert server.received[0].data == b"\nab"


@pytest.mark.parametrize(
    "tail", [",", ",0", ",1501", ",-1", ",5,1", ',5,,"192.0.2.9",7', ",5,0,0,0,0"]
)
def test_errors_come_instead_of_the_prompt(tail: str) -> None:
    with SocketRig() as rig:
        rig.dial()
        assert rig.ask("AT+SQNSSENDEXT=1" + tail) == ERROR


def test_the_send_buffer_fills_while_the_air_is_slow() -> None:
    with SocketRig(radio={"uplink_ms": 60_000}) as rig:
        rig.serve(None)
        rig.dial()
        answers = [rig.send(b"x" * 1500) for _ in range(7)]
        assert answers == [PROMPT + OK] * 5 + [PROMPT + ERROR] * 2


def test_ctrl_z_sends_escape_does_not_and_backspace_edits() -> None:
    with SocketRig() as rig:
        server = rig.serve(None)
        rig.dial()
        for text in ("helx\x08lo\x1a", "no\x1b", "\x1a"):
            assert rig.ask("AT+SQNSSEND=1").endswith(PROMPT)
            rig.write(text)
            assert rig.pass_ms(1000) == OK.encode()
        assert server.wait_for(1)
        assert [each.data for each in server.received] == [b"hello"]


def test_what_is_lost_on_air_is_noted_and_does_not_leave() -> None:
    with SocketRig(radio={"loss": 1.0}) as rig:
        server = rig.serve(None)
        rig.dial()
        assert rig.send(b"abc", wait_ms=2000) == PROMPT + OK
        assert [(each.data, each.delivered) for each in rig.routes.sent] == [(b"abc", False)]
        assert rig.net() == [f"lost [{SERVER6}]:5683 3 bytes 616263"]
        assert server.received == []


def test_without_a_route_a_datagram_is_dropped_without_a_word() -> None:
    with SocketRig() as rig:
        rig.dial()
        assert rig.send(b"abc", wait_ms=120_000) == PROMPT + OK + "\r\n+SQNSH: 1\r\n"  # 90 s idle
        assert rig.net() == [f"dropped [{SERVER6}]:5683 3 bytes 616263"]


@pytest.mark.parametrize("drops", (False, True))
def test_what_was_accepted_is_sent_though_the_socket_is_closed_behind_it(drops: bool) -> None:
    with SocketRig(modem={"off_drops_queue": drops}) as rig:
        server = rig.serve(None)
        rig.dial()
        rig.send(b"abc", wait_ms=40)
        assert rig.ask("AT+SQNSH=1", 50) == OK
        rig.pass_ms(500 if drops else 0)  # a kind modem also sends before its radio goes off
        assert rig.ask("AT+CFUN=4", 5000) == "\r\n+CEREG: 0\r\n" + OK
        assert server.wait_for(1)
        assert rig.routes.sent[0].delivered


# receive


def test_ring_and_read_of_binary_data_that_looks_like_an_answer() -> None:
    payload = b"\r\nOK\r\n\x00\xff+SQNSRING: 1\r\n"
    with SocketRig() as rig:
        rig.serve()
        rig.dial()
        rig.send(payload, wait_ms=50)
        assert rig.pass_ms(2000) == b"\r\n+SQNSRING: 1\r\n"
        assert rig.ask("AT+SQNSS=1").startswith("\r\n+SQNSS: 1,3,")
        count = len(payload)
        assert rig.ask("AT+SQNSI=1") == info(f"+SQNSI: 1,{count},{count},{count},0")
        expected = f"\r\n+SQNSRECV: 1,{count}\r\n" + payload.decode("latin-1") + "\r\n" + OK
        assert rig.ask("AT+SQNSRECV=1,1500") == expected
        assert rig.ask("AT+SQNSI=1") == info(f"+SQNSI: 1,{count},{count},0,0")
        assert rig.ask("AT+SQNSS=1").startswith("\r\n+SQNSS: 1,2,")
        assert rig.net()[-1] == f"arrived [{SERVER6}]:5683 {count} bytes {payload.hex()}"


@pytest.mark.parametrize(
    ("config", "ring", "read"),
    [
        ("0,0,0", "+SQNSRING: 1", "+SQNSRECV: 1,3\r\n\x01é\xab"),
        ("1,0,0", "+SQNSRING: 1,3", "+SQNSRECV: 1,3\r\n\x01é\xab"),
        ("1,1,0", "+SQNSRING: 1,3", "+SQNSRECV: 1,3\r\n01E9AB"),
        ("2,0,0", "+SQNSRING: 1,3,\x01é\xab", None),
        ("2,1,0", "+SQNSRING: 1,3,01E9AB", None),
    ],
)
def test_ring_modes_and_hex(config: str, ring: str, read: str | None) -> None:
    with SocketRig() as rig:
        rig.serve()
        rig.ask(f"AT+SQNSCFGEXT=1,{config}")
        rig.dial()
        rig.send(b"\x01\xe9\xab", wait_ms=50)
        assert rig.pass_ms(2000).decode("latin-1") == f"\r\n{ring}\r\n"
        answer = rig.ask("AT+SQNSRECV=1,100")
        assert answer == (ERROR if read is None else f"\r\n{read}\r\n{OK}")


@pytest.mark.parametrize(("mode", "rings"), [("datagram", [",3", ",5"]), ("drained", [",3"])])
def test_each_read_takes_one_datagram(mode: str, rings: list[str]) -> None:
    with SocketRig(modem={"ring": mode}) as rig:
        rig.serve(lambda data: [b"abc", b"defgh"])
        rig.ask("AT+SQNSCFGEXT=1,1,0,0")
        rig.dial()
        rig.send(b"?", wait_ms=50)
        expected = "".join(f"\r\n+SQNSRING: 1{size}\r\n" for size in rings)
        assert rig.pass_ms(3000).decode() == expected
        assert rig.ask("AT+SQNSRECV=1,1500") == info("+SQNSRECV: 1,3", "abc")
        assert rig.ask("AT+SQNSRECV=1,1500") == info("+SQNSRECV: 1,5", "defgh")


@pytest.mark.parametrize(
    ("options", "second"),
    [
        ({"long_datagram": "truncate"}, ERROR),
        ({"long_datagram": "keep"}, info("+SQNSRECV: 1,3", "def")),
        ({"nothing_to_read": "empty"}, info("+SQNSRECV: 1,0", "")),
    ],
)
def test_a_datagram_longer_than_asked_for(options: dict[str, str], second: str) -> None:
    with SocketRig(modem=options) as rig:
        rig.serve(lambda data: b"abcdef")
        rig.dial()
        rig.send(b"?", wait_ms=3000)
        assert rig.ask("AT+SQNSRECV=1,3") == info("+SQNSRECV: 1,3", "abc")
        assert rig.ask("AT+SQNSRECV=1,1500") == second
        for wrong in ("0", "1501", ""):
            assert rig.ask(f"AT+SQNSRECV=1,{wrong}") == ERROR


def test_a_ring_waits_for_the_end_of_a_prompt() -> None:
    with SocketRig() as rig:
        rig.serve()
        rig.dial()
        rig.send(b"1", wait_ms=40)
        assert rig.ask("AT+SQNSSENDEXT=1,3", 5000) == PROMPT
        said = rig.ask("abc", 100)
        assert said.replace("\r\n+SQNSRING: 1\r\n", "", 1) == OK


def test_answers_to_a_closed_socket_are_for_nobody() -> None:
    with SocketRig() as rig:
        rig.serve()
        rig.dial()
        rig.send(b"1", wait_ms=500)  # it has left, the answer is on its way
        assert rig.ask("AT+SQNSH=1", 60) == OK
        assert rig.dial() == OK
        assert rig.pass_ms(5000) == b""


# acceptAnyRemote


def test_accept_any_remote_tells_the_sender_and_can_answer_it() -> None:
    with SocketRig() as rig:
        first = rig.serve(lambda data: None, port=5683)
        second = rig.serve(same_or_hello, "2001:db8::2", 7000)
        rig.ask("AT+SQNSCFGEXT=1,1,0,0")
        assert rig.ask(f'AT+SQNSD=1,1,5683,"{SERVER6}",0,0,1,2') == OK
        rig.routes.patience.give_up()
        rig.send(b"one", wait_ms=1000)
        assert first.wait_for(1)
        second.send(b"hi", first.received[0].source)  # somebody else writes to us
        rig.until("+SQNSRING: 1,2\r\n")
        assert rig.ask("AT+SQNSRECV=1,100") == info('+SQNSRECV: 1,2,"2001:db8::2",7000', "hi")
        assert rig.ask('AT+SQNSSENDEXT=1,3,,"2001:db8::2",7000') == PROMPT
        assert rig.ask("two", 1000).startswith(OK)
        assert second.wait_for(1)
        assert [each.data for each in second.received] == [b"two"]


def same_or_hello(data: bytes) -> bytes:
    return data or b"hello"


@pytest.mark.parametrize(("from_any", "heard"), [(0, b""), (1, b"\r\n+SQNSRING: 1\r\n")])
def test_strangers_are_heard_only_if_accepted(from_any: int, heard: bytes) -> None:
    with SocketRig() as rig:
        server = rig.serve(None)
        stranger = rig.serve(None, "2001:db8::9", 9)
        rig.ask(f'AT+SQNSD=1,1,5683,"{SERVER6}",0,0,1,{from_any}')
        rig.send(b"1", wait_ms=1000)
        assert server.wait_for(1)
        stranger.send(b"hi", server.received[0].source)
        assert rig.pass_ms(5000) == heard


# ends


@pytest.mark.parametrize("line", ["AT+CFUN=4", "AT+CFUN=0", "AT+CGATT=0", "AT^RESET"])
def test_the_end_of_the_radio_closes_without_a_word(line: str) -> None:
    with SocketRig() as rig:
        rig.dial()
        assert "+SQNSH" not in rig.ask(line, 20_000)
        rig.modem.session.echo = False
        assert rig.ask("AT+SQNSS") == info(*CLOSED)


def test_inactivity_closes_with_a_urc_and_every_datagram_puts_it_off() -> None:
    with SocketRig() as rig:
        rig.serve(None)
        rig.ask("AT+SQNSCFG=1,1,300,20,600,50")
        rig.dial()
        rig.pass_ms(15_000)
        assert rig.send(b"x", wait_ms=15_000) == PROMPT + OK
        assert rig.pass_ms(10_000) == b"\r\n+SQNSH: 1\r\n"
        assert rig.ask("AT+SQNSS=1") == info(CLOSED[0])
        rig.ask("AT+SQNSCFG=1,1,300,0,600,50")  # never
        rig.dial()
        assert rig.pass_ms(600_000) == b""


def test_same_seed_same_story() -> None:
    def story() -> list[str]:
        with SocketRig(radio={"uplink_ms": 0, "turn_ms": 0}) as rig:
            rig.serve()
            rig.dial()
            rig.send(b"abc", wait_ms=5000)
            rig.ask("AT+SQNSRECV=1,100", 100)
            return rig.board.trace.lines()

    assert story() == story()


def test_the_way_of_answers_through_the_network_passes_while_the_radio_is_busy() -> None:
    """Three datagrams at once, one answer each: 2 s of radio and 8 s of way a turn."""
    radio = {"uplink_ms": 5000, "turn_ms": 10_000}
    with SocketRig(radio=radio) as rig:
        rig.serve()
        rig.dial()
        began_ms = rig.now_ms
        for _ in range(3):
            rig.send(b"x")
        came = []
        while len(came) < 3 and rig.now_ms - began_ms < 60_000:
            if "+SQNSRING" in rig.pass_ms(100).decode():
                came.append(rig.now_ms - began_ms)
        gaps = [later - one for one, later in pairwise(came)]
        assert 15_000 < came[0] < 25_500 and all(gap < 8000 for gap in gaps)
