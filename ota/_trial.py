"""The files of the set that runs: each start on trial checks them, and others once a day.

from ota import _trial
if _trial.changed(): ...            # by hand
_trial.begin()                      # at the start of a cycle; a damaged set does not return
"""

from ota import _slots, _word
from utils import logging

_log = logging.Logger("ota")


def changed():
    """Return what differs from the set that runs: names of components, and paths of other files;
    ["set"] if its list is another one."""
    slot, _, seq = _word.running()
    found = _slots.read(slot)
    if isinstance(found, str) or found.seq != seq:
        return ["set"]
    return _slots.changed(slot, found.components)


def begin():
    """Go back to the old set at once if a file of the new one is not what it should be."""
    slot, on_trial, seq = _word.running()
    names = changed() if on_trial else None
    if names:
        import machine

        _log.error("damaged: %s", names)
        _word.back(slot, seq, "damaged")
        machine.deepsleep(1000)
