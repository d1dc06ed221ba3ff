"""The radio's part of a cycle: bring the bearer up, send what waits, switch the bearer off.

    sender = node_send.Sender(node)
    sender.wake()                   # where there is something to do until connect()
    sender.connect()
    if sender.is_up:
        sender.send()
    sender.deactivate()

Apart from node.py, since a cycle that only measures does not load it.
"""

from utils import logging, timing

_log = logging.Logger("node")

_HEAD_BYTES = 100  # of a datagram, about: base name, figures of the node


def _measurement_bytes(records):
    """Return about how many bytes a measurement takes in a datagram."""
    return 20 + 13 * records


class Sender:
    """is_up: whether something can be sent. drain: a protocols.drain.Drain, if something was."""

    def __init__(self, node, bearer=None, protocol=None):
        """bearer, protocol: modules; None: those that a check has found in an earlier cycle."""
        from utils import plugins

        self.is_up = False
        self._node = node
        self._bearer = bearer or plugins.find("networking", node.settings["_BEARER"], ())
        self._protocol = protocol
        self.drain = None

    def wake(self):
        """Let the hardware of the bearer wake up until connect(), if it can."""
        if hasattr(self._bearer, "wake"):
            self._tell_node_time()
            self._bearer.wake(self._node.config)

    def loads(self):
        """Load all that sending needs, a file at a time, while sensors or the modem take their
        time."""
        import protocols
        from utils import plugins

        if not self._protocol:
            wanted = self._node.settings["_PROTOCOL"]
            name = protocols.named(wanted, self._bearer, self._node.config)
            self._protocol = plugins.find("protocols", name, ())
        yield
        from protocols import senml_batch  # noqa: F401 - used in send()

        yield
        from protocols import drain  # noqa: F401 - as above

        yield
        from protocols import senml_report  # noqa: F401 - as above

    def connect(self):
        """Bring the bearer up and add its phases to those of the cycle."""
        from utils import clock

        work = self.loads()
        next(work)  # the protocol says what it needs
        node, config, needs = self._node, self._node.config, self._protocol.NEEDS
        resumes = hasattr(self._bearer, "RESUMES") and self._bearer.may_resume(config)
        if hasattr(self._bearer, "meanwhile"):
            self._bearer.meanwhile(work)
        if node.manners:
            attempts = node.manners.attempts()
            attempts.begin(hasattr(self._bearer, "ATTACHES") and not resumes)
            self._tell_node_time()
            if hasattr(self._bearer, "time_fields"):
                config = attempts.config(config, self._bearer.time_fields(needs))
        if not (resumes and getattr(self._protocol, "TELLS_TIME", False)):
            clock.expect(self._bearer, resumes)
        if self._is_much():
            self.is_up = self._bearer.up(config, needs, True)
        else:
            self.is_up = self._bearer.up(config, needs)
        if resumes and node.manners and not self._bearer.resumed():
            attempts.begin(True)  # it was an attach after all
        for _ in self.loads():  # what is not there yet
            pass
        outcome = self._bearer.last_outcome()
        start_ms = timing.now_ms() - sum(duration_ms for _, duration_ms in outcome.phases)
        for name, duration_ms in outcome.phases:
            node.phases.append([name, start_ms, duration_ms])
            start_ms += duration_ms
            node.link = name
        node.status = outcome.status
        node.cause = outcome.cause
        if self.is_up and clock.ask(self._bearer):
            self._note_clock()

    def send(self):
        """Send what waits, the measurement of this cycle with it, for _DRAIN_S at most.

        A registration that the bearer has taken up may be worth nothing, which only a failure
        shows: then an attach comes next, unless the cycle before has failed, too.
        """
        node = self._node
        is_clear = not node.manners or node.manners.attempts().is_clear()
        self._send()
        if self._went_well() or not is_clear:
            return
        if hasattr(self._bearer, "RESUMES") and self._bearer.resumed():
            _log.warning("the registration that was kept does not carry: attaching")
            self.connect()
            if self.is_up:
                node.outcome = None
                self._send()

    def _send(self):
        with timing.Phase(self._node.phases, "send"):
            try:
                transport = self._bearer.transport(self._protocol.NEEDS)
            except OSError as error:
                _log.warning("no transport: %s", error)
                return
            session = self._protocol.open(transport, self._node.config)
            try:
                self._send_waiting(session)
            finally:
                session.close()

    def deactivate(self):
        """Switch the bearer off."""
        node = self._node
        if self.is_up:
            from utils import clock

            if clock.ask(self._bearer):  # its time may have come since
                self._note_clock()
                node.settle(False)  # a cut in the sleep must not cost what waits its time
        settled = node.accepted == node.delivered
        if hasattr(self._bearer, "RESUMES"):
            # a cycle that failed leaves nothing behind: the next one attaches
            done = self._bearer.down(settled, self._went_well())
        else:
            done = self._bearer.down(settled)
        if not done:
            _log.warning("radio not confirmed off")
        self._note_left()

    def tell(self, attempts):
        """Tell how the attempt ended. What is handed over counts where nothing confirms."""
        node = self._node
        if node.delivered or node.accepted and not node.outcome and node.left != 0:
            attempts.delivered()
            return
        bearer = self._bearer
        kind = bearer.back_off() if hasattr(bearer, "back_off") else "temporary"
        if self.is_up:
            attempts.failed(node.outcome or "not_sent", kind)
        else:
            wait_s = bearer.wait_s() if hasattr(bearer, "wait_s") else 0
            attempts.failed(node.cause, kind, wait_s)

    def _went_well(self):
        return bool(self._node.accepted) and not self._node.outcome

    def _tell_node_time(self):
        if self._node.manners and hasattr(self._bearer, "node_time"):
            self._bearer.node_time(self._node.manners.now_s())

    def _is_much(self):
        """Return whether so much waits that the bearer had better be brought up for it."""
        node = self._node
        datagrams = getattr(self._bearer, "MUCH", None)
        if not datagrams or not node.journal:
            return False
        each = _measurement_bytes(len(node.measurements))
        return node.journal.waiting * each > datagrams * self._bearer.datagram_limit()

    def _send_waiting(self, session):
        from protocols import drain, senml_batch, senml_report
        from utils import clock

        node = self._node
        base_name = (node.settings["_DEVICE_NAME"] or senml_report.board_name()) + ":"
        limit = self._bearer.datagram_limit() - self._protocol.overhead(node.config)
        if hasattr(self._protocol, "longest"):
            limit = min(limit, self._protocol.longest(node.config))

        def packs(groups, unfit):
            return senml_batch.packs(base_name, groups, limit, unfit)

        extra = self._bearer.metrics()
        lost = node.journal.given_up if node.journal else 0
        if lost and lost != node.told:
            extra.append(("gu", lost, 0, None))
        update = node.update()
        if update:
            extra += update.records()
        groups = senml_report.Groups(session.confirms, node.sequence, extra)
        self.drain = drain.Drain(session, node.journal, packs, node.last.get("held", ()))
        self.drain.on_sent = groups.sent
        if hasattr(session, "is_known") and node.manners:
            session.is_known = node.manners.attempts().is_clear()
        clock.ask_server(session)
        try:
            deadline = timing.Deadline(node.settings["_DRAIN_S"] * 1000)
            anchor = clock.anchor()
            tells_time = hasattr(session, "server_time")
            if tells_time and anchor and not anchor[2] and clock.wanted():
                # The rate of the clock is not known: only what is new can be dated well. The
                # answer to it tells the time, which dates the others
                held = self.drain.held
                self.drain.run(self._newest(groups, clock.rtc_s() - anchor[0], limit), 0)
                self.drain.held = held + [pair for pair in self.drain.held if pair not in held]
            if not self.drain.outcome and not (self.drain.accepted and deadline.expired()):
                self.drain.run(self._waiting(session, groups), deadline.left_ms())
            self._hear(session)
        finally:
            node.accepted, node.delivered = self.drain.accepted, self.drain.delivered
            node.outcome = self.drain.outcome
            if groups.has_sent_current:
                node.told = lost
        update = node.update(getattr(session, "offer", None))
        if update and groups.has_sent_current and not node.outcome:
            update.sent(session, self._bearer.datagram_limit())

    def _waiting(self, session, groups):
        """Yield a group for each measurement that waits, when its turn comes.

        A time that the server has told meanwhile dates those that have not been sent yet.
        """
        node = self._node
        self._hear(session)
        entries = node.journal.entries(node.settings["_ORDER"]) if node.journal else ()
        for entry in entries:
            yield groups.of(entry)
            self._hear(session)
        if node.entry:
            yield groups.of(node.entry)

    def _newest(self, groups, since_s, limit):
        """Yield the groups of one datagram, newest first: one, and those that are no older than
        2/9 of the time since the last good clock.

        At a drift of 3.5 % (docs/time.md) their times are then within 1 % of the time between
        that and the measurement.
        """
        from utils import clock

        journal = self._node.journal
        left = limit - _HEAD_BYTES
        first = True
        for entry in journal.entries("newest") if journal else ():
            is_old = (clock.rtc_s() - entry.rtc_s) // 2 > since_s // 9
            left -= _measurement_bytes(len(entry.records))
            if not first and (is_old or left < 0):
                return
            first = False
            yield groups.of(entry)

    def _hear(self, session):
        from utils import clock

        if clock.hear(session):
            self._note_clock()
            clock.ask_server(session)

    def _note_clock(self):
        from utils import clock

        journal = self._node.journal
        if journal:
            journal.note_clock(clock.epoch(), clock.anchor())

    def _note_left(self):
        """Count the messages that have left the radio; keep those that certainly have not."""
        node = self._node
        node.left = node.delivered
        if node.accepted == node.delivered:
            return
        left = self._bearer.left()
        if left:
            node.left = node.accepted
        elif left is None and not node.delivered:
            node.left = None
        if self.drain.hand_over(left):
            node.settle(left is False)
