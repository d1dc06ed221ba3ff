"""What the NVS knows of releases: numbers, so that one write changes the state as a whole.

    ota          word: state << 28 | slot << 27 | tries << 24 | cycles << 18 | seq. 0: no slots
    ota_floor    seq of the last confirmed release; none that is not newer runs
    ota_sec      its security epoch
    ota_bad      seq | cause << 18 | told << 22 of the last rejected or damaged release
    ota_failed   seq of the last one that was rejected on trial, if ota_bad is another one
    ota_nonce    questions asked so far

state: 1 confirmed, 2 on trial. slot: the confirmed one, 0 for /flash/a; on trial the other one
runs. tries, cycles: that are left of the trial; of a confirmed set tries counts the starts that
failed. seq: of the set that runs. boot.py and boot_trial.py read and write the word as well.
"""

from micropython import const

# of a rejection, by number; the first three are given by boot_trial.py. The log has others as well
CAUSES = "none crashed undelivered damaged refused mismatch fat space signature base board"
_REFUSED = const(4)
_CONFIRMED = const(1 << 28)
_TRIAL = const(2 << 28)
_TOLD = const(1 << 22)
_SEQ = const(0x3FFFF)


def get(key):
    """Return a number of the NVS, 0 if it is not there or damaged."""
    import pycom

    value = pycom.nvs_get(key, 0)
    return value if isinstance(value, int) else 0


def put(key, value):
    import pycom

    if get(key) != value:
        pycom.nvs_set(key, value)


def running():
    """Return (slot that runs, whether it is on trial, its seq); (None, False, 0) without slots."""
    import sys

    word = get("ota")
    slot = {"/flash/a": 0, "/flash/b": 1}.get(sys.path[0])
    if not word or slot is None:
        return None, False, 0
    on_trial = word & _TRIAL and slot != word >> 27 & 1
    if word & _TRIAL and not on_trial:  # boot_trial.py could not write the NVS
        return slot, False, get("ota_floor")
    return slot, bool(on_trial), word & _SEQ


def begin_trial(slot, seq, tries, cycles):
    """Let the other slot run from the next start on. slot: the confirmed one."""
    put("ota", _TRIAL | slot << 27 | tries << 24 | cycles << 18 | seq)


def end_cycle():
    """Note that a cycle on trial reaches its sleep: its try was none, one cycle less is left."""
    word = get("ota")
    if not running()[1]:  # confirmed in this cycle
        return
    if word >> 24 & 7 < 7:
        word += 1 << 24
    if word >> 18 & 63:
        word -= 1 << 18
    put("ota", word)
    put("resets", 0)  # of boot.py: the old set must not leave out steps for those of this one


def confirm(slot, seq, sec):
    """Keep the set that runs. The floor decides: boot_trial.py goes on from there."""
    put("ota_sec", sec)
    put("ota_floor", seq)
    put("ota", _CONFIRMED | slot << 27 | seq)
    put("resets", 0)


def back(slot, seq, cause):
    """Let the confirmed set run from the next start on. slot: that is on trial."""
    reject(seq, cause)
    put("resets", 0)
    put("ota", _CONFIRMED | (slot ^ 1) << 27 | get("ota_floor"))


def reject(seq, cause):
    """Never take this release again. cause: a word; one that is none of CAUSES: "refused"."""
    put("ota_failed", failed())
    causes = CAUSES.split()
    put("ota_bad", seq | (causes.index(cause) if cause in causes else _REFUSED) << 18)


def failed():
    """Return the number of the last release that was rejected on trial: none up to it runs again,
    whatever a server has the node refuse in between."""
    bad = get("ota_bad")
    return bad & _SEQ if bad >> 18 & 15 < _REFUSED else get("ota_failed")


def rejected():
    """Return (seq, cause, whether a report has said so); seq is 0 for none."""
    bad = get("ota_bad")
    return bad & _SEQ, (CAUSES.split() + 5 * ["refused"])[bad >> 18 & 15], bool(bad & _TOLD)


def told_rejected():
    put("ota_bad", get("ota_bad") | _TOLD)
