"""How long virtual time stands still for a real server: a bounded real time.

    turn = Turn(patience)
    turn.asked(target)                    # the board has sent something to this server
    data = turn.hear(awaited, poll)       # poll(wait_s) -> what has come, falsy if nothing

Servers need real time, and the board's clock would run past their answers. So it stands still
while the board waits for an answer, until the answer is there. What comes in a row behind it comes
with it. An answer thus takes no time at the server, only that on the air, in every run alike.

A server that does not answer costs at most `2 * answer_s` in a run, one that says no more at most
`2 * more_s`: each wait in vain halves the next one. A program that does not wait for an answer, as
one that only sends reports, costs at most `2 * unasked_s`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from emulator.board.clock import Clock
from emulator.network.addresses import Endpoint

ANSWER, MORE, UNASKED = range(3)
_T = TypeVar("_T")


class Patience:
    """Real seconds, for all conversations of a run."""

    answer_s = 1.5  # for an answer that the board waits for
    more_s = 1.0  # for more behind an answer, if it waits for that
    unasked_s = 0.02  # for an answer that it does not wait for, or not yet
    known_s = 0.25  # the same, of a server that has answered before
    quiet_s = 0.04  # behind an answer: what comes in a row comes together

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: set[Endpoint] = set()
        self._in_vain: dict[tuple[Endpoint, int], int] = {}

    def rely(self, seconds: float) -> None:
        """The server is known to answer: wait for it whatever the board does meanwhile."""
        self.unasked_s = seconds
        self.answer_s = max(self.answer_s, seconds)

    def give_up(self) -> None:
        """The server is known to stay silent."""
        self.answer_s = 0.0

    def wait_s(self, target: Endpoint, kind: int) -> float:
        """For what this server may say; 0 where virtual time is real time anyway."""
        if self._clock.pace is not None:
            return 0.0
        unasked_s = max(self.unasked_s, self.known_s if target in self._known else 0.0)
        most_s = (self.answer_s, self.more_s, min(unasked_s, self.answer_s))[kind]
        return most_s / float(2 ** self._in_vain.get((target, kind), 0))

    def waited(self, target: Endpoint, kind: int) -> None:
        """In vain."""
        self._in_vain[target, kind] = self._in_vain.get((target, kind), 0) + 1

    def heard(self, target: Endpoint, kind: int) -> None:
        self._known.add(target)
        for each in {kind, ANSWER, UNASKED}:
            self._in_vain.pop((target, each), None)


class Turn:
    """What one path of the board still expects of its server."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._target: Endpoint | None = None
        self._kind = ANSWER  # MORE once it has answered
        self._over = False  # what was worth waiting for was waited for

    def asked(self, target: Endpoint | None) -> None:
        """The board has sent to this server, or has connected to it."""
        self._target = target
        self._kind, self._over = ANSWER, False

    @property
    def expects(self) -> bool:
        """It is worth waiting."""
        target = self._target
        if self._over or target is None:
            return False
        return self._patience.wait_s(target, self._kind) > 0

    def hear(self, awaited: bool, poll: Callable[[float], _T]) -> _T:
        """Poll for as long as the server deserves. awaited: the board waits for it."""
        target = self._target
        if target is None or not self.expects:
            return poll(0.0)
        kind = self._kind if awaited else UNASKED
        found = poll(self._patience.wait_s(target, kind))
        if found:
            self.heard()
        else:
            self._over = awaited
            self._patience.waited(target, kind)
        return found

    def heard(self) -> None:
        """Something has come."""
        if self._target is not None:
            self._patience.heard(self._target, self._kind)
            self._kind, self._over = MORE, False
