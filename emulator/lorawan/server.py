"""The network server: who may join, what it accepts, what it answers.

Every frame that the gateway hears ends in `log`, accepted or refused with the reason: "mic",
"counter", "repeated", "unknown device", "dev_nonce", "malformed", "refused" (by the scenario).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from emulator.board.board import Board
from emulator.lorawan import commands
from emulator.lorawan import server_frames as frames
from emulator.lorawan.adr import Adr
from emulator.lorawan.options import DeviceOptions, LoraOptions
from emulator.lorawan.regions import LEAST_SNR_DB, Region

NET_ID = bytes.fromhex("130000")  # 0x000013, little end first
MOST_GAP = 16384
ADR, ADR_ACK_REQ, ACK, PENDING = 0x80, 0x40, 0x20, 0x10
# Further channels told at the join, as public networks do
CF_LISTS = {
    "EU868": (867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000),
    "AS923": (922_200_000, 922_400_000, 922_600_000, 922_800_000, 923_000_000),
}


@dataclass
class Heard:
    """One frame in the server's log."""

    at_us: int
    kind: str  # "join", "data", "?"
    accepted: bool
    reason: str  # "" if accepted
    counter: int = -1
    port: int | None = None
    payload: bytes = b""


@dataclass
class Answer:
    frame: bytes
    delay_s: int  # of the first window


@dataclass
class Device:
    dev_eui: bytes | None  # None: any
    app_eui: bytes | None
    app_key: bytes | None
    nonces: set[int] = field(default_factory=set)
    addr: int = -1
    keys: tuple[bytes, bytes] = (b"", b"")
    fcnt_up: int = -1
    fcnt_down: int = 0
    delay_s: int = 1
    queue: deque[tuple[int, bytes, bool]] = field(default_factory=deque)
    unacked: tuple[int, bytes] | None = None  # a confirmed downlink, sent again until acked
    adr: Adr = field(default_factory=Adr)


class NetworkServer:
    def __init__(
        self,
        board: Board,
        options: LoraOptions,
        region: Region,
        forward: Callable[[bytes], object] = lambda payload: None,
    ) -> None:
        self.board = board
        self.options = options
        self.region = region
        self.log: list[Heard] = []
        self.forward = forward
        self._random = board.rng("lora.server")
        self._joins_to_refuse = options.joins_refused
        self.devices = [self._device(each) for each in options.devices]
        for downlink in options.downlinks:
            self.push(bytes.fromhex(downlink.payload), downlink.port, downlink.confirmed)

    def push(self, payload: bytes, port: int = 1, confirmed: bool = False) -> None:
        """Have every device get this, behind its next uplink."""
        for device in self.devices:
            device.queue.append((port, payload, confirmed))

    @property
    def accepted(self) -> list[Heard]:
        """Data frames with a payload."""
        return [each for each in self.log if each.accepted and each.port]

    @property
    def refused(self) -> list[Heard]:
        return [each for each in self.log if not each.accepted]

    def hear(self, frame: bytes, snr_db: float, rate: int) -> tuple[bool, Answer | None]:
        """Whether the frame was accepted, and what to answer."""
        kind = frame[0] >> 5 if frame else 7
        if kind == 0:
            return self._join(frame)
        if kind in (2, 4):
            return self._data(frame, snr_db, rate)
        return self._refuse("?", "malformed"), None

    # joins

    def _join(self, frame: bytes) -> tuple[bool, Answer | None]:
        request = frames.read_join_request(frame)
        if request is None:
            return self._refuse("join", "malformed"), None
        device = next((each for each in self.devices if _is_for(each, request)), None)
        if device is None or device.app_key is None:
            return self._refuse("join", "unknown device"), None
        if frames.mic(device.app_key, request.signed) != request.mic:
            return self._refuse("join", "mic"), None
        if request.dev_nonce in device.nonces:
            return self._refuse("join", "dev_nonce"), None
        device.nonces.add(request.dev_nonce)
        if self._joins_to_refuse > 0:
            self._joins_to_refuse -= 1
            return self._refuse("join", "refused"), None
        answer = self._accept(device, device.app_key, request.dev_nonce)
        self._note(Heard(self.board.clock.now_us, "join", True, ""))
        return True, answer

    def _accept(self, device: Device, app_key: bytes, dev_nonce: int) -> Answer:
        nonce = self._random.randbytes(3)
        device.addr = 0x26000000 | self._random.getrandbits(24)
        first, second = frames.session_keys(app_key, nonce, NET_ID, dev_nonce)
        device.keys = (first, second)
        device.fcnt_up, device.fcnt_down = -1, 0
        device.unacked = None
        device.adr = Adr()
        device.delay_s = self.options.rx1_delay_s
        settings = bytes([self.region.rx2[1], device.delay_s])
        channels = CF_LISTS.get(self.region.name, ())
        cf_list = b"".join((hz // 100).to_bytes(3, "little") for hz in channels)
        cf_list = cf_list + b"\0" if cf_list else b""
        accept = (app_key, nonce, NET_ID, device.addr, settings, cf_list)
        return Answer(frames.join_accept(*accept), 5)

    # data

    def _data(self, frame: bytes, snr_db: float, rate: int) -> tuple[bool, Answer | None]:
        data = frames.read_data(frame)
        if data is None:
            return self._refuse("data", "malformed"), None
        device = next((each for each in self.devices if each.addr == data.dev_addr), None)
        if device is None:
            return self._refuse("data", "unknown device"), None
        again = data.short_counter == device.fcnt_up & 0xFFFF and device.fcnt_up >= 0
        counter = device.fcnt_up if again else _whole(device.fcnt_up, data.short_counter)
        if counter - device.fcnt_up > MOST_GAP:
            return self._refuse("data", "counter", data.short_counter), None
        signature = frames.data_mic(device.keys[0], False, data.dev_addr, counter, data.signed)
        if signature != data.mic:
            return self._refuse("data", "mic", data.short_counter), None
        if again:  # a confirmed uplink whose acknowledgement was lost; anything else is a replay
            if not data.confirmed:
                reason = "counter" if self.options.nb_trans == 1 else "repeated"
                return self._refuse("data", reason, counter), None
            self._refuse("data", "counter", counter)
            return True, self._answer(device, data, b"")
        device.fcnt_up = counter
        options, payload = data.options, b""
        if data.port is not None:
            key = device.keys[1] if data.port else device.keys[0]
            payload = frames.crypt(key, False, data.dev_addr, counter, data.encrypted)
            if data.port == 0:
                options, payload = payload, b""
        heard = Heard(self.board.clock.now_us, "data", True, "", counter, data.port, payload)
        self._note(heard)
        if data.port:
            self.forward(payload)
        replies = self._commands(device, data, options, snr_db, rate)
        return True, self._answer(device, data, replies)

    def _commands(
        self, device: Device, data: frames.DataUp, options: bytes, snr_db: float, rate: int
    ) -> bytes:
        """What to answer to MAC commands, and which to give."""
        replies = b""
        for command, body in commands.parse(options, commands.FROM_DEVICE):
            self.board.trace.add("lora", f"server: MAC command {command:#04x} {body.hex()}")
            if command == commands.LINK_CHECK:
                margin = max(0, round(snr_db - self.region_snr(rate)))
                replies += bytes([commands.LINK_CHECK, min(254, margin), 1])
            elif command == commands.LINK_ADR:
                device.adr.answered(body[0] == 7)
        if self.options.adr and data.control & ADR:
            wanted = device.adr.heard(self.region, rate, snr_db)
            if wanted is not None:
                replies += _link_adr(self.region, *wanted, self.options.nb_trans)
        return replies

    def region_snr(self, rate: int) -> float:
        found = self.region.rate(rate)
        return LEAST_SNR_DB[found[0]] if found else 0.0

    def _answer(self, device: Device, data: frames.DataUp, replies: bytes) -> Answer | None:
        """A downlink if there is something to say."""
        if data.control & ACK:
            device.unacked = None
        port: int | None = None
        payload, confirmed = b"", False
        if device.unacked is not None:
            (port, payload), confirmed = device.unacked, True
        elif device.queue:
            port, payload, confirmed = device.queue.popleft()
            device.unacked = (port, payload) if confirmed else None
        asked = data.control & ADR_ACK_REQ
        if not (port or replies or data.confirmed or asked):
            return None
        control = (ADR if self.options.adr else 0) | (ACK if data.confirmed else 0)
        control |= PENDING if device.queue else 0
        place = (device.keys, device.addr, device.fcnt_down)
        device.fcnt_down += 1
        frame = frames.data_down(*place, control, replies[:15], port, payload, confirmed)
        return Answer(frame, device.delay_s)

    # the log

    def _refuse(self, kind: str, reason: str, counter: int = -1) -> bool:
        self._note(Heard(self.board.clock.now_us, kind, False, reason, counter))
        return False

    def _note(self, heard: Heard) -> None:
        self.log.append(heard)
        what = "accepted" if heard.accepted else f"refused ({heard.reason})"
        counter = f" {heard.counter}" if heard.counter >= 0 else ""
        text = f"server: {heard.kind}{counter} {what} {heard.payload.hex()}"
        self.board.trace.add("lora", text.rstrip())

    def _device(self, known: DeviceOptions) -> Device:
        def raw(digits: str) -> bytes | None:
            return bytes.fromhex(digits) or None

        device = Device(raw(known.dev_eui), raw(known.app_eui), raw(known.app_key))
        addr, network, application = raw(known.dev_addr), raw(known.nwk_skey), raw(known.app_skey)
        if addr and network and application:
            device.addr, device.keys = int.from_bytes(addr, "big"), (network, application)
        return device


def _is_for(device: Device, request: frames.JoinRequest) -> bool:
    eui = device.dev_eui in (None, request.dev_eui)
    return eui and device.app_eui in (None, request.app_eui)


def _whole(last: int, short: int) -> int:
    """The counter behind its 16 bits on air: the next one with these after `last`."""
    return last + 1 + ((short - last - 1) & 0xFFFF)


def _link_adr(region: Region, rate: int, power: int, repeats: int) -> bytes:
    control, mask = (6, 0xFF) if region.fixed else (6, 0)
    return commands.link_adr(rate, power, mask, control, repeats)
