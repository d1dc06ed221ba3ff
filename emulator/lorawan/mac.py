"""The device's MAC: joins, uplinks with their receive windows, acknowledgements, data rate.

Behaviour of LoRaMac-node 4.4 as the Pycom firmware drives it: a join is tried about every 10 s
with the data rate given, for ever, held back by the duty cycle of joins (1 % in the first hour,
0.1 % in the next ten, then 0.01 %); the duty cycle of data is switched off at initialisation.
Source: Pycom firmware 1.20.2.r4, modlora.c TASK_LoRa; LoRaWAN 1.0.3, 3.3, 4.3.1.1, 6.2, 7, 18.
"""

from __future__ import annotations

import copy
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from emulator.board.board import Board
from emulator.board.constants import CODE, STANDARD, constant
from emulator.lorawan import frames
from emulator.lorawan.frames import Session
from emulator.lorawan.gateway import Signal, Uplink
from emulator.lorawan.mac_settings import MacSettings
from emulator.lorawan.radio import Radio
from emulator.lorawan.regions import Region

JOIN_EVERY_US = constant(10_000_000, "us", CODE, "1.20.2.r4 modlora.c")
JOIN_DELAY_US = constant(5_000_000, "us", STANDARD, "LoRaWAN Regional Parameters 1.0.3")
JOIN_DELAY2_US = constant(6_000_000, "us", STANDARD, "LoRaWAN Regional Parameters 1.0.3")
# behind the first
SECOND_WINDOW_US = constant(1_000_000, "us", STANDARD, "LoRaWAN Regional Parameters 1.0.3")
ADR_ACK_LIMIT, ADR_ACK_DELAY = 64, 32
HOUR_US = 3_600_000_000


@dataclass
class Message:
    """One uplink of the application, or an empty one."""

    payload: bytes
    port: int | None
    confirmed: bool
    rate: int
    trials: int = 1  # left
    tried: int = 0
    accepted: bool = False  # by the server, at any trial
    finished: bool = False
    ok: bool = False  # as the application is told
    air_us: int = 0
    frequency_hz: int = 0


@dataclass
class Otaa:
    dev_eui: bytes
    app_eui: bytes
    app_key: bytes
    rate: int
    attempts: int = 0


class Mac:
    def __init__(
        self,
        board: Board,
        radio: Radio,
        region: Region,
        enforce_duty: bool,
        source: random.Random,
    ) -> None:
        self.board = board
        self.radio = radio
        self.region = region
        self.enforce_duty = enforce_duty
        self.settings = MacSettings.fresh(region)
        self.session: Session | None = None
        self.otaa: Otaa | None = None
        self.joined = False
        self.adr = False
        self.public = True
        self.class_c = False
        self.over_duty = 0  # frames sent although their sub-band was to rest
        self.on_sent: Callable[[Message], None] = lambda message: None
        self.on_received: Callable[[bytes, int], None] = lambda payload, port: None
        self.on_signal: Callable[[Signal, int], None] = lambda signal, rate: None
        self._random = source
        self._started_us = board.clock.now_us
        self._free_us: dict[int, int] = {}  # by sub-band
        self._on_air = False
        self._queue: deque[Message] = deque()
        self._current: Message | None = None
        self._owe_ack = False
        self._silent_uplinks = 0  # without any downlink (ADR_ACK_CNT)

    # activation

    def join(self, otaa: Otaa) -> None:
        self.joined = False
        self.otaa = otaa
        self._try_join(otaa)

    def activate(self, session: Session) -> None:
        """By hand, or from what was stored."""
        self.otaa = None
        self.session = session
        self._is_joined()

    def _is_joined(self) -> None:
        self.joined = True
        self.radio.listening = self.class_c
        self.radio.rest()

    def _try_join(self, otaa: Otaa) -> None:
        if self.otaa is not otaa or self.joined:
            return
        now_us = self.board.clock.now_us
        usable = self.settings.usable(otaa.rate) or sorted(self.settings.enabled)
        free_us = min(self._free_at(index) for index in usable)
        if self._on_air or free_us > now_us:
            self.radio.after(max(free_us - now_us, 100_000), lambda: self._try_join(otaa))
            return
        self.radio.after(JOIN_EVERY_US, lambda: self._try_join(otaa))
        otaa.attempts += 1
        nonce = self._random.getrandbits(16)
        frame = frames.join_request(otaa.app_eui, otaa.dev_eui, otaa.app_key, nonce)

        def over(found: tuple[bytes, Signal] | None) -> bool:
            if found is None or self.otaa is not otaa:
                return False
            accept = frames.read_join_accept(found[0], otaa.app_key)
            if accept is None:
                self.board.trace.add("lora", "device: join accept refused (mic)")
                return False
            self._accepted(otaa, accept, nonce)
            return True

        self._transmit(frame, otaa.rate, (JOIN_DELAY_US, JOIN_DELAY2_US), over, lambda: None, True)

    def _accepted(self, otaa: Otaa, accept: frames.JoinAccept, nonce: int) -> None:
        from emulator.lorawan.keys import session_keys

        keys = session_keys(otaa.app_key, accept.app_nonce, accept.net_id, nonce)
        self.session = Session(accept.dev_addr, *keys)
        self.settings.rate = otaa.rate
        self.settings.rx1_delay_s = max(1, accept.rx_delay)
        self.settings.rx1_offset = accept.rx1_offset
        self.settings.rx2 = (self.region.rx2[0], accept.rx2_rate)
        self.settings.take_list(accept.cf_list)
        self._silent_uplinks = 0
        self.board.trace.add("lora", f"device: joined as {accept.dev_addr:08x}")
        self._is_joined()

    # uplinks

    @property
    def busy(self) -> bool:
        """On air, waiting for its windows, or about to try again."""
        return self._on_air or self._current is not None

    def room(self, rate: int) -> int:
        """Bytes that fit beside the MAC commands to be sent, at the rate that counts."""
        return self.region.size(self.settings.rate if self.adr else rate) - len(
            self.settings.answers
        )

    def send(self, message: Message) -> None:
        """Queue it; `on_sent` tells its end."""
        self._queue.append(message)
        self._next()

    def _next(self) -> None:
        if self._current is None and self._queue and not self._on_air:
            self._current = self._queue.popleft()
            if self.adr:
                self._current.rate = self.settings.rate
            self._try(self._current)

    def _try(self, message: Message) -> None:
        usable = self.settings.usable(message.rate)
        held_back = self.enforce_duty and not self._free(usable)
        if not usable or self.session is None or held_back:
            self.board.trace.add("lora", "device: send refused, no channel is free")
            self._finish(message, False)
            return
        message.trials -= 1
        message.tried += 1
        delay_us = self.settings.rx1_delay_s * 1_000_000
        windows = (delay_us, delay_us + SECOND_WINDOW_US)
        frame = self._frame(message, self.session)
        self._transmit(
            frame, message.rate, windows, self._take, lambda: self._closed(message), False
        )

    def _frame(self, message: Message, session: Session) -> bytes:
        control = frames.ADR if self.adr else 0
        if self.adr and self._silent_uplinks >= ADR_ACK_LIMIT:
            control |= frames.ADR_ACK_REQ
        if self._owe_ack:
            control |= frames.ACK
        answers = self.settings.answers
        return frames.uplink(
            session, control, answers, message.port, message.payload, message.confirmed
        )

    def _take(self, found: tuple[bytes, Signal] | None) -> bool:
        """A window is over; whether what came was for us."""
        session = self.session
        down = frames.read_downlink(found[0], session) if found and session else None
        if found is None or session is None or down is None:
            return False
        session.fcnt_down = down.counter
        self._silent_uplinks = 0
        self._owe_ack = down.confirmed
        self.settings.answers = b""
        self.settings.margin = round(found[1].snr_db)
        self.settings.command(down.options, self.adr)
        message = self._current
        if message is not None and message.confirmed and down.ack:
            message.ok = True
        if down.port and down.payload:
            self.on_received(down.payload, down.port)
        return True

    def _closed(self, message: Message) -> None:
        """Both windows of one trial are over."""
        if message.ok or not message.confirmed:
            self._finish(message, True)
        elif message.trials <= 0:
            self._finish(message, False)
        else:
            if message.tried % 2 == 0 and message.rate > 0:  # LoRaWAN 1.0.3, 18.4
                slower = message.rate - 1
                if self.settings.usable(slower) and self.region.size(slower) >= len(
                    message.payload
                ):
                    message.rate = slower
            delay_us = 1_000_000 + self._random.randrange(2_000_000)  # ACK_TIMEOUT, 2 s +- 1 s
            self.radio.after(delay_us, lambda: self._try(message))

    def _finish(self, message: Message, ok: bool) -> None:
        message.ok = ok
        message.finished = True
        self._current = None
        if message.tried and self.session is not None:
            self.session.fcnt_up += 1
            self._silent_uplinks += 1
            behind = self._silent_uplinks - ADR_ACK_LIMIT - ADR_ACK_DELAY
            if self.adr and behind >= 0 and behind % ADR_ACK_DELAY == 0:
                self._back_off()
        self._lost(message)
        self.on_sent(message)
        self._next()

    def _back_off(self) -> None:
        """Nobody has answered for long: full power, then a slower rate, then all channels."""
        if self.settings.power_index:
            self.settings.power_index = 0
        elif self.settings.rate > 0 and self.settings.usable(self.settings.rate - 1):
            self.settings.rate -= 1
        else:
            self.settings.enabled = set(self.settings.channels)

    def _lost(self, message: Message) -> None:
        if message.port and message.payload and message.tried and not message.accepted:
            self.radio.gateway.lost(message.payload)

    # the air

    def _free_at(self, channel: int) -> int:
        """When the sub-band of a channel may be used again."""
        band = self.region.band(self.settings.channels[channel].frequency_hz)
        return self._free_us.get(band, 0)

    def _free(self, channels: list[int]) -> list[int]:
        now_us = self.board.clock.now_us
        return [index for index in channels if self._free_at(index) <= now_us]

    def _join_inverse(self) -> int:
        elapsed_us = self.board.clock.now_us - self._started_us
        return 100 if elapsed_us < HOUR_US else 1000 if elapsed_us < 11 * HOUR_US else 10_000

    def _transmit(
        self,
        frame: bytes,
        number: int,
        windows: tuple[int, int],
        take: Callable[[tuple[bytes, Signal] | None], bool],
        closed: Callable[[], None],
        join: bool,
    ) -> None:
        """One frame and its two windows. `take` says whether a window had what it is for."""
        now_us = self.board.clock.now_us
        usable = self.settings.usable(number) or sorted(self.settings.enabled)
        free = self._free(usable)
        index = self._random.choice(free or usable)
        frequency_hz = self.settings.channels[index].frequency_hz
        rate = self.region.rate(number)
        assert rate is not None
        uplink = Uplink(frame, index, frequency_hz, number, rate, self.settings.power_dbm())
        message = None if join else self._current
        if not free:
            self.over_duty += 1
            self.board.trace.add("lora", f"device: {frequency_hz} Hz is over its duty cycle")

        def sent(accepted: bool) -> None:
            if message is not None:
                message.accepted = message.accepted or accepted
            self.radio.after(windows[0], first)

        def first() -> None:
            down_hz = self.settings.down_hz.get(index)
            down_hz = down_hz or self.region.rx1_frequency(index, frequency_hz)
            down = self.region.rx1_rate(number, 0 if join else self.settings.rx1_offset)
            self._window(down_hz, down, take, second, over)

        def second() -> None:
            left_us = ended_us + windows[1] - self.board.clock.now_us
            if left_us < 0:
                over()
                return
            rx2 = self.region.rx2 if join else self.settings.rx2
            self.radio.after(left_us, lambda: self._window(*rx2, take, over, over))

        def over() -> None:
            self._on_air = False
            closed()
            self._next()

        self._on_air = True
        air_us = self.radio.send(uplink, sent)
        ended_us = now_us + air_us
        inverse = self.region.inverse_duty(frequency_hz)
        if join:
            inverse = max(inverse, self._join_inverse())
        self._free_us[self.region.band(frequency_hz)] = ended_us + air_us * (inverse - 1)
        if message is not None:
            message.air_us, message.frequency_hz = air_us, frequency_hz

    def _window(
        self,
        frequency_hz: int,
        number: int,
        take: Callable[[tuple[bytes, Signal] | None], bool],
        in_vain: Callable[[], None],
        over: Callable[[], None],
    ) -> None:
        rate = self.region.rate(number)
        if rate is None:
            in_vain()
            return

        def heard(found: tuple[bytes, Signal] | None) -> None:
            if found is not None:
                self.on_signal(found[1], number)
            (over if take(found) else in_vain)()

        self.radio.listen(frequency_hz, rate, heard)

    def stop(self) -> None:
        """RAM is lost, or everything begins anew."""
        self.radio.stop()
        if self._current is not None:
            self._lost(self._current)
        self._current = None
        self._queue.clear()
        self._on_air = False
        self.joined = False
        self.otaa = None

    # what nvram_save keeps

    def snapshot(self) -> tuple[Session, MacSettings, int, bool] | None:
        if self.session is None:
            return None
        kept = (self.session, self.settings, self._silent_uplinks, self._owe_ack)
        return copy.deepcopy(kept)

    def restore(self, kept: tuple[Session, MacSettings, int, bool]) -> None:
        session, self.settings, self._silent_uplinks, self._owe_ack = copy.deepcopy(kept)
        self.activate(session)
