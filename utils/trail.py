"""Breadcrumbs after a reset that was no deep sleep: what the node was doing when it was reset.

    from utils import trail
    crumbs = trail.Trail()
    crumbs.mark("connect")                  # written only if it is another step than before
    if "connect" in crumbs.culprits: ...    # it was reset there: leave it out
    left = crumbs.good_cycle(900, left)     # the cycle reaches its sleep

boot.py counts the resets since the last good cycle in NVS, under "resets". The application makes a
Trail only if there are any: in the normal course nothing is written. The RTC memory would be
cheaper, but only a deep sleep keeps it (Pycom firmware 1.20.2.r4, esp32/mods/machrtc.c).

After MOST_RESETS in a row the step in which the last one happened is a culprit. It is left out of
the cycles of the next AGAIN_S, of one at least. Then it is tried again; one more reset makes it a
culprit again, for as long.

A step is a word of STEPS, or the index of a sensor's line. Of the sensors the first 24 can be told
from each other; for the others "measure" is the culprit.
"""

from micropython import const

MOST_RESETS = const(3)
AGAIN_S = const(21600)
STEPS = ("configure", "measure", "connect", "send", "keep", "deactivate")
_SENSOR = const(6)  # number of the first sensor, behind those of STEPS
_END = const(30)  # each number is a bit of an integer of the NVS


class Trail:
    """What the NVS knows of the last cycles.

    resets     number of resets since the last good cycle
    where      the step in which the last one happened, None if unknown
    culprits   steps that are to be left out
    """

    def __init__(self):
        self.resets = _number("resets", 9999)
        self._bits = 0 if self.resets < MOST_RESETS else _number("reset_culprits", (1 << _END) - 1)
        self._marked = _number("reset_step", _END)  # 0 for none
        self.where = _step(self._marked - 1) if self._marked else None
        if self.resets >= MOST_RESETS and self._marked:
            self._bits |= 1 << self._marked - 1
            _keep("reset_culprits", self._bits)
            self._mark(0)
        self.culprits = [_step(bit) for bit in range(_END) if self._bits & 1 << bit]

    def mark(self, step):
        """Note that this step begins."""
        if isinstance(step, int):
            number = _SENSOR + step
            self._mark(1 + (number if number < _END else STEPS.index("measure")))
        else:
            self._mark(1 + STEPS.index(step))

    def good_cycle(self, period_s, left):
        """Note that the cycle reaches its sleep. Return how many cycles leave the culprits out.

        left: what the last cycle returned; None if it did not, or was reset.
        """
        self._mark(0)
        if self._bits and not (isinstance(left, int) and 0 < left <= AGAIN_S):
            left = max(1, AGAIN_S // period_s)
        left = left - 1 if self._bits else 0
        if not left:
            _keep("resets", MOST_RESETS - 1 if self._bits else 0)
            _keep("reset_culprits", 0)
            _keep("reset_in", 0)  # of boot.py
            _keep("stops", 0)  # of main.py
        return left

    def records(self, lines):
        """Return records of the resets and of the step, for a report; [] if no step is known.

        lines: of the sensors, each of which begins with the name of its module.
        """
        if self.where is None and not self.culprits:
            return []
        step = self.culprits[-1] if self.where is None else self.where
        if isinstance(step, int):
            step = lines[step][0] if step < len(lines) else "measure"
        return [("rn", self.resets, 0, None), ("ra", step, 0, None)]

    def _mark(self, number):
        if number != self._marked:
            self._marked = number
            _keep("reset_step", number)


def _step(bit):
    return STEPS[bit] if bit < _SENSOR else bit - _SENSOR


def _number(key, most):
    """Return a number of the NVS, 0 if it is missing or damaged."""
    import pycom

    value = pycom.nvs_get(key, 0)
    return value if isinstance(value, int) and 0 <= value <= most else 0


def _keep(key, value):
    import pycom

    try:
        if pycom.nvs_get(key, 0) != value:
            pycom.nvs_set(key, value)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
        from utils import logging

        logging.Logger("trail").warning("%s not kept: %s", key, error)
