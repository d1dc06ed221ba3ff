"""One cycle's work for a release that the server offers, behind the report of the cycle.

    from ota import _client
    client = _client.Client("kCsQxGOU", 8192, timing.Deadline(60000))
    client.work(session)
    print(client.percent, client.is_ready, client.changed)      # 40, False, []

The order of the checks is that of ota/_envelope.py: the tag of the device key before anything is
fetched, then the digest, the signature, the manifest, each file of the set that runs, and then the
content of the new components, each with its size, SHA-256 and header.
"""

from micropython import const

from ota import _envelope, _keys, _manifest, _slots, _staging, _word
from utils import logging

_AUTHORIZE = const(1)  # kinds of questions
_CONFIRM = const(2)
_MOST_MISMATCHES = const(3)
_ROOT = "/flash/keys/root"
_RELEASE = "/flash/keys/release"
_SPARE = const(4)  # a fourth of what is needed stays free

_log = logging.Logger("ota")


class Client:
    """percent: of the bytes of the release that are there, None while that is not known.
    is_ready: the other slot can be filled. changed: what somebody changed by hand."""

    def __init__(self, node_id, most_bytes, deadline):
        self.percent = None
        self.is_ready = False
        self.changed = []
        self.result = None  # the Set that the release makes
        self._id = node_id
        self._budget = _staging.Budget(most_bytes, deadline)
        self._key = _keys.device_key()
        self._slot, _, self._seq = _word.running()
        self._offer = None

    def work(self, session):
        """Go on with what session.offer says, as far as this cycle may."""
        seq, digest = session.offer
        bad = _word.rejected()[0]
        if self._slot is None or not self._key or seq in (bad, self._seq):
            return
        cause = _unable()
        if cause:
            self._reject(seq, cause)
            return
        self._offer = _staging.read(self._key)
        known = self._offer and self._offer.seq == seq and self._offer.sha256[:16] == _hex(digest)
        if not known and not self._authorize(session, seq, digest):
            return
        manifest = self._manifest(session)
        if manifest and self._is_untouched() and self._has_room(manifest):
            self._fetch(session, manifest)

    def resume(self):
        """Return whether all of a release is there, without a session: after a cut in fill()."""
        self._offer = _staging.read(self._key) if self._key else None
        if not self._offer or self._offer.state < _staging.COMPLETE:
            return False
        return bool(self._manifest(None))

    def fill(self, deadline):
        """Fill the other slot and let it run on trial from the next start on. False if that takes
        another cycle. Call it when the radio is off."""
        running = _slots.read(self._slot, self._key)
        if self._offer.state != _staging.FILLING:
            _slots.empty(_slots.folder(self._slot ^ 1))
            self._note(state=_staging.FILLING)
        outcome = _slots.fill(
            self._slot ^ 1, self.result, running, self._slot, self._key, deadline
        )
        if outcome is _slots.FILLED:
            _word.begin_trial(self._slot, self.result.seq, *self.result.trial)
            return True
        if outcome is not _slots.LATER:  # changed since it was checked
            _log.error("%s is not what it was", outcome)
            self._note(state=_staging.AUTHORIZED)
        return False

    def _authorize(self, session, seq, digest):
        """Ask whether the server means this node; a newer key file may come first."""
        for _ in range(2):
            answer = ask(session, self._id, self._key, _AUTHORIZE, self._seq, seq)
            if not answer:
                return False
            sha256 = _hex(answer.digest)
            if answer.kind == _envelope.RELEASE:
                if answer.seq != seq or answer.digest[:8] != digest:
                    return False
                _staging.begin()
                self._offer = _staging.Offer(seq, answer.length, sha256, 0, 0)
                self._note()
                return True
            if answer.kind != _envelope.KEYS or not self._renew_keys(session, answer):
                return False
        return False

    def _renew_keys(self, session, answer):
        """Replace the key file by a newer one that the root key has signed."""
        import uos

        sha256 = _hex(answer.digest)
        if _slots.size_of(_slots.STAGING) is None:
            uos.mkdir(_slots.STAGING)
        if _staging.fetch(session, sha256, answer.length, self._budget) != _staging.WHOLE:
            return False
        path = _staging.place(sha256)
        root, kept = _content(_ROOT), _content(_RELEASE)
        now = _keys.key_file(kept, root)
        above = -1 if isinstance(now, str) else now.version
        found = _keys.key_file(_content(path), root, above)
        if isinstance(found, str):
            _log.error("key file refused: %s", found)
            _slots.remove(path)
            return False
        uos.rename(path, _RELEASE)
        return True

    def _manifest(self, session):
        """Return the Manifest of the offer, fetched and checked; None if not in this cycle."""
        offer = self._offer
        outcome = _staging.fetch(session, offer.sha256, offer.length, self._budget)
        if outcome != _staging.WHOLE:
            return self._take(outcome)
        data = _content(_staging.place(offer.sha256))
        if _hex(_keys.sha256(data)) != offer.sha256:
            return self._take(_staging.MISMATCH)
        if offer.state >= _staging.VERIFIED:  # by the same bytes, in an earlier cycle
            body = data[7:-384]
        else:
            keys = _keys.key_file(_content(_RELEASE), _content(_ROOT))
            body = keys if isinstance(keys, str) else _envelope.opened(data, keys.moduli)
        found = body if isinstance(body, str) else _manifest.parse(body)
        running = _slots.read(self._slot, self._key)
        if isinstance(running, str):
            _log.error("set of the running slot: %s", running)
            self.changed = ["set"]
            return None
        if not isinstance(found, str):
            self.result = self._checked(found, running)
            if not isinstance(self.result, str):
                if offer.state < _staging.VERIFIED:
                    self._note(state=_staging.VERIFIED)
                return found
            found = self.result
        self._reject(offer.seq, found)
        return None

    def _checked(self, manifest, running):
        import uos
        import pycom

        if manifest.seq != self._offer.seq:
            return "manifest"
        board = uos.uname()
        floor, sec = pycom.nvs_get("ota_floor", 0), pycom.nvs_get("ota_sec", 0)
        machine = board.sysname, board.release
        return _manifest.check(manifest, running, machine, floor, _word.rejected()[0], sec)

    def _is_untouched(self):
        """Return whether all files that run are those of the set: nothing that somebody changed by
        hand gets into another set, or is lost with it."""
        running = _slots.read(self._slot, self._key)
        self.changed = _slots.changed(self._slot, running.components)
        if self.changed:
            _log.error("changed by hand: %s", ", ".join(self.changed))
        return not self.changed

    def _has_room(self, manifest):
        import uos

        if self._offer.state >= _staging.COMPLETE:
            return True
        wanted = sum([each.size for each in self.result.components.values()])
        wanted += sum([each.size for each in manifest.added.values()])
        files = len(self.result.components) + len(manifest.added)
        space = uos.statvfs("/flash")
        block = space[0]
        free = space[3] + _blocks_of(_slots.folder(self._slot ^ 1), block)
        if free * block >= (wanted + files * block // 2) * (_SPARE + 1) // _SPARE:
            return True
        self._reject(self._offer.seq, "space")
        return False

    def _fetch(self, session, manifest):
        """Fetch the content of the new components, in the order of their names."""
        total = sum([each.size for each in manifest.added.values()]) or 1
        outcome = _staging.WHOLE
        there = 0
        for name in sorted(manifest.added):
            component = manifest.added[name]
            if outcome == _staging.WHOLE:
                outcome = self._component(session, component)
            there += _staging.size_of(component.sha256, component.size)
        self.percent = there * 100 // total
        if outcome == _staging.WHOLE:
            self._note(state=max(_staging.COMPLETE, self._offer.state))
            self.is_ready = True
        else:
            self._take(outcome)

    def _component(self, session, component):
        outcome = _staging.fetch(session, component.sha256, component.size, self._budget)
        if outcome == _staging.WHOLE:
            with open(_staging.place(component.sha256), "rb") as file:
                head = file.read(4)
            if not _manifest.is_loadable(component.kind, head):
                return "mpy"
        return outcome

    def _take(self, outcome):
        """Deal with content that is not there; None."""
        if outcome == _staging.LATER:
            return
        bad = self._offer.bad + 1
        if outcome != _staging.MISMATCH or bad >= _MOST_MISMATCHES:
            self._reject(self._offer.seq, outcome)
        else:
            _log.warning("content that is not what the release says")
            self._note(bad=bad)

    def _note(self, state=None, bad=None):
        """Keep how far the release is."""
        offer = self._offer
        state = offer.state if state is None else state
        bad = offer.bad if bad is None else bad
        self._offer = _staging.Offer(offer.seq, offer.length, offer.sha256, state, bad)
        _staging.write(self._offer, self._key)

    def _reject(self, seq, cause):
        _log.error("release %d refused: %s", seq, cause)
        _word.reject(seq, cause)
        _slots.empty(_slots.STAGING, True)
        self.percent = None


def changed():
    """Return what somebody changed by hand in the set that runs, [] for nothing."""
    slot, key = _word.running()[0], _keys.device_key()
    found = _slots.read(slot, key) if key and slot is not None else "key"
    return ["set"] if isinstance(found, str) else _slots.changed(slot, found.components)


def ask(session, node_id, key, kind, seq, wanted):
    """Ask the server, and return the Answer of ota/_envelope.py that has the right tag, or None."""
    import pycom
    import ucrypto

    keys = _content(_RELEASE)
    count = pycom.nvs_get("ota_nonce", 0) + 1
    pycom.nvs_set("ota_nonce", count & 0x7FFFFFFF)  # before its use: never the same one again
    nonce = count.to_bytes(4, "big") + ucrypto.getrandbits(64)[:8]
    question = bytes((1, kind)) + seq.to_bytes(3, "big") + wanted.to_bytes(3, "big")
    question += keys[4:6] + nonce + node_id.encode()
    payload = session.ask("u", question)
    if payload is None:
        return None
    answer = _envelope.answer(payload, key, node_id, nonce)
    if isinstance(answer, str):
        _log.warning("answer refused: %s", answer)
        return None
    return answer


def confirmed(session, node_id, key, seq):
    """Return whether the server has a report of this release."""
    answer = ask(session, node_id, key, _CONFIRM, seq, seq)
    return bool(answer) and answer.kind == _envelope.CONFIRMED and answer.seq == seq


def _unable():
    """Return why this board takes no release at all, None if it does."""
    import pycom

    # one that cannot tell has an older firmware, which has FAT
    return None if "LittleFS" in pycom.bootmgr() else "fat"


def _content(path):
    """Return a file, b"" if it is not there. Longer than any of ours it is cut."""
    try:
        with open(path, "rb") as file:
            return file.read(65536)
    except OSError:
        return b""


def _blocks_of(folder, block):
    """Return how many blocks the files of the other slot take, which goes before it is filled."""
    import uos

    blocks = 0
    try:
        for name, kind, _, size in uos.ilistdir(folder):
            below = folder + "/" + name
            blocks += _blocks_of(below, block) if kind == 0x4000 else (size + block - 1) // block
    except OSError:  # not there
        pass
    return blocks


def _hex(data):
    import ubinascii

    return str(ubinascii.hexlify(data), "ascii")
