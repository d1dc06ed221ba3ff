"""One node in a LoRaWAN network by the firmware's LoRa class: the steps behind networking.lora.

    node = Node(settings)                # checked fields of networking.lora
    node.join(keys)
    node.status, node.cause, node.phases
    node.send(b"hello", True)
    node.down()

No exception of the field leaves it.
"""

from micropython import const

from networking import _lora_regions as regions
from utils import logging, timing

_POLL_MS = const(50)
_RETRY_MS = const(10000)  # between join requests of the firmware
_LOST = const(
    8
)  # uplinks without the acknowledgement asked for, after which the session is given up
_LOST_KEY = "lora_lost"
_EAGAIN = const(11)
_ENETDOWN = const(115)
_EMSGSIZE = const(122)

_INIT = ("_LORA_REGION", "_LORA_ADR", "_LORA_TX_RETRIES")  # what needs an initialisation

log = logging.Logger("lora")


class Failed(Exception):
    """args: (cause,). Ends an attempt; never leaves this module."""


class Node:
    """What is known of the radio and the session.

    status       LORA_OFF, LORA_NOT_JOINED, LORA_JOINED as in networking.lora
    cause        the words stand at networking.lora.last_outcome
    phases       [(name, ms), ...] of the last join
    duration_ms  of the last join, -1 without a radio
    """

    def __init__(self, settings):
        self.settings = settings
        self.status = -1
        self.cause = "never_tried"
        self.phases = []
        self.duration_ms = -1
        self._lora = None
        self._made = None  # the settings that the radio was initialised with
        self._restored = False  # restoring works once per boot, and is wanted only then
        self._failed = False  # a join failed since the radio was initialised
        self._account = None
        self._data_rate = None  # what the network chose, None if not known
        self._ready = False  # joined and not put to sleep
        # of the last send
        self._wait_ms = self._trials = 0
        self._downlink = None

    # join

    def join(self, keys):
        """Go as far as it goes; never raises."""
        self.phases = []
        self.status = -1
        self.cause = "joined"
        watch = timing.Stopwatch()
        for name in ("init", "restore", "join_"):
            part = timing.Stopwatch()
            try:
                getattr(self, name)(keys)
            except Failed as failure:
                self.cause = failure.args[0]
            except ImportError:
                self.cause = "no_radio"
            except (OSError, ValueError) as error:
                log.warning("%s: %s", name, error)
                self.cause = "radio_error"
            self.phases.append((name.strip("_"), part.elapsed_ms()))
            if self.cause != "joined":
                break
        self.duration_ms = watch.elapsed_ms() if self._lora else -1
        if self._lora and self.cause != "radio_error":
            self.status = int(self.cause in ("joined", "restored", "kept"))
        self._ready = self.status == 1
        level = logging.INFO if self._ready else logging.WARNING
        log.log(level, "%s after %d ms", self.cause, watch.elapsed_ms())

    def init(self, keys=None):
        """Initialise the radio, once: anew it ends the session, and hangs after a failed join."""
        from network import LoRa

        wanted = [
            self.settings[name] for name in ("_LORA_REGION", "_LORA_ADR", "_LORA_TX_RETRIES")
        ]
        if self._made != wanted:
            if self._failed:
                raise Failed("radio_stuck")
            region = getattr(LoRa, wanted[0])
            self._lora = LoRa(
                mode=LoRa.LORAWAN, region=region, adr=bool(wanted[1]), tx_retries=wanted[2]
            )
            self._made = wanted
            from networking._lora_account import Account

            self._account = Account(regions.duty_permille(wanted[0]))
        self._lora.power_mode(LoRa.TX_ONLY)  # asleep but when sending; SLEEP refuses to send

    def own_eui(self):
        """Return the EUI of the board, None without a radio."""
        try:
            self.init()
            return self._lora.mac()
        except (ImportError, OSError, Failed) as error:
            log.warning("no EUI: %s", error)
            return None

    def restore(self, keys):
        """Take the session on, if it is still the one that was saved before a deep sleep."""
        import machine

        if self._restored:
            if not self._failed and self._lora.has_joined():
                self.cause = "kept"
            return
        self._restored = True
        # a counter that was not saved in time would be a replay to the server; every other kind of
        # start may have come between an uplink and its saving
        if machine.reset_cause() == machine.DEEPSLEEP_RESET and _lost() < _LOST:
            self._lora.nvram_restore()
            if self._lora.has_joined():
                self.cause = "restored"
                return
        _set_lost(0)
        self._lora.nvram_erase()

    def join_(self, keys):
        """Join by OTAA. The firmware repeats the request about every ten seconds by itself."""
        region = self.settings["_LORA_REGION"]
        rate = regions.join_rate(region, self.settings["_LORA_DR"])
        airtime_us = regions.airtime_us(region, rate or 0, regions.JOIN_REQUEST)
        if self._wait(airtime_us):
            raise Failed("duty_cycle")
        options = {"timeout": 0}  # returns at once
        if rate is not None:
            options["dr"] = rate
        limit_ms = self.settings["_MAX_CONNECTION_ATTEMPT_TIME_SEC"] * 1000
        limit_ms = min(limit_ms, self._account.count(airtime_us) * _RETRY_MS - 500)
        watch = timing.Stopwatch()
        self._failed = True  # until it has joined
        self._lora.join(self._lora.OTAA, auth=keys[0 if keys[0] else 1 :], **options)
        joined = timing.wait_for(self._lora.has_joined, limit_ms, _POLL_MS)
        self._account.charge(airtime_us * (1 + watch.elapsed_ms() // _RETRY_MS))
        self._keep()
        if not joined:
            raise Failed("join_timeout")
        self._failed = False
        self._data_rate = None

    # send

    def send(self, payload, save):
        """Send one uplink; return what makes a SendResult. `save`: the session too."""
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
                # without any in a row, the server may have lost the session
                _set_lost(0 if status == 2 else _lost() + 1)
            if save:
                self._save()
        ms = (airtime_us + 999) // 1000
        return status, cause, self._downlink, ms, self._wait_ms, self._trials

    def limit(self):
        """Return the most bytes of an uplink at the data rate in use."""
        return regions.limit(self.settings["_LORA_REGION"], self._rate())

    def _rate(self):
        if self.settings["_LORA_ADR"] and self._data_rate is not None:
            return self._data_rate
        return self.settings["_LORA_DR"]

    def _airtime_us(self, length, trials=1):
        """Time on air of all trials: after every second one the firmware lowers the data rate."""
        region = self.settings["_LORA_REGION"]
        least = regions.data_rates(region)[0]
        total_us = 0
        for trial in range(trials):
            rate = max(least, self._rate() - trial // 2)
            total_us += regions.airtime_us(region, rate, length)
        return total_us

    def _wait(self, airtime_us):
        """Wait until this much may be sent, if that is soon; return the ms that are left."""
        wait_ms = self._account.wait_ms(airtime_us)
        if 0 < wait_ms <= self.settings["_LORA_DUTY_WAIT_SEC"] * 1000:
            timing.sleep_ms(wait_ms)
            wait_ms = self._account.wait_ms(airtime_us)
        return wait_ms

    def _admit(self, length):
        """Refuse what must not or cannot go, before the radio is asked."""
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
        limit_ms = self.settings["_LORA_SOCKET_TIMEOUT"] * 1000
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
        self._trials = self._most_trials()  # also of one that is still at it
        if not event:
            status, cause = 1, "timeout"
        elif not event & uplink.TX_FAILED:
            status, cause = (2, "confirmed") if confirmed else (1, "sent")
            if confirmed:
                self._trials = min(max(1, self._lora.stats().tx_trials), self._trials)
        elif confirmed:
            status, cause = 1, "not_confirmed"
        else:
            raise Failed("radio_error")
        return status, cause, self._airtime_us(len(payload), self._trials)

    def _was_empty(self, length):
        """True if what was on the air had no payload, and there is reason to try it again.

        The firmware sends such a frame in place of ours when MAC commands leave too little room,
        and reports it as sent; it takes them away. Its time on air tells, being too short.
        """
        stats = self._lora.stats()
        least, most, _ = regions.data_rates(self.settings["_LORA_REGION"])
        self._data_rate = stats.sftx if least <= stats.sftx <= most else None
        short = stats.tx_time_on_air * 1000 + 2000 < self._airtime_us(length)
        if self._data_rate is None or not short:
            return False
        self._account.charge(stats.tx_time_on_air * 1000)
        if length > self.limit():  # the network chose a lower data rate than we knew
            raise Failed("too_long")
        return True

    # what remains

    def metrics(self):
        """Signal of the last downlink of data since the start; a join accept leaves no figures."""
        if not self._lora:
            return []
        try:
            stats = self._lora.stats()
        except OSError:
            return []
        if stats.rssi >= 0:  # nothing was received yet
            return []
        return [("rssi", int(stats.rssi), 0, "dBm"), ("snr", int(stats.snr), 0, "dB")]

    def down(self):
        """Save the session, end the repetition of join requests, put the radio to sleep."""
        if not self._lora:
            return True
        done = self._save() if self._ready else True
        self._ready = False
        try:
            if self._failed:
                # Else the firmware's timer goes on sending. Initialising would stop it, and hangs;
                # so does an activation that needs no answer. Nothing is ever sent in its session.
                key = bytes(16)
                self._lora.join(self._lora.ABP, auth=(0, key, key))
            self._lora.power_mode(self._lora.SLEEP)
        except (OSError, ValueError) as error:
            log.warning("down: %s", error)
            done = False
        if self._account:
            self._keep()
        return done

    def _save(self):
        """Save the session for the next boot: that is good for one restore."""
        try:
            self._lora.nvram_save()
            return True
        except OSError as error:  # not restored then, since restoring erased the mark: a new join
            log.warning("session not saved: %s", error)
            return False

    def _keep(self):
        try:
            self._account.keep()
        except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception when NVS fails
            log.warning("time on air not kept: %s", error)


def stop():
    """Put a radio to sleep that an earlier program may have left on. True if there is none."""
    try:
        from network import LoRa

        try:
            radio = LoRa()  # no initialisation if it runs: that could hang after a failed join
        except ValueError:  # never initialised, and the flash has no region
            radio = LoRa(mode=LoRa.LORA, region=LoRa.EU868)
        radio.power_mode(LoRa.SLEEP)
    except ImportError:
        pass
    except (OSError, ValueError) as error:
        log.warning("stop: %s", error)
        return False
    return True


_CAUSES = {_EAGAIN: "radio_busy", _ENETDOWN: "not_joined", _EMSGSIZE: "too_long"}


def _lost():
    import pycom

    lost = pycom.nvs_get(_LOST_KEY, 0)
    return lost if isinstance(lost, int) else _LOST


def _set_lost(count):
    import pycom

    try:
        if pycom.nvs_get(_LOST_KEY, 0) != count:
            pycom.nvs_set(_LOST_KEY, count)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception when NVS fails
        log.warning("not counted: %s", error)
