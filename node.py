"""The steps of one report, from the end of boot.py to deep sleep; main.py puts them in order.

    node = Node()
    if node.configure():
        node.measure()
        node.connect()
        node.send()
    node.keep_unsent()
    node.deactivate()
    node.sleep()              # does not return

keep_unsent(), deactivate() and sleep() never raise; main.py calls them on every path. Messages
that could not be sent are kept on the flash and sent in a later cycle.
"""

from utils import configuration, logging, timing

_log = logging.Logger("node")

_FIELDS = (
    ("_DEVICE_NAME", "name", (1, 20), None),
    ("_PERIOD_S", "integer", (10, 604800)),
    ("_BEARER", "text", (1, 20)),
    ("_PROTOCOL", "text", (1, 20), "udp"),
    ("_HOST", "text", (1, 100)),
    ("_PORT", "integer", (1, 65535)),
    ("_PHASES_EVERY", "integer", (0, 65536), 0),
    ("_BACKLOG_BYTES", "integer", (0, 65536), 4096),
    ("_BACKLOG_PER_CYCLE", "integer", (0, 100), 4),
    ("_LOG_LEVEL", "choice", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO"),
)
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

    def configure(self):
        """Check all fields before the hardware is touched. Log all problems; False if any."""
        import config
        import sensors

        self._config = config
        settings, problems = configuration.problems(config, _FIELDS)
        self._sensors = getattr(config, "_SENSORS", ())
        problems += sensors.check(self._sensors)
        if "_BEARER" in settings and "_PROTOCOL" in settings:
            try:
                problems += self._choose(settings["_BEARER"], settings["_PROTOCOL"])
            except ValueError as error:
                problems.append(str(error))
        if "_PERIOD_S" in settings:
            self.settings = settings
        if problems:
            self.cause = "configuration"
            _log.error("configuration: %s", "; ".join(problems))
            return False
        logging.setLevel(getattr(logging, settings["_LOG_LEVEL"]))
        return True

    def _choose(self, bearer_name, protocol_name):
        """Find bearer and protocol; return their problems, alone and together."""
        from utils import plugins

        # a module of an older release lacks left()
        self._bearer = plugins.find(
            "networking", bearer_name, ("up", "down", "left"), field="_BEARER"
        )
        found = self._bearer.problems(self._config)
        protocol = plugins.find("protocols", protocol_name, ("open", "NEEDS"), field="_PROTOCOL")
        self._protocol = protocol
        kinds = (protocol.NEEDS,) if found else self._bearer.carries(self._config)
        found += protocol.problems(self._config)
        if protocol.NEEDS not in kinds:
            text = "_PROTOCOL = %r needs a %s; _BEARER = %r as configured allows: %s"
            found.append(text % (protocol_name, protocol.NEEDS, bearer_name, ", ".join(kinds)))
        return found

    def measure(self):
        """Read all sensors. A sensor that fails costs its own values only.

        Also load the report format and take the sequence number, while the modem may be starting.
        """
        import sensors
        from protocols import senml  # noqa: F401 - loaded now, used after connecting
        from utils import store

        with _Phase(self.phases, "measure"):
            self.measurements = sensors.measure(self._sensors)
        self.sequence = store.next_sequence()
        self._last = self._last_phases(store.last_cycle())
        for item in self.measurements:
            if item.cause is None:
                text = _decimal(item.value, item.exponent)
                _log.info("%s = %s %s", item.name, text, item.unit)

    def connect(self):
        """Bring the bearer up and add its phases to those of the cycle."""
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
            if self.measurements and not self._reported:
                self._report()
            if self.unsent:
                backlog = self._open_backlog()
                if backlog.save(backlog.load() + self.unsent):
                    _log.info("%s kept for later", _count(len(self.unsent)))
        except Exception as error:  # noqa: BLE001 - the node must reach its sleep
            self.fail("exception", error)

    def deactivate(self):
        """Switch the radio off, on every path."""
        if self._bearer is None:
            return
        with _Phase(self.phases, "deactivate"):
            try:
                if not self._bearer.down(self.accepted == self.delivered):
                    _log.warning("radio not confirmed off")
                self._note_left()
            except Exception as error:  # noqa: BLE001 - the node must reach its sleep
                self.fail("exception", error)

    def sleep(self):
        """Deep sleep for the rest of the period: its length less the time awake."""
        import machine

        from utils import store

        awake_ms = timing.now_ms()
        try:
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

    def _report(self):
        """Pack measurements, signal and the previous cycle into datagrams that stand alone."""
        import sensors
        from protocols import senml

        records = [item[:4] for item in self.measurements] + sensors.statuses(self.measurements)
        records += self._bearer.metrics() + self._last
        limit = self._bearer.datagram_limit() - self._protocol.overhead(self._config)
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
        now = waiting[: self.settings["_BACKLOG_PER_CYCLE"]]
        if now:
            again, refused = self._deliver(session, now)
            if again != now:
                # refused ones go to the end: they must not block the others
                backlog.save(again + waiting[len(now) :] + refused)

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
