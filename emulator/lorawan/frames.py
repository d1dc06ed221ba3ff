"""PHYPayloads as the device builds and reads them. EUIs are bytes as they are printed, big end
first; on air everything is little end first.

Source: LoRaWAN 1.0.3, 4 (MAC message formats) and 6.2 (over-the-air activation).
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.lorawan import keys
from emulator.lorawan.aes import BLOCK, cmac, encrypt

JOIN_REQUEST, JOIN_ACCEPT, DATA_UP, DATA_DOWN, CONFIRMED_UP, CONFIRMED_DOWN = range(6)
ADR, ADR_ACK_REQ, ACK, PENDING = 0x80, 0x40, 0x20, 0x10  # of FCtrl
MIC_BYTES = keys.MIC_BYTES
MAX_FCNT_GAP = 16384


@dataclass
class Session:
    """What an activation gives: the device's address and keys, and the counters since."""

    dev_addr: int
    nwk_skey: bytes
    app_skey: bytes
    fcnt_up: int = 0  # of the next uplink
    fcnt_down: int = 0  # of the last downlink that was taken; 0 also before the first


@dataclass
class JoinAccept:
    app_nonce: bytes
    net_id: bytes
    dev_addr: int
    rx1_offset: int
    rx2_rate: int
    rx_delay: int
    cf_list: bytes  # empty or 16 bytes


@dataclass
class Downlink:
    confirmed: bool
    control: int
    counter: int
    options: bytes  # MAC commands, from FOpts or from a payload on port 0
    port: int | None
    payload: bytes
    again: bool  # a confirmed one that was taken before

    @property
    def ack(self) -> bool:
        return bool(self.control & ACK)


def join_request(app_eui: bytes, dev_eui: bytes, app_key: bytes, dev_nonce: int) -> bytes:
    frame = bytes([JOIN_REQUEST << 5]) + app_eui[::-1] + dev_eui[::-1]
    frame += dev_nonce.to_bytes(2, "little")
    return frame + cmac(app_key, frame)[:MIC_BYTES]


def read_join_accept(frame: bytes, app_key: bytes) -> JoinAccept | None:
    """None: not for us, or not by who has our key."""
    if len(frame) not in (1 + BLOCK, 1 + 2 * BLOCK) or frame[0] >> 5 != JOIN_ACCEPT:
        return None
    plain = encrypt(app_key, frame[1:])  # the network decrypts: a device needs no decryption
    body, mic = plain[:-MIC_BYTES], plain[-MIC_BYTES:]
    if cmac(app_key, frame[:1] + body)[:MIC_BYTES] != mic:
        return None
    return JoinAccept(
        app_nonce=body[:3],
        net_id=body[3:6],
        dev_addr=int.from_bytes(body[6:10], "little"),
        rx1_offset=body[10] >> 4 & 7,
        rx2_rate=body[10] & 15,
        rx_delay=body[11] & 15,
        cf_list=body[12:],
    )


def uplink(
    session: Session,
    control: int,
    options: bytes,
    port: int | None,
    payload: bytes,
    confirmed: bool,
) -> bytes:
    """The frame with the session's counter, which stays as it is. port: None without payload."""
    if len(options) > 15:
        raise ValueError(f"{len(options)} bytes of FOpts; at most 15 fit")
    kind = CONFIRMED_UP if confirmed else DATA_UP
    frame = bytes([kind << 5]) + session.dev_addr.to_bytes(4, "little")
    frame += bytes([control | len(options)]) + (session.fcnt_up & 0xFFFF).to_bytes(2, "little")
    frame += options
    if port is not None:
        key = session.app_skey if port else session.nwk_skey
        place = (keys.UP, session.dev_addr, session.fcnt_up)
        frame += bytes([port]) + keys.ciphered(key, *place, payload)
    mic = keys.data_mic(session.nwk_skey, keys.UP, session.dev_addr, session.fcnt_up, frame)
    return frame + mic


def read_downlink(frame: bytes, session: Session) -> Downlink | None:
    """None: for another device, with a wrong MIC, or with a counter that was used before.

    As in the firmware (LoRaMac.c, OnRadioRxDone) 0 counts as not used before as long as the last
    counter is 0: the first downlink of a session can be replayed until another one comes.
    """
    if len(frame) < 12 or frame[0] >> 5 not in (DATA_DOWN, CONFIRMED_DOWN):
        return None
    addr = int.from_bytes(frame[1:5], "little")
    options_end = 8 + (frame[5] & 15)
    body, mic = frame[:-MIC_BYTES], frame[-MIC_BYTES:]
    if addr != session.dev_addr or options_end > len(body):
        return None
    gap = (int.from_bytes(frame[6:8], "little") - session.fcnt_down) & 0xFFFF
    counter = session.fcnt_down + gap
    confirmed = frame[0] >> 5 == CONFIRMED_DOWN
    again = gap == 0 and counter != 0
    if gap >= MAX_FCNT_GAP or (again and not confirmed):  # old, or out of step; or repeated
        return None
    if keys.data_mic(session.nwk_skey, keys.DOWN, addr, counter, body) != mic:
        return None
    options, port, payload = body[8:options_end], None, b""
    if options_end < len(body):
        port = body[options_end]
        key = session.app_skey if port else session.nwk_skey
        payload = keys.ciphered(key, keys.DOWN, addr, counter, body[options_end + 1 :])
        if port == 0 and options:  # commands in both places: nothing of it counts
            return None
        if port == 0:
            options, payload = payload, b""
    return Downlink(confirmed, frame[5], counter, options, port, payload, again)
