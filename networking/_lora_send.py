"""Sending on LoRaWAN: the rules of the region, the radio, and the result of an uplink."""

from networking import _lora_regions as regions
from utils import logging, timing

_LOST_KEY = "lora_lost"
_WINDOWS_KEY = "lora_windows"  # ms from the end of an uplink to the end of its windows, about
_MOST_REPEATS = 15  # NbTrans, which the network may choose with the data rate
_TRIAL_MS = 22000  # windows that open 15 and 16 s late, the last for 3 s, and a pause
_LAST_COUNTER = 0xFFFFFF00  # behind it a session ends: the counter would begin anew
# Numbers of the errors that the firmware's sockets raise
_CAUSES = {11: "radio_busy", 115: "not_joined", 122: "too_long"}

log = logging.Logger("lora")


class Failed(Exception):
    """args: (cause,). Ends an attempt; never leaves this module."""


class Sender:
    """Sends while `_ready` is True. Base class of Node, which joins and sets it."""

    def __init__(self, settings):
        self.settings = settings
        self.cause = "never_tried"
        self._lora = None
        self._account = None
        self._ended = False  # the firmware has reported the end of a transmission
        self._untold = False  # and of another one it has not
        self._ready = False  # joined and not put to sleep
        self._saved = False  # since the start
        self._data_rate = None  # of the session with ADR, None if unknown
        self._learn = False  # the next uplink is the first of a session: it is not repeated
        self._spent = False  # the frame counter is nearly used up
        self._busy = None  # a Deadline: the firmware has not told the end of a transmission
        # of the last send
        self._wait_ms = self._trials = 0
        self._downlink = None

    def send(self, payload, save):
        """Send one uplink; return the fields of a SendResult. save: also save the session."""
        self._wait_ms = self._trials = 0
        self._downlink = None
        status = airtime_us = 0
        try:
            self._admit(len(payload))
            status, cause, airtime_us = self._uplink(payload)
        except Failed as failure:
            cause = failure.args[0]
        except (OSError, ValueError) as error:
            cause = _CAUSES.get(error.args[0] if error.args else None, "radio_error")
            log.debug("send: %s", error)
        level = logging.DEBUG if cause in ("sent", "confirmed") else logging.WARNING
        log.log(level, "%d bytes: %s, wait %d ms", len(payload), cause, self._wait_ms)
        if status:
            self._account.charge(airtime_us)
            self._keep()
            if self.settings["_LORA_CONFIRMED"]:
                # after several without acknowledgement, the server may have lost the session
                set_lost(0 if status == 2 else lost() + 1)
            # a session that was saved before this uplink is outdated
            if self._ready and (save or self._saved):
                self._save()
        ms = (airtime_us + 999) // 1000
        return status, cause, self._downlink, ms, self._wait_ms, self._trials

    @property
    def left(self):
        """True if the firmware reported the end of every transmission, None without any, or if one
        was not reported."""
        return True if self._ended and not self._untold else None

    def limit(self):
        """Return the maximum payload in bytes at the data rate in use."""
        return regions.limit(self.settings["_LORA_REGION"], self._rate())

    def _rate(self):
        if self.settings["_LORA_ADR"] and self._data_rate is not None:
            return self._data_rate
        return self.settings["_LORA_DR"]

    def _rates(self, length, trials):
        """Return the data rates of the trials.

        The firmware lowers the data rate after every second one, and ends where the payload does
        not fit.
        """
        region = self.settings["_LORA_REGION"]
        least = regions.data_rates(region)[0]
        rates = [max(least, self._rate() - trial // 2) for trial in range(trials)]
        return rates[:1] + [rate for rate in rates[1:] if length <= regions.limit(region, rate)]

    def _airtime_us(self, length, trials=1):
        """Return the time on air of all trials."""
        region = self.settings["_LORA_REGION"]
        rates = self._rates(length, trials)
        return sum([regions.airtime_us(region, rate, length) for rate in rates])

    def _wait(self, airtime_us):
        """Wait for the duty cycle if _LORA_DUTY_WAIT_SEC allows it; return the ms left."""
        wait_ms = self._account.wait_ms(airtime_us)
        if 0 < wait_ms <= self.settings["_LORA_DUTY_WAIT_SEC"] * 1000:
            timing.sleep_ms(wait_ms)
            wait_ms = self._account.wait_ms(airtime_us)
        return wait_ms

    def _admit(self, length):
        """Raise Failed if the uplink is not allowed or not possible, before using the radio."""
        if not self._ready:
            raise Failed("no_radio" if self.cause == "no_radio" else "not_joined")
        if length > self.limit():
            raise Failed("too_long")
        self._wait_ms = self._wait(self._airtime_us(length, self._most_trials()))
        if self._wait_ms:
            raise Failed("duty_cycle")

    def _most_trials(self):
        return 1 + (self.settings["_LORA_TX_RETRIES"] if self.settings["_LORA_CONFIRMED"] else 0)

    def _uplink(self, payload):
        """Return (status, cause, microseconds on air of all trials)."""
        from networking import _lora_uplink as uplink

        confirmed = bool(self.settings["_LORA_CONFIRMED"])
        trials = self._most_trials()
        most = trials if confirmed or not self.settings["_LORA_ADR"] else _MOST_REPEATS
        air_ms = self._airtime_us(len(payload)) // 1000
        limit_ms = self.settings["_LORA_SOCKET_TIMEOUT"] * 1000 * most
        limit_ms += max(self._airtime_us(len(payload), trials) // 1000, air_ms * most)
        link = uplink.Uplink(self._lora, confirmed, self._rate(), self.settings["_LORA_PORT"])
        try:
            watch = timing.Stopwatch()
            event = link.transmit(payload, limit_ms)
            for again in (False, True):
                if not event or event & uplink.TX_FAILED or not self._was_empty(len(payload)):
                    break
                if again:
                    raise Failed("too_long")
                watch = timing.Stopwatch()
                event = link.transmit(payload, limit_ms)
            self._downlink = link.newest()
        finally:
            link.close()
        took_ms = watch.elapsed_ms()
        self._trials = len(self._rates(len(payload), trials))  # also if the radio has not finished
        airtime_us = self._airtime_us(len(payload), trials)
        if not event:
            status, cause = 1, "timeout"
            self._untold = True
            self._busy = timing.Deadline(max(1000, _TRIAL_MS * most + air_ms * most - took_ms))
            # the frame counter may have been used, and a saved session would not show it
            self._give_up()
        elif not event & uplink.TX_FAILED:
            status, cause = (2, "confirmed") if confirmed else (1, "sent")
            stats = self._lora.stats()
            if confirmed:
                self._trials = min(max(1, stats.tx_trials), self._trials)
                airtime_us = self._airtime_us(len(payload), self._trials)
            elif self.settings["_LORA_ADR"]:
                air_us = self._airtime_us(len(payload))  # the rate is known now
                self._trials = self._repeats(took_ms, air_us // 1000)
                airtime_us = air_us * self._trials
            if stats.tx_counter & 0xFFFFFFFF >= _LAST_COUNTER:
                self._spent = True
                self._give_up()
            least = regions.data_rates(self.settings["_LORA_REGION"])[0]
            if self.settings["_LORA_ADR"] and stats.sftx == least:
                self._thin_again()
        elif confirmed:
            status, cause = 1, "not_confirmed"
            self._thin_again()
        else:
            raise Failed("radio_error")
        self._ended = self._ended or bool(event)
        return status, cause, airtime_us

    def _repeats(self, took_ms, air_ms):
        """Return how often an uplink was sent that took so long: the firmware does not tell.

        The first one of a session shows how long the windows take.
        """
        import pycom

        if self._learn:
            self._learn = False
            keep_number(_WINDOWS_KEY, max(1000, took_ms - air_ms))
        windows_ms = pycom.nvs_get(_WINDOWS_KEY, 0)
        if not isinstance(windows_ms, int) or windows_ms < 1000:
            windows_ms = 2000
        each_ms = air_ms + windows_ms
        return max(1, min(_MOST_REPEATS, (took_ms + each_ms // 2) // each_ms))

    def _give_up(self):
        """End the session: the next start joins."""
        self._ready = self._saved = False
        self._forget()

    def _settle(self):
        """Wait for the end of a transmission: until then the firmware takes no command, and what
        hands it one waits for it without feeding the watchdog. Raise Failed if it does not end."""
        from networking import _lora_uplink as uplink

        if self._busy:
            if not timing.wait_for(lambda: uplink.ended(self._lora), self._busy.left_ms()):
                raise Failed("radio_busy")
            self._busy = None

    def _was_empty(self, length):
        """True if the frame on the air had no payload and the uplink should be tried again.

        If MAC commands leave too little room, the firmware sends them alone and reports the
        payload as sent. The next frame has room again. The short time on air reveals such a frame.
        """
        stats = self._lora.stats()
        least, most, _ = regions.data_rates(self.settings["_LORA_REGION"])
        self._data_rate = stats.sftx if least <= stats.sftx <= most else None
        short = stats.tx_time_on_air * 1000 + 2000 < self._airtime_us(length)
        if self._data_rate is None or not short:
            return False
        self._account.charge(stats.tx_time_on_air * 1000)
        if length > self.limit():  # the network has chosen a lower data rate
            raise Failed("too_long")
        return True

    def metrics(self):
        """Return the signal of the last data downlink since the start.

        A join accept leaves no figures.
        """
        if not self._lora:
            return []
        try:
            stats = self._lora.stats()
        except OSError:
            return []
        if stats.rssi >= 0:  # nothing was received yet
            return []
        # dBm and dB; a report has little room
        return [("rs", int(stats.rssi), 0, None), ("sn", int(stats.snr), 0, None)]

    def _save(self):
        """Save the session for the next boot, which can restore it once."""
        try:
            self._lora.nvram_save()
            self._saved = True
            return True
        except OSError as error:  # a new join is better than an outdated counter
            log.warning("session not saved: %s", error)
            self._forget()
            return False

    def _forget(self):
        try:
            self._lora.nvram_erase()
        except OSError:  # a restore has erased the mark, unless saved since
            log.warning("session not erased")

    def _keep(self):
        try:
            self._account.keep()
        except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception when NVS fails
            log.warning("time on air not kept: %s", error)


def lost():
    import pycom

    count = pycom.nvs_get(_LOST_KEY, 0)
    return count if isinstance(count, int) else 0


def set_lost(count):
    keep_number(_LOST_KEY, count)


def keep_number(key, number):
    """Keep a number in NVS, if it is another one."""
    import pycom

    from utils import store

    try:
        if pycom.nvs_get(key, 0) != number:
            store.nvs_set(key, number)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception when NVS fails
        log.warning("%s not kept: %s", key, error)
