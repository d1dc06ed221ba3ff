"""Random access of a NB-IoT cell: preambles on few subcarriers, which collide.

The configuration is that of a public network (SIB2 captured by D. Robinson, 2019): 12 subcarriers
every 640 ms, ten tries, then a wait of 0.3 to 0.8 s before the next one. Two preambles on one
subcarrier in one opportunity cost both their try. All nodes are of one coverage level.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import Generic, TypeVar

OPPORTUNITY_MS = 640
SUBCARRIERS = 12
MOST_TRIES = 10
AGAIN_MS = (300, 800)  # behind a collision; repetitions and the response window included

Who = TypeVar("Who")


@dataclass
class Contender(Generic[Who]):
    who: Who
    tries: int = 0


class RandomAccess(Generic[Who]):
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._waiting: dict[int, list[Contender[Who]]] = {}  # by number of the opportunity
        self.preambles = 0
        self.collisions = 0  # preambles that got nobody in

    @property
    def next_ms(self) -> int | None:
        """The next opportunity that somebody uses."""
        return min(self._waiting) * OPPORTUNITY_MS if self._waiting else None

    def ask(self, who: Who, now_ms: float) -> None:
        """Somebody wants in from now on."""
        self._queue(Contender(who), now_ms)

    def _queue(self, contender: Contender[Who], from_ms: float) -> None:
        number = int(-(-from_ms // OPPORTUNITY_MS))
        self._waiting.setdefault(number, []).append(contender)

    def take(self) -> tuple[list[Who], list[Who]]:
        """Carry out the next opportunity: (who got in, who gave up after the last try)."""
        number = min(self._waiting)
        contenders = self._waiting.pop(number)
        now_ms = number * OPPORTUNITY_MS
        chosen = [self._rng.randrange(SUBCARRIERS) for _ in contenders]
        used = Counter(chosen)
        let_in, gave_up = [], []
        for contender, subcarrier in zip(contenders, chosen, strict=True):
            self.preambles += 1
            contender.tries += 1
            if used[subcarrier] == 1:
                let_in.append(contender.who)
                continue
            self.collisions += 1
            if contender.tries == MOST_TRIES:
                gave_up.append(contender.who)
            else:
                self._queue(contender, now_ms + self._rng.uniform(*AGAIN_MS))
        return let_in, gave_up
