"""Data that outlives deep sleep: sequence and boot number in NVS, and the RTC memory.

    from utils import store
    sequence = store.next_sequence()
    store.keep_cycle({"cause": "attached", "awake_ms": 13120})
    last = store.last_cycle()            # {} after anything but deep sleep
    store.keep_part("clock", content)    # bytes
    content = store.part("clock")        # b"" after anything but deep sleep

- A measurement has a sequence number, which survives resets and power loss for one small write to
  NVS per cycle. Where it is lost or damaged, numbers begin again at 0 under another boot number.
- The RTC memory (2048 bytes) costs no flash; any reset but the end of a deep sleep clears it. The
  account of the last cycle stands in front, as text; parts follow, each with a check value.
"""

from micropython import const

from utils import checksum, logging

_SEQUENCE_KEY = "report_seq"
BOOT_KEY = "report_boot"
_SEQUENCE_LAST = 2147483647
BOOT_LAST = const(65535)
_MEMORY_BYTES = const(2048)
_ACCOUNT_BYTES = const(512)  # of the RTC memory, left free for the account
_PART_BYTES = const(7)  # of a part beside its name and content: two lengths and the check value

_log = logging.Logger("store")


def next_sequence():
    """Return the next number of 0..2147483647 and store it: in NVS, or else in RTC memory.

    boot_number() belongs to it.
    """
    import pycom

    try:
        sequence = pycom.nvs_get(_SEQUENCE_KEY, -1)
        if _is_number(sequence, 0, _SEQUENCE_LAST - 1):
            boot = _stored_boot()
        else:
            boot = _lost().new_boot()  # first: a number is never given twice under one boot number
            sequence = -1
        nvs_set(_SEQUENCE_KEY, sequence + 1)
        Count.boot = boot
        return sequence + 1
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception when NVS fails
        _log.warning("no sequence number in NVS: %s", error)
        return _lost().next_sequence()


def boot_number():
    """Return the number, 1..65535, that tells apart measurements with equal sequence numbers."""
    if Count.boot is None:
        try:
            Count.boot = _stored_boot()
        except Exception as error:  # noqa: BLE001 - as above
            _log.warning("no boot number in NVS: %s", error)
            Count.boot = _lost().boot_number()
    return Count.boot


class Count:
    boot = None  # of the last sequence number


def _stored_boot():
    import pycom

    boot = pycom.nvs_get(BOOT_KEY, 0)
    return boot if _is_number(boot, 1, BOOT_LAST) else _lost().new_boot()


def _lost():
    """Return what begins a count anew; most cycles do not load it."""
    from utils import _store_lost

    return _store_lost


def _is_number(value, least, most):
    return isinstance(value, int) and least <= value <= most


def nvs_set(key, value):
    """Store an int or a text in NVS, also where damage has left one of the other kind.

    Both would stand there: an int hides a text, and a text takes room. Raises what the firmware
    raises, a bare Exception.
    """
    import pycom

    if isinstance(pycom.nvs_get(key, value), str) != isinstance(value, str):
        pycom.nvs_erase(key)
    pycom.nvs_set(key, value)


def keep_cycle(account):
    """Keep a dict of str, int and lists of these over the next deep sleep.

    False if it is too long; the one before is forgotten then, and the parts stay.
    """
    import ujson

    text = ujson.dumps(account).encode()
    # the length in front reveals a truncated text, which ujson.loads could accept
    parts = _parts(_read()[1])
    if _write(str(len(text)).encode() + b" " + text, parts):
        return True
    _write(b"", parts)
    return False


def last_cycle():
    """Return the dict kept before the deep sleep, {} if it is missing or damaged."""
    import ujson

    try:
        account = ujson.loads(_read()[0].decode().split(" ", 1)[1])
        if isinstance(account, dict):
            return account
    except (IndexError, ValueError):  # nothing kept, or not by us
        pass
    return {}


def part(name):
    """Return the bytes of a part as they were kept, b"" if there is none or it is damaged."""
    for each, content in _parts(_read()[1]):
        if each == name:
            return content
    return b""


def keep_part(name, content):
    """Keep bytes over the next deep sleep; b"" removes the part. False if there is no room."""
    account, rest = _read()
    parts = [each for each in _parts(rest) if each[0] != name]
    if content:
        parts.append((name, bytes(content)))
    return _write(account, parts)


def room(name):
    """Return how many bytes a part may have, beside the others and an account of 512 bytes."""
    account, rest = _read()
    taken = max(_ACCOUNT_BYTES, len(account)) + _PART_BYTES + len(name)
    for each, content in _parts(rest):
        if each != name:
            taken += _PART_BYTES + len(each) + len(content)
    return max(0, _MEMORY_BYTES - taken)


def _read():
    """Return (account with its length in front, the bytes behind it) of the RTC memory."""
    import machine

    try:
        memory = bytes(machine.RTC().memory())
        digits = memory[:5].split(b" ", 1)[0]
        end = len(digits) + 1 + int(digits.decode())
        if len(digits) < end <= len(memory):
            return memory[:end], memory[end:]
    except (OSError, ValueError):  # nothing kept, or not by us
        pass
    return b"", b""


def _parts(content):
    """Return [(name, bytes)] of those parts that are whole."""
    parts, place = [], 0
    while place + _PART_BYTES <= len(content):
        name_end = place + 3 + content[place]
        end = name_end + int.from_bytes(content[place + 1 : place + 3], "big")
        if end + checksum.BYTES > len(content):
            break
        try:
            if checksum.of(content[place:end]) == content[end : end + checksum.BYTES]:
                name = content[place + 3 : name_end].decode()
                parts.append((name, content[name_end:end]))
        except (OSError, ValueError) as error:
            _log.warning("RTC memory: %s", error)
        place = end + checksum.BYTES
    return parts


def _write(account, parts):
    import machine

    memory = account or b"2 {}"
    try:
        for name, content in parts:
            head = bytes((len(name),)) + len(content).to_bytes(2, "big")
            whole = head + name.encode() + content
            memory += whole + checksum.of(whole)
        machine.RTC().memory(memory)
        return True
    except (OSError, ValueError) as error:  # longer than 2048 bytes
        _log.warning("not kept in RTC memory: %s", error)
        return False
