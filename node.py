"""The steps of one report, from the end of boot.py to deep sleep; main.py puts them in order.

    node = Node()
    if node.configure():
        node.measure()
        if node.due():
            node.connect()
            node.send()
    node.keep()
    node.deactivate()         # False if no bearer can do it
    node.sleep()              # does not return

keep(), deactivate() and sleep() never raise; main.py calls them on every path. What was measured
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
_RECORD_BYTES = 13  # about
_LOW_MV = 200  # above _BATTERY_MIN_MV: what only RTC memory holds goes to flash


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
        self._link = None  # name of the last phase of connecting, also if it failed
        self._config = None
        self._bearer = None  # module of networking/
        self._protocol = None  # module of protocols/
        self._up = False
        self._journal = None
        self._entry = None  # the measurement of this cycle, if the journal has not got it
        self._drain = None
        self._tried = False  # to connect
        self._last = {}  # account of the cycle before
        self._told = None  # measurements given up, as last reported
        self._sensors = ()
        self._manners = None
        self._trail = _trail()
        self._skips_left = None  # cycles that leave out what hung, as the last one counted

    def configure(self):
        """Check all fields before the hardware is touched. Log all problems; False if any."""
        self._may("configure")
        import machine

        import config
        import node_check

        self._config = config
        found = node_check.Examined(config)
        self._bearer = found.bearer
        self._protocol = found.protocol
        self._sensors = getattr(config, "_SENSORS", ())
        if "_PERIOD_S" in found.settings:
            self.settings = found.settings
        if "_WATCHDOG_S" in found.settings:
            timing.set_watchdog(machine.WDT(timeout=found.settings["_WATCHDOG_S"] * 1000))
        # a wake-up has nobody at its console, and advice costs time
        if found.problems or machine.reset_cause() != machine.DEEPSLEEP_RESET:
            for text in found.misspelt() + found.advice():
                _log.warning("configuration: %s", text)
        if found.problems:
            self.cause = "configuration"
            _log.error("configuration: %s", "; ".join(found.problems))
            return False
        logging.setLevel(getattr(logging, found.settings["_LOG_LEVEL"]))
        self._have_manners()
        return True

    def measure(self):
        """Read all sensors, and put the measurement into the journal.

        A sensor that fails costs its own values only. Also load the report format, while the modem
        may be starting.
        """
        import sensors
        from protocols import senml_report
        from utils import clock, store

        skipped, mark = (), None
        if self._trail:
            skipped, mark = self._trail.culprits, self._trail.mark
        if self._may("measure"):
            with _Phase(self.phases, "measure"):
                self.measurements = sensors.measure(self._sensors, skipped, mark)
        rtc_s = clock.rtc_s()
        self._last = store.last_cycle()
        self._skips_left = self._last.get("skips")
        self._told = self._last.get("told")
        self.sequence = store.next_sequence()
        for item in self.measurements:
            if item.cause is None:
                text = _decimal(item.value, item.exponent)
                _log.info("%s = %s %s", item.name, text, item.unit)
        records = [item[:4] for item in self.measurements] + sensors.statuses(self.measurements)
        try:
            every = self.settings["_PHASES_EVERY"]
            records += senml_report.last_phases(self._last, every, self.sequence)
        except (TypeError, ValueError) as error:
            _log.warning("the account of the last cycle is damaged: %s", error)
        if self._trail:
            records += self._trail.records(self._sensors)
        self._add(rtc_s, records)

    def due(self):
        """Return whether this cycle uses the radio. Without it what was measured waits."""
        if self._manners and not self._manners.may_connect():
            self.cause = self._manners.reason
            return False
        return True

    def connect(self):
        """Bring the bearer up and add its phases to those of the cycle."""
        from utils import clock

        self._tried = True
        if not self._may("connect", "send", "deactivate"):
            self.cause = "reset"
            return
        needs, config = self._protocol.NEEDS, self._config
        if self._manners:
            self._manners.connecting(hasattr(self._bearer, "ATTACHES"))
            if hasattr(self._bearer, "time_fields"):
                config = self._manners.attempt_config(config, self._bearer.time_fields(needs))
        clock.expect(self._bearer)
        if self._is_much():
            self._up = self._bearer.up(config, needs, True)
        else:
            self._up = self._bearer.up(config, needs)
        outcome = self._bearer.last_outcome()
        start_ms = timing.now_ms() - sum(duration_ms for _, duration_ms in outcome.phases)
        for name, duration_ms in outcome.phases:
            self.phases.append([name, start_ms, duration_ms])
            start_ms += duration_ms
            self._link = name
        self.status = outcome.status
        self.cause = outcome.cause
        if self._up and clock.ask(self._bearer):
            self._note_clock()

    def send(self):
        """Send what waits, the measurement of this cycle with it, for _DRAIN_S at most."""
        if not self._up:
            return
        self._may("send")
        with _Phase(self.phases, "send"):
            try:
                transport = self._bearer.transport(self._protocol.NEEDS)
            except OSError as error:
                _log.warning("no transport: %s", error)
                return
            session = self._protocol.open(transport, self._config)
            try:
                self._send_waiting(session)
            finally:
                session.close()

    def keep(self):
        """Bring what waits to where it outlives the sleep, and after a failure a loss of power.

        What was handed over without an answer is settled when the radio is off.
        """
        failed = self._tried and (self.outcome is not None or not self.accepted)
        if failed or self.accepted == self.delivered:
            self._settle(failed)

    def deactivate(self):
        """Switch the radio off, on every path. False if no bearer here can do it."""
        import machine

        if self._bearer is None:  # then only the firmware may have started a radio
            woken = machine.reset_cause() == machine.DEEPSLEEP_RESET
            return woken and not _started_by_firmware()
        if not self._may("deactivate"):
            return True  # nothing has started it
        with _Phase(self.phases, "deactivate"):
            try:
                if self._up:
                    from utils import clock

                    if clock.ask(self._bearer):  # its time may have come since
                        self._note_clock()
                if not self._bearer.down(self.accepted == self.delivered):
                    _log.warning("radio not confirmed off")
                self._note_left()
                return True
            except Exception as error:  # noqa: BLE001 - the node must reach its sleep
                self.fail("exception", error)
                return False

    def sleep(self):
        """Deep sleep until the next instant at the place of this node in the period."""
        import machine

        awake_ms = timing.now_ms()
        sleep_ms = max(_LEAST_SLEEP_MS, self.settings["_PERIOD_S"] * 1000 - awake_ms)
        asked_ms = sleep_ms
        try:
            if self._trail:
                period_s = self.settings["_PERIOD_S"]
                self._skips_left = self._trail.good_cycle(period_s, self._skips_left)
            from utils import clock, store

            store.keep_cycle(self._account(awake_ms))
            if self._manners:
                self._end_attempt()
                sleep_ms = asked_ms = self._manners.sleep_ms()
            asked_ms = clock.sleep_ms(sleep_ms)  # the RTC measures it, which drifts
        except Exception as error:  # noqa: BLE001 - the node must reach its sleep
            self.fail("exception", error)
        _log.info("awake %d ms, sleeping %d ms", awake_ms, sleep_ms)
        machine.deepsleep(asked_ms)

    def _have_manners(self):
        """Know this node's place in the period, and what its attempts of before allow."""
        try:
            from utils import manners

            self._manners = manners.Manners(self._config, self.settings)
        except Exception as error:  # noqa: BLE001 - a damaged file must not cost the report
            self.fail("exception", error)

    def _end_attempt(self):
        """Tell how the attempt ended, and whether the next start may switch the radio on early."""
        import node_start

        if self._tried:
            if self.delivered or self.accepted and not self.outcome and self.left != 0:
                self._manners.delivered()
            elif self._up:
                self._manners.failed(self.outcome or "not_sent", "temporary")
            else:
                kind = getattr(self._bearer, "back_off", None)
                self._manners.failed(self.cause, kind() if kind else "temporary")
        node_start.start_early(self._config, self._manners.is_settled())

    def fail(self, cause, error):
        self.cause = cause
        _log.exception(error, "%s: %s", cause, error)

    def _may(self, step, *needed):
        """Leave a breadcrumb. False if the board was reset in one of these steps too often."""
        if self._trail is None:
            return True
        self._trail.mark(step)
        return not [each for each in (step,) + needed if each in self._trail.culprits]

    def _add(self, rtc_s, records):
        """Put the measurement into the journal; keep it for this cycle if that is not possible."""
        from utils import clock, journal, store

        epoch, anchor = clock.epoch(), clock.anchor()
        if self._may("keep"):
            settings = [self.settings[name] for name in _JOURNAL_FIELDS]
            self._journal = journal.Journal(_JOURNAL, *settings)
            self._journal.note_clock(epoch, anchor)
            if self._journal.add(self.sequence, rtc_s, epoch, records):
                return
        boot = store.boot_number()
        self._entry = journal.Entry(self.sequence, boot, epoch, rtc_s, anchor, None, records)

    def _is_much(self):
        """Return whether so much waits that the bearer had better be brought up for it."""
        datagrams = getattr(self._bearer, "MUCH", None)
        if not datagrams or not self._journal:
            return False
        each = 20 + _RECORD_BYTES * len(self.measurements)
        return self._journal.waiting * each > datagrams * self._bearer.datagram_limit()

    def _send_waiting(self, session):
        from protocols import drain, senml_batch, senml_report
        from utils import clock

        base_name = (self.settings["_DEVICE_NAME"] or senml_report.board_name()) + ":"
        limit = self._bearer.datagram_limit() - self._protocol.overhead(self._config)
        if hasattr(self._protocol, "longest"):
            limit = min(limit, self._protocol.longest(self._config))

        def packs(groups, unfit):
            return senml_batch.packs(base_name, groups, limit, unfit)

        extra = self._bearer.metrics()
        lost = self._journal.given_up if self._journal else 0
        if lost and lost != self._told:
            extra.append(("gu", lost, 0, None))
        groups = senml_report.Groups(session.confirms, self.sequence, extra)
        self._drain = drain.Drain(session, self._journal, packs, self._last.get("held", ()))
        self._drain.on_sent = groups.sent
        clock.ask_server(session)
        try:
            self._drain.run(self._waiting(session, groups), self.settings["_DRAIN_S"] * 1000)
            if clock.hear(session):
                self._note_clock()
        finally:
            self.accepted, self.delivered = self._drain.accepted, self._drain.delivered
            self.outcome = self._drain.outcome
            if groups.has_sent_current:
                self._told = lost

    def _waiting(self, session, groups):
        """Yield a group for each measurement that waits, when its turn comes.

        A time that the server has told meanwhile dates those that have not been sent yet.
        """
        from utils import clock

        entries = self._journal.entries(self.settings["_ORDER"]) if self._journal else ()
        for entry in entries:
            if clock.hear(session):
                self._note_clock()
                clock.ask_server(session)
            yield groups.of(entry)
        if self._entry:
            yield groups.of(self._entry)

    def _note_clock(self):
        from utils import clock

        if self._journal:
            self._journal.note_clock(clock.epoch(), clock.anchor())

    def _note_left(self):
        """Count the messages that have left the radio; keep those that certainly have not."""
        self.left = self.delivered
        if self.accepted == self.delivered:
            return
        left = self._bearer.left()
        if left:
            self.left = self.accepted
        elif left is None and not self.delivered:
            self.left = None
        if self._drain.hand_over(left):
            self._settle(left is False)

    def _settle(self, failed):
        try:
            if self._journal and self._may("keep"):
                self._journal.settle(failed, self._is_battery_low())
        except Exception as error:  # noqa: BLE001 - the node must reach its sleep
            self.fail("exception", error)

    def _is_battery_low(self):
        """Return whether the next cycles may be without power."""
        import node_start

        supply_mv = node_start.supply_mv
        return supply_mv is not None and supply_mv < self.settings["_BATTERY_MIN_MV"] + _LOW_MV

    def _account(self, awake_ms):
        drain, journal = self._drain, self._journal
        return {
            "seq": self.sequence,
            "status": self.status,
            "cause": self.cause,
            "accepted": self.accepted,
            "delivered": self.delivered,
            "left": self.left,
            "waiting": journal.waiting if journal else None,
            "given_up": journal.given_up if journal else None,
            "held": drain.held if drain else self._last.get("held", ()),
            "told": self._told,
            "link": self._link,
            "phases": self.phases,
            "awake_ms": awake_ms,
            "skips": self._skips_left,
        }


class _Phase:
    """Records the start and the duration of a step, also if it fails."""

    def __init__(self, phases, name):
        self._phases = phases
        self._name = name

    def __enter__(self):
        self._start_ms = timing.now_ms()

    def __exit__(self, kind, error, traceback):
        self._phases.append([self._name, self._start_ms, timing.now_ms() - self._start_ms])


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


def _started_by_firmware():
    import pycom

    return pycom.lte_modem_en_on_boot()
