"""What protocols/drain.py does with what was refused or fits no datagram, loaded on demand."""

from micropython import const

from protocols.drain import MOST_HELD, log

_MOST_REFUSALS = const(3)  # of a measurement, in sessions that took others


class Apart:
    """Sends the measurements of refused datagrams one by one, and those that were held back."""

    def __init__(self, drain, session):
        self._drain = drain
        self._session = session
        self._refusals = 0  # of the measurement that is sent by itself

    def take(self, pack, groups):
        """Deal with a datagram that was refused. False if the session is over."""
        drain = self._drain
        final = getattr(self._session, "final", False)  # of this one: outcomes of others follow
        torn = [group.key for group in groups]
        drain.torn += torn
        goes_on = drain.await_all()  # first: outcomes come in order
        if drain.outcome or not goes_on:
            return False
        drain.torn = [key for key in drain.torn if key not in torn]
        groups = [group for group in groups if group.key not in drain.over]
        if groups and len(pack.groups) == 1:
            return self._refused(groups[0], final)
        for group in groups:
            if not self.send(group):
                return False
            if drain.deadline.expired():  # one brings the next session further
                return False
        return True

    def send(self, group):
        """Send one measurement in datagrams of its own. False if the session is over."""
        drain = self._drain
        self._refusals = 0
        for pack in drain.packs([group], drain.unfit):
            if not drain.begin(pack) or not drain.await_all():
                return False
            if self._refusals:
                return True
        drain.over.append(group.key)
        self._hold(group)
        return True

    def _hold(self, group, *times):
        """Note how often a measurement was refused; without a number that it was not."""
        drain = self._drain
        others = [pair for pair in drain.held if pair[0] != group.seq]
        added = [[group.seq, each] for each in times]
        drain.held = (others + added)[-MOST_HELD:]

    def unfit(self, group, text):
        """Deal with a measurement that no datagram holds, or, with a text, with a part of one."""
        if text is None:
            self._give_up(group, "too long")
        else:
            log.error("not reported: %s", text)

    def _give_up(self, group, why):
        self._drain.over.append(group.key)
        log.error("measurement %d given up: %s", group.seq, why)
        if self._drain.journal:
            self._drain.journal.give_up(group.key, why)

    def _refused(self, group, final):
        """Deal with a measurement that was refused by itself. False if the session is over."""
        drain = self._drain
        self._refusals += 1
        if final:
            self._hold(group)
            self._give_up(group, "refused")
            return True
        times = 0
        for pair in drain.held:
            if pair[0] == group.seq:
                times = pair[1]
        if drain.accepted and times:
            times += 1
        if times >= _MOST_REFUSALS:
            self._hold(group)
            self._give_up(group, "refused")
            return True
        self._hold(group, max(1, times))
        if drain.accepted and times > 1:
            return True
        drain.outcome = "refused"
        return False
