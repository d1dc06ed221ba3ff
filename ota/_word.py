"""What the NVS knows of releases: numbers, so that one write changes the state as a whole.

    ota          word: state << 28 | slot << 27 | tries << 24 | cycles << 18 | seq. 0: no slots
    ota_floor    seq of the last confirmed release; none that is not newer runs
    ota_sec      its security epoch
    ota_bad      seq | cause << 18 | told << 22 of the last rejected release
    ota_nonce    questions asked so far

slot: the confirmed one, 0 for /flash/a; on trial the other one runs. tries, cycles: that are left
of the trial. seq: of the set that runs. boot.py and boot_trial.py read and write the word as well.
"""

from micropython import const

CONFIRMED = const(1)
TRIAL = const(2)

# of a rejection: crashed and undelivered are those of boot_trial.py
CAUSES = (
    "none",
    "crashed",
    "undelivered",
    "damaged",
    "refused",
    "mismatch",
    "fat",
    "space",
    "signature",
    "board",
    "base",
)

_MOST_TRIES = const(7)
_TOLD = const(1 << 22)


def running():
    """Return (slot that runs, whether it is on trial, its seq); (None, False, 0) without slots."""
    import sys

    import pycom

    word = pycom.nvs_get("ota", 0)
    slot = {"/flash/a": 0, "/flash/b": 1}.get(sys.path[0])
    if not word or slot is None:
        return None, False, 0
    on_trial = word >> 28 == TRIAL and slot != word >> 27 & 1
    if word >> 28 == TRIAL and not on_trial:  # boot_trial.py could not write the NVS
        return slot, False, pycom.nvs_get("ota_floor", 0)
    return slot, on_trial, word & 0x3FFFF


def begin_trial(slot, seq, tries, cycles):
    """Let the other slot run from the next start on. slot: the confirmed one."""
    import pycom

    pycom.nvs_set("ota", TRIAL << 28 | slot << 27 | tries << 24 | cycles << 18 | seq)


def end_cycle():
    """Note that a cycle on trial reaches its sleep: its try was none, one cycle less is left."""
    import pycom

    word = pycom.nvs_get("ota", 0)
    if not running()[1]:  # confirmed in this cycle
        return
    if word >> 24 & _MOST_TRIES < _MOST_TRIES:
        word += 1 << 24
    if word >> 18 & 63:
        word -= 1 << 18
    pycom.nvs_set("ota", word)
    _reset_none()


def confirm(slot, seq, sec):
    """The set that runs stays. The floor decides: boot_trial.py goes on from there."""
    import pycom

    pycom.nvs_set("ota_sec", sec)
    pycom.nvs_set("ota_floor", seq)
    pycom.nvs_set("ota", CONFIRMED << 28 | slot << 27 | seq)
    _reset_none()


def back(slot, seq, cause):
    """Let the confirmed set run from the next start on. slot: that is on trial."""
    import pycom

    reject(seq, cause)
    _reset_none()
    floor = pycom.nvs_get("ota_floor", 0)
    pycom.nvs_set("ota", CONFIRMED << 28 | (slot ^ 1) << 27 | floor)


def reject(seq, cause):
    """Never take this release again. cause: a word; one that is none of CAUSES: "refused"."""
    import pycom

    number = CAUSES.index(cause) if cause in CAUSES else CAUSES.index("refused")
    pycom.nvs_set("ota_bad", seq | number << 18)


def rejected():
    """Return (seq, cause, whether a server has confirmed a report of it); seq is 0 for none."""
    import pycom

    bad = pycom.nvs_get("ota_bad", 0)
    cause = bad >> 18 & 15
    word = CAUSES[cause] if cause < len(CAUSES) else "refused"
    return bad & 0x3FFFF, word, bool(bad & _TOLD)


def told_rejected():
    import pycom

    bad = pycom.nvs_get("ota_bad", 0)
    if not bad & _TOLD:
        pycom.nvs_set("ota_bad", bad | _TOLD)


def _reset_none():
    """The resets of boot.py are those of the trial; the old set must not leave out steps."""
    import pycom

    if pycom.nvs_get("resets", 0):
        pycom.nvs_set("resets", 0)
