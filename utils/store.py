"""Data that outlives deep sleep: sequence number, account of the last cycle, unsent reports.

    from utils import store
    sequence = store.next_sequence()
    store.keep_cycle({"cause": "attached", "awake_ms": 13120})
    last = store.last_cycle()            # {} after anything but deep sleep
    queue = store.Backlog("/flash/backlog.bin", 4096)
    queue.add(datagram)

- The sequence number is in NVS: it survives resets and power loss, for one small write per cycle.
- The account of the last cycle is in the RTC memory: it costs no flash and is lost with the power.
- The backlog is a file of length-prefixed datagrams, limited in bytes. When it is full, the oldest
  are dropped and counted. It is written under another name and renamed: on FAT, which a board may
  have instead of LittleFS, a loss of power destroys a file that is being written.
"""

from utils import logging

_SEQUENCE_KEY = "report_seq"
_SEQUENCE_END = 65536  # keeps the number within three bytes of CBOR

_log = logging.Logger("store")


def next_sequence():
    """Return the next number of 0..65535 and store it; 0 if there is none, or it is damaged.

    None if the NVS cannot be used.
    """
    import pycom

    try:
        last = pycom.nvs_get(_SEQUENCE_KEY, -1)
        sequence = (last + 1 if isinstance(last, int) else 0) % _SEQUENCE_END
        pycom.nvs_set(_SEQUENCE_KEY, sequence)
        return sequence
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception when NVS fails
        _log.warning("no sequence number: %s", error)
        return None


def keep_cycle(account):
    """Keep a dict of str, int and lists of these over the next deep sleep."""
    import machine
    import ujson

    text = ujson.dumps(account)
    try:
        # the length in front reveals a truncated text, which ujson.loads could accept
        machine.RTC().memory("{} {}".format(len(text), text).encode())
    except (OSError, ValueError) as error:
        _log.warning("cycle not kept: %s", error)


def last_cycle():
    """Return the dict kept before the deep sleep, {} if it is missing or damaged."""
    import machine
    import ujson

    try:
        length, text = machine.RTC().memory().decode().split(" ", 1)
        size = int(length)
        if size <= len(text):  # a greater number may not even fit into a slice
            account = ujson.loads(text[:size])
            if isinstance(account, dict):
                return account
    except (OSError, ValueError):  # nothing kept, or not by us
        pass
    return {}


class Backlog:
    """Datagrams that could not be sent, oldest first, in one file.

    None is empty: a stretch of the file that reads as zeros is skipped.
    """

    def __init__(self, path, limit_bytes):
        self._path = path
        self._limit = limit_bytes
        self.dropped = 0  # datagrams dropped for lack of room since this object was made

    def load(self):
        """Return all datagrams as a list of bytes; [] if there are none or they cannot be read."""
        for path in (self._path, self._path + ".new"):
            try:
                with open(path, "rb") as file:
                    return _split(file.read(self._limit + 2))
            except OSError:
                continue  # absent; or a rename was interrupted, and the new file is complete
        return []

    def add(self, datagram):
        """Append one datagram, dropping the oldest for lack of room. False if not written."""
        return self.save(self.load() + [bytes(datagram)])

    def save(self, datagrams):
        """Replace the content. If the flash refuses: log, keep the old content, return False."""
        import uos

        kept = list(datagrams)
        while kept and sum(len(datagram) + 2 for datagram in kept) > self._limit:
            kept.pop(0)
            self.dropped += 1
        try:
            if not kept:
                _remove(uos, self._path)
                return True
            with open(self._path + ".new", "wb") as file:
                for datagram in kept:
                    file.write(len(datagram).to_bytes(2, "big"))
                    file.write(datagram)
            uos.rename(self._path + ".new", self._path)
            return True
        except OSError as error:
            _log.warning("backlog not written: %s", error)
            return False


def _split(content):
    datagrams = []
    while len(content) >= 2:
        length = int.from_bytes(content[:2], "big")
        if len(content) < 2 + length:
            break  # the file is truncated; keep the complete datagrams
        if length:
            datagrams.append(content[2 : 2 + length])
        content = content[2 + length :]
    return datagrams


def _remove(uos, path):
    for name in (path, path + ".new"):
        try:
            uos.remove(name)
        except OSError:
            pass  # it was not there
