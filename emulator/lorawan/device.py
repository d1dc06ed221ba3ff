"""Service "lora": the LoRa of a FiPy as `emulator/firmware/_lora.py` shows it.

    board.plug("lora", Lora(board, options, routes))

Source: Pycom firmware 1.20.2.r4, esp32/mods/modlora.c.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Any

from emulator.board.board import Board, Service
from emulator.board.constants import CODE, ESTIMATE, constant
from emulator.driver.task import never_returns
from emulator.lorawan.airtime import time_on_air_us
from emulator.lorawan.config import Config
from emulator.lorawan.frames import Session
from emulator.lorawan.gateway import Gateway, Signal, Uplink
from emulator.lorawan.mac import Mac, Message, Otaa
from emulator.lorawan.options import LoraOptions
from emulator.lorawan.radio import Radio
from emulator.lorawan.regions import BY_NAME, REGIONS, Channel, Region
from emulator.network.routes import Routes

FAILED = "the requested operation failed"
NOTPOSS = "the requested operation is not possible"
BADVAL = "invalid argument(s) value"
LORA, LORAWAN = 0, 1
OTAA, ABP = 0, 1
CLASS_C = 2
ALWAYS_ON, SLEEP = 0, 2
RX_EVENT, TX_EVENT, TX_FAILED_EVENT = 1, 2, 4
EAGAIN, EOPNOTSUPP, ENETDOWN, EMSGSIZE = 11, 95, 115, 122
PAYLOAD_MAX = 255
# to the task, which looks every 2 ms, and back
COMMAND_US = constant(
    4_000, "us", CODE, "1.20.2.r4 modlora.c: to the task, which looks every 2 ms, and back"
)
# the radio's registers besides
INIT_US = constant(12_000, "us", ESTIMATE, "no source found")
NVRAM_US = constant(30_000, "us", ESTIMATE, "no source found")
HANGING = ("1.20.2.r4",)  # firmwares on which initialising hangs behind a join in vain
RX_QUEUE = 7
FOREVER_US = 86_400_000_000  # of a wait in the firmware


class Lora(Service):
    looks = frozenset({"started", "get", "has_joined", "sent", "recv", "events", "stats"})

    def __init__(self, board: Board, options: LoraOptions, routes: Routes) -> None:
        super().__init__(board)
        self.options = options
        self.gateway = Gateway(board, options, routes)
        self.server = self.gateway.server
        digest = hashlib.sha256(f"lora/{board.seed}".encode()).digest()
        self.eui = bytes.fromhex("70b3d549") + digest[:4]
        self._nvram: dict[str, Any] = {}
        self._begin()

    def _begin(self) -> None:
        self.radio = Radio(self.board, self.gateway)
        self.config: Config | None = None
        self.region: Region | None = None  # of the last init, also of one that failed
        self.mac: Mac | None = None
        self._events = self._trigger = 0
        self._received: deque[tuple[bytes, int]] = deque()
        self._messages: dict[int, Message] = {}
        self._number = 0
        self._stats = [0, 0, 0.0, 0, 0, 0, 0, 0, 0, 0]
        self._raw_until_us = 0
        # one source for all initialisations of a start: a DevNonce must not come again
        self._random = self.board.rng(f"lora.mac/{self.board.cycle}")

    def on_reset(self, cause: int) -> None:
        self._stop()
        self._begin()

    def on_sleep(self, duration_ms: int | None) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.mac is not None:
            self.mac.stop()
        self.radio.stop()

    # initialisation

    def do_started(self) -> bool:
        return self.config is not None

    def do_init(self, values: list[Any]) -> None:
        """values: as in Config, region last."""
        number = values[-1]
        Config.check_mode(values[0])
        if number is None and self.options.stored_region != "none":
            number = BY_NAME[self.options.stored_region].number
        if number is None:
            text = "no region specified and no default found in config block"
            raise ValueError(text)
        if number not in REGIONS:
            raise ValueError(f"invalid region {number}")
        self.region = REGIONS[number]
        self._apply(Config.checked(values, self.region))

    def do_get(self, name: str) -> Any:
        return getattr(self.config, name) if self.config else 0

    def do_set(self, name: str, value: int) -> None:
        """A setter initialises everything anew, too."""
        if self.config is not None and self.region is not None:
            self._apply(self.config.with_value(name, value, self.region))

    def do_power_mode(self, mode: int) -> None:
        if not ALWAYS_ON <= mode <= SLEEP:
            raise ValueError(f"invalid power mode {mode}")
        self._command()
        if self.config is not None:
            self.config.power_mode = mode
            self.radio.listening = mode == ALWAYS_ON and self.config.mode == LORA
            self.radio.rest()

    def do_reset(self) -> None:
        if self.config is not None:
            self._apply(self.config)

    def _apply(self, config: Config) -> None:
        self._refuse_to_return()
        self._command()
        self._stop()
        self.config = config
        region = self.region
        assert region is not None
        self.board.spend_us(INIT_US)
        self.mac = None
        if config.mode == LORA:
            self.radio.listening = config.power_mode == ALWAYS_ON
            self.radio.rest()
            return
        mac = Mac(self.board, self.radio, region, self.options.duty_cycle, self._random)
        mac.adr, mac.public = config.adr, config.public
        mac.class_c = config.device_class == CLASS_C
        mac.settings.battery = 255
        mac.on_sent, mac.on_received = self._sent, self._arrived
        mac.on_signal = self._signal
        self.mac = mac
        self.board.trace.add("lora", f"device: LoRaWAN {region.name}")

    def _command(self) -> None:
        """Hand the firmware's task a command. The caller waits, with everything held, until it is
        taken: not while a message is being sent or a join request is waited for."""
        mac, board = self.mac, self.board
        if mac is not None and mac.deaf:
            end_us = board.clock.now_us + FOREVER_US
            board.clock.run_until(end_us, lambda: board.halt is not None or not mac.deaf)
            board.raise_halt()
        board.spend_us(COMMAND_US)

    def _refuse_to_return(self) -> None:
        mac = self.mac
        if self.board.firmware in HANGING and mac and mac.otaa and not mac.joined:
            text = (
                "LoRa: initialised anew behind an OTAA join that has not succeeded, this firmware "
                "waits for ever (fixed in 1.20.2.r5); reset the board instead"
            )
            raise never_returns(self.board, text)

    # joining

    def do_check_join(self) -> None:
        if self.mac is None:
            raise OSError(NOTPOSS)

    def do_join_otaa(
        self, dev_eui: bytes | None, app_eui: bytes, app_key: bytes, rate: int | None
    ) -> None:
        mac, region = self.mac, self.region
        if mac is None or region is None:
            raise OSError(NOTPOSS)
        if rate is not None and rate not in region.join_rates:
            raise ValueError(f"invalid join data rate {rate}")
        self._command()
        eui = self.eui if dev_eui is None else _fixed(dev_eui, 8)
        wanted = region.join_rate if rate is None or region.rate(rate) is None else rate
        mac.join(Otaa(eui, _fixed(app_eui, 8), _fixed(app_key, 16), wanted))

    def do_join_abp(self, dev_addr: int, nwk_skey: bytes, app_skey: bytes) -> None:
        if self.mac is None:
            raise OSError(NOTPOSS)
        self._command()
        keys = (_fixed(nwk_skey, 16), _fixed(app_skey, 16))
        self.mac.activate(Session(dev_addr & 0xFFFFFFFF, *keys))

    def do_has_joined(self) -> bool:
        return self.mac is not None and self.mac.joined

    # NVRAM

    def do_nvram_save(self) -> None:
        if self.region is None:
            raise OSError(FAILED)
        if self._nvram.get("region") != self.region.number:
            self._nvram.clear()
        joined = self.do_has_joined()
        kept = self.mac.snapshot() if self.mac else None
        if kept is not None:
            self._nvram["session"] = kept
        self.board.spend_us(NVRAM_US)  # a power cut leaves the mark as it was
        self._nvram.update(region=self.region.number, joined=joined)
        self.board.trace.add("nvs", f"lora saved, joined = {joined}")

    def do_nvram_restore(self) -> None:
        if not self._nvram.get("joined") or self.region is None or self.config is None:
            if self.mac is not None:
                self.mac.joined = False
            return
        if self._nvram.get("region") != self.region.number:
            self._nvram.clear()
            if self.mac is not None:
                self.mac.joined = False
            return
        self._apply(self.config)
        if self.mac is not None and "session" in self._nvram:
            self.mac.restore(self._nvram["session"])
            self._nvram["joined"] = False  # until the next save
            self.board.trace.add("nvs", "lora restored")
            self.board.spend_us(NVRAM_US)

    def do_nvram_erase(self) -> None:
        self._nvram.clear()
        self.board.trace.add("nvs", "lora erased")
        self.board.spend_us(NVRAM_US)

    # sockets

    def do_open(self) -> int:
        """The data rate of a new socket."""
        if self.config is None or self.region is None:
            raise OSError("Network card not available")
        return self.region.socket_rate

    def do_rate_fits(self, rate: int) -> bool:
        most = 4 if self.region is not None and self.region.name == "US915" else 6
        return 0 <= rate <= most

    def do_send(
        self, data: bytes, rate: int, confirmed: bool, port: int, blocks: bool = False
    ) -> int:
        """Hand it to the MAC; a number for `sent`. Errors that the caller is told at once.

        The data rate that the length is checked at is the socket's. The MAC has its own, with ADR
        on, and sends an empty frame, which flushes MAC commands, for what is too long for that.
        """
        config, mac = self.config, self.mac
        if config is None or config.power_mode == SLEEP:
            raise OSError(ENETDOWN)
        if len(data) > PAYLOAD_MAX:
            raise OSError(EMSGSIZE)
        self.board.spend_us(COMMAND_US)
        if mac is None:
            return self._send_raw(data, config)
        if not mac.joined:
            raise OSError(ENETDOWN)
        fits = len(data) <= mac.room(rate)
        trials = config.tx_retries + 1 if confirmed else 1
        message = Message(data, port, confirmed, rate, trials)
        if not fits:
            message = Message(b"", None, False, rate)
        self._number += 1
        self._messages[self._number] = message
        mac.send(message)
        too_long = self.region is not None and len(data) > self.region.size(rate)
        if too_long or (blocks and not fits):
            raise OSError(EMSGSIZE)
        return self._number

    def do_sent(self, number: int) -> int:
        """-1: not done yet; 0: in vain; 1: done."""
        if number == 0:
            return -1 if self.board.clock.now_us < self._raw_until_us else 1
        message = self._messages.get(number)
        if message is None:
            return 0
        if not message.finished:
            return -1
        del self._messages[number]
        return int(message.ok)

    def do_wait(self, number: int, most_us: int) -> None:
        """Let time pass until the message is done, something else is due, or the time is over."""
        board = self.board
        message = self._messages.get(number)

        def stop() -> bool:
            done = message is not None and message.finished
            return done or bool(board.irqs) or board.halt is not None

        board.clock.run_until(board.clock.now_us + most_us, stop)
        if board.halt is not None:
            raise board.halt

    def do_recv(self, count: int) -> list[Any] | None:
        """[data, port]; what does not fit stays for the next call."""
        if not self._received:
            return None
        data, port = self._received.popleft()
        self.board.polling.restart()
        if len(data) > count:
            self._received.appendleft((data[count:], port))
        return [data[:count], port]

    def _send_raw(self, data: bytes, config: Config) -> int:
        """Raw LoRa: nobody here listens."""
        rate = (config.sf, config.bandwidth_hz)
        uplink = Uplink(data, -1, config.frequency, -1, rate, config.tx_power)
        air_us = time_on_air_us(
            len(data), *rate, coding_rate=config.coding_rate, preamble_symbols=config.preamble
        )
        now_us = self.board.clock.now_us
        start_us = max(now_us, self._raw_until_us)
        self._raw_until_us = start_us + air_us
        self.radio.after(start_us - now_us, lambda: self.radio.send_raw(uplink, air_us))
        self._stats[4] = config.sf
        self._stats[7] = air_us // 1000
        self._stats[8] = int(self._stats[8]) + 1
        self._stats[9] = config.frequency
        return 0

    # what the MAC tells

    def _sent(self, message: Message) -> None:
        if message.ok:
            self._stats[4] = message.rate
            self._stats[5] = message.tried
            self._stats[6] = self.mac.settings.power_index if self.mac else 0
            self._stats[7] = message.air_us // 1000
            session = self.mac.session if self.mac else None
            self._stats[8] = session.fcnt_up - 1 if session else 0
            self._stats[9] = message.frequency_hz
        if not message.refused:
            self._event(TX_EVENT if message.ok else TX_FAILED_EVENT)

    def _arrived(self, payload: bytes, port: int) -> None:
        if port >= 224:
            return
        if len(self._received) < RX_QUEUE:
            self._received.append((payload, port))
        self._event(RX_EVENT)

    def _signal(self, signal: Signal, rate: int) -> None:
        self._stats[0] = self.board.clock.now_us & 0xFFFFFFFF
        self._stats[1] = round(signal.rssi_dbm)
        self._stats[2] = float(int(signal.snr_db))
        self._stats[3] = rate

    def _event(self, event: int) -> None:
        self._events |= event
        if self._trigger & event:
            self.board.interrupt("lora", 0, event)

    # the rest

    def do_callback(self, trigger: int) -> None:
        self._trigger = trigger

    def do_events(self) -> int:
        events, self._events = self._events, 0
        return events

    def do_stats(self) -> list[Any]:
        return list(self._stats)

    def do_mac(self) -> bytes:
        return self.eui

    def do_add_channel(self, index: int, frequency: int, dr_min: int, dr_max: int) -> None:
        self._check_channel(index)
        fits = self.do_rate_fits(dr_min) and self.do_rate_fits(dr_max)
        if dr_min > dr_max or not fits:
            raise ValueError(BADVAL)
        self._command()
        if self.mac is not None:
            self.mac.settings.set_channel(index, Channel(frequency, dr_min, dr_max))

    def do_remove_channel(self, index: int) -> None:
        self._check_channel(index)
        self._command()
        region = self.region
        if self.mac is not None and region is not None:
            if region.fixed or index not in region.defaults():
                self.mac.settings.set_channel(index, None)

    def _check_channel(self, index: int) -> None:
        if self.region is not None and not 0 <= index < self.region.channels:
            raise ValueError(f"channel {index} out of range")

    def do_airtime(self, length: int) -> int:
        """In ms, with the settings of raw LoRa."""
        config = self.config
        if config is None:
            return 0
        air_us = time_on_air_us(
            length,
            config.sf,
            config.bandwidth_hz,
            coding_rate=config.coding_rate,
            preamble_symbols=config.preamble,
        )
        return (air_us + 500) // 1000

    def do_channel_free(self, rssi_dbm: int, time_ms: int) -> bool:
        self.board.spend_us(max(0, time_ms) * 1000)
        return True

    def do_battery(self, level: int) -> None:
        if self.mac is not None:
            self.mac.settings.battery = level & 0xFF


def _fixed(key: bytes, length: int) -> bytes:
    """The firmware copies so many bytes, whatever it was given: behind a short key lies
    whatever is in memory."""
    garbage = hashlib.sha256(b"memory" + key).digest()
    return (key + garbage)[:length]
