"""One report, from the end of boot.py to deep sleep: its steps, and report(), their order.

keep(), deactivate() and sleep() never raise, and run on every path. What was measured
is in the journal (utils/journal.py) before the radio is touched, and leaves it when it is
delivered (protocols/drain.py). After a reset that was no deep sleep the steps leave a trail
(utils/trail.py): one that hangs again and again is left out.
"""

from utils import logging, timing

_log = logging.Logger("node")

_JOURNAL = "/flash/journal"
_REST_S = 3600  # the period of a node whose configuration cannot be read
_LEAST_SLEEP_MS = 1000
_JOURNAL_FIELDS = ("_JOURNAL_BYTES", "_KEEP", "_WHEN_FULL")
_DAY_S = 86400
_LOW_MV = 200  # above _BATTERY_MIN_MV: what only RTC memory holds goes to flash


def report(modem_off):
    """Measure, connect, send, switch the radio off and sleep: the whole cycle. Does not return.

    modem_off: function() that switches the modem off if no bearer can do it.
    """
    node = Node()
    try:
        if node.configure():
            node.measure()
            if node.due():
                node.connect()
                node.send()
    except Exception as error:  # noqa: BLE001 - the node must reach its sleep
        node.fail("exception", error)
    node.keep()
    if not node.deactivate():
        modem_off()
    node.sleep()


class Node:
    """The steps of one report, and the state that they share."""

    def __init__(self):
        self.settings = {"_PERIOD_S": _REST_S}
        self.cause = "none"  # of the bearer, or a word of this program
        self.outcome = None  # why the session ended early: "refused", "server_silent"
        self.status = -1
        self.measurements = []
        self.phases = []  # [name, start in ms since boot, duration in ms]
        self.sequence = None
        self.accepted = 0  # messages that were not refused
        self.delivered = 0  # messages that the server confirmed
        self.left = 0  # messages known to have left the radio; None: nothing told
        self.waiting = None  # measurements in the journal, as it stands when the cycle ends
        self.given_up = None  # measurements given up or lost so far
        self.link = None  # name of the last phase of connecting, also if it failed
        self.config = None
        self._modules = None  # of bearer and protocol, where the check has loaded them
        self._radio = None  # a node_send.Sender
        self._is_good = False  # the configuration
        self._batch = None  # if not each cycle sends
        self.manners = None
        self._rests_for = None  # why this cycle only measures, one word
        self.journal = None
        self._rtc = None  # what the journal has in RTC memory, where this cycle needs no more
        self.entry = None  # the measurement of this cycle, if the journal has not got it
        self.tried = False  # to connect
        self.last = {}  # account of the cycle before
        self.told = None  # measurements given up, as last reported
        self._sensors = ()
        self._word = _word()
        self._on_trial = self._word >> 28 == 2  # a release
        self._update = None  # a node_update.Update
        self._trail = None if self._on_trial else _trail()
        self._skips_left = None  # cycles that leave out what hung, as the last one counted

    def configure(self):
        """Check all fields before the hardware is touched. Log all problems; False if any.

        A configuration that was found good before the deep sleep is not checked again.
        """
        self.may("configure")
        import machine

        if self._on_trial:
            from ota import _trial as trial

            trial.begin()
        import config
        import node_start

        self.config = config
        self._sensors = getattr(config, "_SENSORS", ())
        if node_start.is_checked:
            from utils import boot_fields, checked, node_fields

            self.settings = checked.values(config, node_fields.FIELDS + boot_fields.FIELDS)
            self._is_good = True
        else:
            self._is_good = self._check()
        if "_WATCHDOG_S" in self.settings:
            timing.set_watchdog(machine.WDT(timeout=self.settings["_WATCHDOG_S"] * 1000))
        if not self._is_good:
            self.cause = "configuration"
            return False
        logging.setLevel(getattr(logging, self.settings["_LOG_LEVEL"]))
        if self._on_trial:  # each cycle sends, and no reset costs a measurement
            self.settings["_KEEP"] = "flash"
        elif self.settings["_SEND_EVERY"] > 1:
            from utils import batch

            self._batch = batch.Batch(self.settings["_SEND_EVERY"])
        self._have_manners()
        return True

    def _check(self):
        import node_check

        found = node_check.Examined(self.config)
        found.tell()
        if found.bearer and found.protocol:
            self._modules = found.bearer, found.protocol
        if "_PERIOD_S" in found.settings:
            self.settings = found.settings
        return not found.problems

    def measure(self):
        """Read all sensors, and put the measurement into the journal.

        A sensor that fails costs its own values only. A modem that this cycle is going to use may
        wake up meanwhile.
        """
        self._decide()
        if not self._rests_for:
            self._wake()
        import sensors
        from utils import clock, store

        skipped, mark = (), None
        if self._trail:
            skipped, mark = self._trail.culprits, self._trail.mark
        if self.may("measure"):
            with timing.Phase(self.phases, "measure"):
                self.measurements = sensors.measure(
                    self._sensors, skipped, mark, True, self._loads()
                )
        rtc_s = clock.rtc_s()
        if self._batch:
            self._batch.watch(self.measurements)
            if self._rests_for == "measured" and self._batch.due:  # an alarm
                self._decide()
        self.last = store.last_cycle()
        self._skips_left = self.last.get("skips")
        self.told = self.last.get("told")
        self.sequence = store.next_sequence()
        for item in self.measurements:
            if item.cause is None:
                text = _decimal(item.value, item.exponent)
                _log.info("%s = %s %s", item.name, text, item.unit)
        records = [item[:4] for item in self.measurements] + sensors.statuses(self.measurements)
        records += self._last_phases()
        if (self.last.get("spent") or (0,))[-1]:
            records.append(("ps", 1, 0, None))
        if self._trail:
            records += self._trail.records(self._sensors)
        self._add(rtc_s, records)

    def _decide(self):
        """Note why this cycle only measures, one word; None if it sends."""
        self._rests_for = None
        if self._batch and not self._batch.due:
            self._rests_for = "measured"
        elif self.manners and not self.manners.may_connect():
            self._rests_for = self.manners.reason

    def _wake(self):
        """Wake the modem where the bearer is known without a check, and no step is left out."""
        import node_start

        if self._trail or not node_start.is_checked:
            return
        try:
            from utils import plugins

            bearer = plugins.find("networking", self.settings["_BEARER"], ())
            if hasattr(bearer, "wake"):
                self.tell_node_time(bearer)
                bearer.wake(self.config)
            self._sender()
        except Exception as error:  # noqa: BLE001 - connect() meets it again, after the measurement
            _log.warning("bearer not woken: %s", error)

    def tell_node_time(self, bearer):
        if self.manners and hasattr(bearer, "node_time"):
            bearer.node_time(self.manners.now_s())

    def _loads(self):
        """Load what the cycle needs behind the measurement, a file at a time."""
        from utils import cbor  # noqa: F401 - used in _add(), as the next ones

        yield
        from utils import _journal_image  # noqa: F401

        yield
        from utils import _journal_rtc  # noqa: F401

        yield
        if self._radio:
            from utils import journal  # noqa: F401

            yield
            for _ in self._radio.loads():
                yield

    def due(self):
        """Return whether this cycle uses the radio. Without it what was measured waits."""
        if self._rests_for:
            self.cause = self._rests_for
        return not self._rests_for

    def connect(self):
        """Bring the bearer up and add its phases to those of the cycle."""
        self.tried = True
        if not self.may("connect", "send", "deactivate"):
            self.cause = "reset"
            return
        self._sender().connect()

    def send(self):
        """Send what waits, the measurement of this cycle with it, for _DRAIN_S at most."""
        if self._radio and self._radio.is_up:
            self.may("send")
            self._radio.send()

    def keep(self):
        """Bring what waits to where it outlives the sleep, and after a failure a loss of power.

        What was handed over without an answer is settled when the radio is off.
        """
        failed = self.tried and (self.outcome is not None or not self.accepted)
        if failed or self.accepted == self.delivered:
            self.settle(failed)

    def deactivate(self):
        """Switch the radio off, on every path. False if no bearer here can do it."""
        import machine

        if self._modules is None and self._radio is None or self._rests_for:
            woken = machine.reset_cause() == machine.DEEPSLEEP_RESET
            return woken and not _started_by_firmware()  # else it may have started a radio
        if not self.may("deactivate"):
            return True  # nothing has started it
        with timing.Phase(self.phases, "deactivate"):
            try:
                self._sender().deactivate()
                return True
            except Exception as error:  # noqa: BLE001 - the node must reach its sleep
                self.fail("exception", error)
                return False

    def sleep(self):
        """Deep sleep until the next instant at the place of this node in the period."""
        import machine

        if self._on_trial:
            self.update(True)
        if self._update:
            self._update.end()
        awake_ms = timing.now_ms()
        sleep_ms = max(_LEAST_SLEEP_MS, self.settings["_PERIOD_S"] * 1000 - awake_ms)
        asked_ms = sleep_ms
        try:
            if self._trail:
                period_s = self.settings["_PERIOD_S"]
                self._skips_left = self._trail.good_cycle(period_s, self._skips_left)
            self._remember()
            from utils import clock, store

            store.keep_cycle(self._account(awake_ms))
            if self.manners:
                sleep_ms = asked_ms = self._end_with_manners()
            asked_ms = clock.sleep_ms(sleep_ms)  # the RTC measures it, which drifts
        except Exception as error:  # noqa: BLE001 - the node must reach its sleep
            self.fail("exception", error)
        _log.info("awake %d ms, sleeping %d ms", awake_ms, sleep_ms)
        machine.deepsleep(asked_ms)

    def _have_manners(self):
        """Know this node's place in the period, and what its attempts of before allow."""
        try:
            from utils import manners

            self.manners = manners.Manners(self.config, self.settings)
        except Exception as error:  # noqa: BLE001 - a damaged file must not cost the report
            self.fail("exception", error)

    def _end_with_manners(self):
        """Tell how the attempt ended; return how long to sleep."""
        import node_start

        if self._radio:
            self._radio.tell(self.manners.attempts())
        sleep_ms = self.manners.sleep_ms()
        early = self.manners.starts_early(sleep_ms)
        if early is not None:
            node_start.start_early(self.config, early)
        return sleep_ms

    def fail(self, cause, error):
        self.cause = cause
        _log.exception(error, "%s: %s", cause, error)

    def may(self, step, *needed):
        """Leave a breadcrumb. False if the board was reset in one of these steps too often."""
        if self._trail is None:
            return True
        self._trail.mark(step)
        return not [each for each in (step,) + needed if each in self._trail.culprits]

    def update(self, needed=False):
        """Return what this cycle has to tell or to do for updates over the air, None for nothing.

        needed: the server offers a release.
        """
        if not self._word or self._update:
            return self._update
        told = self.last.get("ota") == [self._word & 0x3FFFF, self.today()]
        if needed or self._on_trial or not told:
            try:
                import node_update

                self._update = node_update.Update(self)
            except Exception as error:  # noqa: BLE001 - an update must not cost the report
                _log.exception(error, "updates")
                self._word = 0
        return self._update

    def today(self):
        """Return the day of node time."""
        return self.manners.now_s() // _DAY_S if self.manners else 0

    def _sender(self):
        """Return what brings the bearer up; only a cycle that sends loads it."""
        if self._radio is None:
            import node_send

            self._radio = node_send.Sender(self, *self._modules or (None, None))
        return self._radio

    def _last_phases(self):
        every, last = self.settings["_PHASES_EVERY"], self.last
        due = every > 0 and self.sequence % every == 1 % every
        if not (due or last.get("link")):
            return []
        from utils import last_phases

        try:
            return last_phases.records(last, due)
        except (TypeError, ValueError) as error:
            _log.warning("the account of the last cycle is damaged: %s", error)
            return []

    def _remember(self):
        """Keep in RTC memory what the next cycle need not find out again."""
        keeps = not self._update or self._update.keeps
        if self._is_good and keeps and self.cause != "exception":
            from utils import checked

            checked.remember(checked.digest(self.config))
        if self._batch:
            self._batch.keep(self.tried and bool(self.accepted) and not self._waiting_now())

    def _waiting_now(self):
        if self._rtc:
            return self._rtc.image.count + self._rtc.on_flash
        return self.journal.waiting if self.journal else None

    def _add(self, rtc_s, records):
        """Put the measurement into the journal; keep it for this cycle if that is not possible."""
        from utils import clock

        epoch = clock.epoch()
        if self._rests_for and self.settings["_KEEP"] == "rtc" and not self._is_battery_low():
            from utils import _journal_rtc

            self._rtc = _journal_rtc.add(self.sequence, rtc_s, epoch, records)
            if self._rtc:
                return
        from utils import journal, store

        anchor = clock.anchor()
        if self.may("keep"):
            settings = [self.settings[name] for name in _JOURNAL_FIELDS]
            self.journal = journal.Journal(_JOURNAL, *settings)
            self.journal.note_clock(epoch, anchor)
            if self.journal.add(self.sequence, rtc_s, epoch, records):
                return
        boot = store.boot_number()
        self.entry = journal.Entry(self.sequence, boot, epoch, rtc_s, anchor, None, records)

    def settle(self, failed):
        try:
            if self.journal and self.may("keep"):
                self.journal.settle(failed, self._is_battery_low())
        except Exception as error:  # noqa: BLE001 - the node must reach its sleep
            self.fail("exception", error)

    def _is_battery_low(self):
        """Return whether the next cycles may be without power."""
        import node_start

        supply_mv = node_start.supply_mv
        return supply_mv is not None and supply_mv < self.settings["_BATTERY_MIN_MV"] + _LOW_MV

    def _account(self, awake_ms):
        drain = self._radio and self._radio.drain
        journal, batch = self.journal, self._batch
        return {
            "seq": self.sequence,
            "status": self.status,
            "cause": self.cause,
            "accepted": None if self._rests_for else self.accepted,
            "delivered": self.delivered,
            "left": self.left,
            "waiting": self._waiting_now(),
            "given_up": self._rtc.gone if self._rtc else journal.given_up if journal else None,
            "batch": (batch.count, batch.every) if self._rests_for == "measured" else None,
            "held": drain.held if drain else self.last.get("held", ()),
            "told": self.told,
            "link": self.link,
            "phases": self.phases,
            "awake_ms": awake_ms,
            "skips": self._skips_left,
            "spent": self._spent(awake_ms),
            "ota": self._update.told if self._update else self.last.get("ota"),
        }

    def _spent(self, awake_ms):
        """Return the ledger of the battery: only with a modem that may not rest, unseen."""
        if getattr(self.config, "_PSM", None) is None or not self.manners:
            return None
        import node_start
        from utils import ledger

        rest = self.manners.now_s(), node_start.supply_mv, self.phases, awake_ms
        state, suspect = ledger.note(self.last.get("spent"), *rest)
        if suspect:
            _log.warning("the battery falls faster than the node explains: _PSM suspect")
        return state


def _decimal(mantissa, exponent):
    """Write mantissa * 10 ** exponent without a float: (-5, -2) -> "-0.05"."""
    digits = str(abs(mantissa))
    if exponent < 0:
        digits = "0" * (1 - exponent - len(digits)) + digits
        digits = digits[:exponent] + "." + digits[exponent:]
    return ("-" if mantissa < 0 else "") + digits + "0" * exponent


def _trail():
    """Return the trail after a reset that was no deep sleep, None in the normal course."""
    import pycom

    try:
        if pycom.nvs_get("resets", 0):
            from utils import trail

            return trail.Trail()
    except Exception as error:  # noqa: BLE001 - a damaged file or NVS must not cost the report
        _log.warning("no trail: %s", error)
    return None


def _word():
    """Return the word of a node with slots (ota/_word.py), 0 of one without updates."""
    import pycom

    word = pycom.nvs_get("ota", 0)
    return word if isinstance(word, int) else 0  # it may be damaged


def _started_by_firmware():
    import pycom

    return pycom.lte_modem_en_on_boot()
