"""A release on trial: its files are checked at each start, and the server confirms it.

    from ota import _trial
    _trial.begin()                        # at the start of a cycle; a damaged set does not return
    _trial.confirm(session, node_id)      # behind a delivered report: True if the set stays
"""

from ota import _keys, _slots, _word
from utils import logging

_BACK_MS = 1000

_log = logging.Logger("ota")


def begin():
    """Go back to the old set at once if a file of the new one is not what it should be."""
    slot, on_trial, seq = _word.running()
    if not on_trial:
        return
    key = _keys.device_key()
    found = _slots.read(slot, key) if key else "set"
    if not isinstance(found, str) and found.seq == seq:
        damaged = _slots.changed(slot, found.components)
    else:
        damaged = ["set"]
    if not damaged:
        return
    _log.error("release %d: damaged: %s", seq, ", ".join(damaged))
    _word.back(slot, seq, "damaged")
    import machine

    machine.deepsleep(_BACK_MS)


def confirm(session, node_id):
    """Let the set stay if the server has a report of it."""
    from ota import _client

    slot, on_trial, seq = _word.running()
    key = _keys.device_key()
    if not on_trial or not key or not _client.confirmed(session, node_id, key, seq):
        return False
    _word.confirm(slot, seq, _slots.read(slot, key).sec)
    _log.info("release %d confirmed", seq)
    _slots.empty(_slots.STAGING, True)
    return True
