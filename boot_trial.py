# What boot.py does while a release is on trial, and main.py if a file cannot be imported.
#
# Needs nothing of ours, and never changes in the field. The word in NVS: ota/_word.py. After each
# write the board boots, whenever the power fails.

import pycom

_FLOOR, _BAD = "ota_floor", "ota_bad"
_CONFIRMED = 1 << 28
_TRY = 1 << 24
_CRASHED, _UNDELIVERED, _DAMAGED = 1, 2, 3  # causes
_STARTS = 3  # of a confirmed set that fail until the older one runs: a read can fail once


# Return the slot that runs, 0 or 1, of a board whose word says that the other one is on trial.
def slot(word):
    confirmed = word >> 27 & 1
    seq = word & 0x3FFFF
    floor = pycom.nvs_get(_FLOOR, 0)
    if not isinstance(floor, int):
        floor = 0  # damaged
    if floor == seq:  # it was confirmed, and the power failed before the word said so
        pycom.nvs_set("ota", _CONFIRMED | (confirmed ^ 1) << 27 | seq)
        return confirmed ^ 1
    tries, cycles = word >> 24 & 7, word >> 18 & 63
    if tries and cycles:
        pycom.nvs_set("ota", word - _TRY)  # before anything of it is imported
        return confirmed ^ 1
    pycom.nvs_set(_BAD, seq | (_UNDELIVERED if tries else _CRASHED) << 18)
    pycom.nvs_set("resets", 0)  # they were those of the rejected set
    pycom.nvs_set("ota", _CONFIRMED | confirmed << 27 | floor)
    if pycom.nvs_get("back_off", ""):
        pycom.nvs_set("back_off", "")  # nor have its failures to deliver been those of this set
    return confirmed


# Return for how many seconds to sleep if a file cannot be imported.
def rest_s():
    word = pycom.nvs_get("ota", 0)
    if not isinstance(word, int) or not word:
        soon = _found()
    else:
        soon = word >> 28 == 2 or _failed(word)
    return 10 if soon else 3600


# Count a start that the confirmed set could not do; return whether the next one can be better. The
# older set was confirmed before; one with a higher number has been rejected.
def _failed(word):
    starts, seq = (word >> 24 & 7) + 1, word & 0x3FFFF
    if starts < _STARTS:
        pycom.nvs_set("ota", word + _TRY)
        return True
    other = word >> 27 & 1 ^ 1
    older = _seq(other)
    if not 0 < older < seq:
        return False
    pycom.nvs_set(_BAD, seq | _DAMAGED << 18)
    pycom.nvs_set("ota", _CONFIRMED | other << 27 | older)
    return True


# The NVS is lost: take a slot that holds a whole set, the older of two, which was confirmed.
def _found():
    found = [(_seq(number), number) for number in range(2) if _seq(number)]
    if not found:
        return False
    seq, number = min(found)
    pycom.nvs_set(_FLOOR, seq)
    pycom.nvs_set("ota", _CONFIRMED | number << 27 | seq)
    return True


# Return the number of the set in a slot, 0 for none or a damaged list.
def _seq(number):
    try:
        with open("/flash/%s/set" % "ab"[number]) as file:
            file.readline()
            return int(file.readline().split()[1])
    except (IndexError, OSError, ValueError):
        return 0
