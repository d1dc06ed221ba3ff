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
from networking._lora_send import Failed, Sender, keep_number, log, lost, set_lost
from utils import logging, timing

_POLL_MS = const(50)
_RETRY_MS = const(10000)  # between join requests of the firmware
_LOST = const(8)  # consecutive uplinks without the requested acknowledgement: the session ends
# changes need an initialisation
_INIT = ("_LORA_REGION", "_LORA_ADR", "_LORA_TX_RETRIES", "_LORA_SUB_BAND")
_PLAN_KEY = "lora_sub_band"  # in NVS: of the saved session, 0 for none


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
        self._made_ms = 0
        self._thinned = False  # only the channels of _LORA_SUB_BAND are left
        self._joins = None
        self.node_s = None  # seconds for which the node has had power, if the application tells
        self._restored = False  # a session is restored once per boot at most
        self._failed = False  # a join failed since the radio was initialised
        self._asking = False  # the firmware repeats its join requests

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
            except (ImportError, OSError, ValueError) as error:
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
        try:
            from network import LoRa
        except ImportError:
            raise Failed("no_radio")
        wanted = [self.settings[name] for name in _INIT]
        if self._made != wanted:
            if self._failed:
                raise Failed("radio_stuck")
            self._settle()
            region = getattr(LoRa, wanted[0])
            self._lora = LoRa(
                mode=LoRa.LORAWAN, region=region, adr=bool(wanted[1]), tx_retries=wanted[2]
            )
            self._made = wanted
            self._made_ms = timing.now_ms()
            from networking._lora_account import Account

            self._account = Account(regions.duty_permille(wanted[0]))
            self._thinned = False
        self._settle()
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
        import pycom

        if self._restored:
            if not (self._failed or self._spent) and self._lora.has_joined():
                self.cause = "kept"
            return
        self._restored = True
        # To the server an outdated frame counter is a replay. A reset of any other kind may have
        # come between an uplink and the saving of its counter.
        same = pycom.nvs_get(_PLAN_KEY, 0) == self._plan()
        if machine.reset_cause() == machine.DEEPSLEEP_RESET and same and lost() < _LOST:
            self._lora.nvram_restore()
            if self._lora.has_joined():
                self.cause = "restored"
                return
        set_lost(0)
        self._lora.nvram_erase()

    def join_(self, keys):
        """Join by OTAA. The firmware repeats the request every ten seconds by itself."""
        region = self.settings["_LORA_REGION"]
        rate = regions.join_rate(region, self.settings["_LORA_DR"])
        airtime_us = regions.airtime_us(region, rate, regions.JOIN_REQUEST)
        joins = self._joins_now()
        wait_ms = max(joins.wait_s() * 1000, self._account.wait_ms(airtime_us))
        if wait_ms > self.settings["_LORA_DUTY_WAIT_SEC"] * 1000:
            raise Failed("duty_cycle")
        timing.sleep_ms(wait_ms)
        age_s = (timing.now_ms() - self._made_ms) // 1000
        limit_ms = self.settings["_MAX_CONNECTION_ATTEMPT_TIME_SEC"] * 1000
        limit_ms = joins.limit_ms(airtime_us, age_s, limit_ms, self._account.count(airtime_us))
        self._thin()
        joins.begin(airtime_us, age_s)
        watch = timing.Stopwatch()
        self._failed = self._asking = True  # until it has joined
        auth = keys[0 if keys[0] else 1 :]
        self._lora.join(self._lora.OTAA, auth=auth, dr=rate, timeout=0)  # returns at once
        joined = timing.wait_for(self._lora.has_joined, limit_ms, _POLL_MS)
        self._account.charge(airtime_us * (1 + watch.elapsed_ms() // _RETRY_MS))
        self._keep()
        if not joined:
            joins.begin(airtime_us, age_s)
            self._quiet()
            raise Failed("join_timeout")
        joins.end()
        self._failed = self._asking = self._spent = False
        self._data_rate = rate
        self._learn = True
        keep_number(_PLAN_KEY, self._plan())

    def _quiet(self):
        """End the repetition of join requests, which an initialisation cannot: it would hang. A
        join by ABP needs no answer; nothing is sent in its session."""
        key = bytes(16)
        self._lora.join(self._lora.ABP, auth=(0, key, key))
        self._asking = False

    def _thin(self):
        """Remove the channels of the other sub-bands. A saved session has its own list."""
        sub_band = self.settings["_LORA_SUB_BAND"]
        if sub_band and not self._thinned:
            for number in regions.other_channels(sub_band):
                self._lora.remove_channel(number)
        self._thinned = True

    def _thin_again(self):
        """Remove them once more. At the end of a confirmed uplink in vain, and where ADR arrives
        at the slowest rate, the firmware enables all channels, and then looks for one among those
        without a frequency for ever (LoRaMac.c, ScheduleTx)."""
        self._thinned = False
        try:
            self._thin()
        except OSError as error:
            log.warning("channels: %s", error)

    def _plan(self):
        return self.settings["_LORA_SUB_BAND"] or 0

    def _joins_now(self):
        if not self._joins:
            from networking._lora_joins import Joins

            self._joins = Joins(self.node_s)
        return self._joins

    def wait_s(self):
        """Return the seconds until a join request may leave again."""
        return self._joins.wait_s() if self._joins else 0

    def down(self):
        """Save the session, put the radio to sleep."""
        if not self._lora:
            return True
        done = self._save() if self._ready else True
        self._ready = False
        try:
            self._settle()
            if self._asking:
                self._quiet()
            self._lora.power_mode(self._lora.SLEEP)
        except (OSError, ValueError, Failed) as error:
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
