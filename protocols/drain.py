"""Sends what a journal holds; measurements share datagrams and leave it when they are delivered.

    from protocols.drain import Drain
    drain = Drain(session, journal, packs, held)
    drain.run(groups, 30000)
    print(drain.delivered, drain.outcome)

Where the server or the network confirms, a measurement is done when each of its datagrams is
confirmed; where nothing confirms, when they have left the radio: see hand_over(). A missing
confirmation ends the session: each later datagram would wait as long.

Several datagrams may be under way (`session.begin`, protocols/__init__.py). Their outcomes are
taken in order, and what goes on in the next datagram is done when all of its parts are confirmed.

A datagram that is refused is taken apart, and its measurements are sent one by one. What a server
refuses for its content (`session.final`) is given up. Another refusal ends the session, and the
next one begins with the others. A measurement that is refused again while others are taken is
given up at the third time.
"""

from micropython import const

from protocols import DELIVERED, REFUSED
from utils import logging, timing

MOST_HELD = const(8)

log = logging.Logger("node")


class Drain:
    """One session.

    accepted    datagrams that were not refused
    delivered   datagrams that were confirmed
    outcome     None, or why the session ended early: "refused", "server_silent"
    held        [[sequence number, refusals], ...] of measurements that go last, for the next one

    The other members without an underscore are for protocols/_drain_apart.py.
    """

    def __init__(self, session, journal, packs, held):
        """journal: None if there is none. packs: function(groups, unfit) like senml_batch.packs.
        held: of the last session."""
        self._session = session
        self.journal = journal
        self.packs = packs
        self._apart = None
        self.over = []  # entries that this session is through with: given up, or sent alone
        self.deadline = None
        self._unanswered = []  # entries to which no answer will come
        self._under_way = []  # [(pack, groups), ...] in order
        self.torn = []  # keys of groups that have a part which was not confirmed
        self.accepted = 0
        self.delivered = 0
        self.outcome = None
        self.held = _pairs(held)
        self.on_sent = None  # function(group, whether it was confirmed)

    def run(self, groups, most_ms):
        """Send the groups of an iterable, whose keys are entries of the journal.

        Begin no datagram after most_ms, but send one measurement, whose first datagram alone would
        bring the next session no further. Raises nothing for trouble in the field.
        """
        last = []
        numbers = [pair[0] for pair in self.held]

        def first():
            for group in groups:
                if group.seq in numbers:
                    last.append(group)
                else:
                    yield group

        deadline = self.deadline = timing.Deadline(most_ms)
        tried = False  # a whole measurement
        for pack in self.packs(first(), self.unfit):
            if tried and deadline.expired():
                break
            tried = tried or bool(pack.complete)
            if not self.begin(pack):
                return
        if not self.await_all() or tried and deadline.expired():
            return
        # some may have been delivered or dropped in another way
        self.held = [pair for pair in self.held if pair[0] in [group.seq for group in last]]
        for group in last:
            if tried and deadline.expired() or not self.apart().send(group):
                return
            tried = True

    def hand_over(self, left):
        """Tell what became of the datagrams to which no answer comes.

        left: True if all have left the radio, None if nothing told, False if not: then they stay.
        """
        entries, self._unanswered = self._unanswered, []
        if left is not False:
            self._done(entries)
        elif entries:
            log.warning("%s did not leave the radio", count(len(entries)))
        return entries

    def begin(self, pack):
        """Send one datagram, and wait for outcomes if no more may be under way, or if this one's
        comes at once. False if the session is over."""
        groups = [group for group in pack.groups if group.key not in self.over]
        if not groups:
            return True
        session = self._session
        if hasattr(session, "is_last"):
            session.is_last = self._is_last(pack)
        if not hasattr(session, "begin"):
            return self._note(pack, groups, session.deliver(pack.payload))
        session.begin(pack.payload)
        self._under_way.append((pack, groups))
        while len(self._under_way) >= session.at_once:
            if not self._await_first():
                return False
        return True

    def _is_last(self, pack):
        """True if nothing is known to wait behind it: what follows is a guess of the bearer's."""
        journal = self.journal
        return bool(journal) and not self._under_way and len(pack.complete) >= journal.waiting

    def _await_first(self):
        pack, groups = self._under_way.pop(0)
        return self._note(pack, groups, self._session.outcome())

    def await_all(self):
        """Take the outcomes of all that is under way. False if the session is over."""
        goes_on = True
        while self._under_way:
            goes_on = self._await_first() and goes_on
        return goes_on

    def _note(self, pack, groups, outcome):
        """Note what became of a datagram. False if the session is over."""
        if outcome == REFUSED:
            return self.apart().take(pack, groups)
        self.accepted += 1
        size, numbers = len(pack.payload), len(pack.groups)
        if outcome == DELIVERED:
            self.delivered += 1
            log.info("%d bytes delivered, %s", size, count(numbers))
            whole = [group.key for group in pack.complete if group.key not in self.torn]
            self._done(whole)
        else:
            log.info("%d bytes handed over, arrival unknown, %s", size, count(numbers))
            if self._session.confirms:
                self.outcome = "server_silent"
                self.torn += [group.key for group in groups]
                self.await_all()
                return False
            self._unanswered += [group.key for group in pack.complete]
        if self.on_sent:
            for group in groups:
                self.on_sent(group, outcome == DELIVERED)
        return True

    def apart(self):
        """Return what deals with refusals; a session without any does not load it."""
        if self._apart is None:
            from protocols import _drain_apart

            self._apart = _drain_apart.Apart(self, self._session)
        return self._apart

    def unfit(self, group, text):
        self.apart().unfit(group, text)

    def _done(self, entries):
        if self.journal and entries:
            self.journal.done(entries)


def count(measurements):
    return "1 measurement" if measurements == 1 else "%d measurements" % measurements


def _pairs(held):
    """Return what the last account says, if it is well-formed."""
    try:
        return [[int(number), int(times)] for number, times in held][:MOST_HELD]
    except (TypeError, ValueError):
        return []
