"""What the network has told the device: channels, rates, windows; and the answers it owes.

Source: LoRaWAN 1.0.3, 5; Regional Parameters 1.0.2 rev B (channel masks); LoRaMac-node 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.lorawan import commands
from emulator.lorawan.regions import Channel, Region


@dataclass
class MacSettings:
    region: Region
    rate: int
    channels: dict[int, Channel]
    enabled: set[int]
    power_index: int = 0
    # of the fixed plans: channels of 125 kHz that have not had their turn
    unused: set[int] = field(default_factory=set)
    repeats: int = 1  # NbTrans: how often an unconfirmed uplink is sent
    rx1_delay_s: int = 1
    rx1_offset: int = 0
    rx2: tuple[int, int] = (0, 0)
    answers: bytes = b""  # for the next uplink
    down_hz: dict[int, int] = field(default_factory=dict)  # of DlChannelReq
    battery: int = 255  # not known
    margin: int = 0

    @classmethod
    def fresh(cls, region: Region) -> MacSettings:
        channels = region.defaults()
        return cls(region, region.join_rate, channels, set(channels), rx2=region.rx2)

    def usable(self, rate: int) -> list[int]:
        """Channels on which this data rate may be sent."""
        return [index for index in sorted(self.enabled) if self._takes(index, rate)]

    def _takes(self, index: int, rate: int) -> bool:
        channel = self.channels.get(index)
        return channel is not None and channel.least_rate <= rate <= channel.most_rate

    def in_turn(self, usable: list[int]) -> list[int]:
        """Those of a fixed plan that have not had their turn. One that was removed and enabled
        again never has it: the firmware then finds none, and searches for ever (ScheduleTx)."""
        if not self.region.fixed:
            return usable
        if not self.unused:
            self.unused = {index for index in self.enabled if index < 64}
        return [index for index in usable if index in self.unused or index >= 64]

    def take_list(self, cf_list: bytes) -> None:
        """The CFList of a join: five more channels."""
        if self.region.fixed or len(cf_list) < 16 or cf_list[15]:
            return
        for number in range(5):
            hz = commands.frequency(cf_list[3 * number :])
            if hz:
                index = len(self.region.defaults()) + number
                least = self.region.defaults()[0].least_rate
                self.channels[index] = Channel(hz, least, 5)
                self.enabled.add(index)

    def power_dbm(self, rate: int) -> int:
        index = self.power_index
        if self.region.name == "US915":
            narrow = sum(number < 64 for number in self.enabled)
            index = max(index, 2 if rate == 4 else 5 if narrow < 50 else 0)
        return self.region.power_dbm(index)

    def enable_defaults(self) -> None:
        """As bits of a mask: in a fixed plan also those that were removed."""
        found = set(self.region.defaults())
        self.enabled |= found if self.region.fixed else found & set(self.channels)

    def forget_answers(self) -> None:
        """After an uplink without an answer: those that have to be repeated remain."""
        kept = commands.parse(self.answers, commands.FROM_DEVICE)
        sticky = [bytes([number]) + body for number, body in kept if number in commands.STICKY]
        self.answers = b"".join(sticky)

    def command(self, data: bytes, adr: bool) -> None:
        """Carry out MAC commands."""
        handlers = {
            commands.LINK_ADR: lambda body: self._link_adr(body, adr),
            commands.DUTY_CYCLE: lambda body: b"",
            commands.RX_PARAM: self._rx_param,
            commands.DEV_STATUS: self._dev_status,
            commands.NEW_CHANNEL: self._new_channel,
            commands.RX_TIMING: self._rx_timing,
            commands.TX_PARAM: lambda body: b"",
            commands.DL_CHANNEL: self._dl_channel,
        }
        for number, body in commands.parse(data, commands.FROM_SERVER):
            if number == commands.LINK_CHECK:
                continue
            answer = bytes([number]) + handlers[number](body)
            if len(self.answers) + len(answer) <= 15:
                self.answers += answer

    def _link_adr(self, body: bytes, adr: bool) -> bytes:
        rate, power = body[0] >> 4, body[0] & 15
        if not adr:  # the application sets its rate itself
            if (rate, power) != (15, 15):
                return b"\0"
            rate, power = self.rate, self.power_index
        mask = self._masked(body[3] >> 4 & 7, body[1] | body[2] << 8)
        mask_ok = bool(mask)
        usable = any(self._takes(index, rate) for index in mask)
        rate_ok = self.region.rate(rate) is not None and usable
        status = mask_ok | rate_ok << 1 | (power <= self.region.least_power) << 2
        if status == 7:
            self.enabled, self.rate, self.power_index = mask, rate, power
            self.repeats = body[3] & 15 or self.repeats
        return bytes([status])

    def _masked(self, control: int, mask: int) -> set[int]:
        known = self.channels
        if not self.region.fixed:
            if control == 6:
                return set(known)
            bits = {index for index in range(16) if mask >> index & 1} if control == 0 else set()
            return bits if bits <= set(known) else set()
        wide = {64 + index for index in range(8) if mask >> index & 1}
        low = 16 * control
        if control in (6, 7):
            found = (set(range(64)) if control == 6 else set()) | wide
        elif control == 4:
            found = {index for index in self.enabled if index < 64} | wide
        else:
            found = {index for index in self.enabled if not low <= index < low + 16}
            found |= {low + index for index in range(16) if mask >> index & 1}
        return found & set(known)  # one that was removed has no frequency

    def _rx_param(self, body: bytes) -> bytes:
        offset, rate, hz = body[0] >> 4 & 7, body[0] & 15, commands.frequency(body[1:])
        low, high = self.region.frequencies
        status = (
            (low <= hz <= high) | (self.region.rate(rate) is not None) << 1 | (offset < 6) << 2
        )
        if status == 7:
            self.rx1_offset, self.rx2 = offset, (hz, rate)
        return bytes([status])

    def _dev_status(self, body: bytes) -> bytes:
        return bytes([self.battery, max(-32, min(31, self.margin)) & 0x3F])

    def _new_channel(self, body: bytes) -> bytes:
        index, hz, rates = body[0], commands.frequency(body[1:]), body[4]
        low, high = self.region.frequencies
        fits = not self.region.fixed and len(self.region.defaults()) <= index < 16
        hz_ok = fits and (hz == 0 or low <= hz <= high)
        rates_ok = fits and rates & 15 <= rates >> 4 <= 7
        if hz_ok and rates_ok:
            self.set_channel(index, Channel(hz, rates & 15, rates >> 4) if hz else None)
        return bytes([hz_ok | rates_ok << 1])

    def _rx_timing(self, body: bytes) -> bytes:
        self.rx1_delay_s = max(1, body[0] & 15)
        return b""

    def _dl_channel(self, body: bytes) -> bytes:
        hz = commands.frequency(body[1:])
        low, high = self.region.frequencies
        known = body[0] in self.channels
        if known and low <= hz <= high:
            self.down_hz[body[0]] = hz
        return bytes([(low <= hz <= high) | known << 1])

    def set_channel(self, index: int, channel: Channel | None) -> None:
        if channel is None:
            self.channels.pop(index, None)
            self.enabled.discard(index)
            self.unused.discard(index)
        else:
            self.channels[index] = channel
            self.enabled.add(index)
