"""A LoRaWAN node, driven by the firmware's LoRa class: the steps of networking.lora.

    node = Node(settings)                # checked fields of networking.lora
    node.join(keys)
    node.status, node.cause, node.phases
    node.send(b"hello", True)
    node.down()

Trouble in the field never raises.
"""

from micropython import const

from networking import _lora_regions as regions
from networking._lora_send import Failed, Sender, log, lost, set_lost
from utils import logging, timing

_POLL_MS = const(50)
_RETRY_MS = const(10000)  # between join requests of the firmware
_LOST = const(8)  # consecutive uplinks without the requested acknowledgement: the session ends
_INIT = ("_LORA_REGION", "_LORA_ADR", "_LORA_TX_RETRIES")  # changes need an initialisation


class Node(Sender):
    """The state of the radio and the session.

    status       LORA_OFF, LORA_NOT_JOINED, LORA_JOINED as in networking.lora
    cause        see networking.lora.last_outcome
    phases       [(name, ms), ...] of the last join
    duration_ms  of the last join, -1 without a radio
    """

    def __init__(self, settings):
        Sender.__init__(self, settings)
        self.status = -1
        self.phases = []
        self.duration_ms = -1
        self._made = None  # the settings that the radio was initialised with
        self._restored = False  # a session is restored once per boot at most
        self._failed = False  # a join failed since the radio was initialised

    def join(self, keys):
        """Run the steps until one fails. Never raises; the reason is in `cause`."""
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
        """Initialise the radio, if its settings changed.

        Another initialisation ends the session, and hangs after a failed join.
        """
        from network import LoRa

        wanted = [self.settings[name] for name in _INIT]
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
        self._lora.power_mode(LoRa.TX_ONLY)  # asleep but when sending; with SLEEP sending fails

    def own_eui(self):
        """Return the EUI of the board, None without a radio."""
        try:
            self.init()
            return self._lora.mac()
        except (ImportError, OSError, Failed) as error:
            log.warning("no EUI: %s", error)
            return None

    def restore(self, keys):
        """Restore the session that was saved before a deep sleep, or keep the present one."""
        import machine

        if self._restored:
            if not self._failed and self._lora.has_joined():
                self.cause = "kept"
            return
        self._restored = True
        # To the server an outdated frame counter is a replay. A reset of any other kind may have
        # come between an uplink and the saving of its counter.
        if machine.reset_cause() == machine.DEEPSLEEP_RESET and lost() < _LOST:
            self._lora.nvram_restore()
            if self._lora.has_joined():
                self.cause = "restored"
                return
        set_lost(0)
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

    def down(self):
        """Save the session, end the repetition of join requests, put the radio to sleep."""
        if not self._lora:
            return True
        done = self._save() if self._ready else True
        self._ready = False
        try:
            if self._failed:
                # Else the firmware's timer goes on sending. An initialisation would hang. A join
                # by ABP stops the timer and needs no answer; nothing is sent in its session.
                key = bytes(16)
                self._lora.join(self._lora.ABP, auth=(0, key, key))
            self._lora.power_mode(self._lora.SLEEP)
        except (OSError, ValueError) as error:
            log.warning("down: %s", error)
            done = False
        if self._account:
            self._keep()
        return done


def stop():
    """Put a radio to sleep that an earlier program may have left on. True without a radio, too."""
    try:
        from network import LoRa

        try:
            radio = LoRa()  # does not initialise a running radio: that could hang
        except ValueError:  # never initialised, and the flash has no region
            radio = LoRa(mode=LoRa.LORA, region=LoRa.EU868)
        radio.power_mode(LoRa.SLEEP)
    except ImportError:
        pass
    except (OSError, ValueError) as error:
        log.warning("stop: %s", error)
        return False
    return True
