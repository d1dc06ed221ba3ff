"""Whatever a host writes, the modem answers with a result code and goes on."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.modem.bare_modem import OK, READY, Rig

NAMES = sorted(Rig().modem.session.commands)
# Those behind which silence, a restart or data mode is the answer
SILENT = {
    "^RESET",
    "+SQNSSHDN",
    "+CFUN",
    "&F",
    "Q",
    "V",
    "O",
    "D",
    "+CGDATA",
    "+COPS",
    "+CGATT",
    "+SQNINS",
    "+SQNCTM",
    "+CGACT",
    "E",
    "Z",
}

arguments = st.lists(
    st.one_of(
        st.just(""),
        st.integers(-3, 70_000).map(str),
        st.sampled_from(
            [
                '"IP"',
                '"IPV6"',
                '"SC"',
                '"1234"',
                '"00100100"',
                '"0101"',
                '"::1"',
                '"192.0.2.1"',
                '"',
                '""',
                "abc",
                '"showver"',
                '"rrc:x"',
                '"25/01/01"',
            ]
        ),
    ),
    max_size=8,
).map(",".join)


@settings(max_examples=400)
@given(st.sampled_from(NAMES), st.sampled_from(["", "?", "=?", "="]), arguments)
def test_any_parameters(name: str, form: str, given_arguments: str) -> None:
    rig = Rig(READY, seed=2)
    rig.attach()
    line = "AT" + name + form + (given_arguments if form == "=" else "")
    said = rig.ask(line, 1000)
    if name not in SILENT and "\r\n> " not in said and "CONNECT" not in said:
        waited = said + rig.pass_ms(200_000).decode("latin-1")
        assert waited.count("\r\nOK\r\n") + waited.count("ERROR") + waited.count("CARRIER") == 1


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    rig = Rig()
    rig.write(data + b"\r")
    rig.pass_ms(60_000)
    rig.write("\rATE0Q0V1\r")
    rig.pass_ms(1000)
    assert rig.ask("AT", 1000) == OK


@settings(max_examples=100)
@given(st.text(alphabet='AT+C=?;,"01SQNE\r\n!^&DHOZ*#', max_size=40))
def test_anything_that_looks_like_commands(text: str) -> None:
    rig = Rig()
    rig.write("AT" + text + "\r")
    rig.pass_ms(300_000)
