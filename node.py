"""The steps of one report, from the end of boot.py to deep sleep; main.py puts them in order.

    node = Node()
    if node.configure():
        node.measure()
        node.connect()
        node.send()
    node.keep_unsent()
    node.deactivate()         # False if no bearer can do it
    node.sleep()              # does not return

keep_unsent(), deactivate() and sleep() never raise; main.py calls them on every path. Messages
that could not be sent are kept on the flash and sent in a later cycle. After a reset that was no
deep sleep the steps leave a trail (utils/trail.py): one that hangs again and again is left out.
"""

from utils import logging, timing

_log = logging.Logger("node")

_BACKLOG = "/flash/backlog.bin"
_REST_S = 3600  # the period of a node whose configuration cannot be read
_LEAST_SLEEP_MS = 1000


class Node:
    """The steps of one report, and the state that they share."""

    def __init__(self):
        self.settings = {"_PERIOD_S": _REST_S}
        self.cause = "none"
        self.status = -1
        self.measurements = []
        self.phases = []  # [name, start in ms since boot, duration in ms]
        self.sequence = None
        self.unsent = []  # datagrams of this cycle that still have to be sent
        self.accepted = 0  # messages that were not refused
        self.delivered = 0  # messages that the server confirmed
        self.left = 0  # messages known to have left the radio; None: nothing told
        self._link = None  # name of the last phase of connecting, also if it failed
        self._last = []  # records about the previous cycle
        self._reported = False
        self._config = None
        self._bearer = None  # module of networking/
        self._protocol = None  # module of protocols/
        self._up = False
        self._unanswered = []  # datagrams to which no answer will come
        self._backlog = None
        self._sensors = ()
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
        return True

    def measure(self):
        """Read all sensors. A sensor that fails costs its own values only.

        Also load the report format and take the sequence number, while the modem may be starting.
        """
        import sensors
        from protocols import senml  # noqa: F401 - loaded now, used after connecting
        from utils import store

        skipped, mark = (), None
        if self._trail:
            skipped, mark = self._trail.culprits, self._trail.mark
        if self._may("measure"):
            with _Phase(self.phases, "measure"):
                self.measurements = sensors.measure(self._sensors, skipped, mark)
        self.sequence = store.next_sequence()
        last = store.last_cycle()
        self._skips_left = last.get("skips")
        try:
            self._last = self._last_phases(last)
        except (TypeError, ValueError) as error:
            _log.warning("the account of the last cycle is damaged: %s", error)
        if self._trail:
            self._last += self._trail.records(self._sensors)
        for item in self.measurements:
            if item.cause is None:
                text = _decimal(item.value, item.exponent)
                _log.info("%s = %s %s", item.name, text, item.unit)

    def connect(self):
        """Bring the bearer up and add its phases to those of the cycle."""
        if not self._may("connect", "send", "deactivate"):
            self.cause = "reset"
            return
        self._up = self._bearer.up(self._config, self._protocol.NEEDS)
        outcome = self._bearer.last_outcome()
        start_ms = timing.now_ms() - sum(duration_ms for _, duration_ms in outcome.phases)
        for name, duration_ms in outcome.phases:
            self.phases.append([name, start_ms, duration_ms])
            start_ms += duration_ms
            self._link = name
        self.status = outcome.status
        self.cause = outcome.cause

    def send(self):
        """Send the report, then the messages that earlier cycles could not send."""
        self._report()
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
                again, refused = self._deliver(session, self.unsent)
                self.unsent = again + refused
                if not self.unsent:
                    self._send_backlog(session)
            finally:
                session.close()

    def keep_unsent(self):
        """Store measurements that were not sent, or not confirmed, for a later cycle."""
        try:
            if not self._may("keep"):
                return
            if self.measurements and not self._reported:
                self._report()
            if self.unsent:
                backlog = self._open_backlog()
                if backlog.save(backlog.load() + self.unsent):
                    _log.info("%s kept for later", _count(len(self.unsent)))
        except Exception as error:  # noqa: BLE001 - the node must reach its sleep
            self.fail("exception", error)

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
                if not self._bearer.down(self.accepted == self.delivered):
                    _log.warning("radio not confirmed off")
                self._note_left()
                return True
            except Exception as error:  # noqa: BLE001 - the node must reach its sleep
                self.fail("exception", error)
                return False

    def sleep(self):
        """Deep sleep for the rest of the period: its length less the time awake."""
        import machine

        awake_ms = timing.now_ms()
        try:
            if self._trail:
                period_s = self.settings["_PERIOD_S"]
                self._skips_left = self._trail.good_cycle(period_s, self._skips_left)
            from utils import store

            store.keep_cycle(self._account(awake_ms))
        except Exception as error:  # noqa: BLE001 - the node must reach its sleep
            self.fail("exception", error)
        sleep_ms = max(_LEAST_SLEEP_MS, self.settings["_PERIOD_S"] * 1000 - awake_ms)
        _log.info("awake %d ms, sleeping %d ms", awake_ms, sleep_ms)
        machine.deepsleep(sleep_ms)

    def _note_left(self):
        """Count the messages that have left the radio; keep those that certainly have not."""
        self.left = self.delivered
        if self.accepted == self.delivered:
            return
        left = self._bearer.left()
        if left:
            self.left = self.accepted
        elif left is False:
            _log.warning("%s did not leave the radio", _count(len(self._unanswered)))
            self.unsent = self._unanswered
            self.keep_unsent()
        elif not self.delivered:
            self.left = None

    def fail(self, cause, error):
        self.cause = cause
        _log.exception(error, "%s: %s", cause, error)

    def _may(self, step, *needed):
        """Leave a breadcrumb. False if the board was reset in one of these steps too often."""
        if self._trail is None:
            return True
        self._trail.mark(step)
        return not [each for each in (step,) + needed if each in self._trail.culprits]

    def _report(self):
        """Pack measurements, signal and the previous cycle into datagrams that stand alone."""
        import sensors
        from protocols import senml

        records = [item[:4] for item in self.measurements] + sensors.statuses(self.measurements)
        records += self._bearer.metrics() + self._last
        limit = self._room()
        name = self.settings["_DEVICE_NAME"] or _board_name(senml)

        def packed(records):
            return senml.pack(name + ":", records, limit, seq=self.sequence, seq_name="")

        try:
            self.unsent = packed(records)
        except ValueError:  # one record is too long for the data rate; the others must go
            good = []
            for record in records:
                try:
                    packed([record])
                    good.append(record)
                except ValueError as error:
                    _log.error("not reported: %s", error)
            self.unsent = packed(good)
        self._reported = True

    def _last_phases(self, account):
        """Return the durations of the previous cycle as records, in ms.

        The last phase of connecting, usually the longest, is always among them; the others come
        with every _PHASES_EVERY-th report. A name is the first two letters of the phase.
        """
        every = self.settings["_PHASES_EVERY"]
        due = every > 0 and self.sequence is not None and self.sequence % every == 1 % every
        records = []
        for name, _, duration_ms in account.get("phases", ()):
            if name == account.get("link"):
                records.insert(0, (name[:2], duration_ms, 0, None))
            elif due and name != "measure":
                records.append((name[:2], duration_ms, 0, None))
        if due and "awake_ms" in account:
            records.append(("aw", account["awake_ms"], 0, None))
        return records

    def _deliver(self, session, payloads):
        """Send the payloads in order. Return two lists: (to send again, refused).

        A missing confirmation ends the loop: each later payload would wait as long.
        """
        from protocols import DELIVERED, REFUSED

        refused = []
        for index, payload in enumerate(payloads):
            outcome = session.deliver(payload)
            if outcome == REFUSED:
                refused.append(payload)
                continue
            self.accepted += 1
            if outcome == DELIVERED:
                self.delivered += 1
                _log.info("%d bytes delivered", len(payload))
            else:
                _log.info("%d bytes handed over, arrival unknown", len(payload))
                if not session.confirms:
                    self._unanswered.append(payload)
            if session.confirms and outcome != DELIVERED:
                return payloads[index:], refused
        return [], refused

    def _send_backlog(self, session):
        backlog = self._open_backlog()
        waiting = backlog.load()
        room = self._room()
        fitting = [datagram for datagram in waiting if len(datagram) <= room]
        if len(fitting) < len(waiting):  # kept under another bearer, for which they stay there
            _log.warning("%d kept datagrams are too long", len(waiting) - len(fitting))
        now = fitting[: self.settings["_BACKLOG_PER_CYCLE"]]
        if now:
            again, refused = self._deliver(session, now)
            if again != now:
                # refused ones go to the end: they must not block the others
                others = [datagram for datagram in waiting if datagram not in now]
                backlog.save(again + others + refused)

    def _room(self):
        """Return the greatest length of a datagram that the bearer carries now, in bytes."""
        return self._bearer.datagram_limit() - self._protocol.overhead(self._config)

    def _open_backlog(self):
        from utils import store

        if self._backlog is None:
            self._backlog = store.Backlog(_BACKLOG, self.settings["_BACKLOG_BYTES"])
        return self._backlog

    def _account(self, awake_ms):
        return {
            "seq": self.sequence,
            "status": self.status,
            "cause": self.cause,
            "accepted": self.accepted,
            "delivered": self.delivered,
            "left": self.left,
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


def _count(datagrams):
    return "1 datagram" if datagrams == 1 else "%d datagrams" % datagrams


def _decimal(mantissa, exponent):
    """Write mantissa * 10 ** exponent without a float: (-5, -2) -> "-0.05"."""
    digits = str(abs(mantissa))
    if exponent < 0:
        digits = "0" * (1 - exponent - len(digits)) + digits
        digits = digits[:exponent] + "." + digits[exponent:]
    return ("-" if mantissa < 0 else "") + digits + "0" * exponent


def _board_name(senml):
    """Return a name of 8 letters and digits, made from the board's unique id (its MAC address)."""
    import machine

    return senml.short_name(machine.unique_id())


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
