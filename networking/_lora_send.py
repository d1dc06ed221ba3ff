"""Sending on LoRaWAN: the rules of the region, the radio, and the result of an uplink."""

from networking import _lora_regions as regions
from utils import logging, timing

_LOST_KEY = "lora_lost"
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
        self._data_rate = None  # chosen by the network, None if unknown
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

    def _airtime_us(self, length, trials=1):
        """Return the time on air of all trials.

        The firmware lowers the data rate after every second trial.
        """
        region = self.settings["_LORA_REGION"]
        least = regions.data_rates(region)[0]
        total_us = 0
        for trial in range(trials):
            rate = max(least, self._rate() - trial // 2)
            total_us += regions.airtime_us(region, rate, length)
        return total_us

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
        options = [self.settings[name] for name in ("_LORA_DR", "_LORA_PORT")]
        trials = self._most_trials()
        limit_ms = self.settings["_LORA_SOCKET_TIMEOUT"] * 1000 * trials
        limit_ms += self._airtime_us(len(payload), trials) // 1000
        link = uplink.Uplink(self._lora, confirmed, *options)
        try:
            event = link.transmit(payload, limit_ms)
            if event and not event & uplink.TX_FAILED and self._was_empty(len(payload)):
                event = link.transmit(payload, limit_ms)
                if event and not event & uplink.TX_FAILED and self._was_empty(len(payload)):
                    raise Failed("too_long")
            self._downlink = link.newest()
        finally:
            link.close()
        self._trials = trials  # assumed also if the radio has not finished
        if not event:
            status, cause = 1, "timeout"
            self._untold = True
            # the frame counter may have been used, and a saved session would not show it
            self._ready = self._saved = False
            self._forget()
        elif not event & uplink.TX_FAILED:
            status, cause = (2, "confirmed") if confirmed else (1, "sent")
            if confirmed:
                self._trials = min(max(1, self._lora.stats().tx_trials), self._trials)
        elif confirmed:
            status, cause = 1, "not_confirmed"
        else:
            raise Failed("radio_error")
        self._ended = self._ended or bool(event)
        return status, cause, self._airtime_us(len(payload), self._trials)

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
    import pycom

    try:
        if pycom.nvs_get(_LOST_KEY, 0) != count:
            pycom.nvs_set(_LOST_KEY, count)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception when NVS fails
        log.warning("not counted: %s", error)
