"""Frames and keys of both sides against published vectors and against each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.lorawan import aes, frames, keys, server_frames
from emulator.lorawan.airtime import time_on_air_us
from emulator.lorawan.regions import BY_NAME

# RFC 4493, 4
CMAC_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
CMAC_TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
CMACS = {
    0: "bb1d6929e95937287fa37d129b756746",
    16: "070a16b46b4d4144f79bdd9dd04a287c",
    40: "dfa66747de9ae63030ca32611497c827",
    64: "51f0bebf7e3b9d92fc49741779363cfe",
}
# The example of the npm package lora-packet, found in many decoders' tests
EXAMPLE = bytes.fromhex("40F17DBE4900020001954378762B11FF0D")
EXAMPLE_NWK = bytes.fromhex("44024241ed4ce9a68c6a8bc055233fd3")
EXAMPLE_APP = bytes.fromhex("ec925802ae430ca77fd3dd73cb2cc588")

ANY_KEY = st.binary(min_size=16, max_size=16)


@pytest.mark.parametrize("length", CMACS)
def test_cmac_of_rfc_4493(length: int) -> None:
    assert aes.cmac(CMAC_KEY, CMAC_TEXT[:length]).hex() == CMACS[length]


def test_published_uplink_is_built_and_read() -> None:
    session = frames.Session(0x49BE7DF1, EXAMPLE_NWK, EXAMPLE_APP, fcnt_up=2)
    assert frames.uplink(session, 0, b"", 1, b"test", False) == EXAMPLE
    data = server_frames.read_data(EXAMPLE)
    assert data is not None
    assert server_frames.data_mic(EXAMPLE_NWK, False, data.dev_addr, 2, data.signed) == data.mic
    assert server_frames.crypt(EXAMPLE_APP, False, data.dev_addr, 2, data.encrypted) == b"test"


@settings(max_examples=20, deadline=None)
@given(ANY_KEY, ANY_KEY, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.binary())
def test_the_server_reads_what_the_device_sends(
    nwk: bytes, app: bytes, addr: int, counter: int, payload: bytes
) -> None:
    payload = payload[:222]
    session = frames.Session(addr, nwk, app, fcnt_up=counter)
    data = server_frames.read_data(frames.uplink(session, 0x80, b"\x02", 7, payload, True))
    assert data is not None
    assert (data.dev_addr, data.port, data.confirmed, data.options) == (addr, 7, True, b"\x02")
    assert data.short_counter == counter & 0xFFFF
    assert server_frames.data_mic(nwk, False, addr, counter, data.signed) == data.mic
    assert server_frames.crypt(app, False, addr, counter, data.encrypted) == payload


def accept_of(app_key: bytes, cf_list: bytes = b"") -> bytes:
    return server_frames.join_accept(app_key, b"abc", b"net", 0x26012345, b"\x13\x05", cf_list)


@pytest.mark.parametrize("cf_list", [b"", bytes(range(16))])
def test_join_accept_gives_both_the_same_keys(cf_list: bytes) -> None:
    accept = frames.read_join_accept(accept_of(CMAC_KEY, cf_list), CMAC_KEY)
    assert accept is not None
    assert (accept.dev_addr, accept.cf_list) == (0x26012345, cf_list)
    assert (accept.rx1_offset, accept.rx2_rate, accept.rx_delay) == (1, 3, 5)
    device = keys.session_keys(CMAC_KEY, accept.app_nonce, accept.net_id, 0x1234)
    assert list(device) == server_frames.session_keys(CMAC_KEY, b"abc", b"net", 0x1234)


def test_join_accept_of_another_key_or_changed_on_the_way_is_refused() -> None:
    good = accept_of(CMAC_KEY)
    assert frames.read_join_accept(good, EXAMPLE_NWK) is None
    for at in range(len(good)):
        changed = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        assert frames.read_join_accept(changed, CMAC_KEY) is None, at
    assert frames.read_join_accept(good[:-1], CMAC_KEY) is None


def down(counter: int, **over: object) -> bytes:
    values = {"control": 0, "options": b"", "port": 3, "payload": b"hello", "confirmed": False}
    values.update(over)
    return server_frames.data_down((EXAMPLE_NWK, EXAMPLE_APP), 0x49BE7DF1, counter, **values)  # type: ignore[arg-type]


def test_downlinks_are_taken_once_and_in_order() -> None:
    session = frames.Session(0x49BE7DF1, EXAMPLE_NWK, EXAMPLE_APP)
    first = frames.read_downlink(down(0, control=0x20, confirmed=True), session)
    assert first is not None
    assert (first.payload, first.port, first.ack, first.confirmed) == (b"hello", 3, True, True)
    assert frames.read_downlink(down(0), session) is not None  # as the firmware does
    session.fcnt_down = 5
    assert frames.read_downlink(down(5), session) is None
    assert frames.read_downlink(down(4), session) is None
    assert frames.read_downlink(down(7), session) is not None
    session.fcnt_down = 0xFFFF
    assert frames.read_downlink(down(0x10000), session) is not None
    other = frames.Session(0x49BE7DF2, EXAMPLE_NWK, EXAMPLE_APP)
    assert frames.read_downlink(down(0), other) is None
    wrong = frames.Session(0x49BE7DF1, EXAMPLE_APP, EXAMPLE_APP)
    assert frames.read_downlink(down(0), wrong) is None


def test_commands_on_port_0_are_encrypted_with_the_network_key() -> None:
    session = frames.Session(0x49BE7DF1, EXAMPLE_NWK, EXAMPLE_APP)
    found = frames.read_downlink(down(0, port=0, payload=b"\x06"), session)
    assert found is not None
    assert (found.options, found.payload) == (b"\x06", b"")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_from_the_air_are_too_strange(data: bytes) -> None:
    session = frames.Session(1, CMAC_KEY, CMAC_KEY)
    assert frames.read_downlink(data, session) is None
    assert frames.read_downlink(b"\x60" + data, session) is None
    assert frames.read_join_accept(b"\x20" + data, CMAC_KEY) is None
    server_frames.read_data(b"\x40" + data)
    server_frames.read_join_request(data)


# bytes, SF, bandwidth, us: Semtech's calculator (SX1276 data sheet, 4.1.1.7), preamble 8, CR 4/5
AIRTIMES = [
    (29, 7, 125_000, 66_816),
    (29, 9, 125_000, 226_304),
    (29, 10, 125_000, 411_648),
    (29, 12, 125_000, 1_646_592),
    (23, 7, 125_000, 61_696),  # a join request
    (23, 12, 125_000, 1_482_752),
    (64, 11, 125_000, 1_560_576),
    (13, 8, 500_000, 20_608),
    (255, 7, 125_000, 399_616),
]


@pytest.mark.parametrize(("size", "sf", "bandwidth", "expected"), AIRTIMES)
def test_time_on_air(size: int, sf: int, bandwidth: int, expected: int) -> None:
    assert time_on_air_us(size, sf, bandwidth) == expected


def test_dwell_time_is_kept_by_the_longest_payload_of_each_rate() -> None:
    for name in ("US915", "AS923"):
        region = BY_NAME[name]
        for number, rate in enumerate(region.rates[:6]):
            if rate is not None and region.size(number):
                air_us = time_on_air_us(region.size(number) + 13, *rate)
                assert air_us <= 400_000, (name, number)
