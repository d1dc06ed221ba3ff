"""The device's MAC: joins, uplinks with their receive windows, acknowledgements, data rate.

Behaviour of LoRaMac-node 4.4 as the Pycom firmware drives it: a join is tried every 10 s with the
data rate given, for ever. The duty cycle of joins (1 % in the first hour, 0.1 % in the next ten,
then 0.01 %) holds a request back; one that waited leaves at the usual rate of the region. The
firmware's task waits for the end of a request before it begins the next one, and takes no command
meanwhile. The duty cycle of data is switched off at initialisation.
Source: Pycom firmware 1.20.2.r4, modlora.c TASK_LoRa, LoRaMac.c; LoRaWAN 1.0.3, 3.3, 4.3.1.1,
6.2, 7, 18.
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
    refused: bool = False  # by the MAC, before it was sent: no event tells it
    air_us: int = 0
    frequency_hz: int = 0

    @property
    def empty(self) -> bool:
        return self.port is None


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
        self.blocked = False  # the task waits for a request to end, to begin the next one
        self._blocked_for: Otaa | None = None
        self._asking = False  # a request is on air, in its windows, or held back
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
        self._join_free_us = 0
        self._on_air = False
        self._queue: deque[Message] = deque()
        self._current: Message | None = None
        self._owe_ack = False
        self._got = False  # something, in the windows of the present trial
        self._asks_ack = False  # ADRACKReq of the present message
        self._silent_uplinks = 0  # without any downlink (ADR_ACK_CNT)

    # activation

    def join(self, otaa: Otaa) -> None:
        self.joined = False
        self.otaa = otaa
        self._ask(otaa)

    @property
    def deaf(self) -> bool:
        """Whether the firmware's task takes no command now."""
        message = self._current
        return self.blocked or (message is not None and not message.empty)

    def activate(self, session: Session) -> None:
        """By hand, or from what was stored."""
        self.otaa = None
        self.session = session
        self._is_joined()

    def _is_joined(self) -> None:
        self.joined = True
        self.radio.listening = self.class_c
        self.radio.rest()

    def _ask(self, otaa: Otaa) -> None:
        """The task's state JOIN."""
        if self.otaa is not otaa or self.joined:
            return
        if self._asking:
            self.blocked, self._blocked_for = True, otaa
            return
        self._asking = True
        self.radio.after(JOIN_EVERY_US, lambda: self._ask(otaa))
        now_us = self.board.clock.now_us
        usable = self.settings.usable(otaa.rate) or sorted(self.settings.channels)
        free_us = self._join_free_us
        if self.enforce_duty:
            free_us = max(free_us, min(self._free_at(index) for index in usable))
        if free_us <= now_us:
            self._request(otaa, otaa.rate)
        else:
            rate = self.region.join_rate
            self.radio.after(free_us - now_us, lambda: self._request(otaa, rate))

    def _request(self, otaa: Otaa, rate: int) -> None:
        if self.otaa is not otaa:  # activated by hand meanwhile: this ends it
            self.session = None
        otaa.attempts += 1
        nonce = self._random.getrandbits(16)
        frame = frames.join_request(otaa.app_eui, otaa.dev_eui, otaa.app_key, nonce)

        def take(found: tuple[bytes, Signal, int] | None) -> None:
            if found is None or self.otaa is not otaa:
                return
            accept = frames.read_join_accept(found[0], otaa.app_key)
            if accept is None:
                self.board.trace.add("lora", "device: join accept refused (mic)")
            else:
                self._accepted(otaa, accept, nonce, rate)

        windows = JOIN_DELAY_US, JOIN_DELAY2_US
        self._transmit(frame, rate, windows, take, self._asked, True)

    def _asked(self) -> None:
        """A request is over."""
        waiting, self._blocked_for = self._blocked_for, None
        self._asking = self.blocked = False
        if waiting is not None:
            self._ask(waiting)

    def _accepted(self, otaa: Otaa, accept: frames.JoinAccept, nonce: int, rate: int) -> None:
        from emulator.lorawan.keys import session_keys

        keys = session_keys(otaa.app_key, accept.app_nonce, accept.net_id, nonce)
        self.session = Session(accept.dev_addr, *keys)
        self.settings.rate = rate
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
        rate = self._adr_next()[0] if self.adr else max(rate, self.region.least_rate)
        return self.region.size(rate) - len(self.settings.answers)

    def send(self, message: Message) -> None:
        """Queue it; `on_sent` tells its end."""
        self._queue.append(message)
        self._next()

    def _next(self) -> None:
        if self._current is None and self._queue and not self._on_air:
            message = self._current = self._queue.popleft()
            message.rate = max(message.rate, self.region.least_rate)
            self._asks_ack = False
            if self.adr:
                settings = self.settings
                message.rate, self._asks_ack, silent = self._adr_next()
                if self._silent_uplinks >= ADR_ACK_LIMIT and silent:
                    settings.power_index = 0
                if message.rate < settings.rate and message.rate == self.region.least_rate:
                    settings.enable_defaults()
                self._silent_uplinks = silent
            self.settings.rate = message.rate
            self._try(message)

    def _adr_next(self) -> tuple[int, bool, int]:
        """Data rate of the next uplink, whether it asks for an answer, and the count of those that
        had none: full power from 64 on, a slower rate at 97, 129 and so on, nothing at the least.
        """
        rate, least, silent = self.settings.rate, self.region.least_rate, self._silent_uplinks
        if rate <= least:
            return least, False, 0
        behind = silent - ADR_ACK_LIMIT - ADR_ACK_DELAY
        if behind > 0 and behind % ADR_ACK_DELAY == 1:
            rate -= 1
        return rate, silent >= ADR_ACK_LIMIT and rate > least, silent

    def _try(self, message: Message) -> None:
        usable = self.settings.usable(message.rate)
        if not usable:  # no channel has this rate
            self.settings.enable_defaults()
            self.settings.rate = message.rate = self.region.default_rate
            usable = self.settings.usable(message.rate)
        held_back = self.enforce_duty and not self._free(usable)
        length = len(message.payload) + len(self.settings.answers) * (not message.empty)
        too_long = length > self.region.size(message.rate)
        if self.session is None or self._asking or held_back or too_long:
            why = "too long" if too_long else "no channel is free" if held_back else "no session"
            self.board.trace.add("lora", f"device: send refused, {why}")
            message.refused = not message.tried and not held_back
            self._finish(message, False)
            return
        message.trials -= 1
        message.tried += 1
        self._got = False
        delay_us = self.settings.rx1_delay_s * 1_000_000
        windows = (delay_us, delay_us + SECOND_WINDOW_US)
        frame = self._frame(message, self.session)
        self._transmit(
            frame, message.rate, windows, self._take, lambda: self._closed(message), False
        )

    def _frame(self, message: Message, session: Session) -> bytes:
        control = frames.ADR if self.adr else 0
        if self._asks_ack:
            control |= frames.ADR_ACK_REQ
        if self._owe_ack:
            control |= frames.ACK
        answers = self.settings.answers
        if message.empty and answers:  # alone they travel as a payload
            return frames.uplink(session, control, b"", 0, answers, False)
        return frames.uplink(
            session, control, answers, message.port, message.payload, message.confirmed
        )

    def _take(self, found: tuple[bytes, Signal, int] | None) -> None:
        """A window is over. What was heard ends the wait, whatever it is."""
        self._got = self._got or found is not None
        session = self.session
        down = frames.read_downlink(found[0], session) if found and session else None
        if found is None or session is None or down is None:
            return
        session.fcnt_down = down.counter
        self._silent_uplinks = 0
        self._owe_ack = down.confirmed
        message = self._current
        confirmed = message is not None and message.confirmed
        if down.ack or not confirmed:
            self.settings.answers = b""
        self.settings.margin = round(found[1].snr_db)
        self.settings.command(down.options, self.adr)
        if message is not None and confirmed and down.ack:
            message.ok = True
        if down.again:  # a confirmed one, sent anew: acknowledged and not shown
            return
        self.on_signal(found[1], found[2])
        if down.port and down.payload:
            self.on_received(down.payload, down.port)

    def _closed(self, message: Message) -> None:
        """The windows of one trial are over."""
        if message.ok:
            self._finish(message, True)
        elif not message.confirmed:
            if self._got or message.tried >= self.settings.repeats:
                self._finish(message, True)
            else:
                self._try(message)
        elif message.trials <= 0:
            self.settings.enable_defaults()
            self._finish(message, False)
        else:
            if message.tried % 2 == 0:  # LoRaWAN 1.0.3, 18.4; whether it fits is found in _try
                message.rate = max(self.region.least_rate, message.rate - 1)
                self.settings.rate = message.rate
            delay_us = 1_000_000 + self._random.randrange(2_000_000)  # ACK_TIMEOUT, 2 s +- 1 s
            self.radio.after(delay_us, lambda: self._try(message))

    def _finish(self, message: Message, ok: bool) -> None:
        message.ok = ok
        message.finished = True
        self._current = None
        if message.tried and self.session is not None:
            self.session.fcnt_up = self.session.fcnt_up + 1 & 0xFFFFFFFF
            if not self._got:
                self._silent_uplinks += not message.confirmed
                self.settings.forget_answers()
        self._lost(message)
        self.on_sent(message)
        self._next()

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
        take: Callable[[tuple[bytes, Signal, int] | None], None],
        closed: Callable[[], None],
        join: bool,
    ) -> None:
        """One frame and its windows: nothing that was heard in the first leaves the second."""
        now_us = self.board.clock.now_us
        usable = self.settings.usable(number) or sorted(self.settings.channels)
        usable = self.settings.in_turn(usable)
        if not usable:
            self.board.trace.add("lora", "device: the task searches for a channel for ever")
            self.blocked = True
            return
        free = self._free(usable)
        index = self._random.choice(free or usable)
        self.settings.unused.discard(index)
        frequency_hz = self.settings.channels[index].frequency_hz
        rate = self.region.rate(number)
        assert rate is not None
        power_dbm = self.settings.power_dbm(number)
        uplink = Uplink(frame, index, frequency_hz, number, rate, power_dbm)
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
        self._free_us[self.region.band(frequency_hz)] = ended_us + air_us * (inverse - 1)
        inverse = max(inverse, self._join_inverse()) if join else 1
        self._join_free_us = ended_us + air_us * (inverse - 1)
        if message is not None:
            message.air_us, message.frequency_hz = air_us, frequency_hz

    def _window(
        self,
        frequency_hz: int,
        number: int,
        take: Callable[[tuple[bytes, Signal, int] | None], None],
        in_vain: Callable[[], None],
        over: Callable[[], None],
    ) -> None:
        rate = self.region.rate(number)
        if rate is None:
            in_vain()
            return

        def heard(found: tuple[bytes, Signal] | None) -> None:
            take(None if found is None else (*found, number))
            (over if found is not None else in_vain)()

        self.radio.listen(frequency_hz, rate, heard)

    def stop(self) -> None:
        """RAM is lost, or everything begins anew."""
        self.radio.stop()
        if self._current is not None:
            self._lost(self._current)
        self._current = None
        self._queue.clear()
        self._on_air = self._asking = self.blocked = False
        self._blocked_for = None
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
